//! Protocol versions, SSLv3 to TLS 1.3.

use std::fmt;

use serde::{Serialize, Serializer};

/// A protocol version as the two bytes that name it on the wire.
///
/// RFC 8446 §4.2.1; SSLv3 is RFC 6101 §5.2.1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// SSL 3.0.
    pub const SSL3: Self = Self(0x0300);
    /// TLS 1.0.
    pub const TLS10: Self = Self(0x0301);
    /// TLS 1.1.
    pub const TLS11: Self = Self(0x0302);
    /// TLS 1.2.
    pub const TLS12: Self = Self(0x0303);
    /// TLS 1.3.
    pub const TLS13: Self = Self(0x0304);

    /// Every version that a survey asks for, newest first.
    pub const SURVEYED: [Self; 5] =
        [Self::TLS13, Self::TLS12, Self::TLS11, Self::TLS10, Self::SSL3];

    /// The spelling of Envoy and Gloo (`TLSv1_2`), if they know this version.
    #[must_use]
    pub fn envoy_name(self) -> Option<&'static str> {
        match self {
            Self::TLS10 => Some("TLSv1_0"),
            Self::TLS11 => Some("TLSv1_1"),
            Self::TLS12 => Some("TLSv1_2"),
            Self::TLS13 => Some("TLSv1_3"),
            _ => None,
        }
    }

    /// Reads Envoy's spelling, `TLSv1_0` to `TLSv1_3`.
    #[must_use]
    pub fn from_envoy_name(name: &str) -> Option<Self> {
        [Self::TLS10, Self::TLS11, Self::TLS12, Self::TLS13]
            .into_iter()
            .find(|version| version.envoy_name() == Some(name))
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SSL3 => f.pad("SSLv3"),
            Self::TLS10 => f.pad("TLSv1.0"),
            Self::TLS11 => f.pad("TLSv1.1"),
            Self::TLS12 => f.pad("TLSv1.2"),
            Self::TLS13 => f.pad("TLSv1.3"),
            Self(number) => f.pad(&format!("0x{number:04x}")),
        }
    }
}

impl Serialize for TlsVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_names_go_there_and_back() {
        for version in TlsVersion::SURVEYED {
            if let Some(name) = version.envoy_name() {
                assert_eq!(TlsVersion::from_envoy_name(name), Some(version));
            }
        }
        assert_eq!(TlsVersion::from_envoy_name("TLSv1.2"), None);
    }

    #[test]
    fn unknown_versions_print_their_number() {
        assert_eq!(TlsVersion(0x7f1c).to_string(), "0x7f1c");
    }
}
