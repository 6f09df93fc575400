//! The same ways for the other commands that dial.

use std::path::PathBuf;

use cipher_test::lab::Scenario;
use openssl::base64::encode_block;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http_proxy::CREDENTIALS;
use crate::support::binary::{Run, command, finish};
use crate::support::keys::{self, Leaf, leaf};
use crate::support::servers::forward::{PASSWORD, microsocks, tinyproxy};
use crate::support::servers::{ConnectProxy, Dovecot};
use crate::support::{embedded, scratch};

fn file(document: &Value) -> (TempDir, PathBuf) {
    let directory = scratch("ways-");
    let path = directory.path().join("document.json");
    std::fs::write(&path, document.to_string()).unwrap();
    (directory, path)
}

fn run(args: &[&str]) -> Run {
    let mut command = command();
    command.envs(CREDENTIALS).args(args).arg("--no-progress");
    finish(command.spawn().expect("the command starts"))
}

fn upstream(spec: Value) -> Value {
    json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": "billing", "namespace": "shop" },
        "spec": spec,
    })
}

#[test]
fn upstreams_are_tested_through_a_proxy() {
    let server = embedded::scenario(Scenario::Legacy);
    let (_kept, path) = file(&upstream(json!({
        "sslConfig": {},
        "static": { "hosts": [{ "addr": "localhost", "port": server.address().port() }] },
    })));
    let proxy = microsocks(true);
    for scheme in ["socks5", "socks5h"] {
        let url = format!("{scheme}://{}", proxy.address());
        let args = ["upstreams", path.to_str().unwrap(), "--proxy", &url, "--format", "json"];
        let found = run(&args);
        assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(&format!("\"url\":\"{url}\"")), "{}", found.stdout);
        assert!(found.stdout.contains("ECDHE-RSA-AES256-SHA"), "{}", found.stdout);
        assert!(!(found.stdout + &found.stderr).contains(PASSWORD));
    }
}

#[test]
fn an_upstreams_own_tunnel_begins_at_the_end_of_the_proxy() {
    let server = embedded::scenario(Scenario::Modern);
    let ways = [("partner.example.org:443", server.address())];
    let own = ConnectProxy::plain("127.0.0.1:0".parse().unwrap(), "Basic cmlnaHQ=", &ways);
    let (_kept, path) = file(&upstream(json!({
        "sslConfig": {},
        "httpProxyHostname": "partner.example.org:443",
        "httpConnectHeaders": [{ "key": "Proxy-Authorization", "value": "Basic cmlnaHQ=" }],
        "static": { "hosts": [{ "addr": "localhost", "port": own.address().port() }] },
    })));
    let proxy = tinyproxy(true);
    let url = format!("http://{}", proxy.address());
    let found = run(&["upstreams", path.to_str().unwrap(), "--proxy", &url]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    let requests = own.requests_so_far()();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|one| one.authority == "partner.example.org:443"));
}

#[test]
fn endpoints_of_a_dump_are_tested_through_a_proxy() {
    let server = embedded::scenario(Scenario::Modern);
    let cluster = json!({
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": "billing_shop",
        "type": "STRICT_DNS",
        "load_assignment": { "cluster_name": "billing_shop", "endpoints": [{ "lb_endpoints": [{
            "endpoint": { "address": { "socket_address": {
                "address": "localhost", "port_value": server.address().port() } } },
        }] }] },
        "transport_socket": { "name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        } },
    });
    let (_kept, path) = file(&json!({ "configs": [{
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
        "static_clusters": [{ "cluster": cluster }],
    }] }));
    let path = path.to_str().unwrap();
    let proxy = tinyproxy(true);
    let url = format!("http://{}", proxy.address());
    let found = run(&["config-dump", path, "--probe", "--proxy", &url]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("negotiates"), "{}", found.stdout);
    let report = run(&["config-dump", path, "--probe", "--proxy", &url, "--format", "json"]);
    assert!(report.stdout.contains(&format!("\"url\":\"{url}\"")), "{}", report.stdout);
    drop(proxy);
    let found = run(&["config-dump", path, "--probe", "--proxy", &url]);
    assert!(
        found.stdout.contains(&format!("cannot connect to the proxy {url}")),
        "{}",
        found.stdout
    );
    assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
}

#[test]
fn a_secret_is_shown_behind_starttls() {
    let server = Dovecot::imap()
        .setting("ssl_verify_client_cert = yes")
        .setting(&format!("ssl_ca = <{}", keys::authority().display()))
        .setting("ssl_require_crl = no")
        .start();
    let client = leaf(Leaf::Client);
    let encoded = |path| encode_block(&std::fs::read(path).unwrap());
    let (_kept, path) = file(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": { "name": "client", "namespace": "shop" },
        "data": {
            "tls.crt": encoded(client.certificate.as_path()),
            "tls.key": encoded(client.key.as_path()),
            "ca.crt": encoded(keys::authority()),
        },
    }));
    let target = format!("localhost:{}", server.address().port());
    let path = path.to_str().unwrap();
    let found = run(&["secret", path, "--for", &target, "--starttls", "imap"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("asked for TLS in IMAP first"), "{}", found.stdout);
    let plain = run(&["secret", path, "--for", &target]);
    assert_ne!(plain.code, Some(0), "{}{}", plain.stdout, plain.stderr);
}
