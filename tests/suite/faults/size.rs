//! Hellos above a length vanish.

use super::through;

const LENGTHS: [usize; 4] = [511, 255, 200, 150];

#[test]
fn long_hellos_that_vanish_lose_no_suite() {
    for most in LENGTHS {
        for found in through(&[&format!("longest-hello={most}:silence")], 1, &[]) {
            found.has_all().took_at_most(40, 150);
            if most <= 200 {
                found.finds("does not answer a hello of");
            }
        }
    }
}

#[test]
fn long_hellos_that_are_reset_lose_no_suite() {
    for most in LENGTHS {
        for found in through(&[&format!("longest-hello={most}:reset")], 1, &[]) {
            found.has_all().took_at_most(40, 180);
        }
    }
}

/// Shorter than Envoy's own hello, so that nothing is known to begin with.
#[test]
fn very_short_hellos_get_through_where_nothing_else_does() {
    for found in through(&["longest-hello=130:silence"], 1, &["--answer-timeout=1s"]) {
        found.finds("does not answer a hello of").took_at_most(60, 200);
        assert!(!found.accepted.is_empty(), "{}", found.run.stdout);
    }
}
