//! Which of several answers to the same question counts.

use std::collections::HashMap;

use crate::report::v1::{Summary, Target};

/// Where a target stands in what was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The number of the file, as its reader counts.
    pub file: usize,
    /// The line where its document begins.
    pub line: u64,
    /// How many targets the file has before it.
    pub ordinal: u64,
}

/// Two answers to the same question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Repeat {
    /// The one that counts.
    pub kept: Place,
    /// The one that does not.
    pub dropped: Place,
}

/// Remembers of each question the place of the answer that counts: the later one, unless the
/// earlier is more complete. The question is the target with all settings of the Envoy and the
/// way to it; the same target asked for two releases are two questions.
#[derive(Debug, Default)]
pub struct Choice {
    answers: HashMap<[u8; 16], Answer>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    place: Place,
    summary: Summary,
    exit_code: u8,
    completeness: Completeness,
}

/// How much an answer tells.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Completeness {
    NoVerdict,
    SurveyOpen,
    Complete,
}

impl Choice {
    /// Takes the next answer; if there is another to its question, says which of them counts.
    pub fn add(&mut self, place: Place, target: &Target) -> Option<Repeat> {
        let answer = Answer {
            place,
            summary: target.summary,
            exit_code: target.exit_code(),
            completeness: completeness(target),
        };
        let known = match self.answers.entry(question(target)) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(answer);
                return None;
            }
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        };
        if answer.completeness < known.completeness {
            return Some(Repeat { kept: known.place, dropped: place });
        }
        let earlier = std::mem::replace(known, answer);
        Some(Repeat { kept: place, dropped: earlier.place })
    }

    /// Whether this answer counts.
    #[must_use]
    pub fn keeps(&self, place: Place, target: &Target) -> bool {
        self.answers.get(&question(target)).is_some_and(|answer| answer.place == place)
    }

    /// How many answers count.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.answers.len()
    }

    /// The worst summary of those that count, and the highest of their exit codes.
    #[must_use]
    pub fn worst(&self) -> Option<(Summary, u8)> {
        let answers = self.answers.values();
        let summary = answers.clone().map(|answer| answer.summary).max()?;
        Some((summary, answers.map(|answer| answer.exit_code).fold(0, u8::max)))
    }
}

fn completeness(target: &Target) -> Completeness {
    let open = |survey: &crate::report::v1::Survey| !survey.complete;
    let mut surveys = target.endpoints.iter().filter_map(|endpoint| endpoint.survey.as_ref());
    match target.summary {
        Summary::Unclear => Completeness::NoVerdict,
        _ if surveys.any(open) => Completeness::SurveyOpen,
        _ => Completeness::Complete,
    }
}

/// As much of a digest as never collides by chance.
fn question(target: &Target) -> [u8; 16] {
    // Writing fails only on maps whose keys are no strings, and the shape has none.
    let settings = serde_json::to_string(&(&target.envoy, &target.way)).unwrap_or_default();
    let digest = openssl::sha::sha256(format!("{}\n{settings}", target.target).as_bytes());
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scenario;
    use crate::remedy::Names;
    use crate::report::sample::diagnose;
    use crate::report::v1::{ProxyProtocol, Way};

    fn place(line: u64) -> Place {
        Place { file: 0, line, ordinal: line }
    }

    #[tokio::test]
    async fn the_later_answer_counts_unless_the_earlier_is_more_complete() {
        let complete = Target::new(&diagnose(Scenario::Legacy).await, &Names::default());
        let mut open = complete.clone();
        open.endpoints[0].survey.as_mut().unwrap().complete = false;
        let mut silent = complete.clone();
        silent.summary = Summary::Unclear;
        #[rustfmt::skip]
        let table = [
            (&complete, &complete, 2), (&open,     &complete, 2), (&silent, &open,   2),
            (&complete, &open,     1), (&open,     &silent,   1), (&silent, &silent, 2),
        ];
        for (earlier, later, kept) in table {
            let mut choice = Choice::default();
            assert_eq!(choice.add(place(1), earlier), None);
            let repeat = Repeat { kept: place(kept), dropped: place(3 - kept) };
            assert_eq!(choice.add(place(2), later), Some(repeat));
            assert!(choice.keeps(place(kept), later) && !choice.keeps(place(3 - kept), later));
            let counts = if kept == 1 { earlier } else { later };
            let worst = Some((counts.summary, counts.exit_code()));
            assert_eq!((choice.targets(), choice.worst()), (1, worst));
        }
    }

    #[tokio::test]
    async fn the_same_target_for_another_envoy_or_by_another_way_is_another_question() {
        let target = Target::new(&diagnose(Scenario::PlainHttp).await, &Names::default());
        let mut other = target.clone();
        "1.36".clone_into(&mut other.envoy.release);
        let mut behind = target.clone();
        behind.way = Some(Way {
            proxy: None,
            tunnel: None,
            proxy_protocol: Some(ProxyProtocol::V2),
            starttls: None,
        });
        let mut choice = Choice::default();
        for (line, target) in [target, other, behind].iter().enumerate() {
            assert_eq!(choice.add(place(line as u64), target), None);
        }
        assert_eq!(choice.targets(), 3);
    }
}
