//! A proxy of the user's: HTTP CONNECT (RFC 9110 §9.3.6), or SOCKS5 (RFC 1928, RFC 1929).
//!
//! Some HTTP proxies answer CONNECT before they have reached the server. Behind those, a server
//! that cannot be reached looks like one that hangs up, and nothing tells the two apart.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;

use base64::Engine as _;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use percent_encoding::percent_decode_str;
use tokio_openssl::SslStream;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error as SocksError, TargetAddr};
use zeroize::Zeroizing;

use super::tunnel::connect;
use super::{Concern, Connection, TunnelError, TunnelFault, WayError};
use crate::target::{Destination, Host, Target, TargetError};

/// A proxy, where it is, and who asks it. Shown and printed without credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proxy {
    kind: ProxyKind,
    at: Target,
    credentials: Option<ProxyCredentials>,
    authorities: Option<Vec<X509Der>>,
    addresses: Vec<SocketAddr>,
}

/// A certificate in DER.
type X509Der = Vec<u8>;

/// What a proxy speaks, and who resolves names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyKind {
    /// HTTP CONNECT; the proxy resolves.
    Http,
    /// HTTP CONNECT within TLS; the proxy resolves.
    Https,
    /// SOCKS5; names are resolved here.
    Socks5,
    /// SOCKS5; the proxy resolves.
    Socks5h,
}

impl ProxyKind {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }
}

/// User and password, which are never shown and are wiped from memory.
#[derive(Clone, Eq, PartialEq)]
pub struct ProxyCredentials {
    user: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl ProxyCredentials {
    /// Takes a user and a password.
    #[must_use]
    pub fn new(user: String, password: String) -> Self {
        Self { user: Zeroizing::new(user), password: Zeroizing::new(password) }
    }

    /// As RFC 7617 §2 writes them.
    fn basic(&self) -> Zeroizing<String> {
        let length = self.user.len() + self.password.len() + 1;
        // What grows beyond its room is moved, and leaves a copy behind.
        let mut pair = Zeroizing::new(String::with_capacity(length));
        [&self.user, ":", &self.password].into_iter().for_each(|part| pair.push_str(part));
        let mut text = Zeroizing::new(String::with_capacity(length * 2 + 16));
        text.push_str("Basic ");
        base64::engine::general_purpose::STANDARD.encode_string(pair.as_bytes(), &mut text);
        text
    }
}

impl fmt::Debug for ProxyCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyCredentials")
    }
}

/// Why a text is no URL of a proxy. Never repeats what may be credentials.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The scheme is missing or another.
    #[error("write http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT")]
    Scheme,
    /// Host or port are wrong.
    #[error(transparent)]
    Place(#[from] TargetError),
    /// Something follows the port.
    #[error("a proxy has no path")]
    Path,
    /// User or password are no text, or have a line break.
    #[error("the credentials are no text")]
    Credentials,
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(ProxyUrlError::Scheme)?;
        let kinds = [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5, ProxyKind::Socks5h];
        let mut kinds = kinds.into_iter();
        let kind = kinds.find(|kind| scheme.eq_ignore_ascii_case(kind.scheme()));
        let kind = kind.ok_or(ProxyUrlError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user_info, place) = match rest.rsplit_once('@') {
            Some((user_info, place)) => (Some(user_info), place),
            None => (None, rest),
        };
        if place.contains(['/', '?', '#']) {
            return Err(ProxyUrlError::Path);
        }
        let credentials = user_info.map(credentials).transpose()?;
        let at = place.parse()?;
        Ok(Self { kind, at, credentials, authorities: None, addresses: Vec::new() })
    }
}

fn credentials(user_info: &str) -> Result<ProxyCredentials, ProxyUrlError> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.contains(['\r', '\n', '\0'])).then(|| text.into_owned())
    };
    match (decoded(user), decoded(password)) {
        (Some(user), Some(password)) => Ok(ProxyCredentials::new(user, password)),
        _ => Err(ProxyUrlError::Credentials),
    }
}

/// The URL without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.at)
    }
}

impl Proxy {
    /// The same proxy, asked by someone else.
    #[must_use]
    pub fn with_credentials(self, credentials: ProxyCredentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// The same proxy, whose own certificate must lead to one of these in PEM, rather than to one
    /// that the system trusts.
    ///
    /// # Errors
    ///
    /// If there is no certificate in the text.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, super::super::TrustError> {
        use super::super::TrustError;
        let authorities = X509::stack_from_pem(pem).map_err(|_| TrustError::NoCertificate)?;
        let ders: Result<Vec<_>, _> = authorities.iter().map(|one| one.to_der()).collect();
        match ders {
            Ok(ders) if !ders.is_empty() => Ok(Self { authorities: Some(ders), ..self }),
            _ => Err(TrustError::NoCertificate),
        }
    }

    /// The same proxy, reached at the first of these that takes a connection.
    #[must_use]
    pub fn reached_at(self, addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, ..self }
    }

    /// Where it is reached.
    pub(in super::super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where it is, as its user says it.
    #[must_use]
    pub fn at(&self) -> &Target {
        &self.at
    }

    /// Whether it has credentials.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether names are resolved by the proxy, so that nobody here knows the addresses.
    #[must_use]
    pub fn resolves_names(&self) -> bool {
        !matches!(self.kind, ProxyKind::Socks5)
    }

    pub(super) fn round_trips(&self) -> u32 {
        match (self.kind, &self.credentials) {
            (ProxyKind::Http, _) => 1,
            (ProxyKind::Https, _) => 3,
            (_, None) => 2,
            (_, Some(_)) => 3,
        }
    }

    /// Something went wrong with this proxy.
    pub(in super::super) fn error(&self, fault: TunnelFault) -> TunnelError {
        let fault = match (fault, &self.credentials) {
            (TunnelFault::Refused(407), None) => TunnelFault::WantsCredentials,
            // Tinyproxy answers 401 to a wrong password.
            (TunnelFault::Refused(401 | 407) | TunnelFault::WantsCredentials, Some(_)) => {
                TunnelFault::RefusesCredentials
            }
            (fault, _) => fault,
        };
        TunnelError { proxy: Some(self.to_string()), fault }
    }

    pub(super) async fn open(
        &self,
        stream: Connection,
        to: &Destination,
    ) -> Result<Connection, WayError> {
        match self.kind {
            ProxyKind::Http => self.by_http(stream, to).await,
            ProxyKind::Https => self.by_http(self.tls(stream).await?, to).await,
            ProxyKind::Socks5 | ProxyKind::Socks5h => self.by_socks(stream, to).await,
        }
    }

    async fn by_http(
        &self,
        mut stream: Connection,
        to: &Destination,
    ) -> Result<Connection, WayError> {
        let credentials = self.credentials.iter();
        let headers: Vec<_> = credentials
            .map(|credentials| ("Proxy-Authorization".to_owned(), credentials.basic()))
            .collect();
        connect(&mut stream, &to.to_string(), &headers).await?;
        Ok(stream)
    }

    async fn by_socks(&self, stream: Connection, to: &Destination) -> Result<Connection, WayError> {
        let to = match to {
            Destination::Address(address) => TargetAddr::Ip(*address),
            Destination::Name(Target { host, port }) => match host {
                Host::Name(name) => TargetAddr::Domain(name.as_str().into(), *port),
                Host::Address(address) => TargetAddr::Ip((*address, *port).into()),
            },
        };
        let opened = match &self.credentials {
            None => Socks5Stream::connect_with_socket(stream, to).await,
            Some(ProxyCredentials { user, password }) => {
                Socks5Stream::connect_with_password_and_socket(stream, to, user, password).await
            }
        };
        Ok(opened.map_err(socks_fault)?.into_inner())
    }

    /// TLS to the proxy, whose certificate is verified, since it is told the credentials.
    async fn tls(&self, stream: Connection) -> Result<Connection, TunnelFault> {
        let host = self.at.host.to_string();
        let ssl = self.connector().and_then(|connector| connector.configure()?.into_ssl(&host));
        let ssl = ssl.map_err(|error| TunnelFault::Tls(error.to_string()))?;
        let mut stream =
            SslStream::new(ssl, stream).map_err(|error| TunnelFault::Tls(error.to_string()))?;
        if let Err(error) = Pin::new(&mut stream).connect().await {
            let verified = stream.ssl().verify_result();
            return Err(TunnelFault::Tls(match verified.as_raw() {
                0 => error.to_string(),
                _ => format!(
                    "its certificate does not verify, {} (--proxy-ca names another CA)",
                    verified.error_string()
                ),
            }));
        }
        Ok(Box::new(stream))
    }

    fn connector(&self) -> Result<SslConnector, openssl::error::ErrorStack> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        match &self.authorities {
            Some(ders) => {
                let mut store = openssl::x509::store::X509StoreBuilder::new()?;
                for der in ders {
                    store.add_cert(X509::from_der(der)?)?;
                }
                builder.set_cert_store(store.build());
            }
            None => {
                let system = openssl_probe::probe();
                let directory = system.cert_dir.first();
                builder.load_verify_locations(
                    system.cert_file.as_deref(),
                    directory.map(std::path::PathBuf::as_path),
                )?;
            }
        }
        Ok(builder.build())
    }
}

/// Reply codes of RFC 1928 §6 and what the library makes of broken answers.
fn socks_fault(error: SocksError) -> WayError {
    let refused = |words, concern| TunnelFault::Socks(words, concern);
    let fault = match error {
        SocksError::Io(error) => return error.into(),
        SocksError::NoAcceptableAuthMethods | SocksError::AuthorizationRequired => {
            TunnelFault::WantsCredentials
        }
        SocksError::PasswordAuthFailure(_) => TunnelFault::RefusesCredentials,
        SocksError::GeneralSocksServerFailure => refused("general failure", Concern::Server),
        SocksError::NetworkUnreachable => refused("the network is unreachable", Concern::Server),
        SocksError::HostUnreachable => refused("the host is unreachable", Concern::Server),
        SocksError::ConnectionRefused => refused("connection refused", Concern::Server),
        SocksError::TtlExpired => refused("the way is too long (TTL expired)", Concern::Server),
        SocksError::ConnectionNotAllowedByRuleset => {
            refused("its rules do not allow the connection", Concern::Proxy)
        }
        SocksError::CommandNotSupported => refused("it does not connect", Concern::Proxy),
        SocksError::AddressTypeNotSupported => {
            refused("it does not take this kind of address", Concern::Proxy)
        }
        SocksError::InvalidAuthValues(_) => {
            TunnelFault::Request("user and password must have 1 to 255 bytes")
        }
        SocksError::InvalidTargetAddress(_) => TunnelFault::Request("the name is too long"),
        _ => TunnelFault::NotSocks,
    };
    fault.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_printed_without_credentials() {
        #[rustfmt::skip]
        let table = [
            ("http://proxy:3128",                    "http://proxy:3128"),
            ("HTTP://user:pass@proxy:3128/",         "http://proxy:3128"),
            ("https://user:p%40ss@10.0.0.1:3128",    "https://10.0.0.1:3128"),
            ("socks5://user@[::1]:1080",             "socks5://[::1]:1080"),
            ("socks5h://a:b@c:d@proxy:1080",         "socks5h://proxy:1080"),
        ];
        for (text, printed) in table {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!(proxy.to_string(), printed);
            let shown = format!("{proxy:?}");
            assert!(!shown.contains("pass") && !shown.contains("user"), "{shown}");
        }
    }

    #[test]
    fn bad_urls_are_refused_without_repeating_credentials() {
        #[rustfmt::skip]
        let table = [
            ("proxy:3128",                      "write http://"),
            ("ftp://user:pass@proxy:3128",      "write http://"),
            ("http://user:pass@proxy",          "has no port"),
            ("http://user:pass@",               "has no host"),
            ("http://user:pass@proxy:1/path",   "no path"),
            ("http://user:pass@proxy:99999",    "from 1 to 65535"),
            ("http://us%ffer:pass@proxy:1",     "no text"),
            ("http://user:pa%0d%0ass@proxy:1",  "no text"),
        ];
        for (text, words) in table {
            let error = text.parse::<Proxy>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("pass") && !error.contains("user"), "{error}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_encoded() {
        let proxy: Proxy = "http://us%3Aer:p%40ss@proxy:1".parse().unwrap();
        assert_eq!(*proxy.credentials.unwrap().basic(), "Basic dXM6ZXI6cEBzcw==");
    }

    #[test]
    fn who_resolves_depends_on_the_scheme() {
        let resolves = |url: &str| url.parse::<Proxy>().unwrap().resolves_names();
        assert!(resolves("http://p:1") && resolves("https://p:1") && resolves("socks5h://p:1"));
        assert!(!resolves("socks5://p:1"));
    }
}
