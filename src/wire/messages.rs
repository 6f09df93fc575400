//! The handshake messages of a server's first flight that travel in clear.

use super::codec::{Reader, WireError};
use crate::tls::{CipherSuite, Group, KeyExchange, SignatureScheme, TlsVersion};

/// The random that marks a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ServerHello, or the HelloRetryRequest that shares its layout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerHello {
    /// The version negotiated: from supported_versions if sent, else from the legacy field.
    pub version: TlsVersion,
    /// Whether this is a HelloRetryRequest.
    pub retry: bool,
    /// The server's random.
    pub random: [u8; 32],
    /// The suite selected.
    pub cipher_suite: CipherSuite,
    /// The compression method selected; 0 is none.
    pub compression_method: u8,
    /// The group of the key share, or the one that a HelloRetryRequest asks for.
    pub group: Option<Group>,
    /// The application protocol selected, where it travels in clear (up to TLS 1.2).
    pub alpn: Option<Vec<u8>>,
    /// The numbers of all extensions sent, in order.
    pub extensions: Vec<u16>,
}

impl ServerHello {
    /// Reads one ServerHello.
    ///
    /// `body` is the message without its header of four bytes: version 2, random 32, session id
    /// 1 + 0..=32, suite 2, compression 1, then extensions 2 + n, which older servers leave out.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`] with the field in which `body` stops, [`WireError::Trailing`] if
    /// bytes follow the extensions. Numbers without a name are kept, and are no error.
    ///
    /// RFC 8446 §4.1.3 and §4.1.4; up to TLS 1.2 RFC 5246 §7.4.1.3.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let version = TlsVersion(reader.u16("the version of the ServerHello")?);
        let random = reader.array("the random of the ServerHello")?;
        reader.fenced8("the session id of the ServerHello")?;
        let cipher_suite = CipherSuite(reader.u16("the suite of the ServerHello")?);
        let compression_method = reader.u8("the compression of the ServerHello")?;
        let mut hello = Self {
            version,
            retry: random == RETRY_RANDOM,
            random,
            cipher_suite,
            compression_method,
            group: None,
            alpn: None,
            extensions: Vec::new(),
        };
        if !reader.is_empty() {
            hello.read_extensions(reader.fenced16("the extensions of the ServerHello")?)?;
        }
        reader.finish("the ServerHello")?;
        Ok(hello)
    }

    fn read_extensions(&mut self, mut extensions: Reader<'_>) -> Result<(), WireError> {
        while !extensions.is_empty() {
            let kind = extensions.u16("an extension of the ServerHello")?;
            let payload = extensions.fenced16("an extension of the ServerHello")?;
            self.extensions.push(kind);
            match kind {
                0x0010 => self.alpn = Some(read_alpn(payload)?),
                0x002b => self.version = read_selected_version(payload)?,
                0x0033 => self.group = Some(self.read_key_share(payload)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_key_share(&self, mut payload: Reader<'_>) -> Result<Group, WireError> {
        let group = Group(payload.u16("key_share")?);
        if !self.retry {
            payload.fenced16("key_share")?;
        }
        payload.finish("key_share")?;
        Ok(group)
    }
}

fn read_alpn(mut payload: Reader<'_>) -> Result<Vec<u8>, WireError> {
    let mut list = payload.fenced16("ALPN")?;
    let protocol = list.fenced8("ALPN")?.rest().to_vec();
    list.finish("ALPN")?;
    payload.finish("ALPN")?;
    Ok(protocol)
}

fn read_selected_version(mut payload: Reader<'_>) -> Result<TlsVersion, WireError> {
    let version = TlsVersion(payload.u16("supported_versions")?);
    payload.finish("supported_versions")?;
    Ok(version)
}

/// Reads the Certificate message up to TLS 1.2: the chain in DER, leaf first.
///
/// # Errors
///
/// [`WireError`] if lengths contradict each other.
///
/// RFC 5246 §7.4.2.
pub(super) fn decode_certificates(body: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
    let mut reader = Reader::new(body);
    let mut list = reader.fenced24("the certificate list")?;
    reader.finish("the Certificate message")?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        chain.push(list.fenced24("a certificate")?.rest().to_vec());
    }
    Ok(chain)
}

/// What a ServerKeyExchange says about the key exchange, without the key itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerKeyExchange {
    /// The named group of an elliptic curve exchange.
    pub group: Option<Group>,
    /// The size of the prime of a finite field exchange, in bits.
    pub dh_bits: Option<u16>,
    /// The scheme of the server's signature (TLS 1.2 only; before that it is implied).
    pub signature: Option<SignatureScheme>,
}

impl ServerKeyExchange {
    /// Reads the message for the key exchange of `suite`.
    ///
    /// For exchanges whose parameters nobody here looks at (PSK, SRP), all fields are empty.
    ///
    /// # Errors
    ///
    /// [`WireError`] if lengths contradict each other.
    ///
    /// RFC 5246 §7.4.3, RFC 8422 §5.4.
    pub fn decode(body: &[u8], version: TlsVersion, suite: CipherSuite) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let mut exchange = Self::default();
        match suite.key_exchange() {
            KeyExchange::Ecdhe => exchange.group = read_curve(&mut reader)?,
            KeyExchange::Dhe => exchange.dh_bits = Some(read_dh_parameters(&mut reader)?),
            _ => return Ok(exchange),
        }
        let signed = suite.authentication() != crate::tls::Authentication::Anonymous;
        if version == TlsVersion::TLS12 && signed && !reader.is_empty() {
            exchange.signature = Some(SignatureScheme(reader.u16("the signature scheme")?));
        }
        Ok(exchange)
    }
}

/// A named curve and the server's point; explicit curves, which nobody sends, are skipped.
fn read_curve(reader: &mut Reader<'_>) -> Result<Option<Group>, WireError> {
    const NAMED_CURVE: u8 = 3;
    if reader.u8("the curve type")? != NAMED_CURVE {
        reader.rest();
        return Ok(None);
    }
    let group = Group(reader.u16("the named curve")?);
    reader.fenced8("the server's point")?;
    Ok(Some(group))
}

/// The size of the prime in bits, with generator and public value read past.
fn read_dh_parameters(reader: &mut Reader<'_>) -> Result<u16, WireError> {
    let prime = reader.fenced16("the prime")?.rest();
    reader.fenced16("the generator")?;
    reader.fenced16("the public value")?;
    let significant = prime.iter().skip_while(|byte| **byte == 0);
    let bits = significant.clone().next().map_or(0, |first| {
        significant.count() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0)
    });
    u16::try_from(bits).map_err(|_| WireError::Illegal("the prime"))
}

/// What a server asks of a client certificate, where it travels in clear (up to TLS 1.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CertificateRequest {
    /// The signature schemes that it takes (TLS 1.2 only).
    pub signature_schemes: Vec<SignatureScheme>,
    /// The names of the authorities that it names, in DER; empty for 'any'.
    pub authorities: Vec<Vec<u8>>,
}

impl CertificateRequest {
    /// Reads the message as `version` lays it out.
    ///
    /// # Errors
    ///
    /// [`WireError`] if lengths contradict each other.
    ///
    /// RFC 5246 §7.4.4.
    pub fn decode(body: &[u8], version: TlsVersion) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let mut request = Self::default();
        reader.fenced8("the certificate types")?;
        if version == TlsVersion::TLS12 {
            let mut schemes = reader.fenced16("the signature schemes")?;
            while !schemes.is_empty() {
                let scheme = SignatureScheme(schemes.u16("the signature schemes")?);
                request.signature_schemes.push(scheme);
            }
        }
        let mut names = reader.fenced16("the certificate authorities")?;
        while !names.is_empty() {
            request.authorities.push(names.fenced16("a certificate authority")?.rest().to_vec());
        }
        reader.finish("the CertificateRequest")?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_hello(extensions: Option<&[u8]>) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0xc0, 0x2f, 0]);
        if let Some(extensions) = extensions {
            body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
            body.extend(extensions);
        }
        body
    }

    #[test]
    fn a_hello_without_extensions_is_read() {
        let hello = ServerHello::decode(&server_hello(None)).unwrap();
        assert_eq!(hello.version, TlsVersion::TLS12);
        assert_eq!(hello.cipher_suite, CipherSuite(0xc02f));
        assert!(!hello.retry);
    }

    #[test]
    fn extensions_give_version_group_and_alpn() {
        let mut extensions = vec![0, 0x2b, 0, 2, 3, 4];
        extensions.extend([0, 0x33, 0, 8, 0, 0x1d, 0, 4, 1, 2, 3, 4]);
        extensions.extend([0, 0x10, 0, 5, 0, 3, 2, b'h', b'2']);
        let hello = ServerHello::decode(&server_hello(Some(&extensions))).unwrap();
        assert_eq!(hello.version, TlsVersion::TLS13);
        assert_eq!(hello.group, Some(Group::X25519));
        assert_eq!(hello.alpn.as_deref(), Some(&b"h2"[..]));
        assert_eq!(hello.extensions, [0x2b, 0x33, 0x10]);
    }

    #[test]
    fn a_retry_names_a_group_without_a_key() {
        let mut body = server_hello(Some(&[0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 2, 0, 0x17]));
        body[2..34].copy_from_slice(&RETRY_RANDOM);
        let hello = ServerHello::decode(&body).unwrap();
        assert!(hello.retry);
        assert_eq!(hello.group, Some(Group::SECP256R1));
    }

    #[test]
    fn every_truncation_is_an_error_except_before_the_extensions() {
        let body = server_hello(Some(&[0, 0x17, 0, 0, 0xff, 1, 0, 1, 0]));
        for end in 0..body.len() {
            let read = ServerHello::decode(&body[..end]);
            assert_eq!(read.is_ok(), end == 38, "{end} bytes: {read:?}");
        }
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        let mut body = server_hello(Some(&[]));
        body.push(0);
        assert!(matches!(ServerHello::decode(&body), Err(WireError::Trailing { count: 1, .. })));
    }

    #[test]
    fn key_exchange_gives_group_and_scheme() {
        let body = [3, 0, 0x17, 2, 4, 4, 8, 4, 0, 1, 0];
        let read =
            ServerKeyExchange::decode(&body, TlsVersion::TLS12, CipherSuite(0xc02f)).unwrap();
        assert_eq!(read.group, Some(Group::SECP256R1));
        assert_eq!(read.signature, Some(SignatureScheme::RSA_PSS_RSAE_SHA256));
        let read =
            ServerKeyExchange::decode(&body, TlsVersion::TLS10, CipherSuite(0xc013)).unwrap();
        assert_eq!(read.signature, None);
    }

    #[test]
    fn key_exchange_gives_the_size_of_the_prime() {
        let body = [0, 3, 0, 0x1f, 0xff, 0, 1, 2, 0, 1, 9];
        let read =
            ServerKeyExchange::decode(&body, TlsVersion::TLS11, CipherSuite(0x0039)).unwrap();
        assert_eq!(read.dh_bits, Some(13));
    }

    #[test]
    fn certificate_request_differs_by_version() {
        let tls12 = [1, 1, 0, 2, 4, 1, 0, 4, 0, 2, 0x30, 0];
        let read = CertificateRequest::decode(&tls12, TlsVersion::TLS12).unwrap();
        assert_eq!(read.signature_schemes, [SignatureScheme::RSA_PKCS1_SHA256]);
        assert_eq!(read.authorities, [[0x30, 0]]);
        let tls10 = [1, 1, 0, 0];
        let read = CertificateRequest::decode(&tls10, TlsVersion::TLS10).unwrap();
        assert!(read.authorities.is_empty());
    }

    #[test]
    fn chains_keep_their_order() {
        let body = [0, 0, 9, 0, 0, 1, 0xaa, 0, 0, 2, 0xbb, 0xcc];
        assert_eq!(decode_certificates(&body).unwrap(), [vec![0xaa], vec![0xbb, 0xcc]]);
    }
}
