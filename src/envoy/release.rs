//! Releases and builds of Envoy.

use std::fmt;
use std::str::FromStr;

/// A minor release of Envoy, 1.12 to 1.40. Patch releases share their TLS behaviour.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Release {
    minor: u16,
}

/// How an Envoy was built.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Build {
    /// With the ordinary BoringSSL.
    #[default]
    Standard,
    /// With the validated BoringSSL: `--define boringssl=fips`, `BoringSSL-FIPS` in the version.
    Fips,
}

/// What Envoy does when the keyUsage of an RSA certificate forbids what TLS 1.2 does with the key:
/// digitalSignature for ECDHE, keyEncipherment for RSA key exchange.
///
/// At TLS 1.3, and for ECDSA certificates at any version, every release refuses. Measured with
/// Envoy 1.36 to 1.40.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyUsageRule {
    /// Accepted, unless the cluster sets `enforce_rsa_key_usage: true`.
    NotEnforced,
    /// Refused. On 1.38 `enforce_rsa_key_usage: false` still turns that off; 1.39 ignores it.
    Enforced,
}

/// A release that nothing is known about.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "Envoy release {given:?} is not known; known are {} to {}",
    Release::OLDEST,
    Release::NEWEST
)]
pub struct UnknownRelease {
    /// What was given.
    pub given: String,
}

impl Release {
    /// The newest release that was measured.
    pub const NEWEST: Self = Self { minor: 40 };
    /// The oldest release whose defaults are documented well enough.
    pub const OLDEST: Self = Self { minor: 12 };

    /// A release by its minor number, for comparing; the caller keeps to the known range.
    pub(super) const fn minor(minor: u16) -> Self {
        Self { minor }
    }

    pub(super) fn minor_number(self) -> u16 {
        self.minor
    }

    /// Every known release, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::OLDEST.minor..=Self::NEWEST.minor).map(Self::minor)
    }

    /// Whether this release was measured, rather than read about: 1.36 and later.
    #[must_use]
    pub fn is_measured(self) -> bool {
        self.minor >= 36
    }

    /// Whether the field `signature_algorithms` exists (release notes 1.26.0).
    #[must_use]
    pub fn has_signature_algorithms_field(self) -> bool {
        self.minor >= 26
    }

    /// What happens to RSA certificates whose keyUsage does not fit, at TLS 1.2.
    ///
    /// Measured with Envoy 1.36 to 1.40. The check came with 1.27 and was off until 1.38.
    #[must_use]
    pub fn key_usage_rule(self) -> KeyUsageRule {
        if self.minor >= 38 { KeyUsageRule::Enforced } else { KeyUsageRule::NotEnforced }
    }

    /// Whether HTTP clusters send ALPN without being told to (release notes 1.15.0).
    #[must_use]
    pub fn http_default_alpn(self) -> bool {
        self.minor >= 15
    }

    /// Whether a hello of 256 to 511 bytes is padded (measured: 1.36 to 1.38 do, 1.39 and 1.40
    /// do not).
    pub(super) fn pads_client_hello(self) -> bool {
        self.minor <= 38
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("1.{}", self.minor))
    }
}

impl FromStr for Release {
    type Err = UnknownRelease;

    /// Reads `1.30`, `1.30.4` or `v1.30`, also with a vendor's suffix (`1.30.4-patch2`).
    fn from_str(given: &str) -> Result<Self, UnknownRelease> {
        read(given).ok_or_else(|| UnknownRelease { given: given.to_owned() })
    }
}

fn read(given: &str) -> Option<Release> {
    let rest = given.strip_prefix('v').unwrap_or(given).strip_prefix("1.")?;
    let number = rest.split_once(['-', '+']).map_or(rest, |(number, _suffix)| number);
    let (minor, patch) =
        number.split_once('.').map_or((number, None), |(minor, patch)| (minor, Some(patch)));
    if !all_digits(minor) || !patch.is_none_or(all_digits) {
        return None;
    }
    let minor: u16 = minor.parse().ok()?;
    Release::all().find(|release| release.minor == minor)
}

/// Unlike [`str::parse`], takes no sign.
fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_spellings_that_people_and_products_use() {
        for given in ["1.30", "v1.30", "1.30.4", "v1.30.0", "1.30.4-patch2", "1.30.0-dev"] {
            assert_eq!(given.parse(), Ok(Release::minor(30)), "{given}");
        }
    }

    #[test]
    fn refuses_what_is_not_known_and_says_what_is() {
        for given in ["1.11", "1.41", "2.30", "1", "1.", "", "1.+30", "1.30.", "1.30.x", "latest"] {
            let error = given.parse::<Release>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Envoy release {given:?} is not known; known are 1.12 to 1.40")
            );
        }
    }

    #[test]
    fn releases_are_ordered_and_print_as_they_read() {
        assert_eq!(Release::all().count(), 29);
        assert!(Release::all().is_sorted());
        assert_eq!(Release::all().last(), Some(Release::NEWEST));
        for release in Release::all() {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
    }

    #[test]
    fn behaviour_changes_with_the_release() {
        assert!(!Release::minor(14).http_default_alpn());
        assert!(Release::minor(15).http_default_alpn());
        assert!(!Release::minor(25).has_signature_algorithms_field());
        assert!(Release::minor(26).has_signature_algorithms_field());
        assert_eq!(Release::minor(37).key_usage_rule(), KeyUsageRule::NotEnforced);
        assert_eq!(Release::minor(38).key_usage_rule(), KeyUsageRule::Enforced);
    }
}
