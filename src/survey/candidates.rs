//! Which suites are asked for under which version, and in which order.

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
