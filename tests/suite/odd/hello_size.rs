//! Large hellos that do not get through: what is said of them. That Envoy fails and is mended as
//! said is held by the matrix.

use serde_json::{Value, json};

use super::endpoint;
use super::script::{is_ssl2, refuses};
use crate::support::binary::cipher_test;
use crate::support::embedded;
use crate::support::hello::Hello;
use crate::support::servers::Openssl;

const LARGE: [&str; 3] = ["--envoy=1.40", "--no-sni", "--maximum-protocol-version=TLSv1_3"];

fn finding(found: &Value) -> Value {
    found["findings"][0].clone()
}

#[test]
fn the_size_alone_is_found_to_be_the_cause() {
    for most in [1400, 511, 255] {
        let server = Openssl::new("").start();
        let relayed =
            embedded::relay(server.address(), &[&format!("longest-hello={most}:reset")], 1);
        let found = endpoint(relayed.address(), &LARGE);
        let finding = finding(&found);
        assert_eq!(finding["code"], "hello-size", "{found}");
        // As measured with Envoy: HTTP/1 without a server name.
        let expected =
            json!({ "kind": "hello-size", "large": 1447, "small": 225, "size_alone": true });
        assert_eq!(finding["details"], expected);
        let proven = &found["trial"]["proven_change"];
        assert_eq!(proven["changed"], json!(["ecdhCurves"]));
        assert_eq!(proven["envoy"]["ecdh_curves"], json!(["X25519", "P-256"]));
        assert_eq!(found["survey"]["complete"], true);
    }
}

/// A server that chokes on the group and would take as many bytes of something else.
#[test]
fn the_key_is_told_from_the_size() {
    const X25519_MLKEM768: u16 = 0x11ec;
    let server = Openssl::new("").start();
    let relayed = refuses(server.address(), |record| {
        let has_key = |hello: Hello| record.len() > 1000 && hello.groups.contains(&X25519_MLKEM768);
        is_ssl2(record) || !Hello::read(record).is_some_and(has_key)
    });
    let finding = finding(&endpoint(relayed.address(), &LARGE));
    assert_eq!(finding["code"], "hello-size");
    assert_eq!(finding["details"]["size_alone"], false);
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("the server fails on the post-quantum key"), "{message}");
}

/// Envoy's own hello is small where TLS 1.3 is off, so that nothing is in its way.
#[test]
fn without_tls13_the_hello_is_small() {
    let server = Openssl::new("").start();
    let relayed = embedded::relay(server.address(), &["longest-hello=255:reset"], 1);
    let found = endpoint(relayed.address(), &["--envoy=1.40", "--no-sni"]);
    assert_eq!(found["summary"], "connects", "{found}");
}

#[test]
fn an_upgrade_to_a_larger_hello_is_told_and_mended() {
    let server = Openssl::new("").start();
    let relayed = embedded::relay(server.address(), &["longest-hello=1400:reset"], 1);
    let target = relayed.address().to_string();
    let args =
        [&target, "--from=1.39", "--to=1.40", "--no-sni", "--maximum-protocol-version=TLSv1_3"];
    let run = cipher_test(args);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let words = "sends a larger hello, 1447 bytes instead of 225";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(run.stdout.contains("unless they are padded to that size"), "{}", run.stdout);
    assert!(run.stdout.contains(r#""ecdhCurves":["X25519","P-256"]"#), "{}", run.stdout);
}
