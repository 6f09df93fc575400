//! Emissary-ingress: `TLSContext`, and the `Mapping` that names it.

use serde_json::{Value, json};

use super::{Fields, Limit, Note, Product, Unsettable, Wanted, Written};
use crate::envoy::Protocol;
use crate::tls::TlsVersion;

const API: &str = "getambassador.io/v3alpha1";

/// A `TLSContext` with the parameters and a `Mapping` that shows where to name it. Their fields
/// are in snake case, unlike those of all others.
///
/// Emissary `pkg/api/getambassador.io/v3alpha1/{crd_tlscontext,crd_mapping}.go`,
/// `python/ambassador/src/ambassador/ir/{irtlscontext,ircluster}.py` and
/// `.../envoy/v3/{v3tls,v3cluster}.py`.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    let after = wanted.after;
    let signatures = !after.signature_algorithms.is_empty();
    let limits = [
        signatures.then_some(Limit::SignatureAlgorithms(Product::Emissary)),
        (after.protocol == Protocol::Auto).then_some(Limit::EitherProtocol),
    ];
    Unsettable::check(limits.into_iter().flatten().collect())?;

    let mut notes = vec![Note::Verification(Product::Emissary)];
    let alpn = protocols(wanted);
    if wanted.names.secret.is_none() && after.alpn_protocols.is_empty() && alpn.is_some() {
        notes.push(Note::ContextNeedsProtocols);
    }
    let spec = Fields::default()
        .text("secret", secret(wanted).as_deref())
        .text("alpn_protocols", alpn.as_deref())
        .text("min_tls_version", wanted.minimum().and_then(version))
        .text("max_tls_version", wanted.maximum().and_then(version))
        .list("cipher_suites", &after.cipher_suites)
        .list("ecdh_curves", &after.ecdh_curves)
        .text("sni", wanted.server_name());
    let mut documents = vec![wanted.object(API, "TLSContext", spec)];
    if after.protocol == Protocol::Tcp {
        notes.push(Note::TcpMapping);
    } else {
        documents.push(mapping(wanted));
        notes.push(Note::Mapping);
    }
    Ok((documents, notes))
}

/// The list, which is one string for Emissary. Without a secret, the one that Envoy sends anyway:
/// a context with neither is not kept.
fn protocols(wanted: &Wanted<'_>) -> Option<String> {
    let list = &wanted.after.alpn_protocols;
    if !list.is_empty() {
        return Some(list.join(","));
    }
    if wanted.names.secret.is_some() {
        return None;
    }
    match wanted.after.protocol {
        Protocol::Http1 => Some("http/1.1".to_owned()),
        Protocol::Http2 => Some("h2".to_owned()),
        Protocol::Auto | Protocol::Tcp => None,
    }
}

/// `NAME`, or `NAME.NAMESPACE` where it is in another one.
fn secret(wanted: &Wanted<'_>) -> Option<String> {
    let (namespace, name) = wanted.names.secret.as_ref()?;
    let same = *namespace == wanted.names.namespace;
    Some(if same { name.clone() } else { format!("{name}.{namespace}") })
}

fn version(version: TlsVersion) -> Option<&'static str> {
    match version {
        TlsVersion::TLS10 => Some("v1.0"),
        TlsVersion::TLS11 => Some("v1.1"),
        TlsVersion::TLS12 => Some("v1.2"),
        TlsVersion::TLS13 => Some("v1.3"),
        _ => None,
    }
}

/// Emissary speaks HTTP/2 upstream where a `Mapping` says `grpc`, which it need not be.
fn mapping(wanted: &Wanted<'_>) -> Value {
    let name = &wanted.names.upstream;
    let mut spec = Fields::default()
        .text("hostname", Some("*"))
        .text("prefix", Some(&format!("/{name}/")))
        .text("service", Some(&format!("https://{}", wanted.target)))
        .text("tls", Some(name));
    if wanted.after.protocol == Protocol::Http2 {
        spec = spec.value("grpc", json!(true));
    }
    wanted.object(API, "Mapping", spec)
}
