//! Gloo's own check of a key pair: `cleanedSslKeyPair` in `projects/gloo/pkg/utils/ssl.go`, which
//! is Go's `tls.X509KeyPair` and then client-go's `cert.ParseCertsPEM`.

use std::fmt;

use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::X509;
use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::pem::{Block, Pem};

/// Why Gloo refuses a key pair. Displayed in the words of Go, which Gloo hands on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PairFault {
    /// `tls.crt` has no PEM block.
    NoCertificatePem(Looks),
    /// `tls.crt` is a key.
    KeyForCertificate,
    /// `tls.crt` has blocks of other kinds; their labels.
    NoCertificate(String),
    /// `tls.key` has no PEM block.
    NoKeyPem(Looks),
    /// `tls.key` is a certificate.
    CertificateForKey,
    /// `tls.key` has blocks of other kinds; their labels.
    NoKey(String),
    /// A certificate cannot be read; its number in `tls.crt`, from 1.
    Malformed(usize),
    /// A certificate has a key on a curve that Go lacks; its number in `tls.crt`, from 1.
    UnknownCurve(usize),
    /// The key cannot be read.
    KeyUnread {
        /// Whether there is a passphrase on it.
        is_encrypted: bool,
    },
    /// The key is for key exchange alone.
    KeyOfUnknownKind,
    /// The certificate's key is of a kind that Go has no use for in TLS.
    PublicKeyOfUnknownKind,
    /// Key and certificate are of different kinds.
    OtherKind {
        /// The number in `tls.crt`, from 1, of the certificate that the key belongs to.
        belongs_to: Option<usize>,
    },
    /// Key and certificate are of different pairs.
    OtherKey {
        /// The number in `tls.crt`, from 1, of the certificate that the key belongs to.
        belongs_to: Option<usize>,
    },
    /// Every certificate has headers, for which Gloo drops it.
    NothingLeft,
}

/// What a text without PEM blocks looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Looks {
    /// Nothing.
    Empty,
    /// The path of a file.
    Path,
    /// DER without base64 around it.
    Der,
    /// PEM that was put into base64 twice.
    Base64,
    /// PEM whose lines are indented.
    Indented,
    /// PEM in one line, with `\n` written out or without line ends.
    OneLine,
    /// Anything else.
    Other,
}

impl fmt::Display for PairFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificatePem(_) => {
                f.write_str("tls: failed to find any PEM data in certificate input")
            }
            Self::KeyForCertificate => f.write_str(
                "tls: failed to find certificate PEM data in certificate input, but did find a \
                 private key; PEM inputs may have been switched",
            ),
            Self::NoCertificate(labels) => write!(
                f,
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after \
                 skipping PEM blocks of the following types: {labels}"
            ),
            Self::NoKeyPem(_) => f.write_str("tls: failed to find any PEM data in key input"),
            Self::CertificateForKey => f.write_str(
                "tls: found a certificate rather than a key in the PEM for the private key",
            ),
            Self::NoKey(labels) => write!(
                f,
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input \
                 after skipping PEM blocks of the following types: {labels}"
            ),
            Self::Malformed(_) => f.write_str("x509: malformed certificate"),
            Self::UnknownCurve(_) => f.write_str("x509: unsupported elliptic curve"),
            Self::KeyUnread { .. } => f.write_str("tls: failed to parse private key"),
            Self::KeyOfUnknownKind => {
                f.write_str("tls: found unknown private key type in PKCS#8 wrapping")
            }
            Self::PublicKeyOfUnknownKind => f.write_str("tls: unknown public key algorithm"),
            Self::OtherKind { .. } => {
                f.write_str("tls: private key type does not match public key type")
            }
            Self::OtherKey { .. } => f.write_str("tls: private key does not match public key"),
            Self::NothingLeft => {
                f.write_str("data does not contain any valid RSA or ECDSA certificates")
            }
        }
    }
}

impl PairFault {
    /// Whether the key belongs to a certificate that does not come first.
    pub(super) fn comes_later(&self) -> bool {
        matches!(
            self,
            Self::OtherKind { belongs_to: Some(_) } | Self::OtherKey { belongs_to: Some(_) }
        )
    }

    /// What to do about it, where that is more than Go says.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let words = match self {
            Self::NoCertificatePem(looks) => return looks.advice("tls.crt"),
            Self::NoKeyPem(looks) => return looks.advice("tls.key"),
            Self::KeyForCertificate | Self::CertificateForKey => {
                "tls.crt and tls.key seem to be swapped"
            }
            Self::Malformed(number) | Self::UnknownCurve(number) => {
                return Some(format!("it is certificate {number} of tls.crt"));
            }
            Self::KeyUnread { is_encrypted: true } => {
                "tls.key has a passphrase, which Gloo cannot give: store it without one, as \
                 openssl pkey -in FILE writes it"
            }
            Self::KeyUnread { is_encrypted: false } => {
                "tls.key must be an RSA, ECDSA or Ed25519 key in PKCS #8, PKCS #1 or SEC 1"
            }
            Self::KeyOfUnknownKind | Self::PublicKeyOfUnknownKind => {
                "use an RSA or ECDSA certificate"
            }
            Self::OtherKind { belongs_to: None } | Self::OtherKey { belongs_to: None } => {
                "tls.key belongs to another certificate"
            }
            Self::OtherKind { belongs_to: Some(number) }
            | Self::OtherKey { belongs_to: Some(number) } => {
                return Some(format!(
                    "tls.key belongs to certificate {number} of tls.crt: that one must come first, \
                     and then each that has signed the one before it"
                ));
            }
            Self::NothingLeft => "remove the lines between BEGIN CERTIFICATE and the base64",
            Self::NoCertificate(_) | Self::NoKey(_) => return None,
        };
        Some(words.to_owned())
    }
}

impl Looks {
    fn at(text: &[u8]) -> Self {
        let trimmed = text.trim_ascii();
        let has = |part: &[u8]| trimmed.windows(part.len()).any(|window| window == part);
        match trimmed {
            [] => Self::Empty,
            [0x30, 0x80..=0x84, ..] => Self::Der,
            text if text.starts_with(b"LS0tLS1CRUdJTi") => Self::Base64,
            text if text.starts_with(b"-----BEGIN ") && !text.contains(&b'\n') => Self::OneLine,
            _ if has(b" -----BEGIN ") || has(b"\t-----BEGIN ") => Self::Indented,
            text if text.len() < 4096 && text.contains(&b'/') && !text.contains(&b'\n') => {
                Self::Path
            }
            _ => Self::Other,
        }
    }

    fn advice(self, key: &str) -> Option<String> {
        let words = match self {
            Self::Empty => format!("{key} is empty"),
            Self::Path => format!("{key} looks like a path, and must be the PEM text itself"),
            Self::Der => format!("{key} is DER: convert it to PEM"),
            Self::Base64 => {
                format!(
                    "{key} is in base64 twice: put the PEM text into stringData, or encode it \
                         once for data"
                )
            }
            Self::Indented => format!("the lines of {key} are indented"),
            Self::OneLine => format!("{key} is PEM in one line: its line ends are lost"),
            Self::Other => return None,
        };
        Some(words)
    }
}

/// Why Gloo refuses the key pair, if it does. A CA alone does not come here.
pub(super) fn check(chain: &[u8], key: &[u8]) -> Result<(), PairFault> {
    let certificates = Pem::read(chain);
    let keys = Pem::read(key);
    let leaf = find_leaf(chain, &certificates)?;
    let key = find_key(key, &keys)?;
    check_certificate(1, leaf)?;
    let private = parse_key(key)?;
    check_pair(leaf, &private, &certificates)?;
    let mut kept = certificates.certificates().enumerate().filter(|(_, block)| !block.has_headers);
    let Some(first) = kept.next() else { return Err(PairFault::NothingLeft) };
    std::iter::once(first)
        .chain(kept)
        .try_for_each(|(index, block)| check_certificate(index + 1, block))
}

fn find_leaf<'a>(text: &[u8], pem: &'a Pem) -> Result<&'a Block, PairFault> {
    match pem.blocks.as_slice() {
        [] => Err(PairFault::NoCertificatePem(Looks::at(text))),
        // Go looks at the end of the label alone here.
        [only] if only.label.ends_with("PRIVATE KEY") => Err(PairFault::KeyForCertificate),
        _ => pem.certificates().next().ok_or_else(|| PairFault::NoCertificate(pem.labels())),
    }
}

fn find_key<'a>(text: &[u8], pem: &'a Pem) -> Result<&'a Block, PairFault> {
    match pem.blocks.as_slice() {
        [] => Err(PairFault::NoKeyPem(Looks::at(text))),
        [only] if only.is_certificate() => Err(PairFault::CertificateForKey),
        blocks => {
            let key = blocks.iter().find(|block| block.is_key());
            key.ok_or_else(|| PairFault::NoKey(pem.labels()))
        }
    }
}

/// Go's parser is stricter in corners, such as negative serial numbers since Go 1.23.
fn check_certificate(number: usize, block: &Block) -> Result<(), PairFault> {
    let parsed = X509Certificate::from_der(&block.der);
    let Ok((rest, certificate)) = parsed else { return Err(PairFault::Malformed(number)) };
    if !rest.is_empty() {
        return Err(PairFault::Malformed(number));
    }
    let algorithm = &certificate.public_key().algorithm;
    if algorithm.algorithm.to_id_string() != EC_PUBLIC_KEY {
        return Ok(());
    }
    let named = algorithm.parameters.as_ref().filter(|any| any.tag() == Tag::Oid);
    let curve = named.and_then(|any| any.as_oid().ok());
    match curve.is_some_and(|curve| GO_CURVES.contains(&curve.to_id_string().as_str())) {
        true => Ok(()),
        false => Err(PairFault::UnknownCurve(number)),
    }
}

pub(super) const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
/// P-224, P-256, P-384 and P-521, which are all that Go has (`crypto/x509`).
const GO_CURVES: [&str; 4] =
    ["1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];
const GO_CURVE_NUMBERS: [Nid; 4] =
    [Nid::SECP224R1, Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];

/// Go tries PKCS #1, PKCS #8 and SEC 1 in turn, whatever the label says.
fn parse_key(block: &Block) -> Result<PKey<Private>, PairFault> {
    let unread = PairFault::KeyUnread { is_encrypted: block.is_encrypted() };
    if block.is_encrypted() {
        return Err(unread);
    }
    let Ok(key) = PKey::private_key_from_der(&block.der) else { return Err(unread) };
    match key.id() {
        Id::RSA | Id::ED25519 => Ok(key),
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            let known = curve.is_some_and(|curve| GO_CURVE_NUMBERS.contains(&curve));
            known.then_some(key).ok_or(unread)
        }
        Id::X25519 => Err(PairFault::KeyOfUnknownKind),
        _ => Err(unread),
    }
}

fn check_pair(leaf: &Block, private: &PKey<Private>, all: &Pem) -> Result<(), PairFault> {
    let belongs = |block: &Block| {
        let public = X509::from_der(&block.der).and_then(|leaf| leaf.public_key());
        public.is_ok_and(|public| public.public_eq(private))
    };
    let public = X509::from_der(&leaf.der).and_then(|leaf| leaf.public_key());
    let Ok(public) = public else { return Err(PairFault::PublicKeyOfUnknownKind) };
    if !matches!(public.id(), Id::RSA | Id::EC | Id::ED25519) {
        return Err(PairFault::PublicKeyOfUnknownKind);
    }
    let belongs_to = all.certificates().position(belongs).map(|index| index + 1);
    if public.id() != private.id() {
        return Err(PairFault::OtherKind { belongs_to });
    }
    match public.public_eq(private) {
        true => Ok(()),
        false => Err(PairFault::OtherKey { belongs_to }),
    }
}
