//! `--proxy-protocol`: the header of the PROXY protocol, as `proxyProtocolVersion` has it.

use cipher_test::lab::Scenario;
use serde_json::{Map, Value};

use super::{json, run};
use crate::support::binary::{Run, cipher_test};
use crate::support::embedded;
use crate::support::envoy::{Release, Upstream, connect};
use crate::support::servers::{Door, Dovecot, own_address};

fn beginning(version: &str) -> &'static [u8] {
    match version {
        "v1" => b"PROXY TCP4 127.",
        _ => b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
    }
}

#[test]
fn every_connection_begins_with_the_header_and_the_upstream_has_the_field() {
    let server = embedded::scenario(Scenario::Legacy);
    for version in ["v1", "v2"] {
        let door = Door::behind_balancer((own_address(), 0).into(), server.address());
        let target = format!("{}", door.address());
        let args = [target.as_str(), "--proxy-protocol", version, "--no-progress"];
        let found = cipher_test(args);
        assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
        let field = format!("  proxyProtocolVersion: {}", version.to_uppercase());
        assert!(found.stdout.contains(&field), "{}", found.stdout);
        assert!(found.stdout.contains(&format!("with a PROXY {version} header")));
        let visits = door.visits();
        assert!(visits.len() > 10);
        for visit in visits {
            assert!(visit.proxy_header.starts_with(beginning(version)), "{visit:?}");
        }
    }
}

fn fix(door: &Door, version: &str, form: &str) -> Run {
    let target = door.address().to_string();
    let more = ["--proxy-protocol", version, "--fix", form, "--no-handshakes", "--no-progress"];
    cipher_test([&[target.as_str()], &more[..]].concat())
}

/// The socket that sends the header goes around that of TLS, and is part of the form.
#[test]
fn the_form_for_envoy_has_the_socket_that_sends_the_header() {
    let server = embedded::scenario(Scenario::Legacy);
    for version in ["v1", "v2"] {
        let door = Door::behind_balancer((own_address(), 0).into(), server.address());
        let found = fix(&door, version, "envoy");
        assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
        let parts: Map<String, Value> = serde_norway::from_str(&found.stdout).expect("YAML");
        let before = Upstream::new(door.address());
        let after = before.clone().with_cluster(parts);
        for release in [Release::V1_36, Release::V1_40] {
            let outcomes = connect(release, &[before.clone(), after.clone()]);
            assert!(!outcomes[0].connects(), "{release:?}: {:?}", outcomes[0]);
            assert!(outcomes[1].connects(), "{release:?}, {}: {:?}", found.stdout, outcomes[1]);
        }
    }
}

#[test]
fn forms_that_lack_the_header_say_where_it_belongs() {
    let server = embedded::scenario(Scenario::Legacy);
    for (form, place) in [
        ("kgateway", Some("upstreamProxyProtocol")),
        ("envoy-gateway", Some("BackendTrafficPolicy")),
        ("istio", Some("trafficPolicy.proxyProtocol")),
        ("contour", Some("no field of Contour's")),
        ("emissary", Some("no field of Emissary's")),
        ("envoy", None),
        ("upstream", None),
    ] {
        let door = Door::behind_balancer((own_address(), 0).into(), server.address());
        let found = fix(&door, "v2", form);
        assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
        let note = "the PROXY protocol header is not part of this";
        assert_eq!(found.stderr.contains(note), place.is_some(), "{form}: {}", found.stderr);
        assert!(found.stderr.contains(place.unwrap_or_default()), "{form}: {}", found.stderr);
    }
}

#[test]
fn the_header_precedes_starttls() {
    let server = Dovecot::imap()
        .setting("haproxy_trusted_networks = 127.0.0.0/8")
        .setting("service imap-login {\n  inet_listener imap {\n    haproxy = yes\n  }\n}")
        .start();
    for version in ["v1", "v2"] {
        let more = ["--starttls", "imap", "--proxy-protocol", version, "--format", "json"];
        let found = run(server.address(), &more);
        assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
        let way = &json(&found)["targets"][0]["way"];
        assert_eq!(way["proxy_protocol"], version);
        assert_eq!(way["starttls"], "imap");
    }
}
