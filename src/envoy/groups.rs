//! `ecdh_curves`: the groups that Envoy's BoringSSL has, and their names.

use super::{Build, Release};
use crate::tls::Group;

/// A group with its names and the releases that have it, `since..=until`.
struct BoringGroup {
    group: Group,
    name: &'static str,
    alias: Option<&'static str>,
    since: u16,
    until: u16,
    approved: bool,
}

/// The groups in the order in which they are worth adding.
///
/// 1.36 to 1.40 are measured. Before that: the five curves have been there all along;
/// X25519MLKEM768 works on 1.33.2 (Envoy's issue 33941); the Kyber draft came to BoringSSL in
/// May 2023, before 1.28. A draft of the experiment CECPQ2 in releases up to 1.26 is left out.
#[rustfmt::skip]
static GROUPS: [BoringGroup; 8] = [
    BoringGroup { group: Group::X25519,    name: "X25519", alias: Some("x25519"),     since: 12, until: 40, approved: false },
    BoringGroup { group: Group::SECP256R1, name: "P-256",  alias: Some("prime256v1"), since: 12, until: 40, approved: true },
    BoringGroup { group: Group::SECP384R1, name: "P-384",  alias: Some("secp384r1"),  since: 12, until: 40, approved: true },
    BoringGroup { group: Group::SECP521R1, name: "P-521",  alias: Some("secp521r1"),  since: 12, until: 40, approved: true },
    BoringGroup { group: Group::X25519_MLKEM768, name: "X25519MLKEM768", alias: None, since: 33, until: 40, approved: false },
    BoringGroup { group: Group::MLKEM1024, name: "MLKEM1024", alias: None,            since: 38, until: 40, approved: false },
    BoringGroup { group: Group::SECP224R1, name: "P-224",  alias: Some("secp224r1"),  since: 12, until: 37, approved: false },
    BoringGroup { group: Group::X25519_KYBER768_DRAFT00, name: "X25519Kyber768Draft00", alias: None, since: 28, until: 38, approved: false },
];

impl BoringGroup {
    fn is_in(&self, release: Release) -> bool {
        (self.since..=self.until).contains(&release.minor_number())
    }
}

impl Release {
    /// The group that `name` selects in `ecdh_curves`, if this release's BoringSSL has it; case
    /// matters.
    #[must_use]
    pub fn curve_named(self, name: &str) -> Option<Group> {
        GROUPS
            .iter()
            .filter(|entry| entry.is_in(self))
            .find(|entry| entry.name == name || entry.alias == Some(name))
            .map(|entry| entry.group)
    }

    /// Every group that this release can be told to offer, with the name to write into
    /// `ecdh_curves`: those in use first, outdated ones last.
    ///
    /// A FIPS build loads the same names; for it only the approved curves are given.
    #[must_use]
    pub fn curves(self, build: Build) -> Vec<(&'static str, Group)> {
        GROUPS
            .iter()
            .filter(|entry| entry.is_in(self) && (build == Build::Standard || entry.approved))
            .map(|entry| (entry.name, entry.group))
            .collect()
    }

    /// Reads an `ecdh_curves` list as BoringSSL does, without saying which entry it dislikes.
    ///
    /// An empty entry is unknown; the same group twice is refused since 1.38 (measured).
    pub(super) fn parse_curves(self, list: &str) -> Option<Vec<Group>> {
        let mut groups = Vec::new();
        for name in list.split(':') {
            let group = self.curve_named(name)?;
            if groups.contains(&group) && self >= Self::minor(38) {
                return None;
            }
            groups.push(group);
        }
        Some(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_those_of_the_release_and_build() {
        let names = |minor, build| -> Vec<_> {
            Release::minor(minor).curves(build).into_iter().map(|(name, _)| name).collect()
        };
        let classical = ["X25519", "P-256", "P-384", "P-521"];
        assert_eq!(names(12, Build::Standard), [&classical[..], &["P-224"]].concat());
        assert_eq!(
            names(36, Build::Standard),
            [&classical[..], &["X25519MLKEM768", "P-224", "X25519Kyber768Draft00"]].concat()
        );
        assert_eq!(
            names(40, Build::Standard),
            [&classical[..], &["X25519MLKEM768", "MLKEM1024"]].concat()
        );
        assert_eq!(names(40, Build::Fips), ["P-256", "P-384", "P-521"]);
    }

    #[test]
    fn every_curve_is_found_by_its_name() {
        for release in Release::all() {
            for (name, group) in release.curves(Build::Standard) {
                assert_eq!(release.curve_named(name), Some(group), "{release} {name}");
            }
        }
    }
}
