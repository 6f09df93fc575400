//! Suites that ask for an identity: pre-shared keys and SRP.

use std::path::PathBuf;

use serde_json::Value;

use super::{endpoint, rows};
use crate::support::binary::cipher_test;
use crate::support::in_parallel;
use crate::support::root;
use crate::support::servers::{Gnutls, Openssl, Server};

const PSK: &str = "-psk 1a2b3c -tls1_2";

fn srp(name: &str) -> String {
    let path: PathBuf = root().join("tests/suite/odd/srp").join(name);
    path.display().to_string()
}

/// Kinds of exchange in the names of the suites with this answer.
fn kinds(found: &Value, answer: &str, kinds: &[&str]) -> Vec<bool> {
    let names: Vec<_> = rows(found)
        .into_iter()
        .filter(|(_, _, given)| given == answer)
        .map(|(_, name, _)| name)
        .collect();
    kinds.iter().map(|kind| names.iter().any(|name| name.starts_with(kind))).collect()
}

const PSK_KINDS: [&str; 4] = ["TLS_PSK_", "TLS_DHE_PSK_", "TLS_RSA_PSK_", "TLS_ECDHE_PSK_"];

#[test]
fn psk_suites_are_accepted_and_said_to_ask_for_an_identity() {
    type Start = (&'static str, fn() -> Server, [bool; 4]);
    let cases: [Start; 3] = [
        (
            "OpenSSL without a certificate",
            || {
                let args = format!("{PSK} -cipher PSK:kDHEPSK:kECDHEPSK");
                Openssl::new(&args).without_certificate().start()
            },
            [true, true, false, true],
        ),
        (
            "OpenSSL with a hint",
            || {
                let args = format!("{PSK} -psk_hint who -cipher PSK:kDHEPSK:kRSAPSK:kECDHEPSK");
                Openssl::new(&args).start()
            },
            [true; 4],
        ),
        (
            "GnuTLS",
            || {
                let priority = "NORMAL:-VERS-TLS1.3:-KX-ALL:+PSK:+DHE-PSK:+RSA-PSK:+ECDHE-PSK";
                let file = srp("psk.txt");
                Gnutls::new(priority).args(&["--pskpasswd", &file, "--pskhint", "who"]).start()
            },
            [true; 4],
        ),
    ];
    let found = in_parallel(&cases, 3, |(_, start, _)| endpoint(start().address(), &[]));
    for ((name, _, expected), found) in cases.iter().zip(found) {
        assert_eq!(kinds(&found, "accepted", &PSK_KINDS), expected, "{name}");
        assert_eq!(found["survey"]["complete"], true, "{name}");
        for version in found["survey"]["versions"].as_array().unwrap() {
            for suite in version["suites"].as_array().unwrap() {
                if suite["answer"] != "accepted" {
                    continue;
                }
                assert_eq!(suite["evidence"]["identity"], true, "{name}: {suite}");
                assert_eq!(suite["envoy"], "never", "{name}: {suite}");
                let text = suite["evidence_text"].as_str().unwrap();
                assert!(text.ends_with("asks for an identity, and Envoy has none"), "{text}");
            }
        }
        assert_eq!(found["findings"][0]["code"], "no-setting-helps", "{name}");
    }
}

#[test]
fn psk_beside_other_suites_changes_nothing_for_them() {
    let server =
        Openssl::new(&format!("{PSK} -cipher PSK-AES128-CBC-SHA:ECDHE-RSA-AES128-GCM-SHA256"))
            .start();
    let found = endpoint(server.address(), &[]);
    assert_eq!(found["summary"], "connects");
    let row = |name: &str| ("TLSv1.2".to_owned(), name.to_owned(), "accepted".to_owned());
    let expected =
        [row("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), row("TLS_PSK_WITH_AES_128_CBC_SHA")];
    assert_eq!(rows(&found), expected);
    let run = cipher_test([server.address().to_string()]);
    assert!(run.stdout.contains("never, it asks for an identity"), "{}", run.stdout);
}

/// OpenSSL says `unknown_psk_identity` to a set with one such suite, and takes the others.
/// GnuTLS does not look at these suites unless a user is named.
#[test]
fn srp_suites_ask_for_an_identity_and_hide_no_others() {
    type Start = fn() -> Server;
    let starts: [Start; 2] = [
        || {
            let args = format!("-tls1_2 -srpvfile {}", srp("openssl.srpv"));
            Openssl::new(&format!("{args} -cipher SRP:aSRP:AES128-SHA")).start()
        },
        || {
            let priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP:+SRP-RSA:+RSA:-CIPHER-ALL:\
                            +AES-128-CBC:-MAC-ALL:+SHA1";
            let (file, groups) = (srp("tpasswd"), srp("tpasswd.conf"));
            let args = ["--srppasswd", &file, "--srppasswdconf", &groups];
            Gnutls::new(priority).args(&args).start()
        },
    ];
    let found = in_parallel(&starts, 2, |start| endpoint(start().address(), &[]));
    let srp = ["TLS_SRP_SHA_WITH_AES_128_CBC_SHA", "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA"];
    for found in found {
        let names = |answer: &str| -> Vec<String> {
            let rows = rows(&found).into_iter().filter(|(_, _, given)| given == answer);
            rows.map(|(_, name, _)| name).collect()
        };
        assert_eq!(names("accepted"), ["TLS_RSA_WITH_AES_128_CBC_SHA"]);
        assert!(srp.iter().all(|name| names("asks-identity").iter().any(|it| it == name)));
        assert_eq!(found["survey"]["complete"], true);
        assert_eq!(found["summary"], "needs-change", "AES128-SHA can be had");
    }
}

/// `openssl s_server` of 3.0 does not survive a user that it does not know, so it is not named
/// one: it has told before what it makes of these suites.
#[test]
fn a_server_that_has_said_so_is_not_asked_with_a_user() {
    let args = format!("-tls1_2 -srpvfile {} -cipher SRP:AES128-SHA", srp("openssl.srpv"));
    let server = Openssl::new(&args).start();
    for _ in 0..2 {
        let run = cipher_test([&server.address().to_string(), "-v"]);
        assert!(run.stdout.contains("asks for an identity: SRP-AES-128-CBC-SHA"), "{}", run.stdout);
    }
}
