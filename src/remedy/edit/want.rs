//! What edits want of a document, as a tree, and what they make of a value.

use std::mem;

use serde_json::{Map, Value};

use super::{Edit, EditError, Reason, Step, path};

/// What is wanted of a node.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Want {
    Set(Value),
    Remove,
    /// Something of what it holds.
    Within(Vec<(Step, Want)>),
}

impl Want {
    /// Later edits go before earlier ones. `None` if there are no edits.
    pub(super) fn of(edits: &[Edit]) -> Result<Option<Self>, EditError> {
        let mut root = None;
        for edit in edits {
            let want = edit.value.clone().map_or(Self::Remove, Self::Set);
            let is_item = matches!(edit.path.last(), Some(Step::Index(_)) | None);
            if want == Self::Remove && is_item {
                return Err(EditError::Unsafe { path: path(&edit.path), reason: Reason::Index });
            }
            root = Some(
                Self::with(root, &edit.path, want)
                    .map_err(|reason| EditError::Unsafe { path: path(&edit.path), reason })?,
            );
        }
        Ok(root)
    }

    fn with(old: Option<Self>, path: &[Step], want: Self) -> Result<Self, Reason> {
        let Some((step, rest)) = path.split_first() else { return Ok(want) };
        match old {
            Some(Self::Set(mut value)) => {
                let inner = Self::with(None, path, want)?;
                inner.apply(&mut value)?;
                Ok(Self::Set(value))
            }
            Some(Self::Remove) => {
                let mut value = Value::Null;
                Self::with(None, path, want)?.apply(&mut value)?;
                Ok(if value.is_null() { Self::Remove } else { Self::Set(value) })
            }
            Some(Self::Within(mut children)) => {
                let at = children.iter().position(|(other, _)| other == step);
                let old = at.map(|at| mem::replace(&mut children[at].1, Self::Remove));
                let child = Self::with(old, rest, want)?;
                match at {
                    Some(at) => children[at].1 = child,
                    None => children.push((step.clone(), child)),
                }
                Ok(Self::Within(children))
            }
            None => Ok(Self::Within(vec![(step.clone(), Self::with(None, rest, want)?)])),
        }
    }

    /// Makes the edits in a value.
    pub(super) fn apply(&self, value: &mut Value) -> Result<(), Reason> {
        let children = match self {
            Self::Set(new) => {
                value.clone_from(new);
                return Ok(());
            }
            Self::Remove => return Err(Reason::Index),
            Self::Within(children) => children,
        };
        for (step, want) in children {
            match (step, &mut *value) {
                (Step::Key(key), Value::Object(object)) => want.apply_to_key(object, key)?,
                (Step::Key(key), Value::Null) => {
                    let mut object = Map::new();
                    want.apply_to_key(&mut object, key)?;
                    if !object.is_empty() {
                        *value = Value::Object(object);
                    }
                }
                (Step::Index(index), Value::Array(items)) => {
                    want.apply(items.get_mut(*index).ok_or(Reason::Index)?)?;
                }
                (Step::Index(_), Value::Null) => return Err(Reason::Index),
                _ => return Err(Reason::Kind),
            }
        }
        Ok(())
    }

    fn apply_to_key(&self, object: &mut Map<String, Value>, key: &str) -> Result<(), Reason> {
        if *self == Self::Remove {
            object.shift_remove(key);
            return Ok(());
        }
        match object.get_mut(key) {
            Some(value) => self.apply(value),
            None => {
                if let Some(value) = self.made()? {
                    object.insert(key.to_owned(), value);
                }
                Ok(())
            }
        }
    }

    /// What is made where nothing is; nothing to remove something from.
    pub(super) fn made(&self) -> Result<Option<Value>, Reason> {
        match self {
            Self::Set(value) => Ok(Some(value.clone())),
            Self::Remove => Ok(None),
            Self::Within(_) => {
                let mut value = Value::Null;
                self.apply(&mut value)?;
                Ok((!value.is_null()).then_some(value))
            }
        }
    }
}
