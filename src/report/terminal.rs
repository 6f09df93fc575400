//! The report for people: the verdict first, then the cause, the suites and the patch.
//!
//! Made from the published shape, so that a report that was kept as JSON looks as it did when it
//! was found.

use std::fmt::Write as _;

use colored::{ColoredString, Colorize};

use super::words::{but_unclear, headline, headline_behind};
use super::{Diagnosis, v1};
use crate::remedy::Names;
use crate::tls::TlsVersion;
use crate::trial::Passage;
use crate::verdict::{Severity, Summary};
use v1::{
    Answer, Behaviour, Endpoint, EnvoyUse, Evidence, FactAnswer, HandshakeResult, Negotiated,
    OrderOf, SuiteRow, Survey, Target, TrialResult, UnsteadyRow, VersionSurvey,
};

/// Renders one target. `verbose` adds how each answer is known.
#[must_use]
pub fn render(diagnosis: &Diagnosis, names: &Names, verbose: bool) -> String {
    render_target(&Target::new(diagnosis, names), verbose)
}

/// Renders one target of a report.
#[must_use]
pub fn render_target(target: &Target, verbose: bool) -> String {
    let mut out = String::new();
    head(&mut out, target);
    for endpoint in &target.endpoints {
        if target.endpoints.len() > 1 {
            let _ = writeln!(out, "\n{} {}", "address".dimmed(), endpoint.address.bold());
        }
        endpoint_report(&mut out, target, endpoint, verbose);
    }
    patch(&mut out, target);
    out
}

fn head(out: &mut String, target: &Target) {
    let summary = target.summary.into();
    let words = match target.way.as_ref().and_then(|way| way.starttls) {
        Some(protocol) => headline_behind(protocol.into(), summary),
        None => headline(summary).to_owned(),
    };
    let unclear = but_unclear(summary, target.unclear_suites());
    let line = format!("{} · {words}{unclear}", target.target);
    let _ = writeln!(out, "{}", by_summary(summary, &line).bold());
    let sni = match target.envoy.sni.as_deref() {
        Some(name) => format!("SNI {name}"),
        None => "no SNI".to_owned(),
    };
    let _ = writeln!(out, "{}", format!("as Envoy {} would, {sni}", target.envoy.release).dimmed());
    if let Some(words) = target.way.as_ref().and_then(v1::Way::words) {
        let _ = writeln!(out, "{}", words.dimmed());
    }
    if let Some(reason) = &target.unresolved {
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
    }
    for address in &target.ignored_addresses {
        let note = format!("{address} is not looked at: Gloo's Envoy uses the IPv4 addresses");
        let _ = writeln!(out, "  {} {note}", mark(Severity::Info));
    }
}

pub(super) fn by_summary(summary: Summary, text: &str) -> ColoredString {
    match summary {
        Summary::Connects => text.green(),
        Summary::NeedsChange => text.yellow(),
        Summary::NoSettingHelps => text.red(),
        Summary::Unclear => text.magenta(),
    }
}

pub(super) fn mark(severity: Severity) -> ColoredString {
    match severity {
        Severity::Blocking => "✗".red(),
        Severity::Warning => "!".yellow(),
        Severity::Info => "·".dimmed(),
    }
}

fn endpoint_report(out: &mut String, target: &Target, endpoint: &Endpoint, verbose: bool) {
    findings_lines(out, endpoint, verbose);
    if let Some(survey) = &endpoint.survey {
        suites_report(out, target, survey, verbose);
        facts_report(out, endpoint, survey, verbose);
    }
}

/// What an endpoint negotiates and what was found, without the suites that it accepts.
pub(super) fn findings_report(out: &mut String, endpoint: &super::Endpoint, verbose: bool) {
    findings_lines(out, &Endpoint::from(endpoint), verbose);
}

fn findings_lines(out: &mut String, endpoint: &Endpoint, verbose: bool) {
    if let TrialResult::Through { negotiated } = &endpoint.trial.own.result {
        let _ = writeln!(out, "  {} negotiates {}", "✓".green(), negotiated_words(negotiated));
    }
    let shown = |finding: &&v1::Finding| verbose || finding.severity != v1::Severity::Info;
    let findings: Vec<_> = endpoint.findings.iter().filter(shown).collect();
    for (index, finding) in findings.iter().enumerate() {
        let _ = writeln!(out, "  {} {}", mark(finding.severity.into()), finding.message);
        // Findings in a row that lead to the same advice share it.
        let next = findings.get(index + 1).and_then(|next| next.advice.as_ref());
        if let Some(text) = finding.advice.as_ref().filter(|text| next != Some(text)) {
            let _ = writeln!(out, "    {}", text.dimmed());
        }
    }
    if verbose {
        trial_report(out, endpoint);
    }
}

pub(super) fn passage_words(passage: &Passage) -> String {
    negotiated_words(&passage.into())
}

fn negotiated_words(negotiated: &Negotiated) -> String {
    let Negotiated { version, cipher_suite, group, signature, .. } = negotiated;
    let mut words = format!("{} {}", version.0, cipher_suite.shown());
    if let Some(group) = group {
        let _ = write!(words, ", group {}", group.shown());
    }
    if let Some(scheme) = signature {
        let _ = write!(words, ", signed with {}", scheme.shown());
    }
    words
}

fn result_words(result: &TrialResult) -> String {
    match result {
        TrialResult::Through { negotiated } => negotiated_words(negotiated),
        TrialResult::Blocked { obstacle } => obstacle.text.clone(),
    }
}

fn trial_report(out: &mut String, endpoint: &Endpoint) {
    let own = &endpoint.trial.own;
    let (dot, result) = ("·".dimmed(), result_words(&own.result));
    let _ = writeln!(out, "  {dot} Envoy's own hello, {} bytes: {result}", own.hello_bytes);
    for wider in &endpoint.trial.wider {
        let (fields, result) = (wider.changed.join(", "), result_words(&wider.result));
        let how = match (wider.without_post_quantum, wider.changed.len()) {
            (true, 0 | 1) => "without post-quantum keys".to_owned(),
            (true, _) => format!("without post-quantum keys, with all of {fields}"),
            (false, _) => format!("with all of {fields}"),
        };
        let _ = writeln!(out, "  {dot} {how}: {result}");
    }
    if let Some(proven) = &endpoint.trial.proven_change {
        let (fields, words) = (proven.changed.join(", "), negotiated_words(&proven.negotiated));
        let _ = writeln!(out, "  {dot} proven with {fields} changed: {words}");
    }
}

fn suites_report(out: &mut String, target: &Target, survey: &Survey, verbose: bool) {
    if survey.versions.iter().all(|version| accepted(version).next().is_none()) {
        let _ = writeln!(out, "\n  no cipher suite was seen accepted");
    } else {
        let _ = writeln!(out, "\n  {:<11} {:<38} Envoy {}", "accepted", "", target.envoy.release);
    }
    for version in &survey.versions {
        version_report(out, version, survey, verbose);
    }
    not_asked_report(out, survey);
}

fn accepted(version: &VersionSurvey) -> impl Iterator<Item = &SuiteRow> {
    version.suites.iter().filter(|row| row.answer == Answer::Accepted)
}

fn version_report(out: &mut String, version: &VersionSurvey, survey: &Survey, verbose: bool) {
    let mut label = version.version.0.as_str();
    for row in accepted(version) {
        let words = use_words(version, row, verbose);
        let mut line = format!("  {label:<11} {:<38} {words}", row.shown());
        if verbose {
            let _ = write!(line, "  {}", how_known(version, row, survey).dimmed());
        }
        let _ = writeln!(out, "{}", line.trim_end());
        label = "";
    }
    let asking = version.suites.iter().filter(|row| row.answer == Answer::AsksIdentity);
    let asking: Vec<_> = asking.map(SuiteRow::shown).collect();
    if !asking.is_empty() {
        let _ = writeln!(out, "  {label:<11} asks for an identity: {}", asking.join(", "));
        label = "";
    }
    // Lines of fleets leave some rows out.
    let evidence = |answer| {
        let row = version.suites.iter().find(|row| row.answer == answer);
        row.map(|row| row.evidence_text.as_str())
    };
    if version.unclear > 0 {
        let reason = evidence(Answer::Unclear).map(|reason| format!(": {reason}"));
        let (count, reason) = (version.unclear, reason.unwrap_or_default());
        let _ = writeln!(out, "  {label:<11} {count} unclear{reason}");
    } else if version.accepted == 0 && version.not_asked == 0 && verbose {
        let reason = evidence(Answer::Refused).map(|reason| format!(": {}", reason.dimmed()));
        let _ = writeln!(out, "  {label:<11} none{}", reason.unwrap_or_default());
    }
}

/// Suites that were not asked for, over all versions.
fn not_asked_report(out: &mut String, survey: &Survey) {
    let not_asked: usize = survey.versions.iter().map(|version| version.not_asked).sum();
    if survey.budget_hit && not_asked == 0 {
        let _ = writeln!(out, "  {:<11} some facts: --budget was used up", "not asked");
    }
    if not_asked > 0 {
        let why = "the connections allowed by --budget were used up";
        let _ =
            writeln!(out, "  {:<11} {not_asked} pairs of version and suite: {why}", "not asked");
    }
}

fn how_known(version: &VersionSurvey, row: &SuiteRow, survey: &Survey) -> String {
    let handshake = survey.handshakes.iter().find(|handshake| {
        handshake.suite.code_point == row.code_point
            && handshake.version.as_ref().is_none_or(|offered| *offered == version.version)
    });
    let handshake = handshake.map(|handshake| match &handshake.result {
        HandshakeResult::Completed { .. } => "; handshake completed".to_owned(),
        HandshakeResult::FailedAfterSelection { reason } => {
            format!("; handshake fails after that: {reason}")
        }
        HandshakeResult::Refused { reason } => format!("; handshake refused: {reason}"),
        HandshakeResult::Unclear { reason } => format!("; handshake unclear: {reason}"),
        HandshakeResult::NotInOpenssl {} => "; no handshake: not in OpenSSL".to_owned(),
    });
    format!("{}{}", row.evidence_text, handshake.unwrap_or_default())
}

/// Whether the server selects the suite and then wants to know who asks.
fn asks_for_identity(row: &SuiteRow) -> bool {
    matches!(row.evidence, Some(Evidence::Selected { identity: true, .. }))
}

/// Padded before it is coloured, since escape codes would count as columns.
fn use_words(version: &VersionSurvey, row: &SuiteRow, verbose: bool) -> ColoredString {
    let words = match row.envoy {
        Some(EnvoyUse::Offered) => "offered",
        Some(EnvoyUse::Configurable) if version.version == TlsVersion::TLS13.into() => {
            "with maximumProtocolVersion: TLSv1_3"
        }
        Some(EnvoyUse::Configurable) => "can be configured",
        Some(EnvoyUse::Never) if asks_for_identity(row) => "never, it asks for an identity",
        Some(EnvoyUse::Never) => "never",
        None => "",
    };
    let width = if verbose { 36 } else { 0 };
    let padded = format!("{words:<width$}");
    match row.envoy {
        Some(EnvoyUse::Offered) => padded.green(),
        Some(EnvoyUse::Configurable) => padded.yellow(),
        _ => padded.dimmed(),
    }
}

fn facts_report(out: &mut String, endpoint: &Endpoint, survey: &Survey, verbose: bool) {
    let mut facts = Vec::new();
    if let Some(groups) = &survey.groups
        && !groups.accepted.is_empty()
    {
        let names: Vec<_> = groups.accepted.iter().map(v1::Group::shown).collect();
        let more = if groups.complete { "" } else { ", perhaps more" };
        facts.push(("groups", format!("{}{more} ({})", names.join(", "), groups.version.0)));
    }
    if survey.surveys > 1 {
        let text = match survey.unsteady.len() {
            0 => format!("{} with the same answers", survey.surveys),
            _ => format!("{}, with answers that differ: {}", survey.surveys, unsteady(survey)),
        };
        facts.push(("surveys", text));
    }
    if let Some(order) = order(survey) {
        facts.push(("order", order.to_owned()));
    }
    let seen = &survey.certificate_chains;
    let chains = seen.iter().chain(seen.is_empty().then_some(&endpoint.trial.own.certificates));
    for leaf in chains.filter_map(|chain| chain.first()) {
        if let (Some(key), Some(subject)) = (&leaf.key, &leaf.subject) {
            facts.push(("certificate", format!("{key}, {subject}")));
        }
    }
    if let Some(alpn) = &survey.alpn {
        let text = if alpn.is_empty() { "none".to_owned() } else { alpn.join(", ") };
        facts.push(("ALPN", text));
    }
    facts.extend(behaviour(&survey.behaviour, verbose));
    if verbose {
        let elapsed = std::time::Duration::from_millis(endpoint.elapsed_ms);
        let seconds = humantime::format_duration(elapsed);
        let Endpoint { connections, round_trips, verdict_round_trips, .. } = endpoint;
        let trips = format!("{round_trips} round trips, {verdict_round_trips} to the verdict");
        facts.push(("cost", format!("{connections} connections, {trips}, {seconds}")));
    }
    if !facts.is_empty() {
        let _ = writeln!(out);
    }
    for (label, text) in facts {
        let _ = writeln!(out, "  {} {text}", format!("{label:<11}").dimmed());
    }
}

/// What is noteworthy of a server's behaviour; all of it for `verbose`.
fn behaviour(behaviour: &Behaviour, verbose: bool) -> Vec<(&'static str, String)> {
    use FactAnswer::{No, Yes};
    let Behaviour { ssl2, .. } = behaviour;
    #[rustfmt::skip]
    let rows = [
        ("SSLv2",       &ssl2.spoken,                      Some(Yes)),
        ("compression", &behaviour.compression,            Some(Yes)),
        ("reneg. info", &behaviour.secure_renegotiation,   Some(No)),
        ("ext. master", &behaviour.extended_master_secret, None),
        ("tickets",     &behaviour.session_tickets,        None),
        ("fallback",    &behaviour.fallback_scsv,          None),
        ("sentinel",    &behaviour.downgrade_sentinel,     Some(No)),
        ("GREASE",      &behaviour.grease,                 Some(No)),
        ("new version", &behaviour.version_tolerance,      Some(No)),
    ];
    let shown = rows.into_iter().filter(|(_, fact, noteworthy)| {
        verbose || noteworthy.is_some_and(|answer| fact.answer == answer)
    });
    let mut facts: Vec<_> = shown.map(|(label, fact, _)| (label, fact.shown())).collect();
    if !ssl2.cipher_kinds.is_empty() {
        let names: Vec<_> = ssl2.cipher_kinds.iter().map(v1::Ssl2Cipher::shown).collect();
        facts.insert(1, ("", names.join(", ")));
    }
    facts
}

/// The rows that change, with how often each answer came.
fn unsteady(survey: &Survey) -> String {
    let rows = survey.unsteady.iter().map(|row| {
        let UnsteadyRow { version, suite, accepted, refused, .. } = row;
        let name = suite.shown();
        format!("{} {name} accepted {accepted} times, refused {refused}", version.0)
    });
    rows.collect::<Vec<_>>().join("; ")
}

fn order(survey: &Survey) -> Option<&'static str> {
    let newest = survey.versions.iter().find(|version| version.accepted > 1)?;
    match newest.preference {
        OrderOf::Server => Some("the server's own"),
        OrderOf::Client => Some("the client's"),
        OrderOf::Unknown => None,
    }
}

fn patch(out: &mut String, target: &Target) {
    let Some(remedy) = &target.remedy else {
        if let Some(reason) = &target.no_remedy {
            let _ = writeln!(out, "\n  {} {reason}", "no patch:".bold());
        }
        return;
    };
    let mut proven =
        target.endpoints.iter().filter_map(|endpoint| endpoint.trial.proven_change.as_ref());
    let proof = proven.next_back().map_or(String::new(), |proven| {
        format!(" It would negotiate {}.", negotiated_words(&proven.negotiated))
    });
    let _ =
        writeln!(out, "\n{} Proven with the hello that it makes.{proof}\n", "The patch.".bold());
    let _ = writeln!(out, "{}", remedy.kubectl_command);
    if let Some(release) = &remedy.oldest_envoy {
        let note = format!(
            "Envoys before {release} do not load this: name yours with --envoy, or --envoy gloo-1.21."
        );
        let _ = writeln!(out, "\n{} {note}", mark(Severity::Warning));
    }
    if remedy.replaces_hosts {
        let note =
            "It replaces all of spec.static.hosts by this host; add the others if there are any.";
        let _ = writeln!(out, "\n{} {note}", mark(Severity::Warning));
    }
    let _ = writeln!(out, "\n{}\n", "Or as a whole Upstream:".dimmed());
    out.push_str(&remedy.upstream_yaml);
}
