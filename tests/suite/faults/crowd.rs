//! Only so many connections at once.

use super::{eight_suites, survey, through};
use crate::support::in_parallel;

#[test]
fn a_cap_that_resets_the_rest_loses_no_suite() {
    for found in through(&["at-once=3:reset"], 3, &[]) {
        found.has_all().took_at_most(20, 120);
    }
}

#[test]
fn a_cap_that_closes_the_rest_loses_no_suite() {
    for found in through(&["at-once=2:close"], 2, &[]) {
        found.has_all().took_at_most(30, 150);
    }
}

#[test]
fn a_cap_that_lets_the_rest_wait_loses_no_suite() {
    for found in through(&["at-once=1:wait"], 2, &[]) {
        found.has_all().took_at_most(30, 120);
    }
}

#[test]
fn a_cap_of_one_beside_resets_makes_no_row() {
    for found in through(&["at-once=1:reset", "reset-1-in=9"], 2, &[]) {
        found.took_at_most(60, 200);
    }
}

/// The busier the machine, the later a place is free again after a connection has ended: a hello
/// right after a control was hung up on for the control's sake, and the control after it was not.
#[test]
fn a_cap_of_one_on_a_busy_machine_loses_no_suite() {
    let server = eight_suites();
    let seeds: Vec<_> = (1..=36).collect();
    for found in
        in_parallel(&seeds, 12, |seed| survey(server.address(), &["at-once=1:reset"], *seed, &[]))
    {
        found.has_all().took_at_most(40, 200);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

#[test]
fn a_place_that_is_free_again_late_loses_no_suite() {
    for lingers in ["lingers=40ms", "lingers=120ms"] {
        for found in through(&["at-once=1:reset", lingers], 2, &[]) {
            found.has_all().took_at_most(60, 300);
        }
    }
}

#[test]
fn a_cap_beside_refusals_by_reset_makes_no_row() {
    for found in through(&["at-once=3:reset", "hides-alerts=reset"], 4, &[]) {
        found.took_at_most(64, 600);
    }
}
