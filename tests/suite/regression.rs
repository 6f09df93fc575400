//! One test a bug.

use std::net::TcpListener;
use std::process::Command;

use cipher_test::lab::Scenario;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslVerifyMode, SslVersion};
use serde_json::Value;

use crate::support::embedded;
use crate::support::keys::{self, Leaf};

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cipher-test")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A list that Envoy does not load was widened instead of replaced, so that no hello could be
/// made of it and no patch was found.
#[test]
fn a_list_that_envoy_does_not_load_is_replaced() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    for (flag, list, field) in [
        ("--cipher-suites", "ECDHE-RSA-AES128-SHA,NO-SUCH-SUITE", "cipherSuites"),
        ("--ecdh-curves", "P-384,no-such-curve", "ecdhCurves"),
    ] {
        let (code, patch, stderr) = run(&[&target, flag, list, "--fix", "patch"]);
        assert_eq!(code, Some(1), "{stderr}");
        let patch: Value = serde_norway::from_str(&patch).unwrap();
        let names = patch["spec"]["sslConfig"]["parameters"][field].as_array();
        let names = names.unwrap_or_else(|| panic!("{patch}"));
        assert!(!names.iter().any(|name| list.contains(name.as_str().unwrap())), "{patch}");
    }
}

/// A server that asks for a client certificate and hangs up after the handshake, instead of
/// sending an alert, was said to go on without one.
#[test]
fn a_hangup_after_a_request_for_a_certificate_is_a_refusal() {
    let certificate = keys::leaf(Leaf::Rsa);
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
    acceptor.set_certificate_chain_file(&certificate.certificate).unwrap();
    acceptor.set_private_key_file(&certificate.key, SslFiletype::PEM).unwrap();
    acceptor.set_verify(SslVerifyMode::PEER);
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Dropped at once, which ends the connection without a word.
            let _ = acceptor.accept(stream);
        }
    });
    let (code, text, _) =
        run(&[&target, "--maximum-protocol-version", "TLSv1_3", "--no-handshakes"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the server insists on a client certificate"), "{text}");
}

/// TLS comes about without ALPN, and the first HTTP/2 frame is then an error.
#[test]
fn http2_without_alpn_is_warned_of() {
    let server = embedded::scenario(Scenario::Modern);
    let (code, text, _) =
        run(&[&server.address().to_string(), "--protocol", "http2", "--no-handshakes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("selects no application protocol"), "{text}");
}
