//! What was found about Upstreams, and the report of it for people.

use std::fmt::Write as _;

use colored::{ColoredString, Colorize};
use serde_json::Value;

use super::Diagnosis;
use super::terminal::{by_summary, findings_report, mark};
use super::words::{but_unclear, gloo, headline, message};
use crate::gloo::{
    AppliedFrom, Cluster, Endpoint, Hop, Note, ParametersFrom, Place, PlainBecause, Platform,
    Reach, Tls, TlsBecause,
};
use crate::remedy::{Resource, Revision};
use crate::trial::printable;
use crate::verdict::{Severity, Summary};

/// Everything about one Upstream.
#[derive(Clone, Debug)]
pub struct UpstreamDiagnosis {
    /// Where it was read.
    pub place: Place,
    /// What Gloo makes of it.
    pub cluster: Cluster,
    /// What became of each endpoint of the cluster, in the same order.
    pub endpoints: Vec<EndpointDiagnosis>,
    /// The change that serves all endpoints that can be served, proven on each.
    pub revision: Option<Revision>,
    /// Why there is no change although one is needed.
    pub no_revision: Option<String>,
    /// Endpoints that the change does not serve, each with the reason.
    pub unserved: Vec<(String, String)>,
    /// From which sources the Upstream seems to be applied.
    pub applied_from: Vec<AppliedFrom>,
    /// The Upstream's document with the change made, if it is a change of the Upstream.
    pub document_after: Option<Value>,
}

/// What became of one endpoint.
#[derive(Clone, Debug)]
pub enum EndpointDiagnosis {
    /// It was tested.
    Tested(Box<Diagnosis>),
    /// It was not, and why.
    NotTested(NotTested),
}

/// Why an endpoint was not tested.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotTested {
    /// Nobody asked for it.
    NotAsked,
    /// It is spoken to in plain text.
    PlainText,
    /// Its address is not known here.
    NoAddress(Reach),
    /// What the Upstream calls it is no host name or address.
    BadAddress(String),
    /// Its tunnel is asked for over HTTP/2.
    Http2Tunnel,
}

/// The verdict on an Upstream in one word.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum UpstreamSummary {
    /// TLS is not used, and nothing says that it should be.
    PlainText,
    /// TLS is used, and nobody asked for a test.
    NotTested,
    /// As for a target.
    Tested(Summary),
}

impl UpstreamDiagnosis {
    /// The worst of all endpoints, and of the Upstream itself.
    #[must_use]
    pub fn summary(&self) -> UpstreamSummary {
        let own = match &self.cluster.tls {
            Tls::Refused(_) => UpstreamSummary::Tested(Summary::NeedsChange),
            Tls::Off(because) if self.is_plain_by_mistake(because) => {
                UpstreamSummary::Tested(Summary::NeedsChange)
            }
            Tls::Off(_) => UpstreamSummary::PlainText,
            Tls::On(_) => UpstreamSummary::NotTested,
        };
        let endpoints = self.endpoints.iter().map(|endpoint| match endpoint {
            EndpointDiagnosis::Tested(diagnosis) => UpstreamSummary::Tested(diagnosis.summary()),
            EndpointDiagnosis::NotTested(NotTested::PlainText) => UpstreamSummary::PlainText,
            EndpointDiagnosis::NotTested(NotTested::NotAsked) => UpstreamSummary::NotTested,
            EndpointDiagnosis::NotTested(_) => UpstreamSummary::Tested(Summary::Unclear),
        });
        endpoints.fold(own, UpstreamSummary::max)
    }

    /// How many suites could not be told accepted from refused, at all endpoints together.
    #[must_use]
    pub fn unclear_suites(&self) -> usize {
        let tested = self.endpoints.iter().map(|endpoint| match endpoint {
            EndpointDiagnosis::Tested(diagnosis) => diagnosis.unclear_suites(),
            EndpointDiagnosis::NotTested(_) => 0,
        });
        tested.sum()
    }

    /// The exit code that goes with it: that of the summary, or 2 where suites are unclear.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.unclear_suites() {
            0 => self.summary().exit_code(),
            _ => Summary::Unclear.exit_code(),
        }
    }

    /// The endpoints on which a change could not be proven, since they gave no answer before it.
    #[must_use]
    pub fn unproven(&self) -> Vec<String> {
        let endpoints = self.cluster.endpoints.iter().zip(&self.endpoints);
        let is_unknown = |result: &EndpointDiagnosis| match result {
            EndpointDiagnosis::Tested(found) => found.summary() == Summary::Unclear,
            EndpointDiagnosis::NotTested(reason) => *reason != NotTested::PlainText,
        };
        let unknown = endpoints.filter(|(_, result)| is_unknown(result));
        let mut names: Vec<_> = unknown.map(|(endpoint, _)| authority(endpoint)).collect();
        names.dedup();
        names
    }

    /// Whether the Upstream asks for TLS and something takes it away.
    fn is_plain_by_mistake(&self, because: &PlainBecause) -> bool {
        let notes = &self.cluster.notes;
        match because {
            PlainBecause::SecretMissing(_) | PlainBecause::ProxyProtocol => true,
            PlainBecause::IstioAutoMtls => notes.contains(&Note::AutoMtls),
            PlainBecause::UseTlsFalse | PlainBecause::NoSslConfig => false,
        }
    }
}

impl UpstreamSummary {
    /// The exit code that goes with it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::PlainText | Self::NotTested => 0,
            Self::Tested(summary) => summary.exit_code(),
        }
    }
}

/// Renders one Upstream. `verbose` adds notes of little weight, and how each answer is known.
#[must_use]
pub fn render(diagnosis: &UpstreamDiagnosis, verbose: bool) -> String {
    let mut out = String::new();
    head(&mut out, diagnosis);
    notes(&mut out, diagnosis, verbose);
    let endpoints = diagnosis.cluster.endpoints.iter().zip(&diagnosis.endpoints);
    for (endpoint, result) in endpoints {
        endpoint_report(&mut out, endpoint, result, verbose);
    }
    change(&mut out, diagnosis);
    out
}

/// One line that counts the verdicts, for the end of a run.
#[must_use]
pub fn render_totals(
    summaries: &[UpstreamSummary],
    platform: Platform,
    unreadable: usize,
) -> String {
    let kinds = [
        (UpstreamSummary::Tested(Summary::Connects), "connect", "connects"),
        (UpstreamSummary::Tested(Summary::NeedsChange), "need a change", "needs a change"),
        (
            UpstreamSummary::Tested(Summary::NoSettingHelps),
            "cannot be helped by any setting",
            "cannot be helped by any setting",
        ),
        (UpstreamSummary::Tested(Summary::Unclear), "are unclear", "is unclear"),
        (UpstreamSummary::NotTested, "use TLS and were not tested", "uses TLS and was not tested"),
        (UpstreamSummary::PlainText, "speak plain text", "speaks plain text"),
    ];
    let counted = kinds.iter().filter_map(|(kind, many, one)| {
        let count = summaries.iter().filter(|summary| *summary == kind).count();
        let words = if count == 1 { one } else { many };
        (count > 0).then(|| format!("{count} {words}"))
    });
    let noun = if summaries.len() == 1 { "Upstream" } else { "Upstreams" };
    let mut counted: Vec<_> = counted.collect();
    match unreadable {
        0 => {}
        1 => counted.push("1 document could not be read, see above".to_owned()),
        count => counted.push(format!("{count} documents could not be read, see above")),
    }
    format!("{} {noun} as {platform} uses them: {}\n", summaries.len(), counted.join(", "))
}

fn head(out: &mut String, diagnosis: &UpstreamDiagnosis) {
    let words = match (diagnosis.summary(), &diagnosis.cluster.tls) {
        (_, Tls::Refused(_)) => "Gloo refuses it, and Envoy has no such cluster",
        (UpstreamSummary::PlainText, _) => "plain text",
        (UpstreamSummary::NotTested, _) => "TLS, not tested",
        (_, Tls::Off(_)) => "plain text, where TLS is wanted",
        (UpstreamSummary::Tested(Summary::NoSettingHelps), _) if diagnosis.revision.is_some() => {
            "a change helps some endpoints, and no setting helps the others"
        }
        (UpstreamSummary::Tested(summary), _) => headline(summary),
    };
    let unclear = match diagnosis.summary() {
        UpstreamSummary::Tested(summary) => but_unclear(summary, diagnosis.unclear_suites()),
        _ => String::new(),
    };
    let line = format!("{} · {words}{unclear}", diagnosis.cluster.upstream);
    let line = match diagnosis.summary() {
        UpstreamSummary::Tested(summary) => by_summary(summary, &line),
        _ => line.normal(),
    };
    let _ = writeln!(out, "{}", line.bold());
    let _ = writeln!(out, "  {}", because(&diagnosis.cluster).dimmed());
}

/// Whether TLS is used and why, and where its parameters come from.
pub(super) fn because(cluster: &Cluster) -> String {
    let tls = match &cluster.tls {
        Tls::Refused(refusal) => return printable(&refusal.to_string()),
        Tls::Off(because) => return printable(&gloo::plain_because(because)),
        Tls::On(TlsBecause::SslConfig) => "TLS because of sslConfig".to_owned(),
        Tls::On(TlsBecause::UseTls) => "TLS because of useTls".to_owned(),
        Tls::On(TlsBecause::Port443) => "TLS because a host has port 443".to_owned(),
        Tls::On(TlsBecause::Kind(kind)) => format!("TLS, as always with {kind}"),
    };
    let parameters = match cluster.parameters {
        ParametersFrom::Upstream => "its own parameters",
        ParametersFrom::Settings => "the Settings default",
        ParametersFrom::Envoy => "Envoy's default parameters",
    };
    format!("{tls}, with {parameters}")
}

fn notes(out: &mut String, diagnosis: &UpstreamDiagnosis, verbose: bool) {
    for note in &diagnosis.cluster.notes {
        let mark = match note.is_warning() {
            true => mark(Severity::Warning),
            false if verbose => mark(Severity::Info),
            false => continue,
        };
        let _ = writeln!(out, "  {mark} {}", printable(&gloo::note(note)));
    }
}

pub(super) fn endpoint_report(
    out: &mut String,
    endpoint: &Endpoint,
    result: &EndpointDiagnosis,
    verbose: bool,
) {
    match result {
        EndpointDiagnosis::NotTested(NotTested::PlainText) => {}
        EndpointDiagnosis::NotTested(NotTested::NotAsked) => {
            let _ = writeln!(out, "  {}", endpoint_line(endpoint));
        }
        EndpointDiagnosis::NotTested(reason) => {
            let _ = writeln!(out, "  {}", endpoint_line(endpoint));
            let reason = printable(&gloo::not_tested(endpoint, reason));
            let _ = writeln!(out, "  {} not tested: {reason}", mark(Severity::Blocking));
        }
        EndpointDiagnosis::Tested(diagnosis) => {
            tested(out, endpoint, diagnosis, verbose);
        }
    }
}

pub(super) fn endpoint_line(endpoint: &Endpoint) -> ColoredString {
    let name = authority(endpoint);
    let hop = match (endpoint.hop, &endpoint.tunnel) {
        (Hop::Proxy, _) => " (the proxy)".to_owned(),
        (_, Some(tunnel)) => format!(" (through {}:{})", tunnel.host, tunnel.port),
        _ => String::new(),
    };
    let sni = match endpoint.tls.as_ref().map(|tls| &tls.config.sni) {
        Some(Some(sni)) => format!(", SNI {sni}"),
        Some(None) => ", no SNI".to_owned(),
        None => ", plain text".to_owned(),
    };
    printable(&format!("{name}{hop}{sni}")).normal()
}

/// `HOST:PORT`, or the host alone where there is no port.
#[must_use]
pub fn authority(endpoint: &Endpoint) -> String {
    match (endpoint.port, endpoint.host.contains(':')) {
        (0, _) => endpoint.host.clone(),
        (port, true) => format!("[{}]:{port}", endpoint.host),
        (port, false) => format!("{}:{port}", endpoint.host),
    }
}

fn tested(out: &mut String, endpoint: &Endpoint, diagnosis: &Diagnosis, verbose: bool) {
    if let Some(reason) = &diagnosis.unresolved {
        let _ = writeln!(out, "  {}", endpoint_line(endpoint));
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
        if let Some(advice) = gloo::unresolved_advice(endpoint) {
            let _ = writeln!(out, "    {}", advice.dimmed());
        }
    }
    for found in &diagnosis.endpoints {
        let address = found.address.to_string();
        let shown =
            if authority(endpoint) == address { String::new() } else { format!(" at {address}") };
        let _ = writeln!(out, "  {}{}", endpoint_line(endpoint), shown.dimmed());
        findings_report(out, found, verbose);
    }
}

/// Whether the findings on an endpoint have this reason already.
fn is_told(diagnosis: &UpstreamDiagnosis, name: &str, reason: &str) -> bool {
    let endpoints = diagnosis.cluster.endpoints.iter().zip(&diagnosis.endpoints);
    let mut of_name = endpoints.filter(|(endpoint, _)| authority(endpoint) == name);
    of_name.any(|(_, result)| match result {
        EndpointDiagnosis::Tested(found) => found
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.verdict.findings)
            .any(|finding| message(finding) == reason),
        EndpointDiagnosis::NotTested(_) => false,
    })
}

/// What the change was proven on, as a sentence.
fn proof_words(diagnosis: &UpstreamDiagnosis) -> String {
    let unknown = diagnosis.unproven();
    match unknown.is_empty() {
        true => "Proven with the hello that it makes.".to_owned(),
        false => format!(
            "Proven with the hello that it makes, but not on {}, of which nothing is known.",
            printable(&unknown.join(", "))
        ),
    }
}

pub(super) fn change(out: &mut String, diagnosis: &UpstreamDiagnosis) {
    for (name, reason) in &diagnosis.unserved {
        let reason = match is_told(diagnosis, name, reason) {
            true => String::new(),
            false => format!(": {reason}"),
        };
        let words = printable(&format!("nothing serves {name}{reason}"));
        let _ = writeln!(out, "  {} {words}", mark(Severity::Blocking));
    }
    let Some(revision) = &diagnosis.revision else {
        if let Some(reason) = &diagnosis.no_revision {
            let _ = writeln!(out, "\n  {} {}", "no patch:".bold(), printable(reason));
        }
        return;
    };
    let what = match revision.resource {
        Resource::Upstream => "The patch.".to_owned(),
        Resource::Settings => format!("The patch of Settings {}.", revision.name),
        Resource::Service => format!("The patch of Service {}.", revision.name),
    };
    let _ = writeln!(out, "\n{} {}\n", what.bold(), proof_words(diagnosis));
    let _ = writeln!(out, "{}", revision.kubectl_command());
    let remarks = remarks(diagnosis, revision);
    if !remarks.is_empty() {
        let _ = writeln!(out);
    }
    for remark in remarks {
        let _ = writeln!(out, "{} {remark}", mark(Severity::Warning));
    }
}

/// What one should know before making a change, one sentence or two each.
#[must_use]
pub fn remarks(diagnosis: &UpstreamDiagnosis, revision: &Revision) -> Vec<String> {
    let notes = revision.notes.iter().map(|note| gloo::revision_note(*note));
    notes.chain(gloo::applied_from(&diagnosis.applied_from)).collect()
}
