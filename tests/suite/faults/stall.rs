//! Connections on which nothing comes.

use std::time::Duration;

use super::through;
use crate::support::binary::cipher_test;
use crate::support::servers::Scripted;

/// The whole time for an answer is 5 s by default; a stall may cost it, but not each stall.
#[test]
fn stalls_cost_little_where_answers_are_quick() {
    for found in through(&["stall-1-in=7:20s"], 4, &["--answer-timeout=5s"]) {
        found.has_all().took_at_most(25, 120);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

#[test]
fn short_stalls_are_waited_out() {
    for found in through(&["stall-1-in=2:400ms"], 2, &[]) {
        found.has_all().took_at_most(40, 160);
    }
}

/// It took six times the answer timeout once.
#[test]
fn a_silent_server_costs_three_answer_timeouts_at_most() {
    let server = Scripted::silent();
    let target = server.address().to_string();
    let run = cipher_test([target.as_str(), "--answer-timeout=3s"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stdout.contains("no answer to the hello within 3s"), "{}", run.stdout);
    assert!(run.took < Duration::from_secs(10), "took {:?}", run.took);
}
