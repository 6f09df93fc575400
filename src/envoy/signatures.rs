//! `signature_algorithms`: the schemes that Envoy's BoringSSL has, and their names.

use super::Release;
use crate::tls::SignatureScheme;

/// What a client offers when nothing is configured (measured with Envoy 1.36 to 1.40).
pub(super) const DEFAULT_SCHEMES: [SignatureScheme; 9] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PKCS1_SHA1,
];

/// The schemes that are known by their registered name; the default ones first.
const NAMED: [SignatureScheme; 16] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SECP521R1_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_SHA1,
    RSA_PKCS1_SHA256_LEGACY,
    MLDSA44,
    MLDSA65,
    MLDSA87,
];

const RSA_PKCS1_SHA256_LEGACY: SignatureScheme = SignatureScheme(0x0420);
const MLDSA44: SignatureScheme = SignatureScheme(0x0904);
const MLDSA65: SignatureScheme = SignatureScheme(0x0905);
const MLDSA87: SignatureScheme = SignatureScheme(0x0906);

/// The schemes by key type and hash, OpenSSL's way.
#[rustfmt::skip]
const PAIRS: [(&str, &str, SignatureScheme); 11] = [
    ("RSA", "SHA1", SignatureScheme::RSA_PKCS1_SHA1),
    ("RSA", "SHA256", SignatureScheme::RSA_PKCS1_SHA256),
    ("RSA", "SHA384", SignatureScheme::RSA_PKCS1_SHA384),
    ("RSA", "SHA512", SignatureScheme::RSA_PKCS1_SHA512),
    ("ECDSA", "SHA1", SignatureScheme::ECDSA_SHA1),
    ("ECDSA", "SHA256", SignatureScheme::ECDSA_SECP256R1_SHA256),
    ("ECDSA", "SHA384", SignatureScheme::ECDSA_SECP384R1_SHA384),
    ("ECDSA", "SHA512", SignatureScheme::ECDSA_SECP521R1_SHA512),
    ("PSS", "SHA256", SignatureScheme::RSA_PSS_RSAE_SHA256),
    ("PSS", "SHA384", SignatureScheme::RSA_PSS_RSAE_SHA384),
    ("PSS", "SHA512", SignatureScheme::RSA_PSS_RSAE_SHA512),
];

impl Release {
    /// The scheme that `name` selects in `signature_algorithms`, by its registered name or as
    /// OpenSSL writes it (`ECDSA+SHA256`, `PSS+SHA256`), if this release has it; case matters.
    ///
    /// Nothing before 1.26, which has no such field. Measured with Envoy 1.36 to 1.40.
    #[must_use]
    pub fn signature_algorithm_named(self, name: &str) -> Option<SignatureScheme> {
        let Some((kind, hash)) = name.split_once('+') else {
            return self
                .signature_algorithms()
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, scheme)| scheme);
        };
        let kind = if kind == "RSA-PSS" { "PSS" } else { kind };
        PAIRS
            .iter()
            .filter(|_| self.has_signature_algorithms_field())
            .find(|pair| (pair.0, pair.1) == (kind, hash))
            .map(|pair| pair.2)
    }

    /// Every scheme that this release can be told to offer, with the name to write into
    /// `signature_algorithms`: the default ones first, in their order.
    #[must_use]
    pub fn signature_algorithms(self) -> Vec<(&'static str, SignatureScheme)> {
        if !self.has_signature_algorithms_field() {
            return Vec::new();
        }
        NAMED
            .iter()
            .filter(|scheme| {
                // Measured: 1.39.3 has ML-DSA, 1.38.3 does not.
                !matches!(**scheme, MLDSA44 | MLDSA65 | MLDSA87) || self >= Self::minor(39)
            })
            .filter_map(|scheme| Some((scheme.name()?, *scheme)))
            .collect()
    }

    /// Reads a `signature_algorithms` list as BoringSSL does: an empty entry is unknown, and the
    /// same scheme twice is refused (measured).
    pub(super) fn parse_signature_algorithms(self, list: &str) -> Option<Vec<SignatureScheme>> {
        let mut schemes = Vec::new();
        for name in list.split(':') {
            let scheme = self.signature_algorithm_named(name)?;
            if schemes.contains(&scheme) {
                return None;
            }
            schemes.push(scheme);
        }
        Some(schemes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_found_by_its_name() {
        for release in Release::all() {
            for (name, scheme) in release.signature_algorithms() {
                assert_eq!(release.signature_algorithm_named(name), Some(scheme), "{name}");
            }
        }
        assert_eq!(Release::NEWEST.signature_algorithms().len(), NAMED.len());
        assert_eq!(Release::minor(38).signature_algorithms().len(), NAMED.len() - 3);
    }

    #[test]
    fn the_field_came_with_1_26() {
        assert!(Release::minor(25).signature_algorithms().is_empty());
        assert_eq!(Release::minor(25).signature_algorithm_named("ed25519"), None);
        assert_eq!(Release::minor(25).signature_algorithm_named("RSA+SHA256"), None);
        assert!(Release::minor(26).signature_algorithm_named("ed25519").is_some());
    }

    #[test]
    fn the_default_schemes_come_first() {
        let names = Release::NEWEST.signature_algorithms();
        assert!(names.iter().map(|(_, scheme)| scheme).zip(&DEFAULT_SCHEMES).all(|(a, b)| a == b));
    }
}
