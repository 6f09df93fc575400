//! The change, in the forms in which it is applied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::terms::{ServerName, Version};
use crate::envoy::{ClientConfig, Release};
use crate::gloo;
use crate::remedy::{self, Names, kubectl_command, merge_patch, replaces_hosts, upstream};
use crate::report::Diagnosis;

/// A change that serves every endpoint of the target, proven on each.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// The fields that change.
    pub change: Change,
    /// A whole static Upstream with the change made, as YAML.
    pub upstream_yaml: String,
    /// The merge patch that makes the change.
    pub merge_patch: Map<String, Value>,
    /// The merge patch as YAML, for `kubectl patch --type merge --patch-file`.
    pub merge_patch_yaml: String,
    /// The finished command that makes the change.
    pub kubectl_command: String,
    /// The oldest Envoy release that loads the change, if some release of Gloo has an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_envoy: Option<String>,
    /// Whether the merge patch and the command replace all of `spec.static.hosts` by this host.
    #[serde(default)]
    pub replaces_hosts: bool,
}

/// The fields of an Upstream that change; those left out stay as they are.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// `cipherSuites`, the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_suites: Option<Vec<String>>,
    /// `ecdhCurves`, the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecdh_curves: Option<Vec<String>>,
    /// `minimumProtocolVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_protocol_version: Option<Version>,
    /// `maximumProtocolVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_protocol_version: Option<Version>,
    /// The server name to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<ServerName>,
    /// `useHttp2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_http2: Option<bool>,
    /// `alpnProtocols`; an empty list takes the field away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_protocols: Option<Vec<String>>,
}

impl Remedy {
    /// The remedy of a diagnosis, if it has one.
    pub(super) fn new(diagnosis: &Diagnosis, names: &Names) -> Option<Self> {
        let (target, change) = (&diagnosis.target, diagnosis.change.as_ref()?);
        let merge_patch_yaml = merge_patch(target, names, change);
        Some(Self {
            change: Change::from(change),
            upstream_yaml: upstream(target, names, &diagnosis.config, change),
            // Our own YAML reads back; it is the one form in which the patch is published.
            merge_patch: serde_norway::from_str(&merge_patch_yaml).unwrap_or_default(),
            merge_patch_yaml,
            kubectl_command: kubectl_command(target, names, change),
            oldest_envoy: oldest_that_loads(&diagnosis.config, change).map(|it| it.to_string()),
            replaces_hosts: replaces_hosts(names, change),
        })
    }
}

/// The oldest Envoy of a known Gloo release that loads the change, if some of them do not.
fn oldest_that_loads(config: &ClientConfig, change: &remedy::Change) -> Option<Release> {
    let after = change.apply(config);
    let loads = |release: &Release| {
        let config = ClientConfig { release: *release, ..after.clone() };
        !config.offer().is_err_and(|fault| fault.is_refused_at_load())
    };
    let envoys: Vec<_> = gloo::Release::all().map(gloo::Release::envoy).collect();
    let refuses = envoys.iter().any(|release| *release < after.release && !loads(release));
    let mut all = Release::all().filter(|release| *release >= envoys[0]);
    if refuses { all.find(loads) } else { None }
}

impl From<&remedy::Change> for Change {
    fn from(change: &remedy::Change) -> Self {
        Self {
            cipher_suites: change.cipher_suites.clone(),
            ecdh_curves: change.ecdh_curves.clone(),
            minimum_protocol_version: change.minimum_protocol_version.map(Version::from),
            maximum_protocol_version: change.maximum_protocol_version.map(Version::from),
            sni: change.sni.as_ref().map(ServerName::from),
            use_http2: change.use_http2,
            alpn_protocols: change.alpn_protocols.clone(),
        }
    }
}
