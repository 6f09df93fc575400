//! What a server gets to see of a configuration.

use crate::tls::{CipherSuite, Group, SignatureScheme, TlsVersion};

/// What a configuration offers to a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The lowest version that is accepted; a hello for TLS 1.2 does not show it.
    pub minimum: TlsVersion,
    /// The highest version.
    pub maximum: TlsVersion,
    /// The suites below TLS 1.3 that some version in range can use, as sent.
    pub cipher_suites: Vec<CipherSuite>,
    /// The suites of TLS 1.3, as sent.
    pub tls13_cipher_suites: Vec<CipherSuite>,
    /// The groups, as sent: post-quantum ones are left out below TLS 1.3, and the list may end
    /// up empty.
    pub groups: Vec<Group>,
    /// The signature schemes, as sent; none below TLS 1.2.
    pub signature_schemes: Vec<SignatureScheme>,
    /// The server name, as sent.
    pub sni: Option<String>,
    /// The ALPN protocols, as sent; without any, the extension is left out.
    pub alpn: Vec<Vec<u8>>,
}

impl Offer {
    /// The versions on offer, newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<TlsVersion> {
        TlsVersion::SURVEYED
            .into_iter()
            .filter(|version| (self.minimum..=self.maximum).contains(version))
            .collect()
    }

    /// Whether a server may select this suite under this version.
    #[must_use]
    pub fn includes(&self, version: TlsVersion, suite: CipherSuite) -> bool {
        let suites = match version {
            TlsVersion::TLS13 => &self.tls13_cipher_suites,
            _ => &self.cipher_suites,
        };
        self.versions().contains(&version)
            && suites.contains(&suite)
            && suite.is_defined_for(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, ClientConfig, Release};

    #[test]
    fn an_offer_includes_a_suite_only_under_versions_that_have_it() {
        let mut config = ClientConfig::new(Release::NEWEST, Build::Standard);
        config.minimum_protocol_version = Some(TlsVersion::TLS10);
        config.maximum_protocol_version = Some(TlsVersion::TLS13);
        config.cipher_suites = ["AES128-SHA", "AES128-GCM-SHA256"].map(str::to_owned).to_vec();
        let offer = config.offer().unwrap();
        let (cbc, gcm, tls13) = (CipherSuite(0x002f), CipherSuite(0x009c), CipherSuite(0x1301));
        assert!(offer.includes(TlsVersion::TLS10, cbc) && offer.includes(TlsVersion::TLS12, cbc));
        assert!(offer.includes(TlsVersion::TLS12, gcm) && !offer.includes(TlsVersion::TLS11, gcm));
        assert!(offer.includes(TlsVersion::TLS13, tls13));
        assert!(
            !offer.includes(TlsVersion::TLS12, tls13) && !offer.includes(TlsVersion::TLS13, cbc)
        );
        assert!(!offer.includes(TlsVersion::SSL3, cbc));
        assert!(!offer.includes(TlsVersion::TLS12, CipherSuite(0x0035)));
    }
}
