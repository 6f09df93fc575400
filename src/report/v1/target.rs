//! Targets and their endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::envoy::EnvoyClient;
use super::finding::{Finding, FindingDetails};
use super::remedy::Remedy;
use super::survey::{Rows, Survey};
use super::trial::Trial;
use super::way::Way;
use crate::remedy::Names;
use crate::report::{self, Diagnosis};
use crate::verdict;

/// The verdict in one word.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
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
    /// What lies between here and the server's TLS; left out where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
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
    /// Address and port; name and port where a proxy resolves the name.
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
    /// How many round trips end to end the connections took: a connection counts from the end of
    /// those that it may have waited for, and takes one to open, one for the answer to a hello
    /// and one or two for a handshake. Times the round trip time, it is what the network cost.
    pub round_trips: u32,
    /// After how many of these round trips the verdict on Envoy's own hello was known.
    pub verdict_round_trips: u32,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Summary {
    /// 0 Envoy connects, 1 a change is needed or no setting helps, 2 it could not be told.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Connects => 0,
            Self::NeedsChange | Self::NoSettingHelps => 1,
            Self::Unclear => 2,
        }
    }
}

impl Target {
    /// How many pairs of version and suite could not be told accepted from refused, at all
    /// endpoints together.
    #[must_use]
    pub fn unclear_suites(&self) -> usize {
        let findings = self.endpoints.iter().flat_map(|endpoint| &endpoint.findings);
        findings
            .map(|finding| match &finding.details {
                Some(FindingDetails::UnclearSuites { count }) => *count,
                _ => 0,
            })
            .sum()
    }

    /// The exit code that goes with it: that of the summary, or 2 where suites are unclear.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.unclear_suites() {
            0 => self.summary.exit_code(),
            _ => Summary::Unclear.exit_code(),
        }
    }
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

impl From<Summary> for verdict::Summary {
    fn from(summary: Summary) -> Self {
        match summary {
            Summary::Connects => Self::Connects,
            Summary::NeedsChange => Self::NeedsChange,
            Summary::NoSettingHelps => Self::NoSettingHelps,
            Summary::Unclear => Self::Unclear,
        }
    }
}

impl Target {
    /// Puts a diagnosis into the published shape; patches are written for `names`.
    #[must_use]
    pub fn new(diagnosis: &Diagnosis, names: &Names) -> Self {
        Self::with_rows(diagnosis, names, Rows::All)
    }

    pub(super) fn with_rows(diagnosis: &Diagnosis, names: &Names, rows: Rows) -> Self {
        let endpoint = |endpoint| Endpoint::with_rows(endpoint, rows);
        Self {
            target: diagnosis.target.to_string(),
            summary: diagnosis.summary().into(),
            envoy: EnvoyClient::from(&diagnosis.config),
            way: Way::new(&diagnosis.way),
            unresolved: diagnosis.unresolved.clone(),
            ignored_addresses: diagnosis.ignored.iter().map(ToString::to_string).collect(),
            remedy: Remedy::new(diagnosis, names),
            no_remedy: diagnosis.no_change.clone(),
            endpoints: diagnosis.endpoints.iter().map(endpoint).collect(),
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
        Self::with_rows(endpoint, Rows::All)
    }
}

impl Endpoint {
    fn with_rows(endpoint: &report::Endpoint, rows: Rows) -> Self {
        let survey = |survey| Survey::new(survey, &endpoint.verdict.suites, rows);
        Self {
            address: endpoint.address.to_string(),
            summary: endpoint.verdict.summary.into(),
            findings: all(&endpoint.verdict.findings),
            trial: Trial::from(&endpoint.trial),
            survey: endpoint.survey.as_ref().map(survey),
            connections: endpoint.connections,
            round_trips: endpoint.round_trips,
            verdict_round_trips: endpoint.verdict_round_trips,
            elapsed_ms: u64::try_from(endpoint.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
