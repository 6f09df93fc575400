//! What Gloo and Envoy make of a TLS secret.
//!
//! Gloo checks the key pair ([`super::pair`]) and nothing about dates, names, uses or the CA.
//! What Envoy refuses to load was measured with Envoy 1.36 and 1.40: RSA keys below 2048 bits,
//! curves other than P-256, P-384 and P-521, explicit curve parameters, Ed448, RSA-PSS and DSA,
//! and a CA with a certificate that cannot be read, or with none. It loads certificates that are
//! out of date, signed with MD5, out of order behind the leaf, or not meant for clients.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::pkey::{Id, PKey};
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use super::finding::{SecretFinding, Weight, Which};
use super::pair::{self, EC_PUBLIC_KEY, PairFault};
use super::pem::{Block, Pem};
use super::{Secret, SecretKind, TlsMaterial};
use crate::envoy::{self, Build};
use crate::gloo::release::{OneWayTls, Release};
use crate::gloo::symptom::turns_text;
use crate::gloo::upstream::ObjectName;

/// By whose rules a Secret is judged, and when.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The release of Gloo.
    pub gloo: Release,
    /// The release of Envoy.
    pub envoy: envoy::Release,
    /// Whether the Upstream that refers to it sets `oneWayTls: true`.
    pub one_way_tls: bool,
    /// Now.
    pub now: SystemTime,
}

impl Terms {
    /// Those of a release of Gloo with the Envoy that it brings, without `oneWayTls`.
    #[must_use]
    pub fn new(gloo: Release, now: SystemTime) -> Self {
        Self { gloo, envoy: gloo.envoy(), one_way_tls: false, now }
    }
}

/// What a Secret comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretVerdict {
    /// What was found, the gravest first.
    pub findings: Vec<SecretFinding>,
    /// What an Upstream does that refers to it, if it can be used.
    pub mode: Option<Mode>,
    /// The same with `oneWayTls: true`.
    pub one_way_mode: Option<Mode>,
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
    /// How many certificates follow it in `tls.crt`.
    pub followers: usize,
}

/// The most data that Kubernetes takes, in bytes (`MaxSecretSize` in `pkg/apis/core`).
const LARGEST: usize = 1 << 20;
/// How many days before the end a certificate is worth a warning.
const SOON: i64 = 30;
const DAY: i64 = 24 * 60 * 60;
/// RSA keys beyond this are worth a word, in bits.
const LARGE: u32 = 4096;

impl SecretVerdict {
    /// Whether Kubernetes, Gloo or Envoy does not use it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        let worst = self.findings.first().map(SecretFinding::weight);
        worst == Some(Weight::Blocking)
    }

    /// What Gloo writes into the status of an Upstream that refers to it, if it cannot use it.
    /// Gloo's own text has one or two blanks between name and namespace.
    #[must_use]
    pub fn gloo_status(&self, of: &ObjectName) -> Option<String> {
        let ObjectName { name, namespace } = of;
        let resource = format!("name:\"{name}\" namespace:\"{namespace}\"");
        self.findings.iter().find_map(|finding| match finding {
            SecretFinding::KeyPair(fault) => {
                Some(format!("{resource} is not a valid TLS secret: {fault}"))
            }
            SecretFinding::NotTls { .. } => Some(format!("{resource} is not a TLS secret")),
            SecretFinding::Unseen { .. } => {
                Some(format!("SSL secret not found: list did not find secret {namespace}.{name}"))
            }
            _ => None,
        })
    }
}

impl Secret {
    /// Judges the Secret as the one that an Upstream refers to.
    #[must_use]
    pub fn judge(&self, terms: &Terms) -> SecretVerdict {
        let mut judge = Judge { terms, findings: Vec::new(), leaf: None, authorities: 0 };
        judge.secret(self);
        let Judge { mut findings, leaf, authorities, .. } = judge;
        findings.sort_by_key(SecretFinding::weight);
        let mut verdict =
            SecretVerdict { findings, mode: None, one_way_mode: None, leaf, authorities };
        if let (SecretKind::Tls(material), false) = (&self.kind, verdict.is_blocked()) {
            verdict.mode = Some(material.mode(terms.gloo, terms.one_way_tls));
            verdict.one_way_mode = Some(material.mode(terms.gloo, true));
        }
        verdict
    }
}

impl TlsMaterial {
    /// What goes on when an Upstream refers to it (`ssl.go` at the tags of the releases).
    #[must_use]
    pub fn mode(&self, release: Release, one_way_tls: bool) -> Mode {
        let mut mode = Mode {
            sends_certificate: !self.chain.is_empty() && !self.key.is_empty(),
            verifies: !self.authority.is_empty(),
        };
        if one_way_tls {
            match release.one_way_tls() {
                OneWayTls::Unknown => {}
                OneWayTls::DropsVerification => mode.verifies = false,
                OneWayTls::DropsClientCertificate => mode.sends_certificate = false,
            }
        }
        mode
    }

    /// Whether there is a CA and nothing else, which Gloo then does not look at.
    fn is_authority_alone(&self) -> bool {
        self.chain.is_empty() && self.key.is_empty() && !self.authority.is_empty()
    }
}

struct Judge<'a> {
    terms: &'a Terms,
    findings: Vec<SecretFinding>,
    leaf: Option<Leaf>,
    authorities: usize,
}

impl Judge<'_> {
    fn note(&mut self, finding: SecretFinding) {
        self.findings.push(finding);
    }

    fn secret(&mut self, secret: &Secret) {
        if secret.has_applied_copy {
            self.note(SecretFinding::AppliedCopy);
        }
        // More is not read: it cannot be stored.
        if secret.size > LARGEST {
            return self.note(SecretFinding::TooLarge(secret.size));
        }
        if !secret.missing.is_empty() {
            self.note(SecretFinding::KeysMissing(secret.missing.clone()));
        }
        match &secret.kind {
            SecretKind::Header { looks_like_tls } => {
                self.note(SecretFinding::NotTls { keys: looks_like_tls.clone() });
            }
            SecretKind::Unseen { kind, is_empty } => {
                self.note(SecretFinding::Unseen { kind: kind.clone(), is_empty: *is_empty });
            }
            SecretKind::Tls(material) => self.material(material),
        }
    }

    fn material(&mut self, material: &TlsMaterial) {
        if !material.is_authority_alone() {
            let fault = pair::check(&material.chain, &material.key).err();
            let comes_later = fault.as_ref().is_some_and(PairFault::comes_later);
            self.findings.extend(fault.map(SecretFinding::KeyPair));
            // Which certificate is the client's own is not clear while another one comes first.
            if !comes_later {
                self.chain(&Pem::read(&material.chain));
            }
        }
        if !material.authority.is_empty() {
            self.authority(&Pem::read(&material.authority));
        }
        if material.has_staple {
            self.note(SecretFinding::Staple);
        }
        if self.terms.one_way_tls {
            let release = self.terms.gloo;
            match release.one_way_tls() {
                OneWayTls::DropsVerification if !material.authority.is_empty() => {
                    self.note(SecretFinding::OneWayDropsVerification(release));
                }
                OneWayTls::Unknown => self.note(SecretFinding::OneWayUnknown(release)),
                _ => {}
            }
        }
    }

    /// The certificates that Gloo hands on.
    fn chain(&mut self, pem: &Pem) {
        let kept: Vec<_> = pem.certificates().filter(|block| !block.has_headers).collect();
        let chain: Vec<_> = kept.iter().filter_map(|block| parse(block)).collect();
        let Some(leaf) = chain.first() else { return };
        if pem.has_other_text || kept.len() < pem.blocks.len() {
            self.note(SecretFinding::Junk);
        }
        for (index, certificate) in chain.iter().enumerate() {
            let which = if index == 0 { Which::Leaf } else { Which::Chain(index + 1) };
            self.dates(which, certificate);
            // A root is not trusted for its signature.
            if !is_self_issued(certificate) || index == 0 {
                self.signature(which, certificate);
            }
        }
        self.uses(leaf);
        self.key(leaf);
        self.order(&chain);
        self.leaf = Some(describe(leaf, chain.len() - 1));
    }

    fn authority(&mut self, pem: &Pem) {
        if pem.blocks.iter().any(Block::is_key) {
            self.note(SecretFinding::KeyInAuthority);
        }
        let is_one = |block: &&Block| {
            block.is_certificate()
                || ["X509 CERTIFICATE", "TRUSTED CERTIFICATE"].contains(&block.label.as_str())
        };
        let found: Vec<_> = pem.blocks.iter().filter(is_one).collect();
        self.authorities = found.len();
        if found.is_empty() {
            return self.note(SecretFinding::AuthorityUnreadable(None));
        }
        for (index, block) in found.iter().enumerate() {
            let number = (found.len() > 1).then_some(index + 1);
            let Some(certificate) = parse_start(block) else {
                return self.note(SecretFinding::AuthorityUnreadable(Some(index + 1)));
            };
            let which = Which::Authority(number);
            self.dates(which, &certificate);
            if !is_authority(&certificate) {
                self.note(SecretFinding::NotAnAuthority(which));
            }
        }
    }

    fn dates(&mut self, which: Which, certificate: &X509Certificate<'_>) {
        let validity = certificate.validity();
        let now = seconds(self.terms.now);
        let left = validity.not_after.timestamp().saturating_sub(now);
        let until = validity.not_before.timestamp().saturating_sub(now);
        if left < 0 {
            self.note(SecretFinding::Expired { which, days: left.saturating_neg() / DAY });
        } else if until > 0 {
            self.note(SecretFinding::NotYetValid { which, days: until / DAY });
        } else if left < SOON * DAY {
            self.note(SecretFinding::ExpiresSoon { which, days: left / DAY });
        }
    }

    fn signature(&mut self, which: Which, certificate: &X509Certificate<'_>) {
        let hash = match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.4" => "MD5",
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => "SHA-1",
            _ => return,
        };
        self.note(SecretFinding::WeakSignature { which, hash });
    }

    fn uses(&mut self, leaf: &X509Certificate<'_>) {
        for extension in leaf.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::ExtendedKeyUsage(usage) if !usage.client_auth && !usage.any => {
                    self.note(SecretFinding::NotForClients);
                }
                ParsedExtension::KeyUsage(usage) if !usage.digital_signature() => {
                    self.note(SecretFinding::MayNotSign);
                }
                _ => {}
            }
        }
        // A certificate that signed itself is its own authority, as tests like them.
        if is_authority(leaf) && !is_self_issued(leaf) {
            self.note(SecretFinding::LeafIsAuthority);
        }
        if names(leaf).is_empty() {
            self.note(SecretFinding::NoNames);
        }
    }

    fn key(&mut self, leaf: &X509Certificate<'_>) {
        let key = Key::of(leaf);
        if !key.is_loaded {
            return self.note(SecretFinding::UnusableKey(key.words));
        }
        if key.bits > LARGE {
            return self.note(SecretFinding::LargeKey(key.words));
        }
        let offered = self.terms.envoy.defaults(Build::Standard).ecdh_curves;
        match key.curve {
            Some(curve) if !offered.contains(&curve) => {
                self.note(SecretFinding::CurveNotOffered { curve, offered });
            }
            None if key.words == ED25519 => self.note(SecretFinding::Ed25519),
            _ => {}
        }
    }

    fn order(&mut self, chain: &[X509Certificate<'_>]) {
        for (index, certificate) in chain.iter().enumerate().skip(1) {
            if chain[..index].iter().any(|other| other.as_raw() == certificate.as_raw()) {
                return self.note(SecretFinding::Duplicate(index + 1));
            }
            if chain[index - 1].issuer().as_raw() != certificate.subject().as_raw() {
                return self.note(SecretFinding::ChainOrder(index + 1));
            }
        }
        match chain {
            [leaf] if !is_self_issued(leaf) => self.note(SecretFinding::ChainAlone),
            [_, .., last] if is_self_issued(last) => self.note(SecretFinding::RootInChain),
            _ => {}
        }
    }
}

fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn parse(block: &Block) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(&block.der).ok()?;
    rest.is_empty().then_some(certificate)
}

/// A `TRUSTED CERTIFICATE` has OpenSSL's own data behind it.
fn parse_start(block: &Block) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(&block.der).ok()?;
    (rest.is_empty() || block.label == "TRUSTED CERTIFICATE").then_some(certificate)
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    // Certificates of version 1 have no extensions, and old CAs are of that version.
    constraints
        .map_or(certificate.version().0 == 0 && is_self_issued(certificate), |it| it.value.ca)
}

const ED25519: &str = "Ed25519";

/// A certificate's key.
struct Key {
    /// Kind and size.
    words: String,
    /// The size of an RSA key, else 0.
    bits: u32,
    /// The curve of an ECDSA key, in Envoy's spelling, if Envoy has it.
    curve: Option<&'static str>,
    /// Whether Envoy loads it; measured with Envoy 1.36 and 1.40.
    is_loaded: bool,
}

impl Key {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let other = |words: &str| Self {
            words: words.to_owned(),
            bits: 0,
            curve: None,
            is_loaded: words == ED25519,
        };
        let info = certificate.public_key();
        if info.algorithm.algorithm.to_id_string() == EC_PUBLIC_KEY {
            return Self::on_curve(certificate);
        }
        let Ok(key) = PKey::public_key_from_der(info.raw) else { return other("unknown") };
        match key.id() {
            Id::RSA => Self {
                words: format!("RSA {}", key.bits()),
                bits: key.bits(),
                curve: None,
                is_loaded: key.bits() >= 2048,
            },
            Id::RSA_PSS => other("RSA-PSS"),
            Id::ED25519 => other(ED25519),
            Id::ED448 => other("Ed448"),
            Id::DSA => other("DSA"),
            _ => other("unknown"),
        }
    }

    fn on_curve(certificate: &X509Certificate<'_>) -> Self {
        let parameters = certificate.public_key().algorithm.parameters.as_ref();
        let named = parameters.filter(|any| any.tag() == Tag::Oid);
        let curve = named.and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
        let (name, is_loaded) = match curve.as_deref() {
            Some("1.2.840.10045.3.1.7") => ("P-256", true),
            Some("1.3.132.0.34") => ("P-384", true),
            Some("1.3.132.0.35") => ("P-521", true),
            Some("1.3.132.0.33") => ("P-224", false),
            Some("1.3.132.0.10") => ("secp256k1", false),
            Some(_) => ("(another curve)", false),
            None => ("(explicit parameters)", false),
        };
        Self {
            words: format!("ECDSA {name}"),
            bits: 0,
            curve: is_loaded.then_some(name),
            is_loaded,
        }
    }
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let extension = leaf.subject_alternative_name().ok().flatten();
    let names = extension.map(|extension| extension.value.general_names.as_slice());
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
    names.unwrap_or_default().iter().filter_map(name).collect()
}

fn describe(leaf: &X509Certificate<'_>, followers: usize) -> Leaf {
    Leaf {
        subject: printable(&leaf.subject().to_string()),
        issuer: printable(&leaf.issuer().to_string()),
        names: names(leaf),
        key: Key::of(leaf).words,
        not_before: leaf.validity().not_before.timestamp(),
        not_after: leaf.validity().not_after.timestamp(),
        followers,
    }
}

/// Text out of a certificate, without what a terminal would act upon.
fn printable(text: &str) -> String {
    let steers = |sign: char| sign.is_control() || turns_text(sign);
    text.chars().map(|sign| if steers(sign) { '\u{fffd}' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_certificate_says_steers_no_terminal() {
        let odd = "a\u{1b}\u{9b}\u{61c}\u{200e}\u{202e}\u{2066}é";
        assert_eq!(printable(odd), format!("a{}é", "\u{fffd}".repeat(6)));
    }
}
