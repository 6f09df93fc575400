//! Many targets at a glance: one line each, with the verdict, the causes and what to do.

use super::overview::causes;
use super::terminal::by_summary;
use super::v1::{Change, Severity, Summary, Target};

/// Where targets end; those of the usual length stand in line.
const TARGET_WIDTH: usize = 36;
/// Where causes end.
const CAUSE_WIDTH: usize = 24;

/// One target as one line, with its end.
#[must_use]
pub fn row(target: &Target) -> String {
    let mut codes: Vec<_> = causes(target).collect();
    codes.dedup();
    // Padded before it is coloured, since escape codes would count as columns.
    let word = by_summary(target.summary.into(), &format!("{:<16}", word(target.summary)));
    let (name, codes) = (&target.target, codes.join(", "));
    let line = format!("{word} {name:<TARGET_WIDTH$} {codes:<CAUSE_WIDTH$} {}", to_do(target));
    format!("{}\n", line.trim_end())
}

fn word(summary: Summary) -> &'static str {
    match summary {
        Summary::Connects => "connects",
        Summary::NeedsChange => "needs-change",
        Summary::NoSettingHelps => "no-setting-helps",
        Summary::Unclear => "unclear",
    }
}

/// What to do, or else what was found.
fn to_do(target: &Target) -> String {
    if let Some(remedy) = &target.remedy {
        return format!("patch {}", fields(&remedy.change).join(", "));
    }
    let findings = target.endpoints.iter().flat_map(|endpoint| &endpoint.findings);
    let blocking = findings.filter(|finding| finding.severity == Severity::Blocking);
    let words = blocking.map(|finding| finding.advice.as_ref().unwrap_or(&finding.message));
    words.chain(&target.no_remedy).chain(&target.unresolved).next().cloned().unwrap_or_default()
}

/// The fields that a change sets, by Gloo's names.
fn fields(change: &Change) -> Vec<&'static str> {
    [
        ("cipherSuites", change.cipher_suites.is_some()),
        ("ecdhCurves", change.ecdh_curves.is_some()),
        ("minimumProtocolVersion", change.minimum_protocol_version.is_some()),
        ("maximumProtocolVersion", change.maximum_protocol_version.is_some()),
        ("sni", change.sni.is_some()),
        ("useHttp2", change.use_http2.is_some()),
        ("alpnProtocols", change.alpn_protocols.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, changes)| changes.then_some(field))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scenario;
    use crate::remedy::Names;
    use crate::report::sample::diagnose;

    async fn row_of(scenario: Scenario) -> String {
        let mut target = Target::new(&diagnose(scenario).await, &Names::default());
        "db.example:443".clone_into(&mut target.target);
        row(&target)
    }

    #[tokio::test]
    async fn a_row_has_the_verdict_the_cause_and_what_to_do() {
        #[rustfmt::skip]
        let table = [
            (Scenario::Modern,    "connects         db.example:443\n"),
            (Scenario::Legacy,    "needs-change     db.example:443                       cipher-suites            patch cipherSuites\n"),
            (Scenario::PlainHttp, "needs-change     db.example:443                       plain-text               Turn TLS off for this Upstream (no sslConfig, useTls: false), or correct the port.\n"),
        ];
        for (scenario, expected) in table {
            assert_eq!(row_of(scenario).await, expected);
        }
    }
}
