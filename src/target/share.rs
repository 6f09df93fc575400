//! Which target is which, and whose it is where several share the work.

use std::fmt;
use std::str::FromStr;

use openssl::sha::sha256;

use super::Target;

/// A target reduced to 128 bits that do not change from one release to the next: the first half
/// of the SHA-256 of `HOST:PORT` in lower case.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of a target. Equal for two ways to write the same: names in upper or lower
    /// case, with a dot at the end or without, a URL with its default port.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        let digest = sha256(target.to_string().to_ascii_lowercase().as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Self(u128::from_be_bytes(first))
    }
}

/// One of several parts of all targets. Each target is in exactly one, whatever other targets
/// there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shard {
    /// From 0.
    index: u32,
    count: u32,
}

/// Why there is no such part.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{0}' is no share: write K/N with K from 1 to N, for example 2/4")]
pub struct ShardError(String);

impl Shard {
    /// The part with this index, counted from 0, of `count` parts; `None` if there is none.
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// Whether a target belongs to this part: the first 64 bits of its fingerprint, modulo the
    /// number of parts, are the index.
    #[must_use]
    pub fn has(&self, Fingerprint(bits): Fingerprint) -> bool {
        (bits >> 64) % u128::from(self.count) == u128::from(self.index)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Reads `K/N`, with K from 1 to N.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.to_owned());
        let number = |part: &str| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|number| digits && *number > 0).ok_or_else(wrong)
        };
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        Self::new(number(index)? - 1, number(count)?).ok_or_else(wrong)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn ways_to_write_a_target_have_one_fingerprint() {
        let expected = Fingerprint::of(&target("example.com:443"));
        for text in ["Example.COM:443", "example.com.:443", "https://EXAMPLE.com/path"] {
            assert_eq!(Fingerprint::of(&target(text)), expected, "{text}");
        }
        for text in ["example.com:444", "example.org:443", "[::1]:443"] {
            assert_ne!(Fingerprint::of(&target(text)), expected, "{text}");
        }
    }

    /// `printf example.com:443 | sha256sum`; the work of a fleet must not move with a release.
    #[test]
    fn fingerprints_and_shards_never_change() {
        #[rustfmt::skip]
        let table = [
            ("example.com:443",    (0x2d92752e_69614799_ea8467c1_0d252c76, 3)),
            ("10.0.0.1:8443",      (0x2606921d_53710a28_2d16e2dd_df898d64, 3)),
            ("[2001:db8::1]:443",  (0x53143c1f_9d634931_41057087_c114c41a, 4)),
        ];
        for (text, (expected, in_seven)) in table {
            let fingerprint = Fingerprint::of(&target(text));
            assert_eq!(fingerprint, Fingerprint(expected), "{text}");
            let parts = (0..7).filter(|index| Shard::new(*index, 7).unwrap().has(fingerprint));
            assert_eq!(parts.collect::<Vec<_>>(), [in_seven], "{text}");
        }
    }

    #[test]
    fn parts_are_disjoint_whole_and_about_equal() {
        let fingerprints: Vec<_> = (0..4000)
            .map(|number| {
                Fingerprint::of(&target(&format!("10.0.{}.{}:443", number / 256, number % 256)))
            })
            .collect();
        for count in [1, 2, 3, 8, 10] {
            let sizes = (0..count).map(|index| {
                let shard = Shard::new(index, count).unwrap();
                fingerprints.iter().filter(|fingerprint| shard.has(**fingerprint)).count()
            });
            let sizes: Vec<_> = sizes.collect();
            assert_eq!(sizes.iter().sum::<usize>(), fingerprints.len());
            let fair = fingerprints.len() / count as usize;
            assert!(sizes.iter().all(|size| size.abs_diff(fair) < fair / 4), "{sizes:?}");
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("1/4".parse(), Ok(Shard { index: 0, count: 4 }));
        assert_eq!("4/4".parse::<Shard>().unwrap().to_string(), "4/4");
        for text in ["0/4", "5/4", "1/0", "1", "", "/", "+1/4", "1/4/2", "a/b", "1/99999999999"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
