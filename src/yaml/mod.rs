//! YAML and JSON text as values, read as `kubectl` reads it, and with the place of each value.
//!
//! Everything is bounded: bytes, nodes, nesting and what aliases stand for, since files come from
//! anyone. Knows nothing of what the documents are about.

mod scalar;
mod tree;

use serde_json::Value;

pub(crate) use tree::{
    Entry, Id, Kind, Node, Tree, blanks, bom, gap, line_end, line_start, trim_line_end,
};

/// Why a text cannot be read. Lines count from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// More than 64 MiB, or than four million values.
    #[error("too large to read")]
    TooLarge,
    /// The text is no YAML, or is nested too deeply.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line.
        line: usize,
        /// In the parser's words.
        message: String,
    },
    /// The text is YAML only after a template engine like Helm's has run.
    #[error("line {line}: it looks like a template: give what the template makes")]
    Template {
        /// The line.
        line: usize,
    },
    /// YAML that JSON, and so Kubernetes, has no form for.
    #[error("line {line}: {what}")]
    NoJson {
        /// The line.
        line: usize,
        /// What it is.
        what: &'static str,
    },
    /// Two values for one key.
    #[error("line {line}: the key {} is there twice", shown(key))]
    DuplicateKey {
        /// The line of the second.
        line: usize,
        /// The key.
        key: String,
    },
    /// Aliases that refer to themselves or stand for too much.
    #[error("aliases stand for too much")]
    Aliases,
}

impl ReadError {
    /// The same for a text that begins so many lines down in a file.
    #[must_use]
    pub fn moved_down(self, lines: usize) -> Self {
        match self {
            Self::Syntax { line, message } => Self::Syntax { line: line + lines, message },
            Self::Template { line } => Self::Template { line: line + lines },
            Self::NoJson { line, what } => Self::NoJson { line: line + lines, what },
            Self::DuplicateKey { line, key } => Self::DuplicateKey { line: line + lines, key },
            other => other,
        }
    }
}

/// A document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Where its content begins; lines count from 1.
    pub line: usize,
    /// What it says, with aliases and merge keys followed. `null` if it is empty.
    pub value: Value,
}

/// The documents of a text, empty ones too.
///
/// # Errors
///
/// [`ReadError`] if it is no YAML, has a key twice, or is beyond the bounds.
pub fn documents(text: &str) -> Result<Vec<Document>, ReadError> {
    Tree::read(text)?.values(text)
}

/// A key; not where it is longer than names are, since then it may be a line of a private key.
fn shown(key: &str) -> String {
    const LONGEST: usize = 48;
    match key.len() {
        0..=LONGEST => format!("{key:?}"),
        length => format!("of {length} bytes"),
    }
}

/// Reads a text of one document; nothing at all is `null`.
///
/// # Errors
///
/// [`ReadError`] if it is no YAML, has a key twice, or is beyond the bounds.
pub fn read(text: &str) -> Result<Value, ReadError> {
    let tree = Tree::read(text)?;
    tree.documents.first().map_or(Ok(Value::Null), |root| tree.value(*root))
}
