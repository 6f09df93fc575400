//! The report as JSON, in the shape of [`v1`](super::v1).

use serde::Serialize;

use super::Diagnosis;
use super::secrets::SecretDiagnosis;
use super::upgrade::{UpgradeDiagnosis, UpstreamUpgrade};
use super::upstreams::UpstreamDiagnosis;
use super::v1::{
    Report, Rows, SecretsReport, UpgradeReport, UpstreamsReport, UpstreamsUpgradeReport,
};
use crate::gloo::symptom::turns_text;
use crate::gloo::{Platform, Terms};
use crate::remedy::Names;

/// Renders diagnoses as one JSON document on one line: every suite under every version is in it,
/// and indented it would be twice as long.
///
/// Patches are written for `names`. Same diagnoses, same bytes.
#[must_use]
pub fn render(diagnoses: &[Diagnosis], names: &Names) -> String {
    text(&Report::new(diagnoses, names)) + "\n"
}

/// The same with the exit code of a run that had more to tell than its diagnoses do: targets that
/// were not reached, or nothing to test.
#[must_use]
pub fn render_with_code(diagnoses: &[Diagnosis], names: &Names, exit_code: u8) -> String {
    text(&Report { exit_code, ..Report::new(diagnoses, names) }) + "\n"
}

/// A value of the published shapes as JSON, with an escape for each sign that a terminal would
/// act upon: servers and files choose what is in strings.
#[must_use]
pub fn text(value: &impl Serialize) -> String {
    // Writing fails only on maps whose keys are no strings, and the shapes have none; an empty
    // document would be the answer, never a wrong one.
    let text = serde_json::to_string(value).unwrap_or_default();
    if !text.contains(acts_on_terminals) {
        return text;
    }
    // Outside of strings JSON is plain ASCII.
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, sign| {
        match acts_on_terminals(sign) {
            // All of them have four digits at most.
            true => escaped += &format!("\\u{:04x}", u32::from(sign)),
            false => escaped.push(sign),
        }
        escaped
    })
}

fn acts_on_terminals(sign: char) -> bool {
    sign.is_control() || turns_text(sign)
}

/// Renders one diagnosis as a whole document on one line, as lists of targets are reported: without
/// the suites that are refused or not offered unless `verbose`, which are a hundred times the rest.
#[must_use]
pub fn render_line(diagnosis: &Diagnosis, names: &Names, verbose: bool) -> String {
    let rows = if verbose { Rows::All } else { Rows::Telling };
    let report = Report::with_rows(std::slice::from_ref(diagnosis), names, rows);
    text(&report) + "\n"
}

/// Renders what was found about Secrets as one JSON document on one line.
#[must_use]
pub fn render_secrets(diagnoses: &[SecretDiagnosis], terms: &Terms, unreadable: usize) -> String {
    text(&SecretsReport::new(diagnoses, terms, unreadable)) + "\n"
}

/// Renders what an upgrade does to targets as one JSON document on one line.
#[must_use]
pub fn render_upgrade(
    diagnoses: &[UpgradeDiagnosis],
    releases: (Platform, Platform),
    names: &Names,
    exit_code: u8,
) -> String {
    let report = UpgradeReport::new(diagnoses, releases, names);
    text(&UpgradeReport { exit_code, ..report }) + "\n"
}

/// Renders what an upgrade does to Upstreams as one JSON document on one line.
#[must_use]
pub fn render_upstream_upgrade(
    upgrades: &[UpstreamUpgrade],
    releases: (Platform, Platform),
    exit_code: u8,
) -> String {
    let report = UpstreamsUpgradeReport::new(upgrades, releases);
    text(&UpstreamsUpgradeReport { exit_code, ..report }) + "\n"
}

/// Renders what was found about Upstreams as one JSON document on one line.
#[must_use]
pub fn render_upstreams(
    diagnoses: &[UpstreamDiagnosis],
    platform: Platform,
    unreadable: usize,
) -> String {
    text(&UpstreamsReport::new(diagnoses, platform, unreadable)) + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::lab::Scenario;

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped_and_the_value_the_same() {
        let odd = "a\u{7f}\u{9b}2J\u{61c}\u{200f}\u{202e}\u{2066}\u{1b}ü\u{1f511}";
        let written = text(&json!({ odd: odd }));
        assert_eq!(
            written.chars().filter(|sign| !sign.is_ascii()).collect::<String>(),
            "ü\u{1f511}ü\u{1f511}"
        );
        assert!(!written.contains(char::is_control));
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), json!({ odd: odd }));
    }

    #[test]
    fn a_run_that_did_not_come_to_its_end_has_the_exit_code_of_one() {
        for code in [0, 2] {
            let text = render_with_code(&[], &Names::default(), code);
            let report: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(report["exit_code"], code);
        }
    }
    use crate::report::sample::diagnose;
    use crate::report::schema::{Shape, schema};
    use crate::verdict::{Finding, Hopeless};

    /// Renders, and holds the text against the schema and against a strict reader.
    fn render_checked(diagnoses: &[Diagnosis]) -> Value {
        let text = render(diagnoses, &Names::default());
        assert!(text.ends_with("}\n"));
        let value: Value = serde_json::from_str(&text).unwrap();
        let schema = serde_json::from_str(&schema(Shape::Report)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|error| format!("{error:?}")).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Report::new(diagnoses, &Names::default()));
        assert_no_null(&value);
        value
    }

    fn assert_no_null(value: &Value) {
        match value {
            Value::Null => panic!("what does not apply is left out"),
            Value::Array(items) => items.iter().for_each(assert_no_null),
            Value::Object(fields) => fields.values().for_each(assert_no_null),
            _ => {}
        }
    }

    #[tokio::test]
    async fn a_legacy_server_needs_a_change() {
        let report = render_checked(&[diagnose(Scenario::Legacy).await]);
        assert_eq!(report["version"], 1);
        assert_eq!(report["summary"], "needs-change");
        assert_eq!(report["exit_code"], 1);
        let target = &report["targets"][0];
        assert_eq!(target["envoy"]["maximum_protocol_version"], "TLSv1.2");
        assert_eq!(target["envoy"]["alpn_protocols"], json!(["http/1.1"]));
        let suites = &target["remedy"]["merge_patch"]["spec"]["sslConfig"]["parameters"];
        assert_eq!(suites["cipherSuites"][4], "ECDHE-RSA-AES256-SHA");
        assert_eq!(&target["remedy"]["change"]["cipher_suites"], &suites["cipherSuites"]);
        let endpoint = &target["endpoints"][0];
        let finding = &endpoint["findings"][0];
        assert_eq!(finding["code"], "cipher-suites");
        assert_eq!(finding["severity"], "blocking");
        assert_eq!(finding["details"]["added"], json!(["ECDHE-RSA-AES256-SHA"]));
        let own = &endpoint["trial"]["own"]["result"];
        assert_eq!(own["outcome"], "blocked");
        assert_eq!(own["obstacle"]["details"]["alert"]["name"], "handshake_failure");
        let proven = &endpoint["trial"]["proven_change"];
        assert_eq!(proven["changed"], json!(["cipherSuites"]));
        assert_eq!(proven["negotiated"]["cipher_suite"]["code_point"], "0xc014");
    }

    #[tokio::test]
    async fn every_suite_is_there_under_every_version_with_its_evidence() {
        let report = render_checked(&[diagnose(Scenario::Legacy).await]);
        let survey = &report["targets"][0]["endpoints"][0]["survey"];
        assert_eq!(survey["complete"], true);
        let versions = survey["versions"].as_array().unwrap();
        let names: Vec<_> = versions.iter().map(|version| &version["version"]).collect();
        assert_eq!(names, ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1.0", "SSLv3"]);
        let counts: Vec<_> = versions.iter().map(|version| &version["accepted"]).collect();
        assert_eq!(counts, [0, 1, 1, 1, 0]);
        for version in versions {
            let suites = version["suites"].as_array().unwrap();
            assert_eq!(suites.len(), 350);
            for suite in suites {
                let known = suite["answer"] == "accepted" || suite["answer"] == "refused";
                assert_eq!(known, suite.get("evidence").is_some(), "{suite}");
                assert_eq!(suite["answer"] == "accepted", suite.get("envoy").is_some(), "{suite}");
            }
        }
        let first = &versions[1]["suites"][0];
        assert_eq!(first["code_point"], "0xc014");
        assert_eq!(first["iana_name"], "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA");
        assert_eq!(first["openssl_name"], "ECDHE-RSA-AES256-SHA");
        assert_eq!(first["answer"], "accepted");
        assert_eq!(first["evidence"]["kind"], "selected");
        assert_eq!(first["envoy"], "configurable");
    }

    #[tokio::test]
    async fn a_modern_server_connects() {
        let report = render_checked(&[diagnose(Scenario::Modern).await]);
        assert_eq!((&report["summary"], &report["exit_code"]), (&json!("connects"), &json!(0)));
        let target = &report["targets"][0];
        assert_eq!(target.get("remedy"), None);
        let endpoint = &target["endpoints"][0];
        let own = &endpoint["trial"]["own"];
        assert_eq!(own["result"]["negotiated"]["version"], "TLSv1.2");
        assert!(own["hello_bytes"].as_u64().unwrap() > 100);
        assert!(endpoint["trial"]["handshake"].is_object());
        let survey = &endpoint["survey"];
        let leaf = &survey["certificate_chains"][0][0];
        assert!(leaf["not_after"].as_str().unwrap().ends_with('Z'), "{leaf}");
        assert_eq!(leaf["sha256_fingerprint"].as_str().unwrap().len(), 64);
        assert_eq!(survey["client_certificate"]["answer"], "not-asked");
        assert_eq!(survey["handshakes"][0]["result"]["outcome"], "completed");
        assert!(!survey["groups"]["accepted"].as_array().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_server_without_tls_has_no_survey() {
        let report = render_checked(&[diagnose(Scenario::PlainHttp).await]);
        let endpoint = &report["targets"][0]["endpoints"][0];
        assert_eq!(endpoint.get("survey"), None);
        let details = &endpoint["findings"][0]["details"];
        assert_eq!(details["kind"], "plain-text");
        assert_eq!(details["protocol"], "http1");
        assert!(details["excerpt"].as_str().unwrap().starts_with("HTTP/1.1 400"));
    }

    #[tokio::test]
    async fn every_scenario_keeps_to_the_schema() {
        for scenario in Scenario::ALL {
            render_checked(&[diagnose(scenario).await]);
        }
    }

    #[tokio::test]
    async fn the_worst_target_decides() {
        let connects = diagnose(Scenario::Modern).await;
        let mut unresolved = connects.clone();
        unresolved.endpoints.clear();
        unresolved.unresolved = Some("cannot resolve x: no such name".to_owned());
        unresolved.ignored.push("[::1]:443".parse().unwrap());
        let report = render_checked(&[connects, unresolved]);
        assert_eq!(report["exit_code"], 2);
        assert_eq!(report["targets"][0]["summary"], "connects");
        assert_eq!(report["targets"][1]["summary"], "unclear");
        assert_eq!(report["targets"][1]["ignored_addresses"], json!(["[::1]:443"]));
    }

    #[tokio::test]
    async fn same_diagnosis_same_bytes() {
        let diagnosis = [diagnose(Scenario::Legacy).await];
        let names = Names::default();
        assert_eq!(render(&diagnosis, &names), render(&diagnosis, &names));
    }

    #[tokio::test]
    async fn a_strict_reader_refuses_what_it_does_not_know() {
        let mut report = render_checked(&[diagnose(Scenario::Legacy).await]);
        let schema = serde_json::from_str(&schema(Shape::Report)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let places = [
            "",
            "/targets/0",
            "/targets/0/endpoints/0/findings/0/details",
            "/targets/0/endpoints/0/trial/own/result",
            "/targets/0/endpoints/0/survey/versions/1/suites/0/evidence",
            "/targets/0/endpoints/0/survey/client_certificate",
        ];
        for place in places {
            let object = report.pointer_mut(place).unwrap().as_object_mut().unwrap();
            object.insert("more".to_owned(), json!(1));
            assert!(!validator.is_valid(&report), "{place}");
            assert!(serde_json::from_value::<Report>(report.clone()).is_err(), "{place}");
            report.pointer_mut(place).unwrap().as_object_mut().unwrap().remove("more");
        }
        assert!(validator.is_valid(&report));
    }

    #[tokio::test]
    async fn details_carry_the_code_of_their_finding() {
        use crate::probe::Ending;
        use crate::survey::Oddity;
        use crate::tls::{AlertDescription, CipherSuite, Group, SignatureScheme, TlsVersion};
        use crate::trial::{KeyKind, KeyUsageBit, Obstacle};
        use crate::wire::PlainProtocol;
        let text = || "x".to_owned();
        let hopeless = [
            Hopeless::Suites(vec![CipherSuite(0x009e), CipherSuite(0xfafa)]),
            Hopeless::Version(TlsVersion::SSL3),
            Hopeless::Groups(vec![Group::SECP521R1, Group(0xfafa)]),
            Hopeless::Key(KeyKind::Ed25519),
            Hopeless::SignatureAlgorithms(vec![text()]),
            Hopeless::KeyUsage(KeyUsageBit::KeyEncipherment),
            Hopeless::Signature(SignatureScheme::ED25519),
            Hopeless::Unknown,
        ];
        let mut findings = vec![
            Finding::CipherSuites { added: vec![text()], replaces: false },
            Finding::FailingSuites { left_out: vec![text()] },
            Finding::Wavers(Obstacle::HandshakeFailed(text())),
            Finding::MinimumVersion(TlsVersion::TLS10),
            Finding::MaximumVersion {
                needed: TlsVersion::TLS13,
                in_force: TlsVersion::TLS12,
                speaks_older: false,
            },
            Finding::Curves { added: vec![text()], for_certificate: true },
            Finding::HelloSize { large: 1479, small: 257, size_alone: true },
            Finding::SignatureAlgorithms { added: vec![text()] },
            Finding::Sni { sent: Some(text()), wanted: Some(None) },
            Finding::Sni { sent: None, wanted: Some(Some(text())) },
            Finding::Sni { sent: None, wanted: None },
            Finding::Alpn { offered: vec![text()], http2: Some(true) },
            Finding::ClientCertificate {
                alert: Some(AlertDescription(200)),
                shown: true,
                authorities: vec![text()],
            },
            Finding::ClientCertificateOptional,
            Finding::CertificateUntrusted(text()),
            Finding::CertificateExpired(text()),
            Finding::CertificateName { wanted: vec![text()], names: vec![] },
            Finding::KeyUsage(KeyUsageBit::DigitalSignature),
            Finding::KeyUsageLater(KeyUsageBit::DigitalSignature),
            Finding::PlainText { protocol: PlainProtocol::Ssh, excerpt: vec![0, b'S', 255] },
            Finding::Unreachable(text()),
            Finding::NoAnswer(text()),
            Finding::Hangup(Ending::Reset),
            Finding::Throttled { times: 1, gave_up: true },
            Finding::Configuration(text()),
            Finding::Other(Obstacle::Downgrade),
            Finding::Http2NotSelected,
            Finding::WeakSuite(CipherSuite(0x002f)),
            Finding::ObsoleteVersion(TlsVersion(0x7f1c)),
            Finding::UnclearSuites(3),
            Finding::DeadlineHit,
            Finding::Oddity(Oddity::RefusesByEnding(Ending::Closed)),
            Finding::Oddity(Oddity::UnassignedSuite),
            Finding::Disagreement,
        ];
        findings.extend(hopeless.map(Finding::NoSettingHelps));
        let mut diagnosis = diagnose(Scenario::PlainHttp).await;
        diagnosis.endpoints[0].verdict.findings = findings.clone();
        let report = render_checked(&[diagnosis]);
        let rendered = report["targets"][0]["endpoints"][0]["findings"].as_array().unwrap();
        assert_eq!(rendered.len(), findings.len());
        for (finding, json) in findings.iter().zip(rendered) {
            assert_eq!(json["code"], finding.code());
            if let Some(details) = json.get("details") {
                assert_eq!(details["kind"], json["code"]);
            }
        }
    }
}
