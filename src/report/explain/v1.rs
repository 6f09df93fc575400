//! The published JSON shape of explanations, version 1.
//!
//! The same rules as for the report's [`v1`](crate::report::v1): within version 1 fields, codes
//! and kinds may be added; a list is always there; nothing is null.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::envoy::failure::{self, TlsError};
use crate::gloo::symptom;
use crate::report::v1::Alert;

/// The number of this shape.
pub const VERSION: u32 = 1;

/// What logs, bodies and statuses mean.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Explanations {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// How many lines were read that are not empty.
    pub lines: u64,
    /// How many of them say nothing that is known.
    pub unknown_lines: u64,
    /// How often something was seen that is in no entry, since there are too many different ones.
    pub others: u64,
    /// One entry a symptom: by gravity, then the most frequent first.
    pub symptoms: Vec<Symptom>,
}

/// One symptom, with all that was seen of it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    /// A stable name; an error or alert without an explanation of its own has an entry for each
    /// number.
    #[schemars(regex(pattern = r"^[a-z]+(-[a-z]+)*$"))]
    pub code: String,
    /// How bad it is.
    pub gravity: Gravity,
    /// What it means: one sentence without a full stop.
    pub meaning: String,
    /// How often it was seen.
    pub count: u64,
    /// Whose it is, the most frequent first.
    pub occurrences: Vec<Occurrences>,
    /// The errors of BoringSSL that came with it, without repetition.
    pub errors: Vec<Error>,
    /// What can be behind it, most likely first.
    pub causes: Vec<String>,
    /// What helps; sentences.
    pub remedy: String,
    /// What to run next, most useful first. Words in capitals are to be filled in.
    pub next_commands: Vec<String>,
    /// One text that showed it, shortened; left out if it may hold credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// How bad a symptom is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Connections, a configuration or an update fail.
    Blocking,
    /// Works, or will for now, and deserves a look.
    Warning,
    /// Good to know.
    Info,
}

/// One symptom of one subject.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Occurrences {
    /// Whose it is.
    pub subject: Subject,
    /// What more the text tells, such as the names that Envoy rejects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A few addresses of servers where it was seen.
    pub addresses: Vec<String>,
    /// How often it was seen.
    pub count: u64,
    /// The highest value of the counter that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// When it was seen first, if the lines say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When it was seen last, if the lines say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// Whom a symptom belongs to, as far as the text tells.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// The text does not say.
    Unknown {},
    /// An Upstream.
    Upstream {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A Service that a route names directly.
    Service {
        /// Its name, or `NAMESPACE-NAME-PORT` where they cannot be told apart.
        name: String,
        /// Its namespace, if it can be told.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
    /// A service of Consul.
    ConsulService {
        /// Its name.
        name: String,
    },
    /// An object whose kind the text does not tell; mostly an Upstream.
    Resource {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A cluster of Envoy's that is none of Gloo's.
    Cluster {
        /// Its name.
        name: String,
    },
    /// A server, where only its address is told.
    Address {
        /// Address and port, or host name and port.
        address: String,
    },
}

/// One error of BoringSSL, decoded.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    /// library x 16777216 + reason.
    pub number: u32,
    /// The number of the library; 16 is SSL, 2 the system.
    pub library: u32,
    /// BoringSSL's name of the library.
    pub library_name: String,
    /// The reason within the library; an errno where that is the system.
    pub reason: u32,
    /// BoringSSL's name of the error, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The alert that the server sent, if the error is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<Alert>,
}

impl From<&symptom::Explained> for Explanations {
    fn from(explained: &symptom::Explained) -> Self {
        Self {
            version: VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            lines: explained.lines,
            unknown_lines: explained.unknown_lines,
            others: explained.others,
            symptoms: explained.explanations.iter().map(Symptom::from).collect(),
        }
    }
}

impl From<&symptom::Explanation> for Symptom {
    fn from(explanation: &symptom::Explanation) -> Self {
        let known = explanation.symptom;
        Self {
            code: known.code.to_owned(),
            gravity: known.gravity.into(),
            meaning: known.meaning.to_owned(),
            count: explanation.count,
            occurrences: explanation.occurrences.iter().map(Occurrences::from).collect(),
            errors: explanation.errors.iter().map(Error::from).collect(),
            causes: known.causes.iter().map(|cause| (*cause).to_owned()).collect(),
            remedy: known.remedy.to_owned(),
            next_commands: explanation.commands(),
            example: explanation.example.clone(),
        }
    }
}

impl From<failure::Gravity> for Gravity {
    fn from(gravity: failure::Gravity) -> Self {
        match gravity {
            failure::Gravity::Blocking => Self::Blocking,
            failure::Gravity::Warning => Self::Warning,
            failure::Gravity::Info => Self::Info,
        }
    }
}

impl From<&symptom::Occurrences> for Occurrences {
    fn from(occurrences: &symptom::Occurrences) -> Self {
        Self {
            subject: (&occurrences.subject).into(),
            detail: occurrences.detail.clone(),
            addresses: occurrences.addresses.iter().cloned().collect(),
            count: occurrences.count,
            counter: occurrences.counter,
            first_seen: occurrences.first.clone(),
            last_seen: occurrences.last.clone(),
        }
    }
}

impl From<&symptom::Subject> for Subject {
    fn from(subject: &symptom::Subject) -> Self {
        use symptom::Subject as Known;
        match subject.clone() {
            Known::Unknown => Self::Unknown {},
            Known::Upstream { name, namespace } => Self::Upstream { name, namespace },
            Known::Service { name, namespace } => Self::Service { name, namespace },
            Known::ConsulService { name } => Self::ConsulService { name },
            Known::Resource { name, namespace } => Self::Resource { name, namespace },
            Known::Cluster { name } => Self::Cluster { name },
            Known::Address { address } => Self::Address { address },
        }
    }
}

impl From<&TlsError> for Error {
    fn from(error: &TlsError) -> Self {
        Self {
            number: error.number,
            library: error.library(),
            library_name: error.library_name().to_owned(),
            reason: error.reason(),
            name: error.name(),
            alert: error.alert().map(Alert::from),
        }
    }
}
