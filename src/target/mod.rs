//! What the user named: a host and a port, and the addresses behind them.
//!
//! Knows nothing of TLS.

mod address;
pub mod list;
mod share;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

pub use address::{Addresses, ResolveError};
pub use share::{Fingerprint, Shard, ShardError};

/// A server as the user named it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// Name or address.
    pub host: Host,
    /// TCP port, never 0.
    pub port: u16,
}

/// The host part of a [`Target`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Host {
    /// A DNS name, without a trailing dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

/// Why a text names no target.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing stands before the port.
    #[error("'{0}' has no host: write HOST:PORT, for example example.com:443")]
    NoHost(String),
    /// No port is given.
    #[error("'{0}' has no port: write HOST:PORT, for example {0}:443")]
    NoPort(String),
    /// The port is no number from 1 to 65535.
    #[error("'{given}' has port '{port}': a port is a number from 1 to 65535")]
    BadPort {
        /// The whole text.
        given: String,
        /// The part that should be a port.
        port: String,
    },
    /// An IPv6 address without brackets, so that its port cannot be told from it.
    #[error("'{0}' looks like an IPv6 address: write it in brackets, [ADDRESS]:PORT")]
    Unbracketed(String),
    /// What stands in brackets is no IPv6 address.
    #[error("'{0}' has no valid IPv6 address in its brackets")]
    BadAddress(String),
    /// A URL of a scheme that does not use TLS from the first byte.
    #[error("'{0}' is no https URL: write HOST:PORT instead")]
    Scheme(String),
    /// The host has characters that no DNS name has, or is too long for one.
    #[error("'{0}' is no host name or address")]
    BadHost(String),
}

impl FromStr for Target {
    type Err = TargetError;

    /// Reads `HOST:PORT`, `[IPV6]:PORT`, an https URL, whose port is 443 unless given, or
    /// `tls://HOST:PORT`.
    fn from_str(given: &str) -> Result<Self, TargetError> {
        let text = given.trim();
        match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                parse_url_authority(given, rest, Some(443))
            }
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tls") => {
                parse_url_authority(given, rest, None)
            }
            Some(_) => Err(TargetError::Scheme(given.to_owned())),
            None => parse_authority(given, text, None),
        }
    }
}

fn parse_url_authority(
    given: &str,
    rest: &str,
    default: Option<u16>,
) -> Result<Target, TargetError> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    parse_authority(given, authority, default)
}

fn parse_authority(given: &str, text: &str, default: Option<u16>) -> Result<Target, TargetError> {
    if let Some(rest) = text.strip_prefix('[') {
        return parse_bracketed(given, rest, default);
    }
    if text.matches(':').count() > 1 {
        return Err(TargetError::Unbracketed(given.to_owned()));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if host.is_empty() {
        return Err(TargetError::NoHost(given.to_owned()));
    }
    let host = parse_host(host).ok_or_else(|| TargetError::BadHost(given.to_owned()))?;
    Ok(Target { host, port: parse_port(given, port, default)? })
}

fn parse_bracketed(given: &str, rest: &str, default: Option<u16>) -> Result<Target, TargetError> {
    let bad = || TargetError::BadAddress(given.to_owned());
    let (address, after) = rest.split_once(']').ok_or_else(bad)?;
    let address: Ipv6Addr = address.parse().map_err(|_| bad())?;
    let port = match after.strip_prefix(':') {
        Some(port) => Some(port),
        None if after.is_empty() => None,
        None => return Err(bad()),
    };
    let port = parse_port(given, port, default)?;
    Ok(Target { host: Host::Address(address.into()), port })
}

fn parse_port(given: &str, port: Option<&str>, default: Option<u16>) -> Result<u16, TargetError> {
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        return default.ok_or_else(|| TargetError::NoPort(given.trim_end_matches(':').to_owned()));
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(TargetError::BadPort { given: given.to_owned(), port: port.to_owned() }),
    }
}

/// Takes what DNS and SNI can carry; underscores occur in the names of Services.
fn parse_host(host: &str) -> Option<Host> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Host::Address(address));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let valid_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let all_digits = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (name.len() <= 253 && !all_digits && name.split('.').all(valid_label))
        .then(|| Host::Name(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_targets_are_read() {
        #[rustfmt::skip]
        let table = [
            ("example.com:443",                  "example.com:443"),
            ("example.com.:443",                 "example.com:443"),
            ("my_svc.ns.svc:8443",               "my_svc.ns.svc:8443"),
            ("127.0.0.1:1",                      "127.0.0.1:1"),
            ("[::1]:65535",                      "[::1]:65535"),
            ("https://example.com/path?x",       "example.com:443"),
            ("https://user@example.com:8443/",   "example.com:8443"),
            ("https://[2001:db8::1]/",           "[2001:db8::1]:443"),
            (" example.com:443 ",                "example.com:443"),
        ];
        for (text, expected) in table {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), expected);
        }
    }

    #[test]
    fn bad_targets_say_what_is_wrong() {
        #[rustfmt::skip]
        let table = [
            ("example.com",         "has no port"),
            ("example.com:",        "has no port"),
            ("example.com:0",       "from 1 to 65535"),
            ("example.com:70000",   "from 1 to 65535"),
            ("example.com:+443",    "from 1 to 65535"),
            ("example.com:https",   "from 1 to 65535"),
            (":443",                "has no host"),
            ("",                    "has no host"),
            ("::1:443",             "in brackets"),
            ("[::1:443",            "no valid IPv6"),
            ("[::g]:443",           "no valid IPv6"),
            ("[::1]443",            "no valid IPv6"),
            ("[127.0.0.1]:443",     "no valid IPv6"),
            ("http://example.com",  "no https URL"),
            ("exa mple.com:443",    "no host name"),
            ("a..b:443",            "no host name"),
            ("256.1.1.1:443",       "no host name"),
            ("é.example:443",       "no host name"),
        ];
        for (text, expected) in table {
            let message = text.parse::<Target>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
