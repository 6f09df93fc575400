//! What Gloo makes of an Upstream: whether TLS is used, with which server names, parameters and
//! certificates, and where.

mod translate;

#[cfg(test)]
mod tests;

use super::note::Note;
use super::release::Release;
use super::settings::Settings;
use super::ssl_config::Credentials;
use super::upstream::ObjectName;
use crate::envoy::{self, Build, ClientConfig};

pub use translate::translate;

/// What an Upstream is judged for.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The release of Gloo whose rules count.
    pub gloo: Release,
    /// The Envoy behind it.
    pub envoy: envoy::Release,
    /// The build of that Envoy.
    pub build: Build,
    /// The Settings resource, where it is known.
    pub settings: Option<&'a Settings>,
    /// What is known of Secrets.
    pub secrets: &'a dyn SecretSource,
}

/// What is known of Secrets.
pub trait SecretSource: std::fmt::Debug {
    /// What is known of one.
    fn secret(&self, name: &ObjectName) -> SecretKnowledge;
}

/// What is known of a Secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretKnowledge {
    /// Nothing.
    Unknown,
    /// It is there and can be used.
    Usable {
        /// Whether it has a key pair.
        key_pair: bool,
        /// Whether it has a CA.
        authority: bool,
    },
    /// It is there, and Gloo cannot use it.
    Unusable,
    /// It is there, and Gloo does not see it, as if it were missing.
    Unseen,
}

/// A run that knows no Secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _name: &ObjectName) -> SecretKnowledge {
        SecretKnowledge::Unknown
    }
}

/// What Gloo makes of an Upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// The Upstream's name.
    pub upstream: ObjectName,
    /// The name of the cluster in Envoy.
    pub name: String,
    /// Whether TLS is used, and why.
    pub tls: Tls,
    /// Where the parameters in force come from.
    pub parameters: ParametersFrom,
    /// Whom Envoy talks to.
    pub endpoints: Vec<Endpoint>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// Whether a cluster uses TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tls {
    /// It does.
    On(TlsBecause),
    /// It speaks plain text.
    Off(PlainBecause),
    /// Gloo refuses the Upstream and leaves its cluster out.
    Refused(Refusal),
}

/// Why a cluster uses TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TlsBecause {
    /// There is an `sslConfig`.
    SslConfig,
    /// `useTls: true`.
    UseTls,
    /// A host has port 443.
    Port443,
    /// This kind of Upstream always does.
    Kind(&'static str),
}

/// Why a cluster speaks plain text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PlainBecause {
    /// `useTls: false`, and no `sslConfig`.
    UseTlsFalse,
    /// No `sslConfig`, and nothing else that turns TLS on.
    NoSslConfig,
    /// The Secret of its `sslConfig` is missing.
    SecretMissing(ObjectName),
    /// `proxyProtocolVersion` is set, and no `sslConfig`.
    ProxyProtocol,
    /// Mutual TLS of the mesh, which leaves plain text for all that is not in it.
    IstioAutoMtls,
}

/// Why Gloo refuses an Upstream: its own words, as far as they are known.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A static Upstream, or one of no kind, without hosts.
    #[error(
        "it has no hosts: Gloo says 'cluster type STATIC specified but LoadAssignment was empty'"
    )]
    NoHosts,
    /// `addr cannot be empty for host`.
    #[error("spec.static.hosts[{0}].addr is empty")]
    NoAddress(usize),
    /// `port cannot be empty for host`.
    #[error("spec.static.hosts[{0}].port is missing")]
    NoPort(usize),
    /// `Invalid TLS secret: tls: failed to find any PEM data in certificate input`.
    #[error(
        "sslFiles.tlsCert and tlsKey do not work: Gloo takes the paths for PEM text; use secretRef"
    )]
    FilesKeyPair,
    /// `a root_ca must be provided if verify_subject_alt_name is not empty`.
    #[error("verifySubjectAltName needs a CA: ca.crt in the Secret, or sslFiles.rootCa")]
    NamesWithoutAuthority,
    /// `must provide validation context name if verifying SAN`.
    #[error("verifySubjectAltName needs sds.validationContextName")]
    NamesWithoutValidation,
    /// `at least one of certificates_secret_name or validation_context_name must be provided`.
    #[error("sds names neither certificatesSecretName nor validationContextName")]
    EmptySds,
    /// `proxy protocol version ... is not supported`.
    #[error("proxyProtocolVersion {0:?} is not supported: write V1 or V2")]
    ProxyProtocol(String),
    /// `SSL secret not found`, where that is no mere warning.
    #[error("Secret {0} was not found")]
    SecretMissing(ObjectName),
    /// `is not a TLS secret` or `is not a valid TLS secret`.
    #[error("Secret {0} is no TLS secret that Gloo can use: see cipher-test secret")]
    SecretUnusable(ObjectName),
}

/// Where the parameters in force come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParametersFrom {
    /// The Upstream's own.
    Upstream,
    /// The Settings default, as a whole.
    Settings,
    /// Envoy's defaults.
    Envoy,
}

/// One server that Envoy talks to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Name or address as the Upstream has it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The place in `spec.static.hosts`, for static Upstreams.
    pub index: Option<usize>,
    /// Which connection this is.
    pub hop: Hop,
    /// How TLS is spoken there, if it is.
    pub tls: Option<EndpointTls>,
    /// What comes before the ClientHello.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// The proxy through which the server is reached.
    pub tunnel: Option<Tunnel>,
    /// From where it can be reached.
    pub reach: Reach,
}

/// Which connection of a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hop {
    /// To the server.
    Server,
    /// To the proxy of a tunnel.
    Proxy,
}

/// How TLS is spoken to a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointTls {
    /// What decides the ClientHello.
    pub config: ClientConfig,
    /// Where certificates come from.
    pub credentials: Credentials,
    /// Names of which the server's certificate must have one.
    pub verify_names: Vec<String>,
    /// Whether a client certificate is sent where there is one.
    pub sends_certificate: bool,
    /// Whether the server is verified where there is a CA.
    pub verifies: bool,
}

/// The version of the PROXY protocol whose header precedes the ClientHello.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyProtocol {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// An HTTP CONNECT tunnel (`httpProxyHostname`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tunnel {
    /// Name or address of the proxy.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS to the proxy, if there is any.
    pub tls: Option<Box<EndpointTls>>,
    /// Whether CONNECT is sent over HTTP/2: `useHttp2` counts for the proxy, not for the server.
    pub is_http2: bool,
    /// `httpConnectHeaders`.
    pub headers: Vec<(String, String)>,
}

/// From where a server can be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Wherever its name resolves.
    Anywhere,
    /// Under this name only within the cluster.
    WithinCluster,
    /// Its addresses are in the Consul catalog.
    ConsulCatalog,
    /// Its addresses are those of EC2 instances.
    Ec2,
    /// It is a Unix socket in the proxy's pod.
    UnixSocket,
    /// It depends on the request.
    PerRequest,
    /// What this kind does is not public.
    Unknown,
}
