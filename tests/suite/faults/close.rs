//! One connection in so many is closed, or every one.

use std::time::Duration;

use super::through;
use crate::support::binary::cipher_test;
use crate::support::servers::Scripted;

#[test]
fn closes_lose_no_suite() {
    for found in through(&["close-1-in=7"], 6, &[]) {
        found.has_all().took_at_most(20, 120);
    }
}

#[test]
fn closes_beside_resets_and_stalls_make_no_row() {
    let faults = ["close-1-in=9", "reset-1-in=9", "stall-1-in=9:20s"];
    for found in through(&faults, 3, &[]) {
        found.took_at_most(50, 200);
    }
}

/// It took seven seconds once, for nothing.
#[test]
fn a_server_that_closes_every_connection_is_given_up_soon() {
    let server = Scripted::closes_after_hello();
    let run = cipher_test([server.address().to_string()]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.took < Duration::from_secs(5), "took {:?}", run.took);
}
