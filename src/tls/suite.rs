//! Cipher suites: the number, its registered name and parts, and OpenSSL's name for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use openssl::ssl::{Ssl, SslContext, SslMethod};
use serde::{Serialize, Serializer};
use tls_parser::{TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsPRF};

use super::TlsVersion;

/// A cipher suite, as its code point.
///
/// Names and parts come from the IANA registry as the crate `tls-parser` holds it; OpenSSL's
/// names, which Envoy and Gloo spell, from the linked OpenSSL. A number in neither is kept.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CipherSuite(pub u16);

/// How a suite agrees on keys, as far as it matters to a client.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyExchange {
    /// Ephemeral elliptic curve Diffie-Hellman.
    Ecdhe,
    /// Ephemeral finite field Diffie-Hellman.
    Dhe,
    /// RSA key transport.
    Rsa,
    /// Static Diffie-Hellman, with or without curves.
    StaticDh,
    /// A pre-shared key, alone or with another exchange.
    Psk,
    /// Secure remote password.
    Srp,
    /// Chosen apart from the suite (TLS 1.3).
    Tls13,
    /// Anything else: Kerberos, ECCPWD, none, or a number without a name.
    Other,
}

/// How the server proves itself, as far as it matters to a client.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Authentication {
    /// A certificate with an RSA key.
    Rsa,
    /// A certificate with an elliptic curve or Edwards curve key.
    Ecdsa,
    /// A certificate with a DSA key.
    Dss,
    /// Not at all.
    Anonymous,
    /// A pre-shared key.
    Psk,
    /// Chosen apart from the suite (TLS 1.3).
    Tls13,
    /// Anything else, or a number without a name.
    Other,
}

impl CipherSuite {
    /// The signalling value for secure renegotiation: no suite (RFC 5746 §3.3).
    pub const EMPTY_RENEGOTIATION_INFO_SCSV: Self = Self(0x00ff);
    /// The signalling value for a fallback: no suite (RFC 7507).
    pub const FALLBACK_SCSV: Self = Self(0x5600);

    /// Every registered suite in ascending order, without the two signalling values.
    pub fn registered() -> impl Iterator<Item = Self> {
        static ALL: LazyLock<Vec<CipherSuite>> = LazyLock::new(|| {
            let mut all: Vec<_> =
                tls_parser::CIPHERS.keys().map(|number| CipherSuite(*number)).collect();
            all.retain(|suite| !suite.is_signalling());
            all.sort_unstable();
            all
        });
        ALL.iter().copied()
    }

    /// Whether the number is a signal in the suite list and can never be selected.
    #[must_use]
    pub fn is_signalling(self) -> bool {
        self == Self::EMPTY_RENEGOTIATION_INFO_SCSV || self == Self::FALLBACK_SCSV
    }

    /// The registered name, or `None` for a number without one.
    #[must_use]
    pub fn iana_name(self) -> Option<&'static str> {
        self.parts().map(|parts| parts.name)
    }

    /// The name that the linked OpenSSL has for this suite, which is the one that Envoy knows.
    #[must_use]
    pub fn openssl_name(self) -> Option<&'static str> {
        openssl_names().by_suite.get(&self).map(String::as_str)
    }

    /// The suite that the linked OpenSSL knows by this name (`ECDHE-RSA-AES128-SHA`).
    #[must_use]
    pub fn from_openssl_name(name: &str) -> Option<Self> {
        openssl_names().by_name.get(name).copied()
    }

    /// The suite registered under this name (`TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA`).
    #[must_use]
    pub fn from_iana_name(name: &str) -> Option<Self> {
        tls_parser::TlsCipherSuite::from_name(name).map(|parts| Self(parts.id.0))
    }

    /// Every suite that the linked OpenSSL has a name for, in ascending order.
    ///
    /// Some of them may still be missing from its handshakes; see
    /// [`crate::probe::openssl_ciphers`].
    pub fn named_by_openssl() -> impl Iterator<Item = Self> {
        let mut suites: Vec<_> = openssl_names().by_suite.keys().copied().collect();
        suites.sort_unstable();
        suites.into_iter()
    }

    /// How the suite agrees on keys.
    #[must_use]
    pub fn key_exchange(self) -> KeyExchange {
        let Some(parts) = self.parts() else { return KeyExchange::Other };
        match parts.kx {
            _ if parts.au == TlsCipherAu::Psk => KeyExchange::Psk,
            // The registry's file has RSA_PSK as key exchange RSA with authentication PSK, and
            // some names say PSK where the columns do not.
            _ if parts.name.contains("_PSK_") => KeyExchange::Psk,
            TlsCipherKx::Ecdhe | TlsCipherKx::Aecdh => KeyExchange::Ecdhe,
            _ if parts.name.starts_with("TLS_ECDH_anon") => KeyExchange::Ecdhe,
            TlsCipherKx::Dhe => KeyExchange::Dhe,
            TlsCipherKx::Dh if parts.name.starts_with("TLS_DH_anon") => KeyExchange::Dhe,
            TlsCipherKx::Rsa => KeyExchange::Rsa,
            TlsCipherKx::Dh | TlsCipherKx::Ecdh => KeyExchange::StaticDh,
            TlsCipherKx::Psk => KeyExchange::Psk,
            TlsCipherKx::Srp => KeyExchange::Srp,
            TlsCipherKx::Tls13 => KeyExchange::Tls13,
            _ if self.is_tls13() => KeyExchange::Tls13,
            TlsCipherKx::Null | TlsCipherKx::Krb5 | TlsCipherKx::Eccpwd => KeyExchange::Other,
        }
    }

    /// Whether a client must show an identity that it shares a secret for, which no Envoy can: a
    /// pre-shared key (RFC 4279) or a user name (RFC 5054).
    #[must_use]
    pub fn asks_for_identity(self) -> bool {
        matches!(self.key_exchange(), KeyExchange::Psk | KeyExchange::Srp)
    }

    /// How the server proves itself.
    #[must_use]
    pub fn authentication(self) -> Authentication {
        let Some(parts) = self.parts() else { return Authentication::Other };
        match parts.au {
            _ if self.is_tls13() => Authentication::Tls13,
            _ if parts.name.contains("_anon_") => Authentication::Anonymous,
            TlsCipherAu::Rsa | TlsCipherAu::Srp_Rsa => Authentication::Rsa,
            TlsCipherAu::Ecdsa => Authentication::Ecdsa,
            TlsCipherAu::Dss | TlsCipherAu::Srp_Dss => Authentication::Dss,
            TlsCipherAu::Null => Authentication::Anonymous,
            TlsCipherAu::Psk => Authentication::Psk,
            TlsCipherAu::Tls13 => Authentication::Tls13,
            TlsCipherAu::Krb5 | TlsCipherAu::Srp | TlsCipherAu::Dhe | TlsCipherAu::Eccpwd => {
                Authentication::Other
            }
        }
    }

    /// Whether the suite belongs to TLS 1.3, where it names only cipher and hash.
    ///
    /// RFC 8446 §B.4; SM4 is RFC 8998, integrity only RFC 9150, GOST RFC 9367.
    #[must_use]
    pub fn is_tls13(self) -> bool {
        matches!(self.0, 0x1301..=0x13ff | 0x00c6 | 0x00c7 | 0xc0b4 | 0xc0b5 | 0xc103..=0xc106)
    }

    /// Whether the suite is defined for TLS 1.2 and not for older versions: an AEAD, or a hash
    /// that came with TLS 1.2 (RFC 5246 §1.2, RFC 5288 §3, RFC 5289 §3).
    #[must_use]
    pub fn is_tls12_only(self) -> bool {
        !self.is_tls13()
            && self.parts().is_some_and(|parts| {
                self.is_aead()
                    || !matches!(parts.prf, TlsPRF::Default | TlsPRF::Null)
                    || matches!(
                        parts.mac,
                        TlsCipherMac::HmacSha256
                            | TlsCipherMac::HmacSha384
                            | TlsCipherMac::HmacSha512
                    )
            })
    }

    /// Whether a TLS session with this suite is defined under `version`.
    #[must_use]
    pub fn is_defined_for(self, version: TlsVersion) -> bool {
        if self.is_tls13() {
            version == TlsVersion::TLS13
        } else if self.is_tls12_only() {
            version == TlsVersion::TLS12
        } else {
            version < TlsVersion::TLS13
        }
    }

    /// Whether past traffic stays secret when the server's key is lost later.
    #[must_use]
    pub fn has_forward_secrecy(self) -> bool {
        matches!(self.key_exchange(), KeyExchange::Ecdhe | KeyExchange::Dhe | KeyExchange::Tls13)
    }

    /// Whether the cipher authenticates what it encrypts in one step (GCM, CCM, ChaCha20).
    #[must_use]
    pub fn is_aead(self) -> bool {
        self.parts().is_some_and(|parts| {
            matches!(parts.enc_mode, TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm)
                || matches!(parts.enc, TlsCipherEnc::Chacha20_Poly1305 | TlsCipherEnc::Aegis)
                || parts.mac == TlsCipherMac::Aead
        })
    }

    /// The size of the cipher's key in bits, 0 without encryption.
    #[must_use]
    pub fn key_bits(self) -> u16 {
        self.parts().map_or(0, |parts| parts.enc_size)
    }

    fn parts(self) -> Option<&'static tls_parser::TlsCipherSuite> {
        tls_parser::TlsCipherSuite::from_id(self.0)
    }
}

/// The IANA name, or the number in hex.
impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.iana_name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("0x{:04x}", self.0)),
        }
    }
}

impl Serialize for CipherSuite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct OpensslNames {
    by_suite: HashMap<CipherSuite, String>,
    by_name: HashMap<String, CipherSuite>,
}

/// OpenSSL's names, asked from the linked library once.
fn openssl_names() -> &'static OpensslNames {
    static NAMES: LazyLock<OpensslNames> = LazyLock::new(|| {
        let by_suite = ask_openssl().unwrap_or_default();
        let by_name = by_suite.iter().map(|(suite, name)| (name.clone(), *suite)).collect();
        OpensslNames { by_suite, by_name }
    });
    &NAMES
}

/// Offers OpenSSL every registered number and takes back those that it has a name for.
fn ask_openssl() -> Result<HashMap<CipherSuite, String>, openssl::error::ErrorStack> {
    let context = SslContext::builder(SslMethod::tls())?.build();
    let ssl = Ssl::new(&context)?;
    let numbers: Vec<u8> =
        CipherSuite::registered().flat_map(|suite| suite.0.to_be_bytes()).collect();
    let known = ssl.bytes_to_cipher_list(&numbers, false)?;
    let suites = known.suites.iter().map(|cipher| {
        let number = u16::from_be_bytes(cipher.protocol_id());
        (CipherSuite(number), cipher.name().to_owned())
    });
    Ok(suites.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_has_every_suite_once() {
        assert_eq!(CipherSuite::registered().count(), 350, "352 less the signalling values");
    }

    #[test]
    fn names_go_there_and_back() {
        for suite in CipherSuite::registered() {
            let name = suite.iana_name().expect("registered suites have a name");
            assert_eq!(CipherSuite::from_iana_name(name), Some(suite), "{name}");
            if let Some(name) = suite.openssl_name() {
                assert_eq!(CipherSuite::from_openssl_name(name), Some(suite), "{name}");
            }
        }
    }

    #[test]
    fn openssl_and_iana_agree_on_the_names_that_envoy_spells() {
        #[rustfmt::skip]
        let table = [
            (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"), (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
            (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),   (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
            (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"), (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
            (0xc023, "ECDHE-ECDSA-AES128-SHA256"),     (0xc027, "ECDHE-RSA-AES128-SHA256"),
            (0xc009, "ECDHE-ECDSA-AES128-SHA"),        (0xc013, "ECDHE-RSA-AES128-SHA"),
            (0xc00a, "ECDHE-ECDSA-AES256-SHA"),        (0xc014, "ECDHE-RSA-AES256-SHA"),
            (0x009c, "AES128-GCM-SHA256"),             (0x009d, "AES256-GCM-SHA384"),
            (0x002f, "AES128-SHA"),                    (0x0035, "AES256-SHA"),
        ];
        for (number, name) in table {
            assert_eq!(CipherSuite(number).openssl_name(), Some(name));
        }
    }

    #[test]
    fn parts_decide_the_predicates() {
        // (number, key exchange, authentication, forward secrecy, AEAD, TLS 1.2 only)
        use Authentication as A;
        use KeyExchange as K;
        #[rustfmt::skip]
        let table = [
            (0xc02f, K::Ecdhe,    A::Rsa,       true,  true,  true),
            (0xc014, K::Ecdhe,    A::Rsa,       true,  false, false),
            (0xc027, K::Ecdhe,    A::Rsa,       true,  false, true),
            (0xcca9, K::Ecdhe,    A::Ecdsa,     true,  true,  true),
            (0x0035, K::Rsa,      A::Rsa,       false, false, false),
            (0x003d, K::Rsa,      A::Rsa,       false, false, true),
            (0x009f, K::Dhe,      A::Rsa,       true,  true,  true),
            (0xc09c, K::Rsa,      A::Rsa,       false, true,  true),
            (0x0034, K::Dhe,      A::Anonymous, true,  false, false),
            (0xc018, K::Ecdhe,    A::Anonymous, true,  false, false),
            (0x008c, K::Psk,      A::Psk,       false, false, false),
            (0xc01d, K::Srp,      A::Other,     false, false, false),
            (0xc002, K::StaticDh, A::Ecdsa,     false, false, false),
            (0x1301, K::Tls13,    A::Tls13,     true,  true,  false),
            (0xc0b4, K::Tls13,    A::Tls13,     true,  false, false),
        ];
        for (number, kx, au, forward, aead, tls12) in table {
            let suite = CipherSuite(number);
            assert_eq!(suite.key_exchange(), kx, "{suite}");
            assert_eq!(suite.authentication(), au, "{suite}");
            assert_eq!(suite.has_forward_secrecy(), forward, "{suite}");
            if number != 0xc0b4 {
                assert_eq!(suite.is_aead(), aead, "{suite}");
            }
            assert_eq!(suite.is_tls12_only(), tls12, "{suite}");
        }
    }

    #[test]
    fn unknown_numbers_survive() {
        let suite = CipherSuite(0xfafa);
        assert_eq!(suite.to_string(), "0xfafa");
        assert_eq!(suite.key_exchange(), KeyExchange::Other);
        assert_eq!(suite.openssl_name(), None);
    }
}
