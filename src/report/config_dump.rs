//! What a running Envoy has and what became of its endpoints, for people: a line for each cluster
//! and group of endpoints, so that a dump of any size is shown while it is read.

use std::fmt::Write as _;

use colored::Colorize;

use super::Diagnosis;
use super::terminal::{mark, passage_words};
use super::words::message;
use crate::envoy::{ClientConfig, ConfigFault, Release};
use crate::gloo::config_dump::{
    Address, CertificateSource, Difference, DumpedCluster, Group, Missing, MissingBecause, Origin,
    Security, SocketChoice, TlsSettings, UpstreamProtocol,
};
use crate::gloo::{ObjectName, ProxyProtocol};
use crate::remedy::Change;
use crate::tls::TlsVersion;
use crate::trial::printable;
use crate::verdict::{Finding, Severity, Summary};

/// Everything about one cluster.
#[derive(Clone, Debug)]
pub struct ClusterRecord {
    /// The cluster.
    pub cluster: Box<DumpedCluster>,
    /// Its endpoints, by what is spoken to them.
    pub groups: Vec<Group>,
    /// The Upstream that it was compared with.
    pub upstream: Option<ObjectName>,
    /// Where the two differ.
    pub differences: Vec<Difference>,
    /// Why Envoy keeps what it has, where it refuses what the Upstream makes.
    pub kept_because: Option<ConfigFault>,
    /// What became of its endpoints, if that was asked for.
    pub probes: Vec<Probe>,
}

/// What became of one endpoint.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The endpoint.
    pub endpoint: Address,
    /// What was found, or why nothing was.
    pub result: Result<Box<Diagnosis>, String>,
    /// Whether Envoy has a client certificate, which cannot be tried: its key is not in the dump.
    pub has_certificate: bool,
}

/// The verdict on one endpoint in one word.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ProbeSummary {
    /// It was not tested.
    NotTested,
    /// Envoy connects.
    Connects,
    /// The hello gets through and the server wants a client certificate, which Envoy has.
    CertificateNotTried,
    /// Something has to be changed.
    NeedsChange,
    /// No setting helps.
    NoSettingHelps,
    /// It could not be told.
    Unclear,
}

impl Probe {
    /// The verdict in one word.
    #[must_use]
    pub fn summary(&self) -> ProbeSummary {
        let Ok(diagnosis) = &self.result else { return ProbeSummary::NotTested };
        match diagnosis.summary() {
            Summary::Connects => ProbeSummary::Connects,
            Summary::NeedsChange if self.wants_only_certificate(diagnosis) => {
                ProbeSummary::CertificateNotTried
            }
            Summary::NeedsChange => ProbeSummary::NeedsChange,
            Summary::NoSettingHelps => ProbeSummary::NoSettingHelps,
            Summary::Unclear => ProbeSummary::Unclear,
        }
    }

    fn wants_only_certificate(&self, diagnosis: &Diagnosis) -> bool {
        let findings = diagnosis.endpoints.iter().flat_map(|it| &it.verdict.findings);
        let mut blocking = findings.filter(|finding| finding.severity() == Severity::Blocking);
        self.has_certificate
            && blocking.all(|it| matches!(it, Finding::ClientCertificate { shown: false, .. }))
    }
}

impl ProbeSummary {
    /// The exit code that goes with it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotTested | Self::Connects | Self::CertificateNotTried => 0,
            Self::NeedsChange | Self::NoSettingHelps => 1,
            Self::Unclear => 2,
        }
    }
}

impl ClusterRecord {
    /// Why each group fails on every connection, or would be refused; none where all is well.
    pub fn faults(&self) -> impl Iterator<Item = (&Group, ConfigFault)> {
        self.groups.iter().filter_map(|group| {
            let fault = group.tls.as_ref()?.config.offer().err()?;
            Some((group, fault))
        })
    }

    /// The exit code that goes with it: 1 where it differs or cannot connect, 2 where that could
    /// not be told.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let fails = self.faults().any(|(_, fault)| !fault.is_refused_at_load());
        let own = u8::from(fails || !self.differences.is_empty());
        let probes = self.probes.iter().map(|probe| probe.summary().exit_code());
        probes.fold(own, u8::max)
    }
}

/// How many there are of what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Clusters that were read.
    pub clusters: usize,
    /// Those that speak TLS to some endpoint.
    pub with_tls: usize,
    /// Those that could not be read.
    pub unreadable: usize,
    /// Those that were compared with an Upstream.
    pub compared: usize,
    /// Those that differ from it.
    pub differing: usize,
    /// Upstreams without their cluster.
    pub missing: usize,
    /// Endpoints that were tested.
    pub tested: usize,
    /// Those of them to which Envoy does not connect.
    pub blocked: usize,
    /// Those of them of which it could not be told.
    pub unclear: usize,
}

impl Totals {
    /// Counts one more.
    pub fn add(&mut self, record: &ClusterRecord) {
        self.clusters += 1;
        self.with_tls += usize::from(record.groups.iter().any(|group| group.tls.is_some()));
        self.compared += usize::from(record.upstream.is_some());
        self.differing += usize::from(!record.differences.is_empty());
        for probe in &record.probes {
            let summary = probe.summary();
            self.tested += usize::from(summary != ProbeSummary::NotTested);
            self.blocked += usize::from(summary.exit_code() == 1);
            self.unclear += usize::from(summary == ProbeSummary::Unclear);
        }
    }
}

/// The line above all others.
#[must_use]
pub fn render_head() -> String {
    format!("{}\n", line("cluster", "endpoint", "what Envoy speaks").dimmed())
}

fn line(name: &str, endpoints: &str, words: &str) -> String {
    format!("{name:<32}  {endpoints:<28}  {words}")
}

/// Renders one cluster.
#[must_use]
pub fn render(record: &ClusterRecord) -> String {
    let mut out = String::new();
    let cluster = &record.cluster;
    let name = match cluster.origin {
        Origin::Static | Origin::Warming => {
            format!("{} ({})", cluster.name, cluster.origin.name())
        }
        _ => cluster.name.clone(),
    };
    let mut name = printable(&name);
    for group in &record.groups {
        let endpoints = printable(&endpoints_words(cluster, group));
        let words = printable(&group_words(cluster, group));
        let _ = writeln!(out, "{}", line(&name, &endpoints, &words));
        name.clear();
    }
    for (_, fault) in record.faults() {
        let (severity, what) = match fault.is_refused_at_load() {
            true => (Severity::Warning, "this release would not load that"),
            false => (Severity::Blocking, "every connection fails"),
        };
        let fault = printable(&fault.to_string());
        let _ = writeln!(out, "  {} {what}: {fault}", mark(severity));
    }
    for difference in &record.differences {
        let _ = writeln!(out, "  {} {}", "≠".yellow(), printable(&difference_words(difference)));
    }
    if let Some(fault) = &record.kept_because {
        let words = "Envoy keeps this, since it refuses what the Upstream makes";
        let fault = printable(&fault.to_string());
        let _ = writeln!(out, "  {} {words}: {fault}", mark(Severity::Blocking));
    }
    for probe in &record.probes {
        probe_report(&mut out, probe);
    }
    out
}

/// At most one by name: a cluster may have thousands.
fn endpoints_words(cluster: &DumpedCluster, group: &Group) -> String {
    match (group.endpoints.as_slice(), group.choice) {
        ([], SocketChoice::Match(index)) => {
            let name = cluster.matches.get(index).map(|found| found.name.as_str());
            format!("matching {}", name.unwrap_or_default())
        }
        ([], SocketChoice::Base) if cluster.matches.is_empty() => "-".to_owned(),
        ([], SocketChoice::Base) => "all others".to_owned(),
        ([only], _) => only.to_string(),
        ([first, rest @ ..], _) => format!("{first} and {} more", rest.len()),
    }
}

fn group_words(cluster: &DumpedCluster, group: &Group) -> String {
    let socket = cluster.socket(group.choice);
    let mut words = match (&socket.security, &group.tls) {
        (Security::Tls(settings), Some(tls)) => tls_words(cluster, settings, &tls.config),
        (Security::Other(name), _) => vec![name.clone()],
        _ => vec!["plain text".to_owned()],
    };
    match socket.proxy_protocol {
        Some(ProxyProtocol::V1) => words.push("after a PROXY v1 header".to_owned()),
        Some(ProxyProtocol::V2) => words.push("after a PROXY v2 header".to_owned()),
        None => {}
    }
    if cluster.has_matcher {
        words.push("unless its transport_socket_matcher chooses another".to_owned());
    }
    words.join(", ")
}

fn tls_words(
    cluster: &DumpedCluster,
    settings: &TlsSettings,
    config: &ClientConfig,
) -> Vec<String> {
    let sni = match &config.sni {
        _ if cluster.auto_sni => "SNI by the request".to_owned(),
        Some(name) => format!("SNI {name}"),
        None => "no SNI".to_owned(),
    };
    let mut words = vec!["TLS".to_owned(), sni];
    words.extend(parameters_words(settings, config));
    match cluster.protocol {
        UpstreamProtocol::Http1 => {}
        UpstreamProtocol::Http2 => words.push("HTTP/2".to_owned()),
        UpstreamProtocol::Http3 => words.push("HTTP/3".to_owned()),
        UpstreamProtocol::Auto => words.push("HTTP/1 or HTTP/2".to_owned()),
        UpstreamProtocol::Downstream => words.push("HTTP as the client".to_owned()),
    }
    if !settings.alpn_protocols.is_empty() {
        words.push(format!("ALPN {}", settings.alpn_protocols.join(" ")));
    }
    words.extend(
        settings.certificates.iter().map(|from| format!("client certificate {}", source(from))),
    );
    words.extend(verification_words(settings));
    if settings.allow_renegotiation {
        words.push("renegotiation".to_owned());
    }
    if let Some(enforced) = settings.enforce_rsa_key_usage {
        words.push(format!("enforce_rsa_key_usage {enforced}"));
    }
    words
}

fn parameters_words(settings: &TlsSettings, config: &ClientConfig) -> Vec<String> {
    if settings.fips_202205 {
        return vec!["compliance policy FIPS_202205".to_owned()];
    }
    let mut words = Vec::new();
    let (minimum, maximum) = (settings.minimum_protocol_version, settings.maximum_protocol_version);
    if minimum.is_some() || maximum.is_some() {
        let defaults = config.release.defaults(config.build);
        let (minimum, maximum) =
            (minimum.unwrap_or(defaults.minimum), maximum.unwrap_or(defaults.maximum));
        words.push(format!("{minimum} to {maximum}"));
    }
    let mut list = |name: &str, entries: &[String]| {
        if !entries.is_empty() {
            words.push(format!("{name} {}", entries.join(":")));
        }
    };
    list("suites", &settings.cipher_suites);
    list("curves", &settings.ecdh_curves);
    list("signature algorithms", &settings.signature_algorithms);
    if words.is_empty() {
        words.push("Envoy's defaults".to_owned());
    }
    words
}

fn verification_words(settings: &TlsSettings) -> Vec<String> {
    let mut words = Vec::new();
    match &settings.authority {
        Some(_) if settings.accepts_untrusted => words.push("untrusted chains accepted".to_owned()),
        Some(from) => words.push(format!("CA {}", source(from))),
        None => words.push("nothing verified".to_owned()),
    }
    if !settings.verify_names.is_empty() {
        words.push(format!("names {}", settings.verify_names.join(" ")));
    }
    if settings.auto_sni_san_validation {
        words.push("name as SNI".to_owned());
    }
    words
}

fn source(source: &CertificateSource) -> String {
    match source {
        CertificateSource::Inline => "inline".to_owned(),
        CertificateSource::File(path) => format!("from {path}"),
        CertificateSource::Secret(name) => format!("by SDS as {name}"),
        CertificateSource::Elsewhere => "from elsewhere".to_owned(),
    }
}

fn difference_words(difference: &Difference) -> String {
    let Difference { field, endpoints, dump, upstream } = difference;
    let at = match endpoints.as_slice() {
        [] => String::new(),
        [only] => format!(" of {only}"),
        [first, rest @ ..] => format!(" of {first} and {} more", rest.len()),
    };
    format!("{field}{at}: Envoy has {dump}, the Upstream makes {upstream}")
}

fn probe_report(out: &mut String, probe: &Probe) {
    let endpoint = printable(&probe.endpoint.to_string());
    let diagnosis = match &probe.result {
        Ok(diagnosis) => diagnosis,
        Err(reason) => {
            let reason = printable(reason);
            let _ = writeln!(out, "  {} {endpoint} not tested: {reason}", mark(Severity::Info));
            return;
        }
    };
    if let Some(reason) = &diagnosis.unresolved {
        let _ = writeln!(out, "  {} {endpoint} {reason}", mark(Severity::Blocking));
    }
    let not_tried = probe.summary() == ProbeSummary::CertificateNotTried;
    for found in &diagnosis.endpoints {
        // A name may have several addresses.
        let at = match diagnosis.endpoints.len() {
            1 => endpoint.clone(),
            _ => format!("{endpoint} at {}", found.address),
        };
        if let Ok(passage) = &found.trial.own.result {
            let words = passage_words(passage);
            let _ = writeln!(out, "  {} {at} negotiates {words}", "✓".green());
        }
        for finding in &found.verdict.findings {
            match (finding, finding.severity()) {
                (_, Severity::Info) => {}
                (Finding::ClientCertificate { .. }, _) if not_tried => {
                    let words = "the server insists on a client certificate; Envoy has one, which \
                                 cannot be tried without its key";
                    let _ = writeln!(out, "  {} {at} {words}", mark(Severity::Warning));
                }
                (finding, severity) => {
                    let _ = writeln!(out, "  {} {at} {}", mark(severity), message(finding));
                }
            }
        }
    }
    match (&diagnosis.change, &diagnosis.no_change) {
        (Some(change), _) if !change.is_empty() => {
            let _ = writeln!(out, "    {}", change_words(change).bold());
        }
        (_, Some(reason)) if !not_tried => {
            let _ = writeln!(out, "    {}", format!("no change helps: {reason}").dimmed());
        }
        _ => {}
    }
}

/// The change in Envoy's fields.
fn change_words(change: &Change) -> String {
    let mut words = Vec::new();
    let mut set = |field: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{field} {value}")));
    };
    let list = |entries: &Option<Vec<String>>| entries.as_ref().map(|list| list.join(":"));
    let version = |version: Option<TlsVersion>| {
        version.map(|it| it.envoy_name().map_or_else(|| it.to_string(), str::to_owned))
    };
    set("tls_minimum_protocol_version", version(change.minimum_protocol_version));
    set("tls_maximum_protocol_version", version(change.maximum_protocol_version));
    set("cipher_suites", list(&change.cipher_suites));
    set("ecdh_curves", list(&change.ecdh_curves));
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
    set("sni", change.sni.as_ref().map(name));
    set(
        "alpn_protocols",
        change.alpn_protocols.as_ref().map(|list| match list.as_slice() {
            [] => "none".to_owned(),
            list => list.join(" "),
        }),
    );
    let protocol = |http2: bool| {
        let field = if http2 { "http2_protocol_options" } else { "http_protocol_options" };
        format!("{field} in explicit_http_config")
    };
    let mut text = words.join(", ");
    if let Some(http2) = change.use_http2 {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{}", protocol(http2));
    }
    format!("proven to help: {text}")
}

/// Renders an Upstream without its cluster.
#[must_use]
pub fn render_missing(missing: &Missing) -> String {
    let words = missing_words(missing);
    let name = printable(&missing.cluster);
    format!("{name:<32}  {} {}\n", mark(Severity::Blocking), printable(&words))
}

/// One sentence without a full stop.
pub(crate) fn missing_words(missing: &Missing) -> String {
    let upstream = &missing.upstream;
    match &missing.because {
        MissingBecause::RefusedByGloo(words) => {
            format!("not in use: Gloo refuses Upstream {upstream}: {words}")
        }
        MissingBecause::RefusedByEnvoy(words) => format!(
            "not in use: Envoy refuses what Upstream {upstream} makes: {words} (in the proxy's \
             log, and counted by cluster_manager.cds.update_rejected)"
        ),
        MissingBecause::Warming => format!(
            "not in use yet: the cluster of Upstream {upstream} waits for its endpoints or secrets"
        ),
        MissingBecause::Unknown => format!(
            "not there, though Upstream {upstream} makes it: look for 'rejected' in the proxy's \
             log and at cluster_manager.cds.update_rejected"
        ),
    }
}

/// Renders the last line. `name` is the Envoy as the dump has it, if it has.
#[must_use]
pub fn render_totals(totals: &Totals, name: Option<&str>, release: Release) -> String {
    let envoy = match name {
        Some(name) => format!("Envoy {name}"),
        None => format!("Envoy {release}, as the dump does not say which"),
    };
    let mut text = format!(
        "\n{} of {envoy}, {} with TLS",
        counted(totals.clusters, "cluster", "clusters"),
        totals.with_tls
    );
    if totals.unreadable > 0 {
        let _ = write!(text, "; {} could not be read", totals.unreadable);
    }
    if totals.compared + totals.missing > 0 {
        let _ = write!(
            text,
            "; compared with Upstreams: {} alike, {} different, {} missing",
            totals.compared.saturating_sub(totals.differing),
            totals.differing,
            totals.missing
        );
        let rest = totals.clusters.saturating_sub(totals.compared);
        if rest > 0 {
            let _ = write!(text, "; {rest} of no Upstream given");
        }
    }
    if totals.tested > 0 {
        let _ = write!(text, "; {} tested", counted(totals.tested, "endpoint", "endpoints"));
        let _ = write!(text, ": {} blocked, {} unclear", totals.blocked, totals.unclear);
    }
    text + "\n"
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
