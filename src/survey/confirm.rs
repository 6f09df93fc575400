//! Selections that something contradicts are asked for once more, each suite alone.
//!
//! Something on the way can change which suite a ServerHello names. A hello that offers one suite
//! leaves nothing to change it to; the handshakes that follow a survey offer one each, so that
//! only what they contradict is asked again here.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time::sleep;

use super::evidence::{Answer, Evidence, Oddity};
use super::hello::{Subject, suite_hello};
use super::{HandshakeResult, Preference, Survey};
use crate::probe::{Outcome, ProbeError, Prober};
use crate::tls::{Alert, AlertDescription, CipherSuite, TlsVersion};

/// How often a suite is asked for alone before it is unclear.
const TRIES: u32 = 3;
/// The same where it is hung up on, which often says that the server is throttling us.
const ENDED_TRIES: u32 = 6;
/// How long to wait before a suite that was selected is asked for again, longer each time.
const PAUSE: Duration = Duration::from_millis(200);

/// What came of asking for a suite alone.
enum Alone {
    Selected,
    Refused(Alert),
    Unclear(String),
    /// No connection was left for it, so that nothing contradicts what was seen.
    NotAsked,
}

/// Asks again, alone, for each suite whose selection is contradicted, and then for all that
/// nothing confirms if one of them was not selected alone.
pub(super) async fn confirm_selections(prober: &Prober, subject: &Subject, survey: &mut Survey) {
    let rows = contradicted(survey);
    let mut taken_back = confirm(prober, subject, survey, rows).await;
    if !taken_back.is_empty() {
        let rows = unconfirmed(survey);
        taken_back.extend(confirm(prober, subject, survey, rows).await);
    }
    // The telling one is one that was answered.
    let rows = taken_back.len();
    let telling = taken_back.iter().position(|row| row.alert.is_some()).unwrap_or(0);
    if rows > 0 {
        let TakenBack { version, suite, alert } = taken_back.swap_remove(telling);
        survey.oddities.push(Oddity::NotConfirmed { version, suite, alert, rows });
    }
}

/// A suite that was selected from a set, and not alone; by which alert, if one came.
struct TakenBack {
    version: TlsVersion,
    suite: CipherSuite,
    alert: Option<AlertDescription>,
}

/// Asks for these rows alone, and takes back those that are not selected then.
async fn confirm(
    prober: &Prober,
    subject: &Subject,
    survey: &mut Survey,
    rows: Rows,
) -> Vec<TakenBack> {
    let answers: Vec<_> = stream::iter(rows)
        .map(async |(version, suite)| {
            (version, suite, ask_alone(prober, subject, version, suite).await)
        })
        .buffered(prober.gate().width())
        .collect()
        .await;
    let mut taken_back = Vec::new();
    for (version, suite, alone) in answers {
        let (what, alert) = match alone {
            Alone::Selected | Alone::NotAsked => continue,
            Alone::Refused(alert) => {
                let what = format!("selected from a set, and alone refused by alert {alert}");
                (what, Some(alert.description))
            }
            Alone::Unclear(what) => (what, None),
        };
        survey.take_back(version, suite, Answer::Unclear(what));
        taken_back.push(TakenBack { version, suite, alert });
    }
    taken_back
}

/// Asks once more for a suite that was selected. A server that refuses it by now, as one does
/// that bans or is overloaded and says so by an alert, may have refused others for that reason:
/// what it refused by the same alert is unclear then.
pub(super) async fn confirm_refusals(prober: &Prober, subject: &Subject, survey: &mut Survey) {
    let completed = |row: &super::HandshakeRow| matches!(row.result, HandshakeResult::Completed(_));
    // Handshakes come after all that was refused.
    if !survey.handshakes.iter().any(completed) {
        let alert = refuses_what_it_took(prober, subject, survey).await;
        survey.add_refusal(alert);
    }
}

/// The alert by which the first suite that was accepted is refused again and again.
pub(super) async fn refuses_what_it_took(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
) -> Option<AlertDescription> {
    let (version, suite) = survey.accepted().next()?;
    let hello = suite_hello(subject, version, &[suite], Default::default());
    let mut last = None;
    for tries in 0..TRIES {
        sleep(PAUSE * tries).await;
        last = match prober.ask(&hello).await {
            Outcome::Refused(alert) => Some(alert.description),
            _ => return None,
        };
    }
    last
}

/// Pairs of version and suite.
type Rows = Vec<(TlsVersion, CipherSuite)>;

/// The rows known only from a set of suites that a handshake does not confirm, or that none was
/// begun for if the server was seen selecting what was not offered.
fn contradicted(survey: &Survey) -> Rows {
    let unoffered = |oddity: &Oddity| matches!(oddity, Oddity::UnofferedSuite { .. });
    let is_liar = survey.oddities.iter().any(unoffered);
    let mut rows = unconfirmed(survey);
    rows.retain(|row| {
        let refuses = matches!(
            handshake(survey, *row),
            Some(
                HandshakeResult::Refused(_)
                    | HandshakeResult::FailedAfterSelection(_)
                    | HandshakeResult::Unclear(_)
                    | HandshakeResult::NotInOpenssl
            )
        );
        is_liar || refuses
    });
    rows
}

/// The rows known only from a set of suites, without a handshake.
fn unconfirmed(survey: &Survey) -> Rows {
    let rows = survey.accepted().filter(|(version, suite)| {
        let answer = survey.version(*version).and_then(|found| found.answers.get(suite));
        let from_set =
            matches!(answer, Some(Answer::Accepted(Evidence::Selected { offered: 2.., .. })));
        let completed =
            matches!(handshake(survey, (*version, *suite)), Some(HandshakeResult::Completed(_)));
        from_set && !completed
    });
    rows.collect()
}

fn handshake(
    survey: &Survey,
    (version, suite): (TlsVersion, CipherSuite),
) -> Option<&HandshakeResult> {
    let mut rows = survey.handshakes.iter();
    let row = rows.find(|row| row.suite == suite && row.version == Some(version))?;
    Some(&row.result)
}

async fn ask_alone(
    prober: &Prober,
    subject: &Subject,
    version: TlsVersion,
    suite: CipherSuite,
) -> Alone {
    let hello = suite_hello(subject, version, &[suite], Default::default());
    let mut last = String::new();
    let (mut tries, mut endings) = (0, 0);
    while tries < TRIES && endings < ENDED_TRIES {
        if endings > 0 {
            prober.gate().narrow();
            sleep(PAUSE * endings).await;
        }
        let outcome = prober.ask(&hello).await;
        match outcome {
            Outcome::Ended(_) => endings += 1,
            _ => tries += 1,
        }
        last = match outcome {
            Outcome::Refused(alert) => return Alone::Refused(alert),
            Outcome::Selected(flight) => match flight.server_hello {
                Some(hello) if hello.cipher_suite == suite && hello.version == version => {
                    return Alone::Selected;
                }
                _ => "selected from a set, and something else alone".to_owned(),
            },
            Outcome::Ended(ending) => format!("selected from a set, and alone {ending}"),
            Outcome::NotTls { .. } => "selected from a set, and alone no TLS".to_owned(),
            Outcome::Failed(ProbeError::Budget) if last.is_empty() => return Alone::NotAsked,
            Outcome::Failed(error) => format!("selected from a set, and alone {error}"),
        };
    }
    Alone::Unclear(last)
}

impl Survey {
    /// Takes note of the alert by which a suite is refused that was selected, if one is.
    pub(super) fn add_refusal(&mut self, alert: Option<AlertDescription>) {
        if let Some(alert) = alert {
            self.doubt_refusals_by(alert);
            self.oddities.push(Oddity::RefusesWhatItTook(alert));
        }
    }

    fn take_back(&mut self, version: TlsVersion, suite: CipherSuite, answer: Answer) {
        let found = self.versions.iter_mut().find(|survey| survey.version == version);
        if let Some(found) = found {
            found.answers.insert(suite, answer);
            found.accepted.retain(|accepted| *accepted != suite);
            // Whatever the order was made of is no longer sure.
            found.preference = Preference::Unknown;
            found.order_proven = false;
        }
    }
}
