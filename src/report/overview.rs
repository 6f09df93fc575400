//! Many targets in numbers: how many of each summary, and the causes, the commonest first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use colored::Colorize;

use super::terminal::by_summary;
use super::v1::{Severity, Summary, Target};

/// How many targets are named for each cause.
const EXAMPLES: usize = 3;
/// How many kinds of causes are told apart; there are fewer, unless a report comes from elsewhere.
const KINDS: usize = 256;

/// Counts over targets. As small for a million targets as for one.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    summaries: BTreeMap<Summary, usize>,
    causes: BTreeMap<String, Cause>,
}

/// A kind of finding that keeps Envoy from connecting.
#[derive(Clone, Debug, Default)]
struct Cause {
    targets: usize,
    examples: Vec<String>,
}

impl Overview {
    /// Counts a target with its summary and the codes of the findings that caused it; a code that
    /// comes twice, as of two endpoints, counts once.
    pub fn add<'a>(
        &mut self,
        target: &str,
        summary: Summary,
        codes: impl IntoIterator<Item = &'a str>,
    ) {
        *self.summaries.entry(summary).or_default() += 1;
        let mut codes: Vec<_> = codes.into_iter().collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            let is_one_too_many = self.causes.len() >= KINDS && !self.causes.contains_key(code);
            let code = if is_one_too_many { "others" } else { code };
            let cause = self.causes.entry(code.to_owned()).or_default();
            cause.targets += 1;
            if cause.examples.len() < EXAMPLES {
                cause.examples.push(target.to_owned());
            }
        }
    }

    /// Counts a target as it stands in a report.
    pub fn add_target(&mut self, target: &Target) {
        self.add(&target.target, target.summary, causes(target));
    }

    /// How many targets were counted.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.summaries.values().sum()
    }

    /// The worst summary of all, if there was any target.
    #[must_use]
    pub fn worst(&self) -> Option<Summary> {
        self.summaries.keys().next_back().copied()
    }

    /// The numbers as a table, with some targets named for each cause.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        let count = self.targets();
        let noun = if count == 1 { "target" } else { "targets" };
        let _ = writeln!(out, "{}", format!("{count} {noun}").bold());
        for (summary, count) in &self.summaries {
            let words = by_summary((*summary).into(), in_words(*summary));
            let _ = writeln!(out, "  {count:>7}  {words}");
        }
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(_, cause)| std::cmp::Reverse(cause.targets));
        if !causes.is_empty() {
            let _ = writeln!(out, "\n{}", "Causes".bold());
        }
        for (code, cause) in causes {
            let more = if cause.targets > cause.examples.len() { ", ..." } else { "" };
            let examples = format!("{}{more}", cause.examples.join(", "));
            let _ = writeln!(out, "  {:>7}  {code:<27} {}", cause.targets, examples.dimmed());
        }
        out
    }
}

/// The codes of what keeps Envoy from a target.
pub(super) fn causes(target: &Target) -> impl Iterator<Item = &str> {
    let unresolved = target.unresolved.as_ref().map(|_| "unresolved");
    let findings = target.endpoints.iter().flat_map(|endpoint| &endpoint.findings);
    let blocking = findings.filter(|finding| finding.severity == Severity::Blocking);
    unresolved.into_iter().chain(blocking.map(|finding| finding.code.as_str()))
}

fn in_words(summary: Summary) -> &'static str {
    match summary {
        Summary::Connects => "Envoy connects",
        Summary::NeedsChange => "a change is needed",
        Summary::NoSettingHelps => "no setting helps",
        Summary::Unclear => "no answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview() -> Overview {
        let mut overview = Overview::default();
        overview.add("a:443", Summary::Connects, []);
        for name in ["b:443", "c:443", "d:443", "e:443"] {
            overview.add(name, Summary::NeedsChange, ["curves", "curves"]);
        }
        overview.add("f:443", Summary::Unclear, ["unreachable"]);
        overview
    }

    #[test]
    fn every_target_counts_once_for_each_of_its_causes() {
        let text = overview().render();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "6 targets");
        assert_eq!(
            lines[1..4],
            ["        1  Envoy connects", "        4  a change is needed", "        1  no answer"]
        );
        assert_eq!(lines[5], "Causes");
        assert_eq!(
            lines[6].trim_end(),
            "        4  curves                      b:443, c:443, d:443, ..."
        );
        assert_eq!(lines[7].trim_end(), "        1  unreachable                 f:443");
    }

    #[test]
    fn the_worst_target_decides() {
        assert_eq!(Overview::default().worst(), None);
        assert_eq!(overview().worst(), Some(Summary::Unclear));
    }
}
