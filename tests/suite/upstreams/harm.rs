//! Changes that would do harm, and proofs that were not made.

use std::net::SocketAddr;

use cipher_test::lab::{Scenario, ServerConfig};
use serde_json::{Value, json};

use super::{Documents, upstream, words};
use crate::support::embedded;
use crate::support::keys::{self, Leaf};

fn host(address: SocketAddr) -> Value {
    json!({ "addr": address.ip(), "port": address.port() })
}

fn fixed(name: &str, addresses: &[SocketAddr]) -> Value {
    let hosts: Vec<_> = addresses.iter().map(|address| host(*address)).collect();
    upstream(name, json!({ "static": { "hosts": hosts, "useTls": true } }))
}

/// The Upstream that discovery makes of a port of the Service, where only port 1 names a Secret.
fn discovered(name: &str, port: u16, ssl_config: Option<Value>) -> Value {
    let mut document = upstream(
        name,
        json!({ "kube": { "serviceName": "s", "serviceNamespace": "shop", "servicePort": port } }),
    );
    if let Some(ssl_config) = ssl_config {
        document["spec"]["sslConfig"] = ssl_config;
    }
    document["metadata"]["labels"] = json!({ "discovered_by": "kubernetesplugin" });
    document["metadata"]["annotations"] = json!({ "gloo.solo.io/sslService.secret": "1:a" });
    document
}

#[test]
fn what_steers_a_terminal_is_escaped_wherever_it_stands() {
    let evil = "x\u{1b}[31m\u{9b}1m";
    let server = embedded::scenario(Scenario::Legacy);
    let mut spec = json!({
        "static": { "useTls": true, "hosts": [{ "addr": evil, "port": 1 }, host(server.address())] },
        "sslConfig": { "secretRef": { "name": evil, "namespace": evil }, "sni": evil },
    });
    spec["sslConfig"][evil] = json!(1);
    let mut document = upstream("u", spec);
    document["status"] = json!({ "state": "Warning", "reason": evil });
    let documents = Documents::new(&[document]);
    let forms: [&[&str]; 5] = [
        &["-v"],
        &["--fix", "patch"],
        &["--fix", "kubectl"],
        &["--fix", "upstream"],
        &["--from", "gloo-1.17", "--to", "gloo-1.21"],
    ];
    for form in forms {
        let run = documents.run(&words(form));
        let said = run.stdout + &run.stderr;
        assert!(said.contains("ECDHE-RSA-AES256-SHA"), "{form:?}: {said}");
        let steers = |sign: char| sign.is_control() && sign != '\n';
        assert!(!said.contains(steers), "{form:?}: {said:?}");
    }
}

#[test]
fn objects_that_name_no_namespace_are_in_the_one_of_the_option() {
    let server = embedded::scenario(Scenario::Legacy);
    let mut documents = vec![fixed("u", &[server.address()]), super::settings(json!({}))];
    for document in &mut documents {
        document["metadata"]["namespace"].take();
    }
    let documents = Documents::new(&documents);
    let run = documents.run(&words(&["--fix", "settings", "--namespace", "gloo"]));
    let head = "# kubectl patch settings.gloo.solo.io default -n gloo --type merge --patch-file\n";
    assert!(run.stdout.starts_with(head), "{}{}", run.stdout, run.stderr);
    let run = documents.run(&words(&["--namespace", "$(id)"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("--namespace '$(id)' is no Kubernetes name"), "{}", run.stderr);
}

#[test]
fn a_proof_leaves_out_hosts_that_gave_no_answer() {
    let server = embedded::scenario(Scenario::Legacy);
    let closed = "127.0.0.1:1".parse().expect("an address");
    let documents = Documents::new(&[fixed("u", &[server.address(), closed])]);
    let run = documents.run(&[]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stdout.contains("but not on 127.0.0.1:1, of which nothing is known"),
        "{}",
        run.stdout
    );
    let run = documents.run(&words(&["--fix", "kubectl"]));
    assert!(run.stderr.contains("not proven on 127.0.0.1:1"), "{}", run.stderr);
    let run = documents.run(&words(&["--write"]));
    assert_eq!(run.code, Some(2), "what is not proven is not called mended: {}", run.stderr);
}

#[test]
fn a_certificate_is_tried_where_there_is_one_and_said_to_be_untried_where_not() {
    let server = embedded::scenario(Scenario::Mtls);
    let documents = Documents::new(&[fixed("u", &[server.address()])]);
    let secret = ["--secret", "shop/client"];
    let run = documents.run(&words(&secret));
    assert!(run.stdout.contains("The certificate in the Secret was not tried"), "{}", run.stdout);
    let run = documents.run(&words(&[&secret[..], &["--fix", "patch"]].concat()));
    assert!(run.stderr.contains("The certificate in the Secret was not tried"), "{}", run.stderr);

    // Of an authority that this server does not trust.
    let client = keys::leaf(Leaf::Client);
    let (certificate, key) =
        (client.certificate.display().to_string(), client.key.display().to_string());
    let shown = ["--cert", &certificate, "--key", &key];
    let run = documents.run(&words(&[&secret[..], &shown].concat()));
    assert!(run.stdout.contains("no patch: "), "{}", run.stdout);
    assert!(run.stdout.contains("refuses the client certificate"), "{}", run.stdout);
}

#[test]
fn a_change_of_settings_that_breaks_another_upstream_is_not_given() {
    let wants = embedded::scenario(Scenario::Tls13Only);
    // Envoy connects at TLS 1.2; under TLS 1.3 the server has nothing that Envoy sends.
    let breaks = embedded::server(&ServerConfig {
        tls13_suites: Some("TLS_AES_128_CCM_SHA256".into()),
        ..ServerConfig::default()
    });
    let modern = embedded::scenario(Scenario::Modern);
    let with = |other: SocketAddr| {
        let documents = [fixed("wants", &[wants.address()]), fixed("other", &[other])];
        Documents::new(&documents).run(&words(&["--fix", "settings"]))
    };
    let run = with(modern.address());
    assert!(run.stdout.contains("maximumProtocolVersion: TLSv1_3"), "{}", run.stderr);
    let run = with(breaks.address());
    assert_eq!(run.stdout, "", "{}", run.stderr);
    let reason = "would count for Upstream gloo-system/other, too: ";
    assert!(run.stderr.contains(reason), "{}", run.stderr);
}

#[test]
fn a_change_of_a_service_that_touches_another_port_is_not_given() {
    let server = embedded::scenario(Scenario::Legacy);
    let secret = |name: &str| json!({ "secretRef": { "name": name, "namespace": "shop" } });
    let one = |name: &str, other: Option<Value>| {
        let documents = [discovered("u-1", 1, Some(secret("a"))), discovered(name, 2, other)];
        let resolve = |port: u16| ["--resolve".to_owned(), format!("s.shop.svc:{port}:127.0.0.1")];
        let args = [words(&["--fix", "patch"]), resolve(1).into(), resolve(2).into()].concat();
        let port = server.address().port();
        let documents = documents.map(|mut document| {
            if document["spec"]["kube"]["servicePort"] == 1 {
                document["spec"]["kube"]["servicePort"] = json!(port);
            }
            document
        });
        let args = [args, words(&["--resolve", &format!("s.shop.svc:{port}:127.0.0.1")])].concat();
        Documents::new(&documents).run(&args)
    };
    let run = one("same", Some(secret("a")));
    assert!(run.stdout.starts_with("# kubectl patch services s -n shop "), "{}", run.stderr);
    for (name, other) in [("plain", None), ("secret", Some(secret("b")))] {
        let run = one(name, other);
        assert_eq!(run.stdout, "", "{}", run.stderr);
        assert!(
            run.stderr.contains("a change of Service shop/s would count for"),
            "{}",
            run.stderr
        );
    }
}
