//! The report for people: the verdict first, then the cause, the suites and the patch.

use std::fmt::Write as _;

use colored::{ColoredString, Colorize};

use super::words::{advice, but_unclear, headline, message};
use super::{Diagnosis, Endpoint};
use crate::envoy::{ClientConfig, Release};
use crate::gloo;
use crate::remedy::{Change, Names, kubectl_command, replaces_hosts, upstream};
use crate::survey::{Answer, HandshakeResult, Preference, Survey, UnsteadyRow, VersionSurvey};
use crate::tls::{CipherSuite, TlsVersion};
use crate::trial::{Passage, ServerCertificate};
use crate::verdict::{Finding, Severity, SuiteRow, Summary, Use};

/// Renders one target. `verbose` adds how each answer is known.
#[must_use]
pub fn render(diagnosis: &Diagnosis, names: &Names, verbose: bool) -> String {
    let mut out = String::new();
    head(&mut out, diagnosis);
    for endpoint in &diagnosis.endpoints {
        if diagnosis.endpoints.len() > 1 {
            let _ =
                writeln!(out, "\n{} {}", "address".dimmed(), endpoint.address.to_string().bold());
        }
        endpoint_report(&mut out, diagnosis, endpoint, verbose);
    }
    patch(&mut out, diagnosis, names);
    out
}

fn head(out: &mut String, diagnosis: &Diagnosis) {
    let summary = diagnosis.summary();
    let unclear = but_unclear(summary, diagnosis.unclear_suites());
    let line = format!("{} · {}{unclear}", diagnosis.target, headline(summary));
    let _ = writeln!(out, "{}", by_summary(summary, &line).bold());
    let config = &diagnosis.config;
    let sni = match config.sni.as_deref() {
        Some(name) => format!("SNI {name}"),
        None => "no SNI".to_owned(),
    };
    let _ = writeln!(out, "{}", format!("as Envoy {} would, {sni}", config.release).dimmed());
    if let Some(reason) = &diagnosis.unresolved {
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
    }
    for address in &diagnosis.ignored {
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

fn endpoint_report(out: &mut String, diagnosis: &Diagnosis, endpoint: &Endpoint, verbose: bool) {
    findings_report(out, endpoint, verbose);
    if let Some(survey) = &endpoint.survey {
        suites_report(out, diagnosis, &endpoint.verdict.suites, survey, verbose);
        facts_report(out, endpoint, survey, verbose);
    }
}

/// What an endpoint negotiates and what was found, without the suites that it accepts.
pub(super) fn findings_report(out: &mut String, endpoint: &Endpoint, verbose: bool) {
    if let Ok(passage) = &endpoint.trial.own.result {
        let _ = writeln!(out, "  {} negotiates {}", "✓".green(), passage_words(passage));
    }
    let shown = |finding: &&Finding| verbose || finding.severity() < Severity::Info;
    let findings: Vec<_> = endpoint.verdict.findings.iter().filter(shown).collect();
    for (index, finding) in findings.iter().enumerate() {
        let _ = writeln!(out, "  {} {}", mark(finding.severity()), message(finding));
        // Findings in a row that lead to the same advice share it.
        let next = findings.get(index + 1).and_then(|next| advice(next));
        if let Some(text) = advice(finding).filter(|text| next.as_ref() != Some(text)) {
            let _ = writeln!(out, "    {}", text.dimmed());
        }
    }
    if verbose {
        trial_report(out, endpoint);
    }
}

pub(super) fn passage_words(passage: &Passage) -> String {
    let suite = name(passage.cipher_suite);
    let mut words = format!("{} {suite}", passage.version);
    if let Some(group) = passage.group {
        let _ = write!(words, ", group {group}");
    }
    if let Some(scheme) = passage.signature {
        let _ = write!(words, ", signed with {scheme}");
    }
    words
}

/// The name that Envoy and OpenSSL use, or else the registered one.
fn name(suite: CipherSuite) -> String {
    suite.openssl_name().map_or_else(|| suite.to_string(), str::to_owned)
}

fn trial_report(out: &mut String, endpoint: &Endpoint) {
    let own = &endpoint.trial.own;
    let result = match &own.result {
        Ok(passage) => passage_words(passage),
        Err(obstacle) => obstacle.to_string(),
    };
    let _ =
        writeln!(out, "  {} Envoy's own hello, {} bytes: {result}", "·".dimmed(), own.hello_bytes);
    for (dimensions, result) in &endpoint.trial.wider {
        let fields: Vec<_> = dimensions.iter().map(|part| part.field()).collect();
        let result = match result {
            Ok(passage) => passage_words(passage),
            Err(obstacle) => obstacle.to_string(),
        };
        let _ = writeln!(out, "  {} with all of {}: {result}", "·".dimmed(), fields.join(", "));
    }
    if let Some(remedy) = &endpoint.trial.remedy {
        let fields: Vec<_> = remedy.dimensions.iter().map(|part| part.field()).collect();
        let _ = writeln!(
            out,
            "  {} proven with {} changed: {}",
            "·".dimmed(),
            fields.join(", "),
            passage_words(&remedy.passage)
        );
    }
}

fn suites_report(
    out: &mut String,
    diagnosis: &Diagnosis,
    rows: &[SuiteRow],
    survey: &Survey,
    verbose: bool,
) {
    if rows.is_empty() {
        let _ = writeln!(out, "\n  no cipher suite was seen accepted");
    } else {
        let _ =
            writeln!(out, "\n  {:<11} {:<38} Envoy {}", "accepted", "", diagnosis.config.release);
    }
    for version in &survey.versions {
        version_report(out, version, rows, survey, verbose);
    }
}

fn version_report(
    out: &mut String,
    version: &VersionSurvey,
    rows: &[SuiteRow],
    survey: &Survey,
    verbose: bool,
) {
    let mut label = version.version.to_string();
    for row in rows.iter().filter(|row| row.version == version.version) {
        let words = use_words(row, verbose);
        let mut line = format!("  {label:<11} {:<38} {words}", name(row.suite));
        if verbose && let Some(answer) = version.answers.get(&row.suite) {
            let _ = write!(line, "  {}", how_known(answer, row, survey).dimmed());
        }
        let _ = writeln!(out, "{}", line.trim_end());
        label.clear();
    }
    let unclear = version.unclear();
    if unclear > 0 {
        let reason = version.answers.values().find_map(|answer| match answer {
            Answer::Unclear(what) => Some(what.as_str()),
            _ => None,
        });
        let _ = writeln!(out, "  {label:<11} {unclear} unclear: {}", reason.unwrap_or_default());
    } else if version.accepted.is_empty() && verbose {
        let _ = writeln!(out, "  {label:<11} none: {}", refusal(version).dimmed());
    }
}

fn refusal(version: &VersionSurvey) -> String {
    let refused = version.answers.values().find(|answer| matches!(answer, Answer::Refused(_)));
    refused.map(ToString::to_string).unwrap_or_default()
}

fn how_known(answer: &Answer, row: &SuiteRow, survey: &Survey) -> String {
    let handshake = survey.handshakes.iter().find(|handshake| {
        handshake.suite == row.suite
            && handshake.version.is_none_or(|version| version == row.version)
    });
    let handshake = handshake.map(|handshake| match &handshake.result {
        HandshakeResult::Completed(_) => "; handshake completed".to_owned(),
        HandshakeResult::FailedAfterSelection(why) => {
            format!("; handshake fails after that: {why}")
        }
        HandshakeResult::Refused(why) => format!("; handshake refused: {why}"),
        HandshakeResult::Unclear(why) => format!("; handshake unclear: {why}"),
        HandshakeResult::NotInOpenssl => "; no handshake: not in OpenSSL".to_owned(),
    });
    format!("{answer}{}", handshake.unwrap_or_default())
}

/// Padded before it is coloured, since escape codes would count as columns.
fn use_words(row: &SuiteRow, verbose: bool) -> ColoredString {
    let words = match row.envoy {
        Use::Offered => "offered",
        Use::Configurable if row.version == TlsVersion::TLS13 => {
            "with maximumProtocolVersion: TLSv1_3"
        }
        Use::Configurable => "can be configured",
        Use::Never => "never",
    };
    let width = if verbose { 36 } else { 0 };
    let padded = format!("{words:<width$}");
    match row.envoy {
        Use::Offered => padded.green(),
        Use::Configurable => padded.yellow(),
        Use::Never => padded.dimmed(),
    }
}

fn facts_report(out: &mut String, endpoint: &Endpoint, survey: &Survey, verbose: bool) {
    let mut facts = Vec::new();
    if let Some(groups) = &survey.groups
        && !groups.accepted.is_empty()
    {
        let names: Vec<_> = groups.accepted.iter().map(ToString::to_string).collect();
        let more = if groups.complete { "" } else { ", perhaps more" };
        facts.push(("groups", format!("{}{more} ({})", names.join(", "), groups.version)));
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
    let chains =
        survey.chains.iter().chain(survey.chains.is_empty().then_some(&endpoint.trial.own.chain));
    let leaves = chains.filter_map(|chain| ServerCertificate::read(chain.first()?));
    for leaf in leaves {
        facts.push(("certificate", format!("{}, {}", leaf.key, leaf.subject)));
    }
    if let Some(alpn) = &survey.alpn {
        let text = if alpn.is_empty() { "none".to_owned() } else { alpn.join(", ") };
        facts.push(("ALPN", text));
    }
    if verbose {
        let seconds = humantime::format_duration(round(endpoint.elapsed));
        facts.push(("cost", format!("{} connections, {seconds}", endpoint.connections)));
    }
    if !facts.is_empty() {
        let _ = writeln!(out);
    }
    for (label, text) in facts {
        let _ = writeln!(out, "  {} {text}", format!("{label:<11}").dimmed());
    }
}

/// The rows that change, with how often each answer came.
fn unsteady(survey: &Survey) -> String {
    let rows = survey.unsteady.iter().map(|row| {
        let UnsteadyRow { version, suite, accepted, refused, .. } = row;
        format!("{version} {} accepted {accepted} times, refused {refused}", name(*suite))
    });
    rows.collect::<Vec<_>>().join("; ")
}

fn round(duration: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn order(survey: &Survey) -> Option<&'static str> {
    let newest = survey.versions.iter().find(|version| version.accepted.len() > 1)?;
    match newest.preference {
        Preference::Server => Some("the server's own"),
        Preference::Client => Some("the client's"),
        Preference::Unknown => None,
    }
}

/// The oldest Envoy of a known Gloo release that loads the change, if some of them do not.
fn oldest_that_loads(config: &ClientConfig, change: &Change) -> Option<Release> {
    let after = change.apply(config);
    let loads = |release: &Release| {
        let config = ClientConfig { release: *release, ..after.clone() };
        !config.offer().is_err_and(|fault| fault.is_refused_at_load())
    };
    let envoys: Vec<_> = gloo::Release::all().map(gloo::Release::envoy).collect();
    let refuses = envoys.iter().any(|release| *release < after.release && !loads(release));
    let mut all = Release::all().filter(|release| *release >= envoys[0]);
    if refuses { all.find(loads) } else { None }
}

fn patch(out: &mut String, diagnosis: &Diagnosis, names: &Names) {
    let Some(change) = &diagnosis.change else {
        if let Some(reason) = &diagnosis.no_change {
            let _ = writeln!(out, "\n  {} {reason}", "no patch:".bold());
        }
        return;
    };
    let mut passages = diagnosis
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.trial.remedy.as_ref())
        .map(|remedy| passage_words(&remedy.passage));
    let proof =
        passages.next_back().map_or(String::new(), |words| format!(" It would negotiate {words}."));
    let _ =
        writeln!(out, "\n{} Proven with the hello that it makes.{proof}\n", "The patch.".bold());
    let _ = writeln!(out, "{}", kubectl_command(&diagnosis.target, names, change));
    if let Some(release) = oldest_that_loads(&diagnosis.config, change) {
        let note = format!(
            "Envoys before {release} do not load this: name yours with --envoy, or --envoy gloo-1.21."
        );
        let _ = writeln!(out, "\n{} {note}", mark(Severity::Warning));
    }
    if replaces_hosts(names, change) {
        let note =
            "It replaces all of spec.static.hosts by this host; add the others if there are any.";
        let _ = writeln!(out, "\n{} {note}", mark(Severity::Warning));
    }
    let _ = writeln!(out, "\n{}\n", "Or as a whole Upstream:".dimmed());
    out.push_str(&upstream(&diagnosis.target, names, &diagnosis.config, change));
}
