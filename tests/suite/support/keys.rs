//! Throw-away keys and certificates, made at run time and kept for the test process.
//!
//! One authority signs every leaf but the untrusted ones, which another authority signs. All
//! leaves are for `localhost`, `my-upstream.example.com` and 127.0.0.1. RSA leaves share one key,
//! since making one takes longer than all the rest.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::dsa::Dsa;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Name, X509NameRef};

use super::kept;

/// The name that every leaf is good for, besides `localhost` and 127.0.0.1.
pub(crate) const NAME: &str = "my-upstream.example.com";

/// The password of every PKCS #12 file.
pub(crate) const PASSWORD: &str = "throw-away";

/// The leaf certificates there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Leaf {
    /// RSA with 2048 bits and no key usage extension.
    Rsa,
    /// RSA whose key usage is digitalSignature alone: good for ECDHE and TLS 1.3.
    RsaSigningOnly,
    /// RSA whose key usage is keyEncipherment alone: good for RSA key exchange.
    RsaEnciphermentOnly,
    /// RSA, and its time is over.
    RsaExpired,
    /// RSA, signed by the authority that nobody trusts.
    RsaUntrusted,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    /// ECDSA on P-256 whose key usage is keyAgreement alone.
    EcdsaWithoutSigning,
    Ed25519,
    Ed448,
    /// DSA with 1024 bits, since parameters of more take seconds to make.
    Dsa,
    /// A client's certificate.
    Client,
    /// A client's certificate, signed by the authority that nobody trusts.
    ClientUntrusted,
}

/// A certificate with its key, in the forms that servers want.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// The certificate alone, PEM.
    pub(crate) certificate: PathBuf,
    /// The key alone, PEM.
    pub(crate) key: PathBuf,
    /// Certificate and key in one PEM file.
    pub(crate) both: PathBuf,
    /// Certificate and key in one PKCS #12 file, under [`PASSWORD`].
    pub(crate) pkcs12: PathBuf,
}

struct Authority {
    certificate: X509,
    key: PKey<Private>,
    path: PathBuf,
}

/// Returns a leaf, made on first use.
pub(crate) fn leaf(leaf: Leaf) -> &'static Certificate {
    static MADE: [OnceLock<Certificate>; Leaf::ClientUntrusted as usize + 1] =
        [const { OnceLock::new() }; Leaf::ClientUntrusted as usize + 1];
    MADE[leaf as usize].get_or_init(|| make_leaf(leaf))
}

/// The PEM file with the authority that signs all but the untrusted certificates.
pub(crate) fn authority() -> &'static Path {
    &trusted().path
}

fn trusted() -> &'static Authority {
    static MADE: OnceLock<Authority> = OnceLock::new();
    MADE.get_or_init(|| make_authority("authority"))
}

fn untrusted() -> &'static Authority {
    static MADE: OnceLock<Authority> = OnceLock::new();
    MADE.get_or_init(|| make_authority("other-authority"))
}

fn rsa_key() -> PKey<Private> {
    static MADE: OnceLock<PKey<Private>> = OnceLock::new();
    MADE.get_or_init(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()).clone()
}

fn name(common: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, common).unwrap();
    name.build()
}

fn make_authority(common: &str) -> Authority {
    // Its own key: a shared one would let either authority pass for the other.
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let subject = name(common);
    let mut builder = draft(&subject, &subject, &key, -1, 3650);
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
    builder.append_extension(usage).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build();
    let path = kept().join(format!("{common}.pem"));
    std::fs::write(&path, certificate.to_pem().unwrap()).unwrap();
    Authority { certificate, key, path }
}

fn draft(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    from_day: i64,
    to_day: i64,
) -> openssl::x509::X509Builder {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let on = |day: i64| Asn1Time::from_unix(now.as_secs().cast_signed() + day * 86_400).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(63, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();

    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&on(from_day)).unwrap();
    builder.set_not_after(&on(to_day)).unwrap();
    builder
}

fn make_key(leaf: Leaf) -> PKey<Private> {
    let on_curve = |curve| {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    match leaf {
        Leaf::EcdsaP256 | Leaf::EcdsaWithoutSigning => on_curve(Nid::X9_62_PRIME256V1),
        Leaf::EcdsaP384 => on_curve(Nid::SECP384R1),
        Leaf::EcdsaP521 => on_curve(Nid::SECP521R1),
        Leaf::Ed25519 => PKey::generate_ed25519().unwrap(),
        Leaf::Ed448 => PKey::generate_ed448().unwrap(),
        Leaf::Dsa => PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap(),
        _ => rsa_key(),
    }
}

fn key_usage(leaf: Leaf) -> Option<KeyUsage> {
    let mut usage = KeyUsage::new();
    match leaf {
        Leaf::RsaSigningOnly => usage.digital_signature(),
        Leaf::RsaEnciphermentOnly => usage.key_encipherment(),
        Leaf::EcdsaWithoutSigning => usage.key_agreement(),
        _ => return None,
    };
    Some(usage)
}

fn make_leaf(leaf: Leaf) -> Certificate {
    let authority = match leaf {
        Leaf::RsaUntrusted | Leaf::ClientUntrusted => untrusted(),
        _ => trusted(),
    };
    let (from_day, to_day) = if leaf == Leaf::RsaExpired { (-60, -30) } else { (-1, 365) };
    let key = make_key(leaf);
    let issuer = authority.certificate.subject_name();
    let mut builder = draft(&name(&format!("{leaf:?}")), issuer, &key, from_day, to_day);

    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .dns(NAME)
        .ip("127.0.0.1")
        .build(&builder.x509v3_context(Some(&authority.certificate), None))
        .unwrap();
    builder.append_extension(names).unwrap();
    if let Some(mut usage) = key_usage(leaf) {
        builder.append_extension(usage.critical().build().unwrap()).unwrap();
    }
    if matches!(leaf, Leaf::Client | Leaf::ClientUntrusted) {
        let purpose = ExtendedKeyUsage::new().client_auth().build().unwrap();
        builder.append_extension(purpose).unwrap();
    }
    builder.sign(&authority.key, MessageDigest::sha256()).unwrap();
    write(leaf, &builder.build(), &key)
}

fn write(leaf: Leaf, certificate: &X509, key: &PKey<Private>) -> Certificate {
    let path = |ending: &str| kept().join(format!("{leaf:?}{ending}"));
    let files = Certificate {
        certificate: path(".pem"),
        key: path("-key.pem"),
        both: path("-both.pem"),
        pkcs12: path(".p12"),
    };
    let (certificate_pem, key_pem) =
        (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
    std::fs::write(&files.certificate, &certificate_pem).unwrap();
    std::fs::write(&files.key, &key_pem).unwrap();
    std::fs::write(&files.both, [certificate_pem, key_pem].concat()).unwrap();
    // PKCS #12 is for JSSE alone, which has no use for Ed448 keys of other makers.
    if key.id() != Id::ED448 {
        let store = Pkcs12::builder().name("leaf").pkey(key).cert(certificate).build2(PASSWORD);
        std::fs::write(&files.pkcs12, store.unwrap().to_der().unwrap()).unwrap();
    }
    files
}
