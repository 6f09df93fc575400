//! What a product's users should know before they apply a resource.

use std::fmt;

use super::Product;

/// One thing to know.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// Who verifies the server's certificate, and against what.
    Verification(Product),
    /// The product offers TLS 1.2 and 1.3 without being told.
    OwnVersions(Product),
    /// Envoy Gateway offers both protocols of HTTP to TLS backends.
    EitherProtocol,
    /// The certificate of a Secret is to be mounted into the proxy, at this path.
    MountSecret {
        /// The Secret.
        secret: String,
        /// The directory for it.
        path: String,
    },
    /// The Secret has to be in the namespace of the resource.
    SecretNamespace(String),
    /// kgateway takes HTTP/2 or HTTP/1 from the Service.
    KgatewayProtocol {
        /// Whether HTTP/2 is wanted.
        http2: bool,
    },
    /// What it takes for Envoy Gateway to use a `Backend`.
    BackendInUse,
    /// Which releases of Envoy Gateway take parameters for one backend, and their default maximum.
    BackendReleases,
    /// Without a server name, the product sends that of the request.
    NameOfRequest(Product),
    /// Where an `EnvoyFilter` counts, and what its lists do.
    AppendedLists,
    /// What the host of a `DestinationRule` must be.
    IstioHost,
    /// Where Istio finds a client certificate.
    IstioCredential,
    /// Contour's settings hold for all upstreams.
    ContourScope,
    /// Which releases of Contour take `ecdhCurves`.
    ContourCurves,
    /// Contour takes the server name from elsewhere.
    ContourServerName(Option<String>),
    /// Contour takes the protocol from elsewhere.
    ContourProtocol {
        /// Whether HTTP/2 is wanted.
        http2: bool,
    },
    /// What to make of the `Mapping`.
    Mapping,
    /// Why there is a list of protocols in the `TLSContext`.
    ContextNeedsProtocols,
    /// A TCP proxy is another resource.
    TcpMapping,
    /// Where this product takes the version of the PROXY protocol from.
    ProxyProtocol(Product),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verification(product) => f.write_str(verification(*product)),
            Self::OwnVersions(product) => {
                write!(f, "tried as {product} does it, which offers TLS 1.2 and 1.3 by itself")
            }
            Self::EitherProtocol => f.write_str(
                "tried as Envoy Gateway does it, which offers HTTP/2 and HTTP/1.1 to TLS backends",
            ),
            Self::MountSecret { secret, path } => {
                write!(f, "mount the Secret {secret} into the proxy at {path}")
            }
            Self::SecretNamespace(namespace) => write!(
                f,
                "the Secret must be in the namespace {namespace}, since the reference is by name alone"
            ),
            Self::KgatewayProtocol { http2: true } => f.write_str(
                "the server wants HTTP/2, which kgateway takes from the Service: set appProtocol: kubernetes.io/h2c on its port, also with TLS",
            ),
            Self::KgatewayProtocol { http2: false } => f.write_str(
                "the server wants HTTP/1.1, which kgateway takes from the Service: its port must have no appProtocol of HTTP/2",
            ),
            Self::BackendInUse => f.write_str(
                "needs extensionApis.enableBackend in the EnvoyGateway configuration, and routes whose backendRefs name this Backend; for Services the same fields are in EnvoyProxy.spec.backendTLS, for all of them, and need a BackendTLSPolicy",
            ),
            Self::BackendReleases => f.write_str(
                "Backend takes these fields since Envoy Gateway 1.6; before 1.8.3 it stops at TLS 1.2 where maxVersion is not set",
            ),
            Self::NameOfRequest(product) => write!(
                f,
                "{product} sends the host of the request as server name where none is set"
            ),
            Self::AppendedLists => f.write_str(
                "EnvoyFilter appends to lists: meshConfig.tlsDefaults and older filters for this host must not set the same ones; it holds for the workloads of its namespace, in Istio's root namespace for all",
            ),
            Self::IstioHost => f.write_str(
                "the host must be that of a Service or ServiceEntry; a DestinationRule that it already has takes these fields instead of a second one",
            ),
            Self::IstioCredential => f.write_str(
                "credentialName is read in the namespace of the gateway, and for sidecars only with a workloadSelector",
            ),
            Self::ContourScope => f.write_str(
                "holds for every TLS upstream of this Contour, which has no setting for one alone; add it to the ContourConfiguration in use, or as cluster.upstream-tls to its configuration file, and restart Contour",
            ),
            Self::ContourCurves => {
                f.write_str("ecdhCurves needs a Contour newer than 1.33, older ones drop it")
            }
            Self::ContourServerName(Some(name)) => write!(
                f,
                "Contour takes the server name from elsewhere: set the header Host to {name} in requestHeadersPolicy of the HTTPProxy's route or service, or use an ExternalName Service of that name"
            ),
            Self::ContourServerName(None) => f.write_str(
                "Contour sends no server name only if the HTTPProxy does not set the header Host and the Service has no externalName",
            ),
            Self::ContourProtocol { http2: true } => f.write_str(
                "the server wants HTTP/2, which Contour takes from elsewhere: protocol: h2 of the service in the HTTPProxy",
            ),
            Self::ContourProtocol { http2: false } => f.write_str(
                "the server wants HTTP/1.1, which Contour takes from elsewhere: protocol: tls of the service in the HTTPProxy",
            ),
            Self::Mapping => f.write_str(
                "hostname and prefix of the Mapping are examples; yours needs service and tls as they stand there",
            ),
            Self::ContextNeedsProtocols => f.write_str(
                "alpn_protocols says what Envoy sends anyway: a TLSContext without a secret needs it to be kept",
            ),
            Self::TcpMapping => {
                f.write_str("name this TLSContext in tls of the TCPMapping for the server")
            }
            Self::ProxyProtocol(product) => {
                write!(f, "the PROXY protocol header is not part of this: {}", header(*product))
            }
        }
    }
}

/// kgateway `api/v1alpha1/kgateway/backend_config_policy_types.go`, Envoy Gateway
/// `api/v1alpha1/backendtrafficpolicy_types.go`, Istio `networking/v1alpha3/destination_rule.proto`.
fn header(product: Product) -> &'static str {
    match product {
        Product::Envoy => "its socket goes around that of TLS",
        Product::Kgateway => "set upstreamProxyProtocol in the BackendConfigPolicy",
        Product::EnvoyGateway => "set proxyProtocol in a BackendTrafficPolicy for the route",
        Product::Istio => {
            "set trafficPolicy.proxyProtocol in the DestinationRule; an EnvoyFilter for the socket of \
             TLS does not reach into the one that sends the header"
        }
        Product::Contour => "no field of Contour's is known that sends one to upstreams",
        Product::Emissary => "no field of Emissary's is known that sends one to upstreams",
    }
}

fn verification(product: Product) -> &'static str {
    match product {
        Product::Envoy => {
            "nothing verifies the server's certificate without a validation_context in common_tls_context: keep yours"
        }
        Product::Kgateway => {
            "the server's certificate is verified against the system's CAs; with a secretRef against ca.crt in that Secret, and not at all if it has none"
        }
        Product::EnvoyGateway => {
            "the server's certificate is verified against the system's CAs; for another CA set caCertificateRefs instead, or attach a BackendTLSPolicy, which goes before"
        }
        Product::Istio => {
            "the server's certificate is verified against the system's CAs unless the DestinationRule has caCertificates or a credentialName with one"
        }
        Product::Contour => {
            "the server's certificate is verified only where the HTTPProxy has services[].validation"
        }
        Product::Emissary => {
            "the server's certificate is verified only if the secret of the TLSContext comes with a CA"
        }
    }
}
