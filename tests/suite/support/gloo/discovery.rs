//! What discovery makes of the annotations of a Service.

use serde_json::{Map, Value, json};

use super::fields;
use crate::support::envoy::merge;

/// The Upstream after the next round of discovery. `service` is the Service that it stands for.
///
/// `upstream_config` is understood in camel case only.
///
/// # Errors
///
/// The control plane's log line where it cannot read an annotation, and goes on without.
pub(crate) fn discovered(upstream: &Value, service: &Value) -> Result<Value, String> {
    let annotations = fields(&service["metadata"]["annotations"]);
    let mut fresh = json!({});
    if let Some(config) = ssl_service(&annotations, upstream, service) {
        fresh["sslConfig"] = config;
    }
    if let Some(text) = annotations.get("gloo.solo.io/upstream_config") {
        let given: Value =
            serde_json::from_str(text.as_str().unwrap_or_default()).map_err(|error| {
                format!("error: failed to process service options with err {error}")
            })?;
        let is_deep =
            annotations.get("gloo.solo.io/upstream_config.deep_merge") == Some(&json!("true"));
        if is_deep {
            merge(&mut fresh, &given);
        } else {
            for (field, value) in fields(&given) {
                fresh[field] = value;
            }
        }
    }
    // What the Service yields replaces the whole field; what it does not yield is kept.
    let mut after = upstream.clone();
    for (field, value) in fields(&fresh) {
        after["spec"][field] = value;
    }
    after["metadata"]["annotations"] = Value::Object(annotations);
    Ok(after)
}

/// `sslConfig` from the five annotations `gloo.solo.io/sslService.*`.
fn ssl_service(
    annotations: &Map<String, Value>,
    upstream: &Value,
    service: &Value,
) -> Option<Value> {
    let port = &upstream["spec"]["kube"]["servicePort"];
    let value = |name: &str| {
        let text = annotations.get(&format!("gloo.solo.io/sslService.{name}"))?.as_str()?;
        for_port(text, port.as_u64().unwrap_or_default())
    };
    let mut config = if let Some(name) = value("secret") {
        let namespace = &service["metadata"]["namespace"];
        json!({ "secretRef": { "name": name, "namespace": namespace } })
    } else {
        let mut files = json!({});
        for field in ["tlsCert", "tlsKey", "rootCa"] {
            if let Some(path) = value(field) {
                files[field] = path.into();
            }
        }
        if fields(&files).is_empty() {
            return None;
        }
        json!({ "sslFiles": files })
    };
    if let Some(text) = value("oneWayTls") {
        config["oneWayTls"] = ["1", "t", "T", "true", "TRUE", "True"].contains(&text).into();
    }
    Some(config)
}

/// `VALUE` or `PORT:VALUE`; what is no number is as good as no port.
fn for_port(text: &str, port: u64) -> Option<&str> {
    let mut parts = text.split(':');
    let (Some(one), Some(two), None) = (parts.next(), parts.next(), parts.next()) else {
        return Some(text);
    };
    let wanted: u64 = one.parse().unwrap_or_default();
    (wanted == 0 || wanted == port).then_some(two)
}
