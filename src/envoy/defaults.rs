//! What a cluster offers when it sets nothing.

use super::{Build, Release};
use crate::tls::TlsVersion;

/// A release's client defaults, in the grammar of its configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Defaults {
    /// `cipher_suites`; an entry may be a group such as `[A|B]`.
    pub cipher_suites: &'static [&'static str],
    /// `ecdh_curves`.
    pub ecdh_curves: &'static [&'static str],
    /// `tls_minimum_protocol_version`.
    pub minimum: TlsVersion,
    /// `tls_maximum_protocol_version`.
    pub maximum: TlsVersion,
    /// How this is known.
    pub source: &'static str,
}

/// The clients' list until 1.16.
const TWELVE: [&str; 12] = [
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
];

/// [`TWELVE`] as FIPS builds have it.
const TWELVE_FIPS: [&str; 12] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
];

/// The clients' list since 1.17 (release notes 1.17.0; documented only since 1.19).
const FOUR: [&str; 4] = [
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// [`FOUR`] as FIPS builds have it.
const FOUR_FIPS: [&str; 4] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

impl Release {
    /// What a cluster of this release offers when it sets nothing.
    ///
    /// Listeners have other defaults. On 1.40 the runtime key
    /// `envoy.reloadable_features.pqc_default_ecdh_curves: false` brings back the groups of 1.39.
    #[must_use]
    pub fn defaults(self, build: Build) -> Defaults {
        Defaults {
            cipher_suites: self.default_cipher_suites(build),
            ecdh_curves: self.default_ecdh_curves(build),
            minimum: if self < Self::minor(13) { TlsVersion::TLS10 } else { TlsVersion::TLS12 },
            maximum: TlsVersion::TLS12,
            source: self.defaults_source(build),
        }
    }

    fn default_cipher_suites(self, build: Build) -> &'static [&'static str] {
        match build {
            Build::Standard if self < Self::minor(17) => &TWELVE,
            Build::Standard => &FOUR,
            Build::Fips if self < Self::minor(17) => &TWELVE_FIPS,
            Build::Fips => &FOUR_FIPS,
        }
    }

    fn default_ecdh_curves(self, build: Build) -> &'static [&'static str] {
        match build {
            Build::Standard if self < Self::minor(40) => &["X25519", "P-256"],
            Build::Standard => &["X25519MLKEM768", "X25519", "P-256"],
            Build::Fips => &["P-256"],
        }
    }

    fn defaults_source(self, build: Build) -> &'static str {
        match (self.minor_number(), build) {
            (36, Build::Standard) => "measured with Envoy 1.36.2",
            (37, Build::Standard) => "measured with Envoy 1.37.0",
            (38, Build::Standard) => "measured with Envoy 1.38.3",
            (39, Build::Standard) => "measured with Envoy 1.39.3",
            (40, Build::Standard) => "measured with Envoy 1.40.0",
            (40, Build::Fips) => "Envoy's pull request 47225",
            (17.., _) => "release notes 1.17.0",
            (13.., _) => "release notes 1.13.0 and documentation 1.16.0",
            _ => "Envoy's API definition before 1.13.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From, to, suites, FIPS suites, groups, minimum.
    type Row = (
        u16,
        u16,
        &'static [&'static str],
        &'static [&'static str],
        &'static [&'static str],
        TlsVersion,
    );

    #[test]
    fn defaults_are_those_of_the_release() {
        #[rustfmt::skip]
        let table: [Row; 4] = [
            (12, 12, &TWELVE, &TWELVE_FIPS, &["X25519", "P-256"], TlsVersion::TLS10),
            (13, 16, &TWELVE, &TWELVE_FIPS, &["X25519", "P-256"], TlsVersion::TLS12),
            (17, 39, &FOUR, &FOUR_FIPS, &["X25519", "P-256"], TlsVersion::TLS12),
            (40, 40, &FOUR, &FOUR_FIPS, &["X25519MLKEM768", "X25519", "P-256"], TlsVersion::TLS12),
        ];
        for (from, to, suites, fips, groups, minimum) in table {
            for release in (from..=to).map(Release::minor) {
                let standard = release.defaults(Build::Standard);
                assert_eq!(standard.cipher_suites, suites, "{release}");
                assert_eq!(standard.ecdh_curves, groups, "{release}");
                assert_eq!((standard.minimum, standard.maximum), (minimum, TlsVersion::TLS12));
                let validated = release.defaults(Build::Fips);
                assert_eq!(validated.cipher_suites, fips, "{release}");
                assert_eq!(validated.ecdh_curves, ["P-256"], "{release}");
                assert_eq!(validated.minimum, minimum, "{release}");
            }
        }
    }

    #[test]
    fn only_what_was_measured_says_so() {
        for release in Release::all() {
            let source = release.defaults(Build::Standard).source;
            assert_eq!(
                source.starts_with(&format!("measured with Envoy {release}.")),
                release.is_measured()
            );
            assert!(!release.defaults(Build::Fips).source.contains("measured"));
        }
    }
}
