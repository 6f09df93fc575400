//! One connection in so many is refused by an alert that has nothing to do with what it offers.

use super::through;

#[test]
fn failures_of_the_server_lose_no_suite() {
    for found in through(&["alert-1-in=7:80"], 6, &[]) {
        found.has_all().took_at_most(20, 160);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

/// Most answers are failures then, so that some rows may stay open.
#[test]
fn many_failures_make_no_false_row() {
    for found in through(&["alert-1-in=3:80"], 3, &[]) {
        found.took_at_most(64, 500);
    }
}

/// Several servers behind one address, some of which lack what others have, refuse by the alert
/// by which all refuse.
#[test]
fn a_refusal_now_and_then_by_the_usual_alert_makes_no_false_row() {
    for fault in ["alert-1-in=2:40", "alert-1-in=3:40", "alert-1-in=7:40"] {
        for found in through(&[fault], 6, &[]) {
            found.took_at_most(20, 200);
            assert_ne!(found.run.code, Some(1), "{}", found.findings());
        }
    }
}
