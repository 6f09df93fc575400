//! Answers in pieces.

use super::through;

#[test]
fn an_answer_in_single_bytes_is_an_answer() {
    for found in through(&["single-bytes"], 2, &[]) {
        found.has_all().took_at_most(20, 80);
    }
}

#[test]
fn an_answer_over_many_records_is_an_answer() {
    for bytes in [1, 3, 40] {
        for found in through(&[&format!("records={bytes}")], 1, &[]) {
            found.has_all().took_at_most(20, 80);
        }
    }
}

#[test]
fn pieces_beside_a_warning_and_resets_lose_nothing() {
    for found in through(&["records=2", "single-bytes", "warning", "reset-1-in=9"], 2, &[]) {
        found.has_all().took_at_most(30, 120);
    }
}
