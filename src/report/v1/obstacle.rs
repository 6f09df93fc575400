//! What is in the way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::terms::{
    Alert, Ending, Group, KeyUsageBit, PlainProtocol, SignatureScheme, Suite, Version, excerpt_text,
};
use crate::probe::ProbeError;
use crate::trial;

/// What keeps Envoy from connecting.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Obstacle {
    /// For people.
    pub text: String,
    /// For programs.
    pub details: ObstacleDetails,
}

/// The kind of an obstacle, and what is known of it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ObstacleDetails {
    /// Envoy refuses its own configuration, or cannot make a hello of it.
    Configuration {
        /// In Envoy's words.
        fault: String,
        /// Whether Envoy refuses it when it loads it, rather than failing every connection.
        refused_at_load: bool,
    },
    /// The server refused the hello with an alert.
    Refused {
        /// The alert.
        alert: Alert,
    },
    /// The server ended the connection on the hello.
    Ended {
        /// How.
        ending: Ending,
    },
    /// The server does not speak TLS.
    NotTls {
        /// What its answer looks like.
        protocol: PlainProtocol,
        /// The first bytes of it; what is not printable ASCII is escaped.
        excerpt: String,
    },
    /// Nothing was learned.
    Unclear {
        /// Why.
        failure: ProbeFailure,
    },
    /// The server selected a version below Envoy's minimum.
    VersionTooLow {
        /// The version that it selected.
        version: Version,
    },
    /// The server selected a version above the offer.
    VersionNotOffered {
        /// The version that it selected.
        version: Version,
    },
    /// The server selected a suite that was not offered.
    SuiteNotOffered {
        /// The suite that it selected.
        suite: Suite,
    },
    /// The server uses a group that was not offered.
    GroupNotOffered {
        /// The group that it uses.
        group: Group,
    },
    /// The server signs with a scheme that was not offered.
    SignatureNotOffered {
        /// The scheme that it uses.
        signature: SignatureScheme,
    },
    /// The certificate's key is on a curve that was not offered.
    CertificateCurve {
        /// The curve.
        group: Group,
    },
    /// The certificate's keyUsage lacks the bit that the suite needs.
    KeyUsage {
        /// The bit.
        bit: KeyUsageBit,
    },
    /// Something on the way took the connection down from TLS 1.3.
    Downgrade {},
    /// The server insists on a client certificate.
    ClientCertificateNeeded {
        /// Its alert.
        #[serde(skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
    },
    /// The server refused the client certificate that it was shown.
    ClientCertificateRefused {
        /// Its alert.
        #[serde(skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
    },
    /// The chain does not lead to the CA configured.
    Untrusted {
        /// OpenSSL's number of the error (`X509_V_ERR_...`).
        openssl_error: i32,
        /// OpenSSL's words for it.
        reason: String,
    },
    /// The certificate has none of the names configured.
    NameMismatch {
        /// The names that it has.
        names: Vec<String>,
    },
    /// The complete handshake failed after the hello had passed.
    HandshakeFailed {
        /// Why.
        reason: String,
    },
}

/// Why nothing was learned.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeFailure {
    /// No TCP connection.
    Connect,
    /// No TCP connection in time.
    ConnectTimeout,
    /// The server did not answer in time.
    Silence,
    /// The answer contradicts itself.
    Malformed,
    /// The run ended first.
    RunEnded,
    /// The connections allowed by `--budget` were used up.
    Budget,
    /// Reading or writing failed.
    Io,
    /// The proxy on the way opened no tunnel.
    Tunnel,
}

impl From<&trial::Obstacle> for Obstacle {
    fn from(obstacle: &trial::Obstacle) -> Self {
        Self { text: obstacle.to_string(), details: obstacle.into() }
    }
}

impl From<&trial::Obstacle> for ObstacleDetails {
    fn from(obstacle: &trial::Obstacle) -> Self {
        use trial::Obstacle as Cause;
        match obstacle {
            Cause::Config(fault) => Self::Configuration {
                fault: fault.to_string(),
                refused_at_load: fault.is_refused_at_load(),
            },
            Cause::Refused(alert) => Self::Refused { alert: alert.description.into() },
            Cause::Ended(ending) => Self::Ended { ending: (*ending).into() },
            Cause::NotTls { protocol, excerpt } => {
                Self::NotTls { protocol: (*protocol).into(), excerpt: excerpt_text(excerpt) }
            }
            Cause::Unclear(error) => Self::Unclear { failure: error.into() },
            Cause::VersionTooLow(version) => Self::VersionTooLow { version: (*version).into() },
            Cause::VersionNotOffered(version) => {
                Self::VersionNotOffered { version: (*version).into() }
            }
            Cause::SuiteNotOffered(suite) => Self::SuiteNotOffered { suite: suite.into() },
            Cause::GroupNotOffered(group) => Self::GroupNotOffered { group: group.into() },
            Cause::SignatureNotOffered(scheme) => {
                Self::SignatureNotOffered { signature: (*scheme).into() }
            }
            Cause::CertificateCurve(group) => Self::CertificateCurve { group: group.into() },
            Cause::KeyUsage(bit) => Self::KeyUsage { bit: (*bit).into() },
            Cause::Downgrade => Self::Downgrade {},
            Cause::ClientCertificateNeeded(alert) => {
                Self::ClientCertificateNeeded { alert: alert.map(Alert::from) }
            }
            Cause::ClientCertificateRefused(alert) => {
                Self::ClientCertificateRefused { alert: alert.map(Alert::from) }
            }
            Cause::Untrusted(number, words) => {
                Self::Untrusted { openssl_error: *number, reason: words.clone() }
            }
            Cause::NameMismatch(names) => Self::NameMismatch { names: names.clone() },
            Cause::HandshakeFailed(words) => Self::HandshakeFailed { reason: words.clone() },
        }
    }
}

impl From<&ProbeError> for ProbeFailure {
    fn from(error: &ProbeError) -> Self {
        match error {
            ProbeError::Connect(_) => Self::Connect,
            ProbeError::ConnectTimeout(_) => Self::ConnectTimeout,
            ProbeError::Silence { .. } => Self::Silence,
            ProbeError::Malformed(_) => Self::Malformed,
            ProbeError::Ended => Self::RunEnded,
            ProbeError::Budget => Self::Budget,
            ProbeError::Io(_) => Self::Io,
            ProbeError::Tunnel(_) => Self::Tunnel,
        }
    }
}
