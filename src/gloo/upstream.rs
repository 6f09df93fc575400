//! `Upstream` as Gloo reads it: CRD `gloo.solo.io_v1_Upstream`, and
//! `projects/gloo/api/v1/upstream.proto`.

use std::fmt;

use serde_json::Value;

use super::field::{FieldFault, Object};
use super::ssl_config::SslConfig;

/// Namespace and name of an object, either of which may be empty.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectName {
    /// The namespace; empty where none is named.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// An Upstream, with what of it bears upon TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Its name.
    pub name: ObjectName,
    /// `metadata.labels`.
    pub labels: Vec<(String, String)>,
    /// `metadata.annotations`; those of a discovered Upstream are its Service's.
    pub annotations: Vec<(String, String)>,
    /// What it points at.
    pub kind: UpstreamKind,
    /// Every kind that is set, in Gloo's order, of which the last one counts.
    pub kinds: Vec<&'static str>,
    /// `sslConfig`.
    pub ssl_config: Option<SslConfig>,
    /// How many of `secretRef`, `sslFiles` and `sds` are set in it.
    pub credentials_set: usize,
    /// `httpConnectSslConfig`: TLS to the proxy of a tunnel.
    pub http_connect_ssl_config: Option<SslConfig>,
    /// `httpProxyHostname`: the server at the end of a tunnel.
    pub http_proxy_hostname: Option<String>,
    /// `httpConnectHeaders`, by name.
    pub http_connect_headers: Vec<(String, String)>,
    /// `proxyProtocolVersion`.
    pub proxy_protocol_version: Option<String>,
    /// `useHttp2`.
    pub use_http2: bool,
    /// Whether `protocolSelection` is `USE_DOWNSTREAM_PROTOCOL`.
    pub follows_downstream_protocol: bool,
    /// `disableIstioAutoMtls`.
    pub disable_istio_auto_mtls: bool,
    /// Whether `failover` is set, which only the Enterprise edition has.
    pub has_failover: bool,
    /// What controllers say of it.
    pub statuses: Vec<Status>,
    /// Fields around TLS that Kubernetes drops, since the schema does not list them.
    pub unknown_fields: Vec<String>,
}

/// What an Upstream points at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpstreamKind {
    /// `static`.
    Static(StaticSpec),
    /// `kube`.
    Kube {
        /// The Service.
        service: ObjectName,
        /// `servicePort`.
        port: u16,
    },
    /// `consul`, with `serviceName`.
    Consul(String),
    /// `aws`, with `region`.
    Aws(String),
    /// `azure`, with `functionAppName`.
    Azure(String),
    /// `awsEc2`, with `port`.
    AwsEc2(u16),
    /// `pipe`, with `path`.
    Pipe(String),
    /// A plugin of the Enterprise edition, whose source is not public.
    Enterprise(&'static str),
    /// None that is known.
    None,
}

/// `spec.static`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StaticSpec {
    /// `hosts`.
    pub hosts: Vec<StaticHost>,
    /// `useTls`, where it is set.
    pub use_tls: Option<bool>,
    /// `autoSniRewrite`, which is true unless set otherwise.
    pub auto_sni_rewrite: bool,
}

/// One of `spec.static.hosts`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StaticHost {
    /// `addr`: a name or an address.
    pub addr: String,
    /// `port`; 0 where it is not set.
    pub port: u16,
    /// `sniAddr`.
    pub sni_addr: Option<String>,
}

/// What one controller says of an Upstream (solo-kit `api/v1/status.proto`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// `Pending`, `Accepted`, `Rejected` or `Warning`.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// The kinds in the order of their fields, in which a later one replaces an earlier one
/// (golang/protobuf `jsonpb/decode.go`).
const KINDS: [&str; 9] =
    ["kube", "static", "pipe", "aws", "azure", "consul", "awsEc2", "gcp", "ai"];

impl Upstream {
    /// Reads a document of kind `Upstream`.
    ///
    /// # Errors
    ///
    /// [`FieldFault`] for the first field of interest that Gloo cannot read.
    pub fn read(document: &Value) -> Result<Self, FieldFault> {
        let root = Object::root(document)?;
        let name = ObjectName::of(&root)?;
        if name.name.is_empty() {
            return Err(FieldFault::Missing { path: "metadata.name".to_owned() });
        }
        let Some(spec) = root.object("spec")? else {
            return Err(FieldFault::Missing { path: "spec".to_owned() });
        };
        let metadata = root.object("metadata")?;
        let pairs = |field| metadata.as_ref().map_or(Ok(Vec::new()), |it| it.string_map(field));
        let kinds: Vec<_> = KINDS.into_iter().filter(|kind| spec.has(kind)).collect();
        let mut unknown_fields = dropped(&spec)?;
        let ssl_config = SslConfig::read(&spec, "sslConfig", &mut unknown_fields)?;
        let connect = SslConfig::read(&spec, "httpConnectSslConfig", &mut unknown_fields)?;
        Ok(Self {
            name,
            labels: pairs("labels")?,
            annotations: pairs("annotations")?,
            kind: read_kind(&spec, kinds.last().copied())?,
            kinds,
            ssl_config,
            credentials_set: credentials_set(&spec)?,
            http_connect_ssl_config: connect,
            http_proxy_hostname: spec
                .string("httpProxyHostname")?
                .filter(|hostname| !hostname.is_empty()),
            http_connect_headers: headers(&spec)?,
            proxy_protocol_version: spec
                .string("proxyProtocolVersion")?
                .filter(|version| !version.is_empty()),
            use_http2: spec.bool("useHttp2")?.unwrap_or(false),
            follows_downstream_protocol: follows_downstream(&spec),
            disable_istio_auto_mtls: spec.bool("disableIstioAutoMtls")?.unwrap_or(false),
            has_failover: spec.has("failover"),
            statuses: statuses(&root)?,
            unknown_fields,
        })
    }

    /// The name of its cluster in Envoy (Gloo `projects/gloo/pkg/translator/utils.go`).
    #[must_use]
    pub fn cluster_name(&self) -> String {
        format!("{}_{}", self.name.name, self.name.namespace)
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl ObjectName {
    /// Reads a reference: an object with `name` and `namespace`.
    pub(super) fn read(object: &Object<'_>) -> Result<Self, FieldFault> {
        Ok(Self { namespace: object.text("namespace")?, name: object.text("name")? })
    }

    /// The name of a document, fit to stand in a command.
    pub(super) fn of(root: &Object<'_>) -> Result<Self, FieldFault> {
        let Some(metadata) = root.object("metadata")? else { return Ok(Self::default()) };
        Ok(Self { namespace: metadata.name("namespace")?, name: metadata.name("name")? })
    }

    /// Whether an object can be called so, and the name stand in a command.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        is_name(&self.namespace) && is_name(&self.name)
    }
}

/// Whether Kubernetes takes this for a name (RFC 1123 subdomain). A shell takes such a name for one
/// word, and no command takes it for a flag.
#[must_use]
pub fn is_name(text: &str) -> bool {
    const LONGEST: usize = 253;
    let end = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    text.len() <= LONGEST
        && bytes.iter().all(|byte| end(byte) || b"-.".contains(byte))
        && bytes.first().is_some_and(end)
        && bytes.last().is_some_and(end)
}

impl fmt::Display for ObjectName {
    /// `NAMESPACE/NAME`, or the name alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.pad(&self.name),
            namespace => f.pad(&format!("{namespace}/{}", self.name)),
        }
    }
}

fn read_kind(spec: &Object<'_>, kind: Option<&str>) -> Result<UpstreamKind, FieldFault> {
    let inner = match kind {
        Some(kind) => spec.object(kind)?,
        None => None,
    };
    let Some(inner) = inner else { return Ok(UpstreamKind::None) };
    Ok(match kind {
        Some("static") => UpstreamKind::Static(read_static(&inner)?),
        Some("kube") => UpstreamKind::Kube {
            service: ObjectName {
                namespace: inner.text("serviceNamespace")?,
                name: inner.text("serviceName")?,
            },
            port: inner.port("servicePort")?,
        },
        Some("consul") => UpstreamKind::Consul(inner.text("serviceName")?),
        Some("aws") => UpstreamKind::Aws(inner.text("region")?),
        Some("azure") => UpstreamKind::Azure(inner.text("functionAppName")?),
        Some("awsEc2") => UpstreamKind::AwsEc2(inner.port("port")?),
        Some("pipe") => UpstreamKind::Pipe(inner.text("path")?),
        Some("gcp") => UpstreamKind::Enterprise("gcp"),
        Some("ai") => UpstreamKind::Enterprise("ai"),
        _ => UpstreamKind::None,
    })
}

fn read_static(spec: &Object<'_>) -> Result<StaticSpec, FieldFault> {
    let hosts = spec.objects("hosts")?;
    let hosts = hosts.iter().map(|host| {
        Ok(StaticHost {
            addr: host.text("addr")?,
            port: host.port("port")?,
            sni_addr: host.string("sniAddr")?.filter(|sni| !sni.is_empty()),
        })
    });
    Ok(StaticSpec {
        hosts: hosts.collect::<Result<_, FieldFault>>()?,
        use_tls: spec.bool("useTls")?,
        auto_sni_rewrite: spec.bool("autoSniRewrite")?.unwrap_or(true),
    })
}

fn credentials_set(spec: &Object<'_>) -> Result<usize, FieldFault> {
    let Some(ssl_config) = spec.object("sslConfig")? else { return Ok(0) };
    let fields = ["secretRef", "sslFiles", "sds"];
    Ok(fields.into_iter().filter(|field| ssl_config.has(field)).count())
}

fn headers(spec: &Object<'_>) -> Result<Vec<(String, String)>, FieldFault> {
    let headers = spec.objects("httpConnectHeaders")?;
    headers.iter().map(|header| Ok((header.text("key")?, header.text("value")?))).collect()
}

fn follows_downstream(spec: &Object<'_>) -> bool {
    let selected = spec.get("protocolSelection");
    selected.is_some_and(|it| it.as_str() == Some("USE_DOWNSTREAM_PROTOCOL") || *it == 1)
}

/// The fields of `spec` and of `spec.static` in the CRD: Kubernetes drops all others, among them
/// misspelt ones and those in the spelling of the proto files.
const SPEC: [&str; 33] = [
    "ai",
    "aws",
    "awsEc2",
    "azure",
    "circuitBreakers",
    "connectionConfig",
    "consul",
    "disableIstioAutoMtls",
    "discoveryMetadata",
    "dnsRefreshRate",
    "failover",
    "gcp",
    "healthChecks",
    "httpConnectHeaders",
    "httpConnectSslConfig",
    "httpProxyHostname",
    "ignoreHealthOnHostRemoval",
    "initialConnectionWindowSize",
    "initialStreamWindowSize",
    "kube",
    "loadBalancerConfig",
    "maxConcurrentStreams",
    "namespacedStatuses",
    "outlierDetection",
    "overrideStreamErrorOnInvalidHttpMessage",
    "pipe",
    "preconnectPolicy",
    "protocolSelection",
    "proxyProtocolVersion",
    "respectDnsTtl",
    "sslConfig",
    "static",
    "useHttp2",
];
const STATIC: [&str; 4] = ["autoSniRewrite", "hosts", "serviceSpec", "useTls"];

fn dropped(spec: &Object<'_>) -> Result<Vec<String>, FieldFault> {
    let of = |object: &Object<'_>, known: &[&str]| -> Vec<String> {
        let names = object.names().filter(|name| !known.contains(name));
        names.map(|name| object.path_to(name)).collect()
    };
    let mut paths = of(spec, &SPEC);
    if let Some(fixed) = spec.object("static")? {
        paths.extend(of(&fixed, &STATIC));
    }
    Ok(paths)
}

/// One entry for each controller's namespace, or the old form with one for all.
fn statuses(root: &Object<'_>) -> Result<Vec<Status>, FieldFault> {
    // A status is not ours to refuse: what is odd about it is left out.
    let Ok(Some(status)) = root.object("status") else { return Ok(Vec::new()) };
    let entries = match status.object("statuses") {
        Ok(Some(statuses)) => {
            let names: Vec<_> = statuses.names().collect();
            names.into_iter().filter_map(|name| statuses.object(name).ok().flatten()).collect()
        }
        _ => vec![status],
    };
    Ok(entries.iter().filter_map(read_status).collect())
}

fn read_status(entry: &Object<'_>) -> Option<Status> {
    const BY_NUMBER: [&str; 4] = ["Pending", "Accepted", "Rejected", "Warning"];
    let by_number = |number: u64| BY_NUMBER.get(usize::try_from(number).ok()?).copied();
    let state = match entry.get("state") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(number)) => by_number(number.as_u64()?)?.to_owned(),
        // Zero values are left out when a status is written.
        None if entry.has("reportedBy") => BY_NUMBER[0].to_owned(),
        _ => return None,
    };
    let reason = entry.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Status { state, reason })
}
