//! The servers of the `demo` command, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use cipher_test::lab::{Scenario, Server, ServerConfig};
use openssl::ssl::SslVersion;
use tokio::runtime::Runtime;

use super::faults::Relay;

/// The runtime that all embedded servers share.
pub(crate) fn runtime() -> &'static Runtime {
    static MADE: OnceLock<Runtime> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    })
}

/// Starts the server of a scenario on a free port.
pub(crate) fn scenario(scenario: Scenario) -> Server {
    runtime().block_on(Server::start(scenario, 0)).expect("a server")
}

/// Starts any server on a free port.
pub(crate) fn server(config: &ServerConfig) -> Server {
    runtime().block_on(Server::start_with(config, 0)).expect("a server")
}

/// Stands before a server and does what `faults` say, as `examples/fault-relay` reads them.
///
/// # Panics
///
/// If one of them is none.
pub(crate) fn relay(to: SocketAddr, faults: &[&str], seed: u64) -> Relay {
    let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    runtime().block_on(Relay::start(listen, to, faults, seed)).expect("a relay")
}

/// A server that Envoy reaches as it is, with some of every version and some that Envoy never
/// sends; small, so that slow surveys of it end soon.
pub(crate) fn varied() -> Server {
    server(&ServerConfig {
        cipher_list: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:AES128-SHA:\
                      DHE-RSA-AES128-SHA"
            .into(),
        tls13_suites: Some("TLS_AES_128_GCM_SHA256".into()),
        min_version: Some(SslVersion::TLS1_1),
        ..ServerConfig::default()
    })
}

/// One old suite under one version: Envoy needs a change.
pub(crate) fn old() -> Server {
    server(&ServerConfig {
        cipher_list: "ECDHE-RSA-AES256-SHA:AES128-SHA".into(),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    })
}
