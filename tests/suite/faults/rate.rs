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

/// That a suite was hung up on when it was asked for alone is the limit, and no contradiction.
#[test]
fn a_low_rate_limit_makes_no_waverer() {
    for found in through(&["per-second=2:reset"], 3, &[]) {
        found.took_at_most(64, 250);
        for words in ["now by a suite and now by", "and not alone"] {
            assert!(!found.findings().contains(words), "{}", found.findings());
        }
    }
}
