//! What was found about Secrets, and the report of it for people.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use colored::Colorize;

use super::Diagnosis;
use super::terminal::mark;
use super::words::{headline, message};
use crate::gloo::{Leaf, Mode, ObjectName, Place, SecretVerdict, Weight};
use crate::trial::printable;
use crate::verdict::{Finding, Severity, Summary};

/// Everything about one Secret.
#[derive(Clone, Debug)]
pub struct SecretDiagnosis {
    /// Where it was read.
    pub place: Place,
    /// Its name.
    pub name: ObjectName,
    /// What Gloo and Envoy make of it.
    pub verdict: SecretVerdict,
    /// What a server makes of it, if one was asked.
    pub server: Option<ServerAnswer>,
}

/// What a server makes of a Secret's certificate, and its CA of the server.
#[derive(Clone, Debug)]
pub struct ServerAnswer {
    /// The trial with the Secret's certificate and CA.
    pub diagnosis: Diagnosis,
    /// What became of the client certificate.
    pub certificate: CertificateAnswer,
    /// What became of the verification of the server.
    pub verification: VerificationAnswer,
}

/// What a server did about a client certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateAnswer {
    /// The Secret shows none, and the server insists on one.
    Missing,
    /// The Secret shows none, and the server goes on without.
    NotShown,
    /// The server does not ask for one.
    NotAsked,
    /// The server asked, was shown it, and went on.
    Accepted,
    /// The server refused it.
    Refused,
    /// It could not be told.
    Unclear,
}

/// What became of the verification of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerificationAnswer {
    /// The Secret has no CA, so that nothing is verified.
    NotDone,
    /// The CA verifies the server.
    Passed,
    /// It does not.
    Failed,
    /// It could not be told.
    Unclear,
}

impl ServerAnswer {
    /// Reads a diagnosis that was made with the Secret's certificate and CA.
    #[must_use]
    pub fn new(diagnosis: Diagnosis, mode: Mode) -> Self {
        let certificate = certificate_answer(&diagnosis, mode);
        let verification = verification_answer(&diagnosis, mode);
        Self { diagnosis, certificate, verification }
    }
}

fn findings(diagnosis: &Diagnosis) -> impl Iterator<Item = &Finding> {
    diagnosis.endpoints.iter().flat_map(|endpoint| &endpoint.verdict.findings)
}

fn certificate_answer(diagnosis: &Diagnosis, mode: Mode) -> CertificateAnswer {
    let insists = findings(diagnosis).find_map(|finding| match finding {
        Finding::ClientCertificate { shown, .. } => Some(*shown),
        _ => None,
    });
    let asked = diagnosis.endpoints.iter().any(|endpoint| {
        endpoint.trial.handshake.as_ref().is_some_and(|done| done.certificate_requested)
    });
    match (insists, mode.sends_certificate) {
        (Some(true), _) => CertificateAnswer::Refused,
        (Some(false), _) => CertificateAnswer::Missing,
        (None, _) if diagnosis.summary() != Summary::Connects => CertificateAnswer::Unclear,
        (None, false) => CertificateAnswer::NotShown,
        (None, true) if asked => CertificateAnswer::Accepted,
        (None, true) => CertificateAnswer::NotAsked,
    }
}

fn verification_answer(diagnosis: &Diagnosis, mode: Mode) -> VerificationAnswer {
    let fails = |finding: &Finding| {
        matches!(
            finding,
            Finding::CertificateUntrusted(_)
                | Finding::CertificateExpired(_)
                | Finding::CertificateName { .. }
        )
    };
    match mode.verifies {
        false => VerificationAnswer::NotDone,
        true if findings(diagnosis).any(fails) => VerificationAnswer::Failed,
        true if diagnosis.summary() == Summary::Connects => VerificationAnswer::Passed,
        true => VerificationAnswer::Unclear,
    }
}

impl SecretDiagnosis {
    /// The exit code that goes with it: 0 fine, 1 something fails, 2 unclear.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let server = self.server.as_ref().map(|server| match server.diagnosis.summary() {
            Summary::Connects => 0,
            Summary::NeedsChange | Summary::NoSettingHelps => 1,
            Summary::Unclear => 2,
        });
        u8::from(self.verdict.is_blocked()).max(server.unwrap_or(0))
    }
}

/// Renders one Secret. `verbose` adds what is of little weight.
#[must_use]
pub fn render(diagnosis: &SecretDiagnosis, verbose: bool) -> String {
    let mut out = String::new();
    let verdict = &diagnosis.verdict;
    let words = match verdict.is_blocked() {
        true => "Gloo or Envoy cannot use it",
        false if verdict.findings.iter().any(|it| it.weight() == Weight::Warning) => {
            "it can be used, with a warning"
        }
        false => "it can be used",
    };
    let line = format!("{} · {words}", diagnosis.name);
    let line = if verdict.is_blocked() { line.red() } else { line.green() };
    let _ = writeln!(out, "{}", line.bold());
    if let Some(leaf) = &verdict.leaf {
        let _ = writeln!(out, "  {}", leaf_words(leaf).dimmed());
    }
    if let Some(mode) = verdict.mode {
        let _ = writeln!(out, "  {} {}", "✓".green(), mode_words(mode));
    }
    for finding in &verdict.findings {
        let severity = match finding.weight() {
            Weight::Blocking => Severity::Blocking,
            Weight::Warning => Severity::Warning,
            Weight::Info if verbose => Severity::Info,
            Weight::Info => continue,
        };
        let _ = writeln!(out, "  {} {}", mark(severity), printable(&finding.message()));
    }
    if let Some(server) = &diagnosis.server {
        server_report(&mut out, server);
    }
    out
}

fn leaf_words(leaf: &Leaf) -> String {
    let names = match leaf.names.as_slice() {
        [] => String::new(),
        names => format!(", for {}", names.join(", ")),
    };
    format!(
        "client certificate {}{names}, {}, until {}",
        leaf.subject,
        leaf.key,
        date(leaf.not_after)
    )
}

/// The day of a second since 1970.
#[must_use]
pub fn date(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    // Beyond the year 9999 there are no words for a day.
    let time = UNIX_EPOCH.checked_add(since).filter(|_| seconds < 253_402_300_800);
    let text = humantime::format_rfc3339_seconds(time.unwrap_or(SystemTime::UNIX_EPOCH));
    text.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// What an Upstream does that refers to a Secret, as a clause.
#[must_use]
pub fn mode_words(mode: Mode) -> &'static str {
    match (mode.sends_certificate, mode.verifies) {
        (true, true) => "an Upstream with it shows the client certificate and verifies the chain",
        (true, false) => "an Upstream with it shows the client certificate and verifies nothing",
        (false, true) => "an Upstream with it shows no certificate and verifies the chain",
        (false, false) => "an Upstream with it shows no certificate and verifies nothing",
    }
}

fn server_report(out: &mut String, server: &ServerAnswer) {
    let target = &server.diagnosis.target;
    let _ = writeln!(out, "  {target} · {}", headline(server.diagnosis.summary()));
    let (good, words) = certificate_words(server.certificate);
    let _ = writeln!(out, "  {} {words}", sign(good));
    let (good, words) = verification_words(server.verification);
    let _ = writeln!(out, "  {} {words}", sign(good));
    if let Some(reason) = &server.diagnosis.unresolved {
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
    }
    for endpoint in &server.diagnosis.endpoints {
        for finding in &endpoint.verdict.findings {
            if finding.severity() == Severity::Blocking {
                let words = message(finding);
                let _ =
                    writeln!(out, "  {} {}: {words}", mark(Severity::Blocking), endpoint.address);
            }
        }
    }
}

fn sign(good: Option<bool>) -> colored::ColoredString {
    match good {
        Some(true) => "✓".green(),
        Some(false) => mark(Severity::Blocking),
        None => mark(Severity::Info),
    }
}

fn certificate_words(answer: CertificateAnswer) -> (Option<bool>, &'static str) {
    match answer {
        CertificateAnswer::Missing => {
            (Some(false), "the server insists on a client certificate, and this shows none")
        }
        CertificateAnswer::NotShown => (None, "no client certificate is shown, and none is needed"),
        CertificateAnswer::NotAsked => (None, "the server asks for no client certificate"),
        CertificateAnswer::Accepted => (Some(true), "the server accepts the client certificate"),
        CertificateAnswer::Refused => (Some(false), "the server refuses the client certificate"),
        CertificateAnswer::Unclear => (None, "what the server makes of the certificate is unclear"),
    }
}

fn verification_words(answer: VerificationAnswer) -> (Option<bool>, &'static str) {
    match answer {
        VerificationAnswer::NotDone => (None, "there is no CA, so the server is not verified"),
        VerificationAnswer::Passed => (Some(true), "the CA verifies the server"),
        VerificationAnswer::Failed => (Some(false), "the CA does not verify the server"),
        VerificationAnswer::Unclear => (None, "whether the CA verifies the server is unclear"),
    }
}
