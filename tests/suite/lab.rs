//! Tests of the lab itself: each kind of server starts, serves what it was told to and is gone
//! when dropped, and the Envoy runner tells what connects from what does not.

use std::net::{SocketAddr, TcpStream};
use std::panic::catch_unwind;
use std::path::PathBuf;

use serde_json::json;

use crate::support::client::{Agreed, handshake};
use crate::support::envoy::{Protocol, Release, Upstream, connect, merge, validate};
use crate::support::keys::{self, Leaf, NAME};
use crate::support::program;
use crate::support::servers::{
    Envoy, Gnutls, Haproxy, Jsse, Nginx, Node, Openssl, Scripted, Server, closed_port,
};

/// Holds a server to one suite at one version, and sees it go.
fn serves(server: Server, args: &str, version: &str, suite: &str) {
    let address = server.address();
    let expected = Agreed { version: version.to_owned(), suite: suite.to_owned() };
    let answer = handshake(address, args);
    assert_eq!(answer, Ok(expected), "the server says:\n{}", server.log());
    // More than once: a server is probed many times.
    assert!(handshake(address, args).is_ok());
    drop(server);
    assert!(!listens(address), "it is gone");
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn nginx_serves_old_versions_and_suites() {
    let nginx = Nginx::new().protocols("TLSv1").ciphers("AES256-SHA:@SECLEVEL=0");
    serves(nginx.start(), "-tls1 -cipher ALL:@SECLEVEL=0", "TLSv1", "AES256-SHA");
}

#[test]
fn nginx_serves_the_certificate_that_fits() {
    let server = Nginx::new().leaves(&[Leaf::Rsa, Leaf::EcdsaP256]).start();
    for suite in ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"] {
        let agreed = handshake(server.address(), &format!("-tls1_2 -cipher {suite}"));
        assert_eq!(agreed.map(|agreed| agreed.suite), Ok(suite.to_owned()));
    }
}

#[test]
fn nginx_for_one_name_refuses_others() {
    let server = Nginx::new().only_name(NAME).start();
    assert!(handshake(server.address(), "-noservername").is_err());
    assert!(handshake(server.address(), &format!("-servername {NAME}")).is_ok());
}

#[test]
fn haproxy_serves_one_suite() {
    let haproxy = Haproxy::new().bind("ssl-max-ver TLSv1.2 ciphers AES128-SHA256");
    serves(haproxy.start(), "", "TLSv1.2", "AES128-SHA256");
}

#[test]
fn openssl_serves_one_suite() {
    let server = Openssl::new("-tls1_2 -cipher DHE-RSA-AES128-SHA256").start();
    serves(server, "", "TLSv1.2", "DHE-RSA-AES128-SHA256");
}

#[test]
fn openssl_serves_every_kind_of_key() {
    for leaf in [Leaf::EcdsaP256, Leaf::EcdsaP384, Leaf::EcdsaP521, Leaf::Ed25519, Leaf::Ed448] {
        let server = Openssl::new("").leaf(leaf).start();
        assert!(handshake(server.address(), "-tls1_2").is_ok(), "{leaf:?} at TLS 1.2");
        assert!(handshake(server.address(), "-tls1_3").is_ok(), "{leaf:?} at TLS 1.3");
    }
}

#[test]
fn openssl_wants_a_client_certificate() {
    let server = Openssl::new("-tls1_2").verify_client().start();
    let client = keys::leaf(Leaf::Client);
    let with = format!("-cert {} -key {}", client.certificate.display(), client.key.display());
    assert!(handshake(server.address(), "").is_err());
    assert!(handshake(server.address(), &with).is_ok());
}

#[test]
fn gnutls_serves_one_suite() {
    let priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:-CIPHER-ALL:+AES-128-CBC:-KX-ALL:+RSA";
    let server = Gnutls::new(priority).start();
    serves(server, "-tls1_1 -cipher ALL:@SECLEVEL=0", "TLSv1.1", "AES128-SHA");
}

#[test]
fn java_serves_what_its_policy_disables() {
    let java = Jsse::new().protocols("TLSv1").suites("TLS_RSA_WITH_AES_128_CBC_SHA");
    serves(java.start(), "-tls1 -cipher ALL:@SECLEVEL=0", "TLSv1", "AES128-SHA");
}

#[test]
fn node_serves_one_suite() {
    let node = Node::new(json!({ "maxVersion": "TLSv1.2", "ciphers": "AES256-GCM-SHA384" }));
    serves(node.start(), "", "TLSv1.2", "AES256-GCM-SHA384");
}

#[test]
fn envoy_serves_one_suite() {
    let envoy = Envoy::new(Release::V1_40).parameters(json!({
        "tls_maximum_protocol_version": "TLSv1_2", "cipher_suites": ["ECDHE-RSA-AES256-SHA"] }));
    serves(envoy.start(), "", "TLSv1.2", "ECDHE-RSA-AES256-SHA");
}

#[test]
fn scripted_servers_listen_and_a_closed_port_does_not() {
    assert!(listens(Scripted::silent().address()));
    assert!(!listens(closed_port().address()));
}

#[test]
fn certificates_verify_against_their_authority() {
    let trusting = format!("-verify_return_error -CAfile {}", keys::authority().display());
    let expectations = [(Leaf::Rsa, true), (Leaf::RsaExpired, false), (Leaf::RsaUntrusted, false)];
    for (leaf, verifies) in expectations {
        let server = Openssl::new("").leaf(leaf).start();
        assert_eq!(handshake(server.address(), &trusting).is_ok(), verifies, "{leaf:?}");
    }
}

#[test]
fn a_missing_program_says_how_to_install_it() {
    let panic = catch_unwind(|| program("no-such-server")).expect_err("a panic");
    let text = panic.downcast_ref::<String>().expect("a message");
    assert_eq!(text, "no-such-server is not installed: run scripts/install-test-dependencies");
}

#[test]
fn envoys_are_the_releases_they_are_called() {
    for release in [Release::V1_36, Release::V1_40] {
        let output = std::process::Command::new(release.program()).arg("--version").output();
        let text = String::from_utf8(output.expect("Envoy runs").stdout).expect("text");
        assert!(text.contains(&format!("/{}/", release.version())), "{text}");
    }
}

#[test]
fn envoy_tells_what_connects_from_what_does_not() {
    let good = Openssl::new("-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384").start();
    let bad = Openssl::new("-tls1_2 -cipher AES128-SHA").start();
    for release in [Release::V1_36, Release::V1_40] {
        let outcomes = connect(
            release,
            &[
                Upstream::new(good.address()),
                Upstream::new(bad.address()),
                Upstream::new(bad.address())
                    .tls_params(&json!({ "cipher_suites": ["AES128-SHA"] })),
                Upstream::new(bad.address()).protocol(Protocol::Tcp),
            ],
        );
        let [good, bad, listed, tcp] = &outcomes[..] else { panic!("four outcomes") };

        assert!(good.connects());
        assert_eq!(good.version.as_deref(), Some("TLSv1.2"));
        assert_eq!(good.suite.as_deref(), Some("ECDHE-RSA-AES256-GCM-SHA384"));
        assert_eq!(good.group.as_deref(), Some("X25519"));
        assert_eq!(good.status, Some(200));

        assert!(!bad.connects());
        assert_eq!((bad.handshakes, bad.connection_errors, bad.connect_fails), (0, 1, 1));
        assert!(bad.reason.contains("HANDSHAKE_FAILURE_ON_CLIENT_HELLO"), "{}", bad.reason);
        assert_eq!(bad.flags, "UF");

        assert!(listed.connects());
        assert_eq!((&listed.suite, &listed.group), (&Some("AES128-SHA".to_owned()), &None));

        assert!(!tcp.connects());
        assert_eq!(tcp.flags, "UF,URX");
    }
}

#[test]
fn envoy_verifies_when_told_to() {
    let server = Nginx::new().start();
    let verifying = Upstream::new(server.address()).trusted_ca(keys::authority());
    let outcomes =
        connect(Release::V1_40, &[verifying.clone().san(NAME), verifying.san("other.example.com")]);
    assert!(outcomes[0].connects());
    assert_eq!(outcomes[1].verify_failures.keys().collect::<Vec<_>>(), ["fail_verify_san"]);
}

#[test]
fn envoy_sends_the_alpn_it_is_told_to() {
    let server = Openssl::new("-alpn special").start();
    let plain = Upstream::new(server.address());
    let outcomes = connect(Release::V1_40, &[plain.clone(), plain.alpn(&["other", "special"])]);
    assert!(!outcomes[0].connects());
    assert!(outcomes[1].connects());
}

#[test]
fn one_rejected_upstream_spares_the_others() {
    let server = Openssl::new("").start();
    let good = Upstream::new(server.address());
    // Known since 1.38 only, so each release gives its own answer.
    let unknown =
        good.clone().tls_params(&json!({ "cipher_suites": ["ECDHE-ECDSA-AES128-SHA256"] }));
    assert_eq!(validate(Release::V1_40, &unknown), Ok(()));

    let outcomes = connect(Release::V1_36, &[unknown, good]);
    let text = outcomes[0].rejected.as_deref().expect("a rejection");
    assert!(text.contains("Failed to initialize cipher suites"), "{text}");
    assert!(!outcomes[0].connects());
    assert!(outcomes[1].connects());
}

#[test]
fn merge_replaces_lists_and_removes_nulls() {
    let mut value = json!({ "kept": 1, "list": [1, 2], "object": { "a": 1, "b": 2 } });
    merge(&mut value, &json!({ "list": [3], "object": { "a": null, "c": 3 }, "new": {} }));
    let merged = json!({ "kept": 1, "list": [3], "object": { "b": 2, "c": 3 }, "new": {} });
    assert_eq!(value, merged);
}

#[test]
fn nothing_is_left_behind() {
    let server = Nginx::new().start();
    let log: PathBuf = server.directory().expect("a program's").to_owned();
    drop(server);
    assert!(!log.exists());
}
