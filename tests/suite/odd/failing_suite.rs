//! Servers that fail wherever one suite of Envoy's is offered: the change leaves it out. That Envoy
//! fails before and connects after is held by the matrix.

use cipher_test::lab::ServerConfig;
use openssl::ssl::SslVersion;
use serde_json::{Value, json};

use super::endpoint;
use crate::support::binary::cipher_test;
use crate::support::embedded;

/// ECDHE-RSA-AES128-GCM-SHA256, of Envoy's default list.
const REFUSED: &str = "refuses-suite=49199:alert-40";

fn behind(server: &ServerConfig, faults: &[&str], more: &[&str]) -> Value {
    let server = embedded::server(server);
    let relay = embedded::relay(server.address(), faults, 1);
    endpoint(relay.address(), more)
}

fn with(suites: &str) -> ServerConfig {
    ServerConfig { cipher_list: suites.into(), ..ServerConfig::default() }
}

fn tls13_alone() -> ServerConfig {
    ServerConfig { min_version: Some(SslVersion::TLS1_3), ..ServerConfig::default() }
}

#[test]
fn a_suite_that_the_server_fails_on_is_left_out() {
    let server = with(
        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:\
         ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA",
    );
    for more in [&[][..], &["--budget=200"]] {
        let found = behind(&server, &[REFUSED], more);
        let finding = &found["findings"][0];
        assert_eq!(finding["code"], "failing-suites", "{found}");
        let expected =
            json!({ "kind": "failing-suites", "left_out": ["ECDHE-RSA-AES128-GCM-SHA256"] });
        assert_eq!(finding["details"], expected);
        let proven = &found["trial"]["proven_change"];
        assert_eq!(proven["changed"], json!(["cipherSuites"]));
        let kept = json!(["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-GCM-SHA384"]);
        assert_eq!(proven["envoy"]["cipher_suites"], kept);
    }
}

#[test]
fn where_no_suite_of_the_list_is_left_another_takes_its_place() {
    let found = behind(&with("ECDHE-RSA-AES256-SHA"), &[REFUSED], &[]);
    assert_eq!(found["findings"][0]["code"], "failing-suites", "{found}");
    let proven = &found["trial"]["proven_change"];
    assert_eq!(proven["envoy"]["cipher_suites"], json!(["ECDHE-RSA-AES256-SHA"]));
}

#[test]
fn the_words_say_why_the_suite_is_left_out() {
    let server = embedded::server(&ServerConfig::default());
    let relay = embedded::relay(server.address(), &[REFUSED], 1);
    let target = relay.address().to_string();
    let run = cipher_test([&target, "--no-handshakes"]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let words = "the server fails where ECDHE-RSA-AES128-GCM-SHA256 is offered";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(!run.stdout.contains("no setting of Gloo"), "{}", run.stdout);
}

/// Nothing of Envoy's list is accepted, since TLS 1.3 does without it.
#[test]
fn under_tls13_the_list_is_one_that_the_server_does_not_fail_on() {
    let found = behind(&tls13_alone(), &[REFUSED], &[]);
    assert_eq!(found["findings"][0]["code"], "failing-suites", "{found}");
    let left_out = &found["findings"][0]["details"]["left_out"];
    assert_eq!(*left_out, json!(["ECDHE-RSA-AES128-GCM-SHA256"]));
    let proven = &found["trial"]["proven_change"];
    assert_eq!(proven["changed"], json!(["cipherSuites", "maximumProtocolVersion"]));
    let list = proven["envoy"]["cipher_suites"].as_array().unwrap();
    assert!(list.len() == 5 && !list.contains(&"ECDHE-RSA-AES128-GCM-SHA256".into()), "{found}");
}

/// The server fails on every suite below TLS 1.3, and a hello of TLS 1.3 alone is not tried.
#[test]
fn what_was_not_tried_is_not_ruled_out() {
    let below = (0x0001..0x00ff).chain(0xc001..=0xc0ff).chain(0xcc00..=0xccff);
    let faults: Vec<_> = below.map(|suite| format!("refuses-suite={suite}:alert-40")).collect();
    let faults: Vec<_> = faults.iter().map(String::as_str).collect();
    let found = behind(&tls13_alone(), &faults, &[]);
    assert_eq!(found["summary"], "no-setting-helps", "{found}");
    let message = found["findings"][1]["message"].as_str().unwrap();
    assert!(message.starts_with("no setting of Gloo that was tried helps"), "{message}");
}
