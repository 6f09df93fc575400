//! The lines of the bash script in Gloo's guide to upstream TLS, one for each cipher of OpenSSL.
//!
//! What the script does with one `openssl s_client` for each cipher is answered from the survey,
//! so that it stays right where the script is not: on servers of TLS 1.3, which connect whatever
//! its `-cipher` says. Reasons are in the words of the OpenSSL that the guide was written with.

use std::collections::HashMap;
use std::fmt::Write;

use super::v1::{
    Alert, Answer, CodePoint, Ending, Endpoint, Evidence, HandshakeResult, ObstacleDetails,
    SuiteRow, Survey, Target, TrialResult,
};
use super::{Diagnosis, v1};
use crate::probe::openssl_ciphers;
use crate::remedy::Names;
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};

/// What is known of one cipher.
enum Line {
    Yes,
    /// With the reason.
    No(String),
    /// With what happened.
    Unknown(String),
}

/// Renders one target as the script does; where it has several addresses, one block for each,
/// under a line with the address.
#[must_use]
pub fn render(diagnosis: &Diagnosis) -> String {
    render_target(&Target::new(diagnosis, &Names::default()))
}

/// Renders one target of a report.
#[must_use]
pub fn render_target(target: &Target) -> String {
    let mut text = format!("Obtaining cipher list from {}.\n", openssl::version::version());
    if target.endpoints.is_empty() {
        let why = target.unresolved.as_deref().unwrap_or("no address to connect to");
        push_lines(&mut text, |_| Line::Unknown(why.to_owned()));
    }
    for endpoint in &target.endpoints {
        if target.endpoints.len() > 1 {
            push(&mut text, format_args!("Connecting to {}:\n", endpoint.address));
        }
        let rows = endpoint.survey.as_ref().map(rows);
        push_lines(&mut text, |suite| line(endpoint, rows.as_ref(), suite));
    }
    text
}

/// What is known of each suite, by its number: the versions, newest first, with their rows.
type Rows<'a> = HashMap<&'a str, Vec<(&'a v1::VersionSurvey, &'a SuiteRow)>>;

fn rows(survey: &Survey) -> Rows<'_> {
    let mut rows = Rows::new();
    for version in &survey.versions {
        for row in &version.suites {
            rows.entry(&row.code_point.0).or_default().push((version, row));
        }
    }
    rows
}

fn push_lines(text: &mut String, line: impl Fn(CipherSuite) -> Line) {
    for name in openssl_ciphers() {
        // OpenSSL has the number of each of its own ciphers, and a test holds it to that.
        let Some(suite) = CipherSuite::from_openssl_name(name) else { continue };
        match line(suite) {
            Line::Yes => push(text, format_args!("Testing {name}...YES\n")),
            Line::No(reason) => push(text, format_args!("Testing {name}...NO ({reason})\n")),
            Line::Unknown(what) => {
                push(text, format_args!("Testing {name}...UNKNOWN RESPONSE\n{what}\n"));
            }
        }
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(line);
}

fn line(endpoint: &Endpoint, rows: Option<&Rows<'_>>, suite: CipherSuite) -> Line {
    let (Some(survey), Some(rows)) = (&endpoint.survey, rows) else {
        return without_survey(endpoint);
    };
    let number = CodePoint::from(suite.0);
    let Some(answers) = rows.get(number.0.as_str()) else {
        // Lines of fleets leave out what is refused.
        return Line::No("refused; how is not in the report".to_owned());
    };
    if answers.iter().any(|(_, row)| row.answer == Answer::Accepted) {
        return Line::Yes;
    }
    if let Some((_, row)) = answers.iter().find(|(_, row)| row.answer == Answer::Unclear) {
        return Line::Unknown(row.evidence_text.clone());
    }
    let reason = reason_of_handshake(survey, &number).or_else(|| reason_of_survey(suite, answers));
    reason.map_or_else(|| without_survey(endpoint), Line::No)
}

/// What stands in the way of everything, the trial knows.
fn without_survey(endpoint: &Endpoint) -> Line {
    match &endpoint.trial.own.result {
        TrialResult::Blocked { obstacle } => match obstacle.details {
            ObstacleDetails::NotTls { .. } => Line::No("wrong version number".to_owned()),
            _ => Line::Unknown(obstacle.text.clone()),
        },
        TrialResult::Through { .. } => Line::Unknown("not asked".to_owned()),
    }
}

/// The alert that a complete handshake over all versions brought, as the script's would. Only an
/// alert is surely the server's: OpenSSL cannot offer some of its own ciphers ('no ciphers
/// available' for PSK without a key), and that says nothing of the server.
fn reason_of_handshake(survey: &Survey, suite: &CodePoint) -> Option<String> {
    let mut rows = survey.handshakes.iter();
    let row = rows.find(|row| row.version.is_none() && row.suite.code_point == *suite)?;
    match &row.result {
        HandshakeResult::Refused { reason } => alert_named(reason.strip_prefix("alert ")?),
        _ => None,
    }
}

/// The refusal under the version that tells most: one that has the suite, that the server speaks,
/// and the newest of these.
fn reason_of_survey(
    suite: CipherSuite,
    answers: &[(&v1::VersionSurvey, &SuiteRow)],
) -> Option<String> {
    let refusals = answers.iter().filter_map(|(version, row)| {
        let evidence = row.evidence.as_ref().filter(|_| row.answer == Answer::Refused)?;
        let defined = TlsVersion::try_from(&version.version)
            .is_ok_and(|version| suite.is_defined_for(version));
        Some(((!defined, version.accepted == 0), row, evidence))
    });
    // `min_by_key` takes the first of equals, and versions come newest first.
    let (_, row, evidence) = refusals.min_by_key(|(rank, ..)| *rank)?;
    Some(evidence_words(row, evidence))
}

fn evidence_words(row: &SuiteRow, evidence: &Evidence) -> String {
    match evidence {
        Evidence::Alert { alert: Alert { number, .. }, .. } => {
            alert_words(AlertDescription(*number))
        }
        Evidence::Ended { ending: Ending::Closed, .. } => "unexpected eof while reading".to_owned(),
        Evidence::Ended { ending: Ending::Reset, .. } => "connection reset by peer".to_owned(),
        Evidence::OtherVersion { .. } => "unsupported protocol".to_owned(),
        Evidence::VersionRefused {} => alert_words(AlertDescription::PROTOCOL_VERSION),
        // Never the reason of a refusal.
        Evidence::Selected { .. } => row.evidence_text.clone(),
    }
}

/// The words for an alert by its registered name.
fn alert_named(name: &str) -> Option<String> {
    let mut alerts = (0..=u8::MAX).map(AlertDescription);
    alerts.find(|alert| alert.name() == Some(name)).map(alert_words)
}

/// OpenSSL's words for an alert that it received, as all releases before 3.2 have them: the
/// prefix is the protocol that brought the alert, and the words of RFC 6066 go without 'alert'.
///
/// OpenSSL `ssl/ssl_err.c`.
fn alert_words(alert: AlertDescription) -> String {
    let Some(name) = alert.name() else { return format!("reason({})", 1000 + u16::from(alert.0)) };
    let prefix = match alert.0 {
        0..=20 | 30 | 40..=47 => "sslv3 alert",
        109 | 116 => "tlsv13 alert",
        110..=114 => "tlsv1",
        _ => "tlsv1 alert",
    };
    // OpenSSL spells it with two l.
    let name = if name == "user_canceled" { "user_cancelled" } else { name };
    format!("{prefix} {}", name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scenario;
    use crate::report::sample::{diagnose, diagnose_exhaustively};

    fn lines_with<'a>(text: &'a str, end: &str) -> Vec<&'a str> {
        text.lines().filter_map(|line| line.strip_prefix("Testing ")?.strip_suffix(end)).collect()
    }

    #[test]
    fn alerts_are_in_the_words_of_openssl() {
        #[rustfmt::skip]
        let table = [
            (10,  "sslv3 alert unexpected message"), (22,  "tlsv1 alert record overflow"),
            (40,  "sslv3 alert handshake failure"),  (47,  "sslv3 alert illegal parameter"),
            (48,  "tlsv1 alert unknown ca"),         (70,  "tlsv1 alert protocol version"),
            (71,  "tlsv1 alert insufficient security"),
            (80,  "tlsv1 alert internal error"),     (90,  "tlsv1 alert user cancelled"),
            (109, "tlsv13 alert missing extension"), (112, "tlsv1 unrecognized name"),
            (116, "tlsv13 alert certificate required"),
            (120, "tlsv1 alert no application protocol"),
            (200, "reason(1200)"),
        ];
        for (number, words) in table {
            assert_eq!(alert_words(AlertDescription(number)), words);
        }
        assert_eq!(
            alert_named("handshake_failure").as_deref(),
            Some("sslv3 alert handshake failure")
        );
        assert_eq!(alert_named("no ciphers available"), None);
    }

    #[tokio::test]
    async fn a_legacy_server_has_one_yes() {
        let text = render(&diagnose(Scenario::Legacy).await);
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("Obtaining cipher list from OpenSSL "), "{first}");
        assert_eq!(text.lines().count(), 1 + openssl_ciphers().len());
        assert_eq!(lines_with(&text, "...YES"), ["ECDHE-RSA-AES256-SHA"]);
        let refused = lines_with(&text, "...NO (sslv3 alert handshake failure)");
        assert!(refused.contains(&"ECDHE-RSA-AES256-GCM-SHA384"));
        let unspoken = lines_with(&text, "...NO (tlsv1 alert protocol version)");
        assert!(unspoken.contains(&"TLS_AES_256_GCM_SHA384"), "{text}");
    }

    #[tokio::test]
    async fn reasons_of_complete_handshakes_say_the_same() {
        let plain = render(&diagnose(Scenario::Legacy).await);
        let mut diagnosis = diagnose_exhaustively(Scenario::Legacy).await;
        let rows = &diagnosis.endpoints[0].survey.as_ref().unwrap().handshakes;
        assert_eq!(rows.len(), openssl_ciphers().len());
        let exhaustive = render(&diagnosis);
        let differing: Vec<_> =
            exhaustive.lines().zip(plain.lines()).filter(|(one, other)| one != other).collect();
        assert_eq!(differing, []);
        let survey = diagnosis.endpoints[0].survey.as_mut().unwrap();
        let row = survey.handshakes.iter_mut().find(|row| row.suite == CipherSuite(0x002f));
        row.unwrap().result =
            crate::survey::HandshakeResult::Refused("alert internal_error".to_owned());
        assert!(render(&diagnosis).contains("AES128-SHA...NO (tlsv1 alert internal error)\n"));
    }

    #[tokio::test]
    async fn a_tls13_server_has_no_for_what_it_lacks() {
        let diagnosis = diagnose(Scenario::Modern).await;
        let text = render(&diagnosis);
        let accepted = lines_with(&text, "...YES");
        let survey = diagnosis.endpoints[0].survey.as_ref().unwrap();
        let mut expected: Vec<_> =
            survey.accepted().filter_map(|(_, suite)| suite.openssl_name()).collect();
        expected.sort_unstable();
        let mut sorted = accepted.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert!(accepted.contains(&"TLS_AES_128_GCM_SHA256"));
        assert!(accepted.contains(&"ECDHE-RSA-AES128-GCM-SHA256"));
        assert!(lines_with(&text, "...NO (sslv3 alert handshake failure)").contains(&"AES128-SHA"));
        assert!(!text.contains("UNKNOWN"));
    }

    #[tokio::test]
    async fn a_server_without_tls_refuses_everything() {
        let text = render(&diagnose(Scenario::PlainHttp).await);
        assert_eq!(
            lines_with(&text, "...NO (wrong version number)").len(),
            openssl_ciphers().len()
        );
    }

    #[tokio::test]
    async fn what_is_unclear_is_said_to_be() {
        let mut diagnosis = diagnose(Scenario::Legacy).await;
        let survey = diagnosis.endpoints[0].survey.as_mut().unwrap();
        let suite = CipherSuite(0x002f);
        survey.versions[1]
            .answers
            .insert(suite, crate::survey::Answer::Unclear("no answer".to_owned()));
        let text = render(&diagnosis);
        assert!(text.contains("Testing AES128-SHA...UNKNOWN RESPONSE\nno answer\n"));
    }

    #[tokio::test]
    async fn addresses_are_told_apart_and_none_is_unknown() {
        let mut diagnosis = diagnose(Scenario::PlainHttp).await;
        diagnosis.endpoints.push(diagnosis.endpoints[0].clone());
        let text = render(&diagnosis);
        assert_eq!(text.matches("Connecting to 127.0.0.1:").count(), 2);
        diagnosis.endpoints.clear();
        diagnosis.unresolved = Some("no such name".to_owned());
        let text = render(&diagnosis);
        assert_eq!(
            text.matches("...UNKNOWN RESPONSE\nno such name\n").count(),
            openssl_ciphers().len()
        );
    }
}
