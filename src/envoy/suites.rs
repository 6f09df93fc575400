//! The cipher suites that Envoy's BoringSSL has, and their names.

use super::{Build, Release};
use crate::tls::{CipherSuite, TlsVersion};

/// A suite of TLS 1.2 or older as BoringSSL holds it.
///
/// The table is data of BoringSSL, not of the linked OpenSSL, so that what is said about Envoy
/// does not depend on how this program was built.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct BoringSuite {
    pub(super) suite: CipherSuite,
    /// The OpenSSL-style name; the registered name is accepted as well.
    pub(super) name: &'static str,
    pub(super) key_exchange: KeyExchange,
    pub(super) authentication: Authentication,
    pub(super) cipher: Cipher,
    /// Whether the MAC is HMAC-SHA1.
    pub(super) sha1: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyExchange {
    Ecdhe,
    Psk,
    Rsa,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Authentication {
    Ecdsa,
    Psk,
    Rsa,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cipher {
    Aes128,
    Aes128Gcm,
    Aes256,
    Aes256Gcm,
    ChaCha20,
    TripleDes,
}

const fn entry(
    number: u16,
    name: &'static str,
    key_exchange: KeyExchange,
    authentication: Authentication,
    cipher: Cipher,
    sha1: bool,
) -> BoringSuite {
    BoringSuite { suite: CipherSuite(number), name, key_exchange, authentication, cipher, sha1 }
}

use Authentication as Au;
use Cipher as C;
use KeyExchange as Kx;

/// Every suite of BoringSSL below TLS 1.3, in its order of preference with AES instructions.
///
/// BoringSSL `ssl/ssl_cipher.cc`; order and names measured with Envoy 1.36 to 1.40.
#[rustfmt::skip]
static SUITES: [BoringSuite; 22] = [
    entry(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", Kx::Ecdhe, Au::Ecdsa, C::Aes128Gcm, false),
    entry(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256",   Kx::Ecdhe, Au::Rsa,   C::Aes128Gcm, false),
    entry(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", Kx::Ecdhe, Au::Ecdsa, C::Aes256Gcm, false),
    entry(0xc030, "ECDHE-RSA-AES256-GCM-SHA384",   Kx::Ecdhe, Au::Rsa,   C::Aes256Gcm, false),
    entry(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", Kx::Ecdhe, Au::Ecdsa, C::ChaCha20,  false),
    entry(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305",   Kx::Ecdhe, Au::Rsa,   C::ChaCha20,  false),
    entry(0xccac, "ECDHE-PSK-CHACHA20-POLY1305",   Kx::Ecdhe, Au::Psk,   C::ChaCha20,  false),
    entry(0xc009, "ECDHE-ECDSA-AES128-SHA",        Kx::Ecdhe, Au::Ecdsa, C::Aes128,    true),
    entry(0xc013, "ECDHE-RSA-AES128-SHA",          Kx::Ecdhe, Au::Rsa,   C::Aes128,    true),
    entry(0xc035, "ECDHE-PSK-AES128-CBC-SHA",      Kx::Ecdhe, Au::Psk,   C::Aes128,    true),
    entry(0xc00a, "ECDHE-ECDSA-AES256-SHA",        Kx::Ecdhe, Au::Ecdsa, C::Aes256,    true),
    entry(0xc014, "ECDHE-RSA-AES256-SHA",          Kx::Ecdhe, Au::Rsa,   C::Aes256,    true),
    entry(0xc036, "ECDHE-PSK-AES256-CBC-SHA",      Kx::Ecdhe, Au::Psk,   C::Aes256,    true),
    entry(0xc023, "ECDHE-ECDSA-AES128-SHA256",     Kx::Ecdhe, Au::Ecdsa, C::Aes128,    false),
    entry(0xc027, "ECDHE-RSA-AES128-SHA256",       Kx::Ecdhe, Au::Rsa,   C::Aes128,    false),
    entry(0x009c, "AES128-GCM-SHA256",             Kx::Rsa,   Au::Rsa,   C::Aes128Gcm, false),
    entry(0x009d, "AES256-GCM-SHA384",             Kx::Rsa,   Au::Rsa,   C::Aes256Gcm, false),
    entry(0x002f, "AES128-SHA",                    Kx::Rsa,   Au::Rsa,   C::Aes128,    true),
    entry(0x008c, "PSK-AES128-CBC-SHA",            Kx::Psk,   Au::Psk,   C::Aes128,    true),
    entry(0x0035, "AES256-SHA",                    Kx::Rsa,   Au::Rsa,   C::Aes256,    true),
    entry(0x008d, "PSK-AES256-CBC-SHA",            Kx::Psk,   Au::Psk,   C::Aes256,    true),
    entry(0x000a, "DES-CBC3-SHA",                  Kx::Rsa,   Au::Rsa,   C::TripleDes, true),
];

/// The suites of TLS 1.3 in the order in which BoringSSL sends them (measured on a processor
/// with AES instructions). No setting changes them.
pub(super) const TLS13_SUITES: [CipherSuite; 3] =
    [CipherSuite(0x1301), CipherSuite(0x1302), CipherSuite(0x1303)];

/// What can be sent, strongest first: forward secrecy before RSA key exchange, AEAD before CBC,
/// then the order of Envoy's old default list of twelve, what it lacks after that, 3DES last.
const STRONGEST_FIRST: [u16; 17] = [
    0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc02c, 0xc030, 0xc009, 0xc013, 0xc00a, 0xc014, 0xc023, 0xc027,
    0x009c, 0x009d, 0x002f, 0x0035, 0x000a,
];

impl BoringSuite {
    /// Whether a client without a pre-shared key, which Envoy cannot be given, sends the suite.
    pub(super) fn is_sendable(&self) -> bool {
        self.authentication != Authentication::Psk
    }

    /// The oldest version that the suite works with, SSLv3 standing for all before TLS 1.2.
    pub(super) fn minimum(&self) -> TlsVersion {
        if self.sha1 { TlsVersion::SSL3 } else { TlsVersion::TLS12 }
    }

    /// How much `@STRENGTH` thinks of the cipher.
    pub(super) fn strength_bits(&self) -> u16 {
        match self.cipher {
            Cipher::TripleDes => 112,
            Cipher::Aes128 | Cipher::Aes128Gcm => 128,
            Cipher::Aes256 | Cipher::Aes256Gcm | Cipher::ChaCha20 => 256,
        }
    }

    /// Whether the suite must be named to be listed, since classes leave it out.
    ///
    /// Measured with Envoy 1.36 to 1.40; BoringSSL does so since April 2023.
    pub(super) fn is_deprecated(&self, release: Release) -> bool {
        let sha256_cbc = !self.sha1 && matches!(self.cipher, Cipher::Aes128);
        (sha256_cbc || self.cipher == Cipher::TripleDes) && release >= Release::minor(28)
    }

    /// Whether the release's BoringSSL has the suite.
    ///
    /// 0xc023: in 1.38.3, not in 1.37.0 (measured). 0xc027: in 1.36.2 (measured); BoringSSL
    /// dropped it in April 2018 and took it back in May 2023, so that 1.28 is the first release
    /// that can have it (Envoy's issue 16396 shows 1.16 without).
    fn is_in(&self, release: Release) -> bool {
        match self.suite.0 {
            0xc023 => release >= Release::minor(38),
            0xc027 => release >= Release::minor(28),
            _ => true,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.suite.iana_name() == Some(name)
    }
}

/// The suites below TLS 1.3 that the release has, in BoringSSL's order of preference.
pub(super) fn suites(release: Release) -> impl Iterator<Item = &'static BoringSuite> {
    SUITES.iter().filter(move |suite| suite.is_in(release))
}

/// The suite below TLS 1.3 that the release has under this name, sendable or not.
pub(super) fn suite_by_name(release: Release, name: &str) -> Option<&'static BoringSuite> {
    suites(release).find(|suite| suite.is_named(name))
}

/// Whether the name is one that BoringSSL knows and that selects nothing, as TLS 1.3 is not
/// governed by lists.
pub(super) fn is_tls13_name(name: &str) -> bool {
    TLS13_SUITES.iter().any(|suite| suite.iana_name() == Some(name))
}

impl Release {
    /// The suite that `name` selects in `cipher_suites`: a name that this release's BoringSSL
    /// loads and can send, in OpenSSL's or the registry's spelling, case and all.
    ///
    /// Nothing for TLS 1.3, whose suites cannot be selected, nor for pre-shared keys, which load
    /// and are never sent. Measured with Envoy 1.36 to 1.40.
    #[must_use]
    pub fn suite_named(self, name: &str) -> Option<CipherSuite> {
        suite_by_name(self, name).filter(|suite| suite.is_sendable()).map(|suite| suite.suite)
    }

    /// The name to write into `cipher_suites` for a suite, if this release can send it.
    #[must_use]
    pub fn suite_name(self, suite: CipherSuite) -> Option<&'static str> {
        suites(self)
            .find(|entry| entry.suite == suite && entry.is_sendable())
            .map(|entry| entry.name)
    }

    /// Every suite below TLS 1.3 that some configuration of this release sends, strongest first:
    /// forward secrecy before RSA key exchange, AEAD before CBC, 3DES last.
    ///
    /// 17 since 1.38, 16 on 1.36 and 1.37 (measured), 15 before 1.28. FIPS builds load more than
    /// is approved; this leaves out ChaCha20 as their defaults do, and the two CBC suites with
    /// SHA-256, which the older BoringSSL of a FIPS build may lack.
    #[must_use]
    pub fn sendable_suites(self, build: Build) -> Vec<CipherSuite> {
        STRONGEST_FIRST
            .map(CipherSuite)
            .into_iter()
            .filter(|suite| self.suite_name(*suite).is_some())
            .filter(|suite| build == Build::Standard || !is_doubtful_in_fips(*suite))
            .collect()
    }
}

fn is_doubtful_in_fips(suite: CipherSuite) -> bool {
    matches!(suite.0, 0xc023 | 0xc027 | 0xcca8 | 0xcca9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_registry() {
        use crate::tls::{Authentication as A, KeyExchange as K};
        for entry in &SUITES {
            let (kx, au) = (entry.suite.key_exchange(), entry.suite.authentication());
            match (entry.key_exchange, entry.authentication) {
                (_, Authentication::Psk) => assert_eq!(kx, K::Psk, "{}", entry.name),
                (KeyExchange::Ecdhe, Authentication::Ecdsa) => {
                    assert_eq!((kx, au), (K::Ecdhe, A::Ecdsa), "{}", entry.name);
                }
                (KeyExchange::Ecdhe, Authentication::Rsa) => {
                    assert_eq!((kx, au), (K::Ecdhe, A::Rsa), "{}", entry.name);
                }
                _ => assert_eq!((kx, au), (K::Rsa, A::Rsa), "{}", entry.name),
            }
            assert_eq!(entry.minimum() == TlsVersion::TLS12, entry.suite.is_tls12_only());
        }
    }

    #[test]
    fn strongest_first_is_what_it_says() {
        let rank = |suite: &CipherSuite| {
            let triple_des = suite.0 == 0x000a;
            (triple_des, !suite.has_forward_secrecy(), !suite.is_aead())
        };
        let suites = Release::NEWEST.sendable_suites(Build::Standard);
        assert!(suites.iter().map(rank).is_sorted());
        assert_eq!(suites.len(), 17);
    }

    #[test]
    fn the_number_of_sendable_suites_depends_on_release_and_build() {
        // (release, standard, FIPS)
        for (minor, standard, fips) in [(12, 15, 13), (27, 15, 13), (28, 16, 13), (37, 16, 13)]
            .into_iter()
            .chain([(38, 17, 13), (40, 17, 13)])
        {
            let release = Release::minor(minor);
            assert_eq!(release.sendable_suites(Build::Standard).len(), standard, "{release}");
            assert_eq!(release.sendable_suites(Build::Fips).len(), fips, "{release}");
        }
    }

    #[test]
    fn every_sendable_suite_has_a_name_that_selects_it() {
        for release in Release::all() {
            for suite in release.sendable_suites(Build::Standard) {
                let name = release.suite_name(suite).unwrap();
                assert_eq!(release.suite_named(name), Some(suite), "{release} {name}");
                let name = suite.iana_name().unwrap();
                assert_eq!(release.suite_named(name), Some(suite), "{release} {name}");
            }
        }
    }

    #[test]
    fn names_agree_with_openssl_where_it_has_the_suite() {
        for entry in &SUITES {
            if let Some(name) = entry.suite.openssl_name() {
                assert_eq!(name, entry.name);
            }
        }
    }
}
