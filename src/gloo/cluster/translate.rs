//! From an Upstream to its cluster.
//!
//! The order of decisions is that of Gloo's translator: `sslConfig` is resolved first, with the
//! Settings default (`projects/gloo/pkg/translator/clusters.go`), PROXY protocol wraps whatever
//! there is, then come the plugins (`projects/gloo/pkg/plugins/registry/registry.go`).

use super::{
    Cluster, Context, Endpoint, EndpointTls, Hop, ParametersFrom, PlainBecause, ProxyProtocol,
    Reach, Refusal, SecretKnowledge, Tls, TlsBecause, Tunnel,
};
use crate::envoy::{ClientConfig, Protocol};
use crate::gloo::note::Note;
use crate::gloo::release::OneWayTls;
use crate::gloo::ssl_config::{Credentials, Parameters, SslConfig};
use crate::gloo::upstream::{ObjectName, StaticHost, StaticSpec, Upstream, UpstreamKind};

/// What a status says of a Secret that no list had.
const SECRET_NOT_FOUND: &str = "SSL secret not found";

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
        self.drop_repeated_status();
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

    /// A missing Secret is told once.
    fn drop_repeated_status(&mut self) {
        if self.notes.iter().any(|note| matches!(note, Note::SecretMissing(_))) {
            self.notes.retain(|note| {
                !matches!(note, Note::Status { reason, .. } if reason.contains(SECRET_NOT_FOUND))
            });
        }
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
            SecretKnowledge::Unseen => self.missing(name),
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
            status.reason.contains(SECRET_NOT_FOUND) && has_word(&status.reason, &dotted)
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
        if !self.ssl_config_counts() {
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
            sends_certificate: may_send_certificate(&ssl_config.credentials)
                && one_way != Some(OneWayTls::DropsClientCertificate),
            verifies: may_verify(&ssl_config.credentials)
                && one_way != Some(OneWayTls::DropsVerification),
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

/// Whether a name stands in a text, and not as a part of a longer one.
fn has_word(text: &str, name: &str) -> bool {
    let of_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // A full stop may end the sentence.
        let after = after.strip_prefix('.').unwrap_or(after);
        !before.ends_with(|sign| of_name(sign) || sign == '.') && !after.starts_with(of_name)
    })
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

/// Files with a key pair are refused, so those that remain have none.
fn may_send_certificate(credentials: &Credentials) -> bool {
    match credentials {
        Credentials::None | Credentials::Files { .. } => false,
        Credentials::Secret(_) => true,
        Credentials::Sds { certificates, .. } => *certificates,
    }
}

fn may_verify(credentials: &Credentials) -> bool {
    match credentials {
        Credentials::None => false,
        Credentials::Secret(_) => true,
        Credentials::Files { root_ca, .. } => root_ca.is_some(),
        Credentials::Sds { validation, .. } => *validation,
    }
}
