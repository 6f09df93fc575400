//! Which groups a server takes, found by elimination.
//!
//! Under TLS 1.3 a HelloRetryRequest names the group and costs the server no signature, so that
//! version is asked where the server has it; else the newest with an elliptic curve suite. Groups
//! that it has named in its answers to suites are known already.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use super::evidence::{Answer, Evidence};
use super::hello::{Subject, group_hello};
use super::rounds::Rounds;
use super::{Oddity, Survey};
use crate::probe::{Ending, Outcome, Prober};
use crate::tls::{CipherSuite, Group, KeyExchange, TlsVersion};

/// The groups that a server takes under one version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupSurvey {
    /// The version that they were asked for under.
    pub version: TlsVersion,
    /// The groups accepted, in the order in which the server selected them.
    pub accepted: Vec<Group>,
    /// Whether every group was asked for to the end.
    pub complete: bool,
}

/// How long to wait before a hello that was not answered is sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// Groups that only TLS 1.3 has, asked for beside [`Group::SURVEYED`].
const TLS13_ONLY: [Group; 6] = [
    Group::X25519_MLKEM768,
    Group::SECP256R1_MLKEM768,
    Group::SECP384R1_MLKEM1024,
    Group(0x0200),
    Group::MLKEM768,
    Group::MLKEM1024,
];

/// Asks for groups until the server refuses what is left.
pub(super) async fn survey_groups(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
) -> Option<GroupSurvey> {
    let (version, suites) = suites_with_groups(survey)?;
    if prober.gate().is_far() && !prober.gate().has_budget() {
        return Some(survey_side_by_side(prober, subject, survey, (version, &suites)).await);
    }
    let mut result =
        GroupSurvey { version, accepted: named_groups(survey, version), complete: true };
    for mut offered in candidates(version) {
        offered.retain(|group| !result.accepted.contains(group));
        while !offered.is_empty() {
            match ask(prober, subject, survey, (version, &suites), &offered).await {
                Some(Some(group)) if offered.contains(&group) => {
                    offered.retain(|candidate| *candidate != group);
                    result.accepted.push(group);
                }
                Some(None) => break,
                // Silence, or a group that was not offered: nothing more to be had here.
                _ => {
                    result.complete = false;
                    break;
                }
            }
        }
    }
    Some(result)
}

/// The same in few rounds, for a server that is far away.
async fn survey_side_by_side(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
    with: (TlsVersion, &[CipherSuite]),
) -> GroupSurvey {
    let named = named_groups(survey, with.0);
    let mut sets = candidates(with.0);
    // OpenSSL's order, since servers of other libraries have fewer of these.
    sets[0].sort_by_key(|group| match *group {
        Group::X25519 => 0,
        Group::SECP256R1 => 1,
        Group::X448 => 2,
        Group::SECP521R1 => 3,
        _ => 4,
    });
    let found = join_all(sets.into_iter().map(|mut set| {
        let is_named = set.iter().any(|group| named.contains(group));
        let is_likely = is_named || set[0] == Group::X25519 || set[0].is_finite_field();
        set.retain(|group| !named.contains(group));
        find_in_rounds(prober, subject, survey, with, set, is_likely)
    }));
    let found = found.await;
    let complete = found.iter().all(|(_, complete)| *complete);
    let found = found.into_iter().flat_map(|(accepted, _)| accepted);
    let accepted = named.iter().copied().chain(found).collect();
    GroupSurvey { version: with.0, accepted, complete }
}

async fn find_in_rounds(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
    with: (TlsVersion, &[CipherSuite]),
    mut open: Vec<Group>,
    is_likely: bool,
) -> (Vec<Group>, bool) {
    let (mut accepted, mut rounds) = (Vec::new(), Rounds::default());
    let mut questions = if is_likely { rounds.ask(&open) } else { vec![open.clone()] };
    while !questions.is_empty() {
        let asked = questions.iter().map(|groups| ask(prober, subject, survey, with, groups));
        let answers = join_all(asked).await;
        let (mut selected, before) = (0, accepted.len());
        for (question, answer) in questions.iter().zip(answers) {
            match answer {
                Some(Some(group)) if question.contains(&group) => {
                    selected += 1;
                    if !accepted.contains(&group) {
                        accepted.push(group);
                    }
                }
                Some(None) => open.retain(|group| !question.contains(group)),
                _ => return (accepted, false),
            }
        }
        open.retain(|group| !accepted.contains(group));
        rounds.learn(selected, accepted.len() - before);
        questions = rounds.ask(&open);
    }
    (accepted, true)
}

/// The newest version in which the key exchange has groups, and the suites to ask with.
fn suites_with_groups(survey: &Survey) -> Option<(TlsVersion, Vec<CipherSuite>)> {
    survey.versions.iter().filter(|version| version.version > TlsVersion::SSL3).find_map(
        |version| {
            let exchanges = [KeyExchange::Ecdhe, KeyExchange::Tls13];
            let mut suites = version.accepted.clone();
            suites.retain(|suite| exchanges.contains(&suite.key_exchange()));
            suites.truncate(16);
            (!suites.is_empty()).then_some((version.version, suites))
        },
    )
}

/// The groups that answers to suites have named.
fn named_groups(survey: &Survey, version: TlsVersion) -> Vec<Group> {
    let answers = survey.version(version).map(|found| &found.answers);
    let surveyed: Vec<_> = candidates(version).concat();
    let mut named = Vec::new();
    for answer in answers.into_iter().flat_map(BTreeMap::values) {
        if let Answer::Accepted(Evidence::Selected { group: Some(group), .. }) = answer
            && surveyed.contains(group)
            && !named.contains(group)
        {
            named.push(*group);
        }
    }
    named
}

/// Sets that keep a hello small: groups in use, then the rest.
fn candidates(version: TlsVersion) -> Vec<Vec<Group>> {
    const IN_USE: usize = 5;
    let (in_use, rest) = Group::SURVEYED.split_at(IN_USE);
    if version < TlsVersion::TLS13 {
        let curves = rest.iter().copied().filter(|group| !group.is_finite_field()).collect();
        return vec![in_use.to_vec(), curves];
    }
    let (finite, curves): (Vec<_>, Vec<_>) =
        rest.iter().copied().partition(|group| group.is_finite_field());
    let rare = TLS13_ONLY.into_iter().chain(curves).collect();
    vec![in_use.to_vec(), rare, finite]
}

/// The outer `None` is 'not learned', the inner one 'refused'.
async fn ask(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
    (version, suites): (TlsVersion, &[CipherSuite]),
    groups: &[Group],
) -> Option<Option<Group>> {
    let hello = group_hello(subject, version, suites, groups);
    let mut outcome = prober.ask(&hello).await;
    for pause in PAUSES {
        match outcome {
            Outcome::Selected(_) | Outcome::Refused(_) => break,
            // That is how this server says no; once more, and it is said.
            Outcome::Ended(ending) if refuses_by(survey, ending) => {
                outcome = prober.ask(&hello).await;
                break;
            }
            _ => sleep(pause).await,
        }
        outcome = prober.ask(&hello).await;
    }
    match outcome {
        Outcome::Selected(flight) => {
            let in_exchange = flight.server_key_exchange.and_then(|exchange| exchange.group);
            let hello = flight.server_hello?;
            (hello.version == version).then(|| in_exchange.or(hello.group))
        }
        Outcome::Refused(_) => Some(None),
        Outcome::Ended(ending) => refuses_by(survey, ending).then_some(None),
        _ => None,
    }
}

fn refuses_by(survey: &Survey, ending: Ending) -> bool {
    survey.oddities.contains(&Oddity::RefusesByEnding(ending))
}
