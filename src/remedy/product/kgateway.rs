//! kgateway: `BackendConfigPolicy`.

use serde_json::json;

use super::{Change, Fields, Limit, Note, Product, Unsettable, Wanted, Written, number};
use crate::envoy::Protocol;

/// A policy for the Service of the given name.
///
/// kgateway `api/v1alpha1/kgateway/backend_config_policy_types.go` and
/// `pkg/kgateway/extensions2/plugins/backendconfigpolicy/tls.go`. Of the sources of trust there
/// must be exactly one in some releases and at most one in others, so there is one.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    let mut notes = vec![Note::Verification(Product::Kgateway)];
    let after = wanted.after;
    let http2 = after.protocol == Protocol::Http2;
    let protocol =
        (http2 || wanted.change.use_http2.is_some()).then_some(Note::KgatewayProtocol { http2 });
    let only_protocol = Change { use_http2: wanted.change.use_http2, ..Change::default() };
    if let Some(note) = &protocol
        && *wanted.change == only_protocol
        && wanted.names.secret.is_none()
    {
        return Err(Unsettable { limits: vec![Limit::Elsewhere(note.clone())] });
    }
    let parameters = Fields::default()
        .text("minVersion", wanted.minimum().and_then(number))
        .text("maxVersion", wanted.maximum().and_then(number))
        .list("cipherSuites", &after.cipher_suites)
        .list("ecdhCurves", &after.ecdh_curves)
        .list("signatureAlgorithms", &after.signature_algorithms);
    let trust = match &wanted.names.secret {
        Some((namespace, name)) => {
            if *namespace != wanted.names.namespace {
                notes.push(Note::SecretNamespace(wanted.names.namespace.clone()));
            }
            Fields::default().value("secretRef", json!({ "name": name }))
        }
        None => Fields::default().text("wellKnownCACertificates", Some("System")),
    };
    let tls = trust
        .text("sni", wanted.server_name())
        .object("parameters", parameters)
        .list("alpnProtocols", &after.alpn_protocols);
    let service = json!([{ "group": "", "kind": "Service", "name": wanted.names.upstream }]);
    let spec = Fields::default().value("targetRefs", service).object("tls", tls);
    notes.extend(protocol);
    let policy = wanted.object("gateway.kgateway.dev/v1alpha1", "BackendConfigPolicy", spec);
    Ok((vec![policy], notes))
}
