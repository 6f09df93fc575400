//! Counts what was seen, in bounded memory.

use std::collections::{BTreeSet, HashMap};

use super::finder::{Finder, Rank};
use super::subject::Subject;
use super::{Explanation, Occurrences};
use crate::envoy::failure::TlsError;

/// How many different groups (symptom, whose, detail) are kept apart.
pub(super) const MOST: usize = 1000;
/// How many addresses are kept with one group, and errors with one symptom.
const FEW: usize = 8;

/// One thing seen once.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) rank: Rank,
    pub(super) errors: Vec<TlsError>,
    pub(super) subject: Subject,
    pub(super) detail: Option<String>,
    pub(super) secret: Option<(String, String)>,
    pub(super) address: Option<String>,
    pub(super) time: Option<String>,
    /// The value, if it was a counter.
    pub(super) counter: Option<u64>,
    pub(super) example: Option<String>,
    pub(super) is_wrapper: bool,
}

impl Sighting {
    /// What makes two sightings the same.
    pub(super) fn key(&self, finder: &Finder) -> Key {
        // Errors that have a row of their own are told by it; others by their numbers.
        let generic = matches!(finder.row(self.rank).code, "alert-received" | "tls-error");
        let number = self.errors.first().filter(|_| generic).map(|error| error.number);
        (self.rank, number, self.subject.clone(), self.detail.clone())
    }
}

pub(super) type Key = (Rank, Option<u32>, Subject, Option<String>);

#[derive(Default)]
pub(super) struct Tally {
    groups: HashMap<Key, Group>,
    /// Sightings beyond the groups that are kept.
    pub(super) others: u64,
}

struct Group {
    occurrences: Occurrences,
    errors: Vec<TlsError>,
    example: Option<String>,
}

impl Tally {
    pub(super) fn add(&mut self, finder: &Finder, sighting: Sighting) {
        let key = sighting.key(finder);
        if self.groups.len() >= MOST && !self.groups.contains_key(&key) {
            self.others += 1;
            return;
        }
        self.groups.entry(key).or_insert_with(|| Group::new(&sighting)).add(sighting);
    }

    /// Whether this would make a new group, which wants an example.
    pub(super) fn is_new(&self, key: &Key) -> bool {
        self.groups.len() < MOST && !self.groups.contains_key(key)
    }

    /// Whether nothing was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// One explanation a symptom: by gravity, then the most frequent first.
    pub(super) fn explanations(self, finder: &Finder) -> Vec<Explanation> {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        let frequent = |group: &Group| std::cmp::Reverse(group.occurrences.count);
        groups.sort_by(|(one_key, one), (other_key, other)| {
            (frequent(one), one_key).cmp(&(frequent(other), other_key))
        });
        let mut found: HashMap<(Rank, Option<u32>), Explanation> = HashMap::new();
        for ((rank, number, ..), group) in groups {
            let explanation = found.entry((rank, number)).or_insert_with(|| Explanation {
                symptom: finder.row(rank),
                count: 0,
                errors: Vec::new(),
                occurrences: Vec::new(),
                example: None,
            });
            explanation.add(group);
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(key, explanation)| {
            (explanation.symptom.gravity, std::cmp::Reverse(explanation.count), *key)
        });
        found.into_iter().map(|(_, explanation)| explanation).collect()
    }
}

impl Group {
    fn new(sighting: &Sighting) -> Self {
        Self {
            occurrences: Occurrences {
                subject: sighting.subject.clone(),
                detail: sighting.detail.clone(),
                secret: sighting.secret.clone(),
                addresses: BTreeSet::new(),
                count: 0,
                counter: None,
                first: None,
                last: None,
            },
            errors: Vec::new(),
            example: sighting.example.clone(),
        }
    }

    fn add(&mut self, sighting: Sighting) {
        let occurrences = &mut self.occurrences;
        occurrences.count += 1;
        occurrences.counter = occurrences.counter.max(sighting.counter);
        if occurrences.addresses.len() < FEW {
            occurrences.addresses.extend(sighting.address);
        }
        if let Some(time) = sighting.time {
            if occurrences.first.as_ref().is_none_or(|first| time < *first) {
                occurrences.first = Some(time.clone());
            }
            if occurrences.last.as_ref().is_none_or(|last| time > *last) {
                occurrences.last = Some(time);
            }
        }
        add_errors(&mut self.errors, sighting.errors);
    }
}

fn add_errors(known: &mut Vec<TlsError>, errors: Vec<TlsError>) {
    for error in errors {
        if known.len() < FEW && !known.iter().any(|other| other.number == error.number) {
            known.push(error);
        }
    }
}

impl Explanation {
    fn add(&mut self, group: Group) {
        self.count += group.occurrences.count;
        self.occurrences.push(group.occurrences);
        add_errors(&mut self.errors, group.errors);
        if self.example.is_none() {
            self.example = group.example;
        }
    }
}
