//! What Gloo and its Envoys say when an upstream fails, in whatever it comes: logs, 503 bodies,
//! counters, `glooctl check`, statuses.
//!
//! An [`Explainer`] is fed lines in any mix and counts what it recognises by symptom and by whom
//! it belongs to; [`Explainer::finish`] says what was seen. The rows of the tables are in
//! [`crate::envoy::failure`] (Envoy) and in `table.rs` (Gloo).
//!
//! Everything is bounded but the input: lines come cut to [`LONGEST_LINE`], a thousand groups are
//! kept apart, the rest is counted. Pure: no I/O.

mod document;
mod finder;
mod line;
mod record;
mod step;
mod subject;
mod table;
mod tally;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

pub(crate) use line::turns_text;
pub use subject::Subject;
pub use table::SYMPTOMS;

use self::document::{Documents, Reason, Taken};
use self::finder::{Finder, Rank, between, detail, secret};
use self::line::{clean, excerpt, is_secret, time_of};
use self::record::{Circumstances, Piece, Record, counter};
use self::tally::{Sighting, Tally};
use crate::envoy::failure::{Sign, Symptom, TlsError};

/// How long a line may be, in bytes, for whoever reads them.
pub const LONGEST_LINE: usize = 1 << 20;

/// How many lines a wrapper such as glooctl's `Found upstream with warnings` holds, at most.
const WRAPPED_LINES: u32 = 40;

/// The tables could not be made ready; never happens with the tables as they are.
#[derive(Debug, thiserror::Error)]
#[error("the table of symptoms cannot be searched: {0}")]
pub struct TableFault(#[from] aho_corasick::BuildError);

/// What was seen in all input.
#[derive(Debug)]
pub struct Explained {
    /// One entry a symptom: by gravity, then the most frequent first.
    pub explanations: Vec<Explanation>,
    /// How many lines were read that are not empty.
    pub lines: u64,
    /// How many of them say nothing that is known.
    pub unknown_lines: u64,
    /// How many sightings are beyond the groups that are kept apart, and in no entry.
    pub others: u64,
}

/// One symptom, with all that was seen of it.
#[derive(Debug)]
pub struct Explanation {
    /// What is known about it.
    pub symptom: &'static Symptom,
    /// How often it was seen.
    pub count: u64,
    /// The errors of BoringSSL that came with it, without repetition.
    pub errors: Vec<TlsError>,
    /// Whose it is, the most frequent first.
    pub occurrences: Vec<Occurrences>,
    /// One text that showed it, shortened; none if it may hold credentials.
    pub example: Option<String>,
}

impl Explanation {
    /// The next commands to run, the most useful first.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        step::commands(self)
    }
}

/// One symptom of one subject.
#[derive(Debug)]
pub struct Occurrences {
    /// Whose it is.
    pub subject: Subject,
    /// What more the text tells, such as the names that Envoy rejects.
    pub detail: Option<String>,
    /// Namespace and name of the Secret that it is about; the namespace may be empty.
    pub secret: Option<(String, String)>,
    /// A few addresses of servers where it was seen.
    pub addresses: BTreeSet<String>,
    /// How often it was seen.
    pub count: u64,
    /// The highest value, if a counter showed it.
    pub counter: Option<u64>,
    /// The earliest time, such as `2026-08-20T10:00:00Z`.
    pub first: Option<String>,
    /// The latest time.
    pub last: Option<String>,
}

/// Reads lines and counts what it recognises.
pub struct Explainer {
    finder: Finder,
    counters: Vec<&'static str>,
    tally: Tally,
    documents: Documents,
    /// The object that the next text is about, as `invalid resource NS.NAME` announces it.
    announced: Option<Subject>,
    wrapped: Option<Wrapped>,
    lines: u64,
    unknown_lines: u64,
}

/// glooctl tells whose the following lines are, and how many there are it does not.
struct Wrapped {
    subject: Option<Subject>,
    /// Counted only if nothing more exact follows.
    sighting: Option<Sighting>,
    lines_left: u32,
}

impl Explainer {
    /// One that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// Never with the tables as they are.
    pub fn new() -> Result<Self, TableFault> {
        let finder = Finder::new()?;
        let signs = crate::envoy::failure::SYMPTOMS.iter().flat_map(|row| row.signs);
        let counters = signs.filter_map(|sign| match sign {
            Sign::Counter(name) => Some(*name),
            _ => None,
        });
        Ok(Self {
            counters: counters.collect(),
            finder,
            tally: Tally::default(),
            documents: Documents::default(),
            announced: None,
            wrapped: None,
            lines: 0,
            unknown_lines: 0,
        })
    }

    /// Takes the next line, without or with its line ending.
    pub fn line(&mut self, bytes: &[u8]) {
        let text = clean(bytes);
        let text = text.trim_end();
        let counts = !text.is_empty();
        self.lines += u64::from(counts);
        let (reason, taken) = self.documents.line(text);
        if let Some(reason) = reason {
            self.reason(&reason);
        }
        if matches!(taken, Taken::Free) && counts && !self.read(text) {
            self.unknown_lines += 1;
        }
    }

    /// Ends one input: what comes next belongs to nothing that came before.
    pub fn end_of_input(&mut self) {
        if let Some(reason) = self.documents.flush() {
            self.reason(&reason);
        }
        self.unwrap();
        self.documents = Documents::default();
        self.announced = None;
    }

    /// Whether nothing was recognised so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tally.is_empty()
    }

    /// What was seen.
    #[must_use]
    pub fn finish(mut self) -> Explained {
        self.end_of_input();
        Explained {
            lines: self.lines,
            unknown_lines: self.unknown_lines,
            others: self.tally.others,
            explanations: self.tally.explanations(&self.finder),
        }
    }

    /// Reads one line that stands for itself; false if it says nothing that is known.
    fn read(&mut self, line: &str) -> bool {
        if let Some(record) = record::json(line) {
            return self.record(record, line);
        }
        let mut record = record::access_log(line).unwrap_or_else(|| Record {
            pieces: vec![Piece {
                text: unescaped(line).into_owned(),
                subject: None,
                is_reason: false,
            }],
            ..Record::default()
        });
        record.circumstances.time = time_of(line);
        if line.starts_with(' ') {
            record.circumstances.document = self.documents.subject();
        }
        if record.circumstances.address.is_none() {
            record.circumstances.address = between(line, "remote address:", ",").and_then(address);
        }
        self.enter_wrapper(line);
        self.record(record, line)
    }

    /// The reason of a status, once it is complete.
    fn reason(&mut self, reason: &Reason) {
        let piece = Piece {
            text: reason.text.clone(),
            subject: reason.subject.clone(),
            is_reason: reason.subject.is_some(),
        };
        let record = Record { pieces: vec![piece], ..Record::default() };
        if !self.record(record, &reason.text) {
            self.unknown_lines += reason.lines;
        }
    }

    /// Counts what a record shows; false if that is nothing.
    fn record(&mut self, record: Record, line: &str) -> bool {
        let mut sightings: Vec<Sighting> = Vec::new();
        for piece in &record.pieces {
            self.piece(piece, &record.circumstances, &mut sightings);
        }
        if sightings.is_empty() {
            sightings.extend(self.by_flags(&record));
        }
        if sightings.iter().any(|sighting| !sighting.is_wrapper) {
            sightings.retain(|sighting| !sighting.is_wrapper);
        } else {
            sightings.truncate(1);
        }
        // An entry of an access log is one failure, however often it is told.
        if !record.circumstances.flags.is_empty() {
            sightings.sort_by_key(|sighting| sighting.rank);
            sightings.truncate(1);
        }
        // A body and a detail of the same line tell the same.
        let mut seen = HashSet::new();
        sightings.retain(|sighting| seen.insert(sighting.key(&self.finder)));
        let shown = sightings.iter().any(|sighting| sighting.example.is_some());
        if shown && is_secret(line) {
            sightings.iter_mut().for_each(|sighting| sighting.example = None);
        }
        let any = !sightings.is_empty();
        for sighting in sightings {
            self.count(sighting);
        }
        any
    }

    fn count(&mut self, sighting: Sighting) {
        match &mut self.wrapped {
            Some(wrapped) if sighting.is_wrapper => {
                wrapped.sighting.get_or_insert(sighting);
            }
            wrapped => {
                if let Some(wrapped) = wrapped {
                    wrapped.sighting = None;
                }
                self.tally.add(&self.finder, sighting);
            }
        }
    }

    /// What one text shows.
    fn piece(&mut self, piece: &Piece, around: &Circumstances, into: &mut Vec<Sighting>) {
        let before = into.len();
        for unit in units(&piece.text) {
            if let Some(resource) = between(unit, "invalid resource ", " ") {
                self.announced =
                    Subject::of_resource(resource.trim_end_matches(['.', ',', ']', ')']));
                continue;
            }
            if let Some(sighting) = self.unit(unit, piece, around) {
                into.push(sighting);
            }
        }
        let names_nothing =
            into.len() == before && piece.is_reason && !piece.text.trim().is_empty();
        let of_upstream = matches!(piece.subject, Some(Subject::Upstream { .. }));
        if names_nothing
            && of_upstream
            && let Some(rank) = self.finder.by_code("status-reason")
        {
            into.push(self.sighting(rank, Vec::new(), &piece.text, 0, piece, around));
        }
    }

    fn unit(&mut self, unit: &str, piece: &Piece, around: &Circumstances) -> Option<Sighting> {
        if let Some(sighting) = self.by_counter(unit, piece, around) {
            return sighting;
        }
        let found = self.finder.find(unit)?;
        let mut sighting = self.sighting(found.rank, found.errors, unit, found.at, piece, around);
        sighting.is_wrapper = found.is_wrapper;
        Some(sighting)
    }

    fn sighting(
        &mut self,
        rank: Rank,
        errors: Vec<TlsError>,
        text: &str,
        at: usize,
        piece: &Piece,
        around: &Circumstances,
    ) -> Sighting {
        let announced = self.announced.take();
        let in_wrapper = self.wrapped.as_ref().and_then(|wrapped| wrapped.subject.clone());
        let subject = subject_in(text)
            .or_else(|| piece.subject.clone())
            .or_else(|| around.cluster.clone())
            .or(announced)
            .or(in_wrapper)
            .or_else(|| around.document.clone())
            .or_else(|| around.address.as_deref().and_then(Subject::of_address));
        let row = self.finder.row(rank);
        let mut sighting = Sighting {
            rank,
            errors,
            subject: subject.unwrap_or(Subject::Unknown),
            detail: detail(row, text),
            secret: secret(text),
            address: around.address.clone(),
            time: around.time.clone(),
            counter: None,
            example: None,
            is_wrapper: false,
        };
        // One example a group is kept.
        if self.tally.is_new(&sighting.key(&self.finder)) {
            sighting.example = Some(excerpt(text, at));
        }
        sighting
    }

    /// A counter of Envoy's; the inner `None` is one that says nothing, being 0.
    fn by_counter(
        &mut self,
        unit: &str,
        piece: &Piece,
        around: &Circumstances,
    ) -> Option<Option<Sighting>> {
        let line = counter(unit, &self.counters)?;
        if line.value == 0 {
            return Some(None);
        }
        let is = |sign: &Sign| matches!(sign, Sign::Counter(name) if *name == line.name);
        let rank = self.finder.by_sign(is)?;
        let mut sighting = self.sighting(rank, Vec::new(), unit, 0, piece, around);
        sighting.subject = line.cluster.and_then(Subject::of_cluster).unwrap_or(Subject::Unknown);
        sighting.counter = Some(line.value);
        Some(Some(sighting))
    }

    /// What the response flags alone say.
    fn by_flags(&mut self, record: &Record) -> Option<Sighting> {
        let around = &record.circumstances;
        let is = |sign: &Sign| match sign {
            Sign::Flag(flag) => around.flags.iter().any(|seen| seen == flag),
            _ => false,
        };
        let mut rank = self.finder.by_sign(is)?;
        if around.empty_reason && self.finder.row(rank).code == "reason-not-given" {
            rank = self.finder.by_code("hangup")?;
        }
        let text = match record.pieces.first() {
            Some(piece) if record.pieces.len() == 1 => piece.text.clone(),
            _ => format!("response flags {}", around.flags.join(",")),
        };
        let piece = Piece { text: String::new(), subject: None, is_reason: false };
        Some(self.sighting(rank, Vec::new(), &text, 0, &piece, around))
    }

    /// Follows glooctl: `Found upstream with warnings by 'NS': NS NAME (Reason: ...` and what it
    /// holds up to the closing parenthesis.
    fn enter_wrapper(&mut self, line: &str) {
        let found =
            line.contains("Found upstream with") || line.contains("Found rejected upstream");
        let ends = line.trim() == ")" || line.starts_with("Checking ");
        if found || ends {
            self.unwrap();
        }
        if found && !line.trim_end().ends_with(')') {
            self.wrapped = Some(Wrapped {
                subject: upstream_of_check(line),
                sighting: None,
                lines_left: WRAPPED_LINES,
            });
        } else if let Some(wrapped) = &mut self.wrapped {
            wrapped.lines_left -= 1;
            if wrapped.lines_left == 0 {
                self.unwrap();
            }
        }
    }

    fn unwrap(&mut self) {
        if let Some(sighting) = self.wrapped.take().and_then(|wrapped| wrapped.sighting) {
            self.tally.add(&self.finder, sighting);
        }
    }
}

fn address(text: &str) -> Option<String> {
    subject::is_address(text).then(|| text.to_owned())
}

/// Newlines, tabs and quotes that are escaped, as in a value that was copied out of JSON or YAML.
fn unescaped(line: &str) -> Cow<'_, str> {
    if !line.contains("\\n") {
        return Cow::Borrowed(line);
    }
    Cow::Owned(line.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\""))
}

/// The parts of a text that stand for themselves: lines, bullets, and the clusters of one
/// rejected update.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let bullets =
        text.split('\n').flat_map(|line| line.split("\t* ")).flat_map(|line| line.split(" * "));
    bullets.flat_map(clusters).filter(|unit| !unit.trim().is_empty())
}

/// `... cluster(s) A_NS: TEXT, B_NS: TEXT` in its parts.
fn clusters(text: &str) -> Vec<&str> {
    let Some(start) = text.find("adding/updating cluster(s) ") else { return vec![text] };
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut at = start;
    while let Some(offset) = text[at..].find(", ") {
        let next = at + offset + 2;
        if cluster_before_colon(&text[next..]).is_some() {
            parts.push(&text[begin..next - 2]);
            begin = next;
        }
        at = next;
    }
    parts.push(&text[begin..]);
    parts
}

/// `NAME_NAMESPACE: ` at the beginning of a text.
fn cluster_before_colon(text: &str) -> Option<Subject> {
    let (name, _) = text.split_once(": ")?;
    let subject = Subject::of_cluster(name.trim_end_matches(':'))?;
    // Any other word before a colon is no cluster of Gloo's.
    (!matches!(subject, Subject::Cluster { .. })).then_some(subject)
}

/// Whose a text is, by its own words.
fn subject_in(text: &str) -> Option<Subject> {
    if let Some(rest) = between(text, "adding/updating cluster(s) ", "\n") {
        let (name, _) = rest.split_once(": ")?;
        return Subject::of_cluster(name);
    }
    if let Some(rest) = between(text, "reading crd spec on resource ", " into ") {
        let (name, namespace) = rest.split_once(" in namespace ")?;
        let namespace = namespace.split([':', ' ']).next().unwrap_or_default();
        let valid = subject::is_name(name) && subject::is_name(namespace);
        return valid.then(|| {
            match text.contains("into *v1.Upstream") || !text.contains(" into ") {
                true => Subject::upstream(name, namespace),
                false => {
                    Subject::Resource { name: name.to_owned(), namespace: namespace.to_owned() }
                }
            }
        });
    }
    if let Some(name) = between(text, "cluster '", "'") {
        return Subject::of_cluster(name);
    }
    upstream_of_check(text).or_else(|| cluster_before_colon(text))
}

/// `Found ... upstream ... by 'NS': NS NAME (Reason: ...`, or without `by`.
fn upstream_of_check(text: &str) -> Option<Subject> {
    let (_, rest) = text.split_once("Found ").filter(|(_, rest)| rest.contains("upstream"))?;
    let (_, rest) = rest.split_once(": ")?;
    let mut words = rest.split([' ', '(']).filter(|word| !word.is_empty());
    let (namespace, name) = (words.next()?, words.next()?);
    let valid = subject::is_name(namespace) && subject::is_name(name);
    valid.then(|| Subject::upstream(name, namespace))
}
