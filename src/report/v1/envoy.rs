//! The Envoy that was judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::terms::{Version, protocol_text};
use crate::envoy::{Build, ClientConfig};

/// The Envoy that was judged, with the TLS settings in force for this target: those configured,
/// and its release's defaults for all others.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnvoyClient {
    /// The release, such as `1.36`.
    pub release: String,
    /// The build: `standard` or `fips`.
    #[schemars(extend("enum" = ["standard", "fips"]))]
    pub build: String,
    /// `tls_minimum_protocol_version`.
    pub minimum_protocol_version: Version,
    /// `tls_maximum_protocol_version`.
    pub maximum_protocol_version: Version,
    /// `cipher_suites`, in Envoy's grammar; `[A|B]` is one entry.
    pub cipher_suites: Vec<String>,
    /// `ecdh_curves`.
    pub ecdh_curves: Vec<String>,
    /// `signature_algorithms`.
    pub signature_algorithms: Vec<String>,
    /// The server name that is sent, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The ALPN protocols that are sent.
    pub alpn_protocols: Vec<String>,
    /// Why Envoy refuses these settings, or fails every connection with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl From<&ClientConfig> for EnvoyClient {
    fn from(config: &ClientConfig) -> Self {
        let defaults = config.release.defaults(config.build);
        let offer = config.offer();
        let alpn_protocols = match &offer {
            Ok(offer) => offer.alpn.iter().map(|protocol| protocol_text(protocol)).collect(),
            Err(_) => config.alpn_protocols.clone(),
        };
        Self {
            release: config.release.to_string(),
            build: match config.build {
                Build::Standard => "standard".to_owned(),
                Build::Fips => "fips".to_owned(),
            },
            minimum_protocol_version: config
                .minimum_protocol_version
                .unwrap_or(defaults.minimum)
                .into(),
            maximum_protocol_version: config
                .maximum_protocol_version
                .unwrap_or(defaults.maximum)
                .into(),
            cipher_suites: config.cipher_suites_in_force(),
            ecdh_curves: config.ecdh_curves_in_force(),
            signature_algorithms: config.signature_algorithms_in_force(),
            sni: config.sni.clone().filter(|name| !name.is_empty()),
            alpn_protocols,
            fault: offer.err().map(|fault| fault.to_string()),
        }
    }
}
