//! Edits of YAML and JSON files in place.
//!
//! Comments, order, styles and every byte that no edit touches stay. What comes out is read
//! again, by two parsers, before it is returned; a file for which anything is in doubt is refused.

mod block;
mod flow;
mod scalar;
mod verify;
mod want;

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use self::block::Planner;
use self::want::Want;
use crate::yaml::{ReadError, Tree, trim_line_end};

/// One step of a path into a document.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// The value of a mapping's key.
    Key(String),
    /// The item of a list, from 0.
    Index(usize),
}

/// A change of the value at a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// From the document's root to the value.
    pub path: Vec<Step>,
    /// The new value. Mappings that lack on the way to it are made, also in the place of `null`.
    /// `None` removes the key.
    pub value: Option<Value>,
}

/// Why a text is left as it is. Lines count from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The messages tell what the fields are.
pub enum EditError {
    /// The text cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no such document.
    #[error("there is no document {}", .document + 1)]
    NoDocument { document: usize },
    /// The text could be edited, but not so that nothing else changes.
    #[error("{path} cannot be edited safely: {reason}")]
    Unsafe { path: String, reason: Reason },
}

/// Why a value cannot be edited safely.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Reason {
    /// The value on the way is neither a mapping nor a list.
    #[error("there is a value of another kind in its place")]
    Kind,
    /// The list has fewer items, or an item would have to go.
    #[error("the list has no such item")]
    Index,
    /// Only an alias stands there.
    #[error("it is part of an alias, and would change elsewhere too")]
    Alias,
    /// Aliases elsewhere refer to it.
    #[error("it has an anchor that is used elsewhere")]
    Anchor,
    /// It comes from a merge key (`<<`).
    #[error("it comes from a merge key")]
    Merge,
    /// It has a tag.
    #[error("it has a tag")]
    Tag,
    /// Explicit keys (`? key`), pairs in lists and the like.
    #[error("its layout is unusual")]
    Layout,
    /// Another parser, which reads as `kubectl` does, reads the text otherwise or not at all.
    #[error("YAML parsers disagree about the file")]
    Parsers,
    /// The edited text would not say what it should.
    #[error("the edit would change more than that")]
    Outcome,
}

/// The text of the whole file with the edits made in one of its documents.
///
/// `document` counts from 0, and counts empty documents too. A value that is equal already keeps
/// its style, so that editing the result again changes nothing.
///
/// # Errors
///
/// If the text cannot be read, or cannot be edited without changing anything else.
pub fn edit(text: &str, document: usize, edits: &[Edit]) -> Result<String, EditError> {
    edit_documents(text, &[(document, edits)])
}

/// As [`edit`], with edits in several documents, each named once; reads the file only once.
///
/// # Errors
///
/// As for [`edit`]: if one of the edits fails, none is made.
pub fn edit_documents(text: &str, edits: &[(usize, &[Edit])]) -> Result<String, EditError> {
    let tree = Tree::read(text)?;
    let mut splices = Vec::new();
    for &(document, edits) in edits {
        let root = tree.documents.get(document).ok_or(EditError::NoDocument { document })?;
        let Some(want) = Want::of(edits)? else { continue };
        let mut planner = Planner::new(text, &tree, *root);
        planner.document(*root, &want)?;
        splices.append(&mut planner.splices);
    }
    if splices.is_empty() {
        return Ok(text.to_owned());
    }
    let path = || {
        edits
            .iter()
            .flat_map(|(_, edits)| *edits)
            .next()
            .map_or_else(String::new, |edit| path(&edit.path))
    };
    let unsafe_for = |reason| EditError::Unsafe { path: path(), reason };
    let splices = ordered(splices).ok_or_else(|| unsafe_for(Reason::Layout))?;
    let edited = spliced(text, &splices);
    verify::verify(text, &tree, &splices, &edited, edits)
        .map_err(|error| error.unwrap_or_else(unsafe_for))?;
    Ok(edited)
}

/// What goes in the place of a range of bytes.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

/// The splices in the order of the text, unless two overlap.
fn ordered(mut splices: Vec<Splice>) -> Option<Vec<Splice>> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let is_apart = |pair: &[Splice]| pair[0].range.end <= pair[1].range.start;
    splices.windows(2).all(is_apart).then_some(splices)
}

fn spliced(text: &str, splices: &[Splice]) -> String {
    let mut edited = String::with_capacity(text.len() + 1024);
    let mut at = 0;
    for splice in splices {
        edited.push_str(&text[at..splice.range.start]);
        edited.push_str(&splice.text);
        at = splice.range.end;
    }
    edited.push_str(&text[at..]);
    if !text.ends_with('\n') {
        // The lines that went may have been the last ones.
        edited.truncate(trim_line_end(&edited).len());
    }
    edited
}

/// `spec.static.hosts[1].sniAddr`
fn path(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "the document".to_owned();
    }
    let mut path = String::new();
    for step in steps {
        if matches!(step, Step::Key(_)) && !path.is_empty() {
            path.push('.');
        }
        path.push_str(&step.to_string());
    }
    path
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}
#[cfg(test)]
mod tests;
