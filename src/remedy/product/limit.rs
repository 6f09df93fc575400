//! What a product has no setting for.

use super::{Note, Product};
use crate::tls::TlsVersion;

/// Why a product cannot make a change.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", words(.limits))]
pub struct Unsettable {
    /// One entry for each field, at least one.
    pub limits: Vec<Limit>,
}

/// One field that a product cannot set, and what its users can do instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// There is no field for signature algorithms.
    #[error(
        "signature_algorithms: {0} has no such field; have the server's owner use another key, or put a proxy in between that can"
    )]
    SignatureAlgorithms(Product),
    /// Contour has TLS 1.2 and 1.3 alone.
    #[error(
        "{field}: Contour has 1.2 and 1.3 alone, not {version}; put a proxy in between that speaks {version}"
    )]
    ContourVersion {
        /// The field.
        field: &'static str,
        /// What it would have to be.
        version: TlsVersion,
    },
    /// Contour takes suites from a list of its own.
    #[error(
        "cipherSuites: Contour refuses {}, not being in its list; take one of its 14 that the server accepts, or have the server's owner enable one",
        .0.join(", ")
    )]
    ContourSuites(Vec<String>),
    /// Contour takes curves from a list of its own.
    #[error("ecdhCurves: Contour refuses {}, not being in its list", .0.join(", "))]
    ContourCurves(Vec<String>),
    /// Contour's ALPN follows from the protocol.
    #[error("alpnProtocols: Contour sends none but those of the service's protocol")]
    ContourAlpn,
    /// The setting belongs to a resource that this one cannot stand for.
    #[error("nothing to write: {0}")]
    Elsewhere(Note),
    /// Some server name is always sent.
    #[error(
        "sni: {0} always sends a server name, that of the request where none is set; have the server's owner accept one"
    )]
    NoServerName(Product),
    /// Emissary speaks either HTTP/1.1 or HTTP/2.
    #[error(
        "alpn: Emissary does not choose between HTTP/1.1 and HTTP/2 by ALPN; judge with --protocol http1 or http2"
    )]
    EitherProtocol,
    /// A name has characters that the product's schema refuses.
    #[error("{field}: Envoy Gateway takes only letters, digits, - and . in names, not {name}")]
    Name {
        /// The field.
        field: &'static str,
        /// What it would have to be.
        name: String,
    },
}

impl Unsettable {
    /// Nothing where there are no limits.
    pub(super) fn check(limits: Vec<Limit>) -> Result<(), Self> {
        if limits.is_empty() { Ok(()) } else { Err(Self { limits }) }
    }
}

fn words(limits: &[Limit]) -> String {
    limits.iter().map(Limit::to_string).collect::<Vec<_>>().join("; ")
}
