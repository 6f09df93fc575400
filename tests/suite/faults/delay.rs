//! A long way to the server.

use super::through;

#[test]
fn a_round_trip_of_100_ms_loses_no_suite() {
    for found in through(&["delay=100ms"], 1, &[]) {
        found.has_all().took_at_most(15, 120);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}

#[test]
fn a_long_way_with_resets_and_stalls_loses_no_suite() {
    for found in through(&["delay=60ms", "reset-1-in=9", "stall-1-in=9:20s"], 2, &[]) {
        found.has_all().took_at_most(50, 160);
    }
}

/// What is hung up on is asked again for its own sake, and nothing else with it.
#[test]
fn a_long_way_to_a_server_that_refuses_by_hanging_up_costs_few_connections() {
    for how in ["close", "reset"] {
        let hides = format!("hides-alerts={how}");
        for found in through(&["delay=60ms", &hides], 1, &[]) {
            found.has_all().took_at_most(20, 190);
            assert_eq!(found.run.code, Some(0), "{}", found.findings());
        }
    }
}
