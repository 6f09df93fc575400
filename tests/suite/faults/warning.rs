//! A warning alert before the answer.

use super::through;

#[test]
fn a_warning_before_the_answer_is_read_past() {
    for found in through(&["warning"], 2, &[]) {
        found.has_all().finds("warning unrecognized_name").took_at_most(20, 80);
        assert_eq!(found.run.code, Some(0), "{}", found.findings());
    }
}
