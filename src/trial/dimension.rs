//! What of a configuration can be changed, and to what at the most.

use std::collections::BTreeSet;
use std::fmt;

use crate::envoy::{ClientConfig, ConfigFault, Protocol};
use crate::tls::{Group, KeyExchange, TlsVersion};

/// One part of Envoy's configuration that a server may insist on changing.
///
/// In the order in which they are taken back: what one would least like to keep comes first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Dimension {
    /// `signature_algorithms`, which Gloo cannot set.
    SignatureAlgorithms,
    /// `tls_minimum_protocol_version`.
    MinimumVersion,
    /// `cipher_suites`.
    CipherSuites,
    /// The cluster's protocol, and with it ALPN.
    Alpn,
    /// `sni`.
    Sni,
    /// `ecdh_curves`.
    Curves,
    /// The post-quantum groups of `ecdh_curves`, whose keys make a TLS 1.3 hello larger than one
    /// TCP segment.
    HelloSize,
    /// `tls_maximum_protocol_version`.
    MaximumVersion,
}

impl Dimension {
    /// The field's name in Gloo's `sslConfig`, or in Envoy where Gloo has none.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::SignatureAlgorithms => "signature_algorithms",
            Self::MinimumVersion => "minimumProtocolVersion",
            Self::CipherSuites => "cipherSuites",
            Self::Alpn => "useHttp2",
            Self::Sni => "sni",
            Self::Curves | Self::HelloSize => "ecdhCurves",
            Self::MaximumVersion => "maximumProtocolVersion",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())
    }
}

/// A place to begin taking back from: which parts are changed, and to what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Widening {
    pub(super) dimensions: BTreeSet<Dimension>,
    pub(super) minimum: TlsVersion,
    pub(super) maximum: TlsVersion,
    pub(super) suites: SuiteChoice,
    /// The server name to send instead.
    pub(super) sni: Option<String>,
}

/// Which suites a widened configuration offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SuiteChoice {
    /// Those in force and all others.
    All,
    /// Only those of RSA key exchange, for certificates that allow nothing else.
    RsaKeyExchange,
    /// These and no others, in Envoy's spelling, for servers that fail on another one.
    Only(Vec<String>),
}

impl Widening {
    /// All that `config` can be changed to, without what `without` names.
    pub(super) fn most(maximum: TlsVersion, without: &[Dimension]) -> Self {
        use Dimension::{
            Alpn, CipherSuites, Curves, MaximumVersion, MinimumVersion, SignatureAlgorithms,
        };
        let all = [SignatureAlgorithms, MinimumVersion, CipherSuites, Alpn, Curves, MaximumVersion];
        let dimensions = all.into_iter().filter(|part| !without.contains(part)).collect();
        let minimum = TlsVersion::TLS10;
        Self { dimensions, minimum, maximum, suites: SuiteChoice::All, sni: None }
    }

    fn part(part: Dimension, maximum: TlsVersion) -> Self {
        Self { dimensions: BTreeSet::from([part]), ..Self::most(maximum, &[]) }
    }

    /// Nothing but a smaller hello.
    pub(super) fn small_hello(maximum: TlsVersion) -> Self {
        Self::part(Dimension::HelloSize, maximum)
    }

    /// Nothing but another list of suites.
    pub(super) fn suites_alone() -> Self {
        Self::part(Dimension::CipherSuites, TlsVersion::TLS12)
    }

    /// No version but TLS 1.3, and so none of the suites below it.
    pub(super) fn tls13_alone() -> Self {
        let dimensions = BTreeSet::from([Dimension::MinimumVersion, Dimension::MaximumVersion]);
        let minimum = TlsVersion::TLS13;
        Self { dimensions, minimum, ..Self::most(TlsVersion::TLS13, &[]) }
    }

    /// Whether this part leaves out suites that the server fails on, which it may do only after a
    /// hello that gets through.
    pub(super) fn leaves_out_by(&self, part: Dimension) -> bool {
        match part {
            Dimension::CipherSuites => matches!(self.suites, SuiteChoice::Only(_)),
            Dimension::MinimumVersion => self.minimum == TlsVersion::TLS13,
            _ => false,
        }
    }

    pub(super) fn has_small_hello(&self) -> bool {
        self.dimensions.contains(&Dimension::HelloSize)
    }

    /// The same without post-quantum groups.
    pub(super) fn with_small_hello(mut self) -> Self {
        self.dimensions.insert(Dimension::HelloSize);
        self
    }

    pub(super) fn with_sni(mut self, sni: Option<String>) -> Self {
        self.dimensions.insert(Dimension::Sni);
        self.sni = sni;
        self
    }

    /// The configuration with these parts changed.
    pub(super) fn apply(&self, config: &ClientConfig) -> ClientConfig {
        let mut wide = config.clone();
        for dimension in &self.dimensions {
            self.change(*dimension, &mut wide);
        }
        wide
    }

    fn change(&self, dimension: Dimension, config: &mut ClientConfig) {
        let (release, build) = (config.release, config.build);
        match dimension {
            Dimension::SignatureAlgorithms => {
                let all = release.signature_algorithms().into_iter().map(|(name, _)| name);
                config.signature_algorithms = all.map(str::to_owned).collect();
            }
            Dimension::MinimumVersion => config.minimum_protocol_version = Some(self.minimum),
            Dimension::MaximumVersion => config.maximum_protocol_version = Some(self.maximum),
            Dimension::CipherSuites => config.cipher_suites = self.suite_names(config),
            Dimension::Curves => {
                let mut curves = usable_curves(config);
                let known: Vec<_> =
                    curves.iter().filter_map(|name| release.curve_named(name)).collect();
                let added = release.curves(build).into_iter();
                let added = added.filter(|(_, group)| !known.contains(group));
                curves.extend(added.map(|(name, _)| name.to_owned()));
                config.ecdh_curves = curves;
            }
            Dimension::HelloSize => config.ecdh_curves = classical_curves(config),
            Dimension::Alpn => {
                config.protocol = Protocol::Auto;
                config.alpn_protocols.clear();
            }
            Dimension::Sni => config.sni.clone_from(&self.sni),
        }
    }

    fn suite_names(&self, config: &ClientConfig) -> Vec<String> {
        let release = config.release;
        let sendable = release.sendable_suites(config.build).into_iter();
        match &self.suites {
            SuiteChoice::Only(names) => names.clone(),
            SuiteChoice::All => {
                let mut names = usable_suites(config);
                names.extend(
                    sendable.filter_map(|suite| release.suite_name(suite)).map(str::to_owned),
                );
                names
            }
            SuiteChoice::RsaKeyExchange => sendable
                .filter(|suite| suite.key_exchange() == KeyExchange::Rsa)
                .filter_map(|suite| release.suite_name(suite))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// The list in force, or the release's default where Envoy does not take that list.
pub(super) fn usable_suites(config: &ClientConfig) -> Vec<String> {
    match config.offer() {
        Err(ConfigFault::CipherSuites { .. }) => {
            ClientConfig { cipher_suites: Vec::new(), ..config.clone() }.cipher_suites_in_force()
        }
        _ => config.cipher_suites_in_force(),
    }
}

/// The list in force, or the release's default where Envoy does not take that list.
pub(super) fn usable_curves(config: &ClientConfig) -> Vec<String> {
    match config.offer() {
        Err(ConfigFault::EcdhCurves { .. }) => {
            ClientConfig { ecdh_curves: Vec::new(), ..config.clone() }.ecdh_curves_in_force()
        }
        _ => config.ecdh_curves_in_force(),
    }
}

/// The list in force without post-quantum groups; where nothing is left, the classical groups of
/// the release's default.
pub(super) fn classical_curves(config: &ClientConfig) -> Vec<String> {
    let classical = |mut curves: Vec<String>| {
        curves.retain(|name| !is_post_quantum(config, name));
        curves
    };
    let own = classical(usable_curves(config));
    if own.is_empty() {
        return classical(
            ClientConfig { ecdh_curves: Vec::new(), ..config.clone() }.ecdh_curves_in_force(),
        );
    }
    own
}

/// Whether the configuration has a group whose key makes a TLS 1.3 hello large.
pub(super) fn has_post_quantum(config: &ClientConfig) -> bool {
    usable_curves(config).iter().any(|name| is_post_quantum(config, name))
}

/// Whether the hello of this very configuration is large.
pub(super) fn sends_post_quantum(config: &ClientConfig) -> bool {
    has_post_quantum(config) && config.offer().is_ok_and(|offer| offer.maximum == TlsVersion::TLS13)
}

fn is_post_quantum(config: &ClientConfig, name: &str) -> bool {
    config.release.curve_named(name).is_some_and(Group::is_post_quantum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, Release};

    fn config(release: &str, curves: &[&str]) -> ClientConfig {
        ClientConfig {
            ecdh_curves: curves.iter().map(|name| (*name).to_owned()).collect(),
            maximum_protocol_version: Some(TlsVersion::TLS13),
            ..ClientConfig::new(release.parse::<Release>().unwrap(), Build::Standard)
        }
    }

    #[test]
    fn a_small_hello_keeps_the_classical_groups_in_order() {
        #[rustfmt::skip]
        let table: [(&str, &[&str], &[&str]); 4] = [
            ("1.40", &[],                                  &["X25519", "P-256"]),
            ("1.40", &["P-384", "X25519MLKEM768", "P-256"], &["P-384", "P-256"]),
            ("1.40", &["X25519MLKEM768"],                  &["X25519", "P-256"]),
            ("1.39", &[],                                  &["X25519", "P-256"]),
        ];
        for (release, curves, expected) in table {
            assert_eq!(
                classical_curves(&config(release, curves)),
                expected,
                "{release} {curves:?}"
            );
        }
        assert!(has_post_quantum(&config("1.40", &[])));
        assert!(!has_post_quantum(&config("1.39", &[])));
    }

    #[test]
    fn a_small_hello_fits_one_segment_and_a_large_one_does_not() {
        let own = config("1.40", &[]);
        let bytes = |config: &ClientConfig| {
            config.client_hello(&mut rand::rng()).unwrap().encode().unwrap().len()
        };
        let most = Widening::most(TlsVersion::TLS13, &[Dimension::SignatureAlgorithms]);
        assert!(bytes(&own) > 1400);
        assert!(bytes(&most.apply(&own)) > 1400);
        assert!(bytes(&most.with_small_hello().apply(&own)) < 512);
    }
}
