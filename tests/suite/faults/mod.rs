//! Bad networks and odd servers, one file a fault: every suite there is, or 'unclear' and exit
//! code 2; never a row that is not true; and an end in time.

mod alert;
mod ban;
mod close;
mod crowd;
mod delay;
mod extensions;
mod fragments;
mod mutual;
mod rate;
mod repeat;
mod reset;
mod size;
mod stall;
mod suites;
mod swap;
mod warning;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use cipher_test::lab::{Server, ServerConfig};
use serde_json::Value;

use crate::support::binary::{Run, cipher_test};
use crate::support::faults::Counts;
use crate::support::{embedded, in_parallel};

/// Version and number of a suite.
type Row = (String, String);

/// The suites of the server behind the faults, by its configuration.
const TRUTH: [(&str, &str); 8] = [
    ("TLSv1.3", "0x1301"),
    ("TLSv1.3", "0x1302"),
    ("TLSv1.3", "0x1303"),
    ("TLSv1.2", "0xc02f"),
    ("TLSv1.2", "0xc030"),
    ("TLSv1.2", "0xcca8"),
    ("TLSv1.2", "0xc013"),
    ("TLSv1.2", "0x009c"),
];

/// The server behind the faults; Envoy reaches it as it is.
fn eight_suites() -> Server {
    embedded::server(&ServerConfig {
        cipher_list: "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:\
                      ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256"
            .into(),
        ..ServerConfig::default()
    })
}

/// What one run found out.
struct Found {
    run: Run,
    report: Value,
    accepted: BTreeSet<Row>,
    refused: BTreeSet<Row>,
    unclear: usize,
    counts: Counts,
}

impl Found {
    /// The codes and kinds of what was found, for a reader and for a program.
    fn findings(&self) -> String {
        self.report["targets"][0]["endpoints"][0]["findings"].to_string()
    }

    /// Every suite there is.
    fn has_all(&self) -> &Self {
        let missing: Vec<_> = truth().difference(&self.accepted).cloned().collect();
        assert!(missing.is_empty(), "missing {missing:?}: {}", self.run.stdout);
        assert_eq!(self.unclear, 0, "{}", self.findings());
        self
    }

    fn finds(&self, words: &str) -> &Self {
        assert!(self.findings().contains(words), "'{words}' is not in {}", self.findings());
        self
    }

    fn took_at_most(&self, seconds: u64, connections: u64) -> &Self {
        let took = self.run.took;
        assert!(took < Duration::from_secs(seconds), "took {took:?}: {}", self.findings());
        let counted = self.counts.connections;
        assert!(counted <= connections, "{counted} connections: {}", self.findings());
        self
    }
}

fn truth() -> BTreeSet<Row> {
    TRUTH.iter().map(|(version, suite)| ((*version).to_owned(), (*suite).to_owned())).collect()
}

/// Surveys the server through these faults, once for each seed, and holds each run to what must
/// hold for all: no false row, and an exit code that admits what is not known.
fn through(faults: &[&str], seeds: u64, more: &[&str]) -> Vec<Found> {
    let server = eight_suites();
    let seeds: Vec<_> = (1..=seeds).collect();
    in_parallel(&seeds, 4, |seed| survey(server.address(), faults, *seed, more))
}

fn survey(to: SocketAddr, faults: &[&str], seed: u64, more: &[&str]) -> Found {
    let found = ask(to, faults, seed, more);
    holds(&found, seed);
    found
}

fn ask(to: SocketAddr, faults: &[&str], seed: u64, more: &[&str]) -> Found {
    let relay = embedded::relay(to, faults, seed);
    let target = relay.address().to_string();
    let mut args = vec![target.as_str(), "--format=json", "--deadline=60s"];
    if !more.iter().any(|arg| arg.starts_with("--answer-timeout")) {
        args.push("--answer-timeout=2s");
    }
    args.extend(more);
    let run = cipher_test(args);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let rows = |answer: &str| rows(&report, answer);
    let (accepted, refused, unclear) = (rows("accepted"), rows("refused"), rows("unclear").len());
    Found { accepted, refused, unclear, counts: relay.counts(), run, report }
}

fn rows(report: &Value, answer: &str) -> BTreeSet<Row> {
    let none = Vec::new();
    let endpoints = report["targets"][0]["endpoints"].as_array().unwrap_or(&none);
    let versions = endpoints.iter().flat_map(|endpoint| list(&endpoint["survey"]["versions"]));
    versions
        .flat_map(|version| list(&version["suites"]).iter().map(move |suite| (version, suite)))
        .filter(|(_, suite)| suite["answer"] == answer)
        .map(|(version, suite)| (text(&version["version"]), text(&suite["code_point"])))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What holds whatever the fault.
fn holds(found: &Found, seed: u64) {
    let truth = truth();
    let false_yes: Vec<_> = found.accepted.difference(&truth).collect();
    assert!(false_yes.is_empty(), "seed {seed}: false {false_yes:?}: {}", found.findings());
    let false_no: Vec<_> = found.refused.intersection(&truth).collect();
    assert!(false_no.is_empty(), "seed {seed}: refused {false_no:?}: {}", found.findings());
    let is_known = found.unclear == 0 && found.accepted == truth;
    assert!(
        is_known || found.run.code == Some(2),
        "seed {seed}: exit code {:?}: {}",
        found.run.code,
        found.findings()
    );
    let code = found.report["exit_code"].as_i64();
    assert_eq!(code, found.run.code.map(i64::from), "seed {seed}: what JSON says");
}
