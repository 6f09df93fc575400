//! Signature schemes.

use std::fmt;

use serde::{Serialize, Serializer};

/// A signature scheme, as its code point.
///
/// Up to TLS 1.2 the same two bytes are a hash and a signature algorithm (RFC 5246 §7.4.1.4.1);
/// IANA registry 'TLS SignatureScheme'; RFC 8446 §4.2.3.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SignatureScheme(pub u16);

impl SignatureScheme {
    /// RSA PKCS #1 v1.5 with SHA-1.
    pub const RSA_PKCS1_SHA1: Self = Self(0x0201);
    /// ECDSA with SHA-1.
    pub const ECDSA_SHA1: Self = Self(0x0203);
    /// RSA PKCS #1 v1.5 with SHA-256.
    pub const RSA_PKCS1_SHA256: Self = Self(0x0401);
    /// ECDSA on P-256 with SHA-256.
    pub const ECDSA_SECP256R1_SHA256: Self = Self(0x0403);
    /// RSA PKCS #1 v1.5 with SHA-384.
    pub const RSA_PKCS1_SHA384: Self = Self(0x0501);
    /// ECDSA on P-384 with SHA-384.
    pub const ECDSA_SECP384R1_SHA384: Self = Self(0x0503);
    /// RSA PKCS #1 v1.5 with SHA-512.
    pub const RSA_PKCS1_SHA512: Self = Self(0x0601);
    /// ECDSA on P-521 with SHA-512.
    pub const ECDSA_SECP521R1_SHA512: Self = Self(0x0603);
    /// RSA-PSS with an ordinary RSA key and SHA-256.
    pub const RSA_PSS_RSAE_SHA256: Self = Self(0x0804);
    /// RSA-PSS with an ordinary RSA key and SHA-384.
    pub const RSA_PSS_RSAE_SHA384: Self = Self(0x0805);
    /// RSA-PSS with an ordinary RSA key and SHA-512.
    pub const RSA_PSS_RSAE_SHA512: Self = Self(0x0806);
    /// Ed25519.
    pub const ED25519: Self = Self(0x0807);
    /// Ed448.
    pub const ED448: Self = Self(0x0808);

    /// Every scheme that a survey offers: current ones first.
    #[rustfmt::skip]
    pub const SURVEYED: [Self; 23] = [
        Self::ECDSA_SECP256R1_SHA256, Self::RSA_PSS_RSAE_SHA256, Self::RSA_PKCS1_SHA256,
        Self::ECDSA_SECP384R1_SHA384, Self::RSA_PSS_RSAE_SHA384, Self::RSA_PKCS1_SHA384,
        Self::ECDSA_SECP521R1_SHA512, Self::RSA_PSS_RSAE_SHA512, Self::RSA_PKCS1_SHA512,
        Self::ED25519, Self::ED448, Self(0x0809), Self(0x080a), Self(0x080b),
        Self::RSA_PKCS1_SHA1, Self::ECDSA_SHA1, Self(0x0301), Self(0x0303), Self(0x0202),
        Self(0x0402), Self(0x0502), Self(0x0602), Self(0x0101),
    ];

    /// The registered name, or `None` for a number without one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

#[rustfmt::skip]
const NAMES: [(u16, &str); 30] = [
    (0x0101, "rsa_pkcs1_md5"), (0x0201, "rsa_pkcs1_sha1"), (0x0202, "dsa_sha1"),
    (0x0203, "ecdsa_sha1"), (0x0301, "rsa_pkcs1_sha224"), (0x0302, "dsa_sha224"),
    (0x0303, "ecdsa_sha224"), (0x0401, "rsa_pkcs1_sha256"), (0x0402, "dsa_sha256"),
    (0x0403, "ecdsa_secp256r1_sha256"), (0x0420, "rsa_pkcs1_sha256_legacy"),
    (0x0501, "rsa_pkcs1_sha384"), (0x0502, "dsa_sha384"), (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"), (0x0602, "dsa_sha512"), (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0804, "rsa_pss_rsae_sha256"), (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"), (0x0807, "ed25519"), (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"), (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"), (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"), (0x0904, "mldsa44"), (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("0x{:04x}", self.0)),
        }
    }
}

impl Serialize for SignatureScheme {
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
}
