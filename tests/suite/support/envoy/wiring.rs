//! What goes into Envoy's configuration for one connection.

use serde_json::{Value, json};

use super::upstream::{Protocol, Upstream};

/// Where the names of Envoy's messages begin.
pub(crate) const TYPE: &str = "type.googleapis.com/envoy";

/// A cluster that gets a listener of its own, and what it needs besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wiring {
    /// Whether a TCP proxy leads to the cluster, and not an HTTP connection manager.
    pub(crate) is_tcp: bool,
    /// The cluster, but for its name.
    pub(crate) cluster: Value,
    /// Further clusters, named so that no other wiring has the name; not with `u`.
    pub(crate) more_clusters: Vec<Value>,
    /// Further listeners, none of them on a port.
    pub(crate) more_listeners: Vec<Value>,
    /// Static secrets.
    pub(crate) secrets: Vec<Value>,
}

impl From<&Upstream> for Wiring {
    fn from(upstream: &Upstream) -> Self {
        let mut tls = upstream.tls.clone();
        tls["@type"] =
            format!("{TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext").into();
        let address = json!({ "socket_address": {
            "address": upstream.address.ip().to_string(), "port_value": upstream.address.port() } });
        let mut cluster = json!({
            "type": "STATIC",
            "connect_timeout": "4s",
            "load_assignment": {
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
            },
            "transport_socket": { "name": "tls", "typed_config": tls },
        });
        if let Some(parts) = &upstream.cluster {
            cluster.as_object_mut().expect("an object").extend(parts.clone());
            return Self { is_tcp: upstream.protocol == Protocol::Tcp, cluster, ..Self::default() };
        }
        let http = match upstream.protocol {
            Protocol::Http1 => json!({ "explicit_http_config": { "http_protocol_options": {} } }),
            Protocol::Http2 => json!({ "explicit_http_config": { "http2_protocol_options": {} } }),
            Protocol::Auto => json!({
                "auto_config": { "http_protocol_options": {}, "http2_protocol_options": {} } }),
            Protocol::Tcp => return Self { is_tcp: true, cluster, ..Self::default() },
        };
        cluster["typed_extension_protocol_options"] = protocol_options(http);
        Self { cluster, ..Self::default() }
    }
}

/// `typed_extension_protocol_options` of a cluster, with these `HttpProtocolOptions`.
pub(crate) fn protocol_options(mut options: Value) -> Value {
    options["@type"] = format!("{TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions").into();
    json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options })
}
