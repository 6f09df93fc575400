//! Upstreams, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::all;
use super::envoy::EnvoyClient;
use super::target::{Summary, Target};
use super::upgrade::Platform;
use crate::gloo;
use crate::remedy::{self, Names};
use crate::report::upstreams::{self, EndpointDiagnosis, UpstreamDiagnosis};
use crate::report::words::gloo as words;

/// Whether Envoy reaches the servers of Gloo Upstreams, why not, and what has to change.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamsReport {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// What was judged for.
    pub platform: Platform,
    /// How many documents could not be read; they are told on stderr.
    pub unreadable: usize,
    /// The exit code that goes with it: 2 also where a document could not be read.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
    /// One entry for each Upstream, in the order read.
    pub upstreams: Vec<Upstream>,
}

/// Everything about one Upstream.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The name of its cluster in Envoy.
    pub cluster: String,
    /// Where it was read: file, document and item.
    pub place: String,
    /// The verdict in one word.
    pub summary: UpstreamSummary,
    /// Whether TLS is used.
    pub tls: bool,
    /// Why TLS is used or not.
    pub tls_because: TlsBecause,
    /// Where the parameters in force come from.
    pub parameters_from: ParametersFrom,
    /// What is worth knowing.
    pub notes: Vec<Note>,
    /// Whom Envoy talks to.
    pub endpoints: Vec<UpstreamEndpoint>,
    /// The change that serves all endpoints that can be served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Why there is no change although one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_revision: Option<String>,
    /// Endpoints that the change does not serve.
    pub unserved: Vec<Unserved>,
    /// From which sources the Upstream seems to be applied; they take live changes back.
    pub applied_from: Vec<String>,
}

/// The verdict on an Upstream in one word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamSummary {
    /// TLS is not used, and nothing says that it should be.
    PlainText,
    /// TLS is used and was not tested, since nobody asked for it.
    NotTested,
    /// Envoy connects to every endpoint.
    Connects,
    /// Something has to be changed.
    NeedsChange,
    /// No setting of Gloo's helps.
    NoSettingHelps,
    /// It could not be told.
    Unclear,
}

/// Why TLS is used or not.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsBecause {
    /// On: there is an `sslConfig`.
    SslConfig,
    /// On: `useTls: true`.
    UseTls,
    /// On: a host has port 443.
    HttpsPort,
    /// On: this kind of Upstream always uses it.
    Kind,
    /// Off: `useTls: false`.
    UseTlsFalse,
    /// Off: nothing turns it on.
    NoSslConfig,
    /// Off: the Secret is missing.
    SecretMissing,
    /// Off: `proxyProtocolVersion` without `sslConfig`.
    ProxyProtocol,
    /// Off: Istio auto mTLS.
    IstioAutoMtls,
    /// Off: Gloo refuses the Upstream.
    Refused,
}

/// Where the parameters in force come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParametersFrom {
    /// The Upstream's own.
    Upstream,
    /// The Settings default.
    Settings,
    /// Envoy's defaults.
    Envoy,
}

/// Something worth knowing about an Upstream.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Its stable name.
    pub code: String,
    /// Whether something does not work as its author will have meant it.
    pub warning: bool,
    /// For people.
    pub text: String,
}

/// One endpoint of an Upstream.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamEndpoint {
    /// Host and port as the Upstream has them.
    pub authority: String,
    /// Whether this is the hop to the proxy of a tunnel.
    pub is_proxy: bool,
    /// The proxy through which the server is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// What Envoy offers there; left out where it speaks plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<EnvoyClient>,
    /// What was found, if it was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Target>,
    /// Why it was not tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_tested: Option<String>,
}

/// A change of one resource.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// `Upstream`, `Settings` or `Service`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The merge patch that makes the change.
    pub merge_patch: Map<String, Value>,
    /// The merge patch as YAML, for `kubectl patch --type merge --patch-file`.
    pub merge_patch_yaml: String,
    /// The finished command that makes the change.
    pub kubectl_command: String,
    /// What one should know before.
    pub notes: Vec<String>,
}

/// An endpoint that the change does not serve.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unserved {
    /// Host and port.
    pub authority: String,
    /// Why.
    pub reason: String,
}

impl UpstreamsReport {
    /// Puts what was found into the published shape.
    #[must_use]
    pub fn new(
        diagnoses: &[UpstreamDiagnosis],
        platform: gloo::Platform,
        unreadable: usize,
    ) -> Self {
        let codes = diagnoses.iter().map(UpstreamDiagnosis::exit_code);
        Self {
            version: super::VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            platform: platform.into(),
            unreadable,
            exit_code: if unreadable > 0 { 2 } else { codes.max().unwrap_or(2) },
            upstreams: all(diagnoses),
        }
    }
}

impl From<&UpstreamDiagnosis> for Upstream {
    fn from(diagnosis: &UpstreamDiagnosis) -> Self {
        let cluster = &diagnosis.cluster;
        let endpoints = cluster.endpoints.iter().zip(&diagnosis.endpoints);
        let unserved = diagnosis.unserved.iter().map(|(authority, reason)| Unserved {
            authority: authority.clone(),
            reason: reason.clone(),
        });
        Self {
            name: cluster.upstream.name.clone(),
            namespace: cluster.upstream.namespace.clone(),
            cluster: cluster.name.clone(),
            place: diagnosis.place.to_string(),
            summary: diagnosis.summary().into(),
            tls: matches!(cluster.tls, gloo::Tls::On(_)),
            tls_because: (&cluster.tls).into(),
            parameters_from: cluster.parameters.into(),
            notes: all(&cluster.notes),
            endpoints: endpoints
                .map(|(endpoint, result)| UpstreamEndpoint::new(endpoint, result))
                .collect(),
            revision: diagnosis.revision.as_ref().map(Revision::from),
            no_revision: diagnosis.no_revision.clone(),
            unserved: unserved.collect(),
            applied_from: diagnosis
                .applied_from
                .iter()
                .map(|source| source.name().to_owned())
                .collect(),
        }
    }
}

impl UpstreamEndpoint {
    fn new(endpoint: &gloo::Endpoint, result: &EndpointDiagnosis) -> Self {
        let (result, not_tested) = match result {
            EndpointDiagnosis::Tested(found) => {
                (Some(Target::without_remedy_forms(found, &Names::default())), None)
            }
            EndpointDiagnosis::NotTested(reason) => {
                (None, Some(words::not_tested(endpoint, reason)))
            }
        };
        Self {
            authority: upstreams::authority(endpoint),
            is_proxy: endpoint.hop == gloo::Hop::Proxy,
            through: endpoint
                .tunnel
                .as_ref()
                .map(|tunnel| format!("{}:{}", tunnel.host, tunnel.port)),
            envoy: endpoint.tls.as_ref().map(|tls| EnvoyClient::from(&tls.config)),
            result,
            not_tested,
        }
    }
}

impl From<&gloo::Note> for Note {
    fn from(note: &gloo::Note) -> Self {
        Self { code: note.code().to_owned(), warning: note.is_warning(), text: words::note(note) }
    }
}

impl From<&remedy::Revision> for Revision {
    fn from(revision: &remedy::Revision) -> Self {
        Self {
            kind: revision.resource.kind().to_owned(),
            name: revision.name.name.clone(),
            namespace: revision.name.namespace.clone(),
            merge_patch: revision.patch.as_object().cloned().unwrap_or_default(),
            merge_patch_yaml: remedy::yaml(&revision.patch),
            kubectl_command: revision.kubectl_command(),
            notes: revision.notes.iter().map(|note| words::revision_note(*note)).collect(),
        }
    }
}

impl From<upstreams::UpstreamSummary> for UpstreamSummary {
    fn from(summary: upstreams::UpstreamSummary) -> Self {
        match summary {
            upstreams::UpstreamSummary::PlainText => Self::PlainText,
            upstreams::UpstreamSummary::NotTested => Self::NotTested,
            upstreams::UpstreamSummary::Tested(summary) => match Summary::from(summary) {
                Summary::Connects => Self::Connects,
                Summary::NeedsChange => Self::NeedsChange,
                Summary::NoSettingHelps => Self::NoSettingHelps,
                Summary::Unclear => Self::Unclear,
            },
        }
    }
}

impl From<&gloo::Tls> for TlsBecause {
    fn from(tls: &gloo::Tls) -> Self {
        use gloo::{PlainBecause, Tls};
        match tls {
            Tls::On(gloo::TlsBecause::SslConfig) => Self::SslConfig,
            Tls::On(gloo::TlsBecause::UseTls) => Self::UseTls,
            Tls::On(gloo::TlsBecause::Port443) => Self::HttpsPort,
            Tls::On(gloo::TlsBecause::Kind(_)) => Self::Kind,
            Tls::Off(PlainBecause::UseTlsFalse) => Self::UseTlsFalse,
            Tls::Off(PlainBecause::NoSslConfig) => Self::NoSslConfig,
            Tls::Off(PlainBecause::SecretMissing(_)) => Self::SecretMissing,
            Tls::Off(PlainBecause::ProxyProtocol) => Self::ProxyProtocol,
            Tls::Off(PlainBecause::IstioAutoMtls) => Self::IstioAutoMtls,
            Tls::Refused(_) => Self::Refused,
        }
    }
}

impl From<gloo::ParametersFrom> for ParametersFrom {
    fn from(from: gloo::ParametersFrom) -> Self {
        match from {
            gloo::ParametersFrom::Upstream => Self::Upstream,
            gloo::ParametersFrom::Settings => Self::Settings,
            gloo::ParametersFrom::Envoy => Self::Envoy,
        }
    }
}
