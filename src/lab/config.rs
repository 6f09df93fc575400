//! What a TLS server accepts and shows, and the OpenSSL context that does so.

use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::ssl::{
    AlpnError, NameType, SniError, SslAlert, SslContext, SslContextBuilder, SslMethod, SslOptions,
    SslVerifyMode, SslVersion,
};

use super::LabError;
use super::certificates::{Authority, certificate_authority, key_of_kind};

/// A TLS server, described. The default one is modern: an RSA key, TLS 1.2 and 1.3, and at TLS 1.2
/// the suites that Envoy offers by default.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Suites up to TLS 1.2 in OpenSSL's names, joined by `:`. The server's order, if it has one.
    pub cipher_list: String,
    /// TLS 1.3 suites in their IANA names, joined by `:`; `None` is OpenSSL's three.
    pub tls13_suites: Option<String>,
    /// The oldest protocol version; `None` is the oldest that OpenSSL has.
    pub min_version: Option<SslVersion>,
    /// The newest protocol version; `None` is the newest that OpenSSL has.
    pub max_version: Option<SslVersion>,
    /// Groups for key exchange, such as `X25519:P-256`; `None` is OpenSSL's own list.
    pub groups: Option<String>,
    /// Signature algorithms, such as `ECDSA+SHA256:RSA+SHA256`; `None` is OpenSSL's own list.
    pub signature_algorithms: Option<String>,
    /// A key and certificate of each of these kinds, at most one of a type: RSA and ECDSA, say,
    /// but not two curves of ECDSA.
    pub keys: Vec<KeyKind>,
    /// The key usage in the server's certificates.
    pub key_usage: KeyUsage,
    /// Whether the server's certificates expired yesterday.
    pub expired: bool,
    /// The DNS names and IP addresses in the server's certificates.
    pub names: Vec<String>,
    /// Whether the server asks for a client certificate.
    pub client_certificate: ClientCertificate,
    /// ALPN names in the server's order. Empty means no ALPN; otherwise a client that offers only
    /// others is refused, as RFC 7301 wants.
    pub alpn: Vec<String>,
    /// The only server name that is served: any other, or none, is a fatal `unrecognized_name`.
    pub required_sni: Option<String>,
    /// Whether the order of `cipher_list` decides, and not the client's.
    pub server_preference: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            cipher_list: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
                          ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
                          ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
                .into(),
            tls13_suites: None,
            min_version: Some(SslVersion::TLS1_2),
            max_version: None,
            groups: None,
            signature_algorithms: None,
            keys: vec![KeyKind::Rsa2048],
            key_usage: KeyUsage::None,
            expired: false,
            names: ["localhost", "my-upstream.example.com", "127.0.0.1", "::1"]
                .map(Into::into)
                .to_vec(),
            client_certificate: ClientCertificate::No,
            alpn: Vec::new(),
            required_sni: None,
            server_preference: true,
        }
    }
}

/// The kind of a server's private key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// RSA, 1024 bits: too short by today's rules.
    Rsa1024,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 2048 bits, restricted to PSS signatures.
    RsaPss2048,
    /// ECDSA on P-256.
    EcP256,
    /// ECDSA on P-384.
    EcP384,
    /// ECDSA on P-521.
    EcP521,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
}

impl KeyKind {
    /// Whether both would take the same place in an OpenSSL context.
    fn same_type(self, other: Self) -> bool {
        let slot = |kind| match kind {
            Self::Rsa1024 | Self::Rsa2048 => 0,
            Self::RsaPss2048 => 1,
            Self::EcP256 | Self::EcP384 | Self::EcP521 => 2,
            Self::Ed25519 => 3,
            Self::Ed448 => 4,
        };
        slot(self) == slot(other)
    }
}

/// The key usage extension of a server's certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyUsage {
    /// No such extension, so nothing is forbidden.
    None,
    /// Signatures only: ECDHE, DHE and TLS 1.3.
    DigitalSignature,
    /// Key transport only: the RSA key exchange.
    KeyEncipherment,
}

/// Whether a server asks for a client certificate. One that comes is always verified.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ClientCertificate {
    /// It doesn't ask.
    No,
    /// It asks and does without.
    Optional,
    /// It asks and refuses clients without.
    Required,
}

/// Makes the context that all connections of a server share. Slow: it may have to make RSA keys.
pub(super) fn server_context(config: &ServerConfig) -> Result<SslContext, LabError> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    // Nothing old or short is allowed at any other level.
    context.set_security_level(0);
    // OpenSSL refuses to resume a session behind client certificates without a name for its kind.
    context.set_session_id_context(b"lab")?;
    set_protocol(&mut context, config)?;
    let authority = certificate_authority()?;
    set_certificates(&mut context, config, &authority)?;
    set_client_certificate(&mut context, config.client_certificate, &authority)?;
    set_alpn(&mut context, &config.alpn)?;
    if let Some(name) = config.required_sni.clone() {
        context.set_servername_callback(move |ssl, alert| {
            // Called for a hello without a server name too, which must not slip through.
            let asked = ssl.servername(NameType::HOST_NAME);
            if asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&name)) {
                return Ok(());
            }
            *alert = SslAlert::UNRECOGNIZED_NAME;
            Err(SniError::ALERT_FATAL)
        });
    }
    Ok(context.build())
}

fn set_protocol(context: &mut SslContextBuilder, config: &ServerConfig) -> Result<(), ErrorStack> {
    context.set_min_proto_version(config.min_version)?;
    context.set_max_proto_version(config.max_version)?;
    context.set_cipher_list(&config.cipher_list)?;
    if let Some(suites) = &config.tls13_suites {
        context.set_ciphersuites(suites)?;
    }
    if let Some(groups) = &config.groups {
        context.set_groups_list(groups)?;
    }
    if let Some(algorithms) = &config.signature_algorithms {
        context.set_sigalgs_list(algorithms)?;
    }
    // DHE suites need parameters, which have no default: the 2048-bit group of RFC 3526 §3.
    let prime = BigNum::get_rfc3526_prime_2048()?;
    context.set_tmp_dh(&*Dh::from_pqg(prime, None, BigNum::from_u32(2)?)?)?;
    if config.server_preference {
        context.set_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    } else {
        context.clear_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    }
    Ok(())
}

fn set_certificates(
    context: &mut SslContextBuilder,
    config: &ServerConfig,
    authority: &Authority,
) -> Result<(), LabError> {
    for (index, &kind) in config.keys.iter().enumerate() {
        if let Some(&twin) = config.keys[..index].iter().find(|earlier| earlier.same_type(kind)) {
            return Err(LabError::SameKeyType(twin, kind));
        }
        let key = key_of_kind(kind)?;
        let leaf =
            authority.server_certificate(&key, &config.names, config.key_usage, config.expired)?;
        context.set_certificate(&leaf)?;
        context.set_private_key(&key)?;
    }
    Ok(())
}

fn set_client_certificate(
    context: &mut SslContextBuilder,
    asked: ClientCertificate,
    authority: &Authority,
) -> Result<(), ErrorStack> {
    let mode = match asked {
        ClientCertificate::No => return Ok(()),
        ClientCertificate::Optional => SslVerifyMode::PEER,
        ClientCertificate::Required => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
    };
    context.set_verify(mode);
    context.cert_store_mut().add_cert(authority.certificate().to_owned())?;
    // Names the CA in the CertificateRequest, as servers do.
    context.add_client_ca(authority.certificate())
}

fn set_alpn(context: &mut SslContextBuilder, names: &[String]) -> Result<(), LabError> {
    if names.is_empty() {
        return Ok(());
    }
    let mut ours = Vec::new();
    for name in names {
        match u8::try_from(name.len()) {
            Ok(length @ 1..) => ours.push(length),
            _ => return Err(LabError::AlpnLength(name.len())),
        }
        ours.extend_from_slice(name.as_bytes());
    }
    context.set_alpn_select_callback(move |_, theirs| {
        let all = names_on_the_wire(theirs);
        // The server's order decides. The answer has to be a part of the client's list.
        names_on_the_wire(&ours)
            .find_map(|name| all.clone().find(|offered| *offered == name))
            .ok_or(AlpnError::ALERT_FATAL)
    });
    Ok(())
}

/// The names in an ALPN list, each behind a length of one byte (RFC 7301 §3.1).
fn names_on_the_wire(mut list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    std::iter::from_fn(move || {
        let (&length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(length.into())?;
        list = rest;
        Some(name)
    })
}
