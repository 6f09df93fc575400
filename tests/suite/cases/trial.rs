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

/// Envoy connects where a case says so, and fails where it says so. There it connects once the
/// remedy that the case names is applied, or else fails even with everything switched on.
#[test]
fn cases_agree_with_envoy() {
    let cases = all();
    let servers = in_parallel(&cases, 4, Case::start);
    let before = connect(Release::V1_40, &upstreams(&cases, &servers));
    let changed: Vec<Upstream> =
        cases.iter().zip(upstreams(&cases, &servers)).map(|(case, is)| change(case, is)).collect();
    let after = connect(Release::V1_40, &changed);

    let mut wrong = String::new();
    for (index, case) in cases.iter().enumerate() {
        let (connects, with_change) = match case.known {
            Known::Connects => (true, true),
            Known::FixedBy(_) => (false, true),
            Known::Fails => (false, false),
        };
        if before[index].connects() != connects || before[index].rejected.is_some() {
            tell(&mut wrong, case, "as it is", &before[index], &servers[index]);
        }
        if after[index].connects() != with_change || after[index].rejected.is_some() {
            tell(&mut wrong, case, "after the change", &after[index], &servers[index]);
        }
    }
    assert!(wrong.is_empty(), "of {} cases these disagree with Envoy:\n{wrong}", cases.len());
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
fn change(case: &Case, upstream: Upstream) -> Upstream {
    match &case.known {
        Known::Connects => upstream,
        Known::FixedBy(patch) => upstream.patched(patch),
        Known::Fails => upstream
            .tls_params(&everything())
            .sni(keys::NAME)
            .client_certificate(keys::leaf(Leaf::Client)),
    }
}

fn upstreams(cases: &[Case], servers: &[Server]) -> Vec<Upstream> {
    cases.iter().zip(servers).map(|(case, server)| case.side.upstream(server.address())).collect()
}

fn tell(text: &mut String, case: &Case, when: &str, outcome: &Outcome, server: &Server) {
    let log = server.log();
    let last: Vec<&str> = log.lines().rev().take(3).collect();
    writeln!(text, "{} {when}: {outcome:?}\n    server: {last:?}", case.name).expect("a string");
}
