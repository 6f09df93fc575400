//! Plain Envoy: the parts of a cluster.

use serde_json::{Value, json};

use super::{Fields, Note, Product, TLS_CONTEXT, TLS_SOCKET, Wanted, Written};
use crate::envoy::Protocol;

const PROXY_SOCKET: &str = "envoy.transport_sockets.upstream_proxy_protocol";
const PROXY_TRANSPORT: &str = "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// `transport_socket` and, where the protocol has to be said, `typed_extension_protocol_options`,
/// as they stand in a cluster.
///
/// Envoy `api/envoy/config/cluster/v3/cluster.proto`,
/// `api/envoy/extensions/transport_sockets/tls/v3/{tls,common}.proto`,
/// `api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto` and
/// `api/envoy/extensions/upstreams/http/v3/http_protocol_options.proto`.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    let mut notes = vec![Note::Verification(Product::Envoy)];
    let mut common = Fields::default()
        .object("tls_params", wanted.tls_params())
        .list("alpn_protocols", &wanted.after.alpn_protocols);
    if let Some((namespace, name)) = &wanted.names.secret {
        let path = format!("/etc/envoy/{name}");
        common = common.value("tls_certificates", json!([certificate(&path)]));
        notes.push(Note::MountSecret { secret: format!("{namespace}/{name}"), path });
    }
    let context = Fields::default()
        .text("@type", Some(TLS_CONTEXT))
        .text("sni", wanted.server_name())
        .object("common_tls_context", common);
    let socket = Fields::default().text("name", Some(TLS_SOCKET)).object("typed_config", context);
    let cluster = Fields::default()
        .object("transport_socket", with_proxy_header(wanted, socket))
        .object("typed_extension_protocol_options", protocol_options(wanted));
    Ok((vec![cluster.0.into()], notes))
}

/// The header precedes TLS, and so its socket holds that of TLS.
fn with_proxy_header(wanted: &Wanted<'_>, socket: Fields) -> Fields {
    let Some(version) = wanted.names.proxy_protocol else { return socket };
    let transport = Fields::default()
        .text("@type", Some(PROXY_TRANSPORT))
        .value("config", json!({ "version": version }))
        .object("transport_socket", socket);
    Fields::default().text("name", Some(PROXY_SOCKET)).object("typed_config", transport)
}

/// A Secret of type `kubernetes.io/tls`, mounted as files.
fn certificate(path: &str) -> Value {
    json!({
        "certificate_chain": { "filename": format!("{path}/tls.crt") },
        "private_key": { "filename": format!("{path}/tls.key") },
    })
}

/// HTTP/1 is what a cluster speaks that says nothing, and so is written only in the place of
/// something else.
fn protocol_options(wanted: &Wanted<'_>) -> Fields {
    let (way, protocols) = match wanted.after.protocol {
        Protocol::Http2 => ("explicit_http_config", json!({ "http2_protocol_options": {} })),
        Protocol::Auto => {
            ("auto_config", json!({ "http_protocol_options": {}, "http2_protocol_options": {} }))
        }
        Protocol::Http1 if wanted.change.use_http2.is_some() => {
            ("explicit_http_config", json!({ "http_protocol_options": {} }))
        }
        Protocol::Http1 | Protocol::Tcp => return Fields::default(),
    };
    let options = Fields::default()
        .text("@type", Some(&format!("type.googleapis.com/{HTTP_OPTIONS}")))
        .value(way, protocols);
    Fields::default().object(HTTP_OPTIONS, options)
}
