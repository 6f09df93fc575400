//! How a server behaves beyond its choice of suites.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::v1::certificate::Certificate;
use crate::survey;
use crate::wire;

/// How a server behaves beyond its choice of suites.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Whether it selects DEFLATE up to TLS 1.2, which the attack CRIME takes.
    pub compression: Fact,
    /// Whether it ties renegotiations to their first handshake (RFC 5746).
    pub secure_renegotiation: Fact,
    /// Whether it ties the master secret to the handshake (RFC 7627).
    pub extended_master_secret: Fact,
    /// Whether it gives session tickets up to TLS 1.2 (RFC 5077).
    pub session_tickets: Fact,
    /// Whether it refuses a needless fallback to a lower version (TLS_FALLBACK_SCSV, RFC 7507).
    pub fallback_scsv: Fact,
    /// Whether its random says so when less than TLS 1.3 is negotiated although it speaks TLS 1.3
    /// (RFC 8446, section 4.1.3).
    pub downgrade_sentinel: Fact,
    /// Whether it ignores suites, groups, extensions and versions that nobody has assigned
    /// (GREASE, RFC 8701).
    pub grease: Fact,
    /// Whether it answers a hello for a version above all that it knows with one that it knows.
    pub version_tolerance: Fact,
    /// Whether it speaks SSL 2.0, which is forbidden (RFC 6176).
    pub ssl2: Ssl2,
}

/// The answer to a yes-or-no question.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The answer.
    pub answer: FactAnswer,
    /// How it is known, or why it is not; for people.
    pub evidence_text: String,
}

/// The answer to a yes-or-no question.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactAnswer {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// It could not be learned.
    Unclear,
    /// The question does not arise with this server.
    NotAsked,
}

/// Whether a server speaks SSL 2.0, and with what.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ssl2 {
    /// Whether it does.
    pub spoken: Fact,
    /// The cipher kinds that it takes.
    pub cipher_kinds: Vec<Ssl2Cipher>,
    /// Its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// A cipher kind of SSL 2.0.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ssl2Cipher {
    /// Its three bytes, as six hexadecimal digits after `0x`.
    #[schemars(extend("pattern" = "^0x[0-9a-f]{6}$"))]
    pub code_point: String,
    /// The name in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Fact {
    /// The answer and how it is known, in words.
    pub(crate) fn shown(&self) -> String {
        let answer = match self.answer {
            FactAnswer::Yes => "yes",
            FactAnswer::No => "no",
            FactAnswer::Unclear => "unclear",
            FactAnswer::NotAsked => "not asked",
        };
        format!("{answer}: {}", self.evidence_text)
    }
}

impl Ssl2Cipher {
    /// The name, or else the number.
    pub(crate) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.code_point.clone())
    }
}

impl From<&survey::Behaviour> for Behaviour {
    fn from(behaviour: &survey::Behaviour) -> Self {
        Self {
            compression: (&behaviour.compression).into(),
            secure_renegotiation: (&behaviour.secure_renegotiation).into(),
            extended_master_secret: (&behaviour.extended_master_secret).into(),
            session_tickets: (&behaviour.session_tickets).into(),
            fallback_scsv: (&behaviour.fallback_scsv).into(),
            downgrade_sentinel: (&behaviour.downgrade_sentinel).into(),
            grease: (&behaviour.grease).into(),
            version_tolerance: (&behaviour.version_tolerance).into(),
            ssl2: (&behaviour.ssl2).into(),
        }
    }
}

impl From<&survey::Fact> for Fact {
    fn from(fact: &survey::Fact) -> Self {
        let answer = match fact {
            survey::Fact::Yes(_) => FactAnswer::Yes,
            survey::Fact::No(_) => FactAnswer::No,
            survey::Fact::Unclear(_) => FactAnswer::Unclear,
            survey::Fact::NotAsked(_) => FactAnswer::NotAsked,
        };
        Self { answer, evidence_text: fact.evidence().to_owned() }
    }
}

impl From<&survey::Ssl2> for Ssl2 {
    fn from(ssl2: &survey::Ssl2) -> Self {
        Self {
            spoken: (&ssl2.spoken).into(),
            cipher_kinds: ssl2.ciphers.iter().map(Ssl2Cipher::from).collect(),
            certificate: ssl2.certificate.as_deref().map(Certificate::read),
        }
    }
}

impl From<&wire::Ssl2Cipher> for Ssl2Cipher {
    fn from(cipher: &wire::Ssl2Cipher) -> Self {
        Self { code_point: format!("0x{:06x}", cipher.0), name: cipher.name().map(str::to_owned) }
    }
}
