//! Complete OpenSSL handshakes, one for each suite.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time::sleep;

use super::run::{Options, Step};
use super::{Subject, Survey};
use crate::probe::{Ending, HandshakeError, HandshakeRequest, ProbeError, Prober, openssl_ciphers};
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

/// Completes a handshake for each offer and adds what came of it to `rows`, in order.
pub(super) async fn shake_hands(
    prober: &Prober,
    subject: &Subject,
    offers: Vec<(Option<TlsVersion>, CipherSuite)>,
    refuses_by: &[Ending],
    rows: &Mutex<Vec<HandshakeRow>>,
    progress: &(dyn Fn(Step) + Sync),
) {
    let total = offers.len();
    let width = prober.gate().most();
    let mut results = stream::iter(offers)
        .map(|(version, suite)| shake(prober, subject, version, suite, refuses_by))
        .buffered(width)
        .enumerate();
    while let Some((index, row)) = results.next().await {
        rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        progress(Step::Handshakes(index + 1, total));
    }
}

/// Each accepted suite under the version that accepts it, or every cipher of OpenSSL over all
/// versions that have it, as the options have it.
pub(super) fn offers(survey: &Survey, options: &Options) -> Vec<(Option<TlsVersion>, CipherSuite)> {
    if options.exhaustive {
        let names = openssl_ciphers().iter();
        let suites = names.filter_map(|name| CipherSuite::from_openssl_name(name));
        suites.map(|suite| (None, suite)).collect()
    } else if options.handshakes {
        survey.accepted().map(|(version, suite)| (Some(version), suite)).collect()
    } else {
        Vec::new()
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
        if tries > 0 {
            sleep(PAUSE * tries * tries).await;
        }
        let answer = prober.handshake(&request).await;
        // Silence has had all its time, and a hello of OpenSSL's is a long one.
        let is_silence = matches!(answer, Err(HandshakeError::Probe(ProbeError::Silence { .. })));
        last = result(answer, suite, refuses_by);
        if !matches!(last, HandshakeResult::Unclear(_)) || is_silence {
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
    // OpenSSL has no IDEA and no single DES in TLS 1.2.
    let newest = if name.contains("IDEA") || name.contains("DES-CBC-") {
        TlsVersion::TLS11
    } else {
        TlsVersion::TLS12
    };
    HandshakeRequest {
        minimum: version.or(Some(TlsVersion::SSL3)),
        maximum: version.or(Some(newest)),
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
        // OpenSSL gave up before the server had a say, as it does for suites that need a key
        // agreed on beforehand.
        Err(HandshakeError::Failed { ours: true, .. }) => HandshakeResult::NotInOpenssl,
        Err(HandshakeError::Failed { reason, .. }) => HandshakeResult::Refused(reason),
        Err(HandshakeError::Unsupported(_)) => HandshakeResult::NotInOpenssl,
        Err(error @ HandshakeError::Probe(_)) => HandshakeResult::Unclear(error.to_string()),
    }
}
