//! Envoy Gateway: `Backend`.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::{Value, json};

use super::{Fields, Limit, Note, Product, Unsettable, Wanted, Written, number};
use crate::envoy::Protocol;
use crate::target::Host;
use crate::tls::TlsVersion;

/// A whole `Backend` for the target, with its parameters.
///
/// Envoy Gateway `api/v1alpha1/{backend_types,tls_types}.go` and
/// `internal/gatewayapi/backendtlspolicy.go`.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    let mut limits = Vec::new();
    if wanted.change.sni == Some(None) {
        limits.push(Limit::NoServerName(Product::EnvoyGateway));
    }
    let (endpoint, name) = (endpoint(wanted), server_name(wanted));
    limits.extend(endpoint.as_ref().err().cloned());
    limits.extend(name.as_ref().err().cloned());
    let (Ok(endpoint), Ok(name), true) = (endpoint, name, limits.is_empty()) else {
        return Err(Unsettable { limits });
    };

    let mut notes =
        vec![Note::BackendInUse, Note::BackendReleases, Note::Verification(Product::EnvoyGateway)];
    if wanted.after.protocol == Protocol::Auto {
        notes.push(Note::EitherProtocol);
    }
    if name.is_none() {
        notes.push(Note::NameOfRequest(Product::EnvoyGateway));
    }
    let mut spec = Fields::default().value("endpoints", json!([endpoint]));
    if wanted.after.protocol == Protocol::Http2 {
        // Clear text is only in the name: with TLS it is HTTP/2 without a choice.
        spec = spec.value("appProtocols", json!(["gateway.envoyproxy.io/h2c"]));
    }
    let spec = spec.object("tls", tls(wanted, name.as_deref()));
    let backend = wanted.object("gateway.envoyproxy.io/v1alpha1", "Backend", spec);
    Ok((vec![backend], notes))
}

fn tls(wanted: &Wanted<'_>, name: Option<&str>) -> Fields {
    let after = wanted.after;
    // A rule of the schema refuses suites, which mean nothing then.
    let suites_matter = after.minimum_protocol_version != Some(TlsVersion::TLS13);
    let suites = if suites_matter { after.cipher_suites.as_slice() } else { &[] };
    let mut tls = Fields::default()
        .text("wellKnownCACertificates", Some("System"))
        .text("sni", name)
        .text("minVersion", wanted.minimum().and_then(number))
        .text("maxVersion", wanted.maximum().and_then(number))
        .list("ciphers", suites)
        .list("ecdhCurves", &after.ecdh_curves)
        .list("signatureAlgorithms", &after.signature_algorithms);
    // HTTP/1 alone is a choice of ALPN here, where both protocols are spoken.
    let http1 = after.protocol == Protocol::Http1 && after.alpn_protocols.is_empty();
    tls = match http1 {
        true => tls.value("alpnProtocols", json!(["http/1.1"])),
        false => tls.list("alpnProtocols", &after.alpn_protocols),
    };
    match &wanted.names.secret {
        Some((namespace, name)) => {
            tls.value("clientCertificateRef", json!({ "name": name, "namespace": namespace }))
        }
        None => tls,
    }
}

fn endpoint(wanted: &Wanted<'_>) -> Result<Value, Limit> {
    let port = wanted.target.port;
    match &wanted.target.host {
        Host::Address(address) => {
            Ok(json!({ "ip": { "address": written(*address), "port": port } }))
        }
        Host::Name(name) => {
            Ok(json!({ "fqdn": { "hostname": precise("endpoints", name)?, "port": port } }))
        }
    }
}

/// The schema's pattern for IPv6 knows few of the short forms, and so takes all groups.
fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|group| format!("{group:x}")).join(":"),
    }
}

/// An IPv6 address is none that the field takes.
fn server_name(wanted: &Wanted<'_>) -> Result<Option<String>, Limit> {
    let name = wanted.server_name().filter(|name| name.parse::<Ipv6Addr>().is_err());
    name.map(|name| precise("sni", name)).transpose()
}

/// A name as the Gateway API has them: lower case, without underscores.
fn precise(field: &'static str, name: &str) -> Result<String, Limit> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.split('.').all(label) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(Limit::Name { field, name: name.to_owned() })
    }
}
