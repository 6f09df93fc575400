//! Targets and their endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::envoy::EnvoyClient;
use super::finding::Finding;
use super::remedy::Remedy;
use super::survey::Survey;
use super::trial::Trial;
use crate::remedy::Names;
use crate::report::{self, Diagnosis};
use crate::verdict;

/// The verdict in one word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Summary {
    /// Envoy connects as it is configured.
    Connects,
    /// Envoy does not connect, and something that its operator can change helps.
    NeedsChange,
    /// Envoy does not connect, and no setting of Gloo's helps.
    NoSettingHelps,
    /// It could not be told.
    Unclear,
}

/// Everything about one target.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The target as `HOST:PORT`.
    pub target: String,
    /// The worst summary of all endpoints.
    pub summary: Summary,
    /// The Envoy that was judged.
    pub envoy: EnvoyClient,
    /// Why there are no endpoints: the name could not be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// IPv6 addresses that Envoy would not use, since the name has IPv4 addresses.
    pub ignored_addresses: Vec<String>,
    /// The change that lets Envoy through, if one is needed and known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// Why there is no change although one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_remedy: Option<String>,
    /// One entry for each address, in ascending order.
    pub endpoints: Vec<Endpoint>,
}

/// Everything about one address of a target.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Address and port.
    pub address: String,
    /// What Envoy meets there.
    pub summary: Summary,
    /// Why, the gravest first.
    pub findings: Vec<Finding>,
    /// The hellos of Envoy's that were tried.
    pub trial: Trial,
    /// What the server accepts, unless there was nothing to survey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survey: Option<Survey>,
    /// How many connections were opened.
    pub connections: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl From<verdict::Summary> for Summary {
    fn from(summary: verdict::Summary) -> Self {
        match summary {
            verdict::Summary::Connects => Self::Connects,
            verdict::Summary::NeedsChange => Self::NeedsChange,
            verdict::Summary::NoSettingHelps => Self::NoSettingHelps,
            verdict::Summary::Unclear => Self::Unclear,
        }
    }
}

impl Target {
    pub(super) fn new(diagnosis: &Diagnosis, names: &Names) -> Self {
        Self {
            target: diagnosis.target.to_string(),
            summary: diagnosis.summary().into(),
            envoy: EnvoyClient::from(&diagnosis.config),
            unresolved: diagnosis.unresolved.clone(),
            ignored_addresses: diagnosis.ignored.iter().map(ToString::to_string).collect(),
            remedy: Remedy::new(diagnosis, names),
            no_remedy: diagnosis.no_change.clone(),
            endpoints: all(&diagnosis.endpoints),
        }
    }

    /// The same for a target that is not the whole of what is changed: the change stands
    /// elsewhere.
    pub(super) fn without_remedy_forms(diagnosis: &Diagnosis, names: &Names) -> Self {
        Self { remedy: None, ..Self::new(diagnosis, names) }
    }
}

impl From<&report::Endpoint> for Endpoint {
    fn from(endpoint: &report::Endpoint) -> Self {
        let survey = |survey| Survey::new(survey, &endpoint.verdict.suites);
        Self {
            address: endpoint.address.to_string(),
            summary: endpoint.verdict.summary.into(),
            findings: all(&endpoint.verdict.findings),
            trial: Trial::from(&endpoint.trial),
            survey: endpoint.survey.as_ref().map(survey),
            connections: endpoint.connections,
            elapsed_ms: u64::try_from(endpoint.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
