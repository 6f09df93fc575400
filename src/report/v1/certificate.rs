//! Certificates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x509_parser::time::ASN1Time;

use crate::trial::ServerCertificate;

/// A certificate of the server's. One that cannot be read has its fingerprint only.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// SHA-256 of the certificate in DER, in hex.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256_fingerprint: String,
    /// The subject as one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The issuer as one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The kind of key, such as `RSA 2048` or `ECDSA secp256r1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// DNS names, addresses and URIs of the subjectAltName extension.
    pub names: Vec<String>,
    /// The moment from which it is valid, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub not_before: Option<String>,
    /// The last moment at which it is valid, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub not_after: Option<String>,
    /// The keyUsage extension; without one, every use is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_usage: Option<KeyUsage>,
}

/// The bits of a keyUsage extension that matter to TLS.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUsage {
    /// Needed for ECDHE and for TLS 1.3.
    pub digital_signature: bool,
    /// Needed for RSA key exchange.
    pub key_encipherment: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub(super) fn read(der: &[u8]) -> Self {
        let sha256_fingerprint = hex(&openssl::sha::sha256(der));
        let read = ServerCertificate::read(der);
        let part = |part: fn(&ServerCertificate) -> String| read.as_ref().map(part);
        let usage = |(digital_signature, key_encipherment)| KeyUsage {
            digital_signature,
            key_encipherment,
        };
        Self {
            sha256_fingerprint,
            subject: part(|read| read.subject.clone()),
            issuer: part(|read| read.issuer.clone()),
            key: part(|read| read.key.to_string()),
            not_before: read.as_ref().and_then(|read| utc_text(read.not_before)),
            not_after: read.as_ref().and_then(|read| utc_text(read.not_after)),
            key_usage: read.as_ref().and_then(|read| read.key_usage).map(usage),
            names: read.map(|read| read.names).unwrap_or_default(),
        }
    }

    /// Reads a chain in DER.
    pub(super) fn read_chain(chain: &[Vec<u8>]) -> Vec<Self> {
        chain.iter().map(|certificate| Self::read(certificate)).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Not with `humantime`, which panics on moments before 1970 and after 9999: a certificate may
/// name any.
pub(in crate::report) fn utc_text(seconds: i64) -> Option<String> {
    let moment = ASN1Time::from_timestamp(seconds).ok()?.to_datetime();
    let (hour, minute, second) = moment.to_hms();
    let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        #[rustfmt::skip]
        let table = [
            (0,               Some("1970-01-01T00:00:00Z")),
            (-1,              Some("1969-12-31T23:59:59Z")),
            (1_709_210_096,   Some("2024-02-29T12:34:56Z")),
            (253_402_300_799, Some("9999-12-31T23:59:59Z")),
            (i64::MAX,        None),
        ];
        for (seconds, expected) in table {
            assert_eq!(utc_text(seconds).as_deref(), expected, "{seconds}");
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_have_a_fingerprint() {
        let certificate = Certificate::read(b"");
        assert!(certificate.sha256_fingerprint.starts_with("e3b0c44298fc1c14"));
        assert_eq!(certificate.subject, None);
    }
}
