//! Envoy's configuration file: a listener and a cluster for each wiring.

use std::path::Path;

use serde_json::{Value, json};

use super::wiring::{TYPE, Wiring};

/// The whole file. Listeners are named by the wiring's position, clusters `u` and the position;
/// ports are left to the kernel.
pub(super) fn bootstrap(wirings: &[Wiring], access_log: &Path) -> Value {
    let mut resources = json!({ "listeners": [], "clusters": [], "secrets": [] });
    let mut add = |kind: &str, values: Vec<Value>| {
        let list = resources[kind].as_array_mut().expect("made a list above");
        // Wirings may share their secrets.
        values.into_iter().for_each(|value| {
            if !list.contains(&value) {
                list.push(value);
            }
        });
    };
    for (index, wiring) in wirings.iter().enumerate() {
        let mut cluster = wiring.cluster.clone();
        cluster["name"] = format!("u{index}").into();
        cluster["load_assignment"]["cluster_name"] = format!("u{index}").into();
        add("listeners", vec![listener(index, wiring.is_tcp, access_log)]);
        add("listeners", wiring.more_listeners.clone());
        add("clusters", vec![cluster]);
        add("clusters", wiring.more_clusters.clone());
        add("secrets", wiring.secrets.clone());
    }
    json!({ "admin": { "address": loopback(0) }, "static_resources": resources })
}

fn loopback(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

fn listener(index: usize, is_tcp: bool, access_log: &Path) -> Value {
    let log = access_log_to(index, access_log);
    let filter = match is_tcp {
        true => json!({
            "@type": format!("{TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": "tcp", "cluster": format!("u{index}"), "access_log": [log],
        }),
        false => json!({
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
