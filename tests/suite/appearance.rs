//! What a run looks like. After a change that is meant, `INSTA_UPDATE=always cargo test
//! appearance` writes the snapshots again, for the eye to judge.

use cipher_test::lab::Scenario;
use insta::assert_snapshot;

use crate::support::binary::cipher_test;

/// Puts a word in the place of each port, since every run has another.
fn without_ports(text: &str) -> String {
    let mut without = String::new();
    let mut rest = text;
    while let Some((mark, at)) = ["127.0.0.1:", "port: ", "\"port\":"]
        .iter()
        .filter_map(|mark| Some((mark, rest.find(mark)?)))
        .min_by_key(|(_, at)| *at)
    {
        let (before, after) = rest.split_at(at + mark.len());
        without.push_str(before);
        without.push_str("PORT");
        rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    }
    without + rest
}

/// The report on a scenario, as it goes to a pipe.
fn report(scenario: Scenario, more: &[&str]) -> String {
    let run = cipher_test([&["demo", scenario.name()], more].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    without_ports(&run.stdout)
}

#[test]
fn reports() {
    for scenario in Scenario::ALL {
        assert_snapshot!(format!("demo-{}", scenario.name()), report(scenario, &[]));
    }
}

#[test]
fn a_report_in_colour() {
    let colored = report(Scenario::Legacy, &["--color", "always"]);
    assert_snapshot!("demo-legacy-in-colour", colored.replace('\u{1b}', "␛"));
}

/// Colour adds to the report and takes nothing from it.
#[test]
fn colour_is_the_only_difference() {
    for scenario in Scenario::ALL {
        let colored = report(scenario, &["--color", "always"]);
        assert_eq!(without_colour(&colored), report(scenario, &[]), "{scenario:?}");
    }
}

/// Takes out the sequences that set colours: escape, bracket, numbers, `m`.
fn without_colour(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn help() {
    assert_snapshot!("help", cipher_test(["--help"]).stdout);
    assert_snapshot!("help-short", cipher_test(["-h"]).stdout);
    assert_snapshot!("help-demo", cipher_test(["demo", "--help"]).stdout);
    assert_snapshot!("help-explain", cipher_test(["explain", "--help"]).stdout);
}

#[test]
fn lists() {
    assert_snapshot!("envoy", cipher_test(["envoy"]).stdout);
    assert_snapshot!("demo-list", cipher_test(["demo", "--list"]).stdout);
}
