//! Hellos with an extension that the server cannot take.

use super::{survey, through};

/// supported_groups: without it, nothing of TLS 1.3 can be asked for.
#[test]
fn hellos_without_groups_are_tried_where_others_vanish() {
    for how in ["silence", "reset"] {
        let fault = format!("no-extension=10:{how}");
        for found in through(&[&fault], 1, &["--answer-timeout=1s"]) {
            found.finds("answers only hellos without supported_groups").took_at_most(60, 300);
            let has = |suite: &str| found.accepted.iter().any(|(_, number)| number == suite);
            assert!(has("0x009c"), "{}", found.findings());
        }
    }
}

#[test]
fn hellos_without_a_name_are_the_last_resort() {
    let server = super::eight_suites();
    let more = ["--sni=upstream.example", "--answer-timeout=1s"];
    let found = survey(server.address(), &["no-extension=0:silence"], 1, &more);
    assert!(!found.accepted.is_empty(), "{}", found.findings());
    found.took_at_most(60, 300);
}
