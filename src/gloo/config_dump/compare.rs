//! Where a running Envoy differs from the Upstreams that its control plane reads.
//!
//! Compared is what is in force: a default written out and a default left out are the same.

use std::collections::BTreeSet;

use super::super::cluster::{Cluster, Endpoint, EndpointTls, Hop, PlainBecause, Tls};
use super::super::ssl_config::Credentials;
use super::super::upstream::{ObjectName, Upstream, UpstreamKind};
use super::cluster::{Address, DumpedCluster, UpstreamProtocol};
use super::effect::{Group, SocketChoice};
use super::socket::{CertificateSource, Security, TlsSettings};
use crate::envoy::{ClientConfig, ConfigFault, Protocol};
use crate::gloo::ProxyProtocol;
use crate::tls::TlsVersion;

/// One setting that the dump has otherwise than the Upstream makes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// The field, in Envoy's spelling, or what else differs.
    pub field: &'static str,
    /// The endpoints that it is about; none if it is about the cluster.
    pub endpoints: Vec<String>,
    /// What the dump has.
    pub dump: String,
    /// What the Upstream makes.
    pub upstream: String,
}

/// An Upstream without its cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// The Upstream.
    pub upstream: ObjectName,
    /// The cluster that is not there.
    pub cluster: String,
    /// Why, as far as it is known.
    pub because: MissingBecause,
}

/// Why a cluster is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MissingBecause {
    /// Gloo refuses the Upstream, in these words.
    RefusedByGloo(String),
    /// Envoy refuses its settings, in these words.
    RefusedByEnvoy(String),
    /// It is there, and waits for its endpoints or secrets.
    Warming,
    /// It is not known.
    Unknown,
}

/// The names of the clusters that Gloo makes of an Upstream. A tunnel has one more, which dials
/// the proxy (Gloo `projects/gloo/pkg/plugins/tunneling/plugin.go`).
#[must_use]
pub fn expected_clusters(upstream: &Upstream) -> Vec<String> {
    let name = upstream.cluster_name();
    match upstream.http_proxy_hostname {
        Some(_) => vec![format!("{name}{DIALS_PROXY}"), name],
        None => vec![name],
    }
}

const DIALS_PROXY: &str = "_original";

impl Missing {
    /// An Upstream whose cluster `name` is not among those in use.
    #[must_use]
    pub fn new(cluster: &Cluster, name: &str, is_warming: bool) -> Self {
        let because = match (&cluster.tls, refused_by_envoy(cluster, name)) {
            _ if is_warming => MissingBecause::Warming,
            (Tls::Refused(refusal), _) => MissingBecause::RefusedByGloo(refusal.to_string()),
            (_, Some(fault)) => MissingBecause::RefusedByEnvoy(fault.to_string()),
            (_, None) => MissingBecause::Unknown,
        };
        Self { upstream: cluster.upstream.clone(), cluster: name.to_owned(), because }
    }
}

/// Why Envoy refuses to load the cluster `name` that Gloo makes of an Upstream, if it does.
#[must_use]
pub fn refused_by_envoy(cluster: &Cluster, name: &str) -> Option<ConfigFault> {
    let hop = hop(cluster, name);
    cluster
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.hop == hop)
        .filter_map(|endpoint| endpoint.tls.as_ref()?.config.offer().err())
        .find(ConfigFault::is_refused_at_load)
}

/// The connection that the cluster `name` of an Upstream makes.
fn hop(cluster: &Cluster, name: &str) -> Hop {
    if name == cluster.name { Hop::Server } else { Hop::Proxy }
}

/// Compares a cluster with what Gloo makes of its Upstream. `groups` are the cluster's, for the
/// release and build that `expected` was made for.
#[must_use]
pub fn compare(
    cluster: &DumpedCluster,
    groups: &[Group],
    upstream: &Upstream,
    expected: &Cluster,
) -> Vec<Difference> {
    let mut differences = Differences(Vec::new());
    let hop = hop(expected, &cluster.name);
    let dials_proxy = hop == Hop::Proxy;
    let endpoints: Vec<_> = expected.endpoints.iter().filter(|it| it.hop == hop).collect();
    let pair = Pairing { cluster, groups, upstream, dials_proxy };
    match &expected.tls {
        Tls::Refused(refusal) => {
            let refused = format!("none, since Gloo refuses it: {refusal}");
            differences.add("cluster", "", "there".to_owned(), refused);
        }
        // It has sockets of its own for what is in the mesh.
        Tls::Off(PlainBecause::IstioAutoMtls) => {}
        _ if matches!(upstream.kind, UpstreamKind::Enterprise(_)) => {}
        _ => pair.compare(&endpoints, &mut differences),
    }
    differences.0
}

/// Differences, of which the same at several endpoints are one.
struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, field: &'static str, endpoint: &str, dump: String, upstream: String) {
        let known = self
            .0
            .iter_mut()
            .find(|known| known.field == field && known.dump == dump && known.upstream == upstream);
        let difference = match known {
            Some(known) => known,
            None => {
                let endpoints = Vec::new();
                self.0.push(Difference { field, endpoints, dump, upstream });
                // Pushed just above.
                let Some(last) = self.0.last_mut() else { return };
                last
            }
        };
        if !endpoint.is_empty() {
            difference.endpoints.push(endpoint.to_owned());
        }
    }

    fn unless_same(
        &mut self,
        field: &'static str,
        endpoint: &str,
        dump: impl Into<String>,
        upstream: impl Into<String>,
    ) {
        let (dump, upstream) = (dump.into(), upstream.into());
        if dump != upstream {
            self.add(field, endpoint, dump, upstream);
        }
    }
}

struct Pairing<'a> {
    cluster: &'a DumpedCluster,
    groups: &'a [Group],
    upstream: &'a Upstream,
    dials_proxy: bool,
}

impl Pairing<'_> {
    fn compare(&self, expected: &[&Endpoint], differences: &mut Differences) {
        let has_own_hosts = matches!(
            self.upstream.kind,
            UpstreamKind::Static(_) | UpstreamKind::Aws(_) | UpstreamKind::Azure(_)
        );
        // The inner cluster of a tunnel points at the proxy's own listener, with one socket.
        let is_inner = self.upstream.http_proxy_hostname.is_some() && !self.dials_proxy;
        if has_own_hosts && !is_inner && self.cluster.endpoints.is_some() {
            return self.by_address(expected, differences);
        }
        let Some(first) = expected.first() else { return };
        for group in self.groups {
            // What is so everywhere is about the cluster.
            let several = self.groups.len() > 1;
            let shown = group.endpoints.first().filter(|_| several).map(ToString::to_string);
            let shown = shown.unwrap_or_default();
            self.group(group, &shown, first, is_inner, differences);
        }
    }

    fn by_address(&self, expected: &[&Endpoint], differences: &mut Differences) {
        let mut unpaired: Vec<(&Group, &Address)> = self
            .groups
            .iter()
            .flat_map(|group| group.endpoints.iter().map(move |address| (group, address)))
            .collect();
        for endpoint in expected {
            let shown = authority(&endpoint.host, endpoint.port);
            let place = unpaired.iter().position(|(_, address)| is_at(address, endpoint));
            match place.map(|place| unpaired.remove(place)) {
                Some((group, _)) => self.group(group, &shown, endpoint, false, differences),
                None => differences.add("endpoint", &shown, "none".into(), "there".into()),
            }
        }
        for (_, address) in unpaired {
            let shown = address.to_string();
            differences.add("endpoint", &shown, "there".into(), "none".into());
        }
    }

    fn group(
        &self,
        group: &Group,
        shown: &str,
        expected: &Endpoint,
        is_inner: bool,
        differences: &mut Differences,
    ) {
        let socket = self.cluster.socket(group.choice);
        // Gloo wraps the socket before the tunnel takes it away, so the header goes through it.
        if !self.dials_proxy {
            let (dump, made) = (socket.proxy_protocol, expected.proxy_protocol);
            differences.unless_same(
                "PROXY protocol",
                shown,
                version_name(dump),
                version_name(made),
            );
        }
        let speaks = match (&socket.security, &expected.tls) {
            (Security::Tls(settings), Some(tls)) => {
                let Some(effective) = &group.tls else { return };
                let by_request = self.upstream.follows_downstream_protocol
                    && self.cluster.protocol == UpstreamProtocol::Downstream;
                // The inner cluster of a tunnel gets no protocol options from Gloo.
                let skips_protocol = by_request || is_inner;
                let both = Both { shown, dump: &effective.config, made: &tls.config };
                // Without endpoints nothing says which of several sockets is meant.
                let skips_sni = group.endpoints.is_empty() && !self.cluster.matches.is_empty();
                return both.compare(settings, tls, skips_protocol, skips_sni, differences);
            }
            (Security::Tls(_), None) => "TLS",
            // Those in the mesh have another socket beside plain text for the rest.
            (Security::Plain, None) => return,
            (Security::Plain, Some(_)) if group.endpoints.is_empty() && self.is_fallback(group) => {
                return;
            }
            (Security::Plain, Some(_)) => "plain text",
            (Security::Other(name), _) => name,
        };
        let made = if expected.tls.is_some() { "TLS" } else { "plain text" };
        differences.unless_same("transport_socket", shown, speaks, made);
    }

    /// Whether the group is the socket for endpoints that none of the others is for.
    fn is_fallback(&self, group: &Group) -> bool {
        group.choice == SocketChoice::Base && !self.cluster.matches.is_empty()
    }
}

fn is_at(address: &Address, endpoint: &Endpoint) -> bool {
    match address {
        Address::Socket { host, port } => *host == endpoint.host && *port == endpoint.port,
        _ => false,
    }
}

fn authority(host: &str, port: u16) -> String {
    Address::Socket { host: host.to_owned(), port }.to_string()
}

fn version_name(version: Option<ProxyProtocol>) -> &'static str {
    match version {
        None => "none",
        Some(ProxyProtocol::V1) => "V1",
        Some(ProxyProtocol::V2) => "V2",
    }
}

/// What decides the hellos to one endpoint, twice.
struct Both<'a> {
    shown: &'a str,
    dump: &'a ClientConfig,
    made: &'a ClientConfig,
}

impl Both<'_> {
    fn compare(
        &self,
        settings: &TlsSettings,
        tls: &EndpointTls,
        skips_protocol: bool,
        skips_sni: bool,
        differences: &mut Differences,
    ) {
        let (dump, made) = (self.dump, self.made);
        let mut check = |field, dump: String, made: String| {
            differences.unless_same(field, self.shown, dump, made);
        };
        let defaults = dump.release.defaults(dump.build);
        let version = |set: Option<TlsVersion>, default: TlsVersion| {
            let version = set.unwrap_or(default);
            version.envoy_name().map_or_else(|| version.to_string(), str::to_owned)
        };
        if !skips_sni {
            let name = |config: &ClientConfig| config.sni.clone().unwrap_or_else(|| "none".into());
            check("sni", name(dump), name(made));
        }
        check(
            "tls_minimum_protocol_version",
            version(dump.minimum_protocol_version, defaults.minimum),
            version(made.minimum_protocol_version, defaults.minimum),
        );
        check(
            "tls_maximum_protocol_version",
            version(dump.maximum_protocol_version, defaults.maximum),
            version(made.maximum_protocol_version, defaults.maximum),
        );
        check(
            "cipher_suites",
            list(dump.cipher_suites_in_force()),
            list(made.cipher_suites_in_force()),
        );
        check("ecdh_curves", list(dump.ecdh_curves_in_force()), list(made.ecdh_curves_in_force()));
        check(
            "signature_algorithms",
            list(dump.signature_algorithms_in_force()),
            list(made.signature_algorithms_in_force()),
        );
        check(
            "alpn_protocols",
            list_or_none(&dump.alpn_protocols),
            list_or_none(&made.alpn_protocols),
        );
        if !skips_protocol {
            let (dump, made) = (protocol_name(dump.protocol), protocol_name(made.protocol));
            check("protocol", dump.to_owned(), made.to_owned());
        }
        let names = |names: &[String]| {
            let names: BTreeSet<_> = names.iter().cloned().collect();
            list_or_none(&names.into_iter().collect::<Vec<_>>())
        };
        check("subject_alt_names", names(&settings.verify_names), names(&tls.verify_names));
        certificates(settings, tls, &mut check);
    }
}

/// What an Upstream names and what the dump has, as far as one tells of the other: what a Secret
/// holds is not known here.
fn certificates(
    settings: &TlsSettings,
    tls: &EndpointTls,
    check: &mut impl FnMut(&'static str, String, String),
) {
    let shown = settings.certificates.first().map(source_name);
    let authority = settings.authority.as_ref().map(source_name);
    let none = || "none".to_owned();
    let mut hold = |field, dump: Option<String>, wanted: Option<&str>| match (dump, wanted) {
        (Some(dump), None) => check(field, dump, none()),
        (None, Some(wanted)) => check(field, none(), wanted.to_owned()),
        _ => {}
    };
    match &tls.credentials {
        Credentials::None => {
            hold("client certificate", shown, None);
            hold("trusted CA", authority, None);
        }
        Credentials::Files { root_ca, .. } => {
            hold("client certificate", shown, None);
            let wanted = root_ca.as_ref().filter(|_| tls.verifies);
            hold("trusted CA", authority, wanted.map(String::as_str));
        }
        Credentials::Sds { certificates, validation } => {
            hold("client certificate", shown, certificates.then_some("SDS"));
            hold("trusted CA", authority, validation.then_some("SDS"));
        }
        Credentials::Secret(name) => {
            if !tls.sends_certificate {
                hold("client certificate", shown.clone(), None);
            }
            if !tls.verifies {
                hold("trusted CA", authority.clone(), None);
            }
            if shown.is_none() && authority.is_none() && tls.sends_certificate && tls.verifies {
                check("secret", none(), format!("Secret {name}"));
            }
        }
    }
}

fn source_name(source: &CertificateSource) -> String {
    match source {
        CertificateSource::Inline => "inline".to_owned(),
        CertificateSource::File(path) => path.clone(),
        CertificateSource::Secret(name) => format!("SDS {name}"),
        CertificateSource::Elsewhere => "there".to_owned(),
    }
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Auto => "HTTP/1 or HTTP/2",
        Protocol::Tcp => "TCP",
    }
}

/// As Envoy joins it. Empty entries do nothing, and one entry may hold several.
fn list(entries: Vec<String>) -> String {
    let joined = entries.join(":");
    let parts: Vec<_> = joined.split(':').filter(|part| !part.is_empty()).collect();
    parts.join(":")
}

fn list_or_none(entries: &[String]) -> String {
    if entries.is_empty() { "none".to_owned() } else { entries.join(",") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::field::Object;
    use super::super::super::{Context, NoSecrets, Release, translate};
    use super::super::cluster::Origin;
    use super::*;
    use crate::envoy::{self, Build};

    fn differences(spec: Value, cluster: Value) -> Vec<String> {
        let upstream = json!({ "metadata": { "name": "up", "namespace": "ns" }, "spec": spec });
        let upstream = Upstream::read(&upstream).unwrap();
        let context = Context {
            gloo: Release::STABLE,
            envoy: envoy::Release::NEWEST,
            build: Build::Standard,
            settings: None,
            secrets: &NoSecrets,
        };
        let mut cluster = cluster;
        if cluster.get("name").is_none() {
            cluster["name"] = "up_ns".into();
        }
        let dumped = DumpedCluster::read(&Object::root(&cluster).unwrap(), Origin::Active).unwrap();
        let groups = dumped.groups(context.envoy, context.build);
        let made = translate(&upstream, &context);
        let shown = |it: Difference| {
            format!("{} {}: {} / {}", it.field, it.endpoints.join("+"), it.dump, it.upstream)
        };
        compare(&dumped, &groups, &upstream, &made).into_iter().map(shown).collect()
    }

    fn endpoint(host: &str, port: u16) -> Value {
        json!({
            "endpoint": { "address": { "socket_address": { "address": host, "port_value": port } } },
            "metadata": { "filter_metadata": {
                "envoy.transport_socket_match": { host: true } } },
        })
    }

    fn tls(typed: Value) -> Value {
        json!({ "name": "envoy.transport_sockets.tls", "typed_config": typed })
    }

    /// A cluster as Gloo makes it of a static Upstream: a match for each host.
    fn cluster(hosts: &[&str], typed: Value) -> Value {
        let matches = hosts.iter().map(|host| {
            let mut own = typed.clone();
            own["sni"] = (*host).into();
            json!({ "name": format!("{host};{host}:443"), "match": { *host: true },
                    "transport_socket": tls(own) })
        });
        let matches: Vec<_> = matches.collect();
        let endpoints: Vec<_> = hosts.iter().map(|host| endpoint(host, 443)).collect();
        json!({
            "transport_socket": tls(typed), "transport_socket_matches": matches,
            "load_assignment": { "endpoints": [{ "lb_endpoints": endpoints }] },
        })
    }

    fn fixed(hosts: &[&str]) -> Value {
        let hosts: Vec<_> = hosts.iter().map(|host| json!({ "addr": host, "port": 443 })).collect();
        json!({ "static": { "hosts": hosts } })
    }

    fn with(mut spec: Value, more: Value) -> Value {
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    }

    fn parameters(parameters: Value) -> Value {
        json!({ "common_tls_context": { "tls_params": parameters } })
    }

    #[test]
    fn what_gloo_makes_is_no_difference() {
        let hosts = ["a.example", "b.example"];
        assert_eq!(differences(fixed(&hosts), cluster(&hosts, json!({}))), [""; 0]);
    }

    #[test]
    fn a_default_written_out_is_no_difference() {
        let config = ClientConfig::new(envoy::Release::NEWEST, Build::Standard);
        let written = parameters(json!({
            "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLS_AUTO",
            "cipher_suites": config.cipher_suites_in_force(),
            "ecdh_curves": ["X25519MLKEM768:X25519", "P-256", ""],
        }));
        let spec = with(
            fixed(&["a"]),
            json!({ "sslConfig": { "parameters": { "maximumProtocolVersion": "TLSv1_2" } } }),
        );
        assert_eq!(differences(spec, cluster(&["a"], written)), [""; 0]);
    }

    #[test]
    fn every_setting_is_compared_in_envoys_spelling() {
        let spec = with(
            fixed(&["a", "b"]),
            json!({ "useHttp2": true, "sslConfig": { "alpnProtocols": ["h2"], "parameters": {
                "minimumProtocolVersion": "TLSv1_0", "maximumProtocolVersion": "TLSv1_3",
                "cipherSuites": ["AES128-SHA"], "ecdhCurves": ["P-384"] } } }),
        );
        let mut dumped = cluster(
            &["a", "b"],
            json!({ "common_tls_context": {
                "tls_params": { "signature_algorithms": ["ed25519"] },
                "tls_certificates": [{ "certificate_chain": { "inline_string": true } }],
                "validation_context": { "trusted_ca": { "inline_string": true } } } }),
        );
        dumped["transport_socket_matches"][1]["transport_socket"]["typed_config"]["sni"] =
            "other".into();
        let shown = differences(spec, dumped);
        let fields: Vec<_> = shown.iter().map(|it| it.split(':').next().unwrap()).collect();
        let expected = [
            "tls_minimum_protocol_version a+b",
            "tls_maximum_protocol_version a+b",
            "cipher_suites a+b",
            "ecdh_curves a+b",
            "signature_algorithms a+b",
            "alpn_protocols a+b",
            "protocol a+b",
            "client certificate a+b",
            "trusted CA a+b",
            "sni b",
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|it| it.replace("a+b", "a:443+b:443"))
            .map(|it| it.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(fields, expected, "{shown:#?}");
        assert!(shown.contains(&"sni b:443: other / b".to_owned()), "{shown:#?}");
        assert!(shown[0].ends_with(": TLSv1_2 / TLSv1_0"), "{shown:#?}");
        assert!(shown[0].contains("a:443+b:443"), "{shown:#?}");
    }

    #[test]
    fn the_server_name_of_the_match_counts_not_that_of_the_base() {
        let mut dumped = cluster(&["a"], json!({ "sni": "base" }));
        let spec = with(fixed(&["a"]), json!({ "sslConfig": { "sni": "unused" } }));
        assert_eq!(differences(spec.clone(), dumped.clone()), [""; 0]);
        dumped["transport_socket_matches"] = json!([]);
        assert_eq!(differences(spec, dumped), ["sni a:443: base / a"]);
    }

    #[test]
    fn endpoints_are_paired_by_address() {
        let shown = differences(fixed(&["a", "b"]), cluster(&["b", "c"], json!({})));
        assert_eq!(shown, ["endpoint a:443: none / there", "endpoint c:443: there / none"]);
    }

    #[test]
    fn plain_text_where_tls_is_meant_and_the_reverse() {
        let mut plain = cluster(&["a"], json!({}));
        plain["transport_socket"] = Value::Null;
        plain["transport_socket_matches"] = json!([]);
        let shown = differences(fixed(&["a"]), plain);
        assert_eq!(shown, ["transport_socket a:443: plain text / TLS"]);
        let spec =
            json!({ "static": { "hosts": [{ "addr": "a", "port": 443 }], "useTls": false } });
        let shown = differences(spec, cluster(&["a"], json!({})));
        assert_eq!(shown, ["transport_socket a:443: TLS / plain text"]);
    }

    #[test]
    fn eds_clusters_are_compared_by_their_sockets() {
        let spec = json!({
            "kube": { "serviceName": "s", "serviceNamespace": "n", "servicePort": 443 },
            "sslConfig": { "sni": "s.example" },
        });
        let eds = |sni: &str| {
            json!({ "type": "EDS", "transport_socket": tls(json!({ "sni": sni })),
                    "load_assignment": { "endpoints": [{ "lb_endpoints": [
                        endpoint("10.0.0.1", 8443), endpoint("10.0.0.2", 8443)] }] } })
        };
        assert_eq!(differences(spec.clone(), eds("s.example")), [""; 0]);
        let shown = differences(spec.clone(), eds("old.example"));
        assert_eq!(shown, ["sni : old.example / s.example"]);
        let without = json!({ "type": "EDS", "transport_socket": tls(json!({})) });
        assert_eq!(differences(spec, without), ["sni : none / s.example"]);
    }

    #[test]
    fn a_tunnel_has_its_inner_tls_in_the_named_cluster_and_the_outer_in_original() {
        let spec = with(
            fixed(&["proxy"]),
            json!({
                "httpProxyHostname": "server.example:443", "useHttp2": true,
                "sslConfig": { "sni": "server.example" },
                "httpConnectSslConfig": { "sni": "proxy.example" },
            }),
        );
        let inner = json!({
            "transport_socket": tls(json!({ "sni": "server.example" })),
            "load_assignment": { "endpoints": [{ "lb_endpoints": [{
                "endpoint": { "address": { "pipe": { "path": "@/up_ns" } } } }] }] },
        });
        assert_eq!(differences(spec.clone(), inner), [""; 0]);
        let outer = |sni: &str| {
            json!({
                "name": "up_ns_original", "transport_socket": tls(json!({ "sni": sni })),
                "http2_protocol_options": true,
                "load_assignment": { "endpoints": [{ "lb_endpoints": [endpoint("proxy", 443)] }] },
            })
        };
        assert_eq!(differences(spec.clone(), outer("proxy.example")), [""; 0]);
        assert_eq!(differences(spec, outer("x")), ["sni proxy:443: x / proxy.example"]);
    }

    #[test]
    fn proxy_protocol_is_compared() {
        let spec = with(fixed(&["a"]), json!({ "proxyProtocolVersion": "V2", "sslConfig": {} }));
        let shown = differences(spec, cluster(&["a"], json!({})));
        assert_eq!(shown, ["PROXY protocol a:443: none / V2"]);
    }

    #[test]
    fn of_certificates_is_compared_what_can_be_known() {
        let secret = json!({ "sslConfig": { "secretRef": { "name": "s", "namespace": "n" } } });
        let shown = differences(with(fixed(&["a"]), secret.clone()), cluster(&["a"], json!({})));
        assert_eq!(shown, ["secret a:443: none / Secret n/s"]);
        let authority = json!({ "common_tls_context": {
            "validation_context": { "trusted_ca": { "inline_string": true } } } });
        assert_eq!(differences(with(fixed(&["a"]), secret), cluster(&["a"], authority)), [""; 0]);
        let sds = json!({ "sslConfig": { "sds": {
            "targetUri": "t", "certificatesSecretName": "c", "validationContextName": "v" } } });
        let dumped = json!({ "common_tls_context": {
            "tls_certificate_sds_secret_configs": [{ "name": "c" }] } });
        let shown = differences(with(fixed(&["a"]), sds), cluster(&["a"], dumped));
        assert_eq!(shown, ["trusted CA a:443: none / SDS"]);
    }

    #[test]
    fn an_upstream_that_gloo_refuses_has_no_cluster() {
        let shown = differences(json!({ "static": { "hosts": [] } }), cluster(&["a"], json!({})));
        assert!(shown[0].starts_with("cluster : there / none, since Gloo refuses it: it has no"));
    }

    #[test]
    fn a_missing_cluster_says_what_envoy_has_against_it() {
        let spec = with(
            fixed(&["a"]),
            json!({ "sslConfig": { "parameters": { "cipherSuites": ["FOO"] } } }),
        );
        let upstream = json!({ "metadata": { "name": "up", "namespace": "ns" }, "spec": spec });
        let upstream = Upstream::read(&upstream).unwrap();
        let context = Context {
            gloo: Release::STABLE,
            envoy: envoy::Release::NEWEST,
            build: Build::Standard,
            settings: None,
            secrets: &NoSecrets,
        };
        let made = translate(&upstream, &context);
        let missing = Missing::new(&made, "up_ns", false);
        let MissingBecause::RefusedByEnvoy(words) = missing.because else { panic!("{missing:?}") };
        assert!(words.starts_with("Failed to initialize cipher suites FOO."), "{words}");
        assert_eq!(Missing::new(&made, "up_ns", true).because, MissingBecause::Warming);
    }
}
