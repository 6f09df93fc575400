//! Servers that insist on a group.

use serde_json::{Value, json};

use super::{Case, up_to_tls13};
use crate::support::envoy::merge;
use crate::support::servers::{Gnutls, Haproxy, Jsse, Nginx, Node, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = at_tls12();
    cases.extend(at_tls13());
    cases
}

/// Envoy's classical default groups and one more.
fn with_group(group: &str) -> Value {
    json!({ "ecdh_curves": ["X25519", "P-256", group] })
}

fn at_tls12() -> Vec<Case> {
    let openssl = |groups: &'static str| {
        Case::new(format!("{groups} alone at TLS 1.2"), move || {
            Openssl::new(&format!("-tls1_2 -cipher ECDHE -groups {groups}")).start()
        })
    };
    vec![
        openssl("X25519"),
        openssl("P-256"),
        openssl("P-384").fixed_by_params(with_group("P-384")),
        openssl("P-521").fixed_by_params(with_group("P-521")),
        openssl("X448").fails_but_is_reached_by("-groups X448"),
        openssl("brainpoolP256r1").fails_but_is_reached_by("-tls1_2 -groups brainpoolP256r1"),
        openssl("secp256k1").fails_but_is_reached_by("-tls1_2 -groups secp256k1"),
        Case::new("P-384 alone, RSA key exchange as well", || {
            Openssl::new("-tls1_2 -groups P-384").start()
        })
        .fixed_by_params(json!({ "cipher_suites": ["AES128-GCM-SHA256"] })),
        Case::new("X448 alone, RSA key exchange as well", || {
            Openssl::new("-tls1_2 -groups X448").start()
        })
        .fixed_by_params(json!({ "cipher_suites": ["AES128-GCM-SHA256"] })),
        Case::new("P-384 alone of nginx", || {
            Nginx::new().protocols("TLSv1.2").ciphers("ECDHE").curves("secp384r1").start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 and P-521 of HAProxy", || {
            Haproxy::new().bind("ssl-max-ver TLSv1.2 ciphers ECDHE curves P-521:P-384").start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 alone of GnuTLS", || {
            Gnutls::new(
                "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:-GROUP-ALL:+GROUP-SECP384R1",
            )
            .start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-384 alone of Java", || {
            Jsse::new()
                .protocols("TLSv1.2")
                .suites("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
                .property("jdk.tls.namedGroups=secp384r1")
                .start()
        })
        .fixed_by_params(with_group("P-384")),
        Case::new("P-521 alone of Node", || {
            let options =
                json!({ "maxVersion": "TLSv1.2", "ciphers": "ECDHE", "ecdhCurve": "P-521" });
            Node::new(options).start()
        })
        .fixed_by_params(with_group("P-521")),
    ]
}

fn at_tls13() -> Vec<Case> {
    let openssl = |groups: &'static str| {
        Case::new(format!("{groups} alone at TLS 1.3"), move || {
            Openssl::new(&format!("-tls1_3 -groups {groups}")).start()
        })
    };
    let tls13_with_group = |group| {
        let mut patch = with_group(group);
        merge(&mut patch, &up_to_tls13());
        patch
    };
    vec![
        // Needs a HelloRetryRequest, since Envoy's key share is for X25519.
        openssl("P-256").fixed_by_params(up_to_tls13()),
        openssl("P-384").fixed_by_params(tls13_with_group("P-384")),
        openssl("P-521").fixed_by_params(tls13_with_group("P-521")),
        openssl("X448").fails_but_is_reached_by("-groups X448"),
        openssl("ffdhe2048").fails_but_is_reached_by("-groups ffdhe2048"),
    ]
}
