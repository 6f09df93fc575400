//! Every bound and timeout, with its default and the reason for it.

use std::time::Duration;

/// The bounds that everything which talks to a server keeps to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most connections open at once to one endpoint, reached from five on as long as all goes
    /// well. Servers fail under the 20 to 30 that other scanners open, and the failures read as
    /// refusals.
    pub connections_per_host: usize,
    /// The most connections that are opened to one endpoint in all, if that is bounded.
    pub budget: Option<u64>,
    /// Connections open at once in all.
    pub connections: usize,
    /// How long the resolver may take.
    pub resolve_timeout: Duration,
    /// How long a TCP connection may take to open; Envoy's default for clusters is 5 s.
    pub connect_timeout: Duration,
    /// How long a server may take to answer a hello, and to complete a handshake.
    pub answer_timeout: Duration,
    /// How long one endpoint may take in all.
    pub deadline: Duration,
    /// How often a probe that taught nothing is repeated.
    pub retries: u32,
    /// The least time between the starts of two connections to one endpoint.
    pub delay: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_host: 16,
            budget: None,
            connections: 64,
            resolve_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(60),
            retries: 3,
            delay: Duration::ZERO,
        }
    }
}
