//! The published JSON shape, version 1.
//!
//! Structs of its own, so that the shape does not change when a type of ours does; each file has
//! the conversion beside the shape. The doc comments of these types are the descriptions in the
//! schema. Within version 1, fields, codes and kinds may be added; none is renamed, removed or
//! given another meaning.
//!
//! One rule for what is missing: a list is always there and may be empty; any other field that
//! does not apply is left out, and never null.
//!
//! Knows nothing of JSON text, and judges nothing.

pub(super) mod certificate;
pub mod config_dump;
mod envoy;
mod finding;
mod obstacle;
mod remedy;
mod secrets;
mod survey;
mod target;
mod terms;
mod trial;
mod upgrade;
mod upstreams;
mod way;

pub use certificate::{Certificate, KeyUsage};
pub use envoy::EnvoyClient;
pub use finding::{Finding, FindingDetails, HopelessCause, Severity};
pub use obstacle::{Obstacle, ObstacleDetails, ProbeFailure};
pub use remedy::{Change, Remedy};
pub use secrets::{
    CertificateAnswer, Secret, SecretCertificate, SecretFinding, SecretMode, SecretServer,
    SecretsReport, VerificationAnswer, Weight,
};
pub(crate) use survey::Rows;
pub use survey::{
    Answer, Behaviour, ClientCertificate, EnvoyUse, Evidence, Fact, FactAnswer, Groups,
    HandshakeResult, HandshakeRow, HelloSize, Oddity, OddityDetails, OrderOf, Plainness, Ssl2,
    Ssl2Cipher, SuiteRow, Survey, UnsteadyRow, VersionSurvey,
};
pub use target::{Endpoint, Summary, Target};
pub use terms::{
    Alert, CodePoint, Ending, Group, KeyUsageBit, PlainProtocol, ServerName, SignatureScheme,
    Suite, Version,
};
pub use trial::{Attempt, Handshake, Negotiated, ProvenChange, Trial, TrialResult, WiderAttempt};
pub use upgrade::{
    Effect, Platform, UpgradeEndpoint, UpgradeReport, UpgradeTarget, UpstreamUpgrade,
    UpstreamsUpgradeReport,
};
pub use upstreams::{
    Note, ParametersFrom, Revision, TlsBecause, Unserved, Upstream, UpstreamEndpoint,
    UpstreamSummary, UpstreamsReport,
};
pub use way::{ProxyProtocol, ProxyWay, StartTls, Way};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Diagnosis;
use crate::remedy::Names;

/// The number of this shape.
pub const VERSION: u32 = 1;

/// Whether Envoy reaches TLS servers, why not, and what has to change.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// The worst summary of all targets.
    pub summary: Summary,
    /// The exit code that goes with it: 0 where Envoy connects to every target, 1 where some
    /// target needs a change or no setting helps, 2 where it could not be told for some target,
    /// or where some suite could not be told accepted from refused, whatever the summary.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
    /// One entry for each target, in the order given; in a line of `--format ndjson`, one.
    pub targets: Vec<Target>,
}

impl Report {
    /// Puts diagnoses into the published shape; patches are written for `names`.
    #[must_use]
    pub fn new(diagnoses: &[Diagnosis], names: &Names) -> Self {
        Self::with_rows(diagnoses, names, Rows::All)
    }

    /// The same, with rows for these suites.
    pub(crate) fn with_rows(diagnoses: &[Diagnosis], names: &Names, rows: Rows) -> Self {
        let worst = diagnoses.iter().map(Diagnosis::summary).max();
        let summary = Summary::from(worst.unwrap_or(crate::verdict::Summary::Unclear));
        let target = |diagnosis| Target::with_rows(diagnosis, names, rows);
        Self::of(summary, diagnoses.iter().map(target).collect())
    }

    /// A report of this program on targets, of which the worst has this summary.
    #[must_use]
    pub fn of(worst: Summary, targets: Vec<Target>) -> Self {
        let codes = targets.iter().map(Target::exit_code);
        Self {
            version: VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            summary: worst,
            exit_code: codes.fold(worst.exit_code(), u8::max),
            targets,
        }
    }
}

/// Every item as its counterpart in this shape.
fn all<'a, T: 'a, U: From<&'a T>>(items: impl IntoIterator<Item = &'a T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}
