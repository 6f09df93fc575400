//! What an edited text is checked for before anyone gets it.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::want::Want;
use super::{Edit, EditError, Reason, Splice};
use crate::yaml::{Kind, Tree, bom};

/// Why a check failed: what the parser said, or what does not hold.
pub(super) type Failure = Result<EditError, Reason>;

/// Checks that `edited` says what `text` said with `edits` made, that no comment outside of what
/// was replaced is gone, and that JSON is JSON still.
///
/// Values are compared as this crate reads them and as libyaml does, which go-yaml and with it
/// `kubectl` come from.
pub(super) fn verify(
    text: &str,
    tree: &Tree,
    splices: &[Splice],
    edited: &str,
    edits: &[(usize, &[Edit])],
) -> Result<(), Failure> {
    let after = Tree::parse(edited).map_err(|_| Err(Reason::Outcome))?;
    if after.documents.len() != tree.documents.len() {
        return Err(Err(Reason::Outcome));
    }
    let wants = wants(edits, tree.documents.len())?;
    for (document, want) in wants.iter().enumerate() {
        let (old, new) = (tree.documents[document], after.documents[document]);
        let mut expected = tree.value(old).map_err(|error| Ok(error.into()))?;
        if let Some(want) = want {
            want.apply(&mut expected).map_err(Err)?;
        }
        if after.value(new).map_err(|error| Ok(error.into()))? != expected {
            return Err(Err(Reason::Outcome));
        }
        let was_json = want.is_some() && is_json(text, tree, old);
        if was_json && !is_json(edited, &after, new) {
            return Err(Err(Reason::Outcome));
        }
    }
    let is_kept = |range: &&Range<usize>| {
        let touches = |s: &Splice| s.range.start < range.end && range.start < s.range.end;
        let first = splices.partition_point(|splice| splice.range.end <= range.start);
        !splices.get(first).is_some_and(touches)
    };
    let before = tree.comments.iter().filter(is_kept).map(|range| &text[range.clone()]);
    if !before.eq(after.comments.iter().map(|range| &edited[range.clone()])) {
        return Err(Err(Reason::Outcome));
    }
    agree(text, edited, &wants).map_err(Err)
}

/// What is wanted of each document.
fn wants(edits: &[(usize, &[Edit])], documents: usize) -> Result<Vec<Option<Want>>, Failure> {
    let mut wants = vec![None; documents];
    for &(document, edits) in edits {
        wants[document] = Want::of(edits).map_err(Ok)?;
    }
    Ok(wants)
}

/// Whether a document is JSON, and not YAML in flow style.
pub(super) fn is_json(text: &str, tree: &Tree, root: usize) -> bool {
    let node = &tree.nodes[root];
    let is_flow = matches!(
        node.kind,
        Kind::Mapping { is_flow: true, .. } | Kind::Sequence { is_flow: true, .. }
    );
    is_flow && serde_json::from_str::<IgnoredAny>(&text[node.start..node.end]).is_ok()
}

/// Reads both texts with libyaml, which follows no merge keys.
fn agree(text: &str, edited: &str, wants: &[Option<Want>]) -> Result<(), Reason> {
    // It would take a byte order mark for a column.
    let mut new = serde_norway::Deserializer::from_str(&edited[bom(edited)..]);
    let mut old = serde_norway::Deserializer::from_str(&text[bom(text)..]);
    for want in wants {
        let mut expected = libyaml(old.next())?;
        if let Some(want) = want {
            want.apply(&mut expected)?;
        }
        if libyaml(new.next())? != expected {
            return Err(Reason::Parsers);
        }
    }
    if old.next().is_some() || new.next().is_some() {
        return Err(Reason::Parsers);
    }
    Ok(())
}

fn libyaml(document: Option<serde_norway::Deserializer<'_>>) -> Result<Value, Reason> {
    let document = document.ok_or(Reason::Parsers)?;
    let value = serde_norway::Value::deserialize(document).map_err(|_| Reason::Parsers)?;
    Ok(json(value))
}

fn json(value: serde_norway::Value) -> Value {
    use serde_norway::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::String(value) => Value::String(value),
        Yaml::Number(value) => {
            serde_json::to_value(&value).unwrap_or_else(|_| Value::String(value.to_string()))
        }
        Yaml::Sequence(items) => items.into_iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let key = |key| match json(key) {
                Value::String(key) => key,
                other => other.to_string(),
            };
            let object: Map<_, _> =
                entries.into_iter().map(|(name, value)| (key(name), json(value))).collect();
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => json(tagged.value),
    }
}
