//! Lists of targets: one a line, with comments, as people and programs write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Host, Target, TargetError};

/// The longest line that is read; no host, port and path that is meant seriously is longer.
pub const LONGEST_LINE: usize = 2048;

/// What a line of a list, or an argument, names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Named {
    /// One server.
    Target(Target),
    /// Each address of a network.
    Network(Network),
}

/// A range of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) with a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
    port: u16,
}

/// Why a line names nothing that can be tested.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It names no target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It has more bytes than [`LONGEST_LINE`].
    #[error("the line has more than {LONGEST_LINE} bytes")]
    TooLong,
    /// It is not UTF-8, or has control characters.
    #[error("the line is no text")]
    NoText,
    /// Something stands beside the target.
    #[error("'{0}' has a blank in it: a line names one target")]
    Several(String),
    /// The prefix of a network is no number that its addresses allow.
    #[error(
        "'{0}' has no valid prefix: write a network as 10.0.0.0/24:443 or [2001:db8::/120]:443"
    )]
    BadPrefix(String),
    /// The network has more addresses than [`Network::LARGEST`].
    #[error("'{0}' has more than {largest} addresses", largest = Network::LARGEST)]
    TooLarge(String),
}

/// Reads one line of a list, without its end. `None` if it is blank or a comment.
///
/// A comment begins with `#`: anywhere, but in a URL only at its start or after a blank, since a
/// URL may have a fragment.
///
/// # Errors
///
/// [`LineError`] if something else stands there than a target or a network.
pub fn read_line(line: &[u8]) -> Result<Option<Named>, LineError> {
    if line.len() > LONGEST_LINE {
        return Err(LineError::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| LineError::NoText)?;
    let text = text.trim_start_matches('\u{feff}');
    let text = without_comment(text).trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(|character| character.is_control() && character != '\t') {
        return Err(LineError::NoText);
    }
    if text.contains(char::is_whitespace) {
        return Err(LineError::Several(text.to_owned()));
    }
    text.parse().map(Some)
}

fn without_comment(text: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        let before = text[..*at].chars().next_back();
        !text[..*at].contains("://") || before.is_none_or(char::is_whitespace)
    };
    match text.match_indices('#').find(begins) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

impl FromStr for Named {
    type Err = LineError;

    /// Reads what a [`Target`] can be written as, or `10.0.0.0/24:443`, `[2001:db8::/120]:443`.
    fn from_str(text: &str) -> Result<Self, LineError> {
        match network_parts(text.trim()) {
            Some((address, prefix, port)) => {
                network(text, address, prefix, port).map(Self::Network)
            }
            None => Ok(Self::Target(text.parse()?)),
        }
    }
}

/// Address, prefix and port, if the text is written like a network.
fn network_parts(text: &str) -> Option<(IpAddr, &str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let (address, prefix) = inside.split_once('/')?;
        let port = after.strip_prefix(':').unwrap_or(after);
        return Some((address.parse::<Ipv6Addr>().ok()?.into(), prefix, port));
    }
    let (address, rest) = text.split_once('/')?;
    let (prefix, port) = rest.split_once(':').unwrap_or((rest, ""));
    Some((address.parse::<Ipv4Addr>().ok()?.into(), prefix, port))
}

fn network(text: &str, address: IpAddr, prefix: &str, port: &str) -> Result<Network, LineError> {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = prefix.parse::<u8>().ok().filter(|prefix| digits && *prefix <= bits);
    let prefix = prefix.ok_or_else(|| LineError::BadPrefix(text.to_owned()))?;
    let port = super::parse_port(text, Some(port), None)?;
    if bits - prefix > Network::LARGEST.trailing_zeros() as u8 {
        return Err(LineError::TooLarge(text.to_owned()));
    }
    Ok(Network { first: masked(address, bits - prefix), prefix, port })
}

/// The address with its last bits cleared; never more than the bits of [`Network::LARGEST`].
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() >> bits << bits).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> bits << bits).into(),
    }
}

impl Network {
    /// The most addresses that a network may have: those of an IPv4 `/16`.
    pub const LARGEST: u32 = 1 << 16;

    /// How many addresses it has, those of network and broadcast among them.
    #[must_use]
    pub fn size(&self) -> u32 {
        let bits = if self.first.is_ipv4() { 32 } else { 128 };
        1 << (bits - self.prefix)
    }

    /// Every address, in ascending order.
    pub fn targets(&self) -> impl Iterator<Item = Target> + use<> {
        let Self { first, port, .. } = *self;
        (0..self.size()).map(move |offset| {
            // The last bits of the first address are zero, so nothing overflows.
            let address = match first {
                IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits() | offset).into(),
                IpAddr::V6(first) => {
                    Ipv6Addr::from_bits(first.to_bits() | u128::from(offset)).into()
                }
            };
            Target { host: Host::Address(address), port }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, prefix, port } = self;
        match first {
            IpAddr::V4(first) => write!(f, "{first}/{prefix}:{port}"),
            IpAddr::V6(first) => write!(f, "[{first}/{prefix}]:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> String {
        match read_line(line.as_bytes()) {
            Ok(None) => String::new(),
            Ok(Some(Named::Target(target))) => target.to_string(),
            Ok(Some(Named::Network(network))) => format!("{network} of {}", network.size()),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn lines_name_targets_networks_or_nothing() {
        #[rustfmt::skip]
        let table = [
            ("example.com:443",                      "example.com:443"),
            ("\u{feff}example.com:443\r",            "example.com:443"),
            ("\t example.com:443 \t # ours",         "example.com:443"),
            ("example.com:443#ours",                 "example.com:443"),
            ("https://example.com/a#b # ours",       "example.com:443"),
            ("https://example.com#b",                "example.com:443"),
            ("tls://example.com:8443",               "example.com:8443"),
            ("HTTPS://example.com",                  "example.com:443"),
            ("[::1]:443",                            "[::1]:443"),
            ("",                                     ""),
            ("  \r",                                 ""),
            ("# example.com:443",                    ""),
            ("  # https://example.com",              ""),
            ("10.0.0.0/24:443",                      "10.0.0.0/24:443 of 256"),
            ("10.0.0.7/24:443",                      "10.0.0.0/24:443 of 256"),
            ("10.0.0.7/32:443",                      "10.0.0.7/32:443 of 1"),
            ("10.0.0.0/16:443 # all",                "10.0.0.0/16:443 of 65536"),
            ("[2001:db8::ff/120]:443",               "[2001:db8::/120]:443 of 256"),
        ];
        for (line, expected) in table {
            assert_eq!(read(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        #[rustfmt::skip]
        let table = [
            ("example.com",             "has no port"),
            ("a:1 b:2",                 "a line names one target"),
            ("10.0.0.0/33:443",         "no valid prefix"),
            ("10.0.0.0/+8:443",         "no valid prefix"),
            ("10.0.0.0/:443",           "no valid prefix"),
            ("[2001:db8::/129]:443",    "no valid prefix"),
            ("10.0.0.0/8:443",          "more than 65536 addresses"),
            ("[2001:db8::/64]:443",     "more than 65536 addresses"),
            ("10.0.0.0/24",             "has no port"),
            ("10.0.0.0/24:0",           "from 1 to 65535"),
            ("ex\u{1b}[31m.com:443",    "no text"),
        ];
        for (line, expected) in table {
            assert!(read(line).contains(expected), "{line:?}: {}", read(line));
        }
        assert_eq!(read_line(b"\xff\xfe:443"), Err(LineError::NoText));
        assert_eq!(read_line(&[b'a'; LONGEST_LINE + 1]), Err(LineError::TooLong));
    }

    #[test]
    fn a_network_is_all_of_its_addresses() {
        for (text, first, last) in [
            ("10.0.1.9/30:443", "10.0.1.8:443", "10.0.1.11:443"),
            ("[2001:db8::/126]:1", "[2001:db8::]:1", "[2001:db8::3]:1"),
        ] {
            let Ok(Named::Network(network)) = text.parse() else { panic!("{text}") };
            let targets: Vec<_> = network.targets().map(|target| target.to_string()).collect();
            assert_eq!(targets.len(), 4);
            assert_eq!((targets[0].as_str(), targets[3].as_str()), (first, last));
        }
    }

    proptest! {
        #[test]
        fn what_a_line_names_prints_as_a_line_that_names_it(line in "[\\PC]{0,40}|[0-9./:\\[\\]a-f#]{0,30}") {
            if let Ok(Some(named)) = read_line(line.as_bytes()) {
                let printed = match &named {
                    Named::Target(target) => target.to_string(),
                    Named::Network(network) => network.to_string(),
                };
                prop_assert_eq!(read_line(printed.as_bytes()), Ok(Some(named)));
            }
        }
    }
}
