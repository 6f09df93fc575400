//! The ClientHello, SSLv3 to TLS 1.3.

use super::codec::{WireError, prefixed, put_u16s};
use super::key_share::KeyShare;
use crate::tls::{CipherSuite, Group, SignatureScheme, TlsVersion};

const RECORD_HANDSHAKE: u8 = 22;
const MESSAGE_CLIENT_HELLO: u8 = 1;
/// The most that one record holds (RFC 8446 §5.1).
const RECORD_LIMIT: usize = 1 << 14;

/// A ClientHello: what it offers, in the order in which it travels.
///
/// Nothing is added or checked: a hello that no library would send can be asked for.
/// RFC 8446 §4.1.2; up to TLS 1.2 RFC 5246 §7.4.1.2.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientHello {
    /// The version in the header of the record.
    pub record_version: TlsVersion,
    /// The version in the message: the highest that is offered, at most TLS 1.2.
    pub legacy_version: TlsVersion,
    /// The client's random.
    pub random: [u8; 32],
    /// 0 to 32 bytes.
    pub session_id: Vec<u8>,
    /// The suites offered, most wanted first.
    pub cipher_suites: Vec<CipherSuite>,
    /// Compression methods; 0 is none.
    pub compression_methods: Vec<u8>,
    /// The extensions in order. Without any, the field itself is left out, as in SSLv3.
    pub extensions: Vec<Extension>,
}

/// One extension of a ClientHello.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// server_name with one host name (RFC 6066 §3).
    ServerName(String),
    /// extended_master_secret (RFC 7627).
    ExtendedMasterSecret,
    /// renegotiation_info of a first handshake (RFC 5746).
    RenegotiationInfo,
    /// supported_groups, most wanted first (RFC 8446 §4.2.7).
    SupportedGroups(Vec<Group>),
    /// ec_point_formats with uncompressed points only (RFC 8422 §5.1.2).
    EcPointFormats,
    /// session_ticket without a ticket (RFC 5077).
    SessionTicket,
    /// ALPN, most wanted first (RFC 7301).
    Alpn(Vec<Vec<u8>>),
    /// signature_algorithms, most wanted first (RFC 8446 §4.2.3).
    SignatureAlgorithms(Vec<SignatureScheme>),
    /// key_share; may be empty to ask for a HelloRetryRequest (RFC 8446 §4.2.8).
    KeyShare(Vec<KeyShare>),
    /// psk_key_exchange_modes with psk_dhe_ke (RFC 8446 §4.2.9).
    PskKeyExchangeModes,
    /// supported_versions, most wanted first (RFC 8446 §4.2.1).
    SupportedVersions(Vec<TlsVersion>),
    /// padding of so many zero bytes (RFC 7685).
    Padding(u16),
    /// Any other extension, as it travels.
    Other {
        /// The extension's number.
        kind: u16,
        /// What it carries.
        payload: Vec<u8>,
    },
}

impl Extension {
    /// The extension's number in the IANA registry 'TLS ExtensionType Values'.
    #[must_use]
    pub fn kind(&self) -> u16 {
        match self {
            Self::ServerName(_) => 0x0000,
            Self::SupportedGroups(_) => 0x000a,
            Self::EcPointFormats => 0x000b,
            Self::SignatureAlgorithms(_) => 0x000d,
            Self::Alpn(_) => 0x0010,
            Self::Padding(_) => 0x0015,
            Self::ExtendedMasterSecret => 0x0017,
            Self::SessionTicket => 0x0023,
            Self::SupportedVersions(_) => 0x002b,
            Self::PskKeyExchangeModes => 0x002d,
            Self::KeyShare(_) => 0x0033,
            Self::RenegotiationInfo => 0xff01,
            Self::Other { kind, .. } => *kind,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        put_u16s(out, [self.kind()]);
        prefixed::<2>(out, "an extension", |out| self.encode_payload(out))
    }

    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Self::ServerName(name) => prefixed::<2>(out, "server_name", |out| {
                out.push(0);
                prefixed::<2>(out, "server_name", |out| {
                    out.extend_from_slice(name.as_bytes());
                    Ok(())
                })
            }),
            Self::ExtendedMasterSecret | Self::SessionTicket => Ok(()),
            Self::RenegotiationInfo => {
                out.push(0);
                Ok(())
            }
            Self::SupportedGroups(groups) => prefixed::<2>(out, "supported_groups", |out| {
                put_u16s(out, groups.iter().map(|group| group.0));
                Ok(())
            }),
            Self::EcPointFormats => {
                out.extend_from_slice(&[1, 0]);
                Ok(())
            }
            Self::Alpn(protocols) => prefixed::<2>(out, "ALPN", |out| {
                protocols.iter().try_for_each(|protocol| {
                    prefixed::<1>(out, "an ALPN protocol", |out| {
                        out.extend_from_slice(protocol);
                        Ok(())
                    })
                })
            }),
            Self::SignatureAlgorithms(schemes) => {
                prefixed::<2>(out, "signature_algorithms", |out| {
                    put_u16s(out, schemes.iter().map(|scheme| scheme.0));
                    Ok(())
                })
            }
            Self::KeyShare(shares) => prefixed::<2>(out, "key_share", |out| {
                shares.iter().try_for_each(|share| encode_share(share, out))
            }),
            Self::PskKeyExchangeModes => {
                out.extend_from_slice(&[1, 1]);
                Ok(())
            }
            Self::SupportedVersions(versions) => prefixed::<1>(out, "supported_versions", |out| {
                put_u16s(out, versions.iter().map(|version| version.0));
                Ok(())
            }),
            Self::Padding(count) => {
                out.resize(out.len() + usize::from(*count), 0);
                Ok(())
            }
            Self::Other { payload, .. } => {
                out.extend_from_slice(payload);
                Ok(())
            }
        }
    }
}

fn encode_share(share: &KeyShare, out: &mut Vec<u8>) -> Result<(), WireError> {
    put_u16s(out, [share.group.0]);
    prefixed::<2>(out, "a key share", |out| {
        out.extend_from_slice(&share.key_exchange);
        Ok(())
    })
}

impl ClientHello {
    /// The whole hello in one record, ready to send.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`] if a field is longer than its length prefix can say, or the
    /// message longer than one record.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let message = self.encode_message()?;
        if message.len() > RECORD_LIMIT {
            return Err(WireError::TooLong { field: "the ClientHello", limit: RECORD_LIMIT });
        }
        let mut out = Vec::with_capacity(5 + message.len());
        out.push(RECORD_HANDSHAKE);
        put_u16s(&mut out, [self.record_version.0]);
        prefixed::<2>(&mut out, "the record", |out| {
            out.extend_from_slice(&message);
            Ok(())
        })?;
        Ok(out)
    }

    /// The handshake message alone, with its header of four bytes.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`] if a field is longer than its length prefix can say.
    pub fn encode_message(&self) -> Result<Vec<u8>, WireError> {
        let mut out = vec![MESSAGE_CLIENT_HELLO];
        prefixed::<3>(&mut out, "the ClientHello", |out| self.encode_body(out))?;
        Ok(out)
    }

    fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        put_u16s(out, [self.legacy_version.0]);
        out.extend_from_slice(&self.random);
        prefixed::<1>(out, "session_id", |out| {
            out.extend_from_slice(&self.session_id);
            Ok(())
        })?;
        prefixed::<2>(out, "cipher_suites", |out| {
            put_u16s(out, self.cipher_suites.iter().map(|suite| suite.0));
            Ok(())
        })?;
        prefixed::<1>(out, "compression_methods", |out| {
            out.extend_from_slice(&self.compression_methods);
            Ok(())
        })?;
        if self.extensions.is_empty() {
            return Ok(());
        }
        prefixed::<2>(out, "extensions", |out| {
            self.extensions.iter().try_for_each(|extension| extension.encode(out))
        })
    }

    /// The groups that the hello offers, in order; empty without the extension.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        self.extensions
            .iter()
            .find_map(|extension| match extension {
                Extension::SupportedGroups(groups) => Some(groups.as_slice()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The signature schemes that the hello offers, in order; empty without the extension.
    #[must_use]
    pub fn signature_schemes(&self) -> &[SignatureScheme] {
        self.extensions
            .iter()
            .find_map(|extension| match extension {
                Extension::SignatureAlgorithms(schemes) => Some(schemes.as_slice()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The highest version that the hello offers.
    #[must_use]
    pub fn highest_version(&self) -> TlsVersion {
        self.extensions
            .iter()
            .find_map(|extension| match extension {
                Extension::SupportedVersions(versions) => versions.iter().copied().max(),
                _ => None,
            })
            .unwrap_or(self.legacy_version)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello() -> ClientHello {
        ClientHello {
            record_version: TlsVersion::TLS10,
            legacy_version: TlsVersion::TLS12,
            random: [0xaa; 32],
            session_id: Vec::new(),
            cipher_suites: vec![CipherSuite(0xc02f), CipherSuite(0x002f)],
            compression_methods: vec![0],
            extensions: Vec::new(),
        }
    }

    #[test]
    fn without_extensions_the_field_is_left_out() {
        let bytes = hello().encode().unwrap();
        let mut expected = vec![0x16, 0x03, 0x01, 0, 0x2f - 2, 1, 0, 0, 0x2b - 2, 3, 3];
        expected.extend([0xaa; 32]);
        expected.extend([0, 0, 4, 0xc0, 0x2f, 0, 0x2f, 1, 0]);
        expected[4] = u8::try_from(expected.len() - 5).unwrap();
        expected[8] = u8::try_from(expected.len() - 9).unwrap();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_name_longer_than_its_prefix_is_refused() {
        let hello =
            ClientHello { extensions: vec![Extension::Alpn(vec![vec![b'x'; 256]])], ..hello() };
        assert_eq!(
            hello.encode(),
            Err(WireError::TooLong { field: "an ALPN protocol", limit: 255 })
        );
    }

    #[test]
    fn a_hello_longer_than_a_record_is_refused() {
        let hello = ClientHello { extensions: vec![Extension::Padding(17_000)], ..hello() };
        assert!(matches!(hello.encode(), Err(WireError::TooLong { .. })));
    }

    proptest! {
        /// An independent parser reads back what was written.
        #[test]
        fn tls_parser_reads_what_is_written(
            suites in proptest::collection::vec(any::<u16>(), 1..200),
            session_id in proptest::collection::vec(any::<u8>(), 0..=32),
            groups in proptest::collection::vec(any::<u16>(), 1..40),
            schemes in proptest::collection::vec(any::<u16>(), 1..40),
            name in "[a-z]{1,20}\\.example",
        ) {
            let hello = ClientHello {
                session_id: session_id.clone(),
                cipher_suites: suites.iter().copied().map(CipherSuite).collect(),
                extensions: vec![
                    Extension::ServerName(name.clone()),
                    Extension::SupportedGroups(groups.iter().copied().map(Group).collect()),
                    Extension::SignatureAlgorithms(schemes.iter().copied().map(SignatureScheme).collect()),
                    Extension::SupportedVersions(vec![TlsVersion::TLS13]),
                ],
                ..hello()
            };
            let bytes = hello.encode().unwrap();
            let (rest, record) = tls_parser::parse_tls_plaintext(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            let tls_parser::TlsMessage::Handshake(tls_parser::TlsMessageHandshake::ClientHello(read)) = &record.msg[0] else {
                panic!("not a ClientHello");
            };
            prop_assert_eq!(read.ciphers.iter().map(|suite| suite.0).collect::<Vec<_>>(), suites);
            prop_assert_eq!(read.session_id.unwrap_or_default(), &session_id[..]);
            let (rest, extensions) = tls_parser::parse_tls_client_hello_extensions(read.ext.unwrap()).unwrap();
            prop_assert!(rest.is_empty());
            let tls_parser::TlsExtension::SNI(names) = &extensions[0] else { panic!("no SNI") };
            prop_assert_eq!(names[0].1, name.as_bytes());
            let tls_parser::TlsExtension::EllipticCurves(read) = &extensions[1] else { panic!("no groups") };
            prop_assert_eq!(read.iter().map(|group| group.0).collect::<Vec<_>>(), groups);
            let tls_parser::TlsExtension::SignatureAlgorithms(read) = &extensions[2] else { panic!("no schemes") };
            prop_assert_eq!(read, &schemes);
        }
    }
}
