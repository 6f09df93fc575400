//! What Gloo and Envoy make of a TLS secret.
//!
//! Gloo's own check is `cleanedSslKeyPair` in `projects/gloo/pkg/utils/ssl.go`: Go's
//! `tls.X509KeyPair`, whose words are given here, and nothing about dates, names or the CA. What
//! Envoy refuses at load was measured with Envoy 1.36 and 1.40: RSA keys below 2048 bits, curves
//! other than P-256, P-384 and P-521, Ed448, RSA-PSS, and a CA file with a broken certificate.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::pkey::PKey;
use x509_parser::oid_registry::asn1_rs::FromDer;
use x509_parser::prelude::{ParsedExtension, X509Certificate};

use super::finding::SecretFinding;
use super::pem::{Block, blocks, labels};
use super::{Secret, SecretKind, TlsMaterial};
use crate::gloo::release::{OneWayTls, Release};

/// What a Secret comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretVerdict {
    /// What was found, the gravest first.
    pub findings: Vec<SecretFinding>,
    /// What an Upstream does that refers to it, if it can be used.
    pub mode: Option<Mode>,
    /// The client certificate, if there is one that can be read.
    pub leaf: Option<Leaf>,
    /// How many CA certificates there are.
    pub authorities: usize,
}

/// What an Upstream does that refers to a Secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mode {
    /// Whether the client certificate is sent to servers that ask for one.
    pub sends_certificate: bool,
    /// Whether the server's chain is verified.
    pub verifies: bool,
}

/// A client certificate in short.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    /// Its subject.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its subject alternative names.
    pub names: Vec<String>,
    /// Its key, such as `RSA 2048`.
    pub key: String,
    /// The first second of its validity, since 1970.
    pub not_before: i64,
    /// The last second of its validity, since 1970.
    pub not_after: i64,
}

/// How many days before the end a certificate is worth a warning.
const SOON: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

impl SecretVerdict {
    /// Whether Gloo or Envoy does not use it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        let worst = self.findings.first().map(SecretFinding::weight);
        worst == Some(super::Weight::Blocking)
    }
}

impl Secret {
    /// Judges the Secret for an Upstream with or without `oneWayTls`.
    #[must_use]
    pub fn judge(&self, release: Release, one_way_tls: bool, now: SystemTime) -> SecretVerdict {
        let mut verdict =
            SecretVerdict { findings: Vec::new(), mode: None, leaf: None, authorities: 0 };
        match &self.kind {
            SecretKind::Header { looks_like_tls } => {
                verdict.findings.push(SecretFinding::NotTls { keys: looks_like_tls.clone() });
            }
            SecretKind::Unseen { kind } => {
                verdict.findings.push(SecretFinding::Unseen { kind: kind.clone() });
            }
            SecretKind::Tls(material) => material.judge(&mut verdict, seconds(now)),
        }
        verdict.findings.sort_by_key(SecretFinding::weight);
        if let (SecretKind::Tls(material), false) = (&self.kind, verdict.is_blocked()) {
            verdict.mode = Some(material.mode(release, one_way_tls));
        }
        verdict
    }
}

fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl TlsMaterial {
    /// What goes on when an Upstream refers to it (facts of `ssl.go` at the tags).
    #[must_use]
    pub fn mode(&self, release: Release, one_way_tls: bool) -> Mode {
        let (mut sends_certificate, mut verifies) =
            (!self.chain.is_empty(), !self.authority.is_empty());
        if one_way_tls {
            match release.one_way_tls() {
                OneWayTls::Unknown => {}
                OneWayTls::DropsVerification => verifies = false,
                OneWayTls::DropsClientCertificate => sends_certificate = false,
            }
        }
        Mode { sends_certificate, verifies }
    }

    fn judge(&self, verdict: &mut SecretVerdict, now: i64) {
        if self.chain.is_empty() && self.key.is_empty() && self.authority.is_empty() {
            verdict.findings.push(SecretFinding::Empty);
            return;
        }
        if let Some(reason) = self.pair_fault() {
            verdict.findings.push(SecretFinding::PairFault(reason));
        } else if !self.chain.is_empty() {
            self.judge_chain(verdict, now);
        }
        if !self.authority.is_empty() {
            self.judge_authority(verdict, now);
        }
    }

    /// Why Gloo refuses the key pair, in the words of Go's `tls.X509KeyPair`. A CA alone is not
    /// looked at.
    #[must_use]
    pub fn pair_fault(&self) -> Option<String> {
        if self.chain.is_empty() && self.key.is_empty() && !self.authority.is_empty() {
            return None;
        }
        let found = blocks(&self.chain);
        if let Some(fault) = certificate_input_fault(&found) {
            return Some(fault);
        }
        let keys = blocks(&self.key);
        if let Some(fault) = key_input_fault(&keys) {
            return Some(fault);
        }
        let leaf = found.iter().find(|block| block.is_certificate())?;
        let key = keys.iter().find(|block| block.is_key())?;
        pair_mismatch(&leaf.der, key)
    }

    fn judge_chain(&self, verdict: &mut SecretVerdict, now: i64) {
        let found = blocks(&self.chain);
        let chain: Vec<_> = found.iter().filter(|block| block.is_certificate()).collect();
        let chain: Vec<_> = chain.iter().filter_map(|block| parse(&block.der)).collect();
        let Some(leaf) = chain.first() else { return };
        let findings = &mut verdict.findings;
        if has_junk(&self.chain, &found) {
            findings.push(SecretFinding::Junk("tls.crt"));
        }
        judge_dates(findings, &chain, "the client certificate", "a certificate of its chain", now);
        judge_leaf(findings, leaf);
        judge_order(findings, &chain);
        verdict.leaf = Some(describe(leaf));
    }

    fn judge_authority(&self, verdict: &mut SecretVerdict, now: i64) {
        let found = blocks(&self.authority);
        let certificates = || found.iter().filter(|block| block.is_certificate());
        let parsed: Vec<_> = certificates().filter_map(|block| parse(&block.der)).collect();
        verdict.authorities = parsed.len();
        if parsed.is_empty() || parsed.len() < certificates().count() {
            verdict.findings.push(SecretFinding::AuthorityFault);
            return;
        }
        judge_dates(&mut verdict.findings, &parsed, "the CA", "a CA", now);
    }
}

fn certificate_input_fault(found: &[Block]) -> Option<String> {
    if found.is_empty() {
        return Some("tls: failed to find any PEM data in certificate input".to_owned());
    }
    let Some(leaf) = found.iter().find(|block| block.is_certificate()) else {
        return Some(match found {
            [only] if only.is_key() => "tls: failed to find certificate PEM data in certificate \
                                        input, but did find a private key; PEM inputs may have \
                                        been switched"
                .to_owned(),
            _ => format!(
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after \
                 skipping PEM blocks of the following types: {}",
                labels(found)
            ),
        });
    };
    let parses = parse(&leaf.der).is_some();
    (!parses).then(|| "x509: the certificate does not parse".to_owned())
}

fn key_input_fault(keys: &[Block]) -> Option<String> {
    if keys.is_empty() {
        return Some("tls: failed to find any PEM data in key input".to_owned());
    }
    if keys.iter().any(Block::is_key) {
        return None;
    }
    Some(match keys {
        [only] if only.is_certificate() => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        _ => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after \
             skipping PEM blocks of the following types: {}",
            labels(keys)
        ),
    })
}

fn pair_mismatch(leaf: &[u8], key: &Block) -> Option<String> {
    let text = |words: &str| Some(format!("tls: {words}"));
    // Encrypted keys have a label of their own, and Go knows none of it.
    if key.label.contains("ENCRYPTED") {
        return text("failed to parse private key");
    }
    let Ok(private) = PKey::private_key_from_der(&key.der) else {
        return text("failed to parse private key");
    };
    let public = openssl::x509::X509::from_der(leaf).and_then(|leaf| leaf.public_key());
    let Ok(public) = public else { return text("unknown public key algorithm") };
    if public.id() != private.id() {
        return text("private key type does not match public key type");
    }
    match public.public_eq(&private) {
        true => None,
        false => text("private key does not match public key"),
    }
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// Whether there is text before, between or behind the blocks, or a block of another kind.
fn has_junk(text: &[u8], found: &[Block]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut is_within = false;
    let outside = text.lines().any(|line| {
        let line = line.trim();
        let is_marker = line.starts_with("-----");
        if line.starts_with("-----BEGIN") {
            is_within = true;
        } else if line.starts_with("-----END") {
            is_within = false;
        }
        !is_within && !is_marker && !line.is_empty()
    });
    outside || found.iter().any(|block| !block.is_certificate())
}

fn judge_dates(
    findings: &mut Vec<SecretFinding>,
    certificates: &[X509Certificate<'_>],
    first: &'static str,
    others: &'static str,
    now: i64,
) {
    for (index, certificate) in certificates.iter().enumerate() {
        let what = if index == 0 { first } else { others };
        let validity = certificate.validity();
        let left = validity.not_after.timestamp() - now;
        if left < 0 {
            findings.push(SecretFinding::Expired { what, days: -left / DAY });
        } else if left < SOON * DAY {
            findings.push(SecretFinding::ExpiresSoon { what, days: left / DAY });
        }
        if validity.not_before.timestamp() > now {
            findings.push(SecretFinding::NotYetValid { what });
        }
    }
}

fn judge_leaf(findings: &mut Vec<SecretFinding>, leaf: &X509Certificate<'_>) {
    let is_self_signed = leaf.subject() == leaf.issuer();
    for extension in leaf.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ExtendedKeyUsage(usage) if !usage.client_auth && !usage.any => {
                findings.push(SecretFinding::NotForClients);
            }
            ParsedExtension::KeyUsage(usage) if !usage.digital_signature() => {
                findings.push(SecretFinding::MayNotSign);
            }
            // A certificate that signed itself is its own authority, as tests like them.
            ParsedExtension::BasicConstraints(constraints) if constraints.ca && !is_self_signed => {
                findings.push(SecretFinding::LeafIsAuthority);
            }
            _ => {}
        }
    }
    if names(leaf).is_empty() {
        findings.push(SecretFinding::NoNames);
    }
    findings.extend(key_finding(leaf));
    let algorithm = leaf.signature_algorithm.algorithm.to_id_string();
    let broken = match algorithm.as_str() {
        "1.2.840.113549.1.1.4" => Some("MD5"),
        "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => Some("SHA-1"),
        _ => None,
    };
    findings.extend(broken.map(|name| SecretFinding::WeakSignature(name.to_owned())));
}

/// Measured with Envoy 1.36 and 1.40.
fn key_finding(leaf: &X509Certificate<'_>) -> Option<SecretFinding> {
    let key = key_words(leaf);
    let algorithm = leaf.public_key().algorithm.algorithm.to_id_string();
    let curve = leaf.public_key().algorithm.parameters.as_ref();
    let curve = curve.and_then(|curve| curve.as_oid().ok()).map(|oid| oid.to_id_string());
    let is_loaded = match algorithm.as_str() {
        "1.2.840.113549.1.1.1" => key_bits(leaf) >= 2048,
        "1.2.840.10045.2.1" => matches!(
            curve.as_deref(),
            Some("1.2.840.10045.3.1.7" | "1.3.132.0.34" | "1.3.132.0.35")
        ),
        "1.3.101.112" => true,
        _ => false,
    };
    (!is_loaded).then_some(SecretFinding::UnusableKey(key))
}

fn key_bits(leaf: &X509Certificate<'_>) -> u32 {
    let key = openssl::pkey::PKey::public_key_from_der(leaf.public_key().raw);
    key.map(|key| key.bits()).unwrap_or_default()
}

fn key_words(leaf: &X509Certificate<'_>) -> String {
    match openssl::pkey::PKey::public_key_from_der(leaf.public_key().raw) {
        Ok(key) => match key.id() {
            openssl::pkey::Id::RSA => format!("RSA {}", key.bits()),
            openssl::pkey::Id::RSA_PSS => format!("RSA-PSS {}", key.bits()),
            openssl::pkey::Id::EC => {
                let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
                let name = curve.and_then(|curve| curve.short_name().ok().map(str::to_owned));
                let name = name.as_deref().map_or("a curve without a name", |name| match name {
                    "prime256v1" => "P-256",
                    "secp384r1" => "P-384",
                    "secp521r1" => "P-521",
                    other => other,
                });
                format!("ECDSA {name}")
            }
            openssl::pkey::Id::ED25519 => "Ed25519".to_owned(),
            openssl::pkey::Id::ED448 => "Ed448".to_owned(),
            openssl::pkey::Id::DSA => "DSA".to_owned(),
            _ => "an unknown kind".to_owned(),
        },
        Err(_) => "an unknown kind".to_owned(),
    }
}

fn judge_order(findings: &mut Vec<SecretFinding>, chain: &[X509Certificate<'_>]) {
    let follows = |pair: &[X509Certificate<'_>]| pair[0].issuer() == pair[1].subject();
    if !chain.windows(2).all(follows) {
        findings.push(SecretFinding::ChainOrder);
        return;
    }
    match chain {
        [leaf] if leaf.subject() != leaf.issuer() => findings.push(SecretFinding::ChainAlone),
        [_, .., last] if last.subject() == last.issuer() => {
            findings.push(SecretFinding::RootInChain);
        }
        _ => {}
    }
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    use x509_parser::extensions::GeneralName;
    let extension = leaf.subject_alternative_name().ok().flatten();
    let names = extension.map(|extension| extension.value.general_names.as_slice());
    let names = names.unwrap_or_default().iter();
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
            Some(printable(name))
        }
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            16 => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    };
    names.filter_map(name).collect()
}

fn describe(leaf: &X509Certificate<'_>) -> Leaf {
    Leaf {
        subject: printable(&leaf.subject().to_string()),
        issuer: printable(&leaf.issuer().to_string()),
        names: names(leaf),
        key: key_words(leaf),
        not_before: leaf.validity().not_before.timestamp(),
        not_after: leaf.validity().not_after.timestamp(),
    }
}

/// Text out of a certificate, without what a terminal would act upon.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
