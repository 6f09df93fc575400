//! Several surveys of one server put together: what one leaves open another may know, and what
//! two of them contradict each other in is unclear, and a finding about the server.

use std::collections::BTreeMap;

use super::evidence::{Answer, Oddity};
use super::{Survey, VersionSurvey};
use crate::tls::{CipherSuite, TlsVersion};

/// A suite that was accepted in one survey and refused in another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnsteadyRow {
    /// The version asked for.
    pub version: TlsVersion,
    /// The suite.
    pub suite: CipherSuite,
    /// In how many surveys it was accepted.
    pub accepted: u32,
    /// In how many it was refused.
    pub refused: u32,
    /// In how many it was unclear.
    pub unclear: u32,
}

impl Survey {
    /// Puts what further surveys of the same server have found into this one.
    pub fn repeated(&mut self, others: &[Self]) {
        self.surveys = 1 + u32::try_from(others.len()).unwrap_or(u32::MAX);
        for version in &mut self.versions {
            let others: Vec<_> =
                others.iter().filter_map(|other| other.version(version.version)).collect();
            self.unsteady.extend(merge(version, &others));
        }
        for oddity in others.iter().flat_map(|other| &other.oddities) {
            if !self.oddities.contains(oddity) {
                self.oddities.push(oddity.clone());
            }
        }
        self.deadline_hit |= others.iter().any(|other| other.deadline_hit);
        self.times_slowed =
            others.iter().map(|other| other.times_slowed).fold(self.times_slowed, usize::max);
        if !self.unsteady.is_empty() {
            let (rows, surveys) = (self.unsteady.len(), self.surveys);
            self.oddities.push(Oddity::Unsteady { rows, surveys });
        }
    }
}

/// Settles each suite of one version by what all surveys say of it; returns the contradictions.
fn merge(first: &mut VersionSurvey, others: &[&VersionSurvey]) -> Vec<UnsteadyRow> {
    let mut unsteady = Vec::new();
    let suites: Vec<_> = first.answers.keys().copied().collect();
    for suite in suites {
        let all: Vec<Answer> = std::iter::once(&first.answers)
            .chain(others.iter().map(|other| &other.answers))
            .filter_map(|answers: &BTreeMap<_, _>| answers.get(&suite).cloned())
            .collect();
        let count = |is: fn(&Answer) -> bool| {
            u32::try_from(all.iter().filter(|answer| is(answer)).count()).unwrap_or(u32::MAX)
        };
        let accepted = count(|answer| matches!(answer, Answer::Accepted(_)));
        let refused = count(|answer| matches!(answer, Answer::Refused(_)));
        let unclear = count(|answer| matches!(answer, Answer::Unclear(_)));
        if accepted > 0 && refused > 0 {
            let surveys = all.len();
            let what = format!(
                "answers differ: accepted in {accepted} of {surveys} surveys, refused in {refused}"
            );
            first.answers.insert(suite, Answer::Unclear(what));
            first.accepted.retain(|known| *known != suite);
            let version = first.version;
            unsteady.push(UnsteadyRow { version, suite, accepted, refused, unclear });
        } else if let Some(known) =
            all.into_iter().find(|answer| !matches!(answer, Answer::Unclear(_)))
        {
            if matches!(known, Answer::Accepted(_)) && !first.accepted.contains(&suite) {
                first.accepted.push(suite);
                first.order_proven = false;
            }
            first.answers.insert(suite, known);
        }
    }
    unsteady
}

#[cfg(test)]
mod tests {
    use super::super::{Evidence, Preference};
    use super::*;

    const GCM: CipherSuite = CipherSuite(0xc02f);
    const CBC: CipherSuite = CipherSuite(0x002f);
    const VERSION: TlsVersion = TlsVersion::TLS12;

    fn yes() -> Answer {
        Answer::Accepted(Evidence::Selected {
            offered: 1,
            group: None,
            dh_bits: None,
            signature: None,
            identity: false,
        })
    }

    fn no() -> Answer {
        Answer::Refused(Evidence::VersionRefused)
    }

    fn unclear() -> Answer {
        Answer::Unclear("silence".to_owned())
    }

    fn found(gcm: Answer, cbc: Answer) -> Survey {
        let answers = BTreeMap::from([(GCM, gcm), (CBC, cbc)]);
        let accepted = answers
            .iter()
            .filter(|(_, answer)| matches!(answer, Answer::Accepted(_)))
            .map(|(suite, _)| *suite)
            .collect();
        let version = VersionSurvey {
            version: VERSION,
            answers,
            accepted,
            preference: Preference::Unknown,
            order_proven: false,
        };
        Survey { versions: vec![version], ..Survey::default() }
    }

    #[test]
    fn a_row_that_changes_is_unclear_and_a_finding() {
        let mut survey = found(yes(), yes());
        survey.repeated(&[found(no(), yes()), found(yes(), yes())]);
        assert_eq!(survey.unclear(), 1);
        assert!(!survey.accepts(VERSION, GCM));
        assert!(survey.accepts(VERSION, CBC));
        let row = UnsteadyRow { version: VERSION, suite: GCM, accepted: 2, refused: 1, unclear: 0 };
        assert_eq!(survey.unsteady, [row]);
        assert!(survey.oddities.contains(&Oddity::Unsteady { rows: 1, surveys: 3 }));
    }

    #[test]
    fn what_one_survey_leaves_open_another_may_know() {
        let mut survey = found(unclear(), unclear());
        survey.repeated(&[found(yes(), unclear()), found(unclear(), no())]);
        assert_eq!(survey.unclear(), 0);
        assert!(survey.accepts(VERSION, GCM));
        assert!(survey.unsteady.is_empty());
    }
}
