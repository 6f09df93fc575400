//! What reports on Upstreams look like. After a change that is meant, `INSTA_UPDATE=always cargo
//! test appearance` writes the snapshots again, for the eye to judge.

use std::net::SocketAddr;

use cipher_test::lab::Scenario;
use insta::assert_snapshot;
use serde_json::json;

use super::shape::{Expect, Shape, named_host};
use crate::support::embedded;
use crate::support::envoy::Release;
use crate::support::servers::{ConnectProxy, Door, own_address};

/// A server behind a port of our choice, so that every run has the same.
fn serve(scenario: Scenario, port: u16) -> (SocketAddr, impl Send + Sync + 'static) {
    let server = embedded::scenario(scenario);
    let door = Door::open((own_address(), port).into(), server.address());
    (door.address(), (door, server))
}

/// The report without the addresses, which are other ones each time.
fn report(shape: &Shape, args: &[&str]) -> String {
    let run = shape.run(Release::V1_36, args);
    assert_eq!(run.stderr, "");
    let mut addresses: Vec<_> = shape.world.addresses.values().map(|at| at.ip()).collect();
    addresses.sort_unstable();
    addresses
        .iter()
        .fold(run.stdout, |text, address| text.replace(&format!("{address}:"), "ADDRESS:"))
}

#[test]
fn several_hosts_of_which_one_is_not_served() {
    let (one, one_serves) = serve(Scenario::Legacy, 443);
    let (other, other_serves) = serve(Scenario::DheOnly, 8443);
    let hosts =
        [named_host("ledger-a.example.com", one), named_host("ledger-b.example.com", other)];
    let shape = Shape::new("", Expect::PatchBut(super::shape::Kind::Upstream, 1))
        .spec(json!({ "sslConfig": { "sni": "ledger.example.com" }, "static": { "hosts": hosts } }))
        .settings(json!({ "minimumProtocolVersion": "TLSv1_2", "ecdhCurves": ["P-256"] }))
        .name("ledger-a.example.com", one)
        .name("ledger-b.example.com", other)
        .keep(one_serves)
        .keep(other_serves);
    assert_snapshot!("several-hosts", report(&shape, &[]));
}

#[test]
fn a_service_that_discovery_owns() {
    let (at, serves) = serve(Scenario::Tls13Only, 8443);
    let shape = Shape::new("", Expect::Patch(super::shape::Kind::Service))
        .spec(json!({
            "kube": { "serviceName": "orders", "serviceNamespace": "shop", "servicePort": 8443 },
            "sslConfig": { "secretRef": { "name": "orders-tls", "namespace": "shop" } },
        }))
        .document(json!({ "metadata": {
            "labels": { "discovered_by": "kubernetesplugin" },
            "annotations": { "gloo.solo.io/sslService.secret": "8443:orders-tls" },
        } }))
        .name("orders.shop.svc", at)
        .keep(serves);
    assert_snapshot!("discovered-service", report(&shape, &["--verbose", "--no-handshakes"]));
}

#[test]
fn a_tunnel() {
    let server = embedded::scenario(Scenario::Legacy);
    let ways = [("partner.example.org:443", server.address())];
    let proxy = ConnectProxy::tls((own_address(), 3128).into(), "Basic eA==", &ways);
    let shape = Shape::new("", Expect::Patch(super::shape::Kind::Upstream))
        .spec(json!({
            "httpProxyHostname": "partner.example.org:443",
            "httpConnectHeaders": [{ "key": "Proxy-Authorization", "value": "Basic eA==" }],
            "httpConnectSslConfig": { "sni": "egress.example.com" },
            "sslConfig": { "sni": "partner.example.org" },
            "static": { "hosts": [named_host("egress.example.com", proxy.address())] },
        }))
        .name("egress.example.com", proxy.address())
        .keep(proxy)
        .keep(server);
    assert_snapshot!("tunnel", report(&shape, &[]));
}
