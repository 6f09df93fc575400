//! What a running Envoy has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::envoy::EnvoyClient;
use super::finding::Finding;
use super::remedy::Change;
use super::way::Way;
use crate::gloo::ProxyProtocol;
use crate::gloo::config_dump as dump;
use crate::report::config_dump::{self as report, ClusterRecord, missing_words};

/// Which TLS settings each cluster of a running Envoy has, where they differ from Gloo's
/// Upstreams, and whether servers take them.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigDumpReport {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// The clusters, in the order of the dump; those of type EDS stand behind, once their
    /// endpoints are known.
    pub clusters: Vec<DumpedCluster>,
    /// Upstreams whose clusters are not in use.
    pub missing: Vec<MissingCluster>,
    /// The release and patch level that the dump names, such as `1.40.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dumped_envoy: Option<String>,
    /// The release that was judged, such as `1.40`.
    pub envoy: String,
    /// How many there are of what.
    pub totals: Totals,
    /// The exit code that goes with it, as far as the clusters decide it: 2 also stands for files
    /// that could not be read, which are told on stderr.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
}

/// One cluster.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DumpedCluster {
    /// Its name.
    pub name: String,
    /// Which of Envoy's clusters it is.
    pub origin: Origin,
    /// What it speaks upstream.
    pub protocol: UpstreamProtocol,
    /// Whether the server name follows each request (`auto_sni`).
    pub auto_sni: bool,
    /// Its endpoints, by what is spoken to them.
    pub groups: Vec<EndpointGroup>,
    /// The Upstream that it was compared with, as `NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Where it differs from that.
    pub differences: Vec<Difference>,
    /// Why Envoy keeps what it has, where it refuses what the Upstream makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_because: Option<String>,
    /// What became of its endpoints, if that was asked for.
    pub probes: Vec<Probe>,
}

/// Which of Envoy's clusters one is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From the bootstrap.
    Static,
    /// From CDS, and in use.
    Active,
    /// From CDS, and not in use before its endpoints and secrets have come.
    Warming,
    /// From CDS; the dump does not say whether it is in use.
    Dynamic,
    /// From a plain list of clusters.
    Listed,
}

/// What a cluster speaks upstream.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamProtocol {
    /// HTTP/1.
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
    /// HTTP/1 or HTTP/2 as negotiated.
    Auto,
    /// What the client speaks.
    Downstream,
}

/// Endpoints to which the same is spoken.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointGroup {
    /// The name of the entry of `transport_socket_matches` that is for them; left out where it is
    /// the cluster's own `transport_socket`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_match: Option<String>,
    /// The endpoints; none where the dump has none.
    pub endpoints: Vec<String>,
    /// The PROXY protocol header that precedes everything else: `V1` or `V2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["V1", "V2"]))]
    pub proxy_protocol: Option<String>,
    /// What is spoken.
    pub security: Security,
}

/// What is spoken to endpoints.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Security {
    /// Plain text.
    Plain {},
    /// TLS.
    Tls {
        /// What decides the hello.
        envoy: Box<EnvoyClient>,
        /// The settings that the cluster has itself, by Envoy's field; all others are defaults.
        set: Vec<String>,
        /// Where client certificates come from.
        certificates: Vec<CertificateSource>,
        /// Where the authorities come from against which the server is verified.
        #[serde(skip_serializing_if = "Option::is_none")]
        trusted_ca: Option<CertificateSource>,
        /// Names of which the server's certificate must have one.
        verify_names: Vec<String>,
    },
    /// Another transport socket.
    Other {
        /// Its name.
        name: String,
    },
}

/// Where a certificate comes from.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CertificateSource {
    /// It stands in the configuration.
    Inline {},
    /// A file of the proxy's.
    File {
        /// Its path.
        path: String,
    },
    /// A secret, from SDS or of the bootstrap's.
    Secret {
        /// Its name.
        name: String,
    },
    /// Envoy's environment, a provider plugin, or the system's authorities.
    Elsewhere {},
}

/// One setting that Envoy has otherwise than the Upstream makes it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The field, in Envoy's spelling, or what else differs.
    pub field: String,
    /// The endpoints that it is about; none if it is about the cluster.
    pub endpoints: Vec<String>,
    /// What the dump has.
    pub dump: String,
    /// What the Upstream makes.
    pub upstream: String,
}

/// An Upstream whose cluster is not in use.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MissingCluster {
    /// The name that the cluster would have.
    pub cluster: String,
    /// The Upstream, as `NAMESPACE/NAME`.
    pub upstream: String,
    /// Why, as far as it is known.
    pub because: MissingBecause,
    /// For people.
    pub text: String,
}

/// Why a cluster is not in use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingBecause {
    /// Gloo refuses the Upstream.
    RefusedByGloo,
    /// Envoy refuses its settings.
    RefusedByEnvoy,
    /// It waits for its endpoints or secrets.
    Warming,
    /// It is not known.
    Unknown,
}

/// What became of one endpoint.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The endpoint.
    pub endpoint: String,
    /// The verdict in one word.
    pub summary: ProbeSummary,
    /// What lies between here and the server's TLS; left out where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Why it was not tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_tested: Option<String>,
    /// What was found at each address, the gravest first.
    pub findings: Vec<Finding>,
    /// The change that is proven to help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Why there is no change although one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_change: Option<String>,
}

/// The verdict on one endpoint in one word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeSummary {
    /// It was not tested.
    NotTested,
    /// Envoy connects.
    Connects,
    /// The hello gets through and the server wants a client certificate. Envoy has one, whose key
    /// is not in the dump.
    CertificateNotTried,
    /// Something has to be changed.
    NeedsChange,
    /// No setting helps.
    NoSettingHelps,
    /// It could not be told.
    Unclear,
}

/// How many there are of what.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Clusters that were read.
    pub clusters: usize,
    /// Those that speak TLS to some endpoint.
    pub with_tls: usize,
    /// Those that could not be read.
    pub unreadable: usize,
    /// Those that were compared with an Upstream.
    pub compared: usize,
    /// Those that differ from it.
    pub differing: usize,
    /// Upstreams whose clusters are not in use.
    pub missing: usize,
    /// Endpoints that were tested.
    pub tested: usize,
    /// Those of them to which Envoy does not connect.
    pub blocked: usize,
    /// Those of them of which it could not be told.
    pub unclear: usize,
}

impl From<&ClusterRecord> for DumpedCluster {
    fn from(record: &ClusterRecord) -> Self {
        let cluster = &record.cluster;
        Self {
            name: cluster.name.clone(),
            origin: cluster.origin.into(),
            protocol: cluster.protocol.into(),
            auto_sni: cluster.auto_sni,
            groups: record.groups.iter().map(|group| EndpointGroup::new(cluster, group)).collect(),
            upstream: record.upstream.as_ref().map(ToString::to_string),
            differences: all(&record.differences),
            kept_because: record.kept_because.as_ref().map(ToString::to_string),
            probes: all(&record.probes),
        }
    }
}

impl EndpointGroup {
    fn new(cluster: &dump::DumpedCluster, group: &dump::Group) -> Self {
        let socket = cluster.socket(group.choice);
        let socket_match = match group.choice {
            dump::SocketChoice::Base => None,
            dump::SocketChoice::Match(index) => cluster.matches.get(index),
        };
        Self {
            socket_match: socket_match.map(|found| found.name.clone()),
            endpoints: group.endpoints.iter().map(ToString::to_string).collect(),
            proxy_protocol: socket.proxy_protocol.map(|version| match version {
                ProxyProtocol::V1 => "V1".to_owned(),
                ProxyProtocol::V2 => "V2".to_owned(),
            }),
            security: Security::new(&socket.security, group.tls.as_ref()),
        }
    }
}

impl Security {
    fn new(security: &dump::Security, effective: Option<&dump::Effective>) -> Self {
        match (security, effective) {
            (dump::Security::Tls(settings), Some(effective)) => Self::Tls {
                envoy: Box::new(EnvoyClient::from(&effective.config)),
                set: set(settings),
                certificates: all(&settings.certificates),
                trusted_ca: settings.authority.as_ref().map(CertificateSource::from),
                verify_names: settings.verify_names.clone(),
            },
            (dump::Security::Other(name), _) => Self::Other { name: name.clone() },
            _ => Self::Plain {},
        }
    }
}

/// The fields that are set.
fn set(settings: &dump::TlsSettings) -> Vec<String> {
    let fields = [
        ("tls_minimum_protocol_version", settings.minimum_protocol_version.is_some()),
        ("tls_maximum_protocol_version", settings.maximum_protocol_version.is_some()),
        ("cipher_suites", !settings.cipher_suites.is_empty()),
        ("ecdh_curves", !settings.ecdh_curves.is_empty()),
        ("signature_algorithms", !settings.signature_algorithms.is_empty()),
        ("compliance_policies", settings.fips_202205),
        ("alpn_protocols", !settings.alpn_protocols.is_empty()),
        ("sni", settings.sni.is_some()),
        ("auto_host_sni", settings.auto_host_sni),
        ("auto_sni_san_validation", settings.auto_sni_san_validation),
        ("allow_renegotiation", settings.allow_renegotiation),
        ("enforce_rsa_key_usage", settings.enforce_rsa_key_usage.is_some()),
    ];
    let set = fields.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(field, _)| field.to_owned()).collect()
}

impl From<&dump::CertificateSource> for CertificateSource {
    fn from(source: &dump::CertificateSource) -> Self {
        match source {
            dump::CertificateSource::Inline => Self::Inline {},
            dump::CertificateSource::File(path) => Self::File { path: path.clone() },
            dump::CertificateSource::Secret(name) => Self::Secret { name: name.clone() },
            dump::CertificateSource::Elsewhere => Self::Elsewhere {},
        }
    }
}

impl From<dump::Origin> for Origin {
    fn from(origin: dump::Origin) -> Self {
        match origin {
            dump::Origin::Static => Self::Static,
            dump::Origin::Active => Self::Active,
            dump::Origin::Warming => Self::Warming,
            dump::Origin::Dynamic => Self::Dynamic,
            dump::Origin::Listed => Self::Listed,
        }
    }
}

impl From<dump::UpstreamProtocol> for UpstreamProtocol {
    fn from(protocol: dump::UpstreamProtocol) -> Self {
        match protocol {
            dump::UpstreamProtocol::Http1 => Self::Http1,
            dump::UpstreamProtocol::Http2 => Self::Http2,
            dump::UpstreamProtocol::Http3 => Self::Http3,
            dump::UpstreamProtocol::Auto => Self::Auto,
            dump::UpstreamProtocol::Downstream => Self::Downstream,
        }
    }
}

impl From<&dump::Difference> for Difference {
    fn from(difference: &dump::Difference) -> Self {
        Self {
            field: difference.field.to_owned(),
            endpoints: difference.endpoints.clone(),
            dump: difference.dump.clone(),
            upstream: difference.upstream.clone(),
        }
    }
}

impl From<&dump::Missing> for MissingCluster {
    fn from(missing: &dump::Missing) -> Self {
        Self {
            cluster: missing.cluster.clone(),
            upstream: missing.upstream.to_string(),
            because: match missing.because {
                dump::MissingBecause::RefusedByGloo(_) => MissingBecause::RefusedByGloo,
                dump::MissingBecause::RefusedByEnvoy(_) => MissingBecause::RefusedByEnvoy,
                dump::MissingBecause::Warming => MissingBecause::Warming,
                dump::MissingBecause::Unknown => MissingBecause::Unknown,
            },
            text: missing_words(missing),
        }
    }
}

impl From<&report::Probe> for Probe {
    fn from(probe: &report::Probe) -> Self {
        let summary = probe.summary().into();
        let endpoint = probe.endpoint.to_string();
        let diagnosis = match &probe.result {
            Ok(diagnosis) => diagnosis,
            Err(reason) => {
                let not_tested = Some(reason.clone());
                let findings = Vec::new();
                return Self {
                    endpoint,
                    summary,
                    way: None,
                    not_tested,
                    findings,
                    change: None,
                    no_change: None,
                };
            }
        };
        let findings = diagnosis.endpoints.iter().flat_map(|found| &found.verdict.findings);
        let change = diagnosis.change.as_ref().filter(|change| !change.is_empty());
        Self {
            endpoint,
            summary,
            way: Way::new(&diagnosis.way),
            not_tested: diagnosis.unresolved.clone(),
            findings: all(findings),
            change: change.map(Change::from),
            no_change: diagnosis.no_change.clone(),
        }
    }
}

impl From<report::ProbeSummary> for ProbeSummary {
    fn from(summary: report::ProbeSummary) -> Self {
        match summary {
            report::ProbeSummary::NotTested => Self::NotTested,
            report::ProbeSummary::Connects => Self::Connects,
            report::ProbeSummary::CertificateNotTried => Self::CertificateNotTried,
            report::ProbeSummary::NeedsChange => Self::NeedsChange,
            report::ProbeSummary::NoSettingHelps => Self::NoSettingHelps,
            report::ProbeSummary::Unclear => Self::Unclear,
        }
    }
}

impl From<report::Totals> for Totals {
    fn from(totals: report::Totals) -> Self {
        let report::Totals {
            clusters,
            with_tls,
            unreadable,
            compared,
            differing,
            missing,
            tested,
            blocked,
            unclear,
        } = totals;
        Self {
            clusters,
            with_tls,
            unreadable,
            compared,
            differing,
            missing,
            tested,
            blocked,
            unclear,
        }
    }
}
