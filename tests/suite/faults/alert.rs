//! One connection in so many is refused by an alert that has nothing to do with what it offers.

use super::{ask, eight_suites, through, truth};
use crate::support::in_parallel;

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
/// by which all refuse. Chance can make them agree all along, so that a few runs may miss it.
#[test]
fn a_refusal_now_and_then_by_the_usual_alert_is_noticed() {
    let server = eight_suites();
    for fault in ["alert-1-in=2:40", "alert-1-in=3:40", "alert-1-in=7:40"] {
        let seeds: Vec<_> = (1..=12).collect();
        let runs = in_parallel(&seeds, 4, |seed| ask(server.address(), &[fault], *seed, &[]));
        for found in &runs {
            assert!(found.accepted.is_subset(&truth()), "{fault}: {}", found.findings());
            found.took_at_most(20, 200);
        }
        let missed = runs.iter().filter(|found| {
            let is_false = !found.refused.is_disjoint(&truth());
            (is_false && found.run.code != Some(2)) || found.run.code == Some(1)
        });
        assert!(missed.count() <= 4, "{fault}");
        let told = runs.iter().filter(|found| found.findings().contains("\"wavers\""));
        assert!(told.count() >= 4, "{fault}");
    }
}
