//! `Settings`: what it says of the TLS of Upstreams.

use serde_json::Value;

use super::field::{FieldFault, Object};
use super::ssl_config::Parameters;
use super::upstream::ObjectName;

/// What a `Settings` resource says of the TLS of Upstreams.
///
/// Gloo `install/helm/gloo/crds/gloo.solo.io_v1_Settings.yaml`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Its name.
    pub name: ObjectName,
    /// `upstreamOptions.sslParameters`, which count where an Upstream has no parameters: as a
    /// whole, never field by field (Gloo `applyDefaultsToUpstreamSslConfig`, `clusters.go`).
    pub ssl_parameters: Option<Parameters>,
    /// Whether `gloo.istioOptions` turn on mutual TLS of the mesh for all Upstreams.
    pub auto_mtls: bool,
    /// `gateway.validation.warnMissingTlsSecret`, where it is set.
    pub warn_missing_tls_secret: Option<bool>,
    /// Fields of `sslParameters` that Kubernetes drops.
    pub unknown_fields: Vec<String>,
}

impl Settings {
    /// Reads a document of kind `Settings`.
    ///
    /// # Errors
    ///
    /// [`FieldFault`] for the first field of interest that Gloo cannot read.
    pub fn read(document: &Value) -> Result<Self, FieldFault> {
        let root = Object::root(document)?;
        let mut unknown_fields = Vec::new();
        let options = root.descend(&["spec", "upstreamOptions"])?;
        let ssl_parameters = match options {
            Some(options) => Parameters::read(&options, "sslParameters", &mut unknown_fields)?,
            None => None,
        };
        let validation = root.descend(&["spec", "gateway", "validation"])?;
        let warn_missing_tls_secret = match validation {
            Some(validation) => validation.bool("warnMissingTlsSecret")?,
            None => None,
        };
        let name = ObjectName::of(&root)?;
        if name.name.is_empty() {
            return Err(FieldFault::Missing { path: "metadata.name".to_owned() });
        }
        Ok(Self {
            name,
            ssl_parameters,
            auto_mtls: auto_mtls(&root)?,
            warn_missing_tls_secret,
            unknown_fields,
        })
    }
}

/// Both must be set (Gloo `projects/gloo/pkg/plugins/istio_automtls/plugin.go`).
fn auto_mtls(root: &Object<'_>) -> Result<bool, FieldFault> {
    let Some(istio) = root.descend(&["spec", "gloo", "istioOptions"])? else { return Ok(false) };
    let set = |name| Ok(istio.bool(name)?.unwrap_or(false));
    Ok(set("enableAutoMtls")? && set("enableIntegration")?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tls::TlsVersion;

    #[test]
    fn the_default_for_all_upstreams_is_read() {
        let document = json!({
            "kind": "Settings",
            "metadata": { "name": "default", "namespace": "gloo-system" },
            "spec": {
                "upstreamOptions": { "sslParameters": {
                    "minimumProtocolVersion": "TLSv1_2", "maximumProtocolVersion": 4, "ciphers": [],
                } },
                "gloo": { "istioOptions": { "enableAutoMtls": true, "enableIntegration": true } },
                "gateway": { "validation": { "warnMissingTlsSecret": false } },
            },
        });
        let settings = Settings::read(&document).unwrap();
        let parameters = settings.ssl_parameters.unwrap();
        assert_eq!(parameters.minimum_protocol_version, Some(TlsVersion::TLS12));
        assert_eq!(parameters.maximum_protocol_version, Some(TlsVersion::TLS13));
        assert!(settings.auto_mtls);
        assert_eq!(settings.warn_missing_tls_secret, Some(false));
        assert_eq!(settings.unknown_fields, ["spec.upstreamOptions.sslParameters.ciphers"]);
    }

    #[test]
    fn auto_mtls_needs_the_integration_too() {
        let document = json!({
            "metadata": { "name": "default" },
            "spec": { "gloo": { "istioOptions": { "enableAutoMtls": true } } },
        });
        assert!(!Settings::read(&document).unwrap().auto_mtls);
    }
}
