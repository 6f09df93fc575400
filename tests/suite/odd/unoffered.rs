//! Servers that answer with what was not offered: no row is wrong, the oddity is told, and Envoy
//! fails where the command says so.

use serde_json::Value;

use super::script::{answers, is_ssl2, rewrites, server_hello, suites};
use super::{endpoint, rows};
use crate::support::embedded;
use crate::support::envoy::{Release, Upstream, connect};
use crate::support::hello::Hello;
use crate::support::servers::Server;

const NEVER_OFFERED: u16 = 0x1337;

fn oddities(found: &Value) -> Vec<String> {
    let list = found["survey"]["oddities"].as_array().expect("a survey");
    list.iter().map(|oddity| oddity["details"]["kind"].as_str().unwrap().to_owned()).collect()
}

/// Answers hellos whose highest version is in `for_versions` with this version and suite.
fn always(for_versions: &'static [u16], version: u16, suite: u16) -> Server {
    answers(move |record| {
        if is_ssl2(record) {
            return None;
        }
        let highest = Hello::read(record)?.versions.into_iter().max()?;
        for_versions.contains(&highest).then(|| server_hello(version, suite, &[]))
    })
}

/// Held against Envoy: it fails with these words.
fn envoy_fails_with(server: &Server, words: &str) {
    let outcomes = connect(Release::V1_40, &[Upstream::new(server.address())]);
    assert!(!outcomes[0].connects());
    assert!(outcomes[0].reason.contains(words), "{:?}", outcomes[0]);
}

#[test]
fn a_suite_that_was_not_offered_is_no_row() {
    let server = always(&[0x0303], 0x0303, NEVER_OFFERED);
    let found = endpoint(server.address(), &["--deadline=20s"]);
    let obstacle = &found["trial"]["own"]["result"]["obstacle"];
    assert_eq!(obstacle["details"]["kind"], "suite-not-offered", "{found}");
    let accepted: Vec<_> =
        rows(&found).into_iter().filter(|(_, _, answer)| answer == "accepted").collect();
    assert_eq!(accepted, []);
    assert!(oddities(&found).contains(&"unoffered-suite".to_owned()), "{:?}", oddities(&found));
    assert_ne!(found["summary"], "connects");
    envoy_fails_with(&server, "WRONG_CIPHER_RETURNED");
}

/// The best of both: what it accepts where it answers rightly is found all the same.
#[test]
fn a_suite_swapped_for_some_sets_hides_nothing() {
    let direct = embedded::varied();
    let whole = rows(&endpoint(direct.address(), &[]));
    let server = rewrites(direct.address(), |hello, answer| {
        // Large sets alone are answered wrongly, as a server does that compares one byte.
        let wrong = !is_ssl2(hello) && suites(hello).len() > 50;
        if !wrong {
            return Some(answer);
        }
        let version = u16::from_be_bytes([hello[9], hello[10]]);
        Some(server_hello(version, NEVER_OFFERED, &[]))
    });
    let found = endpoint(server.address(), &["--deadline=30s"]);
    for (version, suite, answer) in rows(&found) {
        let row = (version, suite, "accepted".to_owned());
        assert!(answer != "accepted" || whole.contains(&row), "{row:?} is wrong");
    }
    for (version, suite, _) in &whole {
        let told = rows(&found).into_iter().any(|row| row.0 == *version && row.1 == *suite);
        assert!(told, "{version} {suite} is called refused");
    }
}

#[test]
fn a_version_above_the_offer_is_told() {
    // To a hello for TLS 1.1, TLS 1.2.
    let server = always(&[0x0301, 0x0302], 0x0303, 0x002f);
    let found = endpoint(server.address(), &["--deadline=20s"]);
    assert!(oddities(&found).contains(&"unoffered-version".to_owned()), "{:?}", oddities(&found));
    assert!(rows(&found).iter().all(|(_, _, answer)| answer != "accepted"), "{:?}", rows(&found));
}

#[test]
fn a_version_that_nobody_has_stops_envoy() {
    let server = always(&[0x0303], 0x0305, 0xc02f);
    let found = endpoint(server.address(), &["--deadline=20s"]);
    let obstacle = &found["trial"]["own"]["result"]["obstacle"];
    assert_eq!(obstacle["details"]["kind"], "version-not-offered", "{found}");
    assert!(rows(&found).iter().all(|(_, _, answer)| answer != "accepted"), "{:?}", rows(&found));
    envoy_fails_with(&server, "UNSUPPORTED_PROTOCOL");
}

#[test]
fn a_version_below_the_minimum_stops_envoy() {
    let server = always(&[0x0303, 0x0302], 0x0302, 0xc013);
    let found = endpoint(server.address(), &["--deadline=20s"]);
    let obstacle = &found["trial"]["own"]["result"]["obstacle"];
    assert_eq!(obstacle["details"]["kind"], "version-too-low", "{found}");
    envoy_fails_with(&server, "UNSUPPORTED_PROTOCOL");
}

/// TLS 1.3 that was not asked for, in the way of TLS 1.3.
#[test]
fn tls13_that_was_not_asked_for_stops_envoy() {
    const SUPPORTED_VERSIONS: [u8; 6] = [0, 0x2b, 0, 2, 3, 4];
    let server = answers(|record| {
        (!is_ssl2(record)).then(|| server_hello(0x0303, 0x1301, &SUPPORTED_VERSIONS))
    });
    let found = endpoint(server.address(), &["--deadline=20s"]);
    let obstacle = &found["trial"]["own"]["result"]["obstacle"];
    assert_eq!(obstacle["details"]["kind"], "version-not-offered", "{found}");
    assert!(oddities(&found).contains(&"unoffered-version".to_owned()), "{:?}", oddities(&found));
    let legacy = |version: &str| version != "TLSv1.3";
    assert!(rows(&found).iter().all(|row| row.2 != "accepted" || !legacy(&row.0)));
    let outcomes = connect(Release::V1_40, &[Upstream::new(server.address())]);
    assert!(!outcomes[0].connects(), "{:?}", outcomes[0]);
}
