//! The forms of `--fix` for products other than Gloo. The one for plain Envoy goes into the real
//! binary as it stands; the others are held against what is known of their fields.

use std::net::SocketAddr;

use cipher_test::lab::Scenario;
use insta::assert_snapshot;
use serde_json::{Map, Value, json};

use crate::cases::{self, Case};
use crate::matrix;
use crate::support::binary::{Run, cipher_test, finish};
use crate::support::envoy::{Outcome, Protocol, Release, Upstream, connect, merge};
use crate::support::keys::{self, Leaf, NAME};
use crate::support::servers::{Node, Openssl, Server};
use crate::support::{embedded, in_parallel};

const FORMS: [&str; 6] = ["envoy", "kgateway", "envoy-gateway", "istio", "contour", "emissary"];

/// Cases of the matrix that Envoy fails as it is configured, one for each way to help it.
#[rustfmt::skip]
const FIXED: [&str; 13] = [
    "AES128-SHA at tls1_2",
    "3DES at TLS 1.2 of GnuTLS",
    "TLS 1.0 alone",
    "TLS 1.3 alone of OpenSSL",
    "TLS 1.2, and a minimum of 1.3 without a maximum",
    "P-384 alone at TLS 1.2",
    "P-384 key of nginx",
    "nginx for one name, none asked",
    "nginx for one name, another asked",
    "h2 alone, Envoy speaks HTTP/1",
    "client certificate at TLS 1.2, none",
    "Ed25519 key at TLS 1.2",
    "EcdsaP521 key at TLS 1.3",
];

#[test]
fn the_form_for_envoy_gets_envoy_1_40_through() {
    envoy_gets_through(Release::V1_40, "1.40");
}

#[test]
fn the_form_for_envoy_gets_envoy_1_36_through() {
    envoy_gets_through(Release::V1_36, "1.36");
}

fn envoy_gets_through(release: Release, name: &str) {
    let cases = cases::all();
    let found = FIXED.map(|name| cases.iter().find(|case| case.name == name).expect(name));
    let servers = in_parallel(&found, 4, |case| start(case));
    let jobs: Vec<_> = found.iter().zip(&servers).collect();
    let parts = in_parallel(&jobs, 4, |(case, server)| cluster_for(case, server.address(), name));
    let before: Vec<_> =
        jobs.iter().map(|(case, server)| case.side.upstream(server.address())).collect();
    let after: Vec<_> =
        before.iter().zip(parts).map(|(one, parts)| one.clone().with_cluster(parts)).collect();
    let (before, after) = (connect(release, &before), connect(release, &after));
    for (case, (before, after)) in found.iter().zip(before.iter().zip(&after)) {
        assert!(!before.connects(), "{} connects anyway", case.name);
        assert_eq!(after.rejected, None, "{}", case.name);
        assert!(after.connects(), "{}: {after:?}", case.name);
        assert!(answers(after), "{}: {after:?}", case.name);
    }
}

/// The server of a case; the one for HTTP/2 has to speak it here, and not only to select it.
fn start(case: &Case) -> Server {
    match case.name.starts_with("h2 alone") {
        true => Node::new(json!({})).http2().start(),
        false => case.start(),
    }
}

/// Whether a request got to the server and its answer back.
fn answers(outcome: &Outcome) -> bool {
    outcome.status.is_some_and(|status| status < 500)
}

/// The parts of a cluster that `--fix envoy` prints, with the client's certificate where the
/// tests have it and not where a Secret would be mounted.
fn cluster_for(case: &Case, address: SocketAddr, envoy: &str) -> Map<String, Value> {
    let mut command = matrix::command(case, address);
    command.args(["--envoy", envoy, "--fix", "envoy", "--secret", "vault/client"]);
    let output = command.output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}: {stderr}{text}", case.name);
    let client = keys::leaf(Leaf::Client);
    let text = text
        .replace("/etc/envoy/client/tls.crt", &client.certificate.display().to_string())
        .replace("/etc/envoy/client/tls.key", &client.key.display().to_string());
    assert!(stderr.contains("mount the Secret vault/client"), "{}: {stderr}", case.name);
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", case.name))
}

/// What each product makes of its resource, carried into Envoy's fields, gets Envoy through too;
/// and where it needs none, what it offers by itself does.
#[test]
fn the_forms_for_other_products_get_envoy_through_as_they_are_translated() {
    let cases = cases::all();
    let found = FIXED.map(|name| cases.iter().find(|case| case.name == name).expect(name));
    let found: Vec<_> = found.iter().filter(|case| !case.name.contains("certificate")).collect();
    let servers = in_parallel(&found, 4, |case| start(case));
    let forms = FORMS.iter().filter(|form| **form != "envoy");
    let jobs: Vec<_> = forms
        .flat_map(|form| found.iter().zip(&servers).map(move |(case, server)| (form, case, server)))
        .collect();
    let said = in_parallel(&jobs, 4, |(form, case, server)| {
        let mut command = matrix::command(case, server.address());
        let output = command.args(["--fix", form]).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    });
    let mut tried = Vec::new();
    for ((form, case, server), (code, text)) in jobs.iter().zip(&said) {
        if *code == Some(1) && text.is_empty() {
            continue;
        }
        let documents: Vec<Value> = serde_norway::Deserializer::from_str(text)
            .map(|document| serde::Deserialize::deserialize(document).expect("YAML"))
            .collect();
        let (tls, protocol) = translated(form, &documents);
        let upstream = Upstream::new(server.address()).protocol(protocol).patched(&tls);
        tried.push((format!("{form}, {}: {text}", case.name), upstream));
    }
    let upstreams: Vec<_> = tried.iter().map(|(_, upstream)| upstream.clone()).collect();
    let outcomes = connect(Release::V1_40, &upstreams);
    for ((what, _), outcome) in tried.iter().zip(&outcomes) {
        assert!(outcome.connects(), "{what}{outcome:?}");
    }
    // What is left out are five of Contour's and the signature algorithms of two.
    assert!(tried.len() >= 45, "{} of {} were tried", tried.len(), jobs.len());
}

/// The `UpstreamTlsContext` that a product's control plane writes, and what the cluster speaks,
/// after the sources that `remedy::product` names. Nothing is verified, since no case is about it.
fn translated(form: &str, documents: &[Value]) -> (Value, Protocol) {
    let none = Value::Null;
    let document = |index: usize| documents.get(index).unwrap_or(&none);
    let spec = &document(0)["spec"];
    let own = json!({
        "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3" });
    match form {
        "kgateway" => {
            let tls = &spec["tls"];
            let context = context(&json!({}), &tls["parameters"], &tls["sni"]);
            (with_alpn(context, &tls["alpnProtocols"]), Protocol::Http1)
        }
        "envoy-gateway" => {
            let tls = &spec["tls"];
            let http2 = spec.get("appProtocols").is_some();
            let protocol = if http2 { Protocol::Http2 } else { Protocol::Auto };
            (with_alpn(context(&own, tls, &tls["sni"]), &tls["alpnProtocols"]), protocol)
        }
        "istio" => {
            let policy = &spec["trafficPolicy"];
            let patch = &document(1)["spec"]["configPatches"][0]["patch"]["value"];
            let patch = &patch["transport_socket"]["typed_config"]["common_tls_context"];
            let mut merged = context(&own, &json!({}), &policy["tls"]["sni"]);
            if patch.is_object() {
                merge(&mut merged, &json!({ "common_tls_context": patch }));
            }
            let upgrade = policy.pointer("/connectionPool/http/h2UpgradePolicy");
            let http2 = upgrade.is_some_and(|upgrade| upgrade == "UPGRADE");
            (merged, if http2 { Protocol::Http2 } else { Protocol::Http1 })
        }
        "contour" => {
            (context(&own, &spec["envoy"]["cluster"]["upstreamTLS"], &none), Protocol::Http1)
        }
        "emissary" => {
            let context = context(&json!({}), spec, &spec["sni"]);
            let context = with_alpn(context, &json!([spec["alpn_protocols"]]));
            let http2 = document(1)["spec"]["grpc"] == true;
            (context, if http2 { Protocol::Http2 } else { Protocol::Http1 })
        }
        _ => panic!("no product {form}"),
    }
}

/// Parameters in any product's spelling, above what it sets by itself.
fn context(own: &Value, fields: &Value, sni: &Value) -> Value {
    let mut params = own.clone();
    for (field, value) in fields.as_object().unwrap_or(&Map::new()) {
        let (name, value) = match field.as_str() {
            "minVersion" | "minimumProtocolVersion" | "min_tls_version" => {
                ("tls_minimum_protocol_version", version(value))
            }
            "maxVersion" | "maximumProtocolVersion" | "max_tls_version" => {
                ("tls_maximum_protocol_version", version(value))
            }
            "cipherSuites" | "ciphers" | "cipher_suites" => ("cipher_suites", value.clone()),
            "ecdhCurves" | "ecdh_curves" => ("ecdh_curves", value.clone()),
            "signatureAlgorithms" => ("signature_algorithms", value.clone()),
            _ => continue,
        };
        params[name] = value;
    }
    json!({ "sni": sni, "common_tls_context": { "tls_params": params } })
}

/// `1.2` or `v1.2` in Envoy's spelling.
fn version(value: &Value) -> Value {
    let number = value.as_str().expect("a string").trim_start_matches('v');
    format!("TLSv{}", number.replace('.', "_")).into()
}

fn with_alpn(mut context: Value, protocols: &Value) -> Value {
    context["common_tls_context"]["alpn_protocols"] = protocols.clone();
    context
}

/// What goes to both streams, with a name and a port that are the same in every run.
fn fix(address: SocketAddr, form: &str, more: &[&str]) -> (Run, String) {
    let target = format!("server.example:{}", address.port());
    let resolved = format!("{target}:{}", address.ip());
    let run =
        cipher_test([&[target.as_str(), "--resolve", &resolved, "--fix", form], more].concat());
    let port = address.port().to_string();
    let both = format!("{}{}exit code {:?}\n", run.stderr, run.stdout, run.code.unwrap_or(-1));
    (run, both.replace(&port, "8443"))
}

#[test]
fn every_product_in_its_own_words() {
    let servers = [
        ("legacy", embedded::scenario(Scenario::Legacy)),
        ("tls13-only", embedded::scenario(Scenario::Tls13Only)),
        ("tls10-only", embedded::scenario(Scenario::Tls10Only)),
        ("p384-only", embedded::scenario(Scenario::P384Only)),
        ("sni-required", embedded::scenario(Scenario::SniRequired)),
        ("mtls", embedded::scenario(Scenario::Mtls)),
    ];
    for form in FORMS {
        let mut all = String::new();
        for (name, server) in &servers {
            let more: &[&str] = match *name {
                "mtls" => &["--secret", "vault/client"],
                "sni-required" => &["--try-sni", NAME],
                _ => &[],
            };
            let (_, both) = fix(server.address(), form, more);
            all += &format!("# {name}\n{both}\n");
        }
        assert_snapshot!(format!("fix-{form}"), all);
    }
}

/// Gloo's forms still have nothing for it, and no form changes the verdict.
#[test]
fn signature_algorithms_are_for_products_that_have_the_field() {
    let server = Openssl::new("-tls1_2").leaf(Leaf::Ed25519).start();
    for (form, has_field) in [
        ("upstream", false),
        ("patch", false),
        ("kubectl", false),
        ("envoy", true),
        ("kgateway", true),
        ("envoy-gateway", true),
        ("istio", true),
        ("contour", false),
        ("emissary", false),
    ] {
        let (run, both) = fix(server.address(), form, &[]);
        assert_eq!(run.code, Some(1), "{both}");
        assert_eq!(run.stdout.contains("- ed25519"), has_field, "{both}");
        assert_eq!(run.stdout.is_empty(), !has_field, "{both}");
        assert!(has_field || run.stderr.contains("no patch"), "{both}");
    }
}

/// Every document stands alone: it has a kind, and no other document runs into it.
#[test]
fn several_targets_give_a_stream_of_documents() {
    let servers = [Scenario::Legacy, Scenario::Legacy].map(embedded::scenario);
    let [first, second] = servers.each_ref().map(|server| server.address().to_string());
    let run = cipher_test([&first, &second, "--fix", "istio", "--upstream-name", "billing"]);
    let documents: Vec<Value> = serde_norway::Deserializer::from_str(&run.stdout)
        .map(|document| serde::Deserialize::deserialize(document).expect("YAML"))
        .collect();
    let kinds: Vec<_> = documents.iter().map(|document| document["kind"].clone()).collect();
    assert_eq!(kinds, ["DestinationRule", "EnvoyFilter", "DestinationRule", "EnvoyFilter"]);
    assert!(documents.iter().all(|document| document["metadata"]["name"] == "billing"));
    assert!(run.stderr.contains("all changes are for the name billing"), "{}", run.stderr);
}

#[test]
fn a_server_that_the_product_reaches_by_itself_needs_no_patch() {
    let server = embedded::scenario(Scenario::Tls13Only);
    for (form, code) in [("istio", 0), ("contour", 0), ("envoy", 1), ("kgateway", 1)] {
        let (run, both) = fix(server.address(), form, &[]);
        assert_eq!(run.code, Some(code), "{both}");
        assert_eq!(run.stdout.is_empty(), code == 0, "{both}");
    }
}

#[test]
fn the_demo_has_the_forms_too() {
    let mut command = crate::support::binary::command();
    command.args(["demo", "legacy", "--fix", "contour"]);
    let run = finish(command.spawn().expect("the command starts"));
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("kind: ContourConfiguration"), "{}", run.stdout);
}
