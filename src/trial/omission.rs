//! Around a suite that a server fails on wherever it is offered: only suites that it accepts.

use super::dimension::{Dimension, SuiteChoice, Widening, usable_suites};
use super::handshake::Checks;
use super::obstacle::Obstacle;
use super::settle::{Remedy, Trial, a_hello_may_help, prove};
use crate::envoy::ClientConfig;
use crate::probe::{ProbeError, Prober};
use crate::survey::Survey;
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};

/// How many lists are tried at most.
const MOST_LISTS: u32 = 14;
/// How many lists may teach nothing before no other one is tried.
const MOST_SILENCES: u32 = 2;
/// How many suites that were left out are asked for one by one.
const MOST_LEFT_OUT: usize = 8;

/// Finds a list of suites with which a complete handshake succeeds, among those that the survey
/// saw accepted: those of the list in force, then all that the release can send, and then halves
/// of them, for a server that accepts a suite and fails after it.
pub(super) async fn find_list(
    prober: &Prober,
    trial: &mut Trial,
    survey: &Survey,
    checks: &Checks,
) -> Option<Widening> {
    let obstacle = trial.own.result.as_ref().err()?;
    if trial.remedy.is_some() || !a_list_may_help(obstacle) || lacks_groups(trial, survey) {
        return None;
    }
    let config = trial.own.config.clone();
    let halves = may_be_one_suite(obstacle);
    let mut lists = Lists { prober, checks, config: &config, tried: 0, silences: 0 };
    let starts = starts(&config, survey);
    for start in &starts {
        if lists.passes(start).await {
            return Some(start.clone());
        }
    }
    for start in starts.iter().filter(|_| halves) {
        if let Some(part) = lists.part_that_passes(start).await {
            return Some(part);
        }
    }
    trial.settled &= lists.silences == 0;
    None
}

/// Whether the obstacle can be a suite. What names its cause otherwise is not searched for.
fn a_list_may_help(obstacle: &Obstacle) -> bool {
    let named = matches!(obstacle, Obstacle::Refused(alert) if matches!(
        alert.description,
        AlertDescription::UNRECOGNIZED_NAME | AlertDescription::NO_APPLICATION_PROTOCOL
    ));
    !named && a_hello_may_help(obstacle)
}

/// Whether the server failed without saying on what.
fn may_be_one_suite(obstacle: &Obstacle) -> bool {
    matches!(
        obstacle,
        Obstacle::Refused(_)
            | Obstacle::Ended(_)
            | Obstacle::HandshakeFailed(_)
            | Obstacle::Unclear(ProbeError::Silence { .. })
    )
}

/// Whether the server takes only groups that the release does not have, which no list helps.
fn lacks_groups(trial: &Trial, survey: &Survey) -> bool {
    let config = &trial.own.config;
    let curves = config.release.curves(config.build);
    survey.groups.as_ref().is_some_and(|groups| {
        let known = |group| curves.iter().any(|(_, known)| known == group);
        groups.complete && !groups.accepted.is_empty() && !groups.accepted.iter().any(known)
    })
}

/// The lists to try, those that change the least first.
fn starts(config: &ClientConfig, survey: &Survey) -> Vec<Widening> {
    let offer = config.offer();
    let versions = offer.as_ref().map(|offer| offer.versions()).unwrap_or_default();
    let in_force = suites_in_force(config);
    let legacy = |version: TlsVersion| (TlsVersion::TLS10..TlsVersion::TLS13).contains(&version);
    let accepted = |any_version: bool| -> Vec<CipherSuite> {
        let rows = survey.accepted();
        let rows = rows
            .filter(|(version, _)| legacy(*version) && (any_version || versions.contains(version)));
        rows.map(|(_, suite)| suite).collect()
    };
    let of = |pool: &[CipherSuite], accepted: &[CipherSuite]| -> Vec<CipherSuite> {
        pool.iter().filter(|suite| accepted.contains(suite)).copied().collect()
    };
    let mut sendable = in_force.clone();
    let others = config.release.sendable_suites(config.build).into_iter();
    sendable.extend(others.filter(|suite| !in_force.contains(suite)));

    let alone = |list| start(config, list, Widening::suites_alone());
    let most = |list, maximum| {
        start(config, list, Widening::most(maximum, &[Dimension::SignatureAlgorithms]))
    };
    let (here, anywhere) = (accepted(false), of(&sendable, &accepted(true)));
    let mut starts = vec![
        alone(of(&in_force, &here)),
        alone(of(&sendable, &here)),
        most(anywhere.clone(), TlsVersion::TLS12),
        most(anywhere.clone(), TlsVersion::TLS13),
    ];
    if anywhere.is_empty() && survey.accepted().any(|(version, _)| version == TlsVersion::TLS13) {
        // TLS 1.3 does without the list, which has to be such that the server does not fail.
        starts = vec![most(in_force, TlsVersion::TLS13)];
    }
    starts.retain(|start| start.suites != SuiteChoice::Only(Vec::new()));
    starts.dedup();
    starts
}

fn start(config: &ClientConfig, list: Vec<CipherSuite>, from: Widening) -> Widening {
    let names = list.into_iter().filter_map(|suite| config.release.suite_name(suite));
    Widening { suites: SuiteChoice::Only(names.map(str::to_owned).collect()), ..from }
}

/// The suites of the list in force, in its order.
fn suites_in_force(config: &ClientConfig) -> Vec<CipherSuite> {
    let usable = ClientConfig { cipher_suites: usable_suites(config), ..config.clone() };
    usable.offer().map(|offer| offer.cipher_suites).unwrap_or_default()
}

/// The lists tried so far.
struct Lists<'a> {
    prober: &'a Prober,
    checks: &'a Checks,
    config: &'a ClientConfig,
    tried: u32,
    silences: u32,
}

impl Lists<'_> {
    /// Whether a complete handshake succeeds; `false` once enough was tried.
    async fn passes(&mut self, start: &Widening) -> bool {
        if self.tried >= MOST_LISTS || self.silences > MOST_SILENCES {
            return false;
        }
        self.tried += 1;
        let config = start.apply(self.config);
        let proven = prove(self.prober, &config, Vec::new(), self.checks).await;
        self.silences += u32::from(proven.as_ref().is_err_and(Obstacle::is_unclear));
        proven.is_ok()
    }

    /// What is left of a list without the halves, quarters and so on that do not pass.
    async fn part_that_passes(&mut self, start: &Widening) -> Option<Widening> {
        let SuiteChoice::Only(list) = &start.suites else { return None };
        let with = |names: &[String]| Widening {
            suites: SuiteChoice::Only(names.to_vec()),
            ..start.clone()
        };
        let mut parts: Vec<&[String]> = halves(list);
        let mut passing: Vec<&[String]> = Vec::new();
        while let Some(part) = parts.pop() {
            if self.passes(&with(part)).await {
                passing.push(part);
            } else {
                parts.extend(halves(part));
            }
        }
        let longest = *passing.iter().max_by_key(|part| part.len())?;
        let all = with(&passing.concat());
        if passing.len() == 1 || self.passes(&all).await {
            return Some(all);
        }
        Some(with(longest))
    }
}

/// The later half first; none of what cannot be halved.
fn halves(list: &[String]) -> Vec<&[String]> {
    if list.len() < 2 {
        return Vec::new();
    }
    let (first, second) = list.split_at(list.len().div_ceil(2));
    vec![second, first]
}

/// Which suites of the list in force the server fails on: of those that the remedy leaves out,
/// those that make it fail when they are added. All of them, if none does so alone.
pub(super) async fn failing_suites(
    prober: &Prober,
    config: &ClientConfig,
    remedy: &Remedy,
    checks: &Checks,
) -> Vec<String> {
    let kept = &remedy.config.cipher_suites;
    let in_force = suites_in_force(config).into_iter();
    let names = in_force.filter_map(|suite| config.release.suite_name(suite)).map(str::to_owned);
    let left_out: Vec<_> = names.filter(|name| !kept.contains(name)).collect();
    let mut failing = Vec::new();
    for name in left_out.iter().take(MOST_LEFT_OUT) {
        let mut cipher_suites = vec![name.clone()];
        cipher_suites.extend(kept.iter().cloned());
        let with = ClientConfig { cipher_suites, ..remedy.config.clone() };
        let proven = prove(prober, &with, Vec::new(), checks).await;
        if matches!(&proven, Err(Obstacle::Unclear(ProbeError::Budget))) {
            break;
        }
        if proven.is_err() {
            failing.push(name.clone());
        }
    }
    if failing.is_empty() { left_out } else { failing }
}
