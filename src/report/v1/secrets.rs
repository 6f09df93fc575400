//! Secrets, and what becomes of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::certificate::utc_text;
use super::target::Target;
use crate::gloo;
use crate::remedy::Names;
use crate::report::secrets::{self, SecretDiagnosis};

/// What Gloo and Envoy make of Secrets. No key material is in it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsReport {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// The release of Gloo whose rules count.
    pub gloo: String,
    /// The release of Envoy that is to load them.
    pub envoy: String,
    /// Whether they were judged for an Upstream with `oneWayTls: true`.
    pub one_way_tls: bool,
    /// The exit code that goes with it, as far as the Secrets decide it: 2 also stands for
    /// documents that could not be read, which are told on stderr.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
    /// How many documents could not be read; they are told on stderr, and make the exit code 2.
    pub unreadable: usize,
    /// One entry for each Secret, in the order read.
    pub secrets: Vec<Secret>,
}

/// Everything about one Secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its namespace; empty where none is named.
    pub namespace: String,
    /// Where it was read: file, document and item.
    pub place: String,
    /// Whether Gloo and Envoy can use it.
    pub usable: bool,
    /// What was found, the gravest first.
    pub findings: Vec<SecretFinding>,
    /// What Gloo writes into the status of an Upstream that refers to it, where it cannot use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gloo_status: Option<String>,
    /// Whether an Upstream with it shows a client certificate; left out where it is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_certificate: Option<bool>,
    /// Whether an Upstream with it verifies the server's chain; left out where it is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies: Option<bool>,
    /// The same with `oneWayTls: true`; left out where it is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_one_way_tls: Option<SecretMode>,
    /// The client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SecretCertificate>,
    /// How many CA certificates there are.
    pub authorities: usize,
    /// What the server makes of it, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<SecretServer>,
}

/// What an Upstream does that refers to a Secret.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretMode {
    /// Whether it shows the client certificate to servers that ask for one.
    pub sends_certificate: bool,
    /// Whether it verifies the server's chain.
    pub verifies: bool,
}

/// Something about a Secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFinding {
    /// Its stable name.
    #[schemars(regex(pattern = "^[a-z]+(-[a-z]+)*$"))]
    pub code: String,
    /// How much it weighs.
    pub weight: Weight,
    /// For people.
    pub text: String,
    /// For people: what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Gloo or Envoy does not use the Secret.
    Blocking,
    /// Something will fail, or will soon.
    Warning,
    /// Good to know.
    Info,
}

/// A client certificate.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretCertificate {
    /// Its subject.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its subject alternative names.
    pub names: Vec<String>,
    /// The kind and size of its key.
    pub key: String,
    /// The moment from which it is valid, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub not_before: Option<String>,
    /// The last moment at which it is valid, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub not_after: Option<String>,
    /// How many certificates follow it in `tls.crt`.
    pub followers: usize,
}

/// What a server makes of a Secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretServer {
    /// What became of the client certificate.
    pub certificate: CertificateAnswer,
    /// What became of the verification of the server.
    pub verification: VerificationAnswer,
    /// Why the CA does not verify the server, in OpenSSL's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_error: Option<String>,
    /// The whole trial, with the certificate and the CA of the Secret.
    pub target: Target,
}

/// What a server did about a client certificate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
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

impl SecretsReport {
    /// Puts what was found into the published shape.
    #[must_use]
    pub fn new(diagnoses: &[SecretDiagnosis], terms: &gloo::Terms, unreadable: usize) -> Self {
        let codes = diagnoses.iter().map(SecretDiagnosis::exit_code);
        Self {
            version: super::VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            gloo: terms.gloo.to_string(),
            envoy: terms.envoy.to_string(),
            one_way_tls: terms.one_way_tls,
            exit_code: if unreadable > 0 { 2 } else { codes.max().unwrap_or(2) },
            unreadable,
            secrets: all(diagnoses),
        }
    }
}

impl From<&SecretDiagnosis> for Secret {
    fn from(diagnosis: &SecretDiagnosis) -> Self {
        let verdict = &diagnosis.verdict;
        Self {
            name: diagnosis.name.name.clone(),
            namespace: diagnosis.name.namespace.clone(),
            place: diagnosis.place.to_string(),
            usable: !verdict.is_blocked(),
            findings: all(&verdict.findings),
            gloo_status: verdict.gloo_status(&diagnosis.name),
            sends_certificate: verdict.mode.map(|mode| mode.sends_certificate),
            verifies: verdict.mode.map(|mode| mode.verifies),
            with_one_way_tls: verdict.one_way_mode.map(SecretMode::from),
            certificate: verdict.leaf.as_ref().map(SecretCertificate::from),
            authorities: verdict.authorities,
            server: diagnosis.server.as_ref().map(SecretServer::from),
        }
    }
}

impl From<gloo::Mode> for SecretMode {
    fn from(mode: gloo::Mode) -> Self {
        Self { sends_certificate: mode.sends_certificate, verifies: mode.verifies }
    }
}

impl From<&gloo::SecretFinding> for SecretFinding {
    fn from(finding: &gloo::SecretFinding) -> Self {
        Self {
            code: finding.code().to_owned(),
            weight: match finding.weight() {
                gloo::Weight::Blocking => Weight::Blocking,
                gloo::Weight::Warning => Weight::Warning,
                gloo::Weight::Info => Weight::Info,
            },
            text: finding.message(),
            advice: finding.advice(),
        }
    }
}

impl From<&gloo::Leaf> for SecretCertificate {
    fn from(leaf: &gloo::Leaf) -> Self {
        Self {
            subject: leaf.subject.clone(),
            issuer: leaf.issuer.clone(),
            names: leaf.names.clone(),
            key: leaf.key.clone(),
            not_before: utc_text(leaf.not_before),
            not_after: utc_text(leaf.not_after),
            followers: leaf.followers,
        }
    }
}

impl From<&secrets::ServerAnswer> for SecretServer {
    fn from(server: &secrets::ServerAnswer) -> Self {
        Self {
            certificate: match server.certificate {
                secrets::CertificateAnswer::Missing => CertificateAnswer::Missing,
                secrets::CertificateAnswer::NotShown => CertificateAnswer::NotShown,
                secrets::CertificateAnswer::NotAsked => CertificateAnswer::NotAsked,
                secrets::CertificateAnswer::Accepted => CertificateAnswer::Accepted,
                secrets::CertificateAnswer::Refused => CertificateAnswer::Refused,
                secrets::CertificateAnswer::Unclear => CertificateAnswer::Unclear,
            },
            verification: match server.verification {
                secrets::VerificationAnswer::NotDone => VerificationAnswer::NotDone,
                secrets::VerificationAnswer::Passed => VerificationAnswer::Passed,
                secrets::VerificationAnswer::Failed => VerificationAnswer::Failed,
                secrets::VerificationAnswer::Unclear => VerificationAnswer::Unclear,
            },
            verification_error: server.verification_error.clone(),
            target: Target::without_remedy_forms(&server.diagnosis, &Names::default()),
        }
    }
}
