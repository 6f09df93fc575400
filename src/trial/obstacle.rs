//! What a server's answer means for the Envoy that would have received it.

use std::fmt;

use super::certificate::{KeyUsageBit, ServerCertificate};
use crate::envoy::{ConfigFault, KeyUsageRule, Offer, Release};
use crate::probe::{Ending, Outcome, ProbeError};
use crate::tls::{
    Alert, AlertDescription, CipherSuite, Group, KeyExchange, SignatureScheme, TlsVersion,
};
use crate::wire::{ClientHello, Flight, PlainProtocol, ServerHello};

/// A hello that got through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passage {
    /// The version that Envoy would negotiate.
    pub version: TlsVersion,
    /// The suite that Envoy would negotiate.
    pub cipher_suite: CipherSuite,
    /// The group of the key exchange, where it travels in clear.
    pub group: Option<Group>,
    /// The scheme of the server's signature, where it travels in clear.
    pub signature: Option<SignatureScheme>,
    /// The application protocol, where it is known.
    pub alpn: Option<Vec<u8>>,
}

/// What keeps Envoy from connecting.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Envoy refuses its own configuration, or cannot make a hello of it.
    Config(ConfigFault),
    /// The server refused the hello with this alert.
    Refused(Alert),
    /// The server ended the connection on the hello.
    Ended(Ending),
    /// The server does not speak TLS.
    NotTls {
        /// What its answer looks like.
        protocol: PlainProtocol,
        /// The first bytes of it.
        excerpt: Vec<u8>,
    },
    /// Nothing was learned.
    Unclear(ProbeError),
    /// The server selected a version below Envoy's minimum (`UNSUPPORTED_PROTOCOL`).
    VersionTooLow(TlsVersion),
    /// The server selected a version above the offer.
    VersionNotOffered(TlsVersion),
    /// The server selected a suite that was not offered (`WRONG_CIPHER_RETURNED`).
    SuiteNotOffered(CipherSuite),
    /// The server uses a group that was not offered (`WRONG_CURVE`).
    GroupNotOffered(Group),
    /// The server signs with a scheme that was not offered (`WRONG_SIGNATURE_TYPE`).
    SignatureNotOffered(SignatureScheme),
    /// The certificate's key is on a curve that was not offered (`BAD_ECC_CERT`).
    CertificateCurve(Group),
    /// The certificate's keyUsage lacks the bit that the suite needs
    /// (`KEY_USAGE_BIT_INCORRECT`).
    KeyUsage(KeyUsageBit),
    /// Something on the way took the connection down from TLS 1.3 (`TLS13_DOWNGRADE`).
    Downgrade,
    /// The server insists on a client certificate.
    ClientCertificateNeeded(Option<AlertDescription>),
    /// The server refused the client certificate that it was shown.
    ClientCertificateRefused(Option<AlertDescription>),
    /// The chain does not lead to the CA configured; OpenSSL's number and words.
    Untrusted(i32, String),
    /// The certificate has none of the names configured; the names it has.
    NameMismatch(Vec<String>),
    /// The complete handshake failed after the hello had passed; in words.
    HandshakeFailed(String),
}

impl Obstacle {
    /// Whether this leaves open whether Envoy can connect.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear(_) | Self::Ended(_))
    }
}

/// A sentence without its end: what happened, from the server's side or Envoy's.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(fault) => write!(f, "Envoy cannot use its configuration: {fault}"),
            Self::Refused(alert) => write!(f, "the server refuses Envoy's hello: {alert}"),
            Self::Ended(Ending::Closed) => {
                f.write_str("the server closes the connection on Envoy's hello")
            }
            Self::Ended(Ending::Reset) => f.write_str("the connection is reset on Envoy's hello"),
            Self::NotTls { protocol: PlainProtocol::Unknown, .. } => {
                f.write_str("the server answers with something that is not TLS")
            }
            Self::NotTls { protocol, .. } => write!(f, "the server answers in {protocol}, not TLS"),
            Self::Unclear(error) => error.fmt(f),
            Self::VersionTooLow(version) => {
                write!(f, "the server selects {version}, below Envoy's minimum")
            }
            Self::VersionNotOffered(version) => {
                write!(f, "the server selects {version}, which was not offered")
            }
            Self::SuiteNotOffered(suite) => {
                write!(f, "the server selects {suite}, which was not offered")
            }
            Self::GroupNotOffered(group) => {
                write!(f, "the server uses the group {group}, which was not offered")
            }
            Self::SignatureNotOffered(scheme) => {
                write!(f, "the server signs with {scheme}, which was not offered")
            }
            Self::CertificateCurve(group) => write!(
                f,
                "the server's certificate has a key on {group}, which Envoy does not offer"
            ),
            Self::KeyUsage(bit) => write!(
                f,
                "Envoy refuses the server's certificate: its keyUsage lacks {bit}, which the \
                 negotiated suite needs"
            ),
            Self::Downgrade => {
                f.write_str("something on the way takes the connection down from TLSv1.3")
            }
            Self::ClientCertificateNeeded(alert) => {
                f.write_str("the server insists on a client certificate")?;
                alert.map_or(Ok(()), |alert| write!(f, " (alert {alert})"))
            }
            Self::ClientCertificateRefused(alert) => {
                f.write_str("the server refuses the client certificate")?;
                alert.map_or(Ok(()), |alert| write!(f, " (alert {alert})"))
            }
            Self::Untrusted(_, words) => {
                write!(f, "the server's certificate does not verify: {words}")
            }
            Self::NameMismatch(names) if names.is_empty() => {
                f.write_str("the server's certificate has no subject alternative name")
            }
            Self::NameMismatch(names) => {
                write!(f, "the server's certificate is for other names: {}", names.join(", "))
            }
            Self::HandshakeFailed(words) => {
                write!(f, "the server selects a suite, but the handshake fails: {words}")
            }
        }
    }
}

/// Judges a server's answer to `sent` as the Envoy would that made `offer`.
///
/// # Errors
///
/// The obstacle in Envoy's way.
pub(super) fn judge(
    release: Release,
    offer: &Offer,
    sent: &ClientHello,
    outcome: &Outcome,
) -> Result<Passage, Obstacle> {
    let flight = match outcome {
        Outcome::Selected(flight) => flight,
        Outcome::Refused(alert) => return Err(Obstacle::Refused(*alert)),
        Outcome::Ended(ending) => return Err(Obstacle::Ended(*ending)),
        Outcome::NotTls { protocol, excerpt } => {
            let (protocol, excerpt) = (*protocol, excerpt.clone());
            return Err(Obstacle::NotTls { protocol, excerpt });
        }
        Outcome::Failed(error) => return Err(Obstacle::Unclear(error.clone())),
    };
    let Some(hello) = &flight.server_hello else {
        return Err(Obstacle::Ended(Ending::Closed));
    };
    judge_selection(offer, hello)?;
    judge_extensions(offer, sent, hello)?;
    judge_key_exchange(offer, flight)?;
    if let Some(leaf) = flight.certificates.first() {
        judge_certificate(release, offer, hello.version, hello.cipher_suite, leaf)?;
    }
    let exchange = flight.server_key_exchange.clone().unwrap_or_default();
    Ok(Passage {
        version: hello.version,
        cipher_suite: hello.cipher_suite,
        group: exchange.group.or(hello.group),
        signature: exchange.signature,
        alpn: hello.alpn.clone(),
    })
}

fn judge_selection(offer: &Offer, hello: &ServerHello) -> Result<(), Obstacle> {
    if hello.version < offer.minimum {
        return Err(Obstacle::VersionTooLow(hello.version));
    }
    if hello.version > offer.maximum {
        return Err(Obstacle::VersionNotOffered(hello.version));
    }
    if !offer.includes(hello.version, hello.cipher_suite) {
        return Err(Obstacle::SuiteNotOffered(hello.cipher_suite));
    }
    let marked = hello.random[24..31] == *b"DOWNGRD";
    if marked && offer.maximum == TlsVersion::TLS13 && hello.version < TlsVersion::TLS13 {
        return Err(Obstacle::Downgrade);
    }
    match hello.group {
        Some(group) if !offer.groups.contains(&group) => Err(Obstacle::GroupNotOffered(group)),
        _ => Ok(()),
    }
}

/// What no server may answer to this hello (RFC 5246 §7.4.1.3 and §7.4.1.4, RFC 7301 §3.1), under
/// the names that BoringSSL gives it.
fn judge_extensions(
    offer: &Offer,
    sent: &ClientHello,
    hello: &ServerHello,
) -> Result<(), Obstacle> {
    const COOKIE: u16 = 0x002c;
    if hello.compression_method != 0 {
        return Err(Obstacle::HandshakeFailed(
            "it chooses a compression, and none was offered (UNSUPPORTED_COMPRESSION_ALGORITHM)"
                .to_owned(),
        ));
    }
    let was_sent = |kind: u16| {
        (hello.retry && kind == COOKIE) || sent.extensions.iter().any(|sent| sent.kind() == kind)
    };
    if let Some(kind) = hello.extensions.iter().find(|kind| !was_sent(**kind)) {
        return Err(Obstacle::HandshakeFailed(format!(
            "its ServerHello has the extension {kind}, which was not offered (UNEXPECTED_EXTENSION)"
        )));
    }
    match &hello.alpn {
        Some(protocol) if !offer.alpn.contains(protocol) => {
            Err(Obstacle::HandshakeFailed(format!(
                "it selects the application protocol {}, which was not offered \
                 (INVALID_ALPN_PROTOCOL)",
                protocol.escape_ascii()
            )))
        }
        _ => Ok(()),
    }
}

fn judge_key_exchange(offer: &Offer, flight: &Flight) -> Result<(), Obstacle> {
    let Some(exchange) = &flight.server_key_exchange else { return Ok(()) };
    match (exchange.group, exchange.signature) {
        (Some(group), _) if !offer.groups.contains(&group) => Err(Obstacle::GroupNotOffered(group)),
        (_, Some(scheme)) if !offer.signature_schemes.contains(&scheme) => {
            Err(Obstacle::SignatureNotOffered(scheme))
        }
        _ => Ok(()),
    }
}

/// What Envoy enforces on every leaf, with or without a CA: the curve of an ECDSA key up to
/// TLS 1.2, and the keyUsage bit that the key exchange needs.
///
/// Measured with Envoy 1.36, 1.38 and 1.40: `enforce_rsa_key_usage` decides only for RSA keys up
/// to TLS 1.2, and is on by default from 1.38.
pub(super) fn judge_certificate(
    release: Release,
    offer: &Offer,
    version: TlsVersion,
    suite: CipherSuite,
    leaf: &[u8],
) -> Result<(), Obstacle> {
    // A certificate that cannot be read is for the handshake to judge.
    let Some(certificate) = ServerCertificate::read(leaf) else { return Ok(()) };
    if version < TlsVersion::TLS13
        && let Some(curve) = certificate.curve
        && !offer.groups.contains(&curve)
    {
        return Err(Obstacle::CertificateCurve(curve));
    }
    let needed = match suite.key_exchange() {
        KeyExchange::Rsa => KeyUsageBit::KeyEncipherment,
        _ => KeyUsageBit::DigitalSignature,
    };
    let lenient = certificate.is_rsa()
        && version < TlsVersion::TLS13
        && release.key_usage_rule() == KeyUsageRule::NotEnforced;
    if lenient || certificate.allows(needed) {
        return Ok(());
    }
    Err(Obstacle::KeyUsage(needed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, ClientConfig};

    /// What the newest Envoy with its defaults makes of this ServerHello.
    fn judged(answer: ServerHello) -> Result<Passage, Obstacle> {
        let config = ClientConfig::new(Release::NEWEST, Build::Standard);
        let sent = config.client_hello(&mut rand::rng()).unwrap();
        let flight = Flight { server_hello: Some(answer), ..Flight::default() };
        let outcome = Outcome::Selected(Box::new(flight));
        judge(config.release, &config.offer().unwrap(), &sent, &outcome)
    }

    fn answer() -> ServerHello {
        ServerHello {
            version: TlsVersion::TLS12,
            retry: false,
            random: [7; 32],
            cipher_suite: CipherSuite(0xc02f),
            compression_method: 0,
            group: None,
            alpn: Some(b"http/1.1".to_vec()),
            extensions: vec![0xff01, 0x000b, 0x0023, 0x0010, 0x0017],
        }
    }

    #[test]
    fn what_answers_the_offer_gets_through() {
        assert!(judged(answer()).is_ok());
    }

    #[test]
    fn what_was_not_offered_is_in_the_way() {
        let failed = |answer| match judged(answer) {
            Err(Obstacle::HandshakeFailed(words)) => words,
            other => panic!("{other:?}"),
        };
        let status_request = ServerHello { extensions: vec![0xff01, 0x0005], ..answer() };
        assert!(failed(status_request).contains("UNEXPECTED_EXTENSION"));
        let compressed = ServerHello { compression_method: 1, ..answer() };
        assert!(failed(compressed).contains("UNSUPPORTED_COMPRESSION_ALGORITHM"));
        let alpn = ServerHello { alpn: Some(b"h2\x1b".to_vec()), ..answer() };
        let words = failed(alpn);
        assert!(words.contains(r"h2\x1b") && words.contains("INVALID_ALPN_PROTOCOL"), "{words}");
    }

    #[test]
    fn a_retry_may_bring_a_cookie() {
        let mut config = ClientConfig::new(Release::NEWEST, Build::Standard);
        config.maximum_protocol_version = Some(TlsVersion::TLS13);
        let sent = config.client_hello(&mut rand::rng()).unwrap();
        let retry = ServerHello {
            version: TlsVersion::TLS13,
            retry: true,
            cipher_suite: CipherSuite(0x1301),
            group: Some(Group::SECP256R1),
            alpn: None,
            extensions: vec![0x002b, 0x0033, 0x002c],
            ..answer()
        };
        assert_eq!(judge_extensions(&config.offer().unwrap(), &sent, &retry), Ok(()));
        let hello = ServerHello { retry: false, ..retry };
        assert!(judge_extensions(&config.offer().unwrap(), &sent, &hello).is_err());
    }
}
