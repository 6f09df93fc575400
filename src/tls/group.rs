//! Supported groups: elliptic curves, finite fields, post-quantum key encapsulation.

use std::fmt;

use serde::{Serialize, Serializer};

/// A group for key exchange, as its code point.
///
/// IANA registry 'TLS Supported Groups'; RFC 8446 §4.2.7.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Group(pub u16);

impl Group {
    /// NIST P-224.
    pub const SECP224R1: Self = Self(0x0015);
    /// NIST P-256.
    pub const SECP256R1: Self = Self(0x0017);
    /// NIST P-384.
    pub const SECP384R1: Self = Self(0x0018);
    /// NIST P-521.
    pub const SECP521R1: Self = Self(0x0019);
    /// Curve25519.
    pub const X25519: Self = Self(0x001d);
    /// Curve448.
    pub const X448: Self = Self(0x001e);
    /// ML-KEM-768 alone.
    pub const MLKEM768: Self = Self(0x0201);
    /// ML-KEM-1024 alone.
    pub const MLKEM1024: Self = Self(0x0202);
    /// P-256 with ML-KEM-768.
    pub const SECP256R1_MLKEM768: Self = Self(0x11eb);
    /// Curve25519 with ML-KEM-768.
    pub const X25519_MLKEM768: Self = Self(0x11ec);
    /// P-384 with ML-KEM-1024.
    pub const SECP384R1_MLKEM1024: Self = Self(0x11ed);
    /// The draft of Curve25519 with Kyber, withdrawn.
    pub const X25519_KYBER768_DRAFT00: Self = Self(0x6399);

    /// Every group that a survey asks for: those in use first, then the registry's order.
    #[rustfmt::skip]
    pub const SURVEYED: [Self; 36] = [
        Self::X25519, Self::SECP256R1, Self::SECP384R1, Self::SECP521R1, Self::X448,
        Self(0x0001), Self(0x0002), Self(0x0003), Self(0x0004), Self(0x0005), Self(0x0006),
        Self(0x0007), Self(0x0008), Self(0x0009), Self(0x000a), Self(0x000b), Self(0x000c),
        Self(0x000d), Self(0x000e), Self(0x000f), Self(0x0010), Self(0x0011), Self(0x0012),
        Self(0x0013), Self(0x0014), Self::SECP224R1, Self(0x0016), Self(0x001a), Self(0x001b),
        Self(0x001c), Self(0x001f), Self(0x0020), Self(0x0021), Self(0x0100), Self(0x0101),
        Self(0x0102),
    ];

    /// The registered name, or `None` for a number without one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }

    /// The group of an elliptic curve key by the dotted OID of its curve.
    ///
    /// RFC 5480 §2.1.1.1.
    #[must_use]
    pub fn from_curve_oid(oid: &str) -> Option<Self> {
        match oid {
            "1.3.132.0.33" => Some(Self::SECP224R1),
            "1.2.840.10045.3.1.7" => Some(Self::SECP256R1),
            "1.3.132.0.34" => Some(Self::SECP384R1),
            "1.3.132.0.35" => Some(Self::SECP521R1),
            "1.3.132.0.10" => Some(Self(0x0016)),
            _ => None,
        }
    }

    /// Whether the group is defined for TLS 1.3 only, since it is a key encapsulation.
    #[must_use]
    pub fn is_post_quantum(self) -> bool {
        matches!(self.0, 0x0200..=0x0202 | 0x11eb..=0x11ed | 0x6399 | 0x639a)
    }

    /// Whether the group is a finite field (RFC 7919).
    #[must_use]
    pub fn is_finite_field(self) -> bool {
        matches!(self.0, 0x0100..=0x01ff)
    }
}

#[rustfmt::skip]
const NAMES: [(u16, &str); 47] = [
    (0x0001, "sect163k1"), (0x0002, "sect163r1"), (0x0003, "sect163r2"), (0x0004, "sect193r1"),
    (0x0005, "sect193r2"), (0x0006, "sect233k1"), (0x0007, "sect233r1"), (0x0008, "sect239k1"),
    (0x0009, "sect283k1"), (0x000a, "sect283r1"), (0x000b, "sect409k1"), (0x000c, "sect409r1"),
    (0x000d, "sect571k1"), (0x000e, "sect571r1"), (0x000f, "secp160k1"), (0x0010, "secp160r1"),
    (0x0011, "secp160r2"), (0x0012, "secp192k1"), (0x0013, "secp192r1"), (0x0014, "secp224k1"),
    (0x0015, "secp224r1"), (0x0016, "secp256k1"), (0x0017, "secp256r1"), (0x0018, "secp384r1"),
    (0x0019, "secp521r1"), (0x001a, "brainpoolP256r1"), (0x001b, "brainpoolP384r1"),
    (0x001c, "brainpoolP512r1"), (0x001d, "x25519"), (0x001e, "x448"),
    (0x001f, "brainpoolP256r1tls13"), (0x0020, "brainpoolP384r1tls13"),
    (0x0021, "brainpoolP512r1tls13"), (0x0029, "curveSM2"), (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"), (0x0102, "ffdhe4096"), (0x0103, "ffdhe6144"), (0x0104, "ffdhe8192"),
    (0x0200, "MLKEM512"), (0x0201, "MLKEM768"), (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"), (0x11ec, "X25519MLKEM768"), (0x11ed, "SecP384r1MLKEM1024"),
    (0x6399, "X25519Kyber768Draft00"), (0x639a, "SecP256r1Kyber768Draft00"),
];

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("0x{:04x}", self.0)),
        }
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn surveyed_groups_are_named_and_unique() {
        let mut groups = Group::SURVEYED.to_vec();
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(groups.len(), Group::SURVEYED.len());
        assert!(groups.iter().all(|group| group.name().is_some()));
    }
}
