//! What follows the hello: chain, name, client certificate, checked with a complete handshake
//! that offers what this Envoy offers.

use std::ffi::CStr;

use super::attempt::PAUSE;
use super::certificate::ServerCertificate;
use super::obstacle::{Obstacle, Passage, judge_certificate};
use crate::envoy::{ClientConfig, Offer};
use crate::probe::{
    Handshake, HandshakeError, HandshakeRequest, Identity, ProbeError, Prober, Trust,
    openssl_has_post_quantum,
};
use crate::tls::{CipherSuite, Group, TlsVersion};

/// What Envoy would verify, and what it could show.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// The CA that the chain must lead to. Without one nothing is verified.
    pub trust: Option<Trust>,
    /// Names of which the certificate must have one (`verifySubjectAltName`).
    pub names: Vec<String>,
    /// The client certificate that Envoy would send.
    pub identity: Option<Identity>,
}

impl Checks {
    /// Whether there is nothing to check.
    pub(super) fn is_none(&self) -> bool {
        self.trust.is_none() && self.names.is_empty() && self.identity.is_none()
    }
}

/// A handshake that was begun before the answer to the hello was there, and so offered all that
/// the configuration offers.
#[derive(Debug)]
pub struct EarlyHandshake(Handshake);

/// Completes a handshake that offers all that `config` offers. `None` if none came of it, or none
/// that says what Envoy's own would.
pub async fn handshake_early(
    prober: &Prober,
    config: &ClientConfig,
    checks: &Checks,
) -> Option<EarlyHandshake> {
    let offer = config.offer().ok()?;
    let names =
        |suites: &[CipherSuite]| joined(suites.iter().filter_map(|suite| suite.openssl_name()));
    let tls13 = offer.maximum >= TlsVersion::TLS13;
    let legacy = offer.minimum < TlsVersion::TLS13;
    let request = HandshakeRequest {
        minimum: Some(offer.minimum),
        maximum: Some(offer.maximum),
        cipher_list: names(&offer.cipher_suites).filter(|_| legacy),
        tls13_suites: names(&offer.tls13_cipher_suites).filter(|_| tls13),
        ..request_without_suites(config, &offer, checks)
    };
    prober.handshake(&request).await.ok().map(EarlyHandshake)
}

impl EarlyHandshake {
    /// The handshake, if it negotiated what the hello did.
    pub(super) fn of(self, passage: &Passage) -> Option<Self> {
        let Handshake { version, cipher_suite, .. } = self.0;
        let same = (version, cipher_suite) == (passage.version, passage.cipher_suite);
        same.then_some(self)
    }

    /// Checks what Envoy checks.
    pub(super) fn judge(
        self,
        config: &ClientConfig,
        checks: &Checks,
    ) -> Result<Handshake, Obstacle> {
        let offer = config.offer().map_err(Obstacle::Config)?;
        judge(self.0, config, &offer, checks)
    }
}

/// Completes a handshake as `config` would and checks what Envoy checks.
///
/// `None` if OpenSSL gave up over something of its own: the wire has shown that the server takes
/// the hello, and Envoy's library need not share the complaint.
///
/// # Errors
///
/// The obstacle in Envoy's way.
pub(super) async fn complete(
    prober: &Prober,
    config: &ClientConfig,
    passage: &Passage,
    checks: &Checks,
) -> Result<Option<Handshake>, Obstacle> {
    let offer = config.offer().map_err(Obstacle::Config)?;
    let request = request(config, &offer, passage, checks);
    let mut answer = prober.handshake(&request).await;
    // Again where nothing was learned: lost connections must not decide.
    for tries in 1..=prober.limits().retries.min(2) {
        let silent = matches!(&answer, Err(HandshakeError::Probe(ProbeError::Silence { .. })));
        if !is_trouble(&answer) || (silent && tries > 1) {
            break;
        }
        tokio::time::sleep(PAUSE * tries * tries).await;
        answer = prober.handshake(&request).await;
    }
    let handshake = match answer {
        Ok(handshake) => handshake,
        Err(HandshakeError::Failed { ours: true, .. } | HandshakeError::Unsupported(_)) => {
            return Ok(None);
        }
        Err(error) => return Err(obstacle(error, checks)),
    };
    judge(handshake, config, &offer, checks).map(Some)
}

/// Checks of a handshake what Envoy checks.
fn judge(
    handshake: Handshake,
    config: &ClientConfig,
    offer: &Offer,
    checks: &Checks,
) -> Result<Handshake, Obstacle> {
    if handshake.certificate_requested && (handshake.rejected.is_some() || handshake.hung_up) {
        return Err(certificate_obstacle(checks, handshake.rejected));
    }
    if let Some(leaf) = handshake.chain.first() {
        let (version, suite) = (handshake.version, handshake.cipher_suite);
        judge_certificate(config.release, offer, version, suite, leaf)?;
    }
    verify(&handshake, checks)?;
    Ok(handshake)
}

fn is_trouble(answer: &Result<Handshake, HandshakeError>) -> bool {
    let is_spent = matches!(answer, Err(HandshakeError::Probe(ProbeError::Budget)));
    !is_spent
        && matches!(
            answer,
            Err(HandshakeError::Probe(_) | HandshakeError::Failed { ended: Some(_), .. })
        )
}

/// Offers the version and suite that the server selected from Envoy's hello, with all of Envoy's
/// groups and signature schemes that OpenSSL has.
fn request(
    config: &ClientConfig,
    offer: &Offer,
    passage: &Passage,
    checks: &Checks,
) -> HandshakeRequest {
    let version = Some(passage.version);
    let tls13 = passage.version == TlsVersion::TLS13;
    let name = passage.cipher_suite.openssl_name().map(str::to_owned);
    HandshakeRequest {
        minimum: version,
        maximum: version,
        cipher_list: name.clone().filter(|_| !tls13),
        tls13_suites: name.filter(|_| tls13),
        ..request_without_suites(config, offer, checks)
    }
}

fn request_without_suites(
    config: &ClientConfig,
    offer: &Offer,
    checks: &Checks,
) -> HandshakeRequest {
    HandshakeRequest {
        groups: joined(offer.groups.iter().filter_map(openssl_group)),
        signature_algorithms: joined(
            offer.signature_schemes.iter().filter_map(|scheme| openssl_scheme(scheme.name()?)),
        ),
        sni: offer.sni.clone(),
        alpn: offer.alpn.clone(),
        identity: checks.identity.clone(),
        // A list that is configured holds for both ways.
        client_signature_algorithms: config.signature_algorithms.is_empty().then_some(SIGNS_WITH),
        ..HandshakeRequest::default()
    }
}

/// What BoringSSL signs with when nothing is configured, which is more than it offers to verify:
/// Ed25519 and P-521 (`ssl/extensions.cc`, `kSignSignatureAlgorithms`; Ed25519 and P-521 keys
/// measured with Envoy 1.36 and 1.40).
const SIGNS_WITH: &CStr = c"ed25519:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:\
    ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:ecdsa_secp521r1_sha512:\
    rsa_pss_rsae_sha512:rsa_pkcs1_sha512:ECDSA+SHA1:RSA+SHA1";

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| names.join(":"))
}

/// Groups that OpenSSL lacks are left out, since one unknown name would spoil the list.
fn openssl_group(group: &Group) -> Option<&'static str> {
    let name = group.name()?;
    (!group.is_post_quantum() || openssl_has_post_quantum(name)).then_some(name)
}

fn openssl_scheme(name: &str) -> Option<&str> {
    match name {
        "rsa_pkcs1_sha1" => Some("RSA+SHA1"),
        "ecdsa_sha1" => Some("ECDSA+SHA1"),
        "rsa_pkcs1_sha256_legacy" => None,
        name if name.starts_with("mldsa") => None,
        name => Some(name),
    }
}

fn obstacle(error: HandshakeError, checks: &Checks) -> Obstacle {
    match error {
        HandshakeError::Failed { alert, certificate_requested: true, .. } => {
            certificate_obstacle(checks, alert)
        }
        // The wire has shown that the server takes this offer, so this is no refusal.
        HandshakeError::Failed { ended: Some(ending), selected: false, .. } => {
            Obstacle::Ended(ending)
        }
        HandshakeError::Failed { reason, .. } => Obstacle::HandshakeFailed(reason),
        HandshakeError::Probe(error) => Obstacle::Unclear(error),
        HandshakeError::Unsupported(what) => Obstacle::HandshakeFailed(what),
    }
}

fn certificate_obstacle(checks: &Checks, alert: Option<crate::tls::AlertDescription>) -> Obstacle {
    if checks.identity.is_some() {
        Obstacle::ClientCertificateRefused(alert)
    } else {
        Obstacle::ClientCertificateNeeded(alert)
    }
}

fn verify(handshake: &Handshake, checks: &Checks) -> Result<(), Obstacle> {
    let Some(trust) = &checks.trust else { return Ok(()) };
    match trust.verify(&handshake.chain) {
        Ok(None) => {}
        Ok(Some((number, words))) => return Err(Obstacle::Untrusted(number, words)),
        Err(error) => return Err(Obstacle::HandshakeFailed(error.to_string())),
    }
    if checks.names.is_empty() {
        return Ok(());
    }
    let leaf = handshake.chain.first().and_then(|leaf| ServerCertificate::read(leaf));
    let has = leaf.map(|leaf| leaf.names).unwrap_or_default();
    if checks.names.iter().any(|wanted| has.iter().any(|name| matches_name(name, wanted))) {
        return Ok(());
    }
    Err(Obstacle::NameMismatch(has))
}

/// An exact matcher; a wildcard in the certificate covers one label of a DNS name.
///
/// Envoy `source/common/tls/utility.cc`, `dnsNameMatch`.
fn matches_name(pattern: &str, wanted: &str) -> bool {
    if pattern.eq_ignore_ascii_case(wanted) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix("*.") else { return false };
    wanted
        .split_once('.')
        .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix))
}

/// Whether OpenSSL can complete a handshake with this suite at all.
pub(super) fn openssl_has(suite: CipherSuite) -> bool {
    suite
        .openssl_name()
        .is_some_and(|name| crate::probe::openssl_ciphers().iter().any(|known| known == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_one_label() {
        #[rustfmt::skip]
        let table = [
            ("a.example",   "a.example",   true),
            ("A.example",   "a.EXAMPLE",   true),
            ("*.example",   "a.example",   true),
            ("*.example",   "a.b.example", false),
            ("*.example",   ".example",    false),
            ("*.example",   "example",     false),
            ("a.*.example", "a.b.example", false),
        ];
        for (pattern, wanted, matches) in table {
            assert_eq!(matches_name(pattern, wanted), matches, "{pattern} {wanted}");
        }
    }
}
