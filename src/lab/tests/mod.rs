//! Servers met by a client of OpenSSL's, which offers what Envoy offers by default.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::{X509, X509VerifyResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::*;

mod limits;
mod scenarios;
mod settings;

const PATIENCE: Duration = Duration::from_secs(20);

// Alerts, RFC 8446 §6.2.
const HANDSHAKE_FAILURE: i32 = 40;
const UNKNOWN_CA: i32 = 48;
const PROTOCOL_VERSION: i32 = 70;
const UNRECOGNIZED_NAME: i32 = 112;
const CERTIFICATE_REQUIRED: i32 = 116;
const NO_APPLICATION_PROTOCOL: i32 = 120;

/// A TLS client; by default it offers what Envoy offers by default.
#[derive(Clone)]
struct Client {
    suites: &'static str,
    min: SslVersion,
    max: SslVersion,
    groups: &'static str,
    signature_algorithms: &'static str,
    sni: Option<&'static str>,
    alpn: &'static [u8],
    identity: Option<ClientIdentity>,
    /// The CA and the name that the server's certificate is held against.
    trust: Option<(String, &'static str)>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            suites: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:\
                     ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:\
                     ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
            min: SslVersion::TLS1_2,
            max: SslVersion::TLS1_2,
            groups: "X25519:P-256",
            signature_algorithms: "ECDSA+SHA256:rsa_pss_rsae_sha256:RSA+SHA256:ECDSA+SHA384:\
                                   rsa_pss_rsae_sha384:RSA+SHA384:rsa_pss_rsae_sha512:RSA+SHA512:\
                                   RSA+SHA1",
            sni: None,
            alpn: b"\x08http/1.1",
            identity: None,
            trust: None,
        }
    }
}

impl Client {
    fn with_suites(suites: &'static str) -> Self {
        Self { suites, ..Self::default() }
    }

    fn up_to_tls13() -> Self {
        Self { max: SslVersion::TLS1_3, ..Self::default() }
    }

    fn ssl(&self) -> Ssl {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_security_level(0);
        context.set_min_proto_version(Some(self.min)).unwrap();
        context.set_max_proto_version(Some(self.max)).unwrap();
        context.set_cipher_list(self.suites).unwrap();
        context.set_groups_list(self.groups).unwrap();
        context.set_sigalgs_list(self.signature_algorithms).unwrap();
        context.set_alpn_protos(self.alpn).unwrap();
        if let Some(identity) = &self.identity {
            let leaf = X509::from_pem(identity.certificate_pem.as_bytes()).unwrap();
            let key = PKey::private_key_from_pem(identity.private_key_pem.as_bytes()).unwrap();
            context.set_certificate(&leaf).unwrap();
            context.set_private_key(&key).unwrap();
        }
        context.set_verify(SslVerifyMode::NONE);
        if let Some((ca, _)) = &self.trust {
            let ca = X509::from_pem(ca.as_bytes()).unwrap();
            context.cert_store_mut().add_cert(ca).unwrap();
        }
        let mut ssl = Ssl::new(&context.build()).unwrap();
        if let Some(name) = self.sni {
            ssl.set_hostname(name).unwrap();
        }
        if let Some((_, name)) = &self.trust {
            ssl.param_mut().set_host(name).unwrap();
        }
        ssl
    }

    /// Shakes hands and sends a request: a refusal at TLS 1.3 shows only in what follows. An error
    /// is the alert that the server sent.
    async fn request(&self, address: SocketAddr) -> Result<Answer, i32> {
        tokio::time::timeout(PATIENCE, async {
            let tcp = TcpStream::connect(address).await.unwrap();
            let mut stream = SslStream::new(self.ssl(), tcp).unwrap();
            Pin::new(&mut stream).connect().await.map_err(|error| alert(&error))?;
            // Fails when the server's refusal is here already, which the read then tells.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let mut body = String::new();
            stream.read_to_string(&mut body).await.map_err(|error| {
                alert(error.get_ref().and_then(|inner| inner.downcast_ref()).expect("from OpenSSL"))
            })?;
            let ssl = stream.ssl();
            Ok(Answer {
                body,
                version: ssl.version_str(),
                suite: ssl.current_cipher().unwrap().name(),
                alpn: ssl.selected_alpn_protocol().map(<[u8]>::to_vec),
                trusted: ssl.verify_result(),
            })
        })
        .await
        .expect("the server answers in time")
    }

    /// The suite that the server picks, or the alert that it refuses with.
    async fn suite(&self, address: SocketAddr) -> Result<&'static str, i32> {
        self.request(address).await.map(|answer| answer.suite)
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    body: String,
    version: &'static str,
    suite: &'static str,
    alpn: Option<Vec<u8>>,
    trusted: X509VerifyResult,
}

/// The alert that ended a handshake. OpenSSL adds 1000 to its number (its `sslerr.h`).
fn alert(error: &openssl::ssl::Error) -> i32 {
    let stack = error.ssl_error().unwrap_or_else(|| panic!("no alert: {error}"));
    let reason = stack.errors()[0].reason_code();
    assert!(reason >= 1000, "the client itself failed: {error}");
    reason - 1000
}

async fn start(scenario: Scenario) -> Server {
    Server::start(scenario, 0).await.unwrap()
}

async fn start_with(config: ServerConfig) -> Server {
    Server::start_with(&config, 0).await.unwrap()
}

/// A client certificate of nobody's CA.
fn self_signed_identity() -> ClientIdentity {
    let key = PKey::ec_gen("P-256").unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    ClientIdentity {
        certificate_pem: String::from_utf8(builder.build().to_pem().unwrap()).unwrap(),
        private_key_pem: String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap(),
    }
}
