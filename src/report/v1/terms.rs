//! Numbers and names of TLS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::probe;
use crate::tls;
use crate::trial;
use crate::wire;

/// A protocol version, such as `TLSv1.2`; one without a name as its number in hex.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("pattern" = r"^(SSLv3|TLSv1\.[0-3]|0x[0-9a-f]{4})$"))]
pub struct Version(pub String);

impl From<tls::TlsVersion> for Version {
    fn from(version: tls::TlsVersion) -> Self {
        Self(version.to_string())
    }
}

/// Back from the name or the number.
impl TryFrom<&Version> for tls::TlsVersion {
    type Error = ();

    fn try_from(version: &Version) -> Result<Self, ()> {
        let named = [Self::TLS13, Self::TLS12, Self::TLS11, Self::TLS10, Self::SSL3];
        if let Some(known) = named.into_iter().find(|known| known.to_string() == version.0) {
            return Ok(known);
        }
        let digits = version.0.strip_prefix("0x").ok_or(())?;
        u16::from_str_radix(digits, 16).map(Self).map_err(|_| ())
    }
}

/// The number in IANA's registry, as four hexadecimal digits after `0x`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("pattern" = "^0x[0-9a-f]{4}$"))]
pub struct CodePoint(pub String);

impl From<u16> for CodePoint {
    fn from(number: u16) -> Self {
        Self(format!("0x{number:04x}"))
    }
}

/// A cipher suite.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The suite's number.
    pub code_point: CodePoint,
    /// The registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iana_name: Option<String>,
    /// The name that OpenSSL, Envoy and Gloo have for it, if OpenSSL has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openssl_name: Option<String>,
}

impl Suite {
    /// The name that Envoy and OpenSSL use, or else the registered one, or the number.
    #[must_use]
    pub(in crate::report) fn shown(&self) -> &str {
        shown_suite(&self.openssl_name, &self.iana_name, &self.code_point)
    }
}

impl From<tls::CipherSuite> for Suite {
    fn from(suite: tls::CipherSuite) -> Self {
        Self {
            code_point: suite.0.into(),
            iana_name: suite.iana_name().map(str::to_owned),
            openssl_name: suite.openssl_name().map(str::to_owned),
        }
    }
}

impl From<&tls::CipherSuite> for Suite {
    fn from(suite: &tls::CipherSuite) -> Self {
        (*suite).into()
    }
}

/// A group for key exchange.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's number.
    pub code_point: CodePoint,
    /// The registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Group {
    /// The name, or else the number.
    #[must_use]
    pub(in crate::report) fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.code_point.0)
    }
}

impl From<tls::Group> for Group {
    fn from(group: tls::Group) -> Self {
        Self { code_point: group.0.into(), name: group.name().map(str::to_owned) }
    }
}

impl From<&tls::Group> for Group {
    fn from(group: &tls::Group) -> Self {
        (*group).into()
    }
}

/// A signature scheme.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureScheme {
    /// The scheme's number.
    pub code_point: CodePoint,
    /// The registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SignatureScheme {
    /// The name, or else the number.
    #[must_use]
    pub(in crate::report) fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.code_point.0)
    }
}

impl From<tls::SignatureScheme> for SignatureScheme {
    fn from(scheme: tls::SignatureScheme) -> Self {
        Self { code_point: scheme.0.into(), name: scheme.name().map(str::to_owned) }
    }
}

/// What an alert of the server says.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Its number.
    pub number: u8,
    /// The registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl From<tls::AlertDescription> for Alert {
    fn from(alert: tls::AlertDescription) -> Self {
        Self { number: alert.0, name: alert.name().map(str::to_owned) }
    }
}

/// How a connection ended without an answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The server closed it.
    Closed,
    /// The server, or something on the way, reset it.
    Reset,
}

impl From<probe::Ending> for Ending {
    fn from(ending: probe::Ending) -> Self {
        match ending {
            probe::Ending::Closed => Self::Closed,
            probe::Ending::Reset => Self::Reset,
        }
    }
}

/// A bit of a certificate's keyUsage extension.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyUsageBit {
    /// Needed for ECDHE and for TLS 1.3.
    DigitalSignature,
    /// Needed for RSA key exchange.
    KeyEncipherment,
}

impl From<trial::KeyUsageBit> for KeyUsageBit {
    fn from(bit: trial::KeyUsageBit) -> Self {
        match bit {
            trial::KeyUsageBit::DigitalSignature => Self::DigitalSignature,
            trial::KeyUsageBit::KeyEncipherment => Self::KeyEncipherment,
        }
    }
}

/// What a server speaks that does not speak TLS, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "names of protocols say all there is to say")]
pub enum PlainProtocol {
    Http1,
    Http2,
    Ssh,
    SmtpOrFtp,
    Imap,
    Pop3,
    Mysql,
    Postgres,
    Redis,
    Sslv2,
    Unknown,
}

impl From<wire::PlainProtocol> for PlainProtocol {
    fn from(protocol: wire::PlainProtocol) -> Self {
        use wire::PlainProtocol as Wire;
        match protocol {
            Wire::Http1 => Self::Http1,
            Wire::Http2 => Self::Http2,
            Wire::Ssh => Self::Ssh,
            Wire::SmtpOrFtp => Self::SmtpOrFtp,
            Wire::Imap => Self::Imap,
            Wire::Pop3 => Self::Pop3,
            Wire::Mysql => Self::Mysql,
            Wire::Postgres => Self::Postgres,
            Wire::Redis => Self::Redis,
            Wire::Sslv2 => Self::Sslv2,
            Wire::Unknown => Self::Unknown,
        }
    }
}

/// A server name to send, or that none is to be sent.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServerName {
    /// Send this name.
    Send {
        /// The name.
        name: String,
    },
    /// Send no name.
    SendNone {},
}

impl From<&Option<String>> for ServerName {
    fn from(name: &Option<String>) -> Self {
        name.clone().map_or(Self::SendNone {}, |name| Self::Send { name })
    }
}

/// The name that Envoy and OpenSSL use, or else the registered one, or the number.
pub(super) fn shown_suite<'a>(
    openssl_name: &'a Option<String>,
    iana_name: &'a Option<String>,
    code_point: &'a CodePoint,
) -> &'a str {
    openssl_name.as_deref().or(iana_name.as_deref()).unwrap_or(&code_point.0)
}

/// An ALPN protocol as text.
pub(super) fn protocol_text(protocol: &[u8]) -> String {
    String::from_utf8_lossy(protocol).into_owned()
}

/// The first bytes of an answer as text; what is not printable ASCII is escaped as in Rust.
pub(super) fn excerpt_text(excerpt: &[u8]) -> String {
    excerpt.escape_ascii().to_string()
}
