//! Servers that fail on one suite of Envoy's: the change leaves it out. That Envoy fails before and
//! connects after is held by the matrix.

use cipher_test::lab::ServerConfig;
use openssl::ssl::SslVersion;
use serde_json::{Value, json};

use super::endpoint;
use crate::support::binary::cipher_test;
use crate::support::embedded;

/// In Envoy's default list.
const FAILING: &str = "ECDHE-RSA-AES128-GCM-SHA256";
/// What that is to a relay.
const NUMBER: u16 = 0xc02f;

fn refuses() -> String {
    format!("refuses-suite={NUMBER}:alert-40")
}

fn behind(server: &ServerConfig, faults: &[&str], more: &[&str]) -> Value {
    let server = embedded::server(server);
    let relay = embedded::relay(server.address(), faults, 1);
    endpoint(relay.address(), more)
}

/// A server of TLS 1.2 that prefers the suite that fails to these.
fn tls12(suites: &str) -> ServerConfig {
    let cipher_list = format!("{FAILING}:{suites}");
    ServerConfig { cipher_list, max_version: Some(SslVersion::TLS1_2), ..ServerConfig::default() }
}

fn tls13_alone() -> ServerConfig {
    ServerConfig { min_version: Some(SslVersion::TLS1_3), ..ServerConfig::default() }
}

/// Envoy's default list without the suite, and with others at its end.
fn default_without(added: &[&str]) -> Value {
    let kept = [
        "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ];
    json!([&kept, added].concat())
}

fn is_left_out(found: &Value, list: &Value, changed: &Value) {
    assert_eq!(found["summary"], "needs-change", "{found}");
    let finding = &found["findings"][0];
    assert_eq!(finding["code"], "failing-suites", "{found}");
    assert_eq!(finding["details"], json!({ "kind": "failing-suites", "left_out": [FAILING] }));
    let proven = &found["trial"]["proven_change"];
    assert_eq!(proven["envoy"]["cipher_suites"], *list, "{found}");
    assert_eq!(proven["changed"], *changed);
}

/// Every way to fail, on the whole hello, in place of the ServerHello and after it.
#[test]
fn no_more_than_the_suite_that_the_server_fails_on_is_left_out() {
    let server = tls12("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA");
    let list = default_without(&[]);
    for name in ["refuses-suite", "fails-suite", "breaks-suite"] {
        for how in ["alert-40", "alert-80", "close", "reset"] {
            let found = behind(&server, &[&format!("{name}={NUMBER}:{how}")], &[]);
            is_left_out(&found, &list, &json!(["cipherSuites"]));
        }
    }
}

#[test]
fn where_no_suite_of_the_list_is_left_another_is_added() {
    let list = default_without(&["ECDHE-RSA-AES256-SHA"]);
    for name in ["refuses-suite", "fails-suite", "breaks-suite"] {
        let fault = format!("{name}={NUMBER}:alert-80");
        let found = behind(&tls12("ECDHE-RSA-AES256-SHA:AES128-SHA"), &[&fault], &[]);
        is_left_out(&found, &list, &json!(["cipherSuites"]));
    }
}

/// Trial and survey run side by side there.
#[test]
fn a_far_server_is_searched_likewise() {
    let server = tls12("ECDHE-RSA-AES256-GCM-SHA384");
    for name in ["refuses-suite", "fails-suite", "breaks-suite"] {
        let fault = format!("{name}={NUMBER}:alert-40");
        let found = behind(&server, &["delay=30ms", &fault], &[]);
        is_left_out(&found, &default_without(&[]), &json!(["cipherSuites"]));
    }
}

/// Envoy's list need not be its default.
#[test]
fn of_a_list_that_is_configured_the_rest_is_kept() {
    let server = tls12("AES128-SHA");
    let list = format!("--cipher-suites=ECDHE-RSA-CHACHA20-POLY1305,{FAILING},AES128-SHA");
    let found = behind(&server, &["fails-suite=49199:reset"], &[&list]);
    let kept = json!(["ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA"]);
    is_left_out(&found, &kept, &json!(["cipherSuites"]));
}

#[test]
fn a_server_that_also_speaks_tls13_is_reached_there() {
    let server = ServerConfig { max_version: None, ..tls12("ECDHE-RSA-AES256-GCM-SHA384") };
    for name in ["fails-suite", "breaks-suite"] {
        let found = behind(&server, &[&format!("{name}={NUMBER}:alert-80")], &[]);
        assert_eq!(found["findings"][0]["code"], "maximum-version", "{found}");
        let changed = &found["trial"]["proven_change"]["changed"];
        assert_eq!(*changed, json!(["maximumProtocolVersion"]));
    }
}

#[test]
fn several_suites_that_the_server_fails_on_are_all_left_out() {
    let server = tls12("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384");
    for name in ["fails-suite", "breaks-suite"] {
        let faults = [NUMBER, 0xcca8].map(|suite| format!("{name}={suite}:alert-80"));
        let found = behind(&server, &[&faults[0], &faults[1]], &[]);
        let left_out = &found["findings"][0]["details"]["left_out"];
        assert_eq!(*left_out, json!([FAILING, "ECDHE-RSA-CHACHA20-POLY1305"]), "{found}");
    }
}

/// A suite that the server would fail on, but selects only where nothing else is left, stays.
#[test]
fn a_suite_that_the_server_does_not_select_stays_in_the_list() {
    let server = ServerConfig {
        cipher_list: format!("ECDHE-RSA-AES256-GCM-SHA384:{FAILING}"),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    };
    let found = behind(&server, &[&format!("fails-suite={NUMBER}:alert-80")], &[]);
    assert_eq!(found["summary"], "connects", "{found}");
}

#[test]
fn a_budget_holds_and_what_it_cuts_off_is_not_ruled_out() {
    let server = tls12("ECDHE-RSA-AES256-GCM-SHA384");
    for name in ["refuses-suite", "fails-suite", "breaks-suite"] {
        for budget in [1, 4, 7, 9, 11, 13, 40] {
            let fault = format!("{name}={NUMBER}:alert-40");
            let found = behind(&server, &[&fault], &[&format!("--budget={budget}")]);
            assert!(found["connections"].as_u64().unwrap() <= budget, "{found}");
            assert_ne!(found["summary"], "no-setting-helps", "{name} {budget}: {found}");
            let is_found = found["findings"][0]["code"] == "failing-suites";
            assert!(is_found || budget < 40, "{name}: {found}");
            assert_eq!(is_found, found["trial"].get("proven_change").is_some());
        }
    }
}

#[test]
fn lists_that_fail_are_shown() {
    let found = behind(&tls12("ECDHE-RSA-AES256-GCM-SHA384"), &[&refuses()], &[]);
    let wider = found["trial"]["wider"].as_array().unwrap();
    let lists = wider.iter().filter(|tried| tried["changed"] == json!(["cipherSuites"]));
    let lists: Vec<_> = lists.collect();
    assert!(!lists.is_empty() && lists.len() <= 12, "{found}");
    assert!(lists.iter().all(|tried| tried["result"]["outcome"] == "blocked"));
}

#[test]
fn the_words_say_why_the_suite_is_left_out() {
    let server = embedded::server(&tls12("ECDHE-RSA-AES256-GCM-SHA384"));
    let relay = embedded::relay(server.address(), &[&refuses()], 1);
    let target = relay.address().to_string();
    let run = cipher_test([&target, "--no-handshakes"]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let words = format!("the server fails as long as Envoy offers {FAILING}");
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&words), "{}", run.stdout);
    assert!(!text.contains("no setting of Gloo"), "{}", run.stdout);
}

/// Nothing of Envoy's list is accepted, since TLS 1.3 does without it.
#[test]
fn under_tls13_the_list_is_one_that_the_server_does_not_fail_on() {
    let found = behind(&tls13_alone(), &[&refuses()], &[]);
    let changed = json!(["cipherSuites", "maximumProtocolVersion"]);
    is_left_out(&found, &default_without(&[]), &changed);
}

/// The server fails on every suite below TLS 1.3.
#[test]
fn where_every_list_fails_tls13_alone_is_the_way_out() {
    let below = (0x0001..0x00ff).chain(0xc001..=0xc0ff).chain(0xcc00..=0xccff);
    let faults: Vec<_> = below.map(|suite| format!("refuses-suite={suite}:alert-40")).collect();
    let faults: Vec<_> = faults.iter().map(String::as_str).collect();
    let found = behind(&tls13_alone(), &faults, &[]);
    assert_eq!(found["findings"][0]["code"], "failing-suites", "{found}");
    assert_eq!(found["findings"][0]["details"]["left_out"].as_array().unwrap().len(), 6);
    let proven = &found["trial"]["proven_change"];
    assert_eq!(proven["changed"], json!(["minimumProtocolVersion", "maximumProtocolVersion"]));
    assert_eq!(proven["envoy"]["minimum_protocol_version"], "TLSv1.3");
    assert_eq!(proven["envoy"]["maximum_protocol_version"], "TLSv1.3");
}

/// A server that takes only suites that Envoy has not is asked for no lists.
#[test]
fn a_server_without_envoys_suites_is_asked_no_more_than_before() {
    let cipher_list = "DHE-RSA-AES256-SHA".into();
    let max_version = Some(SslVersion::TLS1_2);
    let found =
        behind(&ServerConfig { cipher_list, max_version, ..ServerConfig::default() }, &[], &[]);
    assert_eq!(found["summary"], "no-setting-helps", "{found}");
    let wider = found["trial"]["wider"].as_array().unwrap();
    assert!(wider.iter().all(|tried| tried["changed"] != json!(["cipherSuites"])), "{found}");
}
