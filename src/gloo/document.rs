//! Documents of Kubernetes, out of files that may hold many of them and anything else.
//!
//! A stream is cut at its document markers before anything is parsed (YAML 1.2 §9.1.2: a line
//! that begins with `---` is one even within a block scalar), so that one document that cannot be
//! read does not take the others with it, and so that memory is bounded by the largest document.
//!
//! Secrets are among the documents, so what was read is wiped as it goes, and buffers that grow
//! leave no copy. What YAML's parser holds meanwhile is its own and is not wiped.

use std::fmt;
use std::io::{self, BufRead};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::yaml;

/// The largest document that is read: some 10,000 Upstreams as kubectl prints them.
pub const DOCUMENT_LIMIT: usize = 32 << 20;

/// One Kubernetes object.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Where it comes from.
    pub place: Place,
    /// The object.
    pub object: Value,
}

/// Where an object comes from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Place {
    /// The file as the user named it, or `stdin`.
    pub file: String,
    /// The document of the file, from 0.
    pub document: usize,
    /// Whether the file has other documents.
    pub is_one_of_many: bool,
    /// The item of a list, from 0.
    pub item: Option<usize>,
}

impl fmt::Display for Place {
    /// `FILE`, `FILE, document 2` or `FILE, document 2, item 3`, counting from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.is_one_of_many {
            write!(f, ", document {}", self.document + 1)?;
        }
        match self.item {
            Some(item) => write!(f, ", item {}", item + 1),
            None => Ok(()),
        }
    }
}

/// A document that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct DocumentError {
    /// Where it comes from.
    pub place: Place,
    /// What is wrong with it.
    pub fault: DocumentFault,
}

/// What is wrong with a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is larger than [`DOCUMENT_LIMIT`].
    #[error("it has more than {DOCUMENT_LIMIT} bytes: split it")]
    TooLarge,
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It is neither YAML nor JSON, or has a key twice, or is nested too deeply.
    #[error("it cannot be read: {0}")]
    Syntax(#[from] yaml::ReadError),
    /// It is no object.
    #[error("it is {0}, not a Kubernetes object")]
    NotAnObject(&'static str),
    /// It is a list without a list.
    #[error("it is a list whose items are {0}")]
    Items(&'static str),
    /// The file cannot be read on.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads every object of a stream and hands it on, lists item by item.
///
/// What cannot be read is handed on as an error, and reading goes on behind it. Empty documents
/// are passed over.
pub fn read(
    file: &str,
    input: impl BufRead,
    mut take: impl FnMut(Result<Document, DocumentError>),
) {
    let mut pieces = Pieces::new(input);
    let mut held: Option<(usize, Piece)> = None;
    let mut number = 0;
    // One is held back, to know whether it is the only one.
    while let Some(piece) = pieces.next() {
        if matches!(&piece, Piece::Text { bytes, .. } if is_blank(bytes)) {
            number += 1;
            continue;
        }
        if let Some((index, piece)) = held.take() {
            objects(file, index, true, piece, &mut take);
        }
        held = Some((number, piece));
        number += 1;
    }
    if let Some((index, piece)) = held {
        objects(file, index, index > 0, piece, &mut take);
    }
}

/// A document's text, or why there is none. It is wiped when it goes: it may be a Secret.
enum Piece {
    Text { bytes: Zeroizing<Vec<u8>>, first_line: usize },
    TooLarge,
    Io(io::Error),
}

struct Pieces<R> {
    input: R,
    line: usize,
    /// The rest of a marker's line, which belongs to the next document.
    pending: Zeroizing<Vec<u8>>,
    /// The line of that marker.
    marker_line: usize,
    is_done: bool,
}

impl<R: BufRead> Pieces<R> {
    fn new(input: R) -> Self {
        Self { input, line: 1, pending: Zeroizing::default(), marker_line: 1, is_done: false }
    }

    fn next(&mut self) -> Option<Piece> {
        if self.is_done {
            return None;
        }
        let first_line = if self.pending.is_empty() { self.line } else { self.marker_line };
        let mut bytes = std::mem::take(&mut self.pending);
        let mut is_too_large = false;
        let mut at_line_start = true;
        loop {
            let line = match self.read_line() {
                Err(error) => {
                    self.is_done = true;
                    return Some(Piece::Io(error));
                }
                Ok(line) if line.is_empty() => {
                    self.is_done = true;
                    break;
                }
                Ok(line) => line,
            };
            let is_marker = at_line_start && is_marker(&line);
            let this_line = self.line;
            at_line_start = line.ends_with(b"\n");
            self.line += usize::from(at_line_start);
            if is_marker {
                // `--- {a: b}` has the document on the marker's own line.
                self.pending = line;
                self.pending[..3].fill(b' ');
                self.marker_line = this_line;
                break;
            }
            is_too_large |= bytes.len() + line.len() > DOCUMENT_LIMIT;
            if is_too_large {
                bytes = Zeroizing::default();
            } else {
                append(&mut bytes, &line);
            }
        }
        Some(if is_too_large { Piece::TooLarge } else { Piece::Text { bytes, first_line } })
    }
}

impl<R: BufRead> Pieces<R> {
    /// A line with its end, nothing at the end of the input. It comes in parts if it is longer
    /// than a document may be.
    fn read_line(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::new());
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            let room = &available[..available.len().min(DOCUMENT_LIMIT + 1 - line.len())];
            let end = room.iter().position(|byte| *byte == b'\n');
            let part = end.map_or(room.len(), |end| end + 1);
            append(&mut line, &room[..part]);
            self.input.consume(part);
            if end.is_some() || part == 0 || line.len() > DOCUMENT_LIMIT {
                return Ok(line);
            }
        }
    }
}

/// Appends without leaving a copy where the bytes were before: a vector that grows does.
fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if needed > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * bytes.capacity())));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(more);
}

/// Where in a text each of its documents stands, numbered as [`read`] numbers them, without the
/// markers between them.
#[must_use]
pub fn ranges(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        if is_marker(line.as_bytes()) {
            ranges.push(start..end);
            start = end + 3;
        }
        end += line.len();
    }
    ranges.push(start..end);
    ranges
}

/// `---` and `...` end a document where nothing or white space follows.
fn is_marker(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"---").or_else(|| line.strip_prefix(b"..."));
    rest.is_some_and(|rest| rest.first().is_none_or(|next| b" \t\r\n".contains(next)))
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').all(|line| {
        let line = line.trim_ascii();
        line.is_empty() || line.starts_with(b"#") || line.starts_with(b"%YAML")
    })
}

fn objects(
    file: &str,
    document: usize,
    is_one_of_many: bool,
    piece: Piece,
    take: &mut impl FnMut(Result<Document, DocumentError>),
) {
    let place = Place { file: file.to_owned(), document, is_one_of_many, item: None };
    match parse(piece) {
        Ok(object) => expand(place, object, take),
        Err(fault) => take(Err(DocumentError { place, fault })),
    }
}

fn parse(piece: Piece) -> Result<Value, DocumentFault> {
    let (bytes, first_line) = match piece {
        Piece::Text { bytes, first_line } => (bytes, first_line),
        Piece::TooLarge => return Err(DocumentFault::TooLarge),
        Piece::Io(error) => return Err(error.into()),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| DocumentFault::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is YAML, and much faster to read as what it is.
    if text.trim_ascii_start().starts_with('{')
        && let Ok(Strict(value)) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    yaml::read(text).map_err(|error| error.moved_down(first_line - 1).into())
}

/// Hands on an object, or the items of a list.
fn expand(place: Place, object: Value, take: &mut impl FnMut(Result<Document, DocumentError>)) {
    let Value::Object(mut fields) = object else {
        let fault = DocumentFault::NotAnObject(kind_of(&object));
        return take(Err(DocumentError { place, fault }));
    };
    let is_list = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| {
        kind == "List" || (kind.ends_with("List") && fields.contains_key("items"))
    });
    if !is_list {
        return take(Ok(Document { place, object: Value::Object(fields) }));
    }
    match fields.remove("items") {
        Some(Value::Array(items)) => {
            // Raw API output leaves the kind of its items out.
            let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
            let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            for (index, item) in items.into_iter().enumerate() {
                let place = Place { item: Some(index), ..place.clone() };
                take(as_item(place, item, kind));
            }
        }
        None | Some(Value::Null) => {}
        Some(other) => {
            let fault = DocumentFault::Items(kind_of(&other));
            take(Err(DocumentError { place, fault }));
        }
    }
}

fn as_item(place: Place, item: Value, kind: Option<&str>) -> Result<Document, DocumentError> {
    let Value::Object(mut fields) = item else {
        let fault = DocumentFault::NotAnObject(kind_of(&item));
        return Err(DocumentError { place, fault });
    };
    if let Some(kind) = kind
        && !fields.contains_key("kind")
    {
        fields.insert("kind".to_owned(), kind.into());
    }
    Ok(Document { place, object: Value::Object(fields) })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value whose objects have no key twice: which one would count depends on who reads it.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("the key {name:?} is there twice")));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: impl AsRef<[u8]>) -> Vec<Result<Document, String>> {
        let mut all = Vec::new();
        read("f.yaml", text.as_ref(), |it| all.push(it.map_err(|error| error.to_string())));
        all
    }

    fn kinds(text: &str) -> Vec<String> {
        let kind = |it: Result<Document, String>| match it {
            Ok(document) => format!("{}: {}", document.place, document.object["kind"]),
            Err(error) => error,
        };
        read_all(text).into_iter().map(kind).collect()
    }

    #[test]
    fn documents_are_found_in_every_shape_that_kubectl_prints() {
        #[rustfmt::skip]
        let table: &[(&str, &[&str])] = &[
            ("kind: A", &["f.yaml: \"A\""]),
            ("---\nkind: A\n---\nkind: B\n",
             &["f.yaml, document 2: \"A\"", "f.yaml, document 3: \"B\""]),
            ("# a comment\n---\n\n--- {kind: A}\n...\n", &["f.yaml, document 3: \"A\""]),
            ("kind: List\nitems:\n- kind: A\n- kind: B\n",
             &["f.yaml, item 1: \"A\"", "f.yaml, item 2: \"B\""]),
            ("{\"kind\":\"UpstreamList\",\"items\":[{}]}", &["f.yaml, item 1: \"Upstream\""]),
            ("kind: UpstreamList\nitems: null\n", &[]),
            ("kind: A\ntext: |\n  --- not a marker\n  ---\nmore: 1\n", &["f.yaml: \"A\""]),
            ("\u{feff}kind: A\r\n---\r\nkind: B\r\n",
             &["f.yaml, document 1: \"A\"", "f.yaml, document 2: \"B\""]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(kinds(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn ranges_are_those_of_the_documents_read() {
        let text = "# a\n---\nkind: A\r\n--- {kind: B}\n...\n---\nkind: C";
        let ranges = ranges(text);
        for document in read_all(text) {
            let place = document.as_ref().unwrap().place.document;
            let kind = document.unwrap().object["kind"].as_str().unwrap().to_owned();
            assert!(text[ranges[place].clone()].contains(&format!("kind: {kind}")), "{place}");
        }
        assert_eq!(ranges.len(), 5);
        assert_eq!(super::ranges("").len(), 1);
    }

    #[test]
    fn one_bad_document_does_not_take_the_others_with_it() {
        let text = "kind: A\n---\nkind: [\n---\nkind: B\nkind: C\n---\n7\n---\nkind: D\n";
        let all = kinds(text);
        assert_eq!(all.len(), 5, "{all:#?}");
        assert_eq!(all[0], "f.yaml, document 1: \"A\"");
        assert!(all[1].starts_with("f.yaml, document 2: it cannot be read: line "), "{}", all[1]);
        assert!(all[2].contains("the key \"kind\" is there twice"), "{}", all[2]);
        assert_eq!(all[3], "f.yaml, document 4: it is a number, not a Kubernetes object");
        assert_eq!(all[4], "f.yaml, document 5: \"D\"");
    }

    #[test]
    fn errors_name_the_line_of_the_file() {
        let error = read_all("kind: A\n---\nkind: B\nx: {\n").pop().unwrap().unwrap_err();
        assert!(error.contains("line 4"), "{error}");
    }

    #[test]
    fn a_document_on_the_line_of_its_marker_has_that_line() {
        let line_of = |text: &str| read_all(text).pop().unwrap().unwrap_err();
        for (text, line) in [("--- {", 1), ("--- {\n", 1), ("kind: A\n--- {", 2)] {
            let error = line_of(text);
            assert!(error.contains(&format!("line {line}:")), "{text:?}: {error}");
        }
        assert_eq!(kinds("---\u{c}$").len(), 1);
    }

    #[test]
    fn a_document_that_is_too_large_is_passed_over() {
        let mut text = b"kind: A\n---\nx: ".to_vec();
        text.resize(text.len() + 2 * DOCUMENT_LIMIT + 5, b'y');
        text.extend(b"\n---\nkind: B\n");
        let all = read_all(text);
        let error = all[1].as_ref().unwrap_err();
        assert!(error.contains("document 2: it has more than"), "{error}");
        assert_eq!(all[2].as_ref().unwrap().object["kind"], "B");
    }

    #[test]
    fn duplicate_keys_are_refused_in_json_too() {
        let error = read_all(r#"{"kind": "A", "kind": "B"}"#).pop().unwrap().unwrap_err();
        assert!(error.contains("the key \"kind\" is there twice"), "{error}");
    }

    #[test]
    fn hostile_texts_are_answered_quickly() {
        let deep = "[".repeat(1 << 20);
        let mapped = "{a: ".repeat(1 << 16);
        let dashes = "- ".repeat(1 << 18);
        let block: String = (0..3000).map(|depth| " ".repeat(depth) + "a:\n").collect();
        let laughs: String = (1..40)
            .map(|step| {
                let before = format!("*a{}, ", step - 1).repeat(9);
                format!("a{step}: &a{step} [{before}]\n")
            })
            .collect();
        let laughs = "a0: &a0 ha\n".to_owned() + &laughs;
        for text in [&deep, &mapped, &dashes, &block, &laughs, "kind: \0", "a: *b", "!x {a: b}"] {
            let begun = std::time::Instant::now();
            let all = read_all(text);
            assert!(begun.elapsed().as_secs() < 20, "{:.30}", text);
            assert_eq!(all.len(), 1);
            if !text.starts_with('!') {
                assert!(all[0].is_err(), "{:.30}", text);
            }
        }
    }
}
