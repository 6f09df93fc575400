//! Envoy at the other end: a listener with TLS.

use serde_json::{Value, json};

use super::Server;
use crate::support::envoy::Release;
use crate::support::keys::{self, Leaf};

/// An Envoy whose listener answers every request with 200.
#[derive(Clone, Debug)]
pub(crate) struct Envoy {
    leaf: Leaf,
    release: Release,
    parameters: Value,
    verify_client: bool,
}

impl Envoy {
    /// One with an RSA certificate and Envoy's defaults for listeners.
    pub(crate) fn new(release: Release) -> Self {
        Self { leaf: Leaf::Rsa, release, parameters: json!({}), verify_client: false }
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// `tls_params` of the listener.
    pub(crate) fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = parameters;
        self
    }

    /// Wants certificates of our authority from clients.
    pub(crate) fn verify_client(mut self) -> Self {
        self.verify_client = true;
        self
    }

    pub(crate) fn start(&self) -> Server {
        Server::start(&self.release.program(), |command, directory, address| {
            let file = directory.join("envoy.json");
            let listener = self.listener(address.port());
            let bootstrap = json!({ "static_resources": { "listeners": [listener] } });
            std::fs::write(&file, bootstrap.to_string()).unwrap();
            command.arg("-c").arg(file);
            command.args(["--disable-hot-restart", "--concurrency", "1", "-l", "error"]);
        })
    }

    fn listener(&self, port: u16) -> Value {
        let leaf = keys::leaf(self.leaf);
        let mut common = json!({
            "tls_params": self.parameters,
            "tls_certificates": [{
                "certificate_chain": { "filename": leaf.certificate },
                "private_key": { "filename": leaf.key },
            }],
        });
        if self.verify_client {
            common["validation_context"] =
                json!({ "trusted_ca": { "filename": keys::authority() } });
        }
        let tls = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": self.verify_client,
        });
        let http = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "server",
            "route_config": { "virtual_hosts": [{
                "name": "all", "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }],
            }] },
            "http_filters": [{ "name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
        });
        json!({
            "name": "server",
            // Else a second server could listen on the same port unnoticed.
            "enable_reuse_port": false,
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
            "filter_chains": [{
                "filters": [{ "name": "http", "typed_config": http }],
                "transport_socket": { "name": "tls", "typed_config": tls },
            }],
        })
    }
}
