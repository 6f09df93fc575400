//! What is asked last of all, since there are servers that do not survive it: user names of SRP,
//! which `openssl s_server` of 3.0 crashes on (measured), and SSL 2.0. Beside them, whether a
//! fallback is refused, for which all versions must be known.

use super::behaviour::{Fact, Ssl2, ask_ssl2, survey_fallback};
use super::evidence::{Answer, Evidence};
use super::hello::{Subject, user_hello};
use super::search::selected;
use super::{Survey, VersionSurvey};
use crate::probe::{Outcome, Prober};
use crate::tls::{AlertDescription, CipherSuite, KeyExchange, TlsVersion};

/// What only the last questions show.
#[derive(Debug, Default)]
pub(super) struct Last {
    fallback_scsv: Fact,
    ssl2: Ssl2,
    asking: Vec<(TlsVersion, CipherSuite, Answer)>,
}

impl Survey {
    pub(super) fn add_last(&mut self, last: Last) {
        for (version, suite, answer) in last.asking {
            let found = self.versions.iter_mut().find(|found| found.version == version);
            if let Some(found) = found {
                found.answers.insert(suite, answer);
            }
        }
        self.behaviour.fallback_scsv = last.fallback_scsv;
        self.behaviour.ssl2 = last.ssl2;
        self.has_asked_last = true;
    }
}

/// Asks what is left, unless that was done, and writes it into `survey`.
pub async fn ask_last(prober: &Prober, sni: Option<String>, survey: &mut Survey) {
    if survey.has_asked_last {
        return;
    }
    let subject = Subject { sni, manner: survey.manner };
    let last = find_last(prober, &subject, survey).await;
    survey.add_last(last);
}

pub(super) async fn find_last(prober: &Prober, subject: &Subject, survey: &Survey) -> Last {
    let known = survey.accepted().next();
    let (fallback_scsv, asking, ssl2) = futures::join!(
        survey_fallback(prober, subject, survey),
        ask_users(prober, subject, &survey.versions),
        ask_ssl2(prober, subject, known),
    );
    Last { fallback_scsv, ssl2, asking }
}

/// Offers the suites of SRP once more, with a user name: some servers do not look at them
/// without one (measured with GnuTLS 3.7), so that 'refused' would be wrong. Returns those that
/// ask for one.
async fn ask_users(
    prober: &Prober,
    subject: &Subject,
    versions: &[VersionSurvey],
) -> Vec<(TlsVersion, CipherSuite, Answer)> {
    let any = versions.iter().any(has_legacy);
    let asked = |version: &&VersionSurvey| {
        has_legacy(version) || (!any && version.version == TlsVersion::TLS12)
    };
    let mut asking = Vec::new();
    for survey in versions.iter().filter(asked) {
        // The server may have said already what it makes of them.
        if !are_srp_refused(survey) {
            continue;
        }
        let found = ask_users_of(prober, subject, survey).await;
        if found.is_empty() {
            break;
        }
        let version = survey.version;
        asking.extend(found.into_iter().map(|(suite, answer)| (version, suite, answer)));
    }
    asking
}

fn has_legacy(version: &VersionSurvey) -> bool {
    (TlsVersion::TLS10..TlsVersion::TLS13).contains(&version.version)
        && !version.accepted.is_empty()
}

fn srp_answers(survey: &VersionSurvey) -> impl Iterator<Item = (CipherSuite, &Answer)> {
    let answers = survey.answers.iter().map(|(suite, answer)| (*suite, answer));
    answers.filter(|(suite, _)| suite.key_exchange() == KeyExchange::Srp)
}

fn are_srp_refused(survey: &VersionSurvey) -> bool {
    srp_answers(survey).all(|(_, answer)| matches!(answer, Answer::Refused(_)))
}

/// The suites that ask for a user name under this version.
async fn ask_users_of(
    prober: &Prober,
    subject: &Subject,
    survey: &VersionSurvey,
) -> Vec<(CipherSuite, Answer)> {
    let mut offered: Vec<_> = srp_answers(survey).map(|(suite, _)| suite).collect();
    let mut found = Vec::new();
    while !offered.is_empty() {
        let hello = user_hello(subject, survey.version, &offered);
        let answer = match prober.ask(&hello).await {
            Outcome::Selected(flight) => {
                let suite = flight.server_hello.as_ref().map(|hello| hello.cipher_suite);
                suite.map(|suite| (suite, selected(&flight, offered.len())))
            }
            Outcome::Refused(alert)
                if alert.description == AlertDescription::UNKNOWN_PSK_IDENTITY =>
            {
                let alert = alert.description;
                // One of them; which, only a hello for it alone would show.
                (offered.len() == 1).then(|| (offered[0], Evidence::Alert { alert, offered: 1 }))
            }
            _ => None,
        };
        let Some((suite, evidence)) = answer else { break };
        let Some(place) = offered.iter().position(|other| *other == suite) else { break };
        offered.remove(place);
        found.push((suite, Answer::AsksIdentity(evidence)));
    }
    found
}
