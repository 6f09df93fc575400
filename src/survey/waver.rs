//! Whether a server answers the same hello now by a suite and now by an alert, as several servers
//! with different settings do that share one address.
//!
//! What contradicts an answer is asked again: a hello that was refused although it offers a suite
//! that is accepted, a suite whose handshake was refused, one that was not selected alone. So is
//! one hello of each version, where suites in general use are taken for refused because of that
//! one alone. Where it comes out that the server wavers, each refusal may have been another
//! server's, or the moment's.

use super::candidates::is_in_general_use;
use super::evidence::{Answer, Evidence, Oddity};
use super::hello::{Subject, Tls13Share, suite_hello};
use super::{HandshakeResult, Survey};
use crate::probe::{Outcome, Prober};
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};

/// How many contradictions are looked at, and how often each question is asked again.
const CONTRADICTIONS: usize = 2;
const TRIES: usize = 2;
/// How many suites must rest on one refusal for it to be worth a connection and a round trip.
const WORTH_ASKING: usize = 2;
/// How often a suite is asked for alone whose handshake was refused.
const TRIES_ALONE: usize = 4;

/// A hello that was refused by an alert.
#[derive(Clone, Debug)]
pub(super) struct RefusedHello {
    pub(super) version: TlsVersion,
    pub(super) suites: Vec<CipherSuite>,
    pub(super) share: Tls13Share,
    pub(super) alert: AlertDescription,
}

/// The alert by which the server refuses what it takes at other times.
pub(super) async fn find_waver(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
    refused: &[RefusedHello],
) -> Option<AlertDescription> {
    let contradicted = refused
        .iter()
        .filter(|hello| hello.suites.iter().any(|suite| survey.accepts(hello.version, *suite)));
    for hello in contradicted.take(CONTRADICTIONS) {
        for _ in 0..TRIES {
            if is_taken(prober, subject, hello).await {
                return Some(hello.alert);
            }
        }
    }
    for hello in refused_once(survey, refused) {
        if is_taken(prober, subject, hello).await {
            return Some(hello.alert);
        }
    }
    for row in refused_handshakes(survey).take(CONTRADICTIONS) {
        let (_, refused) = ask_alone(prober, subject, row).await;
        if refused.is_some() {
            return refused;
        }
    }
    for (row, alert) in taken_back(survey) {
        let (selected, refused) = ask_alone(prober, subject, row).await;
        if let Some(alert) = refused.or(alert).filter(|_| selected) {
            return Some(alert);
        }
    }
    None
}

/// Whether the suite is selected, and the alert by which it is refused, of some connections.
async fn ask_alone(
    prober: &Prober,
    subject: &Subject,
    (version, suite): (TlsVersion, CipherSuite),
) -> (bool, Option<AlertDescription>) {
    let hello = suite_hello(subject, version, &[suite], Tls13Share::default());
    let (mut selected, mut refused) = (false, None);
    for _ in 0..TRIES_ALONE {
        match prober.ask(&hello).await {
            Outcome::Refused(alert) => refused = Some(alert.description),
            Outcome::Selected(flight) => {
                selected |= flight.server_hello.is_some_and(|hello| hello.cipher_suite == suite);
            }
            _ => {}
        }
    }
    (selected, refused)
}

/// For each version that the server speaks, the hello by whose refusal alone most of the suites in
/// general use are known to be refused.
fn refused_once<'a>(
    survey: &'a Survey,
    refused: &'a [RefusedHello],
) -> impl Iterator<Item = &'a RefusedHello> {
    let spoken = survey.versions.iter().filter(|version| !version.accepted.is_empty());
    spoken.filter_map(|spoken| {
        let hellos = || refused.iter().filter(|hello| hello.version == spoken.version);
        let rests_on_one = |suite: &&CipherSuite| {
            let is_refused = matches!(spoken.answers.get(*suite), Some(Answer::Refused(_)));
            let is_worth_it =
                is_refused && is_in_general_use(**suite) && suite.is_defined_for(spoken.version);
            is_worth_it && hellos().filter(|hello| hello.suites.contains(suite)).count() == 1
        };
        let resting = |hello: &&RefusedHello| hello.suites.iter().filter(rests_on_one).count();
        hellos().max_by_key(resting).filter(|hello| resting(hello) >= WORTH_ASKING)
    })
}

async fn is_taken(prober: &Prober, subject: &Subject, refused: &RefusedHello) -> bool {
    let hello = suite_hello(subject, refused.version, &refused.suites, refused.share);
    let Outcome::Selected(flight) = prober.ask(&hello).await else { return false };
    flight.server_hello.is_some_and(|hello| {
        hello.version == refused.version && refused.suites.contains(&hello.cipher_suite)
    })
}

/// Accepted rows whose handshake the server refused.
fn refused_handshakes(survey: &Survey) -> impl Iterator<Item = (TlsVersion, CipherSuite)> {
    let rows = survey.handshakes.iter();
    let rows = rows.filter(|row| matches!(row.result, HandshakeResult::Refused(_)));
    let rows = rows.filter_map(|row| Some((row.version?, row.suite)));
    rows.filter(|(version, suite)| survey.accepts(*version, *suite))
}

/// The first row that was selected from a set, and not alone, and by which alert, if one came.
fn taken_back(
    survey: &Survey,
) -> impl Iterator<Item = ((TlsVersion, CipherSuite), Option<AlertDescription>)> {
    survey.oddities.iter().filter_map(|oddity| match oddity {
        Oddity::NotConfirmed { version, suite, alert, .. } => Some(((*version, *suite), *alert)),
        _ => None,
    })
}

impl Survey {
    /// Whether the server was seen answering the same hello now so and now so.
    #[must_use]
    pub fn wavers(&self) -> bool {
        let wavers =
            |oddity: &Oddity| matches!(oddity, Oddity::Wavers(_) | Oddity::Unsteady { .. });
        self.oddities.iter().any(wavers)
    }

    /// Takes note of a suite that was selected outside the survey. If it was refused within, by an
    /// alert, the server wavers.
    pub fn add_selection(&mut self, version: TlsVersion, suite: CipherSuite) {
        let answer = self.version(version).and_then(|found| found.answers.get(&suite));
        let alert = match answer {
            Some(Answer::Refused(Evidence::Alert { alert, .. })) => *alert,
            Some(Answer::Refused(Evidence::VersionRefused)) => AlertDescription::PROTOCOL_VERSION,
            Some(Answer::Refused(Evidence::Ended { .. })) => return self.doubt_endings(),
            _ => return,
        };
        self.add_waver(alert);
    }

    /// Takes note that the server refuses by this alert what it takes at other times, so that what
    /// it refused by it is unclear.
    pub fn add_waver(&mut self, alert: AlertDescription) {
        self.doubt_refusals_by(alert);
        let oddity = Oddity::Wavers(alert);
        if !self.oddities.contains(&oddity) {
            self.oddities.push(oddity);
        }
    }

    /// Doubts all that was taken for refused since the server hung up.
    fn doubt_endings(&mut self) {
        self.oddities.retain(|oddity| !matches!(oddity, Oddity::RefusesByEnding(_)));
        let answers = self.versions.iter_mut().flat_map(|version| version.answers.values_mut());
        for answer in answers {
            if let Answer::Refused(Evidence::Ended { .. }) = answer {
                let words = format!("{answer}; so it was for a suite that it takes");
                *answer = Answer::Unclear(words);
            }
        }
    }

    /// Doubts all that was refused by this alert.
    pub(super) fn doubt_refusals_by(&mut self, alert: AlertDescription) {
        let by_version = alert == AlertDescription::PROTOCOL_VERSION;
        let is_doubtful = |answer: &Answer| match answer {
            Answer::Refused(Evidence::Alert { alert: other, .. }) => *other == alert,
            Answer::Refused(Evidence::VersionRefused) => by_version,
            _ => false,
        };
        let answers = self.versions.iter_mut().flat_map(|version| version.answers.values_mut());
        for answer in answers.filter(|answer| is_doubtful(answer)) {
            let words = format!("{answer}; by the same alert it refuses what it took before");
            *answer = Answer::Unclear(words);
        }
    }
}
