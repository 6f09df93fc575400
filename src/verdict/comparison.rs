//! The comparison that the guide asks its reader to make by eye.

use crate::envoy::ClientConfig;
use crate::survey::Survey;
use crate::tls::{CipherSuite, TlsVersion};

/// What this Envoy can make of an accepted suite.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Use {
    /// Envoy offers it as it is configured.
    Offered,
    /// Envoy can be configured to offer it.
    Configurable,
    /// No setting makes this release offer it.
    Never,
}

impl Use {
    /// The name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Configurable => "configurable",
            Self::Never => "never",
        }
    }
}

/// One accepted suite beside Envoy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SuiteRow {
    /// The version under which the server accepts it.
    pub version: TlsVersion,
    /// The suite.
    pub suite: CipherSuite,
    /// What Envoy can make of it.
    pub envoy: Use,
}

/// Sets each accepted suite beside what `config` offers and what its release could.
#[must_use]
pub fn compare(config: &ClientConfig, survey: &Survey) -> Vec<SuiteRow> {
    let offer = config.offer().ok();
    let envoy = |version: TlsVersion, suite: CipherSuite| {
        if offer.as_ref().is_some_and(|offer| offer.includes(version, suite)) {
            return Use::Offered;
        }
        match is_within_reach(config, version, suite) {
            true => Use::Configurable,
            false => Use::Never,
        }
    };
    survey
        .accepted()
        .map(|(version, suite)| SuiteRow { version, suite, envoy: envoy(version, suite) })
        .collect()
}

/// Whether some configuration of the release offers this suite under this version.
pub(super) fn is_within_reach(
    config: &ClientConfig,
    version: TlsVersion,
    suite: CipherSuite,
) -> bool {
    let tls13 = version == TlsVersion::TLS13 && matches!(suite.0, 0x1301..=0x1303);
    let legacy = (TlsVersion::TLS10..TlsVersion::TLS13).contains(&version)
        && suite.is_defined_for(version)
        && config.release.sendable_suites(config.build).contains(&suite);
    tls13 || legacy
}
