//! What of a server's certificate matters to Envoy.

use std::fmt;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::tls::Group;

/// A bit of the keyUsage extension (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyUsageBit {
    /// Needed for ECDHE and for TLS 1.3.
    DigitalSignature,
    /// Needed for RSA key exchange.
    KeyEncipherment,
}

impl fmt::Display for KeyUsageBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DigitalSignature => "digitalSignature",
            Self::KeyEncipherment => "keyEncipherment",
        })
    }
}

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA, with its size in bits.
    Rsa(usize),
    /// RSA for PSS signatures only.
    RsaPss,
    /// An elliptic curve; `None` for one without a group number.
    Ec(Option<Group>),
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA.
    Dsa,
    /// Any other.
    Other,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::RsaPss => f.write_str("RSA-PSS"),
            Self::Ec(Some(group)) => write!(f, "ECDSA {group}"),
            Self::Ec(None) => f.write_str("ECDSA"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::Dsa => f.write_str("DSA"),
            Self::Other => f.write_str("an unknown kind of key"),
        }
    }
}

/// The parts of a leaf certificate that decide or explain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerCertificate {
    /// The subject as one line.
    pub subject: String,
    /// The issuer as one line.
    pub issuer: String,
    /// The kind of key.
    pub key: KeyKind,
    /// The curve of an elliptic curve key.
    pub curve: Option<Group>,
    /// DNS names and addresses of the subjectAltName extension.
    pub names: Vec<String>,
    /// Seconds since 1970 from which it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
    /// digitalSignature and keyEncipherment, if there is a keyUsage extension.
    pub key_usage: Option<(bool, bool)>,
}

impl ServerCertificate {
    /// Reads a certificate in DER, or `None` if it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let key = key_kind(&certificate);
        let usage = certificate.key_usage().ok().flatten();
        Some(Self {
            subject: printable(&certificate.subject().to_string()),
            issuer: printable(&certificate.issuer().to_string()),
            key,
            curve: if let KeyKind::Ec(curve) = key { curve } else { None },
            names: names(&certificate),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            key_usage: usage
                .map(|usage| (usage.value.digital_signature(), usage.value.key_encipherment())),
        })
    }

    pub(super) fn is_rsa(&self) -> bool {
        matches!(self.key, KeyKind::Rsa(_))
    }

    /// Whether the keyUsage extension, where there is one, allows this.
    #[must_use]
    pub fn allows(&self, bit: KeyUsageBit) -> bool {
        self.key_usage.is_none_or(|(signature, encipherment)| match bit {
            KeyUsageBit::DigitalSignature => signature,
            KeyUsageBit::KeyEncipherment => encipherment,
        })
    }
}

fn key_kind(certificate: &X509Certificate<'_>) -> KeyKind {
    let info = certificate.public_key();
    match info.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => match info.parsed() {
            Ok(PublicKey::RSA(key)) => KeyKind::Rsa(key.key_size()),
            _ => KeyKind::Rsa(0),
        },
        "1.2.840.113549.1.1.10" => KeyKind::RsaPss,
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            KeyKind::Ec(curve.and_then(|oid| Group::from_curve_oid(&oid.to_id_string())))
        }
        "1.3.101.112" => KeyKind::Ed25519,
        "1.3.101.113" => KeyKind::Ed448,
        "1.2.840.10040.4.1" => KeyKind::Dsa,
        _ => KeyKind::Other,
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => ip_text(bytes),
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    };
    let names = extension.value.general_names.iter().filter_map(name);
    names.map(|name| printable(&name)).collect()
}

/// Whether a terminal acts upon the character, or shows others in another place because of it.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A server's words fit to be shown: whatever would steer a terminal or begin a line of its own
/// is escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_steers_no_terminal() {
        assert_eq!(printable("CN=a\u{1b}[31m\nb\u{202e}c"), r"CN=a\u{1b}[31m\nb\u{202e}c");
        assert_eq!(printable("O=Société Générale, CN=例え"), "O=Société Générale, CN=例え");
    }

    #[test]
    fn bytes_that_are_no_certificate_are_no_certificate() {
        assert_eq!(ServerCertificate::read(b""), None);
        assert_eq!(ServerCertificate::read(&[0x30, 0x82, 0xff, 0xff, 0]), None);
    }
}
