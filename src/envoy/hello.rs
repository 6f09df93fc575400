//! The ClientHello that a configuration makes Envoy send.
//!
//! The layout is that of 1.36 to 1.40, captured from the binaries: always the same order, no
//! GREASE, no status_request. Older releases are taken to send what 1.36 sends.
//!
//! Envoy cuts a hello of more than 16384 bytes, which takes an absurd `alpn_protocols`, into
//! several records; [`ClientHello::encode`] refuses it.

use rand::RngCore;

use super::{ClientConfig, ConfigFault, Offer};
use crate::tls::{Group, TlsVersion};
use crate::wire::{ClientHello, Extension, KeyShare};

impl ClientConfig {
    /// The very hello that Envoy sends on a first connection with this configuration.
    ///
    /// The random, the session id (TLS 1.3 only) and the key shares come from `rng`, except keys
    /// on the NIST curves, for which OpenSSL brings its own randomness. The keys are not kept.
    ///
    /// # Errors
    ///
    /// As [`ClientConfig::offer`], or [`ConfigFault::KeyShare`].
    pub fn client_hello(&self, rng: &mut dyn RngCore) -> Result<ClientHello, ConfigFault> {
        let offer = self.offer()?;
        let tls13 = offer.maximum == TlsVersion::TLS13;
        let mut random = [0; 32];
        rng.fill_bytes(&mut random);
        let mut session_id = vec![0; if tls13 { 32 } else { 0 }];
        rng.fill_bytes(&mut session_id);
        let mut hello = ClientHello {
            record_version: TlsVersion::TLS10,
            legacy_version: offer.maximum.min(TlsVersion::TLS12),
            random,
            session_id,
            cipher_suites: [&offer.tls13_cipher_suites[..], &offer.cipher_suites].concat(),
            compression_methods: vec![0],
            extensions: extensions(&offer, rng)?,
        };
        if self.release.pads_client_hello() {
            pad(&mut hello);
        }
        Ok(hello)
    }
}

fn extensions(offer: &Offer, rng: &mut dyn RngCore) -> Result<Vec<Extension>, ConfigFault> {
    let tls13 = offer.maximum == TlsVersion::TLS13;
    let tls12_or_older = offer.minimum < TlsVersion::TLS13;
    let mut list = Vec::new();
    list.extend(offer.sni.clone().map(Extension::ServerName));
    if tls12_or_older {
        list.extend([Extension::ExtendedMasterSecret, Extension::RenegotiationInfo]);
    }
    list.push(Extension::SupportedGroups(offer.groups.clone()));
    if tls12_or_older {
        list.extend([Extension::EcPointFormats, Extension::SessionTicket]);
    }
    if !offer.alpn.is_empty() {
        list.push(Extension::Alpn(offer.alpn.clone()));
    }
    if !offer.signature_schemes.is_empty() {
        list.push(Extension::SignatureAlgorithms(offer.signature_schemes.clone()));
    }
    if tls13 {
        list.push(Extension::KeyShare(key_shares(&offer.groups, rng)?));
        list.push(Extension::PskKeyExchangeModes);
        list.push(Extension::SupportedVersions(offer.versions()));
    }
    Ok(list)
}

/// A key for the first group, and one for the first group of the other kind, classical or
/// post-quantum, wherever that stands (measured with Envoy 1.36 to 1.40).
fn key_shares(groups: &[Group], rng: &mut dyn RngCore) -> Result<Vec<KeyShare>, ConfigFault> {
    let first = groups.first();
    let other = groups
        .iter()
        .find(|group| first.is_some_and(|f| f.is_post_quantum() != group.is_post_quantum()));
    first.into_iter().chain(other).map(|group| key_share(*group, rng)).collect()
}

fn key_share(group: Group, rng: &mut dyn RngCore) -> Result<KeyShare, ConfigFault> {
    let fault = |reason| ConfigFault::KeyShare { group, reason };
    KeyShare::generate(group, rng)
        .map_err(|error| fault(error.to_string()))?
        .ok_or_else(|| fault("it cannot be made".to_owned()))
}

/// Keeps the message out of 256 to 511 bytes, at which F5 terminators hang (RFC 7685): pads it to
/// 512, or by one byte where the extension's own header already brings it there.
fn pad(hello: &mut ClientHello) {
    const EXTENSION_HEADER: usize = 4;
    // A hello that cannot be encoded is its sender's concern.
    let length = hello.encode_message().map_or(0, |message| message.len());
    if (256..512).contains(&length) {
        let payload = (512 - length).saturating_sub(EXTENSION_HEADER).max(1);
        // At most 252, so that the fallback is never used.
        hello.extensions.push(Extension::Padding(u16::try_from(payload).unwrap_or(1)));
    }
}
