//! Secrets, and what becomes of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::target::Target;
use crate::gloo;
use crate::remedy::Names;
use crate::report::secrets::{self, SecretDiagnosis, date};

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
    /// The exit code that goes with it, as far as the Secrets decide it.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
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
    /// Whether an Upstream with it shows a client certificate; left out where it is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_certificate: Option<bool>,
    /// Whether an Upstream with it verifies the server's chain; left out where it is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies: Option<bool>,
    /// The client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SecretCertificate>,
    /// How many CA certificates there are.
    pub authorities: usize,
    /// What the server makes of it, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<SecretServer>,
}

/// Something about a Secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFinding {
    /// Its stable name.
    pub code: String,
    /// How much it weighs.
    pub weight: Weight,
    /// For people.
    pub text: String,
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
    /// The first day of its validity.
    pub not_before: String,
    /// The last day of its validity.
    pub not_after: String,
}

/// What a server makes of a Secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretServer {
    /// What became of the client certificate.
    pub certificate: CertificateAnswer,
    /// What became of the verification of the server.
    pub verification: VerificationAnswer,
    /// The whole trial.
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
    pub fn new(diagnoses: &[SecretDiagnosis], gloo: gloo::Release) -> Self {
        let codes = diagnoses.iter().map(SecretDiagnosis::exit_code);
        Self {
            version: super::VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            gloo: gloo.to_string(),
            exit_code: codes.max().unwrap_or(2),
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
            sends_certificate: verdict.mode.map(|mode| mode.sends_certificate),
            verifies: verdict.mode.map(|mode| mode.verifies),
            certificate: verdict.leaf.as_ref().map(SecretCertificate::from),
            authorities: verdict.authorities,
            server: diagnosis.server.as_ref().map(SecretServer::from),
        }
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
            not_before: date(leaf.not_before),
            not_after: date(leaf.not_after),
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
            target: Target::without_remedy_forms(&server.diagnosis, &Names::default()),
        }
    }
}
