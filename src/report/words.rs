//! TEMPORARY: stands in for the sentences of the real module.

use crate::verdict::Finding;

pub(super) fn message(finding: &Finding) -> String {
    format!("finding {}", finding.code())
}

pub(super) fn advice(finding: &Finding) -> Option<String> {
    (finding.code() == "cipher-suites").then(|| "apply the patch".to_owned())
}
