//! Hellos with too many suites vanish.

use super::through;

#[test]
fn many_suites_that_vanish_lose_no_suite() {
    for how in ["silence", "reset"] {
        for found in through(&[&format!("most-suites=30:{how}")], 1, &[]) {
            found.has_all().finds("does not answer a hello of").took_at_most(40, 200);
        }
    }
}
