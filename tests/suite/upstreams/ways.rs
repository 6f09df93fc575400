//! What lies between Envoy and a server: headers of the PROXY protocol, and tunnels.

use cipher_test::lab::Scenario;
use serde_json::json;

use super::shape::{Expect, Shape, named_host};
use crate::support::embedded;
use crate::support::envoy::{Release, connect_wired};
use crate::support::gloo::translate;
use crate::support::servers::{ConnectProxy, Door, closed_port, own_address};

const NAME: &str = "billing.example.com";

/// The first bytes of a header, which tell its version and what it is about: TCP over IPv4.
fn beginning(version: &str) -> &'static [u8] {
    match version {
        "V1" => b"PROXY TCP4 127.",
        _ => b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
    }
}

#[test]
fn every_connection_begins_with_the_proxy_header() {
    let server = embedded::scenario(Scenario::Legacy);
    for version in ["V1", "V2"] {
        let door = Door::behind_balancer((own_address(), 8443).into(), server.address());
        let shape = Shape::new(version, Expect::Connects)
            .spec(json!({
                "sslConfig": {},
                "proxyProtocolVersion": version,
                "static": { "hosts": [named_host(NAME, door.address())] },
            }))
            .name(NAME, door.address());
        let hops = translate(&shape.upstream, &shape.world).expect("a cluster");
        connect_wired(Release::V1_36, &[hops[0].wiring.clone()]);
        let envoys = door.visits().remove(0);
        assert!(envoys.proxy_header.starts_with(beginning(version)), "{envoys:?}");
        door.forget();

        let run = shape.run(Release::V1_36, &["--no-progress", "--verbose"]);
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        let visits = door.visits();
        assert_eq!(visits[0].hello, envoys.hello);
        for visit in &visits {
            assert!(visit.proxy_header.starts_with(beginning(version)), "{visit:?}");
            let version_1_ends = visit.proxy_header.ends_with(b"\r\n");
            assert!(version == "V2" || version_1_ends, "{visit:?}");
        }
        assert!(visits.len() > 10, "handshakes of OpenSSL among them: {}", visits.len());
    }
}

#[test]
fn a_proxy_that_opens_no_tunnel_is_said_to() {
    let server = embedded::scenario(Scenario::Modern);
    let ways = [("partner.example.org:443", server.address())];
    let run = |credentials: &str, target: &str, is_tls: bool| {
        let start = if is_tls { ConnectProxy::tls } else { ConnectProxy::plain };
        let proxy = start((own_address(), 3128).into(), "Basic cmlnaHQ=", &ways);
        let shape = Shape::new("", Expect::Unclear)
            .spec(json!({
                "sslConfig": {},
                "httpProxyHostname": target,
                "httpConnectHeaders": [{ "key": "Proxy-Authorization", "value": credentials }],
                "static": { "hosts": [named_host("egress.example", proxy.address())] },
            }))
            .name("egress.example", proxy.address());
        shape.run(Release::V1_36, &[])
    };
    let right = run("Basic cmlnaHQ=", "partner.example.org:443", false);
    assert_eq!(right.code, Some(0), "{}{}", right.stdout, right.stderr);
    let mut texts = Vec::new();
    for (credentials, target, is_tls, says) in [
        ("Basic d3Jvbmc=", "partner.example.org:443", false, "status 407"),
        ("Basic cmlnaHQ=", "other.example.org:443", false, "status 403"),
        ("Basic cmlnaHQ=", "partner.example.org:443", true, "the proxy"),
    ] {
        let wrong = run(credentials, target, is_tls);
        assert_eq!(wrong.code, Some(2), "{}{}", wrong.stdout, wrong.stderr);
        assert!(wrong.stdout.contains(says), "{says}: {}", wrong.stdout);
        texts.extend([wrong.stdout, wrong.stderr]);
    }
    assert!(!texts.concat().contains("d3Jvbmc="), "credentials are not printed");
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let closed = closed_port();
    let shape = Shape::new("", Expect::Unclear)
        .spec(json!({
            "sslConfig": {},
            "httpProxyHostname": "partner.example.org:443",
            "static": { "hosts": [named_host("egress.example", closed.address())] },
        }))
        .name("egress.example", closed.address());
    let run = shape.run(Release::V1_36, &[]);
    assert_eq!(run.code, Some(2), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("(through egress.example:"), "{}", run.stdout);
}
