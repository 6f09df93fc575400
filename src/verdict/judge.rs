//! From trial and survey to findings.

use super::comparison::{Use, compare, is_within_reach};
use super::finding::{Finding, Hopeless};
use super::{Summary, Verdict};
use crate::envoy::{ClientConfig, KeyUsageRule, Protocol};
use crate::probe::ProbeError;
use crate::survey::{Answer, ClientCertificate, Evidence, NotOffered, Survey};
use crate::tls::{AlertDescription, KeyExchange, TlsVersion};
use crate::trial::{
    Checks, Dimension, HelloSize, KeyKind, KeyUsageBit, Obstacle, Passage, Remedy,
    ServerCertificate, Trial, printable,
};

/// OpenSSL's numbers for certificates that are out of their dates.
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;

/// Judges one endpoint. Without a survey, only what the trial shows is judged.
#[must_use]
pub fn judge(trial: &Trial, survey: Option<&Survey>, checks: &Checks) -> Verdict {
    let empty = Survey::default();
    let survey = survey.unwrap_or(&empty);
    let config = &trial.own.config;
    let (summary, mut findings) = match (&trial.own.result, &trial.wavers) {
        (_, Some(obstacle)) => (Summary::Unclear, vec![Finding::Wavers(obstacle.clone())]),
        (Ok(passage), None) => (Summary::Connects, passing(trial, passage, checks)),
        (Err(obstacle), None) => blocked(trial, survey, obstacle, checks),
    };
    findings.extend(side_findings(trial, survey, summary));
    let suites = compare(config, survey);
    let overlap = suites.iter().any(|row| row.envoy == Use::Offered);
    let is_complete = survey.unclear() == 0 && survey.not_asked() == 0;
    if summary == Summary::Connects && !overlap && !suites.is_empty() && is_complete {
        findings.push(Finding::Disagreement);
    }
    findings.sort_by_key(Finding::severity);
    Verdict { summary, findings, suites }
}

fn passing(trial: &Trial, passage: &Passage, checks: &Checks) -> Vec<Finding> {
    let mut findings = weaknesses(passage);
    let asked = trial.handshake.as_ref().is_some_and(|handshake| handshake.certificate_requested);
    if asked && checks.identity.is_none() {
        findings.push(Finding::ClientCertificateOptional);
    }
    let selected = trial.handshake.as_ref().and_then(|handshake| handshake.alpn.as_ref());
    let config = &trial.own.config;
    if config.protocol == Protocol::Http2 && selected.or(passage.alpn.as_ref()).is_none() {
        findings.push(Finding::Http2NotSelected);
    }
    findings.extend(key_usage_later(trial, passage));
    findings
}

fn weaknesses(passage: &Passage) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !passage.cipher_suite.is_aead() || !passage.cipher_suite.has_forward_secrecy() {
        findings.push(Finding::WeakSuite(passage.cipher_suite));
    }
    if passage.version < TlsVersion::TLS12 {
        findings.push(Finding::ObsoleteVersion(passage.version));
    }
    findings
}

/// Releases before 1.38 let an RSA certificate pass that later ones refuse.
fn key_usage_later(trial: &Trial, passage: &Passage) -> Option<Finding> {
    if trial.own.config.release.key_usage_rule() == KeyUsageRule::Enforced {
        return None;
    }
    let leaf = trial.own.chain.first().and_then(|leaf| ServerCertificate::read(leaf))?;
    let needed = match passage.cipher_suite.key_exchange() {
        KeyExchange::Rsa => KeyUsageBit::KeyEncipherment,
        _ => KeyUsageBit::DigitalSignature,
    };
    (!leaf.allows(needed)).then_some(Finding::KeyUsageLater(needed))
}

fn blocked(
    trial: &Trial,
    survey: &Survey,
    obstacle: &Obstacle,
    checks: &Checks,
) -> (Summary, Vec<Finding>) {
    if let Some(direct) = direct_finding(survey, obstacle, checks) {
        return direct;
    }
    if let Some(remedy) = &trial.remedy {
        return remediable(trial, survey, remedy, checks);
    }
    let accepted_nothing = survey.accepted().next().is_none();
    let unexplained = reason(trial, survey) == Hopeless::Unknown;
    match obstacle {
        Obstacle::Unclear(error) if accepted_nothing || unexplained => {
            (Summary::Unclear, vec![Finding::NoAnswer(error.to_string())])
        }
        Obstacle::Ended(ending) if accepted_nothing => {
            (Summary::Unclear, vec![Finding::Hangup(*ending)])
        }
        Obstacle::Ended(_) if unexplained => {
            (Summary::Unclear, vec![Finding::Other(obstacle.clone())])
        }
        Obstacle::Config(fault) => {
            (Summary::NeedsChange, vec![Finding::Configuration(fault.to_string())])
        }
        // Envoy does not get through as it is, but what would help was not found out.
        _ if unexplained && !trial.settled => unsettled(trial, obstacle),
        _ => hopeless(trial, survey, obstacle),
    }
}

fn unsettled(trial: &Trial, obstacle: &Obstacle) -> (Summary, Vec<Finding>) {
    let tried = trial.wider.iter().rev().filter_map(|(_, result)| result.as_ref().err());
    let mut unclear = tried.filter(|obstacle| obstacle.is_unclear());
    let mut findings = vec![Finding::Other(obstacle.clone())];
    findings.extend(unclear.next().map(|tried| Finding::NoAnswer(tried.to_string())));
    (Summary::NeedsChange, findings)
}

/// Obstacles that name their cause by themselves.
fn direct_finding(
    survey: &Survey,
    obstacle: &Obstacle,
    checks: &Checks,
) -> Option<(Summary, Vec<Finding>)> {
    let change = |finding| Some((Summary::NeedsChange, vec![finding]));
    match obstacle {
        Obstacle::Unclear(
            ProbeError::Connect(_) | ProbeError::ConnectTimeout(_) | ProbeError::Tunnel(_),
        ) => Some((Summary::Unclear, vec![Finding::Unreachable(obstacle.to_string())])),
        Obstacle::Unclear(ProbeError::StartTls(error)) => {
            let summary = if error.is_final() { Summary::NoSettingHelps } else { Summary::Unclear };
            Some((summary, vec![Finding::StartTls(error.clone())]))
        }
        Obstacle::NotTls { protocol, excerpt } => {
            let (protocol, excerpt) = (*protocol, excerpt.clone());
            change(Finding::PlainText { protocol, excerpt })
        }
        obstacle => change(certificate_finding(survey, obstacle, checks)?),
    }
}

fn certificate_finding(survey: &Survey, obstacle: &Obstacle, checks: &Checks) -> Option<Finding> {
    match obstacle {
        Obstacle::ClientCertificateNeeded(alert) | Obstacle::ClientCertificateRefused(alert) => {
            Some(Finding::ClientCertificate {
                alert: *alert,
                shown: matches!(obstacle, Obstacle::ClientCertificateRefused(_)),
                authorities: authorities(survey),
            })
        }
        Obstacle::Untrusted(NOT_YET_VALID | HAS_EXPIRED, words) => {
            Some(Finding::CertificateExpired(words.clone()))
        }
        Obstacle::Untrusted(_, words) => Some(Finding::CertificateUntrusted(words.clone())),
        Obstacle::NameMismatch(names) => {
            Some(Finding::CertificateName { wanted: checks.names.clone(), names: names.clone() })
        }
        _ => None,
    }
}

fn authorities(survey: &Survey) -> Vec<String> {
    use x509_parser::prelude::{FromDer, X509Name};
    let ClientCertificate::Asked { authorities } = &survey.client_certificate else {
        return Vec::new();
    };
    let name = |der: &Vec<u8>| Some(printable(&X509Name::from_der(der).ok()?.1.to_string()));
    authorities.iter().filter_map(name).collect()
}

fn remediable(
    trial: &Trial,
    survey: &Survey,
    remedy: &Remedy,
    checks: &Checks,
) -> (Summary, Vec<Finding>) {
    let before = &trial.own.config;
    let mut findings = Vec::new();
    if let Err(Obstacle::Config(fault)) = &trial.own.result {
        findings.push(Finding::Configuration(fault.to_string()));
    } else {
        let causes = remedy.dimensions.iter();
        findings.extend(causes.map(|part| cause(*part, trial, &remedy.config, survey)));
    }
    let unsettable = remedy.dimensions.contains(&Dimension::SignatureAlgorithms);
    if let Some(remaining) = &remedy.remaining {
        findings.extend(certificate_finding(survey, remaining, checks));
    }
    if unsettable {
        let added =
            added(&before.signature_algorithms_in_force(), &remedy.config.signature_algorithms);
        findings.push(Finding::NoSettingHelps(Hopeless::SignatureAlgorithms(added)));
        return (Summary::NoSettingHelps, findings);
    }
    findings.extend(weaknesses(&remedy.passage));
    (Summary::NeedsChange, findings)
}

/// What it says about the server that this part had to change.
fn cause(part: Dimension, trial: &Trial, after: &ClientConfig, survey: &Survey) -> Finding {
    let before = &trial.own.config;
    let failing = trial.remedy.as_ref().map_or(&[][..], |remedy| &remedy.failing_suites);
    match part {
        Dimension::HelloSize => {
            let size = trial.hello_size.clone().unwrap_or_default();
            let HelloSize { large, small, size_alone } = size;
            Finding::HelloSize { large, small, size_alone }
        }
        Dimension::CipherSuites if !failing.is_empty() => {
            Finding::FailingSuites { left_out: failing.to_vec() }
        }
        Dimension::CipherSuites => {
            let in_force = before.cipher_suites_in_force();
            Finding::CipherSuites {
                added: added(&in_force, &after.cipher_suites),
                replaces: in_force.iter().any(|name| !after.cipher_suites.contains(name)),
            }
        }
        // Without suites of older versions.
        Dimension::MinimumVersion if after.minimum_protocol_version == Some(TlsVersion::TLS13) => {
            Finding::FailingSuites { left_out: failing.to_vec() }
        }
        Dimension::MinimumVersion => {
            Finding::MinimumVersion(after.minimum_protocol_version.unwrap_or(TlsVersion::TLS12))
        }
        Dimension::MaximumVersion => {
            let default = before.release.defaults(before.build).maximum;
            let offered = before.offer().map(|offer| offer.versions()).unwrap_or_default();
            Finding::MaximumVersion {
                needed: after.maximum_protocol_version.unwrap_or(default),
                in_force: before.maximum_protocol_version.unwrap_or(default),
                speaks_older: survey.accepted().any(|(version, _)| offered.contains(&version)),
            }
        }
        Dimension::Curves => {
            let added = added(&before.ecdh_curves_in_force(), &after.ecdh_curves);
            let groups = added.iter().filter_map(|name| after.release.curve_named(name));
            let groups: Vec<_> = groups.collect();
            let for_certificate =
                leaves(survey).any(|leaf| leaf.curve.is_some_and(|curve| groups.contains(&curve)));
            Finding::Curves { added, for_certificate }
        }
        Dimension::SignatureAlgorithms => Finding::SignatureAlgorithms {
            added: added(&before.signature_algorithms_in_force(), &after.signature_algorithms),
        },
        Dimension::Sni => {
            Finding::Sni { sent: before.sni.clone(), wanted: Some(after.sni.clone()) }
        }
        Dimension::Alpn => Finding::Alpn {
            offered: alpn_names(before),
            http2: Some(after.protocol == Protocol::Http2),
        },
    }
}

fn added(before: &[String], after: &[String]) -> Vec<String> {
    after.iter().filter(|name| !before.contains(name)).cloned().collect()
}

fn alpn_names(config: &ClientConfig) -> Vec<String> {
    let offered = config.offer().map(|offer| offer.alpn).unwrap_or_default();
    offered.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Nothing within reach of the configuration gets through; what the server insists on.
fn hopeless(trial: &Trial, survey: &Survey, obstacle: &Obstacle) -> (Summary, Vec<Finding>) {
    let refused_with = |description| matches!(obstacle, Obstacle::Refused(alert) if alert.description == description);
    let config = &trial.own.config;
    if refused_with(AlertDescription::UNRECOGNIZED_NAME) {
        let sni = Finding::Sni { sent: config.sni.clone(), wanted: None };
        return (Summary::NeedsChange, vec![sni]);
    }
    if refused_with(AlertDescription::NO_APPLICATION_PROTOCOL) {
        let alpn = Finding::Alpn { offered: alpn_names(config), http2: None };
        return (Summary::NoSettingHelps, vec![alpn]);
    }
    let mut findings = Vec::new();
    if let Obstacle::KeyUsage(bit) = obstacle {
        findings.push(Finding::KeyUsage(*bit));
    }
    let reason = reason(trial, survey);
    if reason == Hopeless::Unknown {
        findings.push(Finding::Other(obstacle.clone()));
    }
    findings.push(Finding::NoSettingHelps(reason));
    (Summary::NoSettingHelps, findings)
}

fn reason(trial: &Trial, survey: &Survey) -> Hopeless {
    let config = &trial.own.config;
    let tried = trial.wider.iter().filter_map(|(_, result)| result.as_ref().err());
    let mut obstacles = tried.chain(trial.own.result.as_ref().err());
    if let Some(Obstacle::KeyUsage(bit)) =
        obstacles.find(|obstacle| matches!(obstacle, Obstacle::KeyUsage(_)))
    {
        return Hopeless::KeyUsage(*bit);
    }
    if !knows_all_of_use(config, survey) {
        return Hopeless::Unknown;
    }
    let rows = compare(config, survey);
    let newest = survey.accepted().map(|(version, _)| version).max();
    if let Some(version) = newest
        && version < TlsVersion::TLS10
    {
        return Hopeless::Version(version);
    }
    if !rows.is_empty() && rows.iter().all(|row| row.envoy == Use::Never) {
        let mut suites: Vec<_> = rows.iter().map(|row| row.suite).collect();
        suites.sort_unstable();
        suites.dedup();
        return Hopeless::Suites(suites);
    }
    groups_or_key(config, survey)
        .or_else(|| foreign_signature(config, survey))
        .unwrap_or(Hopeless::Unknown)
}

/// Whether the survey can tell of every suite that the release could be made to send.
fn knows_all_of_use(config: &ClientConfig, survey: &Survey) -> bool {
    let versions = survey.versions.iter().filter(|survey| survey.version >= TlsVersion::TLS10);
    let mut answers =
        versions.flat_map(|survey| survey.answers.iter().map(|answer| (survey.version, answer)));
    !answers.any(|(version, (suite, answer))| {
        let open = matches!(answer, Answer::Unclear(_) | Answer::NotOffered(NotOffered::Budget));
        open && is_within_reach(config, version, *suite)
    })
}

fn groups_or_key(config: &ClientConfig, survey: &Survey) -> Option<Hopeless> {
    let curves = config.release.curves(config.build);
    if let Some(groups) = &survey.groups
        && groups.complete
        && !groups.accepted.is_empty()
        && !groups.accepted.iter().any(|group| curves.iter().any(|(_, known)| known == group))
    {
        return Some(Hopeless::Groups(groups.accepted.clone()));
    }
    let keys: Vec<_> = leaves(survey).map(|leaf| leaf.key).collect();
    let beyond = |key: &KeyKind| {
        matches!(key, KeyKind::RsaPss | KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Dsa)
            || matches!(key, KeyKind::Ec(curve) if curve.is_none_or(|curve| {
                !curves.iter().any(|(_, known)| *known == curve)
            }))
    };
    let key = keys.first()?;
    keys.iter().all(beyond).then_some(Hopeless::Key(*key))
}

fn leaves(survey: &Survey) -> impl Iterator<Item = ServerCertificate> + '_ {
    survey.chains.iter().filter_map(|chain| ServerCertificate::read(chain.first()?))
}

/// A scheme that the server signs with for every suite that Envoy could send, and that this
/// release does not have.
fn foreign_signature(config: &ClientConfig, survey: &Survey) -> Option<Hopeless> {
    let known = config.release.signature_algorithms();
    let sendable = config.release.sendable_suites(config.build);
    let answers = survey.versions.iter().flat_map(|version| &version.answers);
    let schemes = answers.filter(|(suite, _)| sendable.contains(suite)).filter_map(
        |(_, answer)| match answer {
            Answer::Accepted(Evidence::Selected { signature, .. }) => *signature,
            _ => None,
        },
    );
    let mut schemes = schemes.peekable();
    let first = *schemes.peek()?;
    schemes
        .all(|scheme| !known.iter().any(|(_, have)| *have == scheme))
        .then_some(Hopeless::Signature(first))
}

fn side_findings(trial: &Trial, survey: &Survey, summary: Summary) -> Vec<Finding> {
    let mut findings = Vec::new();
    if survey.times_slowed > 0 {
        let gave_up = summary == Summary::Unclear;
        findings.push(Finding::Throttled { times: survey.times_slowed, gave_up });
    }
    if survey.unclear() > 0 {
        findings.push(Finding::UnclearSuites(survey.unclear()));
    }
    if survey.deadline_hit {
        findings.push(Finding::DeadlineHit);
    }
    if summary != Summary::Connects
        && let Some(handshake) = &trial.handshake
        && handshake.certificate_requested
    {
        findings.push(Finding::ClientCertificateOptional);
    }
    findings.extend(survey.oddities.iter().cloned().map(Finding::Oddity));
    findings
}
