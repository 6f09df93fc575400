//! Istio: `DestinationRule` for what it has, `EnvoyFilter` for the rest.

use serde_json::{Value, json};

use super::{Fields, Limit, Note, Product, TLS_CONTEXT, TLS_SOCKET, Unsettable, Wanted, Written};
use crate::envoy::Protocol;

/// A `DestinationRule` that creates TLS, and an `EnvoyFilter` for one host where parameters are
/// needed: a rule has none, and the mesh's `tlsDefaults` hold for every host and leave out the
/// versions.
///
/// Istio `pilot/pkg/networking/core/cluster_tls.go`, `.../cluster_traffic_policy.go`
/// (`shouldH2Upgrade`) and `.../envoyfilter/cluster_patch.go`.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    if wanted.change.sni == Some(None) {
        return Err(Unsettable { limits: vec![Limit::NoServerName(Product::Istio)] });
    }
    let mut notes = vec![
        Note::OwnVersions(Product::Istio),
        Note::IstioHost,
        Note::Verification(Product::Istio),
    ];
    if wanted.server_name().is_none() {
        notes.push(Note::NameOfRequest(Product::Istio));
    }
    if wanted.names.secret.is_some() {
        notes.push(Note::IstioCredential);
    }
    let mut documents = vec![rule(wanted)];
    let common = Fields::default()
        .object("tls_params", wanted.tls_params())
        .list("alpn_protocols", &wanted.after.alpn_protocols);
    if !common.is_empty() {
        documents.push(filter(wanted, common));
        notes.push(Note::AppendedLists);
    }
    Ok((documents, notes))
}

fn rule(wanted: &Wanted<'_>) -> Value {
    let tls = match &wanted.names.secret {
        Some((_, name)) => {
            Fields::default().text("mode", Some("MUTUAL")).text("credentialName", Some(name))
        }
        None => Fields::default().text("mode", Some("SIMPLE")),
    };
    let upgrade = match wanted.after.protocol {
        Protocol::Http2 => Some("UPGRADE"),
        _ if wanted.change.use_http2 == Some(false) => Some("DO_NOT_UPGRADE"),
        _ => None,
    };
    let http = Fields::default().text("h2UpgradePolicy", upgrade);
    let policy = Fields::default()
        .object("tls", tls.text("sni", wanted.server_name()))
        .object("connectionPool", Fields::default().object("http", http));
    let spec = Fields::default()
        .text("host", Some(&wanted.target.host.to_string()))
        .object("trafficPolicy", policy);
    wanted.object("networking.istio.io/v1", "DestinationRule", spec)
}

/// A patch with the socket's own name, without which Istio replaces the socket instead of merging
/// into it.
fn filter(wanted: &Wanted<'_>, common: Fields) -> Value {
    let context =
        Fields::default().text("@type", Some(TLS_CONTEXT)).object("common_tls_context", common);
    let patch = json!({
        "applyTo": "CLUSTER",
        "match": { "cluster": { "service": wanted.target.host.to_string() } },
        "patch": {
            "operation": "MERGE",
            "value": {
                "transport_socket": { "name": TLS_SOCKET, "typed_config": context.0 },
            },
        },
    });
    let spec = Fields::default().value("configPatches", json!([patch]));
    wanted.object("networking.istio.io/v1alpha3", "EnvoyFilter", spec)
}
