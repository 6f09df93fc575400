//! Complete handshakes with one suite each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::v1::terms::{Suite, Version};
use crate::survey;

/// One complete handshake, or the reason why there is none.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HandshakeRow {
    /// The version offered; left out where every version was that has the suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The suite offered, the only one.
    pub suite: Suite,
    /// What came of it.
    pub result: HandshakeResult,
}

/// What came of a handshake with one suite.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HandshakeResult {
    /// A session.
    Completed {
        /// The version of the session.
        version: Version,
    },
    /// The server had selected the suite, but no session came of it.
    FailedAfterSelection {
        /// Why.
        reason: String,
    },
    /// The server did not select the suite.
    Refused {
        /// What it said.
        reason: String,
    },
    /// Nothing was learned.
    Unclear {
        /// Why.
        reason: String,
    },
    /// The linked OpenSSL does not have the suite, or not for this version.
    NotInOpenssl {},
}

impl From<&survey::HandshakeRow> for HandshakeRow {
    fn from(row: &survey::HandshakeRow) -> Self {
        Self {
            version: row.version.map(Version::from),
            suite: row.suite.into(),
            result: HandshakeResult::from(&row.result),
        }
    }
}

impl From<&survey::HandshakeResult> for HandshakeResult {
    fn from(result: &survey::HandshakeResult) -> Self {
        use survey::HandshakeResult as Result;
        match result {
            Result::Completed(version) => Self::Completed { version: (*version).into() },
            Result::FailedAfterSelection(reason) => {
                Self::FailedAfterSelection { reason: reason.clone() }
            }
            Result::Refused(reason) => Self::Refused { reason: reason.clone() },
            Result::Unclear(reason) => Self::Unclear { reason: reason.clone() },
            Result::NotInOpenssl => Self::NotInOpenssl {},
        }
    }
}
