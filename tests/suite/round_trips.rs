//! Round trips and connections: what a survey of a far server takes, and that a budget holds.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cipher_test::lab::{Scenario, Server as Embedded, ServerConfig};
use openssl::ssl::SslVersion;
use serde_json::Value;

use crate::support::binary::cipher_test;
use crate::support::embedded;
use crate::support::keys;
use crate::support::servers::relay::carry;
use crate::support::servers::{Scripted, Server};

/// Enough that nobody takes the server for a near one, however busy the machine is.
const DELAY: &str = "delay=60ms";

/// The endpoint's part of the report, and the exit code.
fn endpoint(address: SocketAddr, more: &[&str]) -> (Value, Option<i32>) {
    let target = address.to_string();
    let run = cipher_test([&[target.as_str(), "--format=json"], more].concat());
    assert_eq!(run.stderr, "");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    (report["targets"][0]["endpoints"][0].clone(), run.code)
}

/// Accepted pairs, in the server's order where it has one.
fn accepted(endpoint: &Value) -> Vec<(String, String)> {
    let versions = endpoint["survey"]["versions"].as_array().expect("versions");
    let rows = versions.iter().flat_map(|version| {
        let suites = version["suites"].as_array().expect("suites");
        let accepted = suites.iter().filter(|suite| suite["answer"] == "accepted");
        accepted.map(|suite| (version["version"].to_string(), suite["iana_name"].to_string()))
    });
    rows.collect()
}

fn groups(endpoint: &Value) -> BTreeSet<String> {
    let groups = endpoint["survey"]["groups"]["accepted"].as_array().expect("groups");
    groups.iter().map(ToString::to_string).collect()
}

fn eight() -> Embedded {
    embedded::server(&ServerConfig {
        cipher_list: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:\
                      ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-SHA:AES128-SHA"
            .into(),
        min_version: Some(SslVersion::TLS1_2),
        server_preference: true,
        ..ServerConfig::default()
    })
}

fn many() -> Embedded {
    let exchanges = ["ECDHE-RSA-", "DHE-RSA-", ""];
    let ciphers = [
        "AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-SHA384",
        "AES256-SHA256",
        "AES128-SHA256",
        "AES256-SHA",
        "AES128-SHA",
        "CAMELLIA256-SHA",
        "CAMELLIA128-SHA",
    ];
    let names: Vec<_> = exchanges
        .iter()
        .flat_map(|exchange| ciphers.map(|cipher| format!("{exchange}{cipher}")))
        .filter(|name| {
            !["ECDHE-RSA-CAMELLIA256-SHA", "ECDHE-RSA-CAMELLIA128-SHA"].contains(&name.as_str())
        })
        .filter(|name| cipher_test::tls::CipherSuite::from_openssl_name(name).is_some())
        .collect();
    embedded::server(&ServerConfig {
        cipher_list: names.join(":"),
        min_version: Some(SslVersion::TLS1),
        server_preference: true,
        ..ServerConfig::default()
    })
}

fn takes_at_most(server: &Embedded, pairs: usize, round_trips: u64) {
    let far = embedded::relay(server.address(), &[DELAY], 1);
    let (near, code) = endpoint(server.address(), &["--no-handshakes"]);
    let (seen, far_code) = endpoint(far.address(), &["--no-handshakes"]);
    assert_eq!(far_code, code);
    assert!(accepted(&near).len() >= pairs, "{:?}", accepted(&near));
    assert_eq!(accepted(&seen), accepted(&near));
    assert_eq!(groups(&seen), groups(&near));
    assert_eq!(seen["survey"]["complete"], true);
    for version in seen["survey"]["versions"].as_array().unwrap() {
        assert!(version["accepted"].as_u64() < Some(2) || version["order_proven"] == true);
    }
    let took = seen["round_trips"].as_u64().unwrap();
    assert!(took <= round_trips, "{took} round trips: {seen}");
    // Here connections open at once, so that the handshake comes after the answer to the hello.
    assert!(seen["verdict_round_trips"].as_u64() <= Some(5), "{}", seen["verdict_round_trips"]);
}

/// On a real link nothing waits for the first answer, which saves two or three
/// (scripts/bench-round-trips).
#[test]
fn a_far_server_of_eight_suites_is_surveyed_in_few_round_trips() {
    takes_at_most(&eight(), 8, 16);
}

/// As above; and a busy machine lets answers overtake each other.
#[test]
fn a_far_server_of_many_suites_is_surveyed_in_few_round_trips() {
    takes_at_most(&many(), 40, 26);
}

/// Relays, and counts the connections.
fn counted(to: SocketAddr) -> (Server, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    let server = Scripted::start(move |stream| {
        seen.fetch_add(1, Ordering::SeqCst);
        carry(stream, to);
    });
    (server, count)
}

#[test]
fn a_budget_is_never_exceeded_and_what_it_left_out_is_said() {
    let server = embedded::varied();
    for budget in [1, 2, 3, 7, 20, 40, 400] {
        let (relay, count) = counted(server.address());
        let before = count.load(Ordering::SeqCst);
        let (seen, code) = endpoint(relay.address(), &[&format!("--budget={budget}")]);
        let opened = count.load(Ordering::SeqCst) - before;
        assert!(opened <= budget, "{opened} connections of {budget}");
        assert_eq!(seen["connections"], opened);
        // The verdict on Envoy's own hello is there in one connection.
        assert_eq!((seen["summary"].as_str(), code), (Some("connects"), Some(0)));
        let versions = seen["survey"]["versions"].as_array().expect("versions");
        let total =
            |field: &str| versions.iter().map(|it| it[field].as_u64().unwrap()).sum::<u64>();
        assert_eq!(total("unclear"), 0);
        assert_eq!(seen["survey"]["complete"], budget == 400);
        assert_eq!(seen["survey"]["budget_hit"], budget < 400);
        assert_eq!(budget < 40, total("not_asked") > 0, "{budget}: {}", total("not_asked"));
        if budget == 1 {
            assert_eq!(opened, 1);
            assert_eq!(accepted(&seen), []);
        }
    }
}

#[test]
fn a_budget_serves_the_change_before_the_survey() {
    let server = embedded::old();
    let table = [(1, false), (30, true)];
    for (budget, has_change) in table {
        let target = server.address().to_string();
        let budget = format!("--budget={budget}");
        let run = cipher_test([target.as_str(), &budget, "--format=json"]);
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        assert_eq!(report["targets"][0].get("remedy").is_some(), has_change, "{budget}");
    }
    let run = cipher_test([server.address().to_string().as_str(), "--budget=12"]);
    assert!(run.stdout.contains("not asked"), "{}", run.stdout);
    assert!(run.stdout.contains("--budget were used up"), "{}", run.stdout);
}

#[test]
fn a_budget_that_leaves_the_verdict_unknown_ends_with_2() {
    let (relay, count) = counted(Scripted::closes_after_hello().address());
    let target = relay.address().to_string();
    let run = cipher_test([target.as_str(), "--budget=1", "--answer-timeout=1s"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// What only a complete handshake shows is not taken for granted where there is none.
#[test]
fn a_budget_without_a_handshake_leaves_certificates_open() {
    let mutual = embedded::scenario(Scenario::Mtls);
    let open = embedded::scenario(Scenario::Modern);
    let ca = format!("--ca={}", keys::authority().display());
    for (server, more, code) in [
        (&mutual, vec!["--maximum-protocol-version=TLSv1_2", "--budget=1"], 2),
        (&mutual, vec!["--maximum-protocol-version=TLSv1_2", "--budget=2"], 1),
        (&open, vec!["--budget=1"], 0),
        (&open, vec!["--budget=1", &ca], 2),
        (&open, vec!["--budget=1", "--verify-name=other.example", &ca], 2),
        (&open, vec!["--budget=4", &ca], 1),
    ] {
        let (seen, found) = endpoint(server.address(), &more);
        assert_eq!(found, Some(code), "{more:?}: {seen}");
        let advice = seen["findings"][0]["advice"].as_str().unwrap_or_default();
        assert_eq!(advice.contains("--budget"), code == 2, "{more:?}: {advice}");
    }
}

#[test]
fn a_patch_that_the_budget_left_out_is_not_called_impossible() {
    let server = embedded::old();
    let target = server.address().to_string();
    for budget in ["--budget=1", "--budget=6"] {
        let run = cipher_test([target.as_str(), budget, "--fix=patch"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
        assert!(run.stderr.contains("no patch: not asked: the connections allowed by --budget"));
    }
}

#[test]
fn a_far_port_without_tls_gets_one_connection() {
    let ssh = Scripted::ssh();
    let (relay, count) = counted(ssh.address());
    let far = embedded::relay(relay.address(), &[DELAY], 1);
    let (seen, code) = endpoint(far.address(), &[]);
    assert_eq!(code, Some(1), "{seen}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// Names are tried on the connections that the survey leaves, be it a single one.
#[test]
fn another_name_is_found_on_a_far_server_with_one_connection_at_a_time() {
    let server = embedded::scenario(Scenario::SniRequired);
    let relay = embedded::relay(server.address(), &[DELAY], 1);
    let name = ["--try-sni", "my-upstream.example.com", "--connections", "1", "--no-handshakes"];
    let (found, code) = endpoint(relay.address(), &name);
    assert_eq!(code, Some(1), "{found}");
    assert_eq!(found["findings"][0]["code"], "sni", "{found}");
    assert_eq!(found["survey"]["complete"], true, "{found}");
    assert_eq!(found["survey"]["deadline_hit"], false, "{found}");
}

/// One refusal of Envoy's own hello says nothing of how hellos have to be made.
#[test]
fn a_far_server_of_an_old_version_is_surveyed_to_the_end() {
    let server = embedded::server(&ServerConfig {
        cipher_list: "ALL:@SECLEVEL=0".into(),
        min_version: Some(SslVersion::TLS1),
        max_version: Some(SslVersion::TLS1),
        ..ServerConfig::default()
    });
    let relay = embedded::relay(server.address(), &["delay=40ms"], 1);
    let (found, code) = endpoint(relay.address(), &["--no-handshakes"]);
    assert_eq!((code, &found["survey"]["complete"]), (Some(1), &true.into()), "{found}");
    assert!(accepted(&found).len() > 5, "{:?}", accepted(&found));
}
