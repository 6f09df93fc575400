//! Answers that say something else than the server did.

use super::through;

#[test]
fn a_suite_that_was_not_offered_makes_no_row() {
    let all = through(&["swap-unoffered=3"], 3, &[]);
    for found in &all {
        found.took_at_most(40, 250);
    }
    let told = |found: &super::Found| found.findings().contains("although it was not offered");
    assert!(all.iter().any(told), "no run tells it");
    for found in through(&["swap-unoffered=1"], 1, &[]) {
        assert_eq!(found.accepted.len(), 0, "{}", found.findings());
        assert_eq!(found.run.code, Some(2), "{}", found.findings());
    }
}

/// A client that finishes the handshake fails, so that each suite is asked for alone.
#[test]
fn another_of_the_suites_offered_makes_no_row() {
    for one_in in [1, 3, 7] {
        for found in through(&[&format!("swap-offered={one_in}")], 2, &[]) {
            found.took_at_most(60, 400);
        }
    }
}

#[test]
fn a_lower_version_now_and_then_makes_no_row() {
    for one_in in [5, 7] {
        for found in through(&[&format!("swap-version={one_in}")], 3, &[]) {
            found.took_at_most(40, 250);
        }
    }
}
