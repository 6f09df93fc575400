//! Servers whose key, key usage or signature schemes decide.

use serde_json::{Value, json};

use super::{Case, Known, only_tls13, params, up_to_tls13};
use crate::support::envoy::merge;
use crate::support::keys::Leaf;
use crate::support::servers::{Haproxy, Jsse, Nginx, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = keys_at_tls12();
    cases.extend(keys_at_tls13());
    cases.extend(key_usages());
    cases.extend(schemes());
    cases
}

/// Envoy's classical default groups and one more.
fn with_group(group: &str) -> Value {
    json!({ "ecdh_curves": ["X25519", "P-256", group] })
}

/// Envoy's default signature schemes and one more.
fn with_scheme(scheme: &str) -> Value {
    json!({ "signature_algorithms": [
        "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256",
        "ecdsa_secp384r1_sha384", "rsa_pss_rsae_sha384", "rsa_pkcs1_sha384",
        "rsa_pss_rsae_sha512", "rsa_pkcs1_sha512", "rsa_pkcs1_sha1", scheme,
    ] })
}

fn both(mut one: Value, other: &Value) -> Value {
    merge(&mut one, other);
    one
}

fn keys_at_tls12() -> Vec<Case> {
    let openssl = |leaf| {
        Case::new(format!("{leaf:?} key at TLS 1.2"), move || {
            Openssl::new("-tls1_2").leaf(leaf).start()
        })
    };
    vec![
        openssl(Leaf::Rsa),
        openssl(Leaf::EcdsaP256),
        openssl(Leaf::EcdsaP384).fixed_by_params(with_group("P-384")),
        openssl(Leaf::EcdsaP521).fixed_by_params(with_group("P-521")),
        openssl(Leaf::Ed25519).fixed_by_params(with_scheme("ed25519")),
        openssl(Leaf::Ed448).fails_but_is_reached_by(""),
        Case::new("P-384 key of nginx", || {
            Nginx::new().leaves(&[Leaf::EcdsaP384]).protocols("TLSv1.2").start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 key of HAProxy", || {
            Haproxy::new().leaf(Leaf::EcdsaP384).bind("ssl-max-ver TLSv1.2").start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 key of Java", || {
            Jsse::new().leaf(Leaf::EcdsaP384).protocols("TLSv1.2").start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 and RSA keys of nginx", || {
            Nginx::new().leaves(&[Leaf::EcdsaP384, Leaf::Rsa]).protocols("TLSv1.2").start()
        }),
        Case::new("ECDSA key alone, Envoy with RSA suites alone", || {
            Openssl::new("-tls1_2").leaf(Leaf::EcdsaP256).start()
        })
        .params(json!({ "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"] }))
        .fixed_by_params(json!({ "cipher_suites": ["ECDHE-ECDSA-AES128-GCM-SHA256"] })),
    ]
}

fn keys_at_tls13() -> Vec<Case> {
    let openssl = |leaf| {
        Case::new(format!("{leaf:?} key at TLS 1.3"), move || {
            Openssl::new("-tls1_3").leaf(leaf).start()
        })
        .params(only_tls13())
    };
    vec![
        openssl(Leaf::Rsa),
        openssl(Leaf::EcdsaP256),
        openssl(Leaf::EcdsaP384),
        openssl(Leaf::EcdsaP521).fixed_by_params(with_scheme("ecdsa_secp521r1_sha512")),
        openssl(Leaf::Ed25519).fixed_by_params(with_scheme("ed25519")),
        openssl(Leaf::Ed448).fails_but_is_reached_by(""),
    ]
}

fn key_usages() -> Vec<Case> {
    let openssl = |leaf, what: &'static str, args: &'static str| {
        Case::new(format!("{leaf:?}, {what}"), move || Openssl::new(args).leaf(leaf).start())
    };
    let rsa_exchange = json!({ "cipher_suites": ["AES128-GCM-SHA256"] });
    // Up to 1.37, Envoy minds the key usage of RSA certificates at TLS 1.3 only.
    vec![
        openssl(Leaf::RsaSigningOnly, "ECDHE alone", "-tls1_2 -cipher ECDHE"),
        openssl(Leaf::RsaSigningOnly, "RSA key exchange alone", "-tls1_2 -cipher kRSA")
            .fails_but_is_reached_by("")
            .but_1_36(Known::FixedBy(params(rsa_exchange.clone()))),
        openssl(Leaf::RsaSigningOnly, "RSA key exchange alone, listed", "-tls1_2 -cipher kRSA")
            .params(rsa_exchange.clone())
            .fails_but_is_reached_by("")
            .but_1_36(Known::Connects),
        openssl(Leaf::RsaSigningOnly, "TLS 1.3", "-tls1_3").fixed_by_params(up_to_tls13()),
        openssl(Leaf::RsaEnciphermentOnly, "ECDHE alone", "-tls1_2 -cipher ECDHE")
            .fails_but_is_reached_by("")
            .but_1_36(Known::Connects),
        openssl(Leaf::RsaEnciphermentOnly, "RSA key exchange alone", "-tls1_2 -cipher kRSA")
            .fixed_by_params(rsa_exchange.clone()),
        openssl(Leaf::RsaEnciphermentOnly, "all suites", "-tls1_2")
            .fixed_by_params(rsa_exchange)
            .but_1_36(Known::Connects),
        openssl(Leaf::RsaEnciphermentOnly, "TLS 1.3", "-tls1_3").fails_but_is_reached_by(""),
        // OpenSSL itself makes no use of such a key.
        openssl(Leaf::EcdsaWithoutSigning, "TLS 1.2", "-tls1_2").fails(),
        openssl(Leaf::EcdsaWithoutSigning, "TLS 1.3", "-tls1_3").fails(),
    ]
}

fn schemes() -> Vec<Case> {
    let openssl = |leaf, scheme: &'static str| {
        Case::new(format!("{leaf:?} key, {scheme} alone"), move || {
            Openssl::new(&format!("-tls1_2 -cipher ECDHE:@SECLEVEL=0 -sigalgs {scheme}"))
                .leaf(leaf)
                .start()
        })
    };
    vec![
        openssl(Leaf::Rsa, "rsa_pss_rsae_sha512"),
        openssl(Leaf::Rsa, "RSA+SHA1"),
        openssl(Leaf::Rsa, "RSA+SHA224").fails_but_is_reached_by("-sigalgs RSA+SHA224"),
        openssl(Leaf::EcdsaP256, "ECDSA+SHA1").fixed_by_params(with_scheme("ecdsa_sha1")),
        openssl(Leaf::EcdsaP256, "ECDSA+SHA512")
            .fixed_by_params(with_scheme("ecdsa_secp521r1_sha512")),
        openssl(Leaf::EcdsaP521, "ecdsa_secp521r1_sha512")
            .fixed_by_params(both(with_scheme("ecdsa_secp521r1_sha512"), &with_group("P-521"))),
    ]
}
