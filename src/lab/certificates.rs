//! Keys and certificates, made in memory and never written anywhere.
//!
//! One CA for each process signs everything. RSA keys are slow to make and so are made once; all
//! other keys are new each time.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, PKeyRef, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage as KeyUsageExtension, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref};

use super::config::{KeyKind, KeyUsage};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// From when to when a certificate holds, in days from now.
const VALID_DAYS: (i64, i64) = (-1, 30);
const EXPIRED_DAYS: (i64, i64) = (-30, -1);

/// A client certificate that lab servers accept, with its key, both as PEM. Its debug form leaves
/// the key out.
#[derive(Clone, Eq, PartialEq)]
pub struct ClientIdentity {
    /// The certificate, signed by the CA of [`ca_certificate_pem`].
    pub certificate_pem: String,
    /// The private key, PKCS #8 without a password.
    pub private_key_pem: String,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// The certificate of the CA that signs for all lab servers of this process, as PEM.
///
/// # Errors
///
/// Only those of OpenSSL, when it can't make a key. Slow on first use, as it makes an RSA key.
pub fn ca_certificate_pem() -> Result<String, ErrorStack> {
    Ok(text(certificate_authority()?.certificate().to_pem()?))
}

/// Makes a client certificate that lab servers of this process accept.
///
/// # Errors
///
/// Only those of OpenSSL, when it can't make a key. Slow on first use, as it makes an RSA key.
pub fn client_identity() -> Result<ClientIdentity, ErrorStack> {
    let key = key_of_kind(KeyKind::EcP256)?;
    let certificate = certificate_authority()?.client_certificate(&key)?;
    Ok(ClientIdentity {
        certificate_pem: text(certificate.to_pem()?),
        private_key_pem: text(key.private_key_to_pem_pkcs8()?),
    })
}

/// PEM is ASCII, so nothing is lost here.
fn text(pem: Vec<u8>) -> String {
    String::from_utf8_lossy(&pem).into_owned()
}

/// A CA: what it takes to sign certificates.
#[derive(Clone)]
pub(super) struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    /// RSA, since some old clients can't verify any other signature.
    fn generate() -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let name = common_name("cipher-test demo CA")?;
        let mut builder = unsigned(&name, &name, &key, VALID_DAYS)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        let usage = KeyUsageExtension::new().critical().key_cert_sign().crl_sign().build()?;
        builder.append_extension(usage)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { certificate: builder.build(), key })
    }

    pub(super) fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Signs a server's certificate for `key`.
    pub(super) fn server_certificate(
        &self,
        key: &PKeyRef<Private>,
        names: &[String],
        usage: KeyUsage,
        expired: bool,
    ) -> Result<X509, ErrorStack> {
        let days = if expired { EXPIRED_DAYS } else { VALID_DAYS };
        let mut builder = self.leaf("cipher-test demo server", key, days)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        append_names(&mut builder, names)?;
        append_key_usage(&mut builder, usage)?;
        self.sign(builder)
    }

    /// Signs a client's certificate for `key`.
    fn client_certificate(&self, key: &PKeyRef<Private>) -> Result<X509, ErrorStack> {
        let mut builder = self.leaf("cipher-test demo client", key, VALID_DAYS)?;
        builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)?;
        append_key_usage(&mut builder, KeyUsage::DigitalSignature)?;
        self.sign(builder)
    }

    fn leaf(
        &self,
        name: &str,
        key: &PKeyRef<Private>,
        days: (i64, i64),
    ) -> Result<X509Builder, ErrorStack> {
        let issuer = self.certificate.subject_name();
        let subject = common_name(name)?;
        let mut builder = unsigned(&subject, issuer, key, days)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        Ok(builder)
    }

    fn sign(&self, mut builder: X509Builder) -> Result<X509, ErrorStack> {
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

/// What is made once in a process. Nothing here is half done after a panic, so poison is ignored.
#[derive(Default)]
struct Store {
    authority: Option<Authority>,
    rsa_keys: HashMap<KeyKind, PKey<Private>>,
}

static STORE: Mutex<Option<Store>> = Mutex::new(None);

fn with_store<T>(work: impl FnOnce(&mut Store) -> Result<T, ErrorStack>) -> Result<T, ErrorStack> {
    let mut store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    work(store.get_or_insert_default())
}

/// The CA of this process.
pub(super) fn certificate_authority() -> Result<Authority, ErrorStack> {
    with_store(|store| {
        if let Some(authority) = &store.authority {
            return Ok(authority.clone());
        }
        Ok(store.authority.insert(Authority::generate()?).clone())
    })
}

/// A key of this kind: a new one, or for RSA the one of this process.
pub(super) fn key_of_kind(kind: KeyKind) -> Result<PKey<Private>, ErrorStack> {
    match kind {
        KeyKind::Rsa1024 => rsa_key(kind, Id::RSA, 1024),
        KeyKind::Rsa2048 => rsa_key(kind, Id::RSA, 2048),
        KeyKind::RsaPss2048 => rsa_key(kind, Id::RSA_PSS, 2048),
        KeyKind::EcP256 => PKey::ec_gen("P-256"),
        KeyKind::EcP384 => PKey::ec_gen("P-384"),
        KeyKind::EcP521 => PKey::ec_gen("P-521"),
        KeyKind::Ed25519 => PKey::generate_ed25519(),
        KeyKind::Ed448 => PKey::generate_ed448(),
    }
}

fn rsa_key(kind: KeyKind, id: Id, bits: u32) -> Result<PKey<Private>, ErrorStack> {
    with_store(|store| {
        if let Some(key) = store.rsa_keys.get(&kind) {
            return Ok(key.clone());
        }
        let mut generator = PkeyCtx::new_id(id)?;
        generator.keygen_init()?;
        generator.set_rsa_keygen_bits(bits)?;
        let key = generator.keygen()?;
        store.rsa_keys.insert(kind, key.clone());
        Ok(key)
    })
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509Name::builder()?;
    builder.append_entry_by_text("CN", name)?;
    Ok(builder.build())
}

/// A certificate with all but extensions and signature.
fn unsigned(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<Private>,
    days: (i64, i64),
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    // RFC 5280 §4.1.2.2: positive, not 0, at most 20 bytes.
    serial.rand(127, MsbOption::ONE, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?; // X.509 v3 counts from 0
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*days_from_now(days.0)?)?;
    builder.set_not_after(&*days_from_now(days.1)?)?;
    Ok(builder)
}

fn days_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    // A clock before 1970 or beyond 64 bits has other troubles than this certificate.
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(elapsed.as_secs()).unwrap_or_default();
    Asn1Time::from_unix(now + days * DAY_SECONDS)
}

fn append_names(builder: &mut X509Builder, names: &[String]) -> Result<(), ErrorStack> {
    if names.is_empty() {
        return Ok(());
    }
    let mut extension = SubjectAlternativeName::new();
    for name in names {
        if name.parse::<IpAddr>().is_ok() {
            extension.ip(name);
        } else {
            extension.dns(name);
        }
    }
    let extension = extension.build(&builder.x509v3_context(None, None))?;
    builder.append_extension(extension)
}

fn append_key_usage(builder: &mut X509Builder, usage: KeyUsage) -> Result<(), ErrorStack> {
    let mut extension = KeyUsageExtension::new();
    match usage {
        KeyUsage::None => return Ok(()),
        KeyUsage::DigitalSignature => extension.digital_signature(),
        KeyUsage::KeyEncipherment => extension.key_encipherment(),
    };
    builder.append_extension(extension.critical().build()?)
}
