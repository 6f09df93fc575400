//! Complete handshakes with OpenSSL.
//!
//! A wire probe shows what a server selects; a complete handshake shows that a session comes of
//! it, and what only travels encrypted: the chain and the request for a client certificate of
//! TLS 1.3, and what the server says to a client without one.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{
    self, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode,
    SslVerifyMode, SslVersion,
};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_openssl::SslStream;

use super::credentials::Identity;
use super::openssl_ffi::{
    Asked, cipher_names, note_certificate_requests, set_client_signature_algorithms,
};
use super::prober::{Ending, FAILURE_PAUSE, ProbeError, Prober};
use super::way::Connection;
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};

/// What a handshake offers. Strings are in OpenSSL's grammar.
#[derive(Clone, Debug, Default)]
pub struct HandshakeRequest {
    /// The lowest version, or SSLv3.
    pub minimum: Option<TlsVersion>,
    /// The highest version, or the newest that OpenSSL has.
    pub maximum: Option<TlsVersion>,
    /// Suites up to TLS 1.2, or all.
    pub cipher_list: Option<String>,
    /// Suites of TLS 1.3, or all.
    pub tls13_suites: Option<String>,
    /// Groups, or all.
    pub groups: Option<String>,
    /// Signature algorithms, or OpenSSL's own.
    pub signature_algorithms: Option<String>,
    /// What the identity may sign with, or the signature algorithms.
    pub client_signature_algorithms: Option<&'static CStr>,
    /// server_name, as it travels.
    pub sni: Option<String>,
    /// ALPN, most wanted first.
    pub alpn: Vec<Vec<u8>>,
    /// What to show a server that asks for a client certificate.
    pub identity: Option<Identity>,
}

/// A handshake that was completed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Handshake {
    /// The version negotiated.
    pub version: TlsVersion,
    /// The suite negotiated.
    pub cipher_suite: CipherSuite,
    /// The application protocol negotiated.
    pub alpn: Option<Vec<u8>>,
    /// The server's chain in DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// Whether the server asked for a client certificate.
    pub certificate_requested: bool,
    /// What the server said after a handshake that it then took back, as TLS 1.3 servers do
    /// which miss a client certificate.
    pub rejected: Option<AlertDescription>,
    /// Whether the server ended the connection right after the handshake, without an alert.
    pub hung_up: bool,
}

/// Why a handshake was not completed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The connection failed or took too long.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The linked OpenSSL cannot offer this.
    #[error("the linked OpenSSL cannot offer this: {0}")]
    Unsupported(String),
    /// The handshake ended in an alert of the server, or in an error of our own.
    #[error("{reason}")]
    Failed {
        /// The alert, if the server sent one.
        alert: Option<AlertDescription>,
        /// Alert or error in words.
        reason: String,
        /// Whether OpenSSL itself gave up, over something that another client may take.
        ours: bool,
        /// Whether the server had selected a suite before.
        selected: bool,
        /// Whether the server had asked for a client certificate before.
        certificate_requested: bool,
        /// How the connection ended, where that was all.
        ended: Option<Ending>,
    },
}

/// How long to wait for a server's verdict after a handshake that took `elapsed`: a server
/// checks the client's certificate within one round trip and its own work.
#[must_use]
pub fn after_handshake_wait(elapsed: Duration) -> Duration {
    (elapsed * 4).clamp(Duration::from_millis(200), Duration::from_secs(2))
}

/// The suites that the linked OpenSSL can complete handshakes with, in its own order, by the
/// names that `openssl ciphers ALL:eNULL` prints.
#[must_use]
pub fn openssl_ciphers() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| CONTEXT.as_ref().map(|context| cipher_names(context)).unwrap_or_default());
    &NAMES
}

/// Where a connection notes that a certificate was asked for.
static ASKED: LazyLock<Option<Asked>> = LazyLock::new(|| Ssl::new_ex_index().ok());
/// Where a connection notes that a session ticket arrived.
static TICKET: LazyLock<Option<openssl::ex_data::Index<Ssl, bool>>> =
    LazyLock::new(|| Ssl::new_ex_index().ok());
/// The context of all handshakes that restrict no groups and signature algorithms: making one
/// costs OpenSSL more than a handshake.
static CONTEXT: LazyLock<Result<SslContext, ErrorStack>> =
    LazyLock::new(|| Ok(context_builder()?.build()));

/// How many handshakes are under way at once, with all servers together: OpenSSL takes some 170 KB
/// for each.
static AT_ONCE: Semaphore = Semaphore::const_new(160);

/// Everything that OpenSSL has, at security level 0.
const ALL_SUITES: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
const ALL_TLS13_SUITES: &str = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:\
    TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";
/// Common groups first, so that key shares stay small.
const ALL_GROUPS: [&str; 22] = [
    "X25519",
    "P-256",
    "P-384",
    "P-521",
    "X448",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "secp256k1",
    "P-224",
    "P-192",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
    "MLKEM768",
    "MLKEM1024",
    "MLKEM512",
];
const ALL_SIGNATURE_ALGORITHMS: &str = "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:\
    rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:\
    ecdsa_secp521r1_sha512:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:ed25519:ed448:\
    rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:ECDSA+SHA1:RSA+SHA1:DSA+SHA1:\
    DSA+SHA256:DSA+SHA384:DSA+SHA512:RSA+SHA224:ECDSA+SHA224:DSA+SHA224";

/// A client context that speaks all that the linked OpenSSL has and verifies nothing.
fn context_builder() -> Result<SslContextBuilder, ErrorStack> {
    load_legacy_provider();
    // Not SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION: only to connect to servers without secure
    // renegotiation, as Envoy does.
    const LEGACY_SERVER_CONNECT: u64 = 0x4;
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_security_level(0);
    context.set_verify(SslVerifyMode::NONE);
    context.set_options(SslOptions::from_bits_retain(LEGACY_SERVER_CONNECT as _));
    context.set_min_proto_version(Some(SslVersion::SSL3))?;
    context.set_cipher_list(ALL_SUITES)?;
    context.set_ciphersuites(ALL_TLS13_SUITES)?;
    set_groups(&mut context)?;
    context.set_sigalgs_list(ALL_SIGNATURE_ALGORITHMS)?;
    context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    context.set_new_session_callback(|ssl, _session| {
        if let Some(ticket) = *TICKET {
            ssl.set_ex_data(ticket, true);
        }
    });
    if let Some(asked) = &*ASKED {
        note_certificate_requests(&mut context, asked);
    }
    Ok(context)
}

/// RC4, SEED and IDEA live in OpenSSL's legacy provider; loading one explicitly turns the
/// default provider off unless that is loaded as well.
fn load_legacy_provider() {
    static LOADED: LazyLock<Vec<openssl::provider::Provider>> = LazyLock::new(|| {
        ["default", "legacy"]
            .into_iter()
            .filter_map(|name| openssl::provider::Provider::try_load(None, name, true).ok())
            .collect()
    });
    LazyLock::force(&LOADED);
}

/// Those of [`ALL_GROUPS`] that the linked OpenSSL has: one unknown name spoils a list.
static KNOWN_GROUPS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let Ok(mut scratch) = SslContext::builder(SslMethod::tls_client()) else {
        return Vec::new();
    };
    ALL_GROUPS.into_iter().filter(|name| scratch.set_groups_list(name).is_ok()).collect()
});

/// Whether the linked OpenSSL has a post-quantum group, by its registered name; OpenSSL 3.5 was
/// the first to have any.
#[must_use]
pub fn openssl_has_post_quantum(group: &str) -> bool {
    group.contains("MLKEM") && KNOWN_GROUPS.contains(&group)
}

fn set_groups(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    context.set_groups_list(&KNOWN_GROUPS.join(":"))
}

fn ssl_version(version: TlsVersion) -> Option<SslVersion> {
    match version {
        TlsVersion::SSL3 => Some(SslVersion::SSL3),
        TlsVersion::TLS10 => Some(SslVersion::TLS1),
        TlsVersion::TLS11 => Some(SslVersion::TLS1_1),
        TlsVersion::TLS12 => Some(SslVersion::TLS1_2),
        TlsVersion::TLS13 => Some(SslVersion::TLS1_3),
        _ => None,
    }
}

fn tls_version(version: SslVersion) -> TlsVersion {
    TlsVersion::SURVEYED
        .into_iter()
        .find(|candidate| ssl_version(*candidate) == Some(version))
        .unwrap_or(TlsVersion(0))
}

impl HandshakeRequest {
    fn ssl(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&*self.context()?)?;
        if let Some(minimum) = self.minimum {
            ssl.set_min_proto_version(ssl_version(minimum))?;
        }
        if let Some(maximum) = self.maximum {
            ssl.set_max_proto_version(ssl_version(maximum))?;
        }
        if let Some(list) = &self.cipher_list {
            ssl.set_cipher_list(&format!("{list}:@SECLEVEL=0"))?;
        }
        if let Some(suites) = &self.tls13_suites {
            ssl.set_ciphersuites(suites)?;
        }
        if let Some(sni) = &self.sni {
            ssl.set_hostname(sni)?;
        }
        if !self.alpn.is_empty() {
            ssl.set_alpn_protos(&alpn_wire(&self.alpn))?;
        }
        if let Some(identity) = &self.identity {
            ssl.set_certificate(&identity.chain[0])?;
            for certificate in &identity.chain[1..] {
                ssl.add_chain_cert(certificate.clone())?;
            }
            ssl.set_private_key(&identity.key)?;
        }
        Ok(ssl)
    }

    /// The shared context, or one of its own where only a context can carry the settings.
    fn context(&self) -> Result<std::borrow::Cow<'static, SslContext>, ErrorStack> {
        let is_plain = self.groups.is_none()
            && self.signature_algorithms.is_none()
            && self.client_signature_algorithms.is_none();
        if is_plain {
            return CONTEXT.as_ref().map(std::borrow::Cow::Borrowed).map_err(Clone::clone);
        }
        let mut context = context_builder()?;
        if let Some(groups) = &self.groups {
            context.set_groups_list(groups)?;
        }
        if let Some(algorithms) = &self.signature_algorithms {
            context.set_sigalgs_list(algorithms)?;
        }
        if let Some(algorithms) = self.client_signature_algorithms
            && !set_client_signature_algorithms(&mut context, algorithms)
        {
            return Err(ErrorStack::get());
        }
        Ok(std::borrow::Cow::Owned(context.build()))
    }
}

fn alpn_wire(protocols: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = protocols.iter().filter_map(|protocol| {
        let length = u8::try_from(protocol.len()).ok()?;
        Some([&[length][..], protocol].concat())
    });
    prefixed.collect::<Vec<_>>().concat()
}

impl HandshakeError {
    /// Whether the server says, instead of any selection, that it failed for reasons of its own.
    fn is_failure(&self) -> bool {
        let internal_error = Some(AlertDescription::INTERNAL_ERROR);
        matches!(self, Self::Failed { alert, selected: false, .. } if *alert == internal_error)
    }
}

impl Prober {
    /// Completes a handshake over a connection of its own, then closes it without sending data.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] if no session came of it.
    pub async fn handshake(&self, request: &HandshakeRequest) -> Result<Handshake, HandshakeError> {
        let mut result = self.handshake_patiently(request).await;
        let (mut tries, most) = (0, self.resends());
        while result.as_ref().is_err_and(HandshakeError::is_failure) && tries < most {
            tries += 1;
            sleep(FAILURE_PAUSE * tries).await;
            result = self.handshake_patiently(request).await;
        }
        if tries > 0 {
            self.note_failure(result.as_ref().is_err_and(HandshakeError::is_failure));
        }
        result
    }

    async fn handshake_patiently(
        &self,
        request: &HandshakeRequest,
    ) -> Result<Handshake, HandshakeError> {
        let mut result = Err(ProbeError::Ended.into());
        let patience = self.handshake_patience();
        for (stalled, limit) in patience.into_iter().enumerate() {
            result = self.handshake_once(request, limit).await;
            if !matches!(result, Err(HandshakeError::Probe(ProbeError::Silence { .. }))) {
                self.note_stalls(stalled);
                break;
            }
        }
        result
    }

    /// Makes no TLS context before the gate is passed, since those that wait there are many.
    async fn handshake_once(
        &self,
        request: &HandshakeRequest,
        limit: Duration,
    ) -> Result<Handshake, HandshakeError> {
        let place = self.enter().await?;
        // Never closed, so that there is always one to come.
        let _room = AT_ONCE.acquire().await;
        let ssl = request.ssl().map_err(|error| HandshakeError::Unsupported(words(&error)))?;
        let stream = self.connect_in(&place).await?;
        let unsupported = |error: ErrorStack| HandshakeError::Unsupported(words(&error));
        let mut stream = SslStream::new(ssl, stream).map_err(unsupported)?;
        let begun = Instant::now();
        match timeout_at(begun + limit, Pin::new(&mut stream).connect()).await {
            Err(_) => return Err(ProbeError::Silence { after: limit, bytes: 0 }.into()),
            Ok(Err(error)) => {
                let failure = failure(&stream, &error);
                let selected = matches!(failure, HandshakeError::Failed { selected: true, .. });
                self.note_depth(&place, if selected { 2 } else { 1 });
                return Err(failure);
            }
            Ok(Ok(())) => {}
        }
        self.gate().note_answer(begun.elapsed());
        let mut handshake = describe(&stream);
        self.note_depth(&place, if handshake.version == TlsVersion::TLS13 { 1 } else { 2 });
        if handshake.version == TlsVersion::TLS13 && handshake.certificate_requested {
            self.note_depth(&place, 2);
            let wait = after_handshake_wait(begun.elapsed());
            match read_verdict(&mut stream, wait).await {
                After::Kept => {}
                After::Rejected(alert) => handshake.rejected = Some(alert),
                After::HungUp => handshake.hung_up = true,
            }
        }
        Ok(handshake)
    }
}

fn describe(stream: &SslStream<Connection>) -> Handshake {
    let ssl = stream.ssl();
    let suite = ssl.current_cipher().map_or(0, |cipher| u16::from_be_bytes(cipher.protocol_id()));
    let chain = ssl
        .peer_cert_chain()
        .map(|chain| chain.iter().filter_map(|certificate| certificate.to_der().ok()).collect());
    Handshake {
        version: ssl.version2().map_or(TlsVersion(0), tls_version),
        cipher_suite: CipherSuite(suite),
        alpn: ssl.selected_alpn_protocol().map(<[u8]>::to_vec),
        chain: chain.unwrap_or_default(),
        certificate_requested: was_noted(stream, *ASKED),
        rejected: None,
        hung_up: false,
    }
}

fn was_noted(stream: &SslStream<Connection>, index: Option<Asked>) -> bool {
    index.is_some_and(|index| stream.ssl().ex_data(index).copied().unwrap_or(false))
}

/// What a server did right after a handshake.
#[derive(Clone, Copy, Debug)]
enum After {
    Kept,
    Rejected(AlertDescription),
    HungUp,
}

/// Reads until the server takes the handshake back, or shows by a ticket and a moment of
/// silence that it does not.
async fn read_verdict(stream: &mut SslStream<Connection>, wait: Duration) -> After {
    let end = Instant::now() + wait;
    loop {
        match read_step(stream, end).await {
            ControlFlow::Break(after) => return after,
            // A server may send tickets before it has looked at the client's certificate.
            ControlFlow::Continue(()) if Instant::now() >= end => return After::Kept,
            ControlFlow::Continue(()) => {}
        }
    }
}

async fn read_step(stream: &mut SslStream<Connection>, end: Instant) -> ControlFlow<After> {
    const STEP: Duration = Duration::from_millis(50);
    let mut buffer = [0; 256];
    let before = was_noted(stream, *TICKET);
    match timeout(STEP.min(end - Instant::now()), stream.read(&mut buffer)).await {
        Err(_) if before => ControlFlow::Break(After::Kept),
        Err(_) => ControlFlow::Continue(()),
        Ok(Ok(0)) => ControlFlow::Break(After::HungUp),
        Ok(Ok(_)) => ControlFlow::Break(After::Kept),
        Ok(Err(error)) => {
            let alert = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<ssl::Error>())
                .and_then(ssl::Error::ssl_error)
                .and_then(alert_of);
            ControlFlow::Break(alert.map_or(After::HungUp, After::Rejected))
        }
    }
}

fn failure(stream: &SslStream<Connection>, error: &ssl::Error) -> HandshakeError {
    let stack = error.ssl_error();
    let alert = stack.and_then(alert_of);
    let (reason, ended, ours) = match (alert, stack, error.io_error()) {
        (Some(alert), _, _) => (format!("alert {alert}"), None, false),
        (None, Some(stack), _) if is_unexpected_end(stack) => {
            ("connection closed".to_owned(), Some(Ending::Closed), false)
        }
        (None, Some(stack), _) if !stack.errors().is_empty() => (words(stack), None, true),
        (None, _, Some(error)) => (io_words(error), io_ending(error), false),
        _ => ("connection closed".to_owned(), Some(Ending::Closed), false),
    };
    let mut random = [0; 32];
    stream.ssl().server_random(&mut random);
    HandshakeError::Failed {
        alert,
        reason,
        ours,
        selected: random != [0; 32],
        certificate_requested: was_noted(stream, *ASKED),
        ended,
    }
}

fn io_ending(error: &std::io::Error) -> Option<Ending> {
    match error.kind() {
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Some(Ending::Reset),
        std::io::ErrorKind::UnexpectedEof => Some(Ending::Closed),
        _ => None,
    }
}

/// OpenSSL takes a connection that ends without close_notify for an error of the protocol.
fn is_unexpected_end(stack: &ErrorStack) -> bool {
    const UNEXPECTED_EOF_WHILE_READING: i32 = 294;
    stack.errors().iter().any(|error| error.reason_code() == UNEXPECTED_EOF_WHILE_READING)
}

fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "connection closed".to_owned(),
        _ => error.to_string(),
    }
}

/// OpenSSL reports a received alert as its number plus 1000.
fn alert_of(stack: &ErrorStack) -> Option<AlertDescription> {
    const RECEIVED_ALERT: i32 = 1000;
    stack
        .errors()
        .iter()
        .filter_map(|error| u8::try_from(error.reason_code() - RECEIVED_ALERT).ok())
        .map(AlertDescription)
        .next()
}

fn words(stack: &ErrorStack) -> String {
    let reasons: Vec<_> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
    if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "vendored")]
    #[test]
    fn linked_openssl_has_the_weak_suites_too() {
        let names = openssl_ciphers();
        assert!(names.len() >= 170, "only {} names", names.len());
        for name in ["RC4-SHA", "SEED-SHA", "DES-CBC3-SHA", "NULL-SHA", "TLS_AES_128_GCM_SHA256"] {
            assert!(names.iter().any(|known| known == name), "{name} is missing");
        }
    }

    #[test]
    fn every_openssl_cipher_has_a_number() {
        for name in openssl_ciphers() {
            assert!(CipherSuite::from_openssl_name(name).is_some(), "{name}");
        }
    }
}
