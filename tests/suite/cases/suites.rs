//! Servers with one cipher suite each: those that Envoy offers, could offer, and never can.

use serde_json::json;

use super::{Case, Known};
use crate::support::envoy::Release;
use crate::support::keys::Leaf;
use crate::support::servers::{Gnutls, Jsse, Nginx, Openssl};

/// The suites of Envoy's default list.
const OFFERED: [&str; 6] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// The suites that Envoy offers at TLS 1.2 once they are listed, but for 3DES.
const LISTABLE: [&str; 10] = [
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
];

/// The suites that Envoy offers at TLS 1.0 and 1.1 once they are listed, but for 3DES.
const LISTABLE_BELOW_TLS12: [&str; 6] = [
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-SHA",
    "AES256-SHA",
];

/// Suites that no configuration makes Envoy offer.
const BEYOND_ENVOY: [&str; 20] = [
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-SHA",
    "DHE-RSA-AES256-SHA256",
    "AES128-SHA256",
    "AES256-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-CAMELLIA128-SHA256",
    "ECDHE-ECDSA-CAMELLIA256-SHA384",
    "CAMELLIA128-SHA",
    "CAMELLIA256-SHA",
    "AES128-CCM",
    "AES256-CCM8",
    "ECDHE-ECDSA-AES128-CCM",
    "DHE-RSA-AES128-CCM",
    "ARIA128-GCM-SHA256",
    "ECDHE-ARIA256-GCM-SHA384",
    "NULL-SHA256",
];

/// Listable, but unknown to Envoy 1.36, which rejects the whole list.
const NEW_SINCE_1_36: &str = "ECDHE-ECDSA-AES128-SHA256";

/// Every suite that an Envoy can offer below TLS 1.3.
pub(super) fn envoys(release: Release) -> Vec<&'static str> {
    let all = OFFERED.into_iter().chain(LISTABLE).chain(["DES-CBC3-SHA"]);
    all.filter(|suite| release != Release::V1_36 || *suite != NEW_SINCE_1_36).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(OFFERED.map(|suite| openssl(suite, "tls1_2")));
    cases.extend(LISTABLE.map(|suite| {
        let case = openssl(suite, "tls1_2").fixed_by_params(json!({ "cipher_suites": [suite] }));
        if suite == NEW_SINCE_1_36 { case.but_1_36(Known::Fails) } else { case }
    }));
    for version in ["tls1", "tls1_1"] {
        cases.extend(LISTABLE_BELOW_TLS12.map(|suite| {
            let patch =
                json!({ "cipher_suites": [suite], "tls_minimum_protocol_version": "TLSv1_0" });
            openssl(suite, version).fixed_by_params(patch)
        }));
    }
    cases.extend(BEYOND_ENVOY.map(|suite| {
        openssl(suite, "tls1_2")
            .fails_but_is_reached_by(format!("-tls1_2 -cipher {suite}:@SECLEVEL=0"))
    }));
    cases.extend(triple_des());
    cases.extend(identities());
    cases.extend(lists());
    cases.extend(failing());
    cases
}

/// An `openssl s_server` with one suite at one version.
fn openssl(suite: &'static str, version: &'static str) -> Case {
    let leaf = if suite.contains("ECDSA") { Leaf::EcdsaP256 } else { Leaf::Rsa };
    Case::new(format!("{suite} at {version}"), move || {
        Openssl::new(&format!("-{version} -cipher {suite}:@SECLEVEL=0")).leaf(leaf).start()
    })
}

/// 3DES, which the distribution's OpenSSL no longer has.
fn triple_des() -> Vec<Case> {
    let listed = json!({ "cipher_suites": ["DES-CBC3-SHA"] });
    let listed_from_tls10 =
        json!({ "cipher_suites": ["DES-CBC3-SHA"], "tls_minimum_protocol_version": "TLSv1_0" });
    let gnutls = |version: &'static str| {
        Case::new(format!("3DES at TLS {version} of GnuTLS"), move || {
            Gnutls::new(&format!(
                "NORMAL:-VERS-ALL:+VERS-TLS{version}:-CIPHER-ALL:+3DES-CBC:-KX-ALL:+RSA"
            ))
            .start()
        })
    };
    let java = |protocol: &'static str| {
        Case::new(format!("3DES at {protocol} of Java"), move || {
            Jsse::new().protocols(protocol).suites("SSL_RSA_WITH_3DES_EDE_CBC_SHA").start()
        })
    };
    vec![
        gnutls("1.0").fixed_by_params(listed_from_tls10.clone()),
        gnutls("1.1").fixed_by_params(listed_from_tls10.clone()),
        gnutls("1.2").fixed_by_params(listed.clone()),
        java("TLSv1").fixed_by_params(listed_from_tls10),
        java("TLSv1.2").fixed_by_params(listed),
    ]
}

/// Suites that authenticate by something else than a certificate with RSA or ECDSA.
fn identities() -> Vec<Case> {
    vec![
        Case::new("PSK alone", || {
            Openssl::new("-tls1_2 -cipher PSK-AES128-CBC-SHA:@SECLEVEL=0 -psk 1a2b3c4d")
                .without_certificate()
                .start()
        })
        .fails_but_is_reached_by("-tls1_2 -cipher PSK:@SECLEVEL=0 -psk 1a2b3c4d"),
        Case::new("anonymous ECDH alone", || {
            Openssl::new("-tls1_2 -cipher AECDH-AES128-SHA:@SECLEVEL=0")
                .without_certificate()
                .start()
        })
        .fails_but_is_reached_by("-tls1_2 -cipher AECDH:@SECLEVEL=0"),
        Case::new("DHE-DSS alone", || {
            Openssl::new("-tls1_2 -cipher DHE-DSS-AES128-SHA:@SECLEVEL=0").leaf(Leaf::Dsa).start()
        })
        .fails_but_is_reached_by("-tls1_2 -cipher DHE-DSS-AES128-SHA:@SECLEVEL=0"),
        Case::new("RC4 alone of Java", || {
            Jsse::new().protocols("TLSv1.2").suites("SSL_RSA_WITH_RC4_128_SHA").start()
        })
        .fails(),
    ]
}

/// Lists as servers have them in practice.
fn lists() -> Vec<Case> {
    vec![
        Case::new("CBC of RSA key exchange, many", || {
            Nginx::new()
                .protocols("TLSv1.2")
                .ciphers("AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA:CAMELLIA128-SHA")
                .start()
        })
        .fixed_by_params(json!({ "cipher_suites": ["AES256-SHA"] })),
        Case::new("ECDHE with CBC, many", || {
            Nginx::new()
                .protocols("TLSv1.2")
                .ciphers("ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA")
                .start()
        })
        .fixed_by_params(json!({ "cipher_suites": ["ECDHE-RSA-AES128-SHA256"] })),
        Case::new("finite fields alone, many", || {
            Openssl::new("-tls1_2 -cipher DHE:!aNULL:!aPSK:@SECLEVEL=0").start()
        })
        .fails_but_is_reached_by("-tls1_2"),
        Case::new("everything at once", || {
            Nginx::new()
                .leaves(&[Leaf::Rsa, Leaf::EcdsaP256])
                .protocols("TLSv1 TLSv1.1 TLSv1.2 TLSv1.3")
                .ciphers("ALL:@SECLEVEL=0")
                .start()
        }),
    ]
}

/// Servers that fail on a suite of Envoy's default list, and would take another one.
fn failing() -> Vec<Case> {
    let second = || json!({ "cipher_suites": ["ECDHE-RSA-AES256-GCM-SHA384"] });
    let cbc = || json!({ "cipher_suites": ["ECDHE-RSA-AES256-SHA"] });
    let case = |name: &str, suites: &'static str, fault: &'static str| {
        Case::new(name, move || {
            let first = "ECDHE-RSA-AES128-GCM-SHA256";
            Openssl::new(&format!("-tls1_2 -cipher {first}:{suites}")).start().behind(fault)
        })
    };
    const GCM: &str = "ECDHE-RSA-AES256-GCM-SHA384";
    const CBC: &str = "ECDHE-RSA-AES256-SHA";
    vec![
        case("refuses all with its first suite", GCM, "refuses-suite=49199:alert-40")
            .fixed_by_params(second()),
        case("closes on all with its first suite", GCM, "refuses-suite=49199:close")
            .fixed_by_params(second()),
        case("fails where it selects its first suite", GCM, "fails-suite=49199:alert-80")
            .fixed_by_params(second()),
        case("hangs up where it selects its first suite", GCM, "fails-suite=49199:reset")
            .fixed_by_params(second()),
        case("breaks off once it has selected its first suite", GCM, "breaks-suite=49199:alert-80")
            .fixed_by_params(second()),
        case("closes once it has selected its first suite", GCM, "breaks-suite=49199:close")
            .fixed_by_params(second()),
        case(
            "fails on its first suite, and has only CBC besides",
            CBC,
            "fails-suite=49199:alert-40",
        )
        .fixed_by_params(cbc()),
        case(
            "breaks off on its first suite, and has only CBC besides",
            CBC,
            "breaks-suite=49199:reset",
        )
        .fixed_by_params(cbc()),
        case(
            "fails on its first suite, Envoy has it and another",
            GCM,
            "fails-suite=49199:alert-40",
        )
        .params(json!({ "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"] }))
        .fixed_by_params(second()),
        Case::new("breaks off on two of its suites", || {
            let suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305";
            let server = Openssl::new(&format!("-tls1_2 -cipher {suites}:{GCM}")).start();
            server.behind("breaks-suite=49199:alert-80").behind("breaks-suite=52392:close")
        })
        .fixed_by_params(second()),
        Case::new("fails on two of its suites", || {
            let suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305";
            let server = Openssl::new(&format!("-tls1_2 -cipher {suites}:{GCM}")).start();
            server.behind("fails-suite=49199:alert-40").behind("fails-suite=52392:alert-80")
        })
        .fixed_by_params(second()),
        Case::new("TLS 1.3 alone, and no hello with other suites", || {
            Openssl::new("-tls1_3").start().behind("most-suites=3:alert-40")
        })
        .fixed_by_params(json!({
            "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"
        })),
    ]
}
