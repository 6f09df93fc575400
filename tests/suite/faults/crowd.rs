//! Only so many connections at once.

use super::through;

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
