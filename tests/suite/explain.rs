//! `cipher-test explain` as its users run it, and held against what real Envoys say.

use std::io::Write as _;
use std::process::{Child, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::envoy::{Outcome, Protocol, Release, Upstream, connect};
use crate::support::keys::{self, Leaf};
use crate::support::scratch;
use crate::support::servers::{Nginx, Openssl, Scripted, Server, closed_port};

const REFUSED: &str = "TLS error: 268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE 268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO";

fn start(args: &[&str]) -> Child {
    command().arg("explain").args(args).stdin(Stdio::piped()).spawn().expect("the command starts")
}

/// Runs it with this on stdin.
fn piped(args: &[&str], input: &[u8]) -> Run {
    let mut child = start(args);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let run = finish(child);
    writer.join().unwrap();
    run
}

/// The JSON of a run, held against the schema that the command prints.
fn document(run: &Run) -> Value {
    let schema = cipher_test(["schema", "explain"]);
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", run.stdout, run.stderr);
    });
    let faults: Vec<_> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}: {document:#}");
    document
}

/// The codes that come out for a text.
fn codes(text: &str) -> Vec<String> {
    let run = piped(&["--format", "json"], text.as_bytes());
    let document = document(&run);
    let symptoms = document["symptoms"].as_array().unwrap();
    symptoms.iter().map(|symptom| symptom["code"].as_str().unwrap().to_owned()).collect()
}

/// Text whose meaning is known, of every kind, with some that says nothing.
const MIXED: &str = r#"GET /api -> 503: upstream connect error or disconnect/reset before headers. reset reason: remote connection failure
[2026-08-20T10:00:00.000Z] "GET /api?token=hunter2 HTTP/1.1" 503 UC 0 95 2 - "-" "curl/7.88.1" "5c5a2669" "api.example" "10.0.0.5:443"
[pod/gateway-proxy-1/gateway-proxy] {"flags":"UF","start_time":"2026-08-20T10:00:01.000Z","upstream_cluster":"orders_shop","upstream_host":"10.0.0.7:443","upstream_transport_failure_reason":"TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end"}
[pod/gateway-proxy-1/gateway-proxy] {"flags":"UF","start_time":"2026-08-20T10:05:01.000Z","upstream_cluster":"orders_shop","upstream_host":"10.0.0.7:443","upstream_transport_failure_reason":"TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end"}
[2026-08-20 10:00:02.000][1][warning][config] [source/common/config/grpc_subscription_impl.cc:138] gRPC config for type.googleapis.com/envoy.config.cluster.v3.Cluster rejected: Error adding/updating cluster(s) cart_shop: Failed to initialize cipher suites DHE-RSA-AES256-SHA:AES256-SHA. The following ciphers were rejected when tried individually: DHE-RSA-AES256-SHA
{"level":"warn","ts":"2026-08-20T10:00:03.000Z","logger":"gloo.v1.event_loop.setup.gloosnapshot.event_loop.envoyTranslatorSyncer","msg":"Proxy had invalid config","proxy":"gloo-system.gateway-proxy","error":"1 error occurred:\n\t* invalid resource shop.search\n\t* name:\"search-tls\"  namespace:\"shop\" is not a TLS secret\n\n"}
apiVersion: gloo.solo.io/v1
kind: Upstream
metadata:
  name: payments
  namespace: shop
status:
  statuses:
    gloo-system:
      reason: "warning: \n  SSL secret not found: list did not find secret
        shop.payments-tls\n"
      state: Warning
cluster.legacy_shop.ssl.fail_verify_san: 4
TLS error: 268436547:SSL routines:OPENSSL_internal:unknown_error
a line that says nothing
"#;

#[test]
fn the_text_is_for_people() {
    let run = piped(&[], MIXED.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_snapshot!("mixed", run.stdout);
    assert_eq!(run.stderr, "cipher-test: 10 of 20 lines say nothing that is known here\n");
    assert!(!run.stdout.contains("hunter2"), "what a request asked for is nobody's business");
}

#[test]
fn colour_is_the_only_difference() {
    let run = piped(&["--color", "always"], MIXED.as_bytes());
    assert!(run.stdout.contains("\u{1b}["));
    let mut pieces = run.stdout.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    let plain = pieces
        .fold(first, |plain, piece| plain + piece.split_once('m').map_or("", |(_, rest)| rest));
    assert_eq!(plain, piped(&[], MIXED.as_bytes()).stdout);
}

#[test]
fn json_has_everything() {
    let document = document(&piped(&["--format", "json"], MIXED.as_bytes()));
    assert_eq!((&document["version"], &document["lines"]), (&json!(1), &json!(20)));
    let symptoms = document["symptoms"].as_array().unwrap();
    let codes: Vec<_> = symptoms.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes[0], "hello-refused", "the most frequent comes first");
    for code in [
        "reason-not-given",
        "connection-terminated",
        "cipher-suites-rejected",
        "secret-not-tls",
        "secret-not-found",
        "certificate-name",
        "alert-received",
    ] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    let first = &symptoms[0];
    assert_eq!(first["count"], 2);
    assert_eq!(
        first["occurrences"][0],
        json!({
            "subject": { "kind": "upstream", "name": "orders", "namespace": "shop" },
            "addresses": ["10.0.0.7:443"],
            "count": 2,
            "first_seen": "2026-08-20T10:00:01Z",
            "last_seen": "2026-08-20T10:05:01Z",
        })
    );
    assert_eq!(first["errors"][0]["alert"], json!({ "number": 40, "name": "handshake_failure" }));
}

#[test]
fn arguments_files_and_stdin_can_be_mixed() {
    let directory = scratch("explain-");
    let file = directory.path().join("proxy.log");
    std::fs::write(&file, "tls version 7 not found\r\n").unwrap();
    let file = file.to_str().unwrap();

    let run = cipher_test(["explain", REFUSED]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("[hello-refused]"), "{}", run.stdout);
    assert_eq!(run.stderr, "");

    let run = piped(&[REFUSED, "-", "--file", file], b"268435703\n");
    for code in ["[hello-refused]", "[plain-text]", "[version-number-unknown]"] {
        assert!(run.stdout.contains(code), "{code} is not in {}", run.stdout);
    }
    // Stdin is left alone where something else is given.
    let run = piped(&["--file", file], b"268435703\n");
    assert!(!run.stdout.contains("[plain-text]"), "{}", run.stdout);
}

#[test]
fn what_is_not_known_is_said() {
    for input in
        [&b""[..], b"\n\n", b"hello\n", b"\0\0\xff\xfe\n", b"{\"a\": {\"b\": [1]}}", b"reason: x"]
    {
        let run = piped(&[], input);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{input:?}");
        let [line] = run.complaints()[..] else { panic!("{input:?}: {}", run.stderr) };
        assert!(line.starts_with("cipher-test: "), "{line}");
        assert!(line.contains("give a 503 body"), "{line}");
    }
    let run = piped(&["--format", "json"], b"hello\n");
    assert_eq!(run.code, Some(2));
    assert_eq!(document(&run)["symptoms"], json!([]));
}

#[test]
fn a_file_that_cannot_be_read_loses_nothing_else() {
    let run = cipher_test(["explain", REFUSED, "--file", "/nonexistent/log"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.contains("[hello-refused]"), "{}", run.stdout);
    assert!(run.stderr.contains("cannot read /nonexistent/log"), "{}", run.stderr);
    let run = cipher_test(["explain", "--file", "/"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("cannot read /"), "{}", run.stderr);
}

#[test]
fn a_file_given_as_text_is_pointed_out() {
    let directory = scratch("explain-");
    let file = directory.path().join("proxy.log");
    std::fs::write(&file, REFUSED).unwrap();
    let run = cipher_test(["explain", file.to_str().unwrap()]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--file "), "{}", run.stderr);
}

#[test]
fn long_lines_are_cut_and_that_is_said() {
    let mut input = REFUSED.as_bytes().to_vec();
    input.resize(3 << 20, b'x');
    input.extend(b"\n268435703\n");
    let run = piped(&[], &input);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("[hello-refused]") && run.stdout.contains("[plain-text]"));
    assert!(
        run.stderr.contains("lines longer than 1 MiB were read only up to there: 1 in all"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_terminal_is_not_told_what_to_do_by_a_log() {
    let evil = format!("\u{1b}]0;title\u{7}\u{1b}[2J{REFUSED} \u{9b}31m\u{202e}\u{61c}");
    let run = cipher_test(["explain", &evil]);
    assert_eq!(run.code, Some(0));
    let odd = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{61c}'];
    assert!(!run.stdout.contains(odd), "{:?}", run.stdout);
}

#[test]
fn credentials_are_not_repeated() {
    let line = format!("key: -----BEGIN PRIVATE KEY----- MIIEvQ {REFUSED}");
    for line in [line, format!("authorization: Basic aHVudGVyMg== {REFUSED}")] {
        let run = cipher_test(["explain", &line]);
        assert_eq!(run.code, Some(0));
        assert!(
            !run.stdout.contains("MIIEvQ") && !run.stdout.contains("aHVudGVyMg"),
            "{}",
            run.stdout
        );
    }
}

/// 50 MB with ten thousand clusters: memory stays what it is.
#[test]
fn a_long_stream_takes_little_memory() {
    const LINES: u64 = 40_000;
    let mut child = start(&["--format", "json"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut bytes = 0;
    for number in 0..LINES {
        let line = format!(
            "{{\"flags\":\"UF\",\"start_time\":\"2026-08-20T10:00:01.000Z\",\"padding\":\"{:0>1000}\",\
             \"upstream_cluster\":\"u{}_shop\",\"upstream_transport_failure_reason\":\"TLS_error:|\
             268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end\",\
             \"details\":\"upstream_reset_before_response_started{{remote_connection_failure}}\"}}\n",
            number,
            number % 10_000,
        );
        stdin.write_all(line.as_bytes()).unwrap();
        bytes += line.len();
    }
    assert!(bytes > 50_000_000, "{bytes}");
    let peak = peak_kib(child.id());
    drop(stdin);
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(peak < 64 * 1024, "{peak} KiB at the most");
    let document = document(&run);
    let counted = document["symptoms"][0]["count"].as_u64().unwrap();
    assert_eq!(counted + document["others"].as_u64().unwrap(), LINES);
    assert!(run.stderr.contains("are not shown"), "{}", run.stderr);
}

/// The most memory that a process has had.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A way to fail.
struct Failure {
    /// What `explain` is to make of the access log.
    code: &'static str,
    server: Server,
    configure: fn(Upstream) -> Upstream,
}

fn failure(code: &'static str, server: Server, configure: fn(Upstream) -> Upstream) -> Failure {
    Failure { code, server, configure }
}

fn failures() -> Vec<Failure> {
    let tls12 = |more: &str| Openssl::new(&format!("-tls1_2 {more}"));
    vec![
        failure("hello-refused", tls12("-cipher AES256-SHA256").start(), |it| it),
        failure("maximum-version", Openssl::new("-tls1_3").start(), |it| it),
        failure("minimum-version", Openssl::new("-tls1 -cipher ALL:@SECLEVEL=0").start(), |it| {
            it.tls_params(&json!({ "cipher_suites": ["AES128-SHA", "ECDHE-RSA-AES128-SHA"] }))
        }),
        failure("bounds-contradict", tls12("").start(), |it| {
            it.tls_params(&json!({ "tls_minimum_protocol_version": "TLSv1_3" }))
        }),
        failure("no-usable-suite", tls12("").start(), |it| {
            it.tls_params(&json!({ "cipher_suites": ["PSK-AES128-CBC-SHA"] }))
        }),
        failure("refused-after-hello", tls12("").verify_client().start(), |it| it),
        failure("connection-terminated", Openssl::new("-tls1_3").verify_client().start(), |it| {
            it.tls_params(&json!({ "tls_maximum_protocol_version": "TLSv1_3" }))
        }),
        failure("client-ca-unknown", tls12("").verify_client().start(), |it| {
            it.client_certificate(keys::leaf(Leaf::ClientUntrusted))
        }),
        failure("certificate-untrusted", tls12("").leaf(Leaf::RsaUntrusted).start(), |it| {
            it.trusted_ca(keys::authority())
        }),
        failure("certificate-name", tls12("").start(), |it| {
            it.trusted_ca(keys::authority()).san("other.example")
        }),
        failure("sni", Nginx::new().only_name("only.example").start(), |it| it),
        failure("alpn", Openssl::new("-tls1_2 -alpn http/1.1").start(), |it| {
            it.protocol(Protocol::Http2)
        }),
        failure("plain-text", Nginx::plain().start(), |it| it),
        failure("connection-reset", Scripted::resets(), |it| it),
        failure("connection-refused", closed_port(), |it| it),
        failure("hangup", Scripted::closes_after_hello(), |it| it),
        // A TCP proxy has no body and no details, but the same reason.
        failure("hello-refused", tls12("-cipher AES256-SHA256").start(), |it| {
            it.protocol(Protocol::Tcp)
        }),
        failure("cipher-suites-rejected", tls12("").start(), |it| {
            it.tls_params(&json!({ "cipher_suites": ["AES128-SHA", "DHE-RSA-AES256-SHA"] }))
        }),
        failure("curves-rejected", tls12("").start(), |it| {
            it.tls_params(&json!({ "ecdh_curves": ["X25519", "secp256r1"] }))
        }),
    ]
}

/// Real failures of a real Envoy: what it writes is explained as what it is.
fn is_explained(release: Release) {
    let failures = failures();
    let upstreams: Vec<_> = failures
        .iter()
        .map(|failure| (failure.configure)(Upstream::new(failure.server.address())))
        .collect();
    let outcomes = connect(release, &upstreams);
    for (index, (Failure { code, .. }, outcome)) in failures.iter().zip(&outcomes).enumerate() {
        let what = format!("{release:?} {code} (case {index}): {outcome:?}");
        if let Some(text) = &outcome.rejected {
            assert_eq!(codes(text), [*code], "{what}");
            continue;
        }
        assert!(!outcome.access_log.is_empty(), "{what}");
        let expected = told_in_access_log(release, code);
        assert_eq!(codes(&outcome.access_log), [expected], "{what}");
        if let Some(expected) = told_in_body(release, code, outcome) {
            assert_eq!(codes(&outcome.body), [expected], "{what}");
        }
    }
}

/// Envoy 1.36 does not say why it does not accept a certificate.
fn told_in_access_log(release: Release, code: &'static str) -> &'static str {
    match (release, code) {
        (Release::V1_36, "certificate-untrusted" | "certificate-name") => {
            "certificate-verification"
        }
        _ => code,
    }
}

/// From 1.38.2 on, the body no longer has the reason.
fn told_in_body(release: Release, code: &'static str, outcome: &Outcome) -> Option<&'static str> {
    match (release, code) {
        _ if outcome.body.is_empty() => None,
        (_, "connection-terminated") => Some(code),
        (_, "hangup") | (Release::V1_40, _) => Some("reason-not-given"),
        (Release::V1_36, _) => Some(told_in_access_log(release, code)),
    }
}

#[test]
fn what_envoy_1_36_says_is_explained() {
    is_explained(Release::V1_36);
}

#[test]
fn what_envoy_1_40_says_is_explained() {
    is_explained(Release::V1_40);
}
