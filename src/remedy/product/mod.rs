//! The same change for products other than Gloo: what each calls the fields, for what they hold,
//! and what it cannot set at all.
//!
//! All of them run Envoy and hand it the names of suites and groups as they stand, so that what
//! was proven holds. Each resource is whole: it says everything that the cluster sets after the
//! change, apart from what the product sets by itself.

mod contour;
mod emissary;
mod envoy;
mod envoy_gateway;
mod istio;
mod kgateway;
mod limit;
mod note;

use std::fmt;

use serde_json::{Map, Value, json};

pub use limit::{Limit, Unsettable};
pub use note::Note;

use super::change::Change;
use super::upstream::{Names, yaml};
use crate::envoy::{ClientConfig, Protocol};
use crate::target::Target;
use crate::tls::TlsVersion;

/// A product that runs Envoy, other than Gloo.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Product {
    /// Envoy with its own configuration.
    Envoy,
    /// kgateway: `BackendConfigPolicy`.
    Kgateway,
    /// Envoy Gateway: `Backend`.
    EnvoyGateway,
    /// Istio: `DestinationRule` and `EnvoyFilter`.
    Istio,
    /// Contour: `ContourConfiguration`.
    Contour,
    /// Emissary-ingress: `TLSContext` and `Mapping`.
    Emissary,
}

/// What a product's users apply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Documents {
    /// One YAML document, or several with `---` between them.
    pub yaml: String,
    /// What to know before applying them.
    pub notes: Vec<Note>,
}

impl Product {
    /// All of them, plain Envoy first.
    pub const ALL: [Self; 6] = [
        Self::Envoy,
        Self::Kgateway,
        Self::EnvoyGateway,
        Self::Istio,
        Self::Contour,
        Self::Emissary,
    ];

    /// Name and namespace of the resources, where the user gives none.
    #[must_use]
    pub fn default_names(self) -> (&'static str, &'static str) {
        match self {
            Self::Istio => ("my-upstream", "istio-system"),
            Self::Contour => ("contour", "projectcontour"),
            _ => ("my-upstream", "default"),
        }
    }

    /// `config` with what this product sets in every cluster, where `config` leaves it open. That
    /// is what its Envoy offers, and so what has to be tried.
    ///
    /// Istio `pilot/pkg/networking/core/cluster_tls.go` (`defaultUpstreamCommonTLSContext`),
    /// Contour `cmd/contour/serve.go`, Envoy Gateway `internal/xds/translator/cluster.go`
    /// (`requiresAutoHTTPConfig`).
    #[must_use]
    pub fn starting_point(self, mut config: ClientConfig) -> ClientConfig {
        match self {
            Self::Istio | Self::Contour => {
                config.minimum_protocol_version.get_or_insert(TlsVersion::TLS12);
                config.maximum_protocol_version.get_or_insert(TlsVersion::TLS13);
            }
            Self::EnvoyGateway if config.protocol == Protocol::Http1 => {
                config.protocol = Protocol::Auto;
            }
            _ => {}
        }
        config
    }

    /// What to know of [`Self::starting_point`], where it differs from Gloo's.
    #[must_use]
    pub fn starting_note(self) -> Option<Note> {
        match self {
            Self::Istio | Self::Contour => Some(Note::OwnVersions(self)),
            Self::EnvoyGateway => Some(Note::EitherProtocol),
            _ => None,
        }
    }

    /// The resources that make `change` to `before`, which is as [`Self::starting_point`] makes
    /// it.
    ///
    /// # Errors
    ///
    /// [`Unsettable`] if this product has no setting for some of it.
    pub fn remedy(
        self,
        target: &Target,
        names: &Names,
        before: &ClientConfig,
        change: &Change,
    ) -> Result<Documents, Unsettable> {
        let own = self.starting_point(ClientConfig::new(before.release, before.build));
        let after = change.apply(before);
        let wanted = Wanted { target, names, own: &own, after: &after, change };
        let (documents, mut notes) = match self {
            Self::Envoy => envoy::documents(&wanted),
            Self::Kgateway => kgateway::documents(&wanted),
            Self::EnvoyGateway => envoy_gateway::documents(&wanted),
            Self::Istio => istio::documents(&wanted),
            Self::Contour => contour::documents(&wanted),
            Self::Emissary => emissary::documents(&wanted),
        }?;
        if names.proxy_protocol.is_some() && self != Self::Envoy {
            notes.push(Note::ProxyProtocol(self));
        }
        let documents: Vec<_> = documents.iter().map(yaml).collect();
        Ok(Documents { yaml: documents.join("---\n"), notes })
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envoy => "Envoy",
            Self::Kgateway => "kgateway",
            Self::EnvoyGateway => "Envoy Gateway",
            Self::Istio => "Istio",
            Self::Contour => "Contour",
            Self::Emissary => "Emissary",
        })
    }
}

/// The YAML documents of one product, and what to know of them.
type Written = Result<(Vec<Value>, Vec<Note>), Unsettable>;

/// What resources are written from.
struct Wanted<'a> {
    target: &'a Target,
    names: &'a Names,
    /// What the product sets by itself.
    own: &'a ClientConfig,
    /// What the cluster has to set in the end.
    after: &'a ClientConfig,
    change: &'a Change,
}

impl Wanted<'_> {
    /// The least version to write, unless the product has it by itself.
    fn minimum(&self) -> Option<TlsVersion> {
        let minimum = self.after.minimum_protocol_version;
        minimum.filter(|_| minimum != self.own.minimum_protocol_version)
    }

    /// The greatest version to write, unless the product has it by itself.
    fn maximum(&self) -> Option<TlsVersion> {
        let maximum = self.after.maximum_protocol_version;
        maximum.filter(|_| maximum != self.own.maximum_protocol_version)
    }

    fn server_name(&self) -> Option<&str> {
        self.after.sni.as_deref().filter(|name| !name.is_empty())
    }

    /// `tls_params` in Envoy's own spelling.
    fn tls_params(&self) -> Fields {
        Fields::default()
            .text("tls_minimum_protocol_version", self.minimum().and_then(TlsVersion::envoy_name))
            .text("tls_maximum_protocol_version", self.maximum().and_then(TlsVersion::envoy_name))
            .list("cipher_suites", &self.after.cipher_suites)
            .list("ecdh_curves", &self.after.ecdh_curves)
            .list("signature_algorithms", &self.after.signature_algorithms)
    }

    /// A Kubernetes object under the given names.
    fn object(&self, api_version: &str, kind: &str, spec: Fields) -> Value {
        json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": { "name": self.names.upstream, "namespace": self.names.namespace },
            "spec": spec.0,
        })
    }
}

/// An object that leaves out what is empty.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn value(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    fn text(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.value(name, text.into()),
            None => self,
        }
    }

    fn list(self, name: &str, list: &[String]) -> Self {
        if list.is_empty() { self } else { self.value(name, json!(list)) }
    }

    fn object(self, name: &str, fields: Self) -> Self {
        if fields.0.is_empty() { self } else { self.value(name, fields.0.into()) }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The `@type` of Envoy's TLS settings for upstreams, and the name that goes with it.
const TLS_CONTEXT: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const TLS_SOCKET: &str = "envoy.transport_sockets.tls";

/// A version as kgateway, Envoy Gateway and Contour write it: `1.2`, always a string.
fn number(version: TlsVersion) -> Option<&'static str> {
    version.envoy_name().map(|name| match name {
        "TLSv1_0" => "1.0",
        "TLSv1_1" => "1.1",
        "TLSv1_2" => "1.2",
        _ => "1.3",
    })
}

#[cfg(test)]
mod tests;
