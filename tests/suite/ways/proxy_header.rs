//! `--proxy-protocol`: the header of the PROXY protocol, as `proxyProtocolVersion` has it.

use cipher_test::lab::Scenario;

use super::{json, run};
use crate::support::embedded;
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
        let found = crate::support::binary::cipher_test(args);
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
