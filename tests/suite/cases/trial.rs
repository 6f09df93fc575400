//! Holds what the cases say against the real Envoy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Case, Known, all};
use crate::support::envoy::{Outcome, Release, Upstream, connect};
use crate::support::in_parallel;
use crate::support::servers::Server;

#[test]
fn cases_have_names_of_their_own() {
    let cases = all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

/// Envoy connects where a case says so, fails where it says so, and connects there once the
/// remedy that the case names is applied.
#[test]
fn cases_agree_with_envoy() {
    let cases = all();
    let servers = in_parallel(&cases, 4, Case::start);
    let before = connect(Release::V1_40, &upstreams(&cases, &servers));

    let mut wrong = String::new();
    let mut remedies: Vec<(&Case, Upstream)> = Vec::new();
    for ((case, server), outcome) in cases.iter().zip(&servers).zip(&before) {
        let connects = matches!(case.known, Known::Connects);
        if outcome.connects() != connects {
            tell(&mut wrong, case, "as it is", outcome, server);
        }
        if let Known::FixedBy(patch) = &case.known {
            remedies.push((case, case.side.upstream(server.address()).patched(patch)));
        }
    }

    let patched: Vec<Upstream> = remedies.iter().map(|(_, upstream)| upstream.clone()).collect();
    let after = connect(Release::V1_40, &patched);
    for ((case, upstream), outcome) in remedies.iter().zip(&after) {
        if !outcome.connects() {
            let server = servers.iter().find(|server| server.address() == upstream.address);
            tell(&mut wrong, case, "with its remedy", outcome, server.expect("it runs"));
        }
    }
    assert!(wrong.is_empty(), "of {} cases these disagree with Envoy:\n{wrong}", cases.len());
}

fn upstreams(cases: &[Case], servers: &[Server]) -> Vec<Upstream> {
    cases.iter().zip(servers).map(|(case, server)| case.side.upstream(server.address())).collect()
}

fn tell(text: &mut String, case: &Case, when: &str, outcome: &Outcome, server: &Server) {
    let log = server.log();
    let last: Vec<&str> = log.lines().rev().take(3).collect();
    writeln!(text, "{} {when}: {outcome:?}\n    server: {last:?}", case.name).expect("a string");
}
