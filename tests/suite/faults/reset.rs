//! One connection in so many is reset.

use super::{survey, through};
use crate::support::embedded;

#[test]
fn resets_lose_no_suite() {
    for found in through(&["reset-1-in=7"], 6, &[]) {
        found.has_all().took_at_most(20, 120);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

#[test]
fn many_resets_are_no_refusals() {
    for found in through(&["reset-1-in=3"], 6, &[]) {
        found.took_at_most(64, 500);
        // That Envoy's own hello was lost each time, and a wider one never, is chance.
        assert_ne!(found.run.code, Some(1), "{}", found.findings());
    }
}

#[test]
fn resets_beside_a_cap_are_no_cause() {
    for found in through(&["at-once=2:reset", "reset-1-in=5"], 8, &[]) {
        found.took_at_most(64, 300);
        assert_ne!(found.run.code, Some(1), "{}", found.findings());
    }
}

/// A reset that means no, and resets that mean nothing, at once.
#[test]
fn resets_beside_refusals_by_reset_make_no_row() {
    for found in through(&["hides-alerts=reset", "reset-1-in=7"], 4, &[]) {
        found.took_at_most(64, 500);
    }
}

#[test]
fn the_same_seed_strikes_the_same_connections() {
    let server = super::eight_suites();
    let run = || survey(server.address(), &["reset-1-in=5"], 9, &["--connections=1"]);
    let (one, other) = (run(), run());
    assert_eq!(one.counts.hellos, other.counts.hellos);
    let quiet = embedded::relay(server.address(), &[], 9);
    assert_eq!(quiet.counts().connections, 0);
}
