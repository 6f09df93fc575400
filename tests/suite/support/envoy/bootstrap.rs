//! Envoy's configuration file: a listener and a cluster for each upstream.

use std::path::Path;

use serde_json::{Value, json};

use super::upstream::{Protocol, Upstream};

const TYPE: &str = "type.googleapis.com/envoy";

/// The whole file. Listeners are named by the upstream's position, clusters `u` and the position;
/// ports are left to the kernel.
pub(super) fn bootstrap(upstreams: &[Upstream], access_log: &Path) -> Value {
    let listeners: Vec<Value> = upstreams
        .iter()
        .enumerate()
        .map(|(index, upstream)| listener(index, upstream.protocol, access_log))
        .collect();
    let clusters: Vec<Value> =
        upstreams.iter().enumerate().map(|(index, upstream)| cluster(index, upstream)).collect();
    json!({
        "admin": { "address": loopback(0) },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

fn loopback(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

fn listener(index: usize, protocol: Protocol, access_log: &Path) -> Value {
    let log = access_log_to(index, access_log);
    let filter = match protocol {
        Protocol::Tcp => json!({
            "@type": format!("{TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": "tcp", "cluster": format!("u{index}"), "access_log": [log],
        }),
        _ => json!({
            "@type": format!("{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "http",
            "access_log": [log],
            "route_config": { "virtual_hosts": [{
                "name": "all", "domains": ["*"],
                "routes": [{
                    "match": { "prefix": "/" },
                    "route": { "cluster": format!("u{index}"), "timeout": "2s" },
                }],
            }] },
            "http_filters": [{ "name": "router", "typed_config": {
                "@type": format!("{TYPE}.extensions.filters.http.router.v3.Router") } }],
        }),
    };
    json!({
        "name": index.to_string(),
        "address": loopback(0),
        "filter_chains": [{ "filters": [{ "name": "filter", "typed_config": filter }] }],
    })
}

fn access_log_to(index: usize, path: &Path) -> Value {
    json!({ "name": "file", "typed_config": {
        "@type": format!("{TYPE}.extensions.access_loggers.file.v3.FileAccessLog"),
        "path": path,
        "log_format": { "json_format": {
            "upstream": index.to_string(),
            "status": "%RESPONSE_CODE%",
            "flags": "%RESPONSE_FLAGS%",
            "reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
            "start_time": "%START_TIME%",
            "response_code_details": "%RESPONSE_CODE_DETAILS%",
            "upstream_cluster": "%UPSTREAM_CLUSTER%",
            "upstream_host": "%UPSTREAM_HOST%",
        } },
    } })
}

fn cluster(index: usize, upstream: &Upstream) -> Value {
    let mut tls = upstream.tls.clone();
    tls["@type"] = format!("{TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext").into();
    let address = json!({ "socket_address": {
        "address": upstream.address.ip().to_string(), "port_value": upstream.address.port() } });
    let mut cluster = json!({
        "name": format!("u{index}"),
        "type": "STATIC",
        "connect_timeout": "4s",
        "load_assignment": {
            "cluster_name": format!("u{index}"),
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
        },
        "transport_socket": { "name": "tls", "typed_config": tls },
    });
    if let Some(parts) = &upstream.cluster {
        cluster.as_object_mut().expect("an object").extend(parts.clone());
        return cluster;
    }
    let http = match upstream.protocol {
        Protocol::Http1 => json!({ "explicit_http_config": { "http_protocol_options": {} } }),
        Protocol::Http2 => json!({ "explicit_http_config": { "http2_protocol_options": {} } }),
        Protocol::Auto => {
            json!({ "auto_config": { "http_protocol_options": {}, "http2_protocol_options": {} } })
        }
        Protocol::Tcp => return cluster,
    };
    let mut options = http;
    options["@type"] = format!("{TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions").into();
    cluster["typed_extension_protocol_options"] =
        json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options });
    cluster
}
