//! The addresses behind a target.

use std::fmt;
use std::net::SocketAddr;
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

/// Where an endpoint is, as far as that is known here.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Destination {
    /// At an address.
    Address(SocketAddr),
    /// Wherever a proxy takes the name to be.
    Name(Target),
}

impl Destination {
    /// The address, if it is known.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

/// `ADDRESS:PORT` or `NAME:PORT`.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.pad(&address.to_string()),
            Self::Name(target) => f.pad(&target.to_string()),
        }
    }
}

/// A kind of address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    fn includes(self, address: &SocketAddr) -> bool {
        address.is_ipv4() == (self == Self::V4)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Which of the addresses behind a target count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Choice {
    /// Only those of this family, rather than those that Gloo's Envoy would use.
    pub family: Option<Family>,
    /// Only the one that comes first.
    pub first_only: bool,
}

impl Choice {
    /// Takes what counts of addresses in the order of the resolver. `as_gloo` leaves IPv6 aside
    /// where there is IPv4, unless a family was chosen.
    fn of(self, mut found: Vec<SocketAddr>, as_gloo: bool) -> Addresses {
        let mut ignored = Vec::new();
        match self.family {
            Some(family) => found.retain(|address| family.includes(address)),
            None if as_gloo && found.iter().any(SocketAddr::is_ipv4) => {
                ignored = found.iter().copied().filter(SocketAddr::is_ipv6).collect();
                found.retain(SocketAddr::is_ipv4);
            }
            None => {}
        }
        if self.first_only {
            found.truncate(1);
        }
        for addresses in [&mut found, &mut ignored] {
            addresses.sort_unstable();
            addresses.dedup();
        }
        Addresses { endpoints: found, ignored }
    }
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
    /// There are addresses, and none that counts.
    #[error("{name} has no {wanted} address")]
    NoneOfFamily {
        /// The name or address.
        name: String,
        /// What was wanted.
        wanted: Family,
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
    /// Finds the addresses behind the target that count.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the name has none, or if the resolver takes longer than `timeout`.
    pub async fn resolve(
        &self,
        choice: Choice,
        timeout: Duration,
    ) -> Result<Addresses, ResolveError> {
        let name = match &self.host {
            Host::Address(address) => {
                let endpoints = vec![SocketAddr::new(*address, self.port)];
                return self.choose(choice, endpoints);
            }
            Host::Name(name) => name,
        };
        let lookup = tokio::net::lookup_host((name.as_str(), self.port));
        match tokio::time::timeout(timeout, lookup).await {
            Err(_) => Err(ResolveError::Timeout { name: name.clone(), after: timeout }),
            Ok(Err(error)) => {
                Err(ResolveError::Failed { name: name.clone(), reason: resolver_words(&error) })
            }
            Ok(Ok(found)) => self.chosen(choice.of(found.collect(), true), choice),
        }
    }

    /// What counts of addresses that were given for the target, as they come.
    ///
    /// # Errors
    ///
    /// [`ResolveError::NoneOfFamily`] if that is none.
    pub fn choose(
        &self,
        choice: Choice,
        given: Vec<SocketAddr>,
    ) -> Result<Addresses, ResolveError> {
        self.chosen(choice.of(given, false), choice)
    }

    fn chosen(&self, addresses: Addresses, choice: Choice) -> Result<Addresses, ResolveError> {
        match choice.family {
            Some(wanted) if addresses.endpoints.is_empty() => {
                Err(ResolveError::NoneOfFamily { name: self.host.to_string(), wanted })
            }
            _ => Ok(addresses),
        }
    }
}

/// The resolver's own words, without the Rust library's frame around them.
fn resolver_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit(": ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn ipv4_comes_first_and_alone() {
        let found = addresses(&["[::1]:1", "127.0.0.2:1", "127.0.0.1:1", "127.0.0.2:1"]);
        let chosen = Choice::default().of(found, true);
        assert_eq!(chosen.endpoints, addresses(&["127.0.0.1:1", "127.0.0.2:1"]));
        assert_eq!(chosen.ignored, addresses(&["[::1]:1"]));
    }

    #[test]
    fn ipv6_is_taken_where_there_is_nothing_else() {
        let chosen = Choice::default().of(addresses(&["[::1]:1"]), true);
        assert_eq!(chosen.endpoints, addresses(&["[::1]:1"]));
    }

    #[test]
    fn a_family_can_be_chosen_and_the_first_alone() {
        let found = || addresses(&["[::2]:1", "127.0.0.2:1", "[::1]:1", "127.0.0.1:1"]);
        #[rustfmt::skip]
        let table = [
            (Some(Family::V4), false, vec!["127.0.0.1:1", "127.0.0.2:1"]),
            (Some(Family::V6), false, vec!["[::1]:1", "[::2]:1"]),
            (Some(Family::V6), true,  vec!["[::2]:1"]),
            (None,             true,  vec!["127.0.0.2:1"]),
        ];
        for (family, first_only, expected) in table {
            let chosen = Choice { family, first_only }.of(found(), true);
            assert_eq!(chosen.endpoints, addresses(&expected), "{family:?} {first_only}");
        }
    }

    #[test]
    fn given_addresses_are_all_taken_unless_chosen_from() {
        let target: Target = "example.com:1".parse().unwrap();
        let given = || addresses(&["127.0.0.1:1", "[::1]:1"]);
        let all = target.choose(Choice::default(), given()).unwrap();
        assert_eq!(all.endpoints.len(), 2);
        let choice = Choice { family: Some(Family::V6), first_only: false };
        let error = target.choose(choice, addresses(&["127.0.0.1:1"])).unwrap_err();
        assert_eq!(error.to_string(), "example.com has no IPv6 address");
    }
}
