//! What Kubernetes would say of the patches: they are held against the schema of Gloo's own CRD,
//! with no field that it does not know.

use cipher_test::lab::{Scenario, Server};
use serde_json::{Map, Value, json};

use crate::support::binary::cipher_test;
use crate::support::envoy::merge;
use crate::support::kubernetes::{faults, kubectl_merge};
use crate::support::{embedded, keys};

fn upstream(spec: Value) -> Value {
    json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": "billing", "namespace": "shop", "labels": { "team": "b" } },
        "spec": spec,
    })
}

#[test]
fn the_schema_refuses_what_kubernetes_would_drop() {
    let good = json!({ "sslConfig": { "parameters": { "minimumProtocolVersion": "TLSv1_2" } } });
    assert_eq!(faults(&upstream(good)), Vec::<String>::new());
    for bad in [
        json!({ "sslConfig": { "cipherSuites": ["AES128-SHA"] } }),
        json!({ "sslConfig": { "parameters": { "cipherSuites": "AES128-SHA" } } }),
        json!({ "sslConfig": { "parameters": { "minimumProtocolVersion": ["TLSv1_2"] } } }),
        json!({ "static": { "hosts": [{ "address": "127.0.0.1" }] } }),
        json!({ "ssl_config": {} }),
        json!({ "useHttp2": "yes" }),
    ] {
        assert_ne!(faults(&upstream(bad.clone())), Vec::<String>::new(), "{bad}");
    }
}

/// A server with the arguments for it and what its patch must say.
struct Case {
    scenario: Scenario,
    args: &'static [&'static str],
    says: fn(&Value) -> bool,
}

fn cases() -> Vec<Case> {
    fn parameters(spec: &Value) -> &Value {
        &spec["sslConfig"]["parameters"]
    }
    let lists = |spec: &Value| parameters(spec)["cipherSuites"].as_array().map(Vec::len) == Some(5);
    vec![
        Case { scenario: Scenario::Legacy, args: &[], says: lists },
        Case { scenario: Scenario::Legacy, args: &["--envoy", "1.36"], says: lists },
        Case {
            scenario: Scenario::Tls10Only,
            args: &[],
            says: |spec| parameters(spec)["minimumProtocolVersion"] == "TLSv1_0",
        },
        Case {
            scenario: Scenario::Tls13Only,
            args: &[],
            says: |spec| *parameters(spec) == json!({ "maximumProtocolVersion": "TLSv1_3" }),
        },
        Case {
            scenario: Scenario::P384Only,
            args: &["--envoy", "1.36"],
            says: |spec| *parameters(spec) == json!({ "ecdhCurves": ["X25519", "P-256", "P-384"] }),
        },
        Case {
            scenario: Scenario::SniRequired,
            args: &["--try-sni", keys::NAME],
            says: |spec| spec["static"]["hosts"][0]["sniAddr"] == keys::NAME,
        },
        Case {
            scenario: Scenario::SniRequired,
            args: &["--no-sni", "--try-sni", keys::NAME],
            says: |spec| spec["sslConfig"]["sni"] == keys::NAME,
        },
        Case {
            scenario: Scenario::Mtls,
            args: &["--secret", "vault/client"],
            says: |spec| {
                spec["sslConfig"]["secretRef"] == json!({ "name": "client", "namespace": "vault" })
            },
        },
    ]
}

/// The YAML that `--fix` prints.
fn fix(server: &Server, form: &str, args: &[&str]) -> (String, Value) {
    let target = server.address().to_string();
    let run = cipher_test([&[target.as_str(), "--fix", form], args].concat());
    assert_eq!(run.code, Some(1), "{args:?}");
    let value: Value = serde_norway::from_str(&run.stdout).expect("YAML");
    // A patch that takes hosts away says so, and nothing else is said.
    let replaces = form != "upstream" && value["spec"]["static"]["hosts"].is_array();
    assert_eq!(run.stderr.contains("replaces all of spec.static.hosts"), replaces, "{args:?}");
    assert_eq!(run.stderr.lines().count(), usize::from(replaces), "{}", run.stderr);
    (run.stdout, value)
}

/// The Upstream as it may be before: with settings that the patch has to leave alone.
fn before(server: &Server) -> Value {
    let address = server.address();
    upstream(json!({
        "static": { "hosts": [{ "addr": address.ip(), "port": address.port() }], "useTls": true },
        "connectionConfig": { "maxRequestsPerConnection": 7 },
        "sslConfig": { "oneWayTls": true, "parameters": { "cipherSuites": ["AES128-GCM-SHA256"] } },
    }))
}

#[test]
fn patches_fit_the_schema_and_spare_the_rest() {
    for Case { scenario, args, says } in cases() {
        let server = embedded::scenario(scenario);
        let (_, whole) = fix(&server, "upstream", args);
        assert_eq!(faults(&whole), Vec::<String>::new(), "{scenario:?} {args:?}");

        let (text, patch) = fix(&server, "patch", args);
        assert!(says(&patch["spec"]), "{scenario:?} {args:?}: {text}");
        assert_eq!(patch.as_object().map(Map::len), Some(1), "spec alone: {text}");
        let mut merged = before(&server);
        merge(&mut merged, &patch);
        assert_eq!(faults(&merged), Vec::<String>::new(), "{scenario:?} {args:?}");
        assert_eq!(merged["metadata"], before(&server)["metadata"]);
        assert_eq!(merged["spec"]["connectionConfig"], before(&server)["spec"]["connectionConfig"]);
        assert_eq!(merged["spec"]["sslConfig"]["oneWayTls"], true);
        let hosts = &merged["spec"]["static"]["hosts"];
        assert_eq!(hosts.as_array().map(Vec::len), Some(1), "{merged:#}");
        assert_eq!(hosts[0]["port"], server.address().port());
    }
}

/// It makes of the patch what we take it to make.
#[test]
fn kubectl_merges_as_expected() {
    for Case { scenario, args, .. } in cases() {
        let server = embedded::scenario(scenario);
        let (text, patch) = fix(&server, "patch", args);
        let mut expected = before(&server);
        merge(&mut expected, &patch);
        let merged = kubectl_merge(&before(&server), &text);
        assert_eq!(merged, expected, "{scenario:?} {args:?}");
    }
}
