//! Which suites are asked for under which version, and in which order.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::tls::{Authentication, CipherSuite, KeyExchange, TlsVersion};

/// The order in which suites are offered: widespread ones first, families together, strong
/// before weak. ChaCha20 stands behind AES, since some servers prefer it just when a client
/// offers it first.
pub(super) fn search_order(suite: CipherSuite) -> impl Ord {
    let chacha = suite.iana_name().is_some_and(|name| name.contains("CHACHA20"));
    (
        !goes_with_rsa(suite),
        !is_widespread(suite),
        !suite.has_forward_secrecy(),
        suite.key_exchange(),
        suite.authentication(),
        !suite.is_aead(),
        chacha,
        std::cmp::Reverse(suite.key_bits()),
        suite,
    )
}

/// Whether the suite is one of those that almost every server accepts some of: AES or ChaCha20
/// that goes with an RSA certificate, or one of the first three of TLS 1.3.
pub(super) fn is_in_general_use(suite: CipherSuite) -> bool {
    if suite.is_tls13() {
        return (0x1301..=0x1303).contains(&suite.0);
    }
    let name = suite.iana_name().unwrap_or_default();
    goes_with_rsa(suite)
        && !name.contains("CCM")
        && ["_AES_", "_CHACHA20_"].iter().any(|part| name.contains(part))
}

/// Orders that servers are known to have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KnownOrder {
    /// OpenSSL's default: authenticated modes first, the strong ones of all key exchanges before
    /// the others.
    Strength,
    /// One key exchange after the other, the strong suites of each first.
    StrongExchange,
    /// One key exchange after the other within the authenticated modes and then the others, AES
    /// with 128 bits first, as in Mozilla's lists.
    LightExchange,
}

impl KnownOrder {
    pub(super) const ALL: [Self; 3] = [Self::Strength, Self::StrongExchange, Self::LightExchange];

    /// Where a suite stands in this order.
    pub(super) fn place(self, suite: CipherSuite) -> usize {
        static PLACES: LazyLock<[HashMap<CipherSuite, usize>; 3]> = LazyLock::new(|| {
            KnownOrder::ALL.map(|order| {
                let mut suites: Vec<_> = CipherSuite::registered().collect();
                suites.sort_by_cached_key(|suite| order.key(*suite));
                suites.into_iter().enumerate().map(|(place, suite)| (suite, place)).collect()
            })
        });
        PLACES[self as usize].get(&suite).copied().unwrap_or(usize::MAX)
    }

    fn key(self, suite: CipherSuite) -> impl Ord + use<> {
        let name = suite.iana_name().unwrap_or_default();
        let exchange = match suite.key_exchange() {
            KeyExchange::Tls13 | KeyExchange::Ecdhe => 0,
            KeyExchange::Dhe => 1,
            KeyExchange::Rsa => 2,
            _ => 3,
        };
        let ecdsa = u8::from(suite.authentication() != Authentication::Ecdsa);
        let aead = u8::from(!suite.is_aead());
        let chacha = name.contains("CHACHA20");
        let strong = match (suite.key_bits(), chacha) {
            (256.., false) => 0,
            (_, true) => 1,
            _ => 2,
        };
        let light = match (suite.key_bits(), chacha) {
            (_, true) => 2,
            (256.., false) => 1,
            _ => 0,
        };
        let old_mac = u8::from(name.ends_with("_SHA") || name.ends_with("_MD5"));
        let other_cipher = u8::from(!name.contains("_AES_") && !chacha);
        let rsa = u8::from(exchange >= 2);
        let parts = match self {
            Self::Strength => [rsa, aead, old_mac, strong, exchange, ecdsa, other_cipher],
            Self::StrongExchange => {
                [exchange, other_cipher, aead, old_mac, u8::from(chacha), strong, ecdsa]
            }
            Self::LightExchange => [rsa, aead, exchange, light, ecdsa, old_mac, other_cipher],
        };
        (parts, suite)
    }
}

/// Whether a server could select the suite under this version. Widespread suites are asked for
/// under versions that do not define them too, but for TLS 1.3, since servers exist that do not
/// look at the version.
pub(super) fn is_worth_asking(suite: CipherSuite, version: TlsVersion) -> bool {
    match version {
        TlsVersion::TLS13 => suite.is_tls13(),
        TlsVersion::TLS12 => true,
        _ => suite.is_defined_for(version) || (is_widespread(suite) && !suite.is_tls13()),
    }
}

/// Whether the suite is widespread and goes with an RSA certificate, or with any in TLS 1.3.
pub(super) fn goes_with_rsa(suite: CipherSuite) -> bool {
    is_widespread(suite) && suite.authentication() != Authentication::Ecdsa
}

/// Whether common TLS libraries of the last twenty years have the suite.
pub(super) fn is_widespread(suite: CipherSuite) -> bool {
    let Some(name) = suite.iana_name() else { return false };
    let exchange = match suite.key_exchange() {
        KeyExchange::Tls13 => return suite.0 & 0xff00 == 0x1300,
        KeyExchange::Ecdhe | KeyExchange::Rsa => true,
        KeyExchange::Dhe => suite.authentication() == Authentication::Rsa,
        _ => false,
    };
    let authenticated =
        matches!(suite.authentication(), Authentication::Rsa | Authentication::Ecdsa);
    let common = ["_AES_", "_CHACHA20_", "_3DES_", "_RC4_128_", "_CAMELLIA_", "_ARIA_"];
    let rare = ["_EXPORT", "CAMELLIA_128_GCM", "CAMELLIA_256_GCM", "ARIA_128_CBC", "ARIA_256_CBC"];
    exchange
        && authenticated
        && common.iter().any(|part| name.contains(part))
        && !rare.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::super::hello::{Subject, one_kind_sets};
    use super::*;

    #[test]
    fn suites_that_go_with_rsa_fit_one_hello() {
        let subject =
            Subject { sni: Some("my-upstream.example.com".to_owned()), ..Subject::default() };
        let suites: Vec<_> = CipherSuite::registered()
            .filter(|suite| goes_with_rsa(*suite) && !suite.is_tls13())
            .collect();
        let sets = one_kind_sets(&subject, TlsVersion::TLS12, &suites);
        assert_eq!(sets.len(), 1, "{} suites", suites.len());
    }
}
