//! What a cluster sets, and how that becomes an offer.

use super::cipher_list;
use super::fault::ConfigFault;
use super::signatures::DEFAULT_SCHEMES;
use super::suites::{BoringSuite, TLS13_SUITES};
use super::{Build, Offer, Release};
use crate::tls::{Group, SignatureScheme, TlsVersion};

/// The longest name and the longest ALPN protocol that Envoy takes.
const NAME_LIMIT: usize = 255;
/// The longest joined ALPN list that Envoy loads (measured with Envoy 1.40: 65534, not 65535).
const ALPN_LIMIT: usize = 65_534;

/// The protocol that a cluster speaks upstream, which decides its default ALPN.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protocol {
    /// HTTP/1, also when a cluster says nothing.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/1 or HTTP/2 as negotiated by ALPN (`auto_config`).
    Auto,
    /// Behind a TCP proxy.
    Tcp,
}

/// The TLS settings of one cluster (`UpstreamTlsContext`), in Envoy's spelling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// The release that reads the settings.
    pub release: Release,
    /// The build of that release.
    pub build: Build,
    /// `tls_minimum_protocol_version`.
    pub minimum_protocol_version: Option<TlsVersion>,
    /// `tls_maximum_protocol_version`.
    pub maximum_protocol_version: Option<TlsVersion>,
    /// `cipher_suites`; empty for the release's default.
    pub cipher_suites: Vec<String>,
    /// `ecdh_curves`; empty for the release's default.
    pub ecdh_curves: Vec<String>,
    /// `signature_algorithms`; empty for BoringSSL's default.
    pub signature_algorithms: Vec<String>,
    /// `sni`; an empty one is not sent.
    pub sni: Option<String>,
    /// `alpn_protocols`; empty for the protocol's default.
    pub alpn_protocols: Vec<String>,
    /// What the cluster speaks.
    pub protocol: Protocol,
}

impl ClientConfig {
    /// A cluster that sets nothing: the release's defaults, no server name, HTTP/1.
    #[must_use]
    pub fn new(release: Release, build: Build) -> Self {
        Self {
            release,
            build,
            minimum_protocol_version: None,
            maximum_protocol_version: None,
            cipher_suites: Vec::new(),
            ecdh_curves: Vec::new(),
            signature_algorithms: Vec::new(),
            sni: None,
            alpn_protocols: Vec::new(),
            protocol: Protocol::default(),
        }
    }

    /// `cipher_suites` as configured, or else the release's default.
    #[must_use]
    pub fn cipher_suites_in_force(&self) -> Vec<String> {
        in_force(&self.cipher_suites, self.release.defaults(self.build).cipher_suites)
    }

    /// `ecdh_curves` as configured, or else the release's default.
    #[must_use]
    pub fn ecdh_curves_in_force(&self) -> Vec<String> {
        in_force(&self.ecdh_curves, self.release.defaults(self.build).ecdh_curves)
    }

    /// `signature_algorithms` as configured, or else BoringSSL's default.
    #[must_use]
    pub fn signature_algorithms_in_force(&self) -> Vec<String> {
        let defaults: Vec<_> = DEFAULT_SCHEMES.iter().filter_map(|scheme| scheme.name()).collect();
        in_force(&self.signature_algorithms, &defaults)
    }

    /// What the configuration offers, after defaults and grammar.
    ///
    /// # Errors
    ///
    /// The fault that Envoy finds first, in its order: what it refuses at load before what fails
    /// every connection.
    pub fn offer(&self) -> Result<Offer, ConfigFault> {
        let sni = self.server_name()?;
        let alpn = self.alpn()?;
        let suites = self.suites()?;
        let groups = self.groups()?;
        let signature_schemes = self.signature_schemes()?;
        let (minimum, maximum) = self.versions()?;
        let offer = Offer {
            minimum,
            maximum,
            cipher_suites: suites
                .into_iter()
                .filter(|suite| suite.is_sendable())
                .filter(|suite| suite.minimum() <= maximum && minimum <= TlsVersion::TLS12)
                .map(|suite| suite.suite)
                .collect(),
            tls13_cipher_suites: match maximum {
                TlsVersion::TLS13 => TLS13_SUITES.to_vec(),
                _ => Vec::new(),
            },
            groups: groups
                .into_iter()
                .filter(|group| maximum == TlsVersion::TLS13 || !group.is_post_quantum())
                .collect(),
            signature_schemes: match maximum {
                TlsVersion::TLS10 | TlsVersion::TLS11 => Vec::new(),
                _ => signature_schemes,
            },
            sni,
            alpn,
        };
        if offer.cipher_suites.is_empty() && offer.tls13_cipher_suites.is_empty() {
            let list = self.cipher_suites_in_force().join(":");
            return Err(ConfigFault::NoCiphersAvailable { list, minimum, maximum });
        }
        Ok(offer)
    }

    fn server_name(&self) -> Result<Option<String>, ConfigFault> {
        match self.sni.as_deref() {
            None | Some("") => Ok(None),
            Some(name) if name.len() > NAME_LIMIT => {
                Err(ConfigFault::ServerNameTooLong { length: name.len() })
            }
            Some(name) => Ok(Some(name.to_owned())),
        }
    }

    /// Envoy joins the protocols with commas and splits the result again, so that `a,b` is two.
    fn alpn(&self) -> Result<Vec<Vec<u8>>, ConfigFault> {
        let list = self.alpn_protocols.join(",");
        if list.is_empty() {
            let protocols = self.protocol.default_alpn(self.release);
            return Ok(protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect());
        }
        let protocols: Vec<_> =
            list.split(',').map(|protocol| protocol.as_bytes().to_vec()).collect();
        if list.len() > ALPN_LIMIT || protocols.iter().any(|protocol| protocol.len() > NAME_LIMIT) {
            return Err(ConfigFault::AlpnTooLong { list });
        }
        if protocols.iter().any(Vec::is_empty) {
            return Err(ConfigFault::AlpnEmptyEntry { list });
        }
        Ok(protocols)
    }

    fn suites(&self) -> Result<Vec<&'static BoringSuite>, ConfigFault> {
        let list = self.cipher_suites_in_force().join(":");
        cipher_list::parse(self.release, &list).ok_or_else(|| {
            let rejected = cipher_list::rejected_alone(self.release, &list);
            ConfigFault::CipherSuites { list, rejected }
        })
    }

    fn groups(&self) -> Result<Vec<Group>, ConfigFault> {
        let list = self.ecdh_curves_in_force().join(":");
        self.release.parse_curves(&list).ok_or_else(|| {
            let rejected = unknown(&list, |name| self.release.curve_named(name).is_none());
            ConfigFault::EcdhCurves { list, rejected }
        })
    }

    fn signature_schemes(&self) -> Result<Vec<SignatureScheme>, ConfigFault> {
        let list = self.signature_algorithms.join(":");
        if list.is_empty() {
            return Ok(DEFAULT_SCHEMES.to_vec());
        }
        if !self.release.has_signature_algorithms_field() {
            return Err(ConfigFault::UnknownField { field: "signature_algorithms" });
        }
        self.release.parse_signature_algorithms(&list).ok_or_else(|| {
            let rejected =
                unknown(&list, |name| self.release.signature_algorithm_named(name).is_none());
            ConfigFault::SignatureAlgorithms { list, rejected }
        })
    }

    /// The bounds in force. One that is not set is the default, not the other one's neighbour:
    /// a minimum of TLS 1.3 alone contradicts the default maximum of TLS 1.2.
    fn versions(&self) -> Result<(TlsVersion, TlsVersion), ConfigFault> {
        let defaults = self.release.defaults(self.build);
        let minimum = self.minimum_protocol_version.unwrap_or(defaults.minimum);
        let maximum = self.maximum_protocol_version.unwrap_or(defaults.maximum);
        let known = TlsVersion::TLS10..=TlsVersion::TLS13;
        if minimum > maximum || !known.contains(&minimum) || !known.contains(&maximum) {
            return Err(ConfigFault::NoSupportedVersions { minimum, maximum });
        }
        Ok((minimum, maximum))
    }
}

/// A list that joins to nothing, such as one empty string, counts as not set.
fn in_force(configured: &[String], default: &[&str]) -> Vec<String> {
    match configured {
        [] => default.iter().map(|&entry| entry.to_owned()).collect(),
        [only] if only.is_empty() => default.iter().map(|&entry| entry.to_owned()).collect(),
        _ => configured.to_vec(),
    }
}

fn unknown(list: &str, is_unknown: impl Fn(&str) -> bool) -> Vec<String> {
    list.split(':').filter(|name| is_unknown(name)).map(str::to_owned).collect()
}

impl Protocol {
    /// What a cluster of this kind sends as ALPN when it sets no `alpn_protocols`.
    ///
    /// Measured with Envoy 1.36 to 1.40; nothing before 1.15 (release notes 1.15.0).
    #[must_use]
    pub fn default_alpn(self, release: Release) -> &'static [&'static str] {
        match self {
            _ if !release.http_default_alpn() => &[],
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2"],
            Self::Auto => &["h2", "http/1.1"],
            Self::Tcp => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(minor: u16) -> ClientConfig {
        ClientConfig::new(Release::minor(minor), Build::Standard)
    }

    fn numbers(config: &ClientConfig) -> Vec<u16> {
        config.offer().unwrap().cipher_suites.iter().map(|suite| suite.0).collect()
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&entry| entry.to_owned()).collect()
    }

    #[test]
    fn the_default_suites_shrank_from_fourteen_to_six_with_1_17() {
        let fourteen = [
            0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc009, 0xc013, 0x009c, 0x002f, 0xc02c, 0xc030, 0xc00a,
            0xc014, 0x009d, 0x0035,
        ];
        assert_eq!(numbers(&cluster(12)), fourteen);
        assert_eq!(numbers(&cluster(16)), fourteen);
        let six = [0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc02c, 0xc030];
        assert_eq!(numbers(&cluster(17)), six);
        assert_eq!(numbers(&cluster(40)), six);
    }

    #[test]
    fn fips_builds_have_neither_chacha20_nor_x25519_by_default() {
        let fips = |minor| ClientConfig::new(Release::minor(minor), Build::Fips);
        assert_eq!(numbers(&fips(40)), [0xc02b, 0xc02f, 0xc02c, 0xc030]);
        assert_eq!(numbers(&fips(16)).len(), 12);
        let mut config = fips(40);
        config.maximum_protocol_version = Some(TlsVersion::TLS13);
        assert_eq!(config.offer().unwrap().groups, [Group::SECP256R1]);
    }

    #[test]
    fn defaults_stop_at_tls_1_2() {
        for release in Release::all() {
            let offer = ClientConfig::new(release, Build::Standard).offer().unwrap();
            assert_eq!(offer.maximum, TlsVersion::TLS12, "{release}");
            assert!(offer.tls13_cipher_suites.is_empty(), "{release}");
            assert!(offer.groups.iter().all(|group| !group.is_post_quantum()), "{release}");
        }
        let newest_first = [TlsVersion::TLS12, TlsVersion::TLS11, TlsVersion::TLS10];
        assert_eq!(cluster(12).offer().unwrap().versions(), newest_first);
        assert_eq!(cluster(13).offer().unwrap().versions(), [TlsVersion::TLS12]);
    }

    #[test]
    fn bounds_that_exclude_each_other_fail_every_connection() {
        use TlsVersion as V;
        // (release, minimum, maximum, in force)
        let table = [
            (40, Some(V::TLS13), None, (V::TLS13, V::TLS12)),
            (40, None, Some(V::TLS11), (V::TLS12, V::TLS11)),
            (40, Some(V::TLS12), Some(V::TLS10), (V::TLS12, V::TLS10)),
            (12, Some(V::TLS13), None, (V::TLS13, V::TLS12)),
            (40, Some(V::SSL3), None, (V::SSL3, V::TLS12)),
        ];
        for (minor, lower, upper, (minimum, maximum)) in table {
            let mut config = cluster(minor);
            config.minimum_protocol_version = lower;
            config.maximum_protocol_version = upper;
            let fault = config.offer().unwrap_err();
            assert!(!fault.is_refused_at_load());
            assert_eq!(fault, ConfigFault::NoSupportedVersions { minimum, maximum });
        }
    }

    #[test]
    fn what_envoy_refuses_at_load_comes_before_what_fails_later() {
        let mut config = cluster(40);
        config.minimum_protocol_version = Some(TlsVersion::TLS13);
        config.cipher_suites = strings(&["FOO"]);
        let list = "FOO".to_owned();
        let rejected = strings(&["FOO"]);
        assert_eq!(config.offer(), Err(ConfigFault::CipherSuites { list, rejected }));
    }

    #[test]
    fn lists_in_force_are_the_configured_ones_or_the_defaults() {
        let mut config = cluster(40);
        assert_eq!(config.ecdh_curves_in_force(), ["X25519MLKEM768", "X25519", "P-256"]);
        assert_eq!(config.cipher_suites_in_force().len(), 4);
        assert_eq!(config.signature_algorithms_in_force().len(), 9);
        config.cipher_suites = strings(&[""]);
        assert_eq!(config.cipher_suites_in_force().len(), 4);
        config.cipher_suites = strings(&["AES128-SHA", ""]);
        assert_eq!(config.cipher_suites_in_force(), ["AES128-SHA", ""]);
    }

    #[test]
    fn writing_the_default_lists_out_changes_nothing() {
        for release in Release::all() {
            for build in [Build::Standard, Build::Fips] {
                let default = ClientConfig::new(release, build);
                let mut written = default.clone();
                written.cipher_suites = default.cipher_suites_in_force();
                written.ecdh_curves = default.ecdh_curves_in_force();
                if release.has_signature_algorithms_field() {
                    written.signature_algorithms = default.signature_algorithms_in_force();
                }
                assert_eq!(written.offer(), default.offer(), "{release} {build:?}");
            }
        }
    }

    #[test]
    fn server_names_have_a_limit_and_may_be_empty() {
        let mut config = cluster(40);
        config.sni = Some(String::new());
        assert_eq!(config.offer().unwrap().sni, None);
        config.sni = Some("x".repeat(255));
        assert_eq!(config.offer().unwrap().sni, config.sni);
        config.sni = Some("x".repeat(256));
        assert_eq!(config.offer(), Err(ConfigFault::ServerNameTooLong { length: 256 }));
    }

    #[test]
    fn alpn_is_joined_and_split_at_commas() {
        let offer = |list: &[&str]| {
            let mut config = cluster(40);
            config.alpn_protocols = strings(list);
            config.offer().map(|offer| offer.alpn)
        };
        assert_eq!(offer(&["h2", "a,b"]), Ok(vec![b"h2".to_vec(), b"a".to_vec(), b"b".to_vec()]));
        assert_eq!(offer(&[""]), Ok(vec![b"http/1.1".to_vec()]));
        assert!(matches!(offer(&["a", ""]), Err(ConfigFault::AlpnEmptyEntry { .. })));
        assert!(matches!(offer(&[&"x".repeat(256)]), Err(ConfigFault::AlpnTooLong { .. })));
        assert!(cluster(14).offer().unwrap().alpn.is_empty());
    }

    #[test]
    fn signature_algorithms_need_1_26() {
        let mut config = cluster(25);
        config.signature_algorithms = strings(&["ed25519"]);
        assert!(matches!(config.offer(), Err(ConfigFault::UnknownField { .. })));
        config.release = Release::minor(26);
        assert_eq!(config.offer().unwrap().signature_schemes, [SignatureScheme::ED25519]);
    }

    #[test]
    fn the_strongest_offer_of_every_release_has_all_it_can_send() {
        for release in Release::all() {
            for build in [Build::Standard, Build::Fips] {
                let mut config = ClientConfig::new(release, build);
                config.minimum_protocol_version = Some(TlsVersion::TLS10);
                config.maximum_protocol_version = Some(TlsVersion::TLS13);
                let suites = release.sendable_suites(build);
                let names: Vec<_> = suites.iter().filter_map(|s| release.suite_name(*s)).collect();
                config.cipher_suites = strings(&names);
                let curves: Vec<_> = release.curves(build).iter().map(|(name, _)| *name).collect();
                config.ecdh_curves = strings(&curves);
                let offer = config.offer().unwrap();
                assert_eq!(offer.cipher_suites, suites, "{release}");
                assert_eq!(offer.groups.len(), curves.len(), "{release}");
                assert!(config.client_hello(&mut rand::rng()).is_ok(), "{release}");
            }
        }
    }
}
