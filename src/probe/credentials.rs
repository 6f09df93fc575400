//! What a client shows of itself, and what it trusts, from PEM text.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// A client certificate chain with its key.
#[derive(Clone)]
pub struct Identity {
    pub(super) chain: Vec<X509>,
    pub(super) key: PKey<Private>,
}

impl Identity {
    /// Takes a chain, leaf first, and its key, both PEM.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if either cannot be read or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TrustError> {
        let chain = X509::stack_from_pem(chain).map_err(|_| TrustError::NoCertificate)?;
        let leaf = chain.first().ok_or(TrustError::NoCertificate)?;
        let key = PKey::private_key_from_pem_passphrase(key, b"").map_err(|_| TrustError::NoKey)?;
        let matches = leaf.public_key().is_ok_and(|public| public.public_eq(&key));
        if !matches {
            return Err(TrustError::Mismatch);
        }
        Ok(Self { chain, key })
    }
}

/// Never shows the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

/// Why PEM text is of no use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no readable certificate.
    #[error("it holds no PEM certificate")]
    NoCertificate,
    /// There is no readable key, or it has a passphrase.
    #[error("it holds no PEM private key without a passphrase")]
    NoKey,
    /// Key and certificate are of different pairs.
    #[error("the key does not belong to the certificate")]
    Mismatch,
    /// OpenSSL could not work with it.
    #[error("OpenSSL cannot use it")]
    Unusable,
}

/// Certificates that a server's chain is verified against.
#[derive(Clone, Debug)]
pub struct Trust {
    authorities: Vec<X509>,
}

impl Trust {
    /// Takes the certificates of a PEM file.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoCertificate`] if there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustError> {
        match X509::stack_from_pem(pem) {
            Ok(authorities) if !authorities.is_empty() => Ok(Self { authorities }),
            _ => Err(TrustError::NoCertificate),
        }
    }

    /// Verifies a chain in DER, leaf first, as Envoy's default validator does: against these
    /// authorities alone, for the purpose of a TLS server, without looking at names.
    ///
    /// Returns the error of the verification in OpenSSL's numbers and words, or `None` if the
    /// chain is trusted. Envoy `source/common/tls/cert_validator/default_validator.cc`.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there is nothing to verify or OpenSSL cannot.
    pub fn verify(&self, chain: &[Vec<u8>]) -> Result<Option<(i32, String)>, TrustError> {
        let leaf = chain.first().ok_or(TrustError::NoCertificate)?;
        let leaf = X509::from_der(leaf).map_err(|_| TrustError::NoCertificate)?;
        self.verify_with_openssl(&leaf, &chain[1..]).map_err(|_| TrustError::Unusable)
    }

    fn verify_with_openssl(
        &self,
        leaf: &X509,
        others: &[Vec<u8>],
    ) -> Result<Option<(i32, String)>, ErrorStack> {
        use openssl::stack::Stack;
        use openssl::x509::store::X509StoreBuilder;
        use openssl::x509::{X509PurposeId, X509StoreContext, verify::X509VerifyFlags};

        let mut store = X509StoreBuilder::new()?;
        for authority in &self.authorities {
            store.add_cert(authority.clone())?;
        }
        store.set_purpose(X509PurposeId::SSL_SERVER)?;
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        let mut untrusted = Stack::new()?;
        for other in others {
            untrusted.push(X509::from_der(other)?)?;
        }
        let mut context = X509StoreContext::new()?;
        let error = context.init(&store.build(), leaf, &untrusted, |context| {
            let trusted = context.verify_cert()?;
            Ok((!trusted).then(|| context.error()))
        })?;
        Ok(error.map(|error| (error.as_raw(), error.error_string().to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_belongs_elsewhere_is_refused() {
        assert_eq!(Identity::from_pem(b"", b"").unwrap_err(), TrustError::NoCertificate);
        assert_eq!(Trust::from_pem(b"nothing").unwrap_err(), TrustError::NoCertificate);
    }
}
