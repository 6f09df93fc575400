//! `--from` and `--to`, held against both real Envoys.

use cipher_test::lab::Scenario;
use serde_json::{Value, json};

use crate::support::binary::{Run, cipher_test};
use crate::support::envoy::{Release, Upstream, connect};
use crate::support::keys::Leaf;
use crate::support::servers::Openssl;
use crate::support::{embedded, scratch};
use crate::upstreams::{Documents, upstream};

const FROM: &str = "1.36";
const TO: &str = "1.40";

fn upgrade(args: &[&str]) -> Run {
    cipher_test([args, &["--from", FROM, "--to", TO]].concat())
}

fn json(args: &[&str]) -> (Option<i32>, Value) {
    let run = upgrade(&[args, &["--format", "json"]].concat());
    assert_eq!(run.stderr, "");
    (run.code, serde_json::from_str(&run.stdout).expect("JSON"))
}

/// Whether each release connects with these `tls_params`.
fn really(target: &str, params: &Value) -> (bool, bool) {
    let upstream = Upstream::new(target.parse().expect("an address")).tls_params(params);
    let connects = |release| connect(release, std::slice::from_ref(&upstream))[0].connects();
    (connects(Release::V1_36), connects(Release::V1_40))
}

#[test]
fn what_both_releases_negotiate_alike_stays_the_same() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let (code, report) = json(&[&target]);
    assert_eq!((code, &report["effect"]), (Some(0), &json!("same")));
    assert_eq!(report["from"], json!({ "envoy": FROM }));
    assert_eq!(really(&target, &json!({})), (true, true));
}

/// Envoy enforces the keyUsage of RSA certificates from 1.38 on, and nothing turns that off.
#[test]
fn a_certificate_that_only_the_older_release_takes_breaks() {
    let server = Openssl::new("-no_tls1_3").leaf(Leaf::RsaEnciphermentOnly).start();
    let target = server.address().to_string();
    let (code, report) = json(&[&target]);
    assert_eq!((code, &report["effect"]), (Some(1), &json!("breaks")));
    assert_eq!(really(&target, &json!({})), (true, false));
    // RSA key exchange is what such a certificate is for, and both releases have it.
    let remedy = &report["targets"][0]["remedy"]["change"];
    assert_eq!(report["targets"][0]["works_before"], true, "{report:#}");
    let params = json!({ "cipher_suites": remedy["cipher_suites"] });
    assert_eq!(really(&target, &params), (true, true));
}

/// A list that the newer BoringSSL does not load takes the cluster down.
#[test]
fn a_curve_that_the_newer_release_lacks_breaks_and_is_dropped_before() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let curves = json!({ "ecdh_curves": ["P-256", "P-224"] });
    let (code, report) = json(&[&target, "--ecdh-curves", "P-256,P-224"]);
    assert_eq!((code, &report["effect"]), (Some(1), &json!("breaks")), "{report:#}");
    let words = report["targets"][0]["differences"].to_string();
    assert!(words.contains("Failed to initialize ECDH curves P-256:P-224"), "{words}");
    assert_eq!(report["targets"][0]["works_before"], true);
    let after = &report["targets"][0]["remedy"]["change"]["ecdh_curves"];
    let changed = json!({ "ecdh_curves": after });
    assert_eq!(really(&target, &changed), (true, true));
    let older = Upstream::new(server.address()).tls_params(&curves);
    assert!(connect(Release::V1_36, &[older])[0].connects());
}

#[test]
fn a_new_default_group_changes_what_is_negotiated() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let run = upgrade(&[&target, "--maximum-protocol-version", "TLSv1_3"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("also offers the groups X25519MLKEM768"), "{}", run.stdout);
}

#[test]
fn what_is_broken_before_stays_so_and_is_mended_by_a_change() {
    let server = embedded::scenario(Scenario::Legacy);
    let target = server.address().to_string();
    let (code, report) = json(&[&target]);
    assert_eq!((code, &report["effect"]), (Some(1), &json!("stays-broken")));
    let run = upgrade(&[&target, "--fix", "patch"]);
    assert!(run.stdout.contains("ECDHE-RSA-AES256-SHA"), "{}", run.stdout);
    assert!(run.stderr.contains("neither before nor after"), "{}", run.stderr);
}

#[test]
fn an_unreachable_target_is_unclear() {
    let (code, report) = json(&["127.0.0.1:1"]);
    assert_eq!((code, &report["effect"]), (Some(2), &json!("unclear")));
}

#[test]
fn what_could_not_be_read_is_in_the_exit_code_of_the_document_too() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let run = upgrade(&[&target, "no-port", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((run.code, &report["exit_code"]), (Some(2), &json!(2)), "{}", run.stderr);
    assert_eq!(report["effect"], "same");

    let documents = Documents::new(&[
        upstream(
            "u",
            json!({ "static": { "hosts": [
            { "addr": server.address().ip(), "port": server.address().port() },
        ] } }),
        ),
        json!({ "apiVersion": "gloo.solo.io/v1", "kind": "Upstream", "metadata": 7 }),
    ]);
    let args = ["--from", FROM, "--to", TO, "--no-probe", "--format", "json"];
    let run = documents.run(&args.map(str::to_owned));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((run.code, &report["exit_code"]), (Some(2), &json!(2)), "{}", run.stderr);
}

#[test]
fn releases_of_gloo_bring_their_envoys_and_rules() {
    let server = embedded::scenario(Scenario::Modern);
    let address = server.address();
    let directory = scratch("upgrade-");
    let file = directory.path().join("u.yaml");
    let document = json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": "u", "namespace": "n" },
        "spec": { "static": {
            "useTls": false,
            "hosts": [
                { "addr": address.ip(), "port": address.port() },
                { "addr": "unused.example", "port": 443 },
            ],
        } },
    });
    std::fs::write(&file, document.to_string()).expect("a file");
    let unused = "unused.example:443:127.0.0.1";
    let file = file.to_str().expect("UTF-8");
    let releases = ["--from", "gloo-1.14", "--to", "gloo-1.15"];
    let args = ["upstreams", file, "--resolve", unused, "--format", "json"];
    let run = cipher_test([&args[..], &releases].concat());
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(report["from"], json!({ "gloo": "1.14", "envoy": "1.25" }));
    let upstream = &report["upstreams"][0];
    assert_eq!(
        (&upstream["before"]["tls"], &upstream["after"]["tls"]),
        (&true.into(), &false.into())
    );
    assert_eq!(upstream["effect"], "breaks", "plain text where TLS was");
}

#[test]
fn both_releases_must_be_named_and_known() {
    for (args, words) in [
        (&["a:1", "--from", "1.36"][..], "--to"),
        (&["a:1", "--from", "1.2", "--to", "1.3"], "Envoy release \"1.2\" is not known"),
        (&["a:1", "--from", "gloo-1.2", "--to", "1.36"], "Gloo release \"gloo-1.2\" is not known"),
        (&["a:1", "--from", "1.36", "--to", "1.38", "--envoy", "1.40"], "--envoy"),
    ] {
        let run = cipher_test(args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

/// The dump of a real Envoy names the release before the upgrade.
#[test]
fn a_config_dump_is_compared_with_another_release() {
    let modern = embedded::scenario(Scenario::Modern);
    let narrow = Openssl::new("-no_tls1_3").leaf(Leaf::RsaEnciphermentOnly).start();
    let cluster = |name: &str, port: u16| {
        let socket = json!({
            "name": "tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            },
        });
        let address = json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
        let endpoints = json!([{ "lb_endpoints": [{ "endpoint": { "address": address } }] }]);
        json!({ "cluster": {
            "name": name, "type": "STATIC", "transport_socket": socket,
            "load_assignment": { "cluster_name": name, "endpoints": endpoints },
        } })
    };
    let version = json!({ "version": { "major_number": 1, "minor_number": 36, "patch": 4 } });
    let dump = json!({ "configs": [
        { "bootstrap": { "node": { "user_agent_build_version": version } } },
        { "static_clusters": [
            cluster("modern_shop", modern.address().port()),
            cluster("narrow_shop", narrow.address().port()),
        ] },
    ] });
    let directory = scratch("upgrade-");
    let path = directory.path().join("dump.json");
    std::fs::write(&path, dump.to_string()).expect("a file");
    let file = path.to_str().expect("UTF-8");
    let run = cipher_test(["config-dump", file, "--to", "gloo-1.22", "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["from"], json!({ "envoy": "1.36" }));
    assert_eq!(report["to"], json!({ "gloo": "1.22", "envoy": "1.38" }));
    let effects: Vec<_> = report["targets"]
        .as_array()
        .expect("targets")
        .iter()
        .map(|target| (target["cluster"].as_str(), target["effect"].as_str()))
        .collect();
    let expected = [(Some("modern_shop"), Some("same")), (Some("narrow_shop"), Some("breaks"))];
    assert_eq!(effects, expected);
    let run = cipher_test(["config-dump", file, "--to", "1.40", "--cluster", "narrow"]);
    assert!(run.stdout.starts_with("narrow_shop 127.0.0.1:"), "{}", run.stdout);
    assert!(run.stdout.contains("upstreams.gloo.solo.io narrow -n shop"), "{}", run.stdout);
}

/// What is written as JSON keeps to its schema.
#[test]
fn json_keeps_to_its_schema() {
    use crate::support::root;
    let server = embedded::scenario(Scenario::Legacy);
    let address = server.address();
    let check = |file: &str, args: &[&str]| {
        let path = root().join("fixtures/report").join(file);
        let schema: Value =
            serde_json::from_str(&std::fs::read_to_string(path).expect("a schema")).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let (_, report) = json(args);
        let errors: Vec<_> =
            validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{args:?}");
    };
    check("schema-upgrade-v1.json", &[&address.to_string()]);
    let directory = scratch("upgrade-");
    let file = directory.path().join("u.json");
    let document = json!({
        "kind": "Upstream",
        "metadata": { "name": "u", "namespace": "shop" },
        "spec": { "static": {
            "useTls": true, "hosts": [{ "addr": address.ip(), "port": address.port() }],
        } },
    });
    std::fs::write(&file, document.to_string()).expect("a file");
    let file = file.to_str().expect("UTF-8");
    check("schema-upstreams-upgrade-v1.json", &["upstreams", file]);
}

/// Without its Secret an Upstream has no cluster before 1.18, and one without its TLS from then on.
#[test]
fn what_had_no_cluster_before_is_judged_by_what_it_has_afterwards() {
    let legacy = embedded::scenario(Scenario::Legacy);
    let modern = embedded::scenario(Scenario::Modern);
    let effect = |spec: Value| {
        let directory = scratch("upgrade-");
        let file = directory.path().join("u.yaml");
        let metadata = json!({ "name": "u", "namespace": "n" });
        let mut document = json!({ "kind": "Upstream", "metadata": metadata, "spec": spec });
        document["spec"]["sslConfig"] = json!({ "secretRef": { "name": "missing" } });
        std::fs::write(&file, document.to_string()).expect("a file");
        let file = file.to_str().expect("UTF-8");
        let releases = ["--from", "gloo-1.17", "--to", "gloo-1.18", "--format", "json"];
        let run = cipher_test([&["upstreams", file][..], &releases].concat());
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        (run.code, report["upstreams"][0]["effect"].as_str().expect("an effect").to_owned())
    };
    let fixed = |server: &cipher_test::lab::Server| {
        let (addr, port) = (server.address().ip(), server.address().port());
        json!({ "static": { "useTls": true, "hosts": [{ "addr": addr, "port": port }] } })
    };
    assert_eq!(effect(fixed(&legacy)), (Some(1), "stays-broken".to_owned()));
    assert_eq!(effect(fixed(&modern)), (Some(0), "mends".to_owned()));
    let kube = json!({ "kube": { "serviceName": "s", "serviceNamespace": "n", "servicePort": 1 } });
    assert_eq!(effect(kube), (Some(1), "stays-broken".to_owned()), "plain text by mistake");
}
