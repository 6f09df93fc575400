//! What is wrong with a configuration.

use crate::tls::{Group, TlsVersion};

/// Why a configuration never leads to a ClientHello: Envoy refuses to load it, or every
/// connection fails before a byte is sent.
///
/// The messages begin with Envoy's own words, so that they can be found in its log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// `cipher_suites` has an unknown name, wrong syntax, or nothing left in it.
    #[error(
        "Failed to initialize cipher suites {list}. The following ciphers were rejected when \
         tried individually: {}",
        rejected.join(", ")
    )]
    CipherSuites {
        /// The list as Envoy joins it.
        list: String,
        /// The members that are refused alone too; none if only the syntax is wrong.
        rejected: Vec<String>,
    },
    /// `ecdh_curves` has an unknown or empty entry, or, since 1.38, the same group twice.
    #[error("Failed to initialize ECDH curves {list}")]
    EcdhCurves {
        /// The list as Envoy joins it.
        list: String,
        /// The entries that the release does not have; Envoy does not say which.
        rejected: Vec<String>,
    },
    /// `signature_algorithms` has an unknown or empty entry, or the same scheme twice.
    #[error("Failed to initialize TLS signature algorithms {list}")]
    SignatureAlgorithms {
        /// The list as Envoy joins it.
        list: String,
        /// The entries that the release does not have; Envoy does not say which.
        rejected: Vec<String>,
    },
    /// The release is older than a field that is set.
    #[error("no such field: {field}")]
    UnknownField {
        /// The field's name.
        field: &'static str,
    },
    /// The version bounds exclude each other, often since only one of them is set.
    #[error("NO_SUPPORTED_VERSIONS_ENABLED: the minimum {minimum} is above the maximum {maximum}")]
    NoSupportedVersions {
        /// The minimum in force.
        minimum: TlsVersion,
        /// The maximum in force.
        maximum: TlsVersion,
    },
    /// No listed suite can be sent under the versions in force.
    #[error("NO_CIPHERS_AVAILABLE: no suite of {list} can be sent under {minimum} to {maximum}")]
    NoCiphersAvailable {
        /// The list in force, as Envoy joins it.
        list: String,
        /// The minimum in force.
        minimum: TlsVersion,
        /// The maximum in force.
        maximum: TlsVersion,
    },
    /// `sni` is longer than 255 bytes.
    #[error("value length must be at most 255 bytes: sni has {length}")]
    ServerNameTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// `alpn_protocols` has an entry of more than 255 bytes, or more than fits in all.
    #[error("Invalid ALPN protocol string: {list}")]
    AlpnTooLong {
        /// The list as Envoy joins it.
        list: String,
    },
    /// `alpn_protocols` has an empty entry beside others, at which Envoy's process ends.
    #[error("INVALID_ALPN_PROTOCOL_LIST: {list} has an empty entry")]
    AlpnEmptyEntry {
        /// The list as Envoy joins it.
        list: String,
    },
    /// No key could be made for a group; a fault of this program's OpenSSL, not of Envoy.
    #[error("no key for {group}: {reason}")]
    KeyShare {
        /// The group.
        group: Group,
        /// What OpenSSL says.
        reason: String,
    },
}

impl ConfigFault {
    /// Whether Envoy refuses the configuration when it loads it, rather than loading it and
    /// failing every connection.
    #[must_use]
    pub fn is_refused_at_load(&self) -> bool {
        !matches!(
            self,
            Self::NoSupportedVersions { .. }
                | Self::NoCiphersAvailable { .. }
                | Self::KeyShare { .. }
        )
    }
}
