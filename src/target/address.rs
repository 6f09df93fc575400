//! The addresses behind a target.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Host, Target};

/// The endpoints of a target, and those that Envoy would leave alone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Addresses {
    /// Where to connect, in ascending order, without duplicates.
    pub endpoints: Vec<SocketAddr>,
    /// IPv6 addresses of a name that has IPv4 addresses too. Gloo's clusters look up with
    /// `V4_ONLY` (Gloo `plugins/static/plugin.go`), so Envoy never connects to them.
    pub ignored: Vec<SocketAddr>,
}

/// Why a name has no address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The resolver said no.
    #[error("cannot resolve {name}: {reason}")]
    Failed {
        /// The name.
        name: String,
        /// What the resolver said.
        reason: String,
    },
    /// The resolver did not answer in time.
    #[error("cannot resolve {name}: no answer within {}", humantime::format_duration(*.after))]
    Timeout {
        /// The name.
        name: String,
        /// How long it was given.
        after: Duration,
    },
}

impl Target {
    /// Finds the addresses behind the target.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the name has none, or if the resolver takes longer than `timeout`.
    pub async fn resolve(&self, timeout: Duration) -> Result<Addresses, ResolveError> {
        let name = match &self.host {
            Host::Address(address) => {
                let endpoints = vec![SocketAddr::new(*address, self.port)];
                return Ok(Addresses { endpoints, ignored: Vec::new() });
            }
            Host::Name(name) => name,
        };
        let lookup = tokio::net::lookup_host((name.as_str(), self.port));
        match tokio::time::timeout(timeout, lookup).await {
            Err(_) => Err(ResolveError::Timeout { name: name.clone(), after: timeout }),
            Ok(Err(error)) => {
                Err(ResolveError::Failed { name: name.clone(), reason: resolver_words(&error) })
            }
            Ok(Ok(found)) => Ok(choose(found.collect())),
        }
    }
}

/// The resolver's own words, without the Rust library's frame around them.
fn resolver_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit(": ").next().unwrap_or(&text).to_owned()
}

fn choose(mut found: Vec<SocketAddr>) -> Addresses {
    found.sort_unstable();
    found.dedup();
    let (v4, v6): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| matches!(address.ip(), IpAddr::V4(_)));
    if v4.is_empty() {
        Addresses { endpoints: v6, ignored: Vec::new() }
    } else {
        Addresses { endpoints: v4, ignored: v6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn ipv4_comes_first_and_alone() {
        let chosen = choose(addresses(&["[::1]:1", "127.0.0.2:1", "127.0.0.1:1", "127.0.0.2:1"]));
        assert_eq!(chosen.endpoints, addresses(&["127.0.0.1:1", "127.0.0.2:1"]));
        assert_eq!(chosen.ignored, addresses(&["[::1]:1"]));
    }

    #[test]
    fn ipv6_is_taken_where_there_is_nothing_else() {
        let chosen = choose(addresses(&["[::1]:1"]));
        assert_eq!(chosen.endpoints, addresses(&["[::1]:1"]));
    }
}
