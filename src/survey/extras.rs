//! Facts that come along: certificate chains, the request for a client certificate, ALPN.

use futures::future::join_all;

use super::Survey;
use super::behaviour::Passing;
use super::hello::{Subject, suite_hello};
use crate::probe::{HandshakeError, HandshakeRequest, Outcome, Prober};
use crate::tls::TlsVersion;
use crate::wire::Extension;

/// What is known of the server's wish for a client certificate.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ClientCertificate {
    /// It could not be learned.
    #[default]
    Unknown,
    /// The server does not ask.
    NotAsked,
    /// The server asks; whether it insists shows only in a complete handshake.
    Asked {
        /// The names in DER of the authorities that it accepts; empty if it names none.
        authorities: Vec<Vec<u8>>,
    },
}

/// What passes by while suites are searched.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) chains: Vec<Vec<Vec<u8>>>,
    pub(super) client_certificate: ClientCertificate,
    pub(super) passing: Passing,
}

/// The most distinct chains that are kept.
const MOST_CHAINS: usize = 8;

impl Seen {
    pub(super) fn look_at(&mut self, outcome: &Outcome) {
        let Outcome::Selected(flight) = outcome else { return };
        self.passing.look_at(flight);
        if !flight.certificates.is_empty() {
            add_chain(&mut self.chains, flight.certificates.clone());
        }
        match &flight.certificate_request {
            Some(request) => {
                let authorities = request.authorities.clone();
                self.client_certificate = ClientCertificate::Asked { authorities };
            }
            None if flight.certificates.is_empty() => {}
            None if self.client_certificate == ClientCertificate::Unknown => {
                self.client_certificate = ClientCertificate::NotAsked;
            }
            None => {}
        }
    }
}

fn add_chain(chains: &mut Vec<Vec<Vec<u8>>>, chain: Vec<Vec<u8>>) {
    let known = chains.iter().any(|other| other.first() == chain.first());
    if !known && chains.len() < MOST_CHAINS {
        chains.push(chain);
    }
}

/// What did not come along with the suites.
#[derive(Debug, Default)]
pub(super) struct Extras {
    chains: Vec<Vec<Vec<u8>>>,
    certificate_requested: Option<bool>,
    alpn: Option<Vec<String>>,
}

impl Survey {
    pub(super) fn add_extras(&mut self, extras: Extras) {
        for chain in extras.chains {
            add_chain(&mut self.chains, chain);
        }
        if self.client_certificate == ClientCertificate::Unknown {
            self.client_certificate = match extras.certificate_requested {
                None => ClientCertificate::Unknown,
                Some(false) => ClientCertificate::NotAsked,
                Some(true) => ClientCertificate::Asked { authorities: Vec::new() },
            };
        }
        self.alpn = extras.alpn;
    }
}

/// Asks for what did not come along: chains of servers with TLS 1.3 only, and ALPN.
pub(super) async fn survey_extras(prober: &Prober, subject: &Subject, survey: &Survey) -> Extras {
    let mut extras = Extras::default();
    let legacy = survey
        .versions
        .iter()
        .any(|version| version.version < TlsVersion::TLS13 && !version.accepted.is_empty());
    if !legacy {
        survey_tls13_chains(prober, subject, &mut extras).await;
    }
    extras.alpn = survey_alpn(prober, subject, survey).await;
    extras
}

/// One handshake for each kind of key that a server can show.
async fn survey_tls13_chains(prober: &Prober, subject: &Subject, extras: &mut Extras) {
    const KINDS: [&str; 3] = [
        "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512",
        "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512",
        "ed25519:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512",
    ];
    for kind in KINDS {
        let request = HandshakeRequest {
            minimum: Some(TlsVersion::TLS13),
            signature_algorithms: Some(kind.to_owned()),
            sni: subject.sni.clone(),
            ..HandshakeRequest::default()
        };
        match prober.handshake(&request).await {
            Ok(handshake) => {
                extras.chains.push(handshake.chain);
                extras.certificate_requested = Some(handshake.certificate_requested);
            }
            Err(HandshakeError::Failed { certificate_requested: true, .. }) => {
                extras.certificate_requested = Some(true);
            }
            Err(_) => {}
        }
    }
}

const HTTP_2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Which of HTTP/2 and HTTP/1.1 the server selects.
async fn survey_alpn(prober: &Prober, subject: &Subject, survey: &Survey) -> Option<Vec<String>> {
    let mut offered = vec![HTTP_2, HTTP_1_1];
    let mut selected = Vec::new();
    if prober.gate().is_far() && !prober.gate().has_budget() {
        // Each alone, so that neither answer has to wait for the other.
        let asked = offered.iter().map(|protocol| {
            let alone = std::slice::from_ref(protocol);
            ask_alpn(prober, subject, survey, alone)
        });
        for answer in join_all(asked).await {
            selected.extend(answer?.map(|protocol| protocol.escape_ascii().to_string()));
        }
        return Some(selected);
    }
    while !offered.is_empty() {
        let Some(protocol) = ask_alpn(prober, subject, survey, &offered).await? else { break };
        offered.retain(|candidate| *candidate != protocol.as_slice());
        let name = protocol.escape_ascii().to_string();
        if selected.contains(&name) {
            break;
        }
        selected.push(name);
    }
    Some(selected)
}

/// The outer `None` is 'not learned', the inner one 'no protocol selected'.
async fn ask_alpn(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
    offered: &[&[u8]],
) -> Option<Option<Vec<u8>>> {
    let protocols: Vec<Vec<u8>> = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let in_clear = survey
        .accepted()
        .find(|(version, _)| (TlsVersion::TLS10..TlsVersion::TLS13).contains(version));
    let Some((version, suite)) = in_clear else {
        let request = HandshakeRequest {
            sni: subject.sni.clone(),
            alpn: protocols,
            ..HandshakeRequest::default()
        };
        return match prober.handshake(&request).await {
            Ok(handshake) => Some(handshake.alpn),
            Err(HandshakeError::Failed { alert: Some(_), .. }) => Some(None),
            Err(_) => None,
        };
    };
    let mut hello = suite_hello(subject, version, &[suite], Default::default());
    hello.extensions.push(Extension::Alpn(protocols));
    match prober.ask(&hello).await {
        Outcome::Selected(flight) => Some(flight.server_hello.and_then(|hello| hello.alpn)),
        Outcome::Refused(_) => Some(None),
        _ => None,
    }
}
