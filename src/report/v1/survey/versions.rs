//! Every registered suite under one version.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::report::v1::terms::{CodePoint, Version, shown_suite};
use crate::survey::{self, NotOffered};
use crate::tls::CipherSuite;
use crate::verdict;

/// What a server accepts under one protocol version.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSurvey {
    /// The version.
    pub version: Version,
    /// How many suites are accepted.
    pub accepted: usize,
    /// How many suites could not be told accepted from refused.
    pub unclear: usize,
    /// How many suites are refused.
    pub refused: usize,
    /// How many suites were not asked for, since they are not defined for this version.
    pub not_offered: usize,
    /// How many suites were not asked for since the connections allowed by `--budget` were used
    /// up.
    pub not_asked: usize,
    /// Whose order of suites decides.
    pub preference: OrderOf,
    /// Whether the order of the accepted suites was proven to its end.
    pub order_proven: bool,
    /// Every registered suite: first those accepted, in the server's order where it has one, then
    /// all others in ascending order. In lines of `--format ndjson` those refused and not offered
    /// are left out, unless `--verbose` is given, and those unclear too where nothing else is
    /// known of the version; `refused`, `not_offered`, `not_asked` and `unclear` count them.
    pub suites: Vec<SuiteRow>,
}

/// Whose order of suites decides.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderOf {
    /// The server's.
    Server,
    /// The client's.
    Client,
    /// Fewer than two suites are accepted, or it could not be learned.
    Unknown,
}

/// One suite under one version.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteRow {
    /// The suite's number.
    pub code_point: CodePoint,
    /// The registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iana_name: Option<String>,
    /// The name that OpenSSL, Envoy and Gloo have for it, if OpenSSL has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openssl_name: Option<String>,
    /// What is known.
    pub answer: Answer,
    /// How it is known, or what happened instead; for people.
    pub evidence_text: String,
    /// How it is known, for programs; left out if it is not, or if the suite was not offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What Envoy can make of it, if the server accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<EnvoyUse>,
}

/// What is known of a suite.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The server selects it.
    Accepted,
    /// The server does not take it.
    Refused,
    /// It could not be learned.
    Unclear,
    /// It was not asked for, since it is not defined for this version.
    NotOffered,
    /// It was not asked for, since the connections allowed by `--budget` were used up.
    NotAsked,
}

/// What Envoy can make of an accepted suite.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvoyUse {
    /// Envoy offers it as it is configured.
    Offered,
    /// Envoy can be configured to offer it.
    Configurable,
    /// No setting makes this release offer it.
    Never,
}

/// Which suites have a row of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rows {
    /// Every registered suite.
    All,
    /// Those that the server accepts, and those unclear among others that are known: a hundredth
    /// of the bytes.
    Telling,
}

impl Rows {
    fn include(self, answer: &survey::Answer, something_is_known: bool) -> bool {
        use survey::Answer::{Accepted, NotOffered, Refused, Unclear};
        match answer {
            Accepted(_) => true,
            Unclear(_) => self == Self::All || something_is_known,
            Refused(_) | NotOffered(_) => self == Self::All,
        }
    }
}

impl VersionSurvey {
    /// One version, with what Envoy can make of its suites.
    pub(super) fn new(
        survey: &survey::VersionSurvey,
        suites: &[verdict::SuiteRow],
        rows: Rows,
    ) -> Self {
        let envoy: BTreeMap<_, _> = suites
            .iter()
            .filter(|row| row.version == survey.version)
            .map(|row| (row.suite, row.envoy))
            .collect();
        let count = |is: fn(&survey::Answer) -> bool| {
            survey.answers.values().filter(|answer| is(answer)).count()
        };
        let refused = count(|answer| matches!(answer, survey::Answer::Refused(_)));
        let something_is_known = refused > 0 || !survey.accepted.is_empty();
        let accepted =
            survey.accepted.iter().filter_map(|suite| survey.answers.get_key_value(suite));
        let others = survey
            .answers
            .iter()
            .filter(|(suite, _)| !survey.accepted.contains(suite))
            .filter(|(_, answer)| rows.include(answer, something_is_known));
        let row = |(suite, answer): (&CipherSuite, &survey::Answer)| {
            SuiteRow::new(*suite, answer, envoy.get(suite).copied())
        };
        Self {
            version: survey.version.into(),
            accepted: survey.accepted.len(),
            unclear: survey.unclear(),
            refused,
            not_offered: count(|answer| {
                matches!(answer, survey::Answer::NotOffered(NotOffered::NotDefined))
            }),
            not_asked: survey.not_asked(),
            preference: survey.preference.into(),
            order_proven: survey.order_proven,
            suites: accepted.chain(others).map(row).collect(),
        }
    }
}

impl SuiteRow {
    /// The name that Envoy and OpenSSL use, or else the registered one, or the number.
    #[must_use]
    pub(in crate::report) fn shown(&self) -> &str {
        shown_suite(&self.openssl_name, &self.iana_name, &self.code_point)
    }

    fn new(suite: CipherSuite, answer: &survey::Answer, envoy: Option<verdict::Use>) -> Self {
        let (kind, evidence) = match answer {
            survey::Answer::Accepted(evidence) => (Answer::Accepted, Some(evidence)),
            survey::Answer::Refused(evidence) => (Answer::Refused, Some(evidence)),
            survey::Answer::Unclear(_) => (Answer::Unclear, None),
            survey::Answer::NotOffered(NotOffered::Budget) => (Answer::NotAsked, None),
            survey::Answer::NotOffered(_) => (Answer::NotOffered, None),
        };
        Self {
            code_point: suite.0.into(),
            iana_name: suite.iana_name().map(str::to_owned),
            openssl_name: suite.openssl_name().map(str::to_owned),
            answer: kind,
            evidence_text: answer.to_string(),
            evidence: evidence.map(Evidence::from),
            envoy: envoy.map(EnvoyUse::from),
        }
    }
}

impl From<survey::Preference> for OrderOf {
    fn from(preference: survey::Preference) -> Self {
        match preference {
            survey::Preference::Server => Self::Server,
            survey::Preference::Client => Self::Client,
            survey::Preference::Unknown => Self::Unknown,
        }
    }
}

impl From<verdict::Use> for EnvoyUse {
    fn from(envoy: verdict::Use) -> Self {
        match envoy {
            verdict::Use::Offered => Self::Offered,
            verdict::Use::Configurable => Self::Configurable,
            verdict::Use::Never => Self::Never,
        }
    }
}
