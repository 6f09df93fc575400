//! What a server accepts.

mod behaviour;
mod evidence;
mod handshakes;
mod versions;

pub use behaviour::{Behaviour, Fact, FactAnswer, Ssl2, Ssl2Cipher};
pub use evidence::{Evidence, HelloSize, Oddity, OddityDetails, Plainness};
pub use handshakes::{HandshakeResult, HandshakeRow};
pub(crate) use versions::Rows;
pub use versions::{Answer, EnvoyUse, OrderOf, SuiteRow, VersionSurvey};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Name};

use super::all;
use super::certificate::Certificate;
use super::terms::{Group, Suite, Version};
use crate::survey;
use crate::verdict;

/// Everything that the server was found to accept, with how it is known.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// Whether every suite was told accepted from refused under every version, in time and within
    /// the connections allowed.
    pub complete: bool,
    /// Whether the deadline ended the survey early.
    pub deadline_hit: bool,
    /// Whether the connections allowed by `--budget` were used up before all was asked.
    pub budget_hit: bool,
    /// How often the connections had to be slowed down because of trouble.
    pub times_slowed: usize,
    /// One entry for each version asked for, newest first.
    pub versions: Vec<VersionSurvey>,
    /// The groups that the server takes, if any suite accepted has a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// The distinct certificate chains that it showed, each leaf first.
    pub certificate_chains: Vec<Vec<Certificate>>,
    /// Whether it asks for a client certificate.
    pub client_certificate: ClientCertificate,
    /// The application protocols that it selects, its favourite first; left out if not learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<String>>,
    /// Complete handshakes with one suite each, if they were asked for.
    pub handshakes: Vec<HandshakeRow>,
    /// How it behaves beyond its choice of suites.
    pub behaviour: Behaviour,
    /// What was odd.
    pub oddities: Vec<Oddity>,
    /// How many surveys were put together.
    pub surveys: u32,
    /// The suites that were accepted in one of them and refused in another; their answer is
    /// `unclear`.
    pub unsteady: Vec<UnsteadyRow>,
}

/// A suite that was accepted in one survey and refused in another.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UnsteadyRow {
    /// The version asked for.
    pub version: Version,
    /// The suite.
    pub suite: Suite,
    /// In how many surveys it was accepted.
    pub accepted: u32,
    /// In how many it was refused.
    pub refused: u32,
    /// In how many it was unclear.
    pub unclear: u32,
}

impl From<&survey::UnsteadyRow> for UnsteadyRow {
    fn from(row: &survey::UnsteadyRow) -> Self {
        Self {
            version: row.version.into(),
            suite: row.suite.into(),
            accepted: row.accepted,
            refused: row.refused,
            unclear: row.unclear,
        }
    }
}

/// The groups that a server takes under one version.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// The version that they were asked for under.
    pub version: Version,
    /// Whether every group was asked for to the end.
    pub complete: bool,
    /// The groups accepted, in the order in which the server selected them.
    pub accepted: Vec<Group>,
}

/// Whether the server asks for a client certificate.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientCertificate {
    /// It could not be learned.
    Unknown {},
    /// The server does not ask.
    NotAsked {},
    /// The server asks; whether it insists shows in the trial.
    Asked {
        /// The authorities that it names.
        authorities: Vec<String>,
    },
}

impl Survey {
    /// The survey, with what Envoy can make of each suite that is accepted.
    pub(super) fn new(survey: &survey::Survey, suites: &[verdict::SuiteRow], rows: Rows) -> Self {
        let version = |version| VersionSurvey::new(version, suites, rows);
        Self {
            complete: survey.unclear() == 0 && !survey.budget_hit && !survey.deadline_hit,
            deadline_hit: survey.deadline_hit,
            budget_hit: survey.budget_hit,
            times_slowed: survey.times_slowed,
            versions: survey.versions.iter().map(version).collect(),
            groups: survey.groups.as_ref().map(Groups::from),
            certificate_chains: survey
                .chains
                .iter()
                .map(|chain| Certificate::read_chain(chain))
                .collect(),
            client_certificate: ClientCertificate::from(&survey.client_certificate),
            alpn: survey.alpn.clone(),
            handshakes: all(&survey.handshakes),
            behaviour: Behaviour::from(&survey.behaviour),
            oddities: all(&survey.oddities),
            surveys: survey.surveys.max(1),
            unsteady: all(&survey.unsteady),
        }
    }
}

impl From<&survey::GroupSurvey> for Groups {
    fn from(groups: &survey::GroupSurvey) -> Self {
        Self {
            version: groups.version.into(),
            complete: groups.complete,
            accepted: all(&groups.accepted),
        }
    }
}

impl From<&survey::ClientCertificate> for ClientCertificate {
    fn from(answer: &survey::ClientCertificate) -> Self {
        match answer {
            survey::ClientCertificate::Unknown => Self::Unknown {},
            survey::ClientCertificate::NotAsked => Self::NotAsked {},
            survey::ClientCertificate::Asked { authorities } => {
                let names = authorities.iter().filter_map(|der| X509Name::from_der(der).ok());
                Self::Asked { authorities: names.map(|(_, name)| name.to_string()).collect() }
            }
        }
    }
}
