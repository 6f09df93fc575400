//! A change as a revision of the resource that decides: the Upstream, the Settings default, or
//! the Service that discovery reads.
//!
//! Every revision is translated again as Gloo would, and is given out only if the result is what
//! was wanted and nothing else has changed.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::change::{Change, Conflict};
use super::edit::{Edit, Step};
use crate::envoy::ClientConfig;
use crate::gloo::{
    Cluster, Context, Credentials, Endpoint, Hop, ObjectName, OneWayTls, Parameters,
    ParametersFrom, Settings, SslConfig, Tls, UPSTREAM_CONFIG, Upstream, UpstreamKind, translate,
};
use crate::tls::TlsVersion;
use crate::trial::steers;

/// What the clusters of an Upstream must become.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// What changes for the servers, but for their names.
    pub server: Change,
    /// What changes for the proxies in front of them.
    pub proxy: Change,
    /// New server names, by the place among the cluster's endpoints; `None` is no name.
    pub server_names: Vec<(usize, Option<String>)>,
    /// The TLS Secret to refer to.
    pub secret: Option<ObjectName>,
}

/// Which resource is to be changed, where there is a choice.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Prefer {
    /// The Upstream.
    #[default]
    Upstream,
    /// The Settings default, for all Upstreams without parameters of their own.
    Settings,
}

/// The resource that a revision is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Resource {
    /// `upstreams.gloo.solo.io`.
    Upstream,
    /// `settings.gloo.solo.io`.
    Settings,
    /// `services`.
    Service,
}

/// A change of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Which kind.
    pub resource: Resource,
    /// Which one.
    pub name: ObjectName,
    /// The single edits.
    pub edits: Vec<Edit>,
    /// The merge patch (RFC 7386) that makes them, lists whole.
    pub patch: Value,
    /// What Gloo makes of the Upstream afterwards.
    pub cluster: Cluster,
    /// The Settings afterwards, if it is a change of them.
    pub settings: Option<Settings>,
    /// What one should know before making it.
    pub notes: Vec<RevisionNote>,
}

/// What one should know before making a change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RevisionNote {
    /// It counts for every Upstream that has no parameters of its own.
    ForAllUpstreams,
    /// It counts for every port of the Service.
    ForAllPorts,
    /// It repeats the Settings default, which counts only where an Upstream has no parameters.
    RepeatsSettings,
    /// What the Secret holds that it refers to is not known, and was not tried.
    SecretNotTried,
    /// Discovery has written the Upstream, and would replace a change of it.
    OwnedByDiscovery,
}

/// Why no resource can be changed so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRevision {
    /// With SDS, parameters have no effect at all.
    #[error(
        "with sds Gloo ignores parameters, so that neither cipher suites nor versions nor curves \
         can be set: use secretRef, or change the server"
    )]
    Sds,
    /// This kind of Upstream takes nothing but the Settings default.
    #[error(
        "an Upstream of kind {0} takes nothing but the Settings default, which has no such field"
    )]
    Kind(&'static str),
    /// The Upstream's own parameters take the place of the Settings default.
    #[error(
        "the Upstream has parameters of its own, so that the Settings default has no effect on it"
    )]
    OwnParameters,
    /// Settings have fields for parameters alone.
    #[error("Settings have no field for server names, ALPN or certificates")]
    NotInSettings,
    /// Gloo has no field for what must change.
    #[error("Gloo has no field for {0}")]
    NoField(&'static str),
    /// The annotation that would carry the change cannot be read.
    #[error("the Service's annotation {UPSTREAM_CONFIG} is no JSON object")]
    Annotation,
    /// The Service cannot be called so.
    #[error("the Service that spec.kube names can have no such name and namespace")]
    ServiceName,
    /// Translated again, the result is not what was wanted.
    #[error("no change of the {0} alone makes that of it")]
    Inexact(&'static str),
    /// Endpoints need different values of one field.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl Resource {
    /// The name of the kind.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Upstream => "Upstream",
            Self::Settings => "Settings",
            Self::Service => "Service",
        }
    }

    /// The name that kubectl takes.
    #[must_use]
    pub fn kubectl_name(self) -> &'static str {
        match self {
            Self::Upstream => "upstreams.gloo.solo.io",
            Self::Settings => "settings.gloo.solo.io",
            Self::Service => "services",
        }
    }
}

impl Wanted {
    /// Whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Revision {
    /// The finished command that makes the change. Names need no quotes: no others get here.
    #[must_use]
    pub fn kubectl_command(&self) -> String {
        format!(
            "kubectl patch {} {} -n {} --type merge -p '{}'",
            self.resource.kubectl_name(),
            self.name.name,
            self.name.namespace,
            plain(&self.patch.to_string()).replace('\'', r"'\''")
        )
    }
}

impl Revision {
    /// What Gloo makes of another Upstream once the change is made, if the change is one of
    /// something that both of them follow.
    #[must_use]
    pub fn cluster_of(&self, other: Subject<'_>) -> Option<Cluster> {
        match self.resource {
            Resource::Upstream => None,
            Resource::Settings => {
                let settings = self.settings.as_ref();
                let context = Context { settings, ..other.context.clone() };
                Some(translate(other.upstream, &context))
            }
            Resource::Service => {
                let follows = other.upstream.service_owning_ssl_config() == Some(&self.name);
                let document = follows.then(|| self.annotated(other.document))?;
                Some(translate(&Upstream::read(&document).ok()?, other.context))
            }
        }
    }

    /// The Upstream of another port, as discovery writes it after the change.
    fn annotated(&self, document: &Value) -> Value {
        let mut document = document.clone();
        let text =
            self.patch.pointer("/metadata/annotations").and_then(|it| it.get(UPSTREAM_CONFIG));
        let config = text.and_then(Value::as_str).and_then(|it| serde_json::from_str(it).ok());
        let config: Map<String, Value> = config.unwrap_or_default();
        for (field, _) in CARRIED {
            if let Some(value) = config.get(field) {
                document["spec"][field] = value.clone();
            }
        }
        document
    }
}

/// Whether two clusters differ in nothing but what a hello can prove.
#[must_use]
pub fn same_but_for_offers(one: &Cluster, other: &Cluster) -> bool {
    let same = |one: &Endpoint, other: &Endpoint| match (&one.tls, &other.tls) {
        (Some(one), Some(other)) => {
            one.credentials == other.credentials
                && one.verify_names == other.verify_names
                && one.sends_certificate == other.sends_certificate
                && one.verifies == other.verifies
        }
        (one, other) => one.is_none() && other.is_none(),
    };
    one.endpoints.len() == other.endpoints.len()
        && one.endpoints.iter().zip(&other.endpoints).all(|(one, other)| same(one, other))
}

/// JSON without what would steer a terminal, all of which stands in strings and is escaped there.
fn plain(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for sign in json.chars() {
        if steers(sign) {
            let _ = write!(text, "\\u{:04x}", u32::from(sign));
        } else {
            text.push(sign);
        }
    }
    text
}

/// An Upstream, as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its document.
    pub document: &'a Value,
    /// The same, read.
    pub upstream: &'a Upstream,
    /// What Gloo makes of it.
    pub cluster: &'a Cluster,
    /// By which rules.
    pub context: &'a Context<'a>,
}

/// Finds the change of a resource that makes of an Upstream what is wanted.
///
/// # Errors
///
/// [`NoRevision`] if there is none.
pub fn revise(
    subject: Subject<'_>,
    wanted: &Wanted,
    prefer: Prefer,
) -> Result<Revision, NoRevision> {
    let upstream = subject.upstream;
    let kind = match upstream.kind {
        UpstreamKind::Aws(_) => Some("aws"),
        UpstreamKind::Azure(_) => Some("azure"),
        _ => None,
    };
    let beside_parameters = !wanted.server_names.is_empty()
        || wanted.secret.is_some()
        || wanted.server.use_http2.is_some()
        || wanted.server.alpn_protocols.is_some();
    if let Some(kind) = kind {
        return match beside_parameters {
            true => Err(NoRevision::Kind(kind)),
            false => settings_revision(subject, wanted),
        };
    }
    if changes_parameters(&wanted.server) && is_sds(upstream.ssl_config.as_ref())
        || changes_parameters(&wanted.proxy) && is_sds(upstream.http_connect_ssl_config.as_ref())
    {
        return Err(NoRevision::Sds);
    }
    if prefer == Prefer::Settings {
        if beside_parameters || wanted.proxy != Change::default() {
            return Err(NoRevision::NotInSettings);
        }
        if subject.cluster.parameters == ParametersFrom::Upstream {
            return Err(NoRevision::OwnParameters);
        }
        return settings_revision(subject, wanted);
    }
    if let Some(service) = upstream.service_owning_ssl_config() {
        return service_revision(subject, wanted, service);
    }
    upstream_revision(subject, wanted)
}

fn is_sds(ssl_config: Option<&SslConfig>) -> bool {
    ssl_config.is_some_and(|config| matches!(config.credentials, Credentials::Sds { .. }))
}

fn changes_parameters(change: &Change) -> bool {
    change.cipher_suites.is_some()
        || change.ecdh_curves.is_some()
        || change.minimum_protocol_version.is_some()
        || change.maximum_protocol_version.is_some()
}

fn upstream_revision(subject: Subject<'_>, wanted: &Wanted) -> Result<Revision, NoRevision> {
    let edits = upstream_edits(subject, wanted);
    let after = with_edits(subject.document, &edits);
    let cluster = retranslated(&after, subject.context, wanted, subject.cluster)
        .ok_or(NoRevision::Inexact("Upstream"))?;
    let repeats = subject.cluster.parameters == ParametersFrom::Settings
        && cluster.parameters == ParametersFrom::Upstream;
    Ok(Revision {
        resource: Resource::Upstream,
        name: subject.upstream.name.clone(),
        patch: merge_patch_between(subject.document, &after),
        edits,
        cluster,
        settings: None,
        notes: Vec::from_iter(repeats.then_some(RevisionNote::RepeatsSettings)),
    })
}

fn upstream_edits(subject: Subject<'_>, wanted: &Wanted) -> Vec<Edit> {
    let upstream = subject.upstream;
    // They may make a new `sslConfig`, to which the others add.
    let mut edits = server_name_edits(subject, wanted);
    if let Some(secret) = &wanted.secret {
        let reference = json!({ "name": secret.name, "namespace": secret.namespace });
        edits.push(set(&["spec", "sslConfig", "secretRef"], reference));
        // Or the certificate stays where it is. Older releases send it, and verify nothing.
        let is_one_way = upstream.ssl_config.as_ref().is_some_and(|config| config.one_way_tls);
        if is_one_way && subject.context.gloo.one_way_tls() == OneWayTls::DropsClientCertificate {
            edits.push(remove(&["spec", "sslConfig", "oneWayTls"]));
        }
    }
    if changes_parameters(&wanted.server) {
        let default = match subject.cluster.parameters {
            ParametersFrom::Settings => {
                subject.context.settings.and_then(|settings| settings.ssl_parameters.as_ref())
            }
            _ => None,
        };
        edits.extend(parameter_edits(
            &["spec", "sslConfig", "parameters"],
            &repeated(default, &wanted.server),
        ));
    }
    if changes_parameters(&wanted.proxy) {
        let fields = repeated(None, &wanted.proxy);
        edits.extend(parameter_edits(&["spec", "httpConnectSslConfig", "parameters"], &fields));
    }
    match wanted.server.alpn_protocols.as_deref() {
        Some([]) => edits.push(remove(&["spec", "sslConfig", "alpnProtocols"])),
        Some(protocols) => {
            edits.push(set(&["spec", "sslConfig", "alpnProtocols"], json!(protocols)));
        }
        None => {}
    }
    if let Some(http2) = wanted.server.use_http2 {
        edits.push(set(&["spec", "useHttp2"], json!(http2)));
    }
    let makes_ssl_config = edits.iter().any(|edit| starts_with(&edit.path, "sslConfig"));
    if makes_ssl_config && upstream.ssl_config.is_none() {
        edits.extend(kept_server_name(subject, wanted));
    }
    edits
}

/// The change, with what of the Settings default it would otherwise switch off.
fn repeated(default: Option<&Parameters>, change: &Change) -> Parameters {
    let default = default.cloned().unwrap_or_default();
    Parameters {
        minimum_protocol_version: change
            .minimum_protocol_version
            .or(default.minimum_protocol_version),
        maximum_protocol_version: change
            .maximum_protocol_version
            .or(default.maximum_protocol_version),
        cipher_suites: change.cipher_suites.clone().unwrap_or(default.cipher_suites),
        ecdh_curves: change.ecdh_curves.clone().unwrap_or(default.ecdh_curves),
    }
}

fn parameter_edits(path: &[&str], parameters: &Parameters) -> Vec<Edit> {
    let at = |field: &'static str| [path, &[field]].concat();
    let version = |field, version: Option<TlsVersion>| {
        Some(set(&at(field), json!(version.and_then(TlsVersion::envoy_name)?)))
    };
    let list = |field, list: &Vec<String>| (!list.is_empty()).then(|| set(&at(field), json!(list)));
    let edits = [
        version("minimumProtocolVersion", parameters.minimum_protocol_version),
        version("maximumProtocolVersion", parameters.maximum_protocol_version),
        list("cipherSuites", &parameters.cipher_suites),
        list("ecdhCurves", &parameters.ecdh_curves),
    ];
    edits.into_iter().flatten().collect()
}

/// An `sslConfig` that comes new to a static Upstream takes over the base server name, which
/// `useTls` and port 443 took from the hosts (Gloo `projects/gloo/pkg/plugins/static/plugin.go`).
fn kept_server_name(subject: Subject<'_>, wanted: &Wanted) -> Option<Edit> {
    let has_own = |index| wanted.server_names.iter().any(|(place, _)| *place == index);
    let UpstreamKind::Static(spec) = &subject.upstream.kind else { return None };
    let through_base = |endpoint: &Endpoint| {
        let host = spec.hosts.get(endpoint.index?)?;
        let base = endpoint.tunnel.is_some() || (host.sni_addr.is_none() && !spec.auto_sni_rewrite);
        base.then(|| endpoint.tls.as_ref()?.config.sni.clone()).flatten()
    };
    let endpoints = subject.cluster.endpoints.iter().enumerate();
    let mut kept = endpoints
        .filter(|(index, endpoint)| endpoint.hop == Hop::Server && !has_own(*index))
        .filter_map(|(_, endpoint)| through_base(endpoint));
    kept.next().map(|name| set(&["spec", "sslConfig", "sni"], json!(name)))
}

fn server_name_edits(subject: Subject<'_>, wanted: &Wanted) -> Vec<Edit> {
    if wanted.server_names.is_empty() {
        return Vec::new();
    }
    let per_host = matches!(subject.upstream.kind, UpstreamKind::Static(_))
        && subject.upstream.http_proxy_hostname.is_none();
    if per_host {
        return host_name_edits(subject, wanted);
    }
    let mut names = wanted.server_names.iter().map(|(_, name)| name);
    match names.next() {
        Some(Some(name)) => vec![set(&["spec", "sslConfig", "sni"], json!(name))],
        _ => vec![remove(&["spec", "sslConfig", "sni"])],
    }
}

/// Static hosts have a name each; none at all takes `autoSniRewrite: false` and an `sslConfig`
/// without a name.
fn host_name_edits(subject: Subject<'_>, wanted: &Wanted) -> Vec<Edit> {
    let UpstreamKind::Static(spec) = &subject.upstream.kind else { return Vec::new() };
    let name_of = |index: usize, endpoint: &Endpoint| {
        let new = wanted.server_names.iter().find(|(place, _)| *place == index);
        let old = || endpoint.tls.as_ref().and_then(|tls| tls.config.sni.clone());
        new.map_or_else(old, |(_, name)| name.clone())
    };
    let endpoints = subject.cluster.endpoints.iter().enumerate();
    let names: Vec<_> = endpoints
        .filter_map(|(index, endpoint)| Some((endpoint.index?, name_of(index, endpoint))))
        .collect();
    let some_without = names.iter().any(|(_, name)| name.is_none());
    let mut edits = Vec::new();
    if some_without {
        edits.push(set(&["spec", "static", "autoSniRewrite"], json!(false)));
        if subject.upstream.ssl_config.is_some() {
            edits.push(remove(&["spec", "sslConfig", "sni"]));
        } else {
            edits.push(set(&["spec", "sslConfig"], json!({})));
        }
    }
    for (index, name) in names {
        let Some(host) = spec.hosts.get(index) else { continue };
        let implied = spec.auto_sni_rewrite && !some_without && name.as_ref() == Some(&host.addr);
        let path = host_path(index);
        match name {
            _ if name == host.sni_addr || (implied && host.sni_addr.is_none()) => {}
            Some(name) => edits.push(Edit { path, value: Some(json!(name)) }),
            None => edits.push(Edit { path, value: None }),
        }
    }
    edits
}

fn host_path(index: usize) -> Vec<Step> {
    let mut path = keys(&["spec", "static", "hosts"]);
    path.extend([Step::Index(index), Step::Key("sniAddr".to_owned())]);
    path
}

fn settings_revision(subject: Subject<'_>, wanted: &Wanted) -> Result<Revision, NoRevision> {
    let settings = subject.context.settings.cloned().unwrap_or_else(|| Settings {
        name: ObjectName { namespace: "gloo-system".to_owned(), name: "default".to_owned() },
        ..Settings::default()
    });
    let parameters = repeated(settings.ssl_parameters.as_ref(), &wanted.server);
    let changed = repeated(None, &wanted.server);
    let edits = parameter_edits(&["spec", "upstreamOptions", "sslParameters"], &changed);
    let after = Settings { ssl_parameters: Some(parameters), ..settings.clone() };
    let context = Context { settings: Some(&after), ..subject.context.clone() };
    let cluster = retranslated(subject.document, &context, wanted, subject.cluster)
        .ok_or(NoRevision::Inexact("Settings"))?;
    Ok(Revision {
        resource: Resource::Settings,
        name: settings.name,
        patch: merge_patch_between(&json!({}), &with_edits(&json!({}), &edits)),
        edits,
        cluster,
        settings: Some(after),
        notes: vec![RevisionNote::ForAllUpstreams],
    })
}

/// The fields of `spec` that a change may need, as the annotation can spell them.
const CARRIED: [(&str, &str); 3] = [
    ("sslConfig", "ssl_config"),
    ("httpConnectSslConfig", "http_connect_ssl_config"),
    ("useHttp2", "use_http2"),
];

/// The annotation that carries any field of the Upstream takes the place of the whole `sslConfig`
/// that other annotations make, so that all of it is repeated.
fn service_revision(
    subject: Subject<'_>,
    wanted: &Wanted,
    service: &ObjectName,
) -> Result<Revision, NoRevision> {
    if !service.is_valid() {
        return Err(NoRevision::ServiceName);
    }
    let upstream_edits = upstream_edits(subject, wanted);
    let after = with_edits(subject.document, &upstream_edits);
    let cluster = retranslated(&after, subject.context, wanted, subject.cluster)
        .ok_or(NoRevision::Inexact("Service"))?;
    let mut config = match subject.upstream.annotation(UPSTREAM_CONFIG) {
        None => Map::new(),
        Some(text) => serde_json::from_str(text).map_err(|_| NoRevision::Annotation)?,
    };
    for (field, spelling_of_proto) in CARRIED {
        let was = &subject.document["spec"][field];
        let is = &after["spec"][field];
        if is != was {
            config.remove(spelling_of_proto);
            config.insert(field.to_owned(), is.clone());
        }
    }
    let value = json!(Value::Object(config).to_string());
    let edits = vec![set(&["metadata", "annotations", UPSTREAM_CONFIG], value)];
    Ok(Revision {
        resource: Resource::Service,
        name: service.clone(),
        patch: with_edits(&json!({}), &edits),
        edits,
        cluster,
        settings: None,
        notes: vec![RevisionNote::OwnedByDiscovery, RevisionNote::ForAllPorts],
    })
}

/// What Gloo makes of the changed document, if that is what was wanted.
fn retranslated(
    document: &Value,
    context: &Context<'_>,
    wanted: &Wanted,
    before: &Cluster,
) -> Option<Cluster> {
    let upstream = Upstream::read(document).ok()?;
    let after = translate(&upstream, context);
    let same_length = after.endpoints.len() == before.endpoints.len();
    let endpoints = before.endpoints.iter().zip(&after.endpoints).enumerate();
    let mut exact =
        endpoints.map(|(index, (before, after))| is_exact(index, before, after, wanted));
    let is_on = matches!(after.tls, Tls::On(_));
    (same_length && is_on && exact.all(|exact| exact)).then_some(after)
}

fn is_exact(index: usize, before: &Endpoint, after: &Endpoint, wanted: &Wanted) -> bool {
    let (Some(old), Some(new)) = (&before.tls, &after.tls) else {
        return before.tls.is_none() && after.tls.is_none();
    };
    let mut expected = match before.hop {
        Hop::Server => wanted.server.apply(&old.config),
        Hop::Proxy => wanted.proxy.apply(&old.config),
    };
    if let Some((_, name)) = wanted.server_names.iter().find(|(place, _)| *place == index) {
        expected.sni.clone_from(name);
    }
    let credentials = match &wanted.secret {
        Some(secret) if before.hop == Hop::Server => Credentials::Secret(secret.clone()),
        _ => old.credentials.clone(),
    };
    let shows_secret = wanted.secret.is_none() || before.hop == Hop::Proxy || new.sends_certificate;
    same_offer(&new.config, &expected)
        && new.credentials == credentials
        && shows_secret
        && new.verify_names == old.verify_names
        && (before.host == after.host && before.port == after.port)
}

/// Whether both make the same hello: fields that spell out a default count as left out.
fn same_offer(one: &ClientConfig, other: &ClientConfig) -> bool {
    one.offer() == other.offer() && one.protocol == other.protocol
}

fn set(path: &[&str], value: Value) -> Edit {
    Edit { path: keys(path), value: Some(value) }
}

fn remove(path: &[&str]) -> Edit {
    Edit { path: keys(path), value: None }
}

fn keys(path: &[&str]) -> Vec<Step> {
    path.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

fn starts_with(path: &[Step], field: &str) -> bool {
    matches!(path.get(1), Some(Step::Key(key)) if key == field)
}

/// The document with the edits made.
#[must_use]
pub fn with_edits(document: &Value, edits: &[Edit]) -> Value {
    let mut document = document.clone();
    for edit in edits {
        apply(&mut document, &edit.path, edit.value.as_ref());
    }
    document
}

fn apply(place: &mut Value, path: &[Step], value: Option<&Value>) {
    let Some((step, rest)) = path.split_first() else {
        if let Some(value) = value {
            *place = value.clone();
        }
        return;
    };
    match step {
        Step::Index(index) => {
            if let Some(item) = place.get_mut(index) {
                apply(item, rest, value);
            }
        }
        Step::Key(key) if rest.is_empty() && value.is_none() => {
            if let Value::Object(fields) = place {
                fields.shift_remove(key);
            }
        }
        Step::Key(key) => {
            if value.is_none() && place.get(key).is_none() {
                return;
            }
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Value::Object(fields) = place {
                apply(fields.entry(key.clone()).or_insert(Value::Null), rest, value);
            }
        }
    }
}

/// The merge patch (RFC 7386) from one document to another.
#[must_use]
pub fn merge_patch_between(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(was) if was == value => {}
            Some(was) if was.is_object() && value.is_object() => {
                patch.insert(name.clone(), merge_patch_between(was, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}
