//! `cipher-test config-dump`: dumps of real Envoys, held against what these were given.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cipher_test::lab::Scenario;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::envoy::{Release, Running};
use crate::support::servers::closed_port;
use crate::support::{embedded, root, scratch};

const TYPES: &str = "type.googleapis.com/envoy";

/// Runs the command on a dump from stdin.
fn read(dump: &str, args: &[&str]) -> Run {
    let mut command = command();
    command.args(["config-dump", "-"]).args(args).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let dump = dump.to_owned();
    let writer = std::thread::spawn(move || {
        // It need not read to the end.
        let _ = stdin.write_all(dump.as_bytes());
    });
    let run = finish(child);
    writer.join().expect("a writer");
    run
}

/// The same with `--format json`, held against the schema.
fn read_json(dump: &str, args: &[&str]) -> (Value, Run) {
    let run = read(dump, &[args, &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let schema = cipher_test(["schema", "config-dump"]).stdout;
    let schema = serde_json::from_str(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(report["version"], 1);
    (report, run)
}

fn fixture(name: &str) -> String {
    root().join("fixtures/envoy/config-dump").join(name).display().to_string()
}

fn tls(mut context: Value) -> Value {
    context["@type"] =
        format!("{TYPES}.extensions.transport_sockets.tls.v3.UpstreamTlsContext").into();
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}

fn after_proxy_header(version: &str, inner: Value) -> Value {
    json!({ "name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": {
        "@type": format!("{TYPES}.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"),
        "config": { "version": version },
        "transport_socket": inner,
    } })
}

fn parameters(parameters: Value) -> Value {
    json!({ "common_tls_context": { "tls_params": parameters } })
}

fn endpoint(host: &str, port: u16, label: Option<&str>) -> Value {
    let mut endpoint = json!({ "endpoint": { "address": { "socket_address": {
        "address": host, "port_value": port } } } });
    if let Some(label) = label {
        endpoint["metadata"] =
            json!({ "filter_metadata": { "envoy.transport_socket_match": { label: true } } });
    }
    endpoint
}

fn assignment(name: &str, endpoints: &[Value]) -> Value {
    json!({ "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] })
}

fn cluster(name: &str, kind: &str, more: Value) -> Value {
    let mut cluster = json!({
        "@type": format!("{TYPES}.config.cluster.v3.Cluster"),
        "name": name, "type": kind, "connect_timeout": "5s",
    });
    for (field, value) in more.as_object().expect("fields") {
        cluster[field] = value.clone();
    }
    if kind == "EDS" {
        cluster["eds_cluster_config"] = json!({ "eds_config": {
            "resource_api_version": "V3",
            "path_config_source": { "path": format!("PATH/{name}.json") } } });
    }
    cluster
}

fn fixed(name: &str, port: u16, socket: Value) -> Value {
    let load = assignment(name, &[endpoint("127.0.0.1", port, None)]);
    cluster(name, "STATIC", json!({ "load_assignment": load, "transport_socket": socket }))
}

/// An Envoy with clusters of every shape, of which it refuses one.
fn envoy(release: Release) -> Running {
    let mut statics = fixed("fixed", 1, tls(json!({ "sni": "fixed.example" })));
    statics.as_object_mut().expect("fields").remove("@type");
    let matches = json!([
        { "name": "a;b", "match": { "a": true }, "transport_socket": tls(json!({ "sni": "a.example" })) },
        { "name": "p", "match": { "p": true }, "transport_socket": {
            "name": "envoy.transport_sockets.raw_buffer", "typed_config": {
                "@type": format!("{TYPES}.extensions.transport_sockets.raw_buffer.v3.RawBuffer") } } },
    ]);
    let several = [
        endpoint("127.0.0.1", 1, Some("a")),
        endpoint("127.0.0.1", 2, Some("p")),
        endpoint("127.0.0.1", 3, None),
        endpoint("127.0.0.1", 4, Some("a")),
    ];
    let options = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": format!("{TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": { "http2_protocol_options": {} } } });
    let clusters = [
        cluster(
            "matched",
            "STATIC",
            json!({
                "load_assignment": assignment("matched", &several),
                "transport_socket": tls(json!({ "sni": "base.example" })),
                "transport_socket_matches": matches,
            }),
        ),
        cluster(
            "late",
            "EDS",
            json!({ "transport_socket": tls(json!({ "sni": "late.example" })) }),
        ),
        fixed("v1", 1, after_proxy_header("V1", tls(json!({})))),
        fixed("v2", 1, after_proxy_header("V2", tls(json!({})))),
        cluster(
            "tunnel",
            "STATIC",
            json!({
                "transport_socket": tls(json!({ "sni": "inner.example" })),
                "load_assignment": assignment("tunnel", &[json!({ "endpoint": {
                    "address": { "pipe": { "path": "@/tunnel" } } } })]),
            }),
        ),
        cluster(
            "h2",
            "STATIC",
            json!({
                "transport_socket": tls(parameters(json!({
                    "tls_minimum_protocol_version": "TLSv1_0", "tls_maximum_protocol_version": "TLSv1_3",
                    "cipher_suites": ["AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"],
                    "ecdh_curves": ["P-384"], "signature_algorithms": ["rsa_pkcs1_sha256"] }))),
                "load_assignment": assignment("h2", &[endpoint("127.0.0.1", 1, None)]),
                "typed_extension_protocol_options": options,
            }),
        ),
        cluster(
            "hostname",
            "STRICT_DNS",
            json!({
                "transport_socket": tls(json!({ "auto_host_sni": true })),
                "load_assignment": assignment("hostname", &[endpoint("localhost", 1, None)]),
            }),
        ),
        fixed("refused_ns", 1, tls(parameters(json!({ "cipher_suites": ["DHE-RSA-AES256-SHA"] })))),
    ];
    let eds = [assignment("late", &[endpoint("127.0.0.2", 8443, None)])];
    Running::start(release, &[statics], &clusters, &eds)
}

/// Name, endpoints, PROXY version and SNI of each group of a report.
fn groups(report: &Value) -> Vec<String> {
    let clusters = report["clusters"].as_array().expect("a list");
    let group = |name: &str, group: &Value| {
        let endpoints: Vec<_> =
            group["endpoints"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let security = &group["security"];
        let spoken = match security["kind"].as_str() {
            Some("tls") => security["envoy"]["sni"].as_str().unwrap_or("-"),
            kind => kind.unwrap_or_default(),
        };
        let header = group["proxy_protocol"].as_str().unwrap_or_default();
        format!("{name} {} {spoken} {header}", endpoints.join(",")).trim_end().to_owned()
    };
    let mut all: Vec<_> = clusters
        .iter()
        .flat_map(|cluster| {
            let name = cluster["name"].as_str().unwrap_or_default();
            cluster["groups"].as_array().unwrap().iter().map(move |one| group(name, one))
        })
        .collect();
    all.sort();
    all
}

const SEEN: [&str; 10] = [
    "fixed 127.0.0.1:1 fixed.example",
    "h2 127.0.0.1:1 -",
    "hostname localhost:1 localhost",
    "late 127.0.0.2:8443 late.example",
    "matched 127.0.0.1:1,127.0.0.1:4 a.example",
    "matched 127.0.0.1:2 plain",
    "matched 127.0.0.1:3 base.example",
    "tunnel @/tunnel inner.example",
    "v1 127.0.0.1:1 - V1",
    "v2 127.0.0.1:1 - V2",
];

#[test]
fn dumps_of_real_envoys_are_read_in_every_form_that_their_admin_interface_has() {
    for release in [Release::V1_36, Release::V1_40] {
        let envoy = envoy(release);
        let (report, run) = read_json(&envoy.get("/config_dump?include_eds"), &[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{release:?}");
        assert_eq!(groups(&report), SEEN, "{release:?}");
        assert_eq!(report["dumped_envoy"], release.version());
        assert_eq!(report["totals"]["clusters"], 8);
        let h2 = report["clusters"].as_array().unwrap().iter().find(|it| it["name"] == "h2");
        let h2 = h2.expect("the cluster");
        assert_eq!(h2["protocol"], "http2");
        assert_eq!(h2["origin"], "active");
        let client = &h2["groups"][0]["security"]["envoy"];
        assert_eq!(client["minimum_protocol_version"], "TLSv1.0");
        assert_eq!(client["maximum_protocol_version"], "TLSv1.3");
        assert_eq!(client["cipher_suites"], json!(["AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"]));
        assert_eq!(client["ecdh_curves"], json!(["P-384"]));
        assert_eq!(client["signature_algorithms"], json!(["rsa_pkcs1_sha256"]));
        assert_eq!(client["alpn_protocols"], json!(["h2"]));

        // Without endpoints of EDS.
        let (report, _) = read_json(&envoy.get("/config_dump"), &[]);
        let without: Vec<_> =
            SEEN.iter().map(|line| line.replace("late 127.0.0.2:8443", "late ")).collect();
        assert_eq!(groups(&report), without);
        // The lists alone, in which nothing names the release.
        let part = envoy.get("/config_dump?resource=dynamic_active_clusters");
        let (report, _) = read_json(&part, &["--cluster", "late", "--cluster", "v"]);
        assert_eq!(
            groups(&report),
            ["late  late.example", "v1 127.0.0.1:1 - V1", "v2 127.0.0.1:1 - V2"]
        );
        assert_eq!(report["clusters"][0]["origin"], "dynamic");
        assert_eq!(report.get("dumped_envoy"), None);
        let part = envoy.get("/config_dump?resource=static_clusters");
        let (report, _) = read_json(&part, &[]);
        assert_eq!(groups(&report), [SEEN[0]]);
        let mask = "/config_dump?resource=dynamic_active_clusters&mask=cluster.name,cluster.type,cluster.transport_socket";
        let (report, _) = read_json(&envoy.get(mask), &["--cluster", "h2"]);
        assert_eq!(groups(&report), ["h2  -"]);
    }
}

#[test]
fn a_cluster_that_envoy_refuses_is_missing_and_its_upstream_says_why() {
    let envoy = envoy(Release::V1_40);
    let directory = scratch("upstreams-");
    let file = directory.path().join("upstream.yaml");
    let upstream = "apiVersion: gloo.solo.io/v1\nkind: Upstream\nmetadata: {name: NAME, namespace: ns}\n\
                    spec:\n  static: {hosts: [{addr: 127.0.0.1, port: 1}]}\n  sslConfig: {parameters: \
                    {cipherSuites: [DHE-RSA-AES256-SHA]}}\n---\n";
    std::fs::write(&file, upstream.replace("NAME", "refused")).expect("a file");
    let shown = file.display().to_string();
    let (report, run) = read_json(&envoy.get("/config_dump"), &["--upstreams", &shown]);
    assert_eq!(run.code, Some(1));
    let missing = &report["missing"][0];
    assert_eq!(missing["because"], "refused-by-envoy");
    let words = "Failed to initialize cipher suites DHE-RSA-AES256-SHA. The following ciphers were \
                 rejected when tried individually: DHE-RSA-AES256-SHA";
    assert!(missing["text"].as_str().unwrap().contains(words), "{missing}");
    // Envoy's own words on the cluster that it refused.
    assert!(envoy.log().contains(words), "{}", envoy.log());
}

#[test]
fn what_differs_from_upstreams_looks_like_this() {
    let (dump, upstreams) = (fixture("gloo.json"), fixture("upstreams.yaml"));
    let run = cipher_test(["config-dump", &dump, "--upstreams", &upstreams]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert_snapshot!("config-dump-upstreams", run.stdout);
    let run = cipher_test(["config-dump", &fixture("custom-tls.json")]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_snapshot!("config-dump", run.stdout);
    let text = std::fs::read_to_string(dump).expect("a dump");
    let (report, run) = read_json(&text, &["--upstreams", &upstreams]);
    assert_eq!(run.code, Some(1));
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["totals"]["differing"], 2);
    assert_eq!(report["missing"][0]["cluster"], "legacy_gloo-system");
    assert_snapshot!("help-config-dump", cipher_test(["config-dump", "--help"]).stdout);
}

#[test]
fn settings_count_for_upstreams_without_parameters() {
    let directory = scratch("upstreams-");
    let settings = directory.path().join("settings.yaml");
    let text = "apiVersion: gloo.solo.io/v1\nkind: Settings\nmetadata: {name: default}\n\
                spec: {upstreamOptions: {sslParameters: {minimumProtocolVersion: TLSv1_1}}}\n";
    std::fs::write(&settings, text).expect("a file");
    let settings = settings.display().to_string();
    let (dump, upstreams) = (fixture("gloo.json"), fixture("upstreams.yaml"));
    let args = ["--upstreams", &upstreams, &settings, "--cluster", "ledger"];
    let run = cipher_test([&["config-dump", &dump][..], &args].concat());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let words = "≠ tls_minimum_protocol_version of ledger.example.com:8443: Envoy has TLSv1_2, the \
                 Upstream makes TLSv1_1";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    // Only what was asked for can be missing.
    assert!(!run.stdout.contains("legacy"), "{}", run.stdout);
}

#[test]
fn endpoints_are_tested_with_the_settings_of_their_cluster() {
    let legacy = embedded::scenario(Scenario::Legacy);
    let mtls = embedded::scenario(Scenario::Mtls);
    let (_reserved, closed) = closed();
    let certificate = json!({ "common_tls_context": { "tls_certificate_sds_secret_configs": [
        { "name": "client", "sds_config": { "resource_api_version": "V3",
            "path_config_source": { "path": "/nowhere" } } }] } });
    let with_suite = parameters(json!({ "cipher_suites": ["ECDHE-RSA-AES256-SHA"] }));
    let dump = json!([
        fixed("default", legacy.address().port(), tls(json!({}))),
        fixed("with-suite", legacy.address().port(), tls(with_suite)),
        fixed("certificate", mtls.address().port(), tls(certificate)),
        fixed("no-certificate", mtls.address().port(), tls(json!({}))),
        fixed("plain", legacy.address().port(), Value::Null),
        cluster(
            "tunnel",
            "STATIC",
            json!({
                "transport_socket": tls(json!({})),
                "load_assignment": assignment("tunnel", &[json!({ "endpoint": {
                    "address": { "pipe": { "path": "@/tunnel" } } } })]),
            })
        ),
    ])
    .to_string();
    let (report, run) = read_json(&dump, &["--probe"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let clusters = report["clusters"].as_array().expect("a list");
    let summaries: Vec<_> = clusters
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["probes"][0]["summary"].as_str().unwrap_or("")))
        .collect();
    let expected = [
        ("default", "needs-change"),
        ("with-suite", "connects"),
        ("certificate", "certificate-not-tried"),
        ("no-certificate", "needs-change"),
        ("plain", ""),
        ("tunnel", "not-tested"),
    ];
    assert_eq!(summaries, expected);
    let change = &clusters[0]["probes"][0]["change"];
    assert_eq!(change["cipher_suites"][4], "ECDHE-RSA-AES256-SHA");
    let run = read(&dump, &["--probe", "--cluster", "with-suite"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("negotiates TLSv1.2 ECDHE-RSA-AES256-SHA"), "{}", run.stdout);
    let run = read(&dump, &["--probe", "--cluster", "default"]);
    let words = "proven to help: cipher_suites [ECDHE-ECDSA";
    assert!(run.stdout.contains(words), "{}", run.stdout);

    let unreachable = json!([fixed("closed", closed, tls(json!({})))]).to_string();
    let run = read(&unreachable, &["--probe"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
}

fn closed() -> (crate::support::servers::Server, u16) {
    let server = closed_port();
    let port = server.address().port();
    (server, port)
}

#[test]
fn hostile_dumps_are_refused_in_one_line_and_nothing_is_lost() {
    let good = fixed("good", 1, tls(json!({}))).to_string();
    let rest = [
        ("{\"name\": \u{0}}", "expected value"),
        ("{\"name\": \"a\"", "it ends in the middle"),
        (&"[".repeat(100_000), "nested too deeply"),
        (&format!("{{\"x\": {}", "{\"a\":".repeat(100_000)), "nested too deeply"),
        (&format!("{{\"{}", "k".repeat(100_000)), "too large"),
        ("7}", "expected"),
    ];
    for (rest, words) in rest {
        let run = read(&format!("{{\"configs\": [{good}, {rest}"), &[]);
        assert_eq!(run.code, Some(2), "{words}");
        assert!(run.stdout.contains("good "), "{words}: {}", run.stdout);
        let [line] = run.complaints()[..] else { panic!("{words}: {}", run.stderr) };
        assert!(line.starts_with("cipher-test: stdin: ") && line.contains(words), "{line}");
    }
    // JSON stays JSON.
    let (report, run) = read_json(&format!("[{good},"), &[]);
    assert_eq!((run.code, &report["totals"]["clusters"]), (Some(2), &json!(1)));
    assert_eq!(report["exit_code"], 2);
    for (dump, words) in [("", "there is no config dump in it"), ("{}", "there is no cluster")] {
        let run = read(dump, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn what_a_dump_says_steers_no_terminal_and_tells_no_secret() {
    let mut cluster = fixed(
        "a\u{1b}[31m\nb",
        1,
        tls(json!({ "sni": "x\u{7}", "common_tls_context": {
        "tls_certificates": [{ "certificate_chain": { "inline_string": "CHAIN" },
            "private_key": { "inline_string": "KEY" } }],
        "validation_context": { "trusted_ca": { "inline_string": "AUTHORITY" } } } })),
    );
    let run = read(&json!([cluster.clone()]).to_string(), &[]);
    assert_eq!(run.code, Some(0));
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\u{7}'), "{}", run.stdout);
    assert!(run.stdout.contains("client certificate inline, CA inline"), "{}", run.stdout);
    let (report, _) = read_json(&json!([cluster.clone()]).to_string(), &[]);
    for secret in ["CHAIN", "KEY", "AUTHORITY"] {
        assert!(!report.to_string().contains(secret) && !run.stdout.contains(secret), "{secret}");
    }
    cluster["transport_socket"] = 7.into();
    let run = read(&json!([cluster]).to_string(), &[]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.complaints().len(), 1, "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn the_exit_code_of_the_document_is_that_of_the_command() {
    let good = fixed("good", 1, tls(json!({})));
    let mut odd = good.clone();
    odd["transport_socket"] = 7.into();
    let (good, both) = (json!([good]).to_string(), json!([good, odd]).to_string());
    let directory = scratch("upstreams-");
    let file = directory.path().join("upstreams.yaml");
    let upstream = "apiVersion: gloo.solo.io/v1\nkind: Upstream\nmetadata: {name: good}\n\
                    spec: {static: {hosts: [{addr: 127.0.0.1, port: 1}]}}\n---\n";
    std::fs::write(&file, format!("{upstream}7\n---\n- [\n")).expect("a file");
    let upstreams = file.display().to_string();
    let cut_off = &good[..good.len() - 1];
    let to = ["--to", "1.40", "--envoy", "1.36", "--answer-timeout", "1s", "--retries", "0"];
    let nothing = ["--to", "1.40", "--envoy", "1.36", "--cluster", "nothing"];
    #[rustfmt::skip]
    let table: [(&str, &[&str], i32); 9] = [
        (&good,   &[],                         0),
        (cut_off, &[],                         2),
        (&both,   &[],                         2),
        (&good,   &["--upstreams", &upstreams], 2),
        (&good,   &["--cluster", "nothing"],   2),
        (&good,   &nothing,                    2),
        (&good,   &to,                         2),
        (&both,   &to,                         2),
        ("[{\"name\": \"a\"}]", &to,           2),
    ];
    for (dump, args, code) in table {
        let run = read(dump, &[args, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let found = (run.code, &report["exit_code"]);
        assert_eq!(found, (Some(code), &code.into()), "{args:?}: {}", run.stderr);
    }
}

/// Clusters and what stands behind them are written apart, and both escape.
#[test]
fn json_escapes_what_a_terminal_would_act_upon() {
    let odd = "a\u{9b}2J\u{61c}\u{200f}\u{202e}\u{2066}";
    let directory = scratch("upstreams-");
    let upstream = json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": "missing", "namespace": "ns" },
        "spec": {
            "static": { "hosts": [{ "addr": "127.0.0.1", "port": 1 }] },
            "sslConfig": { "parameters": { "cipherSuites": [odd] } },
        },
    });
    let file = directory.path().join("upstream.json");
    std::fs::write(&file, upstream.to_string()).expect("a file");
    let shown = file.display().to_string();
    let dump = json!([fixed(&format!("there{odd}"), 1, tls(json!({})))]).to_string();
    let (report, run) = read_json(&dump, &["--upstreams", &shown]);
    assert_eq!(report["clusters"][0]["name"], format!("there{odd}"));
    let words = report["missing"][0]["text"].as_str().expect("a reason");
    assert!(words.contains(odd), "{words:?}");
    assert!(run.stdout.trim_end().is_ascii(), "{}", run.stdout.escape_debug());
}

#[test]
fn flags_and_files_that_cannot_be_are_refused() {
    let gloo = fixture("gloo.json");
    for (args, words) in [
        (vec!["config-dump"], "FILE"),
        (vec!["config-dump", "/nowhere"], "/nowhere: it cannot be read: no such file"),
        (vec!["config-dump", "-", "--upstreams", "-"], "only once"),
        (vec!["config-dump", &gloo, "--upstreams", &gloo], "no Upstream in the files"),
        (vec!["config-dump", &gloo, "--cluster", "nothing"], "no cluster has 'nothing'"),
        (
            vec!["config-dump", &gloo, "--cluster", "nothing", "--to", "1.40"],
            "no cluster has 'nothing'",
        ),
        (vec!["config-dump", &gloo, "--envoy", "1.99"], "known are 1.12 to 1.40"),
    ] {
        let run = cipher_test(&args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
        let [line] = run.complaints()[..] else { panic!("{args:?}: {}", run.stderr) };
        assert!(line.contains(words), "{args:?}: {line}");
    }
}

#[test]
fn the_release_is_that_of_the_dump_unless_one_is_given() {
    let dump = |version: Value| {
        let node = json!({ "user_agent_build_version": { "version": version } });
        let a = fixed("a", 1, tls(json!({})));
        json!({ "configs": [{ "bootstrap": { "node": node } }, { "cluster": a }] }).to_string()
    };
    let known = dump(json!({ "major_number": 1, "minor_number": 38, "patch": 3 }));
    assert_eq!(read_json(&known, &[]).0["envoy"], "1.38");
    assert_eq!(read_json(&known, &["--envoy", "1.30"]).0["envoy"], "1.30");
    let newer = dump(json!({ "major_number": 1, "minor_number": 99 }));
    let (report, run) = read_json(&newer, &[]);
    assert_eq!((report["envoy"].as_str(), run.code), (Some("1.40"), Some(0)));
    assert!(run.stderr.contains("Envoy 1.99.0 is not known"), "{}", run.stderr);
}

/// The text of a cluster of a large dump, some 4 kB, with `NUMBER` for its number.
fn large(kind: &str) -> String {
    let context = json!({
        "sni": "svc-NUMBER.example",
        "common_tls_context": { "validation_context": { "trusted_ca": {
            "inline_string": "A".repeat(1800) } } },
    });
    let mut cluster = fixed("svc-NUMBER_ns", 443, tls(context));
    cluster["type"] = kind.into();
    cluster["metadata"] = json!({ "filter_metadata": { "x": { "y": "z".repeat(1800) } } });
    if kind == "EDS" {
        cluster.as_object_mut().expect("fields").remove("load_assignment");
    }
    format!(",{}", json!({ "cluster": cluster }))
}

/// 200 MB with 50,000 clusters, of which half wait for endpoints that never come, in one line.
#[test]
#[expect(clippy::print_stdout, reason = "the measurement, for those who ask with --nocapture")]
fn a_large_dump_is_read_in_bounded_memory() {
    const BYTES: usize = 200_000_000;
    const LIMIT_KB: u64 = 60_000;
    let mut child = command()
        .args(["config-dump", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let begun = Instant::now();
    let (mut written, mut clusters) = (0, 0);
    let mut write = |text: &str| {
        written += text.len();
        stdin.write_all(text.as_bytes()).expect("it reads on");
        written
    };
    write("{\"configs\": [{\"dynamic_active_clusters\": [{}");
    let kinds = [large("EDS"), large("STRICT_DNS")];
    while write(&kinds[clusters % 2].replace("NUMBER", &clusters.to_string())) < BYTES {
        clusters += 1;
    }
    write("]}]}");
    // All but what is in the pipe has been read.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    drop(stdin);
    let ended = loop {
        if let Some(status) = child.try_wait().expect("a child to ask") {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    println!("{clusters} clusters, {written} bytes, {:?}, {peak} kB", begun.elapsed());
    assert_eq!(ended.code(), Some(0));
    assert!(peak < LIMIT_KB, "{peak} kB");
}
