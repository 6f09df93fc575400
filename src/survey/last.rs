//! What is asked last of all, since there are servers that do not survive it: user names of SRP,
//! which `openssl s_server` of 3.0 crashes on (measured), and SSL 2.0. Beside them, whether a
//! fallback is refused, for which all versions must be known.

use super::behaviour::{ask_ssl2, survey_fallback};
use super::evidence::{Answer, Evidence};
use super::hello::{Subject, user_hello};
use super::search::selected;
use super::{Survey, VersionSurvey};
use crate::probe::{Outcome, Prober};
use crate::tls::{AlertDescription, CipherSuite, KeyExchange, TlsVersion};

/// Asks what is left, and writes it into `survey`.
pub async fn ask_last(prober: &Prober, subject: &Subject, survey: &mut Survey) {
    let known = survey.accepted().next();
    let mut versions = survey.versions.clone();
    let (fallback_scsv, (), ssl2) = futures::join!(
        survey_fallback(prober, subject, survey),
        ask_users(prober, subject, &mut versions),
        ask_ssl2(prober, subject, known),
    );
    survey.versions = versions;
    survey.behaviour.fallback_scsv = fallback_scsv;
    survey.behaviour.ssl2 = ssl2;
}

/// Offers the suites of SRP once more, with a user name: some servers do not look at them
/// without one (measured with GnuTLS 3.7), so that 'refused' would be wrong.
async fn ask_users(prober: &Prober, subject: &Subject, versions: &mut [VersionSurvey]) {
    let any = versions.iter().any(has_legacy);
    let asked = |version: &VersionSurvey| {
        has_legacy(version) || (!any && version.version == TlsVersion::TLS12)
    };
    for version in versions.iter_mut().filter(|version| asked(version)) {
        if ask_users_of(prober, subject, version).await == 0 {
            return;
        }
    }
}

fn has_legacy(version: &VersionSurvey) -> bool {
    (TlsVersion::TLS10..TlsVersion::TLS13).contains(&version.version)
        && !version.accepted.is_empty()
}

/// Returns how many suites ask for a user name under this version.
async fn ask_users_of(prober: &Prober, subject: &Subject, version: &mut VersionSurvey) -> usize {
    let is_srp = |suite: &CipherSuite| suite.key_exchange() == KeyExchange::Srp;
    let answers = version.answers.iter().filter(|(suite, _)| is_srp(suite));
    let known = answers.clone().filter(|(_, answer)| !matches!(answer, Answer::Refused(_)));
    if known.count() > 0 {
        // The server has said what it makes of them.
        return 1;
    }
    let mut offered: Vec<_> = answers.map(|(suite, _)| *suite).collect();
    let mut found = 0;
    while !offered.is_empty() {
        let hello = user_hello(subject, version.version, &offered);
        let answer = match prober.ask(&hello).await {
            Outcome::Selected(flight) => {
                let suite = flight.server_hello.as_ref().map(|hello| hello.cipher_suite);
                suite.map(|suite| (vec![suite], selected(&flight, offered.len())))
            }
            Outcome::Refused(alert)
                if alert.description == AlertDescription::UNKNOWN_PSK_IDENTITY =>
            {
                let alert = alert.description;
                // One of them; which, only a hello for it alone would show.
                (offered.len() == 1)
                    .then(|| (offered.clone(), Evidence::Alert { alert, offered: 1 }))
            }
            _ => None,
        };
        let Some((suites, evidence)) = answer else { return found };
        let Some(place) = offered.iter().position(|suite| suites.contains(suite)) else {
            return found;
        };
        let suite = offered.remove(place);
        version.answers.insert(suite, Answer::AsksIdentity(evidence));
        found += 1;
    }
    found
}
