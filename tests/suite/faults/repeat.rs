//! Several surveys of one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{eight_suites, list, through};
use crate::support::binary::cipher_test;
use crate::support::embedded;
use crate::support::servers::{Scripted, relay};

#[test]
fn a_steady_server_has_the_same_answers_each_time() {
    for found in through(&[], 1, &["--repeat=3", "--no-handshakes"]) {
        found.has_all();
        let survey = &found.report["targets"][0]["endpoints"][0]["survey"];
        assert_eq!(survey["surveys"], 3);
        assert_eq!(list(&survey["unsteady"]).len(), 0);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

#[test]
fn resets_make_no_row_unsteady() {
    for found in through(&["reset-1-in=7"], 2, &["--repeat=2", "--no-handshakes"]) {
        found.has_all();
    }
}

/// Two servers behind one address, as a load balancer has them, one of which has one suite less:
/// the first sees the first survey, the second all that follow.
#[test]
fn rows_that_change_are_a_finding_and_unclear() {
    let (all, fewer) = (eight_suites(), embedded::varied());
    let first = cipher_test([all.address().to_string().as_str(), "--no-handshakes", "-v"]);
    let seen = first.stdout.lines().find_map(|line| line.trim().strip_prefix("cost"));
    let words = seen.and_then(|words| words.split_whitespace().next()).expect("connections");
    let count: usize = words.parse().expect("a number");
    let asked = Arc::new(AtomicUsize::new(0));
    let balancer = Scripted::start({
        let (all, fewer) = (all.address(), fewer.address());
        move |stream| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            relay::carry(stream, if number < count + 5 { all } else { fewer });
        }
    });
    let target = balancer.address().to_string();
    let run = cipher_test([target.as_str(), "--repeat=3", "--no-handshakes", "--format=json"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["exit_code"], 2);
    let endpoint = &report["targets"][0]["endpoints"][0];
    let rows = list(&endpoint["survey"]["unsteady"]);
    assert!(!rows.is_empty(), "{}", endpoint["findings"]);
    let finding = endpoint["findings"].to_string();
    assert!(finding.contains("answers differ from one connection to the next"), "{finding}");
    for row in rows {
        assert!(row["accepted"].as_u64() > Some(0) && row["refused"].as_u64() > Some(0), "{row}");
    }
}
