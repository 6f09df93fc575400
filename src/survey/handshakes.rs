//! Complete OpenSSL handshakes, one for each suite.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time::sleep;

use super::run::Step;
use super::{Oddity, Subject, Survey};
use crate::probe::{Ending, HandshakeError, HandshakeRequest, Prober, openssl_ciphers};
use crate::tls::{CipherSuite, TlsVersion};

/// How long to wait before a handshake that taught nothing is begun again.
const PAUSE: Duration = Duration::from_millis(100);

/// One complete handshake, or the reason why there is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HandshakeRow {
    /// The version offered; `None` where every version was, as the exhaustive way does.
    pub version: Option<TlsVersion>,
    /// The suite offered, the only one.
    pub suite: CipherSuite,
    /// What came of it.
    pub result: HandshakeResult,
}

/// What came of a handshake with one suite.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HandshakeResult {
    /// A session, under this version.
    Completed(TlsVersion),
    /// The server had selected the suite, but no session came of it; why.
    FailedAfterSelection(String),
    /// The server did not select the suite; what it said.
    Refused(String),
    /// Nothing was learned; why.
    Unclear(String),
    /// The linked OpenSSL does not have the suite, or not for this version.
    NotInOpenssl,
}

/// Handshakes with each accepted suite under the version that accepts it.
pub(super) async fn accepted_suites(
    prober: &Prober,
    subject: &Subject,
    survey: &mut Survey,
    progress: &(dyn Fn(Step) + Sync),
) {
    let offers: Vec<_> = survey.accepted().map(|(version, suite)| (Some(version), suite)).collect();
    shake_hands(prober, subject, survey, offers, progress).await;
}

/// Handshakes with every cipher of OpenSSL, each over all versions that have it.
pub(super) async fn every_cipher(
    prober: &Prober,
    subject: &Subject,
    survey: &mut Survey,
    progress: &(dyn Fn(Step) + Sync),
) {
    let suites = openssl_ciphers().iter().filter_map(|name| CipherSuite::from_openssl_name(name));
    let offers: Vec<_> = suites.map(|suite| (None, suite)).collect();
    shake_hands(prober, subject, survey, offers, progress).await;
}

async fn shake_hands(
    prober: &Prober,
    subject: &Subject,
    survey: &mut Survey,
    offers: Vec<(Option<TlsVersion>, CipherSuite)>,
    progress: &(dyn Fn(Step) + Sync),
) {
    let total = offers.len();
    let refuses_by: Vec<_> = survey.oddities.iter().filter_map(Oddity::refuses_by).collect();
    progress(Step::Handshakes(0, total));
    let width = prober.gate().width();
    let mut results = stream::iter(offers)
        .map(|(version, suite)| shake(prober, subject, version, suite, &refuses_by))
        .buffered(width);
    while let Some(row) = results.next().await {
        survey.handshakes.push(row);
        progress(Step::Handshakes(survey.handshakes.len(), total));
    }
}

async fn shake(
    prober: &Prober,
    subject: &Subject,
    version: Option<TlsVersion>,
    suite: CipherSuite,
    refuses_by: &[Ending],
) -> HandshakeRow {
    let row = |result| HandshakeRow { version, suite, result };
    let Some(name) = suite.openssl_name() else { return row(HandshakeResult::NotInOpenssl) };
    let request = request(subject, version, suite, name);
    let mut last = HandshakeResult::NotInOpenssl;
    for tries in 0..=prober.limits().retries {
        sleep(PAUSE * tries * tries).await;
        last = result(prober.handshake(&request).await, suite, refuses_by);
        if !matches!(last, HandshakeResult::Unclear(_)) {
            break;
        }
    }
    row(last)
}

fn request(
    subject: &Subject,
    version: Option<TlsVersion>,
    suite: CipherSuite,
    name: &str,
) -> HandshakeRequest {
    let request = HandshakeRequest { sni: subject.sni.clone(), ..HandshakeRequest::default() };
    if suite.is_tls13() {
        let tls13 = Some(TlsVersion::TLS13);
        let tls13_suites = Some(name.to_owned());
        return HandshakeRequest { minimum: tls13, maximum: tls13, tls13_suites, ..request };
    }
    HandshakeRequest {
        minimum: version.or(Some(TlsVersion::SSL3)),
        maximum: version.or(Some(TlsVersion::TLS12)),
        cipher_list: Some(name.to_owned()),
        ..request
    }
}

fn result(
    answer: Result<crate::probe::Handshake, HandshakeError>,
    suite: CipherSuite,
    refuses_by: &[Ending],
) -> HandshakeResult {
    match answer {
        Ok(done) if done.cipher_suite == suite => HandshakeResult::Completed(done.version),
        Ok(done) => HandshakeResult::Unclear(format!("the session has {}", done.cipher_suite)),
        Err(HandshakeError::Failed { reason, selected: true, .. }) => {
            HandshakeResult::FailedAfterSelection(reason)
        }
        Err(HandshakeError::Failed { reason, ended: Some(ending), .. })
            if !refuses_by.contains(&ending) =>
        {
            HandshakeResult::Unclear(reason)
        }
        Err(HandshakeError::Failed { reason, .. }) => HandshakeResult::Refused(reason),
        Err(HandshakeError::Unsupported(_)) => HandshakeResult::NotInOpenssl,
        Err(error @ HandshakeError::Probe(_)) => HandshakeResult::Unclear(error.to_string()),
    }
}
