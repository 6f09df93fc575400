//! The hellos of a survey: small, plain, for one version.

use rand::RngCore;

use super::candidates::goes_with_rsa;
use crate::tls::{CipherSuite, Group, KeyExchange, SignatureScheme, TlsVersion};
use crate::wire::{ClientHello, Extension, KeyShare};

/// The most suites in one hello; some servers fail above 64 or 128.
const MOST_SUITES: usize = 64;
/// The longest hello in bytes: servers exist that drop longer ones (RFC 7685 §1).
const MOST_BYTES: usize = 255;

/// What is constant in all hellos to one endpoint.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Subject {
    /// server_name, as it travels; `None` leaves the extension out.
    pub sni: Option<String>,
    /// How hellos are made, whatever they ask.
    pub manner: Manner,
}

/// How the hellos to one server are made, whatever they ask: as few restraints as it allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Manner {
    /// The most suites in one hello.
    pub(super) most_suites: usize,
    /// The longest message in bytes that sets are cut for.
    pub(super) most_bytes: usize,
    /// Which extensions go along.
    pub(super) extensions: Extensions,
    /// Whether server_name stays out although there is a name.
    pub(super) omits_name: bool,
    /// Whether the record says TLS 1.2, and not TLS 1.0 as RFC 8446 §5.1 has it for a first one.
    pub(super) newer_record: bool,
}

/// Which extensions go along with a hello.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Extensions {
    /// All that a server may want, with every group and scheme.
    #[default]
    Usual,
    /// The same extensions with few groups and schemes.
    Few,
    /// None but server_name; TLS 1.3 keeps those that it cannot do without.
    Bare,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            most_suites: MOST_SUITES,
            most_bytes: MOST_BYTES,
            extensions: Extensions::Usual,
            omits_name: false,
            newer_record: false,
        }
    }
}

impl Subject {
    /// The same in another manner.
    pub(super) fn in_manner(&self, manner: Manner) -> Self {
        Self { manner, ..self.clone() }
    }

    /// Whether a hello may offer so many suites at once.
    pub(super) fn fits(&self, suites: &[CipherSuite]) -> bool {
        suites.len() <= self.manner.most_suites
    }

    fn name(&self) -> Option<Extension> {
        let name = self.sni.clone().filter(|_| !self.manner.omits_name);
        name.map(Extension::ServerName)
    }

    fn record_version(&self, version: TlsVersion) -> TlsVersion {
        version.min(if self.manner.newer_record { TlsVersion::TLS12 } else { TlsVersion::TLS10 })
    }

    /// At most so many of the groups as the manner allows, the most in use first.
    fn groups(&self, groups: &[Group]) -> Vec<Group> {
        let most = if self.manner.extensions == Extensions::Usual { usize::MAX } else { FEW };
        groups.iter().copied().take(most).collect()
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        match self.manner.extensions {
            Extensions::Usual => SCHEMES.to_vec(),
            _ => FEW_SCHEMES.to_vec(),
        }
    }
}

/// The groups that go with suites of an elliptic curve exchange. Finite field groups stay out:
/// they would forbid a server to use its own DH parameters (RFC 7919 §4).
const CURVES: [Group; 8] = [
    Group::X25519,
    Group::SECP256R1,
    Group::SECP384R1,
    Group::SECP521R1,
    Group::X448,
    Group(0x001a),
    Group(0x001b),
    Group(0x0016),
];

/// The groups that a hello for TLS 1.3 offers.
const TLS13_GROUPS: [Group; 15] = [
    Group::X25519,
    Group::SECP256R1,
    Group::SECP384R1,
    Group::SECP521R1,
    Group::X448,
    Group::X25519_MLKEM768,
    Group::SECP256R1_MLKEM768,
    Group::SECP384R1_MLKEM1024,
    Group(0x0200),
    Group::MLKEM768,
    Group::MLKEM1024,
    Group(0x0100),
    Group(0x0101),
    Group(0x001f),
    Group(0x0020),
];

/// The schemes that a hello offers: one for every kind of key and hash in use.
const SCHEMES: [SignatureScheme; 15] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::ECDSA_SECP521R1_SHA512,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
    SignatureScheme(0x0809),
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SHA1,
    SignatureScheme(0x0402),
    SignatureScheme(0x0301),
];

/// How many groups a hello with few of them offers: X25519 and NIST's curves, which hardly any
/// server lacks all of.
const FEW: usize = 4;
/// The schemes of a hello with few of them.
const FEW_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ED25519,
];

/// How a hello for TLS 1.3 asks for the key exchange.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Tls13Share {
    /// With an empty key_share, so that the server answers with a HelloRetryRequest and need
    /// not sign (RFC 8446 §4.2.8).
    #[default]
    Empty,
    /// With real keys, for servers that take an empty list for an error.
    Real,
}

/// A hello that offers `suites` under `version` alone.
pub(super) fn suite_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
    share: Tls13Share,
) -> ClientHello {
    if version == TlsVersion::TLS13 {
        tls13_hello(subject, suites, &TLS13_GROUPS, share)
    } else {
        legacy_hello(subject, version, suites, &CURVES)
    }
}

/// A hello that offers `suites` and `groups` under `version` alone.
pub(super) fn group_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
    groups: &[Group],
) -> ClientHello {
    if version == TlsVersion::TLS13 {
        tls13_hello(subject, suites, groups, Tls13Share::Empty)
    } else {
        legacy_hello(subject, version, suites, groups)
    }
}

/// A hello for suites as the survey sends them, as a control.
pub(super) fn plain_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
) -> ClientHello {
    suite_hello(subject, version, suites, Tls13Share::Empty)
}

/// A hello that claims `version`, in its legacy field alone, and offers what came up to TLS 1.2:
/// extended_master_secret, session tickets, and DEFLATE if asked to.
pub(super) fn legacy_feature_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
    compression: bool,
) -> ClientHello {
    const DEFLATE: u8 = 1;
    let known = version.min(TlsVersion::TLS12);
    let mut hello = legacy_hello(subject, known, suites, &CURVES);
    hello.legacy_version = version;
    hello.extensions.extend([Extension::ExtendedMasterSecret, Extension::SessionTicket]);
    if compression {
        hello.compression_methods.insert(0, DEFLATE);
    }
    hello
}

/// The suites of a greeting: one for every kind of server in wide use.
const GREETING: [CipherSuite; 10] = [
    CipherSuite(0x1301),
    CipherSuite(0x1302),
    CipherSuite(0xc02f),
    CipherSuite(0xc02b),
    CipherSuite(0xc030),
    CipherSuite(0x009c),
    CipherSuite(0xc013),
    CipherSuite(0x002f),
    CipherSuite(0x0035),
    CipherSuite(0x000a),
];

/// A hello that most servers select something from, under TLS 1.3 or any older version.
pub(super) fn greeting(subject: &Subject) -> ClientHello {
    let mut suites = GREETING.to_vec();
    let is_usual = subject.manner.extensions == Extensions::Usual;
    if is_usual {
        let more = CipherSuite::registered().filter(|suite| goes_with_rsa(*suite));
        suites.extend(more.filter(|suite| !GREETING.contains(suite)).take(20));
    }
    let mut hello = legacy_hello(subject, TlsVersion::TLS12, &suites, &CURVES);
    if subject.manner.extensions != Extensions::Bare {
        let versions = vec![TlsVersion::TLS13, TlsVersion::TLS12];
        hello.extensions.push(Extension::SupportedVersions(versions));
        hello.extensions.push(Extension::KeyShare(Vec::new()));
    }
    hello
}

/// A hello for `version` alone that says that it is a fallback from a higher one (RFC 7507).
pub(super) fn fallback_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
) -> ClientHello {
    const FALLBACK: CipherSuite = CipherSuite(0x5600);
    let mut hello = legacy_hello(subject, version, suites, &CURVES);
    hello.cipher_suites.push(FALLBACK);
    hello
}

/// A hello for all versions from TLS 1.0 up, as browsers lay it out, for a server whose newest
/// is `newest`. With `grease`, values that nobody has assigned stand where browsers put them
/// (RFC 8701 §3.1): a suite, a group and its key, a version, and an extension at both ends.
pub(super) fn modern_hello(
    subject: &Subject,
    newest: TlsVersion,
    suites: &[CipherSuite],
    grease: bool,
) -> ClientHello {
    const SUITE: u16 = 0x8a8a;
    const GROUP: Group = Group(0x3a3a);
    const VERSION: TlsVersion = TlsVersion(0xbaba);
    let first = |value: u16| grease.then_some(value).into_iter();
    let mut hello = legacy_hello(subject, newest.min(TlsVersion::TLS12), suites, &TLS13_GROUPS);
    hello.legacy_version = TlsVersion::TLS12;
    hello.cipher_suites.splice(0..0, first(SUITE).map(CipherSuite));
    let groups = grease.then_some(GROUP).into_iter().chain(TLS13_GROUPS).collect();
    let key = KeyShare { group: GROUP, key_exchange: vec![0] };
    let all = [TlsVersion::TLS13, TlsVersion::TLS12, TlsVersion::TLS11, TlsVersion::TLS10];
    let versions = grease.then_some(VERSION).into_iter().chain(all).collect();
    let unknown = |kind, payload: &[u8]| Extension::Other { kind, payload: payload.to_vec() };
    hello.extensions = Vec::new();
    hello.extensions.extend(grease.then(|| unknown(0x1a1a, &[])));
    hello.extensions.extend(subject.sni.clone().map(Extension::ServerName));
    hello.extensions.extend([
        Extension::ExtendedMasterSecret,
        Extension::SupportedGroups(groups),
        Extension::EcPointFormats,
        Extension::SignatureAlgorithms(SCHEMES[..8].to_vec()),
        // Without a key that a server could use, it asks for one and need not sign.
        Extension::KeyShare(grease.then_some(key).into_iter().collect()),
        Extension::PskKeyExchangeModes,
        Extension::SupportedVersions(versions),
    ]);
    // Not empty, since a server may take an empty extension at the end for an error.
    hello.extensions.extend(grease.then(|| unknown(0xfafa, &[0])));
    hello
}

fn legacy_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
    groups: &[Group],
) -> ClientHello {
    let mut cipher_suites = suites.to_vec();
    if version > TlsVersion::SSL3 {
        cipher_suites.push(CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV);
    }
    ClientHello {
        record_version: subject.record_version(version),
        legacy_version: version,
        random: random(),
        session_id: Vec::new(),
        cipher_suites,
        compression_methods: vec![0],
        extensions: legacy_extensions(subject, version, suites, groups),
    }
}

fn legacy_extensions(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
    groups: &[Group],
) -> Vec<Extension> {
    let mut extensions = Vec::new();
    if version == TlsVersion::SSL3 {
        return extensions;
    }
    extensions.extend(subject.name());
    if subject.manner.extensions == Extensions::Bare {
        return extensions;
    }
    if suites.iter().any(|suite| needs_groups(*suite)) {
        extensions.push(Extension::SupportedGroups(subject.groups(groups)));
        extensions.push(Extension::EcPointFormats);
    }
    if version == TlsVersion::TLS12 {
        extensions.push(Extension::SignatureAlgorithms(subject.schemes()));
    }
    extensions
}

/// A hello that offers suites of SRP and a user name that nobody should have (RFC 5054 §2.8.1).
pub(super) fn user_hello(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
) -> ClientHello {
    const SRP: u16 = 0x000c;
    const NAME: &[u8] = b"cipher-test";
    let payload = [&[NAME.len() as u8][..], NAME].concat();
    let mut hello = legacy_hello(subject, version, suites, &CURVES);
    hello.extensions.push(Extension::Other { kind: SRP, payload });
    hello
}

fn tls13_hello(
    subject: &Subject,
    suites: &[CipherSuite],
    groups: &[Group],
    share: Tls13Share,
) -> ClientHello {
    let mut extensions = Vec::new();
    extensions.extend(subject.name());
    extensions.extend([
        Extension::SupportedGroups(subject.groups(groups)),
        Extension::SignatureAlgorithms(subject.schemes()),
        Extension::SupportedVersions(vec![TlsVersion::TLS13]),
        Extension::KeyShare(shares(share)),
    ]);
    let is_usual = subject.manner.extensions == Extensions::Usual;
    if is_usual {
        extensions.push(Extension::PskKeyExchangeModes);
    }
    ClientHello {
        record_version: subject.record_version(TlsVersion::TLS12),
        legacy_version: TlsVersion::TLS12,
        random: random(),
        // Middleboxes take a hello without a session id for something else (RFC 8446 §D.4).
        session_id: if is_usual { random().to_vec() } else { Vec::new() },
        cipher_suites: suites.to_vec(),
        compression_methods: vec![0],
        extensions,
    }
}

fn shares(share: Tls13Share) -> Vec<KeyShare> {
    match share {
        Tls13Share::Empty => Vec::new(),
        Tls13Share::Real => [Group::X25519, Group::SECP256R1]
            .into_iter()
            .filter_map(|group| KeyShare::generate(group, &mut rand::rng()).ok().flatten())
            .collect(),
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn needs_groups(suite: CipherSuite) -> bool {
    match suite.key_exchange() {
        KeyExchange::Ecdhe => true,
        KeyExchange::StaticDh | KeyExchange::Psk => {
            suite.iana_name().is_some_and(|name| name.contains("ECDH"))
        }
        _ => false,
    }
}

/// Cuts `suites` into sets that each fit one hello, families together, so that a family which
/// the server cannot serve falls with one hello.
pub(super) fn hello_sized_sets(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
) -> Vec<Vec<CipherSuite>> {
    let (with_groups, without): (Vec<_>, Vec<_>) =
        suites.iter().copied().partition(|suite| needs_groups(*suite));
    [with_groups, without]
        .into_iter()
        .flat_map(|suites| one_kind_sets(subject, version, &suites))
        .collect()
}

/// Cuts `suites` into as few sets as fit a hello, in the order given.
pub(super) fn one_kind_sets(
    subject: &Subject,
    version: TlsVersion,
    suites: &[CipherSuite],
) -> Vec<Vec<CipherSuite>> {
    let largest = suites.iter().find(|suite| needs_groups(**suite)).or(suites.first());
    let Some(largest) = largest else { return Vec::new() };
    even_chunks(suites, capacity(subject, version, *largest))
}

/// How many suites of the kind of `sample` fit a hello.
fn capacity(subject: &Subject, version: TlsVersion, sample: CipherSuite) -> usize {
    let hello = suite_hello(subject, version, &[sample], Tls13Share::Empty);
    let most = subject.manner.most_bytes;
    let length = hello.encode_message().map_or(most, |message| message.len());
    // A very long name leaves no room below the limit; then a few suites must do.
    let most_suites = subject.manner.most_suites;
    (1 + most.saturating_sub(length) / 2).clamp(most_suites.min(8), most_suites)
}

fn even_chunks(suites: &[CipherSuite], most: usize) -> Vec<Vec<CipherSuite>> {
    let chunks = suites.len().div_ceil(most).max(1);
    suites.chunks(suites.len().div_ceil(chunks)).map(<[CipherSuite]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hello_is_longer_than_255_bytes_or_64_suites() {
        let all: Vec<_> = CipherSuite::registered().collect();
        for name in [None, Some("my-upstream.example.com".to_owned())] {
            let subject = Subject { sni: name, ..Subject::default() };
            for version in TlsVersion::SURVEYED {
                let sets = hello_sized_sets(&subject, version, &all);
                assert_eq!(sets.iter().map(Vec::len).sum::<usize>(), all.len());
                for set in sets {
                    assert!(set.len() <= 64);
                    if version < TlsVersion::TLS13 {
                        let hello = suite_hello(&subject, version, &set, Tls13Share::Empty);
                        let length = hello.encode_message().unwrap().len();
                        assert!(length <= 255, "{version}: {} suites, {length} bytes", set.len());
                    }
                }
            }
        }
    }

    #[test]
    fn hellos_for_behaviour_are_small_too() {
        let subject =
            Subject { sni: Some("my-upstream.example.com".to_owned()), ..Subject::default() };
        let suites: Vec<_> =
            CipherSuite::registered().filter(|suite| needs_groups(*suite)).collect();
        let sizes = [
            legacy_feature_hello(&subject, TlsVersion::TLS13, &suites[..16], true),
            fallback_hello(&subject, TlsVersion::TLS12, &suites[..16]),
            modern_hello(&subject, TlsVersion::TLS13, &suites[..8], true),
        ]
        .map(|hello| hello.encode_message().unwrap().len());
        assert!(sizes.iter().all(|size| *size <= MOST_BYTES), "{sizes:?}");
    }

    #[test]
    fn the_hello_with_grease_is_the_one_without_and_more() {
        let suites = [CipherSuite(0x1301)];
        let [with, without] = [true, false]
            .map(|grease| modern_hello(&Subject::default(), TlsVersion::TLS13, &suites, grease));
        let is_grease = |number: u16| number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff;
        assert!(is_grease(with.cipher_suites[0].0) && is_grease(with.groups()[0].0));
        assert!(is_grease(with.highest_version().0));
        assert_eq!(with.extensions.iter().filter(|it| is_grease(it.kind())).count(), 2);
        assert_eq!(with.cipher_suites[1..], without.cipher_suites);
        assert_eq!(with.groups()[1..], *without.groups());
        let kinds = |hello: &ClientHello| -> Vec<_> {
            let kinds = hello.extensions.iter().map(Extension::kind);
            kinds.filter(|kind| !is_grease(*kind)).collect()
        };
        assert_eq!(kinds(&with), kinds(&without));
    }

    #[test]
    fn ssl3_hellos_have_no_extensions() {
        let subject = Subject { sni: Some("x.example".to_owned()), ..Subject::default() };
        let suites = [CipherSuite(0xc013)];
        let hello = suite_hello(&subject, TlsVersion::SSL3, &suites, Tls13Share::Empty);
        assert!(hello.extensions.is_empty());
        assert_eq!(hello.cipher_suites, suites);
    }
}
