//! Holds what the cases say against the real Envoy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Case, Known, all, everything};
use crate::support::client::handshake;
use crate::support::envoy::{Outcome, Release, Upstream, connect};
use crate::support::in_parallel;
use crate::support::keys::{self, Leaf};
use crate::support::servers::Server;

#[test]
fn cases_have_names_of_their_own() {
    let cases = all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

/// Each Envoy connects where a case says so, and fails where it says so. There it connects once
/// the remedy that the case names is applied, or else fails even with everything switched on.
#[test]
fn cases_agree_with_envoy() {
    let cases = all();
    let servers = in_parallel(&cases, 4, Case::start);
    let releases = [Release::V1_40, Release::V1_36];
    let wrong = in_parallel(&releases, 2, |release| disagreements(*release, &cases, &servers));
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "of {} cases these disagree with Envoy:\n{wrong}", cases.len());
}

fn disagreements(release: Release, cases: &[Case], servers: &[Server]) -> String {
    let as_is: Vec<Upstream> = cases
        .iter()
        .zip(servers)
        .map(|(case, server)| case.side.upstream(server.address()))
        .collect();
    let changed: Vec<Upstream> =
        cases.iter().zip(&as_is).map(|(case, is)| change(case, release, is.clone())).collect();
    let (before, after) = (connect(release, &as_is), connect(release, &changed));

    let mut wrong = String::new();
    for (index, case) in cases.iter().enumerate() {
        let (connects, with_change) = match case.known(release) {
            Known::Connects => (true, true),
            Known::FixedBy(_) => (false, true),
            Known::Fails => (false, false),
        };
        for (outcome, expected) in [(&before[index], connects), (&after[index], with_change)] {
            if outcome.connects() != expected || outcome.rejected.is_some() {
                tell(&mut wrong, case, release, outcome, &servers[index]);
            }
        }
    }
    wrong
}

/// Servers that Envoy cannot reach are there all the same: another client gets through.
#[test]
fn servers_beyond_envoy_are_reached_by_others() {
    let reached: Vec<Case> = all().into_iter().filter(|case| case.reached_by.is_some()).collect();
    let wrong: Vec<String> = in_parallel(&reached, 4, |case| {
        let server = case.start();
        let answer = handshake(server.address(), case.reached_by.as_deref().unwrap_or_default());
        answer.err().map(|output| format!("{}:\n{output}\n{}", case.name, server.log()))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(wrong.is_empty(), "of {} cases:\n{}", reached.len(), wrong.join("\n"));
}

/// The remedy of a case, or all that could be one.
fn change(case: &Case, release: Release, upstream: Upstream) -> Upstream {
    match case.known(release) {
        Known::Connects => upstream,
        Known::FixedBy(patch) => upstream.patched(patch),
        Known::Fails => upstream
            .tls_params(&everything(release))
            .sni(keys::NAME)
            .client_certificate(keys::leaf(Leaf::Client)),
    }
}

fn tell(text: &mut String, case: &Case, release: Release, outcome: &Outcome, server: &Server) {
    let log = server.log();
    let last: Vec<&str> = log.lines().rev().take(3).collect();
    let version = release.version();
    writeln!(text, "{} with {version}: {outcome:?}\n    server: {last:?}", case.name)
        .expect("text");
}
