//! Nothing any more after so many connections.

use super::through;

#[test]
fn a_ban_ends_the_survey_early_and_is_told() {
    for how in ["reset", "close"] {
        for found in through(&[&format!("ban-after=20:{how}")], 2, &[]) {
            found.finds("stopped answering after").took_at_most(15, 60);
            assert_eq!(found.run.code, Some(2), "{}", found.findings());
            assert!(found.unclear > 0, "{}", found.findings());
        }
    }
}

#[test]
fn a_ban_by_silence_ends_the_survey_early_and_is_told() {
    for found in through(&["ban-after=20:silence"], 2, &[]) {
        found.finds("stopped answering after").took_at_most(20, 60);
        assert_eq!(found.run.code, Some(2), "{}", found.findings());
    }
}

/// What a server refuses while it is banned by the alert that it refuses suites by, it may take.
#[test]
fn a_ban_by_alert_leaves_unclear_what_it_may_have_refused() {
    for alert in ["alert-40", "alert-80"] {
        for found in through(&[&format!("ban-after=20:{alert}")], 2, &["--no-handshakes"]) {
            assert_eq!(found.run.code, Some(2), "{}", found.findings());
            assert!(found.unclear > 0, "{}", found.findings());
        }
        for found in through(&[&format!("ban-after=8:{alert}")], 2, &[]) {
            found.finds("refuses what it selected before");
            assert_eq!(found.run.code, Some(2), "{}", found.findings());
        }
    }
}

/// The word for the verdict stays, with what is missing beside it.
#[test]
fn a_verdict_that_is_known_stays_beside_what_is_unclear() {
    use crate::support::{binary::cipher_test, embedded};
    let server = super::eight_suites();
    let relay = embedded::relay(server.address(), &["ban-after=20:reset"], 1);
    let run = cipher_test([relay.address().to_string()]);
    let first = run.stdout.lines().next().unwrap_or_default();
    assert!(first.contains("· Envoy connects, but "), "{}", run.stdout);
    assert!(first.ends_with(" suites are unclear"), "{}", run.stdout);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
}
