//! Servers that insist on a group.

use serde_json::{Value, json};

use super::{Case, Known, params, up_to_tls13};
use crate::support::envoy::merge;
use crate::support::servers::{Gnutls, Haproxy, Jsse, Nginx, Node, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = at_tls12();
    cases.extend(at_tls13());
    cases.extend(large_hellos());
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

/// What drops hellos with a post-quantum key. Envoy 1.40 sends one wherever TLS 1.3 is on, 1.36
/// where it is told to.
fn large_hellos() -> Vec<Case> {
    let drops = |name: &str, args: &'static str, most: usize, how: &'static str| {
        Case::new(format!("{name}, hellos above {most} bytes dropped"), move || {
            Openssl::new(args).start().behind(&format!("longest-hello={most}:{how}"))
        })
    };
    let classical = || json!({ "ecdh_curves": ["X25519", "P-256"] });
    let mut both = classical();
    merge(&mut both, &up_to_tls13());
    let large = || json!({ "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256"] });
    vec![
        drops("TLS 1.2 and 1.3 on, reset", "", 1400, "reset")
            .params(up_to_tls13())
            .fixed_by_params(classical())
            .but_1_36(Known::Connects),
        drops("TLS 1.3 alone on, closed", "-tls1_3", 511, "close")
            .params(up_to_tls13())
            .fixed_by_params(classical())
            .but_1_36(Known::Connects),
        drops("TLS 1.3 alone on, silent", "-tls1_3", 255, "silence")
            .params(up_to_tls13())
            .fixed_by_params(classical())
            .but_1_36(Known::Connects),
        drops("TLS 1.3 alone off", "-tls1_3", 1400, "reset")
            .fixed_by_params(both)
            .but_1_36(Known::FixedBy(params(up_to_tls13()))),
        drops("post-quantum group configured", "", 1400, "reset")
            .params(up_to_tls13())
            .params(large())
            .fixed_by_params(classical()),
    ]
}
