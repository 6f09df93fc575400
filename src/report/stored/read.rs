//! Targets out of stored reports.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::documents::Documents;
use crate::report::v1::{Summary, Target, VERSION};
use crate::trial::printable;

/// The most bytes that one target may take. The largest seen, with every suite under every
/// version and a handshake for each, has less than one megabyte.
pub const TARGET_LIMIT: usize = 16 << 20;
/// The most bytes that a line of words may have.
const LINE_LIMIT: usize = 4096;
/// The most characters of what a parser says that are passed on.
const MESSAGE_LIMIT: usize = 300;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A target.
    Target(Box<Target>),
    /// A line of words: what a run wrote to stderr, which the logs of a container have among the
    /// lines of JSON. Fit to be shown.
    Words(String),
    /// Something that cannot be read. What follows it is read on.
    Broken(StoredError),
}

/// Why a document, or the rest of it, is not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// The document ends before its end.
    #[error("line {line} ends in the middle, as where a run was killed: what it would say is lost")]
    CutOff {
        /// Where the document begins.
        line: u64,
    },
    /// One target takes more than [`TARGET_LIMIT`].
    #[error("line {line}: a target takes more than {TARGET_LIMIT} bytes")]
    TooLong {
        /// Where the document begins.
        line: u64,
    },
    /// The document is of another version of the shape.
    #[error(
        "line {line}: it is version {found} of the report, and this cipher-test reads version \
         {VERSION}"
    )]
    Version {
        /// Where the document begins.
        line: u64,
        /// The version that it names.
        found: u64,
    },
    /// The document is something else, or not JSON at all.
    #[error("line {line}: it is no report on servers: {words}")]
    NotAReport {
        /// Where the mistake is.
        line: u64,
        /// What the parser says.
        words: String,
    },
    /// Nothing more can be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// Reads a stream of reports to its end, and hands on all that it holds, in order, with the line
/// where it begins.
pub fn read(input: impl BufRead, mut take: impl FnMut(u64, Entry)) {
    let mut documents = Documents::new(input);
    loop {
        let (line, first) = match documents.next() {
            Ok(Some(begin)) => begin,
            Ok(None) => return,
            Err(error) => return take(0, Entry::Broken(unreadable(&error))),
        };
        let document = documents.document();
        match first {
            b'{' => report(line, document, &mut |entry| take(line, entry)),
            _ => take(line, words(line, document)),
        }
    }
}

/// Reads a document.
fn report(line: u64, document: impl Read, take: &mut dyn FnMut(Entry)) {
    let budget = Cell::new(TARGET_LIMIT);
    let version = Cell::new(None);
    let limited = Limited { inner: document, budget: &budget };
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(limited));
    let mut take_target = |target| take(Entry::Target(Box::new(target)));
    let targets = Targets { take: &mut take_target, budget: &budget };
    let seed = ReportSeed { targets, version: &version };
    let result = seed.deserialize(&mut parser).and_then(|()| parser.end());
    if let Err(error) = result {
        take(Entry::Broken(explain(line, &error, budget.get(), version.get())));
    }
}

/// Reads a line that is no document.
fn words(line: u64, document: impl Read) -> Entry {
    let mut bytes = Vec::new();
    if let Err(error) = document.take(LINE_LIMIT as u64 + 1).read_to_end(&mut bytes) {
        return Entry::Broken(unreadable(&error));
    }
    match String::from_utf8(bytes) {
        Ok(text) if is_words(&text) => Entry::Words(printable(text.trim_end())),
        _ => Entry::Broken(StoredError::NotAReport { line, words: "it is no JSON".to_owned() }),
    }
}

/// Neither what is left of a document whose beginning is lost nor of a file that is no text.
fn is_words(text: &str) -> bool {
    const ESCAPE: char = '\u{1b}';
    let is_odd = |c: char| c.is_control() && !c.is_whitespace() && c != ESCAPE;
    text.len() <= LINE_LIMIT && !text.contains("\":") && !text.chars().any(is_odd)
}

fn explain(
    line: u64,
    error: &serde_json::Error,
    budget: usize,
    version: Option<u64>,
) -> StoredError {
    match version {
        Some(found) if found != u64::from(VERSION) => return StoredError::Version { line, found },
        _ if budget == 0 => return StoredError::TooLong { line },
        _ if error.is_eof() || ends_in_string(error) => return StoredError::CutOff { line },
        _ => {}
    }
    if let (true, Some(kind)) = (error.is_io(), error.io_error_kind()) {
        return unreadable(&io::Error::from(kind));
    }
    let text = error.to_string();
    let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    let words = words.split(", expected one of").next().unwrap_or(words);
    let words: String = words.chars().take(MESSAGE_LIMIT).collect();
    let offset = u64::try_from(error.line().saturating_sub(1)).unwrap_or_default();
    StoredError::NotAReport { line: line + offset, words: printable(&words) }
}

/// Whether the line ended within a string, where JSON has no line ends.
fn ends_in_string(error: &serde_json::Error) -> bool {
    error.is_syntax() && error.column() == 0 && error.to_string().starts_with("control character")
}

fn unreadable(error: &io::Error) -> StoredError {
    let text = error.to_string();
    StoredError::Unreadable(text.split(" (os error").next().unwrap_or(&text).to_lowercase())
}

/// Bytes up to a limit that each target renews.
struct Limited<'a, R> {
    inner: R,
    budget: &'a Cell<usize>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.budget.get());
        if length == 0 && !buffer.is_empty() {
            return Err(io::Error::other("too long"));
        }
        let count = self.inner.read(&mut buffer[..length])?;
        self.budget.set(self.budget.get() - count);
        Ok(count)
    }
}

/// The fields of [`Report`](crate::report::v1::Report).
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Version,
    Tool,
    Summary,
    ExitCode,
    Targets,
}

struct ReportSeed<'a, F> {
    targets: Targets<'a, F>,
    /// What the document says, for the message.
    version: &'a Cell<Option<u64>>,
}

impl<'de, F: FnMut(Target)> DeserializeSeed<'de> for ReportSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Target)> Visitor<'de> for ReportSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        let mut has_targets = false;
        while let Some(field) = map.next_key()? {
            match field {
                Field::Version => {
                    let version = map.next_value()?;
                    self.version.set(Some(version));
                    if version != u64::from(VERSION) {
                        return Err(M::Error::custom("another version"));
                    }
                }
                Field::Tool => drop(map.next_value::<String>()?),
                // Both follow from the targets.
                Field::Summary => drop(map.next_value::<Summary>()?),
                Field::ExitCode => drop(map.next_value::<u8>()?),
                Field::Targets => {
                    has_targets = true;
                    map.next_value_seed(&mut self.targets)?;
                }
            }
        }
        match (self.version.get(), has_targets) {
            (None, _) => Err(M::Error::missing_field("version")),
            (_, false) => Err(M::Error::missing_field("targets")),
            _ => Ok(()),
        }
    }
}

/// The list of targets, which hands on each as soon as it is there.
struct Targets<'a, F> {
    take: &'a mut F,
    budget: &'a Cell<usize>,
}

impl<'de, F: FnMut(Target)> DeserializeSeed<'de> for &mut Targets<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Target)> Visitor<'de> for &mut Targets<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of targets")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while let Some(target) = list.next_element()? {
            self.budget.set(TARGET_LIMIT);
            (self.take)(target);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scenario;
    use crate::remedy::Names;
    use crate::report::sample::diagnose;
    use crate::report::v1::Report;

    fn read_all(bytes: &[u8]) -> (Vec<(u64, Target)>, Vec<StoredError>) {
        let (mut targets, mut faults) = (Vec::new(), Vec::new());
        read(bytes, |line, entry| match entry {
            Entry::Target(target) => targets.push((line, *target)),
            Entry::Broken(fault) => faults.push(fault),
            Entry::Words(words) => panic!("{words}"),
        });
        (targets, faults)
    }

    async fn report() -> Report {
        Report::new(&[diagnose(Scenario::PlainHttp).await], &Names::default())
    }

    #[tokio::test]
    async fn what_was_written_is_read_in_every_layout() {
        let report = report().await;
        let twice = Report::of(report.summary, [&report.targets[..]; 2].concat());
        let compact = serde_json::to_string(&twice).unwrap();
        let pretty = serde_json::to_string_pretty(&twice).unwrap();
        let lines = format!("{0}\n{0}\n", serde_json::to_string(&report).unwrap());
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&compact).unwrap();
        let sorted = serde_json::to_string(&sorted).unwrap();
        for (text, places) in
            [(compact, [1, 1]), (pretty, [1, 1]), (lines, [1, 2]), (sorted, [1, 1])]
        {
            let (targets, faults) = read_all(text.as_bytes());
            assert_eq!(faults, []);
            let expected = places.map(|line| (line, report.targets[0].clone()));
            assert_eq!(targets, expected);
        }
    }

    #[tokio::test]
    async fn what_is_broken_is_told_and_the_rest_is_read() {
        let good = serde_json::to_string(&report().await).unwrap();
        let half = &good[..good.len() / 2];
        let lost = &good[good.len() / 2..];
        let deep =
            "{\"targets\":[{\"remedy\":{\"merge_patch\":".to_owned() + &"{\"x\":".repeat(100_000);
        let huge = good.replacen("\"connections\":", "\"connections\":1e999,\"x\":", 1);
        let newer = good.replacen("\"version\":1", "\"version\":2", 1);
        let more = good.replacen("\"tool\"", "\"more\":1,\"tool\"", 1);
        #[rustfmt::skip]
        let table = [
            (half,             "line 2 ends in the middle, as where a run was killed"),
            ("\0\0\0\0",       "line 2: it is no report on servers: it is no JSON"),
            (&deep,            "line 2: it is no report on servers: recursion limit exceeded"),
            (&huge,            "line 2: it is no report on servers: number out of range"),
            (&newer,           "line 2: it is version 2 of the report, and this"),
            (&more,            "line 2: it is no report on servers: unknown field `more`"),
            ("{}",             "line 2: it is no report on servers: missing field `version`"),
            ("{\"version\":1}","line 2: it is no report on servers: missing field `targets`"),
            ("{\"\\u001b\":1}","line 2: it is no report on servers: unknown field `\\u{1b}`"),
            (lost,             "line 2: it is no report on servers: it is no JSON"),
        ];
        for (broken, words) in table {
            let (targets, faults) = read_all(format!("{good}\n{broken}\n{good}").as_bytes());
            let lines: Vec<_> = targets.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [1, 3], "{words}");
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            assert!(matches!(&faults[..], [fault] if fault.starts_with(words)), "{faults:?}");
        }
    }

    #[tokio::test]
    async fn what_stands_before_a_mistake_in_the_same_document_counts() {
        let report = report().await;
        let twice = Report::of(report.summary, [&report.targets[..]; 2].concat());
        let text = serde_json::to_string(&twice).unwrap();
        let (targets, faults) = read_all(&text.as_bytes()[..text.len() - 10]);
        assert_eq!(targets.len(), 1);
        assert_eq!(faults, [StoredError::CutOff { line: 1 }]);
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_in_memory() {
        let start = br#"{"version":1,"tool":""#;
        let endless = start.chain(io::repeat(b'x').take(TARGET_LIMIT as u64 * 2));
        let mut entries = Vec::new();
        read(BufReader::new(endless), |_, entry| entries.push(entry));
        assert_eq!(entries, [Entry::Broken(StoredError::TooLong { line: 1 })]);
    }

    /// The logs of a container have both of its streams.
    #[tokio::test]
    async fn words_among_the_lines_are_no_mistakes() {
        let good = serde_json::to_string(&report().await).unwrap();
        let log = format!("cipher-test: no\u{1b}[2J name\n{good}\n2 targets\n  1 connects\n{good}");
        let mut entries = Vec::new();
        read(log.as_bytes(), |line, entry| {
            entries.push(match entry {
                Entry::Words(words) => (line, words),
                Entry::Target(_) => (line, "target".to_owned()),
                Entry::Broken(fault) => panic!("{fault}"),
            });
        });
        let expected = [
            (1, "cipher-test: no\\u{1b}[2J name"),
            (2, "target"),
            (3, "2 targets\\n  1 connects"),
            (5, "target"),
        ];
        assert_eq!(entries, expected.map(|(line, words)| (line, words.to_owned())));
    }
}
