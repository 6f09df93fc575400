//! Releases of Gloo Gateway, and the Envoy that each brings.

use std::fmt;
use std::str::FromStr;

use crate::envoy;

/// A minor release of Gloo Gateway, 1.14 to 1.22.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Release {
    minor: u16,
}

/// The minor releases with the Envoy minor that their images are built on: the tags' Makefile
/// (`ENVOY_GLOO_IMAGE`); 1.22 by its upgrade notes, which name 1.38 where the Makefile of the
/// last beta still had 1.36.
const ENVOYS: [(u16, &str); 9] = [
    (14, "1.25"),
    (15, "1.26"),
    (16, "1.27"),
    (17, "1.30"),
    (18, "1.31"),
    (19, "1.33"),
    (20, "1.35"),
    (21, "1.36"),
    (22, "1.38"),
];

/// A release that nothing is known about.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "Gloo release {given:?} is not known; known are {} to {}",
    Release::OLDEST,
    Release::NEWEST
)]
pub struct UnknownRelease {
    /// What was given.
    pub given: String,
}

impl Release {
    /// The oldest release whose rules are known.
    pub const OLDEST: Self = Self { minor: 14 };
    /// The newest release whose rules are known.
    pub const NEWEST: Self = Self { minor: 22 };
    /// The newest release that has left beta.
    pub const STABLE: Self = Self { minor: 21 };

    /// Every known release, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::OLDEST.minor..=Self::NEWEST.minor).map(|minor| Self { minor })
    }

    /// The Envoy that this release brings.
    #[must_use]
    pub fn envoy(self) -> envoy::Release {
        let known = ENVOYS.iter().find(|(minor, _)| *minor == self.minor);
        known.and_then(|(_, envoy)| envoy.parse().ok()).unwrap_or(envoy::Release::NEWEST)
    }

    /// Whether `useTls: false` of a static Upstream turns TLS off. Before 1.15 the field was a
    /// plain bool, and `false` was the same as nothing.
    #[must_use]
    pub fn use_tls_false_counts(self) -> bool {
        self.minor >= 15
    }

    /// What `oneWayTls: true` of an Upstream does.
    #[must_use]
    pub fn one_way_tls(self) -> OneWayTls {
        match self.minor {
            ..18 => OneWayTls::Unknown,
            18 | 19 => OneWayTls::DropsVerification,
            _ => OneWayTls::DropsClientCertificate,
        }
    }

    /// Whether a TLS Secret that is missing is only warned about by default, so that the cluster
    /// stays, without its TLS settings (Helm's `warnMissingTlsSecret`, since 1.18).
    #[must_use]
    pub fn warns_of_missing_secrets(self) -> bool {
        self.minor >= 18
    }
}

/// A release of Gloo with its Envoy, or an Envoy alone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Platform {
    /// The release of Gloo, where one was named.
    pub gloo: Option<Release>,
    /// The release of Envoy.
    pub envoy: envoy::Release,
}

impl fmt::Display for Platform {
    /// `Gloo 1.21 (Envoy 1.36)` or `Envoy 1.36`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gloo {
            Some(gloo) => write!(f, "Gloo {gloo} (Envoy {})", self.envoy),
            None => write!(f, "Envoy {}", self.envoy),
        }
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    /// Reads an Envoy release (`1.36`) or, with a prefix, one of Gloo (`gloo-1.21`).
    fn from_str(given: &str) -> Result<Self, UnknownPlatform> {
        if given.starts_with("gloo-") {
            let gloo: Release = given.parse()?;
            return Ok(Self { gloo: Some(gloo), envoy: gloo.envoy() });
        }
        Ok(Self { gloo: None, envoy: given.parse()? })
    }
}

/// A text that names neither a release of Envoy nor one of Gloo.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnknownPlatform {
    /// The prefix says Gloo.
    #[error(transparent)]
    Gloo(#[from] UnknownRelease),
    /// It should be an Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy::UnknownRelease),
}

/// What `oneWayTls: true` of an Upstream does: Gloo `projects/gloo/pkg/utils/ssl.go` at the tags.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OneWayTls {
    /// The field does not exist before 1.18.
    Unknown,
    /// 1.18 and 1.19: the server is not verified, and the client certificate is still sent.
    DropsVerification,
    /// Since 1.20: no client certificate is sent, and the server is verified.
    DropsClientCertificate,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("1.{}", self.minor))
    }
}

impl FromStr for Release {
    type Err = UnknownRelease;

    /// Reads `1.21`, `1.21.3` or `v1.21`, also after `gloo-`, and with a suffix (`1.22.0-beta11`).
    fn from_str(given: &str) -> Result<Self, UnknownRelease> {
        read(given).ok_or_else(|| UnknownRelease { given: given.to_owned() })
    }
}

fn read(given: &str) -> Option<Release> {
    let rest = given.strip_prefix("gloo-").unwrap_or(given);
    let rest = rest.strip_prefix('v').unwrap_or(rest).strip_prefix("1.")?;
    let number = rest.split_once(['-', '+']).map_or(rest, |(number, _suffix)| number);
    let (minor, patch) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(minor) || !digits(patch) {
        return None;
    }
    Release::all().find(|release| release.minor.to_string() == minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_brings_a_known_envoy() {
        let table = [("1.14", "1.25"), ("gloo-1.17", "1.30"), ("v1.21.4", "1.36")];
        for (gloo, envoy) in table {
            assert_eq!(gloo.parse::<Release>().unwrap().envoy().to_string(), envoy);
        }
        assert_eq!("gloo-1.22.0-beta11".parse(), Ok(Release::NEWEST));
        assert_eq!(ENVOYS.len(), Release::all().count());
        for (release, (_, envoy)) in Release::all().zip(ENVOYS) {
            assert_eq!(release.envoy().to_string(), envoy);
        }
    }

    #[test]
    fn platforms_are_envoys_unless_they_say_gloo() {
        let platform = |text: &str| text.parse::<Platform>().unwrap().to_string();
        assert_eq!(platform("1.16"), "Envoy 1.16");
        assert_eq!(platform("gloo-1.16.3"), "Gloo 1.16 (Envoy 1.27)");
        for text in ["gloo-1.2", "1.2", "gloo", ""] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in ["", "1.13", "1.23", "2.0", "1.+21", "gloo", "1.021", "1.21.x"] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_way_tls_changed_meaning_in_1_20() {
        let meaning = |text: &str| text.parse::<Release>().unwrap().one_way_tls();
        assert_eq!(meaning("1.17"), OneWayTls::Unknown);
        assert_eq!(meaning("1.19"), OneWayTls::DropsVerification);
        assert_eq!(meaning("1.20"), OneWayTls::DropsClientCertificate);
    }
}
