//! What was found about Secrets, and the report of it for people.

use std::fmt::Write as _;

use colored::{Color, ColoredString, Colorize};

use super::Diagnosis;
use super::terminal::{by_summary, mark};
use super::v1::certificate::utc_text;
use super::words::{headline, message};
use crate::gloo::{Leaf, Mode, ObjectName, Place, SecretFinding, SecretVerdict, Weight};
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
    /// Why the CA does not verify the server, in OpenSSL's words.
    pub verification_error: Option<String>,
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
    ///
    /// `asks` is a diagnosis without the CA, made where the CA was in the way of knowing what the
    /// server makes of the certificate. `verified` is what verifying the server's chain with the
    /// CA gave, where there is a chain: nothing, or the error in OpenSSL's words.
    #[must_use]
    pub fn new(
        diagnosis: Diagnosis,
        asks: Option<&Diagnosis>,
        verified: Option<Option<String>>,
        mode: Mode,
    ) -> Self {
        let certificate = certificate_answer(asks.unwrap_or(&diagnosis), mode);
        let (verification, verification_error) = match (mode.verifies, verified) {
            (false, _) => (VerificationAnswer::NotDone, None),
            (true, Some(None)) => (VerificationAnswer::Passed, None),
            (true, Some(Some(error))) => (VerificationAnswer::Failed, Some(error)),
            (true, None) => (VerificationAnswer::Unclear, None),
        };
        Self { diagnosis, certificate, verification, verification_error }
    }
}

fn certificate_answer(diagnosis: &Diagnosis, mode: Mode) -> CertificateAnswer {
    let mut findings = diagnosis.endpoints.iter().flat_map(|endpoint| &endpoint.verdict.findings);
    let insists = findings.find_map(|finding| match finding {
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
    let _ = writeln!(out, "{}", head(diagnosis).bold());
    if let Some(leaf) = &verdict.leaf {
        let _ = writeln!(out, "  {}", leaf_words(leaf).dimmed());
    }
    if let Some(mode) = verdict.mode {
        let words = format!("an Upstream with it {}", mode_words(mode));
        let _ = writeln!(out, "  {} {words}", "✓".green());
        if let Some(other) = verdict.one_way_mode.filter(|other| *other != mode) {
            let words = format!("with oneWayTls: true, it {}", mode_words(other));
            let _ = writeln!(out, "  {} {words}", mark(Severity::Info));
        }
    }
    for finding in &verdict.findings {
        let severity = match finding.weight() {
            Weight::Blocking => Severity::Blocking,
            Weight::Warning => Severity::Warning,
            Weight::Info if verbose => Severity::Info,
            Weight::Info => continue,
        };
        let _ = writeln!(out, "  {} {}", mark(severity), printable(&finding.message()));
        if let Some(advice) = finding.advice() {
            let _ = writeln!(out, "    {}", advice.dimmed());
        }
    }
    if let Some(status) = verdict.gloo_status(&diagnosis.name).filter(|_| verbose) {
        let _ = writeln!(
            out,
            "  {} status of an Upstream with it: {}",
            mark(Severity::Info),
            printable(&status)
        );
    }
    if let Some(server) = &diagnosis.server {
        server_report(&mut out, server);
    }
    out
}

fn head(diagnosis: &SecretDiagnosis) -> ColoredString {
    let findings = &diagnosis.verdict.findings;
    let (words, color) = match findings.first() {
        Some(SecretFinding::KeysMissing(_) | SecretFinding::TooLarge(_)) => {
            ("Kubernetes does not take it", Color::Red)
        }
        Some(SecretFinding::UnusableKey(_) | SecretFinding::AuthorityUnreadable(_)) => {
            ("Envoy cannot use it", Color::Red)
        }
        Some(finding) if finding.weight() == Weight::Blocking => ("Gloo cannot use it", Color::Red),
        Some(finding) if finding.weight() == Weight::Warning => {
            ("usable, with a warning", Color::Yellow)
        }
        _ => ("usable", Color::Green),
    };
    format!("{} · {words}", diagnosis.name).color(color)
}

fn leaf_words(leaf: &Leaf) -> String {
    let names = match leaf.names.as_slice() {
        [] => String::new(),
        names => format!(", for {}", names.join(", ")),
    };
    let followers = match leaf.followers {
        0 => String::new(),
        1 => ", 1 more certificate".to_owned(),
        count => format!(", {count} more certificates"),
    };
    let end = utc_text(leaf.not_after);
    let end = end.as_deref().and_then(|text| text.split('T').next()).unwrap_or("the end of time");
    format!("client certificate {}{names}, {}, until {end}{followers}", leaf.subject, leaf.key)
}

/// What an Upstream does that refers to a Secret, as the end of a sentence.
fn mode_words(mode: Mode) -> &'static str {
    match (mode.sends_certificate, mode.verifies) {
        (true, true) => "shows the client certificate and verifies the server's chain",
        (true, false) => "shows the client certificate and does not verify the server",
        (false, true) => "shows no client certificate and verifies the server's chain",
        (false, false) => "shows no client certificate and does not verify the server",
    }
}

fn server_report(out: &mut String, server: &ServerAnswer) {
    let summary = server.diagnosis.summary();
    let line = format!("{} · {}", server.diagnosis.target, headline(summary));
    let _ = writeln!(out, "  {}", by_summary(summary, &line));
    if let Some(words) = super::way_words(&server.diagnosis.way) {
        let _ = writeln!(out, "  {}", words.dimmed());
    }
    let (good, words) = certificate_words(server.certificate);
    let _ = writeln!(out, "  {} {words}", sign(good));
    let (good, words) = verification_words(server.verification);
    let error = server.verification_error.as_ref().map(|error| format!(": {error}"));
    let _ = writeln!(out, "  {} {words}{}", sign(good), error.unwrap_or_default());
    if let Some(reason) = &server.diagnosis.unresolved {
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
    }
    for endpoint in &server.diagnosis.endpoints {
        for finding in &endpoint.verdict.findings {
            if finding.severity() == Severity::Blocking {
                let (words, address) = (message(finding), &endpoint.address);
                let _ = writeln!(out, "  {} {address}: {words}", mark(Severity::Blocking));
            }
        }
    }
    if summary == Summary::NeedsChange && server.certificate == CertificateAnswer::Unclear {
        let words = format!("cipher-test {} says what to change.", server.diagnosis.target);
        let _ = writeln!(out, "    {}", words.dimmed());
    }
}

fn sign(good: Option<bool>) -> ColoredString {
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
