//! Hellos of Envoy's, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::envoy::EnvoyClient;
use super::obstacle::Obstacle;
use super::terms::{Alert, Group, SignatureScheme, Suite, Version, protocol_text};
use crate::probe;
use crate::trial;

/// What became of Envoy's own hello, and of changed ones.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The hello of Envoy as it is configured, with what followed it.
    pub own: Attempt,
    /// The complete handshake after it, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
    /// Hellos with more than Envoy's own settings, in the order in which they were tried.
    pub wider: Vec<WiderAttempt>,
    /// The smallest change with which the server lets Envoy through, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_change: Option<ProvenChange>,
}

/// Envoy's own hello.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// How many bytes the hello had; 0 if none could be made.
    pub hello_bytes: usize,
    /// What came of it.
    pub result: TrialResult,
    /// The warnings that the server sent before its answer.
    pub warnings: Vec<String>,
    /// The certificate chain that it showed, leaf first.
    pub certificates: Vec<Certificate>,
}

/// What came of a hello.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TrialResult {
    /// Envoy connects.
    Through {
        /// With these parameters.
        negotiated: Negotiated,
    },
    /// Envoy does not connect.
    Blocked {
        /// What is in the way.
        obstacle: Obstacle,
    },
}

/// The parameters of a connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiated {
    /// The protocol version.
    pub version: Version,
    /// The cipher suite.
    pub cipher_suite: Suite,
    /// The group of the key exchange, where it travels in clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The scheme of the server's signature, where it travels in clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureScheme>,
    /// The application protocol, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}

/// A handshake that was completed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// The protocol version.
    pub version: Version,
    /// The cipher suite.
    pub cipher_suite: Suite,
    /// The application protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Whether the server asked for a client certificate.
    pub certificate_requested: bool,
    /// The alert with which the server took the handshake back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Alert>,
}

/// A hello with more than Envoy's own settings.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WiderAttempt {
    /// The settings that were widened, by Gloo's field, or Envoy's where Gloo has none.
    pub changed: Vec<String>,
    /// Whether the hello was small: without the keys of post-quantum groups.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_post_quantum: bool,
    /// What came of it.
    pub result: TrialResult,
}

/// A change of Envoy's settings, proven by a hello that it makes.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenChange {
    /// The settings that have to change, by Gloo's field, or Envoy's where Gloo has none.
    pub changed: Vec<String>,
    /// The settings after the change.
    pub envoy: EnvoyClient,
    /// What is negotiated then.
    pub negotiated: Negotiated,
    /// What stays in the way, such as a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Obstacle>,
}

impl From<&trial::Trial> for Trial {
    fn from(trial: &trial::Trial) -> Self {
        let wider = |(dimensions, result): &(Vec<_>, Result<_, _>)| WiderAttempt {
            changed: fields(dimensions),
            without_post_quantum: dimensions.contains(&trial::Dimension::HelloSize),
            result: TrialResult::from(result),
        };
        Self {
            own: Attempt::from(&trial.own),
            handshake: trial.handshake.as_ref().map(Handshake::from),
            wider: trial.wider.iter().map(wider).collect(),
            proven_change: trial.remedy.as_ref().map(ProvenChange::from),
        }
    }
}

impl From<&trial::Attempt> for Attempt {
    fn from(attempt: &trial::Attempt) -> Self {
        Self {
            hello_bytes: attempt.hello_bytes,
            result: TrialResult::from(&attempt.result),
            warnings: attempt.warnings.clone(),
            certificates: Certificate::read_chain(&attempt.chain),
        }
    }
}

impl From<&Result<trial::Passage, trial::Obstacle>> for TrialResult {
    fn from(result: &Result<trial::Passage, trial::Obstacle>) -> Self {
        match result {
            Ok(passage) => Self::Through { negotiated: passage.into() },
            Err(obstacle) => Self::Blocked { obstacle: obstacle.into() },
        }
    }
}

impl From<&trial::Passage> for Negotiated {
    fn from(passage: &trial::Passage) -> Self {
        Self {
            version: passage.version.into(),
            cipher_suite: passage.cipher_suite.into(),
            group: passage.group.map(Group::from),
            signature: passage.signature.map(SignatureScheme::from),
            alpn: passage.alpn.as_deref().map(protocol_text),
        }
    }
}

impl From<&probe::Handshake> for Handshake {
    fn from(handshake: &probe::Handshake) -> Self {
        Self {
            version: handshake.version.into(),
            cipher_suite: handshake.cipher_suite.into(),
            alpn: handshake.alpn.as_deref().map(protocol_text),
            certificate_requested: handshake.certificate_requested,
            rejected: handshake.rejected.map(Alert::from),
        }
    }
}

impl From<&trial::Remedy> for ProvenChange {
    fn from(remedy: &trial::Remedy) -> Self {
        Self {
            changed: fields(&remedy.dimensions),
            envoy: EnvoyClient::from(&remedy.config),
            negotiated: Negotiated::from(&remedy.passage),
            remaining: remedy.remaining.as_ref().map(Obstacle::from),
        }
    }
}

fn fields(dimensions: &[trial::Dimension]) -> Vec<String> {
    let mut fields: Vec<_> =
        dimensions.iter().map(|dimension| dimension.field().to_owned()).collect();
    // Two dimensions are parts of one field.
    fields.dedup();
    fields
}
