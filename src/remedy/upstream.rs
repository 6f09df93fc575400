//! The change as an Upstream, as a merge patch and as a command.
//!
//! Field names and what Gloo makes of them: the CRD `gloo.solo.io_v1_Upstream` and Gloo's
//! `projects/gloo/api/v1/ssl/ssl.proto`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::change::Change;
use crate::envoy::{ClientConfig, Protocol};
use crate::target::Target;
use crate::tls::TlsVersion;

/// The names that a patch is written for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    /// The Upstream's name.
    pub upstream: String,
    /// Its namespace.
    pub namespace: String,
    /// Namespace and name of the TLS Secret to refer to, if there is one.
    pub secret: Option<(String, String)>,
    /// Whether the Upstream is static. Only then do hosts carry their own server names, and
    /// `sslConfig.sni` has no effect (Gloo `plugins/static/plugin.go`).
    pub is_static: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            upstream: "my-upstream".to_owned(),
            namespace: "gloo-system".to_owned(),
            secret: None,
            is_static: true,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_protocol_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_protocol_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cipher_suites: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ecdh_curves: Vec<String>,
}

/// A whole static Upstream for `target` with everything that `config` sets after the change.
#[must_use]
pub fn upstream(target: &Target, names: &Names, config: &ClientConfig, change: &Change) -> String {
    let after = change.apply(config);
    let parameters = Parameters {
        minimum_protocol_version: envoy_name(after.minimum_protocol_version),
        maximum_protocol_version: envoy_name(after.maximum_protocol_version),
        cipher_suites: after.cipher_suites.clone(),
        ecdh_curves: after.ecdh_curves.clone(),
    };
    let mut spec = Map::new();
    spec.insert("sslConfig".into(), ssl_config(&parameters, names, &after.alpn_protocols));
    let mut hosts = static_hosts(target, after.sni.as_deref());
    hosts["useTls"] = true.into();
    spec.insert("static".into(), hosts);
    if after.protocol == Protocol::Http2 {
        spec.insert("useHttp2".into(), true.into());
    }
    yaml(&json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": names.upstream, "namespace": names.namespace },
        "spec": spec,
    }))
}

/// The merge patch that makes the change, for `kubectl patch --type merge --patch-file`.
#[must_use]
pub fn merge_patch(target: &Target, names: &Names, change: &Change) -> String {
    yaml(&patch(target, names, change))
}

/// Whether the merge patch writes the hosts of a static Upstream, and so takes away all others
/// that it may have.
#[must_use]
pub fn replaces_hosts(names: &Names, change: &Change) -> bool {
    names.is_static && change.sni.is_some()
}

/// The finished command that makes the change.
#[must_use]
pub fn kubectl_command(target: &Target, names: &Names, change: &Change) -> String {
    kubectl_patch(&names.upstream, &names.namespace, &patch(target, names, change))
}

/// The finished command that applies a merge patch to an Upstream; both names must be such as
/// Kubernetes takes.
#[must_use]
pub fn kubectl_patch(name: &str, namespace: &str, patch: &Value) -> String {
    format!(
        "kubectl patch upstreams.gloo.solo.io {name} -n {namespace} --type merge -p '{}'",
        // What a shell takes for one word in single quotes.
        patch.to_string().replace('\'', r"'\''")
    )
}

fn patch(target: &Target, names: &Names, change: &Change) -> Value {
    let parameters = Parameters {
        minimum_protocol_version: envoy_name(change.minimum_protocol_version),
        maximum_protocol_version: envoy_name(change.maximum_protocol_version),
        cipher_suites: change.cipher_suites.clone().unwrap_or_default(),
        ecdh_curves: change.ecdh_curves.clone().unwrap_or_default(),
    };
    let alpn_protocols = change.alpn_protocols.as_deref().unwrap_or_default();
    let mut ssl_config = ssl_config(&parameters, names, alpn_protocols);
    if change.alpn_protocols.is_some() && alpn_protocols.is_empty() {
        ssl_config["alpnProtocols"] = Value::Null;
    }
    let mut spec = Map::new();
    match &change.sni {
        Some(sni) if names.is_static => {
            if sni.is_none() {
                ssl_config["sni"] = Value::Null;
            }
            spec.insert("static".into(), static_hosts(target, sni.as_deref()));
        }
        Some(sni) => ssl_config["sni"] = json!(sni),
        None => {}
    }
    let has_ssl_config = ssl_config.as_object().is_some_and(|object| !object.is_empty());
    if has_ssl_config {
        spec.insert("sslConfig".into(), ssl_config);
    }
    if let Some(http2) = change.use_http2 {
        spec.insert("useHttp2".into(), http2.into());
    }
    json!({ "spec": spec })
}

fn ssl_config(parameters: &Parameters, names: &Names, alpn_protocols: &[String]) -> Value {
    let mut object = Map::new();
    if let Some((namespace, name)) = &names.secret {
        object.insert("secretRef".into(), json!({ "name": name, "namespace": namespace }));
    }
    let parameters = json!(parameters);
    if parameters.as_object().is_some_and(|fields| !fields.is_empty()) {
        object.insert("parameters".into(), parameters);
    }
    if !alpn_protocols.is_empty() {
        object.insert("alpnProtocols".into(), json!(alpn_protocols));
    }
    Value::Object(object)
}

/// Without `autoSniRewrite: false`, Gloo sends `addr` where there is no other server name; with
/// it, the name of `sslConfig`, which must be there and have none (Gloo `plugins/static/plugin.go`).
fn static_hosts(target: &Target, sni: Option<&str>) -> Value {
    let mut hosts = json!({ "hosts": [host(target, sni)] });
    if sni.is_none() {
        hosts["autoSniRewrite"] = false.into();
    }
    hosts
}

/// Envoy sends `addr` as the server name unless `sniAddr` says otherwise.
fn host(target: &Target, sni: Option<&str>) -> Value {
    let address = target.host.to_string();
    let mut host = json!({ "addr": address, "port": target.port });
    if let Some(sni) = sni
        && sni != address
    {
        host["sniAddr"] = json!(sni);
    }
    host
}

fn envoy_name(version: Option<TlsVersion>) -> Option<&'static str> {
    version.and_then(TlsVersion::envoy_name)
}

/// A document as YAML.
///
/// Kubernetes takes JSON where YAML cannot be written, which for these values cannot happen.
#[must_use]
pub fn yaml(value: &Value) -> String {
    serde_norway::to_string(value).unwrap_or_else(|_| format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, Release};

    fn target() -> Target {
        "server.example:8443".parse().unwrap()
    }

    fn nameless() -> Change {
        Change { sni: Some(None), ..Change::default() }
    }

    #[test]
    fn a_static_upstream_sends_no_server_name_only_if_gloo_is_told_not_to() {
        let patch = patch(&target(), &Names::default(), &nameless());
        let host = json!({ "addr": "server.example", "port": 8443 });
        let expected = json!({ "spec": {
            "sslConfig": { "sni": null },
            "static": { "autoSniRewrite": false, "hosts": [host] },
        } });
        assert_eq!(patch, expected);
    }

    #[test]
    fn protocols_that_stand_in_the_way_are_taken_away() {
        let change = Change { alpn_protocols: Some(Vec::new()), ..Change::default() };
        let patch = patch(&target(), &Names::default(), &change);
        assert_eq!(patch, json!({ "spec": { "sslConfig": { "alpnProtocols": null } } }));
    }

    #[test]
    fn a_whole_upstream_without_a_server_name_says_so() {
        let mut config = ClientConfig::new(Release::NEWEST, Build::Standard);
        let whole =
            |config: &ClientConfig| upstream(&target(), &Names::default(), config, &nameless());
        assert!(whole(&config).contains("autoSniRewrite: false"));
        config.sni = Some("server.example".to_owned());
        let named = upstream(&target(), &Names::default(), &config, &Change::default());
        assert!(!named.contains("autoSniRewrite"), "{named}");
    }
}
