//! What Gloo makes of an Upstream: whether TLS is used, with which server names, parameters and
//! certificates, and where.
//!
//! The order of decisions is that of Gloo's translator: `sslConfig` is resolved first, with the
//! Settings default (`projects/gloo/pkg/translator/clusters.go`), PROXY protocol wraps whatever
//! there is, then come the plugins (`projects/gloo/pkg/plugins/registry/registry.go`).

use super::note::Note;
use super::release::{OneWayTls, Release};
use super::settings::Settings;
use super::ssl_config::{Credentials, Parameters, SslConfig};
use super::upstream::{ObjectName, StaticHost, StaticSpec, Upstream, UpstreamKind};
use crate::envoy::{self, Build, ClientConfig, Protocol};

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

/// What Gloo makes of `upstream`.
#[must_use]
pub fn translate(upstream: &Upstream, context: &Context<'_>) -> Cluster {
    Translator { upstream, context, notes: Vec::new() }.run()
}

struct Translator<'a> {
    upstream: &'a Upstream,
    context: &'a Context<'a>,
    notes: Vec<Note>,
}

/// What became of an `sslConfig`.
enum Resolved {
    None,
    Missing(ObjectName),
    Refused(Refusal),
    Usable,
}

impl Translator<'_> {
    fn run(mut self) -> Cluster {
        self.note_document();
        let tls = self.decide();
        let parameters = self.parameters();
        let endpoints = match &tls {
            Tls::Refused(_) => Vec::new(),
            Tls::On(because) => self.endpoints(Some(because)),
            Tls::Off(_) => self.endpoints(None),
        };
        if matches!(tls, Tls::On(_)) {
            self.note_tls(&endpoints);
        }
        Cluster {
            upstream: self.upstream.name.clone(),
            name: self.upstream.cluster_name(),
            tls,
            parameters,
            endpoints,
            notes: self.notes,
        }
    }

    fn note_document(&mut self) {
        let upstream = self.upstream;
        if upstream.kinds.len() > 1 {
            self.notes.push(Note::SeveralKinds(upstream.kinds.clone()));
        }
        if upstream.credentials_set > 1 {
            self.notes.push(Note::SeveralCredentials);
        }
        if upstream.has_failover {
            self.notes.push(Note::FailoverIsEnterprise);
        }
        self.notes.extend(upstream.unknown_fields.iter().cloned().map(Note::UnknownField));
        let troubled = upstream
            .statuses
            .iter()
            .filter(|status| matches!(status.state.as_str(), "Warning" | "Rejected"));
        self.notes.extend(troubled.map(|status| Note::Status {
            state: status.state.clone(),
            reason: status.reason.clone(),
        }));
    }

    /// Whether TLS is used: `clusters.go`, then the plugins of the kinds, then Istio's.
    fn decide(&mut self) -> Tls {
        if let Some(refusal) = self.malformed() {
            return Tls::Refused(refusal);
        }
        let resolved = self.resolve();
        if let Resolved::Refused(refusal) = resolved {
            return Tls::Refused(refusal);
        }
        let tls = match (&self.upstream.kind, &resolved) {
            (UpstreamKind::Aws(_), _) => Tls::On(TlsBecause::Kind("aws")),
            (UpstreamKind::Azure(_), _) => Tls::On(TlsBecause::Kind("azure")),
            (_, Resolved::Usable) => {
                self.note_overruled_use_tls();
                Tls::On(TlsBecause::SslConfig)
            }
            (UpstreamKind::Static(spec), _) => self.decide_static(spec),
            _ => Tls::Off(PlainBecause::NoSslConfig),
        };
        let tls = match (tls, resolved) {
            (Tls::Off(_), Resolved::Missing(name)) => Tls::Off(PlainBecause::SecretMissing(name)),
            (tls, _) => tls,
        };
        self.after_auto_mtls(tls)
    }

    fn note_overruled_use_tls(&mut self) {
        if let UpstreamKind::Static(StaticSpec { use_tls: Some(false), .. }) = self.upstream.kind {
            self.notes.push(Note::UseTlsFalseOverruled);
        }
    }

    /// `projects/gloo/pkg/plugins/static/plugin.go`.
    fn decide_static(&mut self, spec: &StaticSpec) -> Tls {
        let port_443 = spec.hosts.iter().find(|host| host.port == 443);
        let because = match spec.use_tls {
            Some(true) => TlsBecause::UseTls,
            Some(false) if self.context.gloo.use_tls_false_counts() => {
                return Tls::Off(PlainBecause::UseTlsFalse);
            }
            _ if port_443.is_some() => TlsBecause::Port443,
            _ => return Tls::Off(PlainBecause::NoSslConfig),
        };
        if spec.use_tls == Some(false) {
            self.notes.push(Note::UseTlsFalseUnknown(self.context.gloo));
        }
        if self.upstream.proxy_protocol_version.is_some() {
            self.notes.push(Note::ProxyProtocolHidesTls);
            return Tls::Off(PlainBecause::ProxyProtocol);
        }
        if let (TlsBecause::Port443, Some(host)) = (&because, port_443)
            && spec.hosts.iter().any(|other| other.port != 443)
        {
            self.notes.push(Note::AllHostsBecauseOf443(host.addr.clone()));
        }
        Tls::On(because)
    }

    /// `projects/gloo/pkg/plugins/istio_automtls/plugin.go`, which runs after the others and asks
    /// only whether there is an `sslConfig`.
    fn after_auto_mtls(&mut self, tls: Tls) -> Tls {
        let enabled = self.context.settings.is_some_and(|settings| settings.auto_mtls);
        // A tunnel carries the socket of before, since only the matches are the mesh's.
        let is_spared = self.upstream.ssl_config.is_some()
            || self.upstream.disable_istio_auto_mtls
            || self.upstream.http_proxy_hostname.is_some();
        if !enabled || is_spared {
            return tls;
        }
        if matches!(tls, Tls::On(_)) {
            self.notes.push(Note::AutoMtls);
        }
        Tls::Off(PlainBecause::IstioAutoMtls)
    }

    fn malformed(&self) -> Option<Refusal> {
        match self.upstream.proxy_protocol_version.as_deref() {
            None | Some("V1" | "V2") => {}
            Some(other) => return Some(Refusal::ProxyProtocol(other.to_owned())),
        }
        let UpstreamKind::Static(spec) = &self.upstream.kind else {
            return matches!(self.upstream.kind, UpstreamKind::None).then_some(Refusal::NoHosts);
        };
        if spec.hosts.is_empty() {
            return Some(Refusal::NoHosts);
        }
        spec.hosts.iter().enumerate().find_map(|(index, host)| match host {
            StaticHost { addr, .. } if addr.is_empty() => Some(Refusal::NoAddress(index)),
            StaticHost { port: 0, .. } => Some(Refusal::NoPort(index)),
            _ => None,
        })
    }

    /// `ResolveUpstreamSslConfig` in `projects/gloo/pkg/utils/ssl.go`.
    fn resolve(&mut self) -> Resolved {
        let Some(ssl_config) = &self.upstream.ssl_config else { return Resolved::None };
        let wants_names = !ssl_config.verify_subject_alt_name.is_empty();
        match &ssl_config.credentials {
            Credentials::Secret(name) => self.resolve_secret(name, ssl_config),
            Credentials::Files { with_key_pair: true, .. } => {
                Resolved::Refused(Refusal::FilesKeyPair)
            }
            Credentials::Sds { certificates: false, validation: false } => {
                Resolved::Refused(Refusal::EmptySds)
            }
            Credentials::Sds { validation: false, .. } if wants_names => {
                Resolved::Refused(Refusal::NamesWithoutValidation)
            }
            Credentials::None | Credentials::Files { root_ca: None, .. } if wants_names => {
                Resolved::Refused(Refusal::NamesWithoutAuthority)
            }
            _ => Resolved::Usable,
        }
    }

    fn resolve_secret(&mut self, name: &ObjectName, ssl_config: &SslConfig) -> Resolved {
        if name.namespace.is_empty() {
            self.notes.push(Note::SecretNamespaceMissing(name.name.clone()));
            return self.missing(name);
        }
        if self.is_reported_missing(name) {
            return self.missing(name);
        }
        match self.context.secrets.secret(name) {
            SecretKnowledge::Unusable => Resolved::Refused(Refusal::SecretUnusable(name.clone())),
            SecretKnowledge::Usable { authority: false, .. }
                if !ssl_config.verify_subject_alt_name.is_empty() =>
            {
                Resolved::Refused(Refusal::NamesWithoutAuthority)
            }
            _ => Resolved::Usable,
        }
    }

    /// Only a warning where Settings say so: the cluster then stays, without the TLS of its
    /// `sslConfig` (`clusters.go`).
    fn missing(&mut self, name: &ObjectName) -> Resolved {
        let default = self.context.gloo.warns_of_missing_secrets();
        let set = self.context.settings.and_then(|settings| settings.warn_missing_tls_secret);
        if !set.unwrap_or(default) {
            return Resolved::Refused(Refusal::SecretMissing(name.clone()));
        }
        self.notes.push(Note::SecretMissing(name.clone()));
        Resolved::Missing(name.clone())
    }

    /// `SSL secret not found: list did not find secret NAMESPACE.NAME` in the Upstream's status.
    fn is_reported_missing(&self, name: &ObjectName) -> bool {
        let dotted = format!("{}.{}", name.namespace, name.name);
        self.upstream.statuses.iter().any(|status| {
            status.reason.contains("SSL secret not found") && status.reason.contains(&dotted)
        })
    }

    /// Which parameters are in force (`applyDefaultsToUpstreamSslConfig` in `clusters.go`).
    fn parameters(&mut self) -> ParametersFrom {
        let default = self.settings_default().is_some();
        let from_settings = if default { ParametersFrom::Settings } else { ParametersFrom::Envoy };
        let kind = match self.upstream.kind {
            UpstreamKind::Aws(_) => Some("aws"),
            UpstreamKind::Azure(_) => Some("azure"),
            _ => None,
        };
        let Some(ssl_config) = &self.upstream.ssl_config else { return from_settings };
        if let Some(kind) = kind {
            self.notes.push(Note::SslConfigDiscarded(kind));
            return from_settings;
        }
        let own = ssl_config.parameters.is_some();
        if matches!(ssl_config.credentials, Credentials::Sds { .. }) {
            if own {
                self.notes.push(Note::ParametersIgnoredBySds);
            } else if default {
                self.notes.push(Note::SettingsIgnoredBySds);
            }
            return ParametersFrom::Envoy;
        }
        if own && default {
            self.notes.push(Note::SettingsReplaced);
        }
        if own { ParametersFrom::Upstream } else { from_settings }
    }

    fn settings_default(&self) -> Option<&Parameters> {
        let default = self.context.settings?.ssl_parameters.as_ref()?;
        (!default.is_empty()).then_some(default)
    }

    fn endpoints(&self, because: Option<&TlsBecause>) -> Vec<Endpoint> {
        let dialled = self.dialled(because);
        match &self.upstream.http_proxy_hostname {
            Some(server) => {
                dialled.into_iter().flat_map(|proxy| self.tunnelled(proxy, server)).collect()
            }
            None => dialled,
        }
    }

    /// Those whom the cluster names, be they servers or proxies.
    fn dialled(&self, because: Option<&TlsBecause>) -> Vec<Endpoint> {
        let tls = |sni: Option<String>| because.map(|because| self.server_tls(because, sni));
        let configured = self.upstream.ssl_config.as_ref().and_then(|config| config.sni.clone());
        let one = |host: String, port: u16, reach: Reach| {
            vec![self.endpoint(host, port, tls(configured.clone()), reach)]
        };
        match &self.upstream.kind {
            UpstreamKind::Static(spec) => self.static_endpoints(spec, because),
            UpstreamKind::Kube { service, port } => {
                let host = format!("{}.{}.svc", service.name, service.namespace);
                one(host, *port, Reach::WithinCluster)
            }
            UpstreamKind::Consul(name) => one(name.clone(), 0, Reach::ConsulCatalog),
            UpstreamKind::Aws(region) => self.own_host(format!("lambda.{region}.amazonaws.com")),
            UpstreamKind::Azure(app) => self.own_host(format!("{app}.azurewebsites.net")),
            UpstreamKind::AwsEc2(port) => one("EC2 instances".to_owned(), *port, Reach::Ec2),
            UpstreamKind::Pipe(path) => one(path.clone(), 0, Reach::UnixSocket),
            UpstreamKind::Enterprise(kind) => one((*kind).to_owned(), 0, Reach::Unknown),
            UpstreamKind::None => Vec::new(),
        }
    }

    /// `aws` and `azure` put their own transport socket in place of any other, and take from
    /// Settings alone.
    fn own_host(&self, host: String) -> Vec<Endpoint> {
        let tls = EndpointTls {
            config: self.client_config(self.settings_default(), Some(host.clone()), &[]),
            credentials: Credentials::None,
            verify_names: Vec::new(),
            sends_certificate: false,
            verifies: false,
        };
        // Their socket takes the place of the one with the PROXY header.
        let endpoint = self.endpoint(host, 443, Some(tls), Reach::Anywhere);
        vec![Endpoint { proxy_protocol: None, ..endpoint }]
    }

    fn static_endpoints(&self, spec: &StaticSpec, because: Option<&TlsBecause>) -> Vec<Endpoint> {
        let hosts = spec.hosts.iter().enumerate();
        hosts
            .map(|(index, host)| {
                let sni = self.static_sni(spec, host);
                let tls = because.map(|because| self.server_tls(because, sni));
                let endpoint = self.endpoint(host.addr.clone(), host.port, tls, Reach::Anywhere);
                Endpoint { index: Some(index), ..endpoint }
            })
            .collect()
    }

    /// The server name for one host: `transport_socket_matches` of the static plugin.
    fn static_sni(&self, spec: &StaticSpec, host: &StaticHost) -> Option<String> {
        match &host.sni_addr {
            Some(name) => Some(name.clone()),
            None if spec.auto_sni_rewrite => Some(host.addr.clone()),
            None => self.base_sni(spec),
        }
    }

    /// The server name of the cluster's own transport socket.
    fn base_sni(&self, spec: &StaticSpec) -> Option<String> {
        match &self.upstream.ssl_config {
            Some(ssl_config) if self.ssl_config_counts() => ssl_config.sni.clone(),
            _ => {
                let names = spec.hosts.iter().map(|host| &host.addr);
                let mut names = names.filter(|addr| !is_address(addr));
                names.next().cloned()
            }
        }
    }

    /// Whether the `sslConfig` is there and its Secret, too.
    fn ssl_config_counts(&self) -> bool {
        self.upstream.ssl_config.is_some()
            && !self.notes.iter().any(|note| matches!(note, Note::SecretMissing(_)))
    }

    /// The hop to the proxy and the server behind it
    /// (`projects/gloo/pkg/plugins/tunneling/plugin.go`). The server gets the transport socket that
    /// the cluster had, PROXY header and all, and nothing else of the cluster.
    fn tunnelled(&self, dialled: Endpoint, server: &str) -> [Endpoint; 2] {
        let outer = self.upstream.http_connect_ssl_config.as_ref().map(|ssl_config| {
            self.configured_tls(ssl_config, ssl_config.parameters.as_ref(), ssl_config.sni.clone())
        });
        let mut inner = dialled.tls.clone();
        if let Some(tls) = &mut inner {
            tls.config.protocol = Protocol::Http1;
            if let UpstreamKind::Static(spec) = &self.upstream.kind {
                tls.config.sni = self.base_sni(spec);
            }
        }
        let tunnel = Tunnel {
            host: dialled.host.clone(),
            port: dialled.port,
            tls: outer.clone().map(Box::new),
            is_http2: self.is_http2(),
            headers: self.upstream.http_connect_headers.clone(),
        };
        let (host, port) = split_authority(server);
        let reach = match dialled.reach {
            _ if server.contains('%') => Reach::PerRequest,
            Reach::Anywhere | Reach::WithinCluster => Reach::Anywhere,
            unreachable => unreachable,
        };
        let server =
            Endpoint { host, port, tls: inner, tunnel: Some(tunnel), reach, ..dialled.clone() };
        let proxy = Endpoint { hop: Hop::Proxy, tls: outer, proxy_protocol: None, ..dialled };
        [proxy, server]
    }

    /// Whether the cluster speaks HTTP/2 (`projects/gloo/pkg/plugins/protocoloptions/plugin.go`)
    /// to a client of HTTP/1.
    fn is_http2(&self) -> bool {
        self.upstream.use_http2 && !self.upstream.follows_downstream_protocol
    }

    fn endpoint(
        &self,
        host: String,
        port: u16,
        tls: Option<EndpointTls>,
        reach: Reach,
    ) -> Endpoint {
        let proxy_protocol = match self.upstream.proxy_protocol_version.as_deref() {
            Some("V1") => Some(ProxyProtocol::V1),
            Some("V2") => Some(ProxyProtocol::V2),
            _ => None,
        };
        Endpoint {
            host,
            port,
            index: None,
            hop: Hop::Server,
            tls,
            proxy_protocol,
            tunnel: None,
            reach,
        }
    }

    fn server_tls(&self, because: &TlsBecause, sni: Option<String>) -> EndpointTls {
        match &self.upstream.ssl_config {
            Some(ssl_config) if *because == TlsBecause::SslConfig => {
                let own = ssl_config.parameters.as_ref().or(self.settings_default());
                self.configured_tls(ssl_config, own, sni)
            }
            _ => EndpointTls {
                config: self.client_config(self.settings_default(), sni, &[]),
                credentials: Credentials::None,
                verify_names: Vec::new(),
                sends_certificate: false,
                verifies: false,
            },
        }
    }

    fn configured_tls(
        &self,
        ssl_config: &SslConfig,
        parameters: Option<&Parameters>,
        sni: Option<String>,
    ) -> EndpointTls {
        let sds = matches!(ssl_config.credentials, Credentials::Sds { .. });
        let one_way = (ssl_config.one_way_tls && !sds).then(|| self.context.gloo.one_way_tls());
        EndpointTls {
            config: self.client_config(
                parameters.filter(|_| !sds),
                sni,
                &ssl_config.alpn_protocols,
            ),
            credentials: ssl_config.credentials.clone(),
            verify_names: ssl_config.verify_subject_alt_name.clone(),
            sends_certificate: one_way != Some(OneWayTls::DropsClientCertificate),
            verifies: one_way != Some(OneWayTls::DropsVerification),
        }
    }

    fn client_config(
        &self,
        parameters: Option<&Parameters>,
        sni: Option<String>,
        alpn_protocols: &[String],
    ) -> ClientConfig {
        let parameters = parameters.cloned().unwrap_or_default();
        let protocol = if self.is_http2() { Protocol::Http2 } else { Protocol::Http1 };
        ClientConfig {
            minimum_protocol_version: parameters.minimum_protocol_version,
            maximum_protocol_version: parameters.maximum_protocol_version,
            cipher_suites: parameters.cipher_suites,
            ecdh_curves: parameters.ecdh_curves,
            sni,
            alpn_protocols: alpn_protocols.to_vec(),
            protocol,
            ..ClientConfig::new(self.context.envoy, self.context.build)
        }
    }

    fn note_tls(&mut self, endpoints: &[Endpoint]) {
        if self.upstream.follows_downstream_protocol {
            self.notes.push(Note::FollowsDownstreamProtocol);
        }
        self.note_server_names(endpoints);
        self.note_certificates(endpoints);
    }

    fn note_server_names(&mut self, endpoints: &[Endpoint]) {
        let servers = || endpoints.iter().filter(|endpoint| endpoint.hop == Hop::Server);
        let sent =
            || servers().filter_map(|endpoint| endpoint.tls.as_ref()).map(|tls| &tls.config.sni);
        let configured = self.upstream.ssl_config.as_ref().and_then(|config| config.sni.clone());
        if let Some(name) = configured
            && sent().all(|sent| sent.as_ref() != Some(&name))
            && matches!(self.upstream.kind, UpstreamKind::Static(_))
        {
            self.notes.push(Note::SniUnused(name));
        }
        let addresses = sent().flatten().find(|name| is_address(name)).cloned();
        self.notes.extend(addresses.map(Note::SniIsAddress));
        if sent().any(Option::is_none) {
            self.notes.push(Note::NoSni);
        }
    }

    fn note_certificates(&mut self, endpoints: &[Endpoint]) {
        let servers = endpoints.iter().filter(|endpoint| endpoint.hop == Hop::Server);
        let Some(tls) = servers.filter_map(|endpoint| endpoint.tls.as_ref()).next() else { return };
        let names = !tls.verify_names.is_empty();
        let mut notes = Vec::new();
        match &tls.credentials {
            Credentials::None => notes.push(Note::NothingVerified),
            Credentials::Secret(name) => match self.context.secrets.secret(name) {
                SecretKnowledge::Usable { authority: true, .. } if !names && tls.verifies => {
                    notes.push(Note::NameNotVerified);
                }
                SecretKnowledge::Usable { authority: false, .. } => {
                    notes.push(Note::NothingVerified);
                }
                SecretKnowledge::Unknown => notes.push(Note::SecretNotGiven(name.clone())),
                _ => {}
            },
            Credentials::Files { root_ca: None, .. } => notes.push(Note::NothingVerified),
            Credentials::Files { .. } => notes.push(Note::FilesNotGiven),
            Credentials::Sds { .. } => notes.push(Note::SdsNotGiven),
        }
        self.notes.extend(notes);
        self.note_one_way_tls();
    }

    fn note_one_way_tls(&mut self) {
        let Some(ssl_config) = &self.upstream.ssl_config else { return };
        if !ssl_config.one_way_tls {
            return;
        }
        let release = self.context.gloo;
        let note = match (&ssl_config.credentials, release.one_way_tls()) {
            (Credentials::Sds { .. }, _) => Note::OneWayTlsIgnoredBySds,
            (_, OneWayTls::DropsVerification) => Note::OneWayTlsDropsVerification(release),
            (_, OneWayTls::Unknown) => Note::OneWayTlsUnknown(release),
            (_, OneWayTls::DropsClientCertificate) => return,
        };
        self.notes.push(note);
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// Port 0 stands for none, which Envoy refuses in a CONNECT request's authority.
fn split_authority(authority: &str) -> (String, u16) {
    match authority.rsplit_once(':') {
        Some((host, port)) => {
            (host.trim_matches(['[', ']']).to_owned(), port.parse().unwrap_or_default())
        }
        None => (authority.to_owned(), 0),
    }
}
