//! Only so many connections a second.

use super::through;

#[test]
fn a_rate_limit_is_kept_to_once_it_shows() {
    for found in through(&["per-second=20:reset"], 2, &[]) {
        found.has_all().took_at_most(40, 120);
    }
}

#[test]
fn a_rate_limit_that_closes_makes_no_row() {
    for found in through(&["per-second=5:close"], 2, &[]) {
        found.took_at_most(62, 200);
    }
}
