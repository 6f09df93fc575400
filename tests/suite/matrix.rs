//! The verdict matrix: for every case of [`cases`], what `cipher-test` says must be what the real
//! Envoy does, as it is configured and after the patch.
//!
//! The patch is taken as a user would take it, from `--fix patch`, and carried into Envoy's
//! fields here. Where no patch is offered, Envoy must not be reachable by anything that Gloo can
//! set.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::cases::{self, Case, Known};
use crate::support::envoy::{Outcome, Protocol, Release, Upstream, connect};
use crate::support::in_parallel;
use crate::support::keys;

/// What the command said of one case.
struct Said {
    exit: i32,
    patch: Option<Value>,
    stderr: String,
}

#[test]
fn verdicts_agree_with_envoy_1_40() {
    verdicts_agree_with(Release::V1_40, "1.40");
}

#[test]
fn verdicts_agree_with_envoy_1_36() {
    verdicts_agree_with(Release::V1_36, "1.36");
}

/// Each cause has a code of its own.
#[test]
fn causes_are_told_apart() {
    #[rustfmt::skip]
    let table = [
        ("AES128-SHA at tls1_2",                       "cipher-suites"),
        ("refuses all with its first suite",           "failing-suites"),
        ("fails where it selects its first suite",     "failing-suites"),
        ("closes once it has selected its first suite","failing-suites"),
        ("TLS 1.3 alone, and no hello with other suites", "failing-suites"),
        ("TLS 1.0 alone, suites added, minimum not",   "minimum-version"),
        ("TLS 1.3 alone of nginx",                     "maximum-version"),
        ("P-384 alone of nginx",                       "curves"),
        ("TLS 1.3 alone on, closed, hellos above 511 bytes dropped", "hello-size"),
        ("Ed25519 key at TLS 1.2",                     "signature-algorithms"),
        ("nginx for one name, none asked",             "sni"),
        ("h2 alone, Envoy speaks HTTP/1",              "alpn"),
        ("client certificate at TLS 1.2, none",        "client-certificate"),
        ("client certificate at TLS 1.3, none",        "client-certificate"),
        ("RsaUntrusted certificate, verified",         "certificate-untrusted"),
        ("RsaExpired certificate, verified",           "certificate-expired"),
        ("Rsa certificate, verified with another name","certificate-name"),
        ("RsaEnciphermentOnly, ECDHE alone",           "key-usage"),
        ("TLS 1.2, and a minimum of 1.3 without a maximum", "configuration"),
        ("plain HTTP",                                 "plain-text"),
        ("closed port",                                "unreachable"),
        ("silent",                                     "no-answer"),
        ("resets",                                     "hangup"),
        ("DHE-RSA-AES128-SHA at tls1_2",               "no-setting-helps"),
        ("X448 alone at TLS 1.2",                      "no-setting-helps"),
    ];
    let cases = cases::all();
    let told = in_parallel(&table, 4, |(name, _)| {
        let case = cases.iter().find(|case| case.name == *name);
        let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
        let server = case.start();
        let mut command = command(case, server.address());
        let output = command.args(["--format", "json", "--no-handshakes"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["targets"][0]["endpoints"][0]["findings"][0]["code"].clone()
    });
    for ((name, code), told) in table.iter().zip(told) {
        assert_eq!(told, *code, "{name}");
    }
}

fn verdicts_agree_with(release: Release, name: &str) {
    let cases = cases::all();
    let servers = in_parallel(&cases, 4, Case::start);
    let jobs: Vec<_> = cases.iter().zip(&servers).collect();
    let said = in_parallel(&jobs, 4, |(case, server)| ask(case, server.address(), name));
    let before: Vec<_> =
        jobs.iter().map(|(case, server)| case.side.upstream(server.address())).collect();
    let after: Vec<_> =
        before.iter().zip(&said).map(|(upstream, said)| patched(upstream, said)).collect();
    let before = connect(release, &before);
    let after = connect(release, &after);

    let mut wrong = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        if let Some(fault) = fault(case, release, &said[index], &before[index], &after[index]) {
            wrong.push(format!("{}: {fault}", case.name));
        }
    }
    let patches = said.iter().filter(|said| said.patch.is_some()).count();
    assert!(
        wrong.is_empty(),
        "{} of {} verdicts disagree with Envoy {name}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    assert!(cases.len() >= 60 && patches >= 20, "{} cases, {patches} patches", cases.len());
}

/// What is wrong with a verdict, if anything is.
fn fault(
    case: &Case,
    release: Release,
    said: &Said,
    before: &Outcome,
    after: &Outcome,
) -> Option<String> {
    let Said { exit, patch, stderr } = said;
    let envoy = |outcome: &Outcome| {
        let reason = outcome.reason.clone();
        format!("connects {}, {reason:?}, rejected {:?}", outcome.connects(), outcome.rejected)
    };
    if (*exit == 0) != before.connects() {
        return Some(format!("said {exit} ({stderr}), Envoy before: {}", envoy(before)));
    }
    match patch {
        Some(patch) if !after.connects() => {
            Some(format!("after the patch {patch} Envoy: {}", envoy(after)))
        }
        Some(_) => None,
        None if *exit == 1 && settable(case.known(release)) => {
            Some(format!("no patch ({stderr}), but there is one: {:?}", case.known(release)))
        }
        None => None,
    }
}

/// Whether the change that a case knows is one that Gloo has fields for and that makes a hello
/// get through: not signature algorithms, not turning verification off, not a client certificate.
fn settable(known: &Known) -> bool {
    let Known::FixedBy(patch) = known else { return false };
    let common = &patch["common_tls_context"];
    let params = &common["tls_params"];
    let beyond = params.get("signature_algorithms").is_some()
        || common.get("validation_context").is_some()
        || common.get("tls_certificates").is_some();
    !beyond
}

/// Runs the command for one case as its user would.
fn ask(case: &Case, address: SocketAddr, envoy: &str) -> Said {
    let mut command = command(case, address);
    let output = command.args(["--envoy", envoy, "--fix", "patch"]).output().expect("it runs");
    let stdout = String::from_utf8(output.stdout).unwrap();
    Said {
        exit: output.status.code().unwrap_or(-1),
        patch: (!stdout.is_empty()).then(|| serde_norway::from_str(&stdout).unwrap()),
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    }
}

/// The command with the flags that describe a case's Envoy.
pub(crate) fn command(case: &Case, address: SocketAddr) -> Command {
    let side = &case.side;
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-test"));
    command.arg(address.to_string());
    command.args(["--answer-timeout", "3s", "--try-sni", keys::NAME]);
    match side.sni {
        Some(name) => command.args(["--sni", name]),
        None => command.arg("--no-sni"),
    };
    command.args([
        "--protocol",
        match side.protocol {
            Protocol::Http1 => "http1",
            Protocol::Http2 => "http2",
            Protocol::Auto => "auto",
            Protocol::Tcp => "tcp",
        },
    ]);
    if let Some(client) = side.client {
        let certificate = keys::leaf(client);
        command.arg("--cert").arg(&certificate.certificate).arg("--key").arg(&certificate.key);
    }
    if side.verifies {
        command.arg("--ca").arg(keys::authority());
    }
    if let Some(name) = side.san {
        command.args(["--verify-name", name]);
    }
    for (field, value) in side.tls_params.as_object().unwrap_or(&Map::new()) {
        command.args(flag(field, value));
    }
    command
}

fn flag(field: &str, value: &Value) -> [String; 2] {
    let list = || {
        let names = value.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        names.collect::<Vec<_>>().join(",")
    };
    match field {
        "tls_minimum_protocol_version" => {
            ["--minimum-protocol-version".into(), value.as_str().unwrap().into()]
        }
        "tls_maximum_protocol_version" => {
            ["--maximum-protocol-version".into(), value.as_str().unwrap().into()]
        }
        "cipher_suites" => ["--cipher-suites".into(), list()],
        "ecdh_curves" => ["--ecdh-curves".into(), list()],
        other => panic!("no flag for {other}"),
    }
}

/// The upstream with the patch of an Upstream carried into Envoy's fields, as Gloo does it.
fn patched(upstream: &Upstream, said: &Said) -> Upstream {
    let Some(patch) = &said.patch else { return upstream.clone() };
    let spec = &patch["spec"];
    let parameters = &spec["sslConfig"]["parameters"];
    let mut tls_params = Map::new();
    for (gloo, envoy) in [
        ("minimumProtocolVersion", "tls_minimum_protocol_version"),
        ("maximumProtocolVersion", "tls_maximum_protocol_version"),
        ("cipherSuites", "cipher_suites"),
        ("ecdhCurves", "ecdh_curves"),
    ] {
        if let Some(value) = parameters.get(gloo) {
            tls_params.insert(envoy.to_owned(), value.clone());
        }
    }
    let mut after = upstream.clone().tls_params(&Value::Object(tls_params));
    // `sslConfig.sni` counts where the hosts have no name and Gloo is told not to make one up.
    let on_host = spec["static"]["hosts"][0].get("sniAddr");
    if let Some(name) = on_host.or(spec["sslConfig"].get("sni")) {
        after = after.patched(&json!({ "sni": name }));
    }
    if let Some(protocols) = spec["sslConfig"].get("alpnProtocols") {
        after = after.patched(&json!({ "common_tls_context": { "alpn_protocols": protocols } }));
    }
    match spec.get("useHttp2").and_then(Value::as_bool) {
        Some(true) => after.protocol(Protocol::Http2),
        Some(false) => after.protocol(Protocol::Http1),
        None => after,
    }
}
