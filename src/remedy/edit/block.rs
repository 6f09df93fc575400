//! Which bytes go where: the walk over a document, and edits in block style.

use granit_parser::ScalarStyle;
use serde_json::{Map, Value, json};

use super::verify::is_json;
use super::want::Want;
use super::{EditError, Reason, Splice, Step, path, scalar};
use crate::yaml::{Entry, Id, Kind, Node, Tree, bom, gap, line_end, line_start};

/// How far mappings stand to the right of their key if no other in the file tells.
const STEP: usize = 2;
/// The longest lists, as a product of lengths, that are compared item by item.
const MAX_COMPARED: usize = 1 << 20;

/// Finds the splices that make the edits in one document.
pub(super) struct Planner<'a> {
    pub(super) text: &'a str,
    pub(super) tree: &'a Tree,
    pub(super) splices: Vec<Splice>,
    pub(super) line_end: &'static str,
    pub(super) is_json: bool,
    /// The colon of a JSON document, and what it indents by if it has lines.
    pub(super) json_style: (&'static str, Option<&'a str>),
    path: Vec<Step>,
}

/// What a node belongs to.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Root,
    /// The value of a key in this column, in block style.
    Key(usize),
    /// An item after a dash in this column.
    Item(usize),
    /// Anything in a flow collection.
    Flow,
}

impl<'a> Planner<'a> {
    pub(super) fn new(text: &'a str, tree: &'a Tree, root: Id) -> Self {
        let is_crlf = text.find('\n').is_some_and(|newline| text[..newline].ends_with('\r'));
        Self {
            text,
            tree,
            splices: Vec::new(),
            line_end: if is_crlf { "\r\n" } else { "\n" },
            is_json: is_json(text, tree, root),
            json_style: json_style(text, tree, root),
            path: Vec::new(),
        }
    }

    pub(super) fn document(&mut self, root: Id, want: &Want) -> Result<(), EditError> {
        self.node(root, want, Place::Root)
    }

    pub(super) fn refuse<T>(&self, reason: Reason) -> Result<T, EditError> {
        Err(EditError::Unsafe { path: path(&self.path), reason })
    }

    pub(super) fn splice(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.splices.push(Splice { range: start..end, text: text.into() });
    }

    fn made(&self, want: &Want) -> Result<Option<Value>, EditError> {
        want.made().or_else(|reason| self.refuse(reason))
    }

    fn node(&mut self, id: Id, want: &Want, place: Place) -> Result<(), EditError> {
        let children = match want {
            Want::Set(value) => return self.set(id, value, place),
            Want::Remove => return self.refuse(Reason::Index),
            Want::Within(children) => children,
        };
        let node = &self.tree.nodes[id];
        // What is there already needs no edit, whether it is an alias or not.
        let old = self.tree.value(id)?;
        let mut new = old.clone();
        want.apply(&mut new).or_else(|reason| self.refuse(reason))?;
        if new == old {
            return Ok(());
        }
        if old.is_null() || old == json!({}) {
            return self.set(id, &new, place);
        }
        self.check_own(id, node)?;
        match &node.kind {
            Kind::Mapping { entries, .. } => self.mapping(id, entries, children, place),
            Kind::Sequence { items, is_flow } => {
                for (step, want) in children {
                    let Step::Index(index) = step else { return self.refuse(Reason::Kind) };
                    let Some(&item) = items.get(*index) else { return self.refuse(Reason::Index) };
                    let place = if *is_flow { Place::Flow } else { Place::Item(node.column) };
                    self.step(step.clone(), |planner| planner.node(item, want, place))?;
                }
                Ok(())
            }
            _ => self.refuse(Reason::Kind),
        }
    }

    fn step(
        &mut self,
        step: Step,
        inner: impl FnOnce(&mut Self) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        self.path.push(step);
        inner(self)?;
        self.path.pop();
        Ok(())
    }

    /// Refuses a node whose change would show elsewhere, or whose tag may give it another sense.
    fn check_own(&self, id: Id, node: &Node) -> Result<(), EditError> {
        if matches!(node.kind, Kind::Alias(_)) {
            return self.refuse(Reason::Alias);
        }
        if node.is_anchored && self.tree.aliased.contains(&id) {
            return self.refuse(Reason::Anchor);
        }
        if node.tag.is_some() {
            return self.refuse(Reason::Tag);
        }
        Ok(())
    }

    /// Refuses to take text away that aliases elsewhere refer to.
    fn check_lost(&self, start: usize, end: usize) -> Result<(), EditError> {
        let is_lost = |&id: &Id| (start..end).contains(&self.tree.nodes[id].start);
        if self.tree.aliased.iter().any(is_lost) { self.refuse(Reason::Anchor) } else { Ok(()) }
    }

    fn set(&mut self, id: Id, value: &Value, place: Place) -> Result<(), EditError> {
        if self.tree.value(id)? == *value {
            return Ok(());
        }
        let node = &self.tree.nodes[id];
        match (&node.kind, value) {
            (Kind::Mapping { entries, .. }, Value::Object(new))
                if node.tag.is_none() && !new.is_empty() && self.keeps_some(entries, new) =>
            {
                self.check_own(id, node)?;
                self.mapping(id, entries, &wants_between(self.tree, entries, new), place)
            }
            (Kind::Sequence { items, is_flow }, Value::Array(new))
                if node.tag.is_none() && !items.is_empty() && !new.is_empty() =>
            {
                self.check_own(id, node)?;
                if *is_flow {
                    self.flow_list(id, items, new)
                } else {
                    self.block_list(id, items, new)
                }
            }
            _ => self.replace(id, value, place),
        }
    }

    fn keeps_some(&self, entries: &[Entry], new: &Map<String, Value>) -> bool {
        let is_plain = |entry: &Entry| !self.tree.is_merge(entry);
        entries.iter().all(is_plain)
            && entries.iter().any(|entry| new.contains_key(self.tree.key(entry)))
    }

    // --- Mappings ---

    fn mapping(
        &mut self,
        id: Id,
        entries: &'a [Entry],
        children: &[(Step, Want)],
        place: Place,
    ) -> Result<(), EditError> {
        let node = &self.tree.nodes[id];
        let Kind::Mapping { is_flow, .. } = node.kind else { return self.refuse(Reason::Kind) };
        if is_flow && !self.text[node.content..].starts_with('{') {
            return self.refuse(Reason::Layout);
        }
        let whole = self.tree.value(id)?;
        let mut removed = vec![false; entries.len()];
        let mut added = Vec::new();
        for (step, want) in children {
            let Step::Key(key) = step else { return self.refuse(Reason::Kind) };
            let is_it = |entry: &Entry| !self.tree.is_merge(entry) && self.tree.key(entry) == key;
            self.path.push(step.clone());
            match entries.iter().position(is_it) {
                Some(at) if *want == Want::Remove => removed[at] = true,
                Some(at) => {
                    let place = if is_flow { Place::Flow } else { Place::Key(node.column) };
                    if !entries[at].has_colon || entries[at].is_explicit {
                        return self.refuse(Reason::Layout);
                    }
                    self.node(entries[at].value, want, place)?;
                }
                None => match (want, whole.get(key)) {
                    (Want::Set(value), merged) if merged != Some(value) => {
                        added.push((key.clone(), value.clone()));
                    }
                    (Want::Set(_), _) => {}
                    (Want::Remove | Want::Within(_), Some(_)) => return self.refuse(Reason::Merge),
                    (want, None) => {
                        added.extend(self.made(want)?.map(|value| (key.clone(), value)));
                    }
                },
            }
            self.path.pop();
        }
        if removed.contains(&true) {
            for (entry, _) in entries.iter().zip(&removed).filter(|(_, removed)| **removed) {
                self.step(Step::Key(self.tree.key(entry).to_owned()), |planner| {
                    planner.check_removal(entry)
                })?;
            }
            if !removed.contains(&false) {
                return self.emptied(id, added, place);
            }
        }
        if is_flow {
            self.flow_entries(id, entries, &removed, added)
        } else {
            self.block_entries(entries, &removed, node.column, added)
        }
    }

    fn check_removal(&self, entry: &Entry) -> Result<(), EditError> {
        let (key, value) = (&self.tree.nodes[entry.key], &self.tree.nodes[entry.value]);
        if entry.is_explicit {
            return self.refuse(Reason::Layout);
        }
        self.check_lost(key.start, value.end.max(key.end))
    }

    /// All entries of a mapping go.
    fn emptied(
        &mut self,
        id: Id,
        added: Vec<(String, Value)>,
        place: Place,
    ) -> Result<(), EditError> {
        let value = Value::Object(added.into_iter().collect());
        self.replace(id, &value, place)
    }

    fn block_entries(
        &mut self,
        entries: &[Entry],
        removed: &[bool],
        column: usize,
        added: Vec<(String, Value)>,
    ) -> Result<(), EditError> {
        for (at, entry) in entries.iter().enumerate().filter(|(at, _)| removed[*at]) {
            let (key, value) = (&self.tree.nodes[entry.key], &self.tree.nodes[entry.value]);
            let end = value.end.max(key.end);
            if self.is_first_on_line(key.start) {
                self.splice(line_start(self.text, key.start), line_end(self.text, end), "");
                continue;
            }
            // The first after a dash: the next one takes its place, if no comment is between.
            let next = entries.get(at + 1).map(|next| self.tree.nodes[next.key].start);
            let next =
                next.filter(|&next| self.text[end..next].trim().is_empty() && !removed[at + 1]);
            self.splice(key.start, next.unwrap_or(end), "");
        }
        let Some((_, last)) = entries.iter().enumerate().rfind(|(at, _)| !removed[*at]) else {
            return Ok(());
        };
        if added.is_empty() {
            return Ok(());
        }
        if last.is_explicit {
            return self.refuse(Reason::Layout);
        }
        let (key, value) = (&self.tree.nodes[last.key], &self.tree.nodes[last.value]);
        let hint = quotes(key);
        let mut lines = Vec::new();
        for (name, value) in &added {
            self.entry_lines(name, value, hint, key.start, &mut lines);
        }
        let end = value.end.max(key.end);
        let at = self.after_comments(line_end(self.text, end), column);
        self.insert_lines(at, &lines, column);
        Ok(())
    }

    fn is_first_on_line(&self, at: usize) -> bool {
        let before = &self.text[line_start(self.text, at)..at];
        before.chars().all(|c| c == ' ')
    }

    /// Past the comments from `at` on that stand in `column` or further right.
    fn after_comments(&self, mut at: usize, column: usize) -> usize {
        // In the first column they may as well be about what follows.
        let is_within = |line: &str| {
            let content = line.trim_start_matches([' ', '\t']);
            content.starts_with('#') && line.len() - content.len() >= column.max(1)
        };
        while is_within(&self.text[at..]) {
            at = line_end(self.text, at);
        }
        at
    }

    /// Puts lines, all to stand in `column`, at the start of a line or the end of the text.
    fn insert_lines(&mut self, at: usize, lines: &[String], column: usize) {
        let indent = " ".repeat(column);
        let mut text = String::new();
        let starts_line = at == bom(self.text) || self.text[..at].ends_with('\n');
        for line in lines {
            if starts_line {
                text.extend([&indent, line.as_str(), self.line_end]);
            } else {
                text.extend([self.line_end, &indent, line.as_str()]);
            }
        }
        self.splice(at, at, text);
    }

    // --- Lists ---

    fn block_list(&mut self, id: Id, items: &'a [Id], new: &[Value]) -> Result<(), EditError> {
        let column = self.tree.nodes[id].column;
        let old: Vec<_> =
            items.iter().map(|&item| self.tree.value(item)).collect::<Result<_, _>>()?;
        let hint = items.first().and_then(|&item| quotes(&self.tree.nodes[item]));
        let mut kept = kept(&old, new);
        kept.push((old.len(), new.len()));
        let (mut from, mut from_new) = (0, 0);
        for (to, to_new) in kept {
            let paired = (to - from).min(to_new - from_new);
            for at in 0..paired {
                let (item, value) = (items[from + at], &new[from_new + at]);
                let step = Step::Index(from + at);
                self.step(step, |planner| planner.set(item, value, Place::Item(column)))?;
            }
            for &item in &items[from + paired..to] {
                self.remove_item(item)?;
            }
            if from_new + paired < to_new {
                let place = self.tree.nodes[id].start;
                let mut lines = Vec::new();
                for value in &new[from_new + paired..to_new] {
                    self.item_lines(value, hint, place, &mut lines);
                }
                self.insert_items(items, from + paired, &lines, column);
            }
            (from, from_new) = (to + 1, to_new + 1);
        }
        Ok(())
    }

    fn dash(&self, item: Id) -> usize {
        self.tree.nodes[item].from - 1
    }

    fn remove_item(&mut self, item: Id) -> Result<(), EditError> {
        let (dash, end) = (self.dash(item), self.tree.nodes[item].end);
        self.check_lost(dash, end)?;
        if !self.is_first_on_line(dash) {
            return self.refuse(Reason::Layout);
        }
        self.splice(line_start(self.text, dash), line_end(self.text, end), "");
        Ok(())
    }

    /// Puts lines before the item `at`.
    fn insert_items(&mut self, items: &[Id], at: usize, lines: &[String], column: usize) {
        let dash = self.dash(items[0]);
        if let Some(before) = at.checked_sub(1) {
            let end = line_end(self.text, self.tree.nodes[items[before]].end);
            // Comments further right are part of the item.
            self.insert_lines(self.after_comments(end, column + 1), lines, column);
        } else if self.is_first_on_line(dash) {
            self.insert_lines(line_start(self.text, dash), lines, column);
        } else {
            let line_end = format!("{}{}", self.line_end, " ".repeat(column));
            let text: Vec<_> = lines.iter().map(|line| format!("{line}{line_end}")).collect();
            self.splice(dash, dash, text.concat());
        }
    }

    // --- Whole values ---

    /// Writes a value in the place of another, whatever that is.
    fn replace(&mut self, id: Id, value: &Value, place: Place) -> Result<(), EditError> {
        let node = &self.tree.nodes[id];
        self.check_lost(node.start, node.end.max(node.start + 1))?;
        if node.is_anchored && self.tree.aliased.contains(&id) {
            return self.refuse(Reason::Anchor);
        }
        let is_flow = match &node.kind {
            Kind::Mapping { entries, is_flow } => *is_flow && !entries.is_empty(),
            Kind::Sequence { items, is_flow } => *is_flow && !items.is_empty(),
            _ => false,
        };
        if is_flow || self.is_json || matches!(place, Place::Flow) {
            let text = self.flow_text_for(id, value);
            self.replace_inline(id, &text, place);
        } else if is_inline(value) {
            let text = scalar::text(value, quotes(node));
            self.replace_inline(id, &text, place);
        } else {
            self.replace_by_block(id, value, place)?;
        }
        Ok(())
    }

    fn replace_inline(&mut self, id: Id, text: &str, place: Place) {
        let node = &self.tree.nodes[id];
        let is_below = self.text[node.from..node.start].contains('\n');
        if node.start == node.from && node.end == node.from {
            self.splice(node.from, node.from, format!(" {text}"));
        } else if is_below && matches!(place, Place::Key(_)) {
            self.splice(node.from, node.from, format!(" {text}"));
            self.remove_lines(node);
        } else {
            self.splice(node.start, node.end, text);
        }
    }

    /// Takes the lines of a value away that begins on a line of its own.
    fn remove_lines(&mut self, node: &Node) {
        let (start, end) = (line_start(self.text, node.start), line_end(self.text, node.end));
        self.splice(start, end, "");
    }

    fn replace_by_block(&mut self, id: Id, value: &Value, place: Place) -> Result<(), EditError> {
        let node = &self.tree.nodes[id];
        let column = match place {
            Place::Key(column) if value.is_array() => column + self.dash_offset(node.from),
            Place::Key(column) => column + self.step_width(node.from),
            Place::Item(column) => column + 2,
            Place::Root | Place::Flow => 0,
        };
        let mut lines = Vec::new();
        self.value_lines(value, None, node.from, &mut lines);
        let is_below = self.text[node.from..node.start].contains('\n');
        if let Place::Item(_) = place {
            if is_below {
                return self.refuse(Reason::Layout);
            }
            let text = lines.join(&format!("{}{}", self.line_end, " ".repeat(column)));
            self.replace_inline(id, &text, place);
        } else if is_below {
            self.remove_lines(node);
            self.insert_lines(line_start(self.text, node.start), &lines, column);
        } else {
            if node.end > node.from {
                self.splice(node.from, node.end, "");
            }
            let at = line_end(self.text, node.end);
            // The line may end in a comment, but in nothing else.
            let rest = &self.text[node.end..at];
            if gap(rest) < rest.len() {
                return self.refuse(Reason::Layout);
            }
            self.insert_lines(at, &lines, column);
        }
        Ok(())
    }

    // --- Lines of text ---

    fn step_width(&self, at: usize) -> usize {
        let dashes = || nearest(&self.tree.dashes, at).filter(|&offset| offset > 0);
        nearest(&self.tree.steps, at).or_else(dashes).unwrap_or(STEP)
    }

    fn dash_offset(&self, at: usize) -> usize {
        nearest(&self.tree.dashes, at).unwrap_or(0)
    }

    /// The lines of a collection without its own indentation, in the style around `at`.
    fn value_lines(
        &self,
        value: &Value,
        hint: Option<ScalarStyle>,
        at: usize,
        lines: &mut Vec<String>,
    ) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    self.entry_lines(key, value, hint, at, lines);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.item_lines(item, hint, at, lines);
                }
            }
            _ => lines.push(scalar::text(value, hint)),
        }
    }

    fn entry_lines(
        &self,
        key: &str,
        value: &Value,
        hint: Option<ScalarStyle>,
        at: usize,
        lines: &mut Vec<String>,
    ) {
        let key = scalar::text(&Value::from(key), hint);
        if is_inline(value) {
            lines.push(format!("{key}: {}", scalar::text(value, None)));
            return;
        }
        lines.push(format!("{key}:"));
        let offset = if value.is_array() { self.dash_offset(at) } else { self.step_width(at) };
        let mut inner = Vec::new();
        self.value_lines(value, None, at, &mut inner);
        lines.extend(inner.into_iter().map(|line| format!("{}{line}", " ".repeat(offset))));
    }

    fn item_lines(
        &self,
        value: &Value,
        hint: Option<ScalarStyle>,
        at: usize,
        lines: &mut Vec<String>,
    ) {
        if is_inline(value) {
            lines.push(format!("- {}", scalar::text(value, hint)));
            return;
        }
        let mut inner = Vec::new();
        self.value_lines(value, None, at, &mut inner);
        for (index, line) in inner.into_iter().enumerate() {
            lines.push(format!("{}{line}", if index == 0 { "- " } else { "  " }));
        }
    }
}

/// What stands after the keys of a document in flow style, and before the first of them if that
/// has a line of its own.
fn json_style<'a>(text: &'a str, tree: &Tree, root: Id) -> (&'static str, Option<&'a str>) {
    let Kind::Mapping { entries, .. } = &tree.nodes[root].kind else { return (": ", None) };
    let Some(first) = entries.first() else { return (": ", None) };
    let (start, value) = (tree.nodes[first.key].start, &tree.nodes[first.value]);
    let colon = if value.start == value.from { ":" } else { ": " };
    let indent = &text[line_start(text, start)..start];
    let has_line = text[tree.nodes[root].start..start].contains('\n');
    (colon, (has_line && indent.trim().is_empty()).then_some(indent))
}

/// What makes a mapping's entries those of `new`.
fn wants_between(tree: &Tree, entries: &[Entry], new: &Map<String, Value>) -> Vec<(Step, Want)> {
    let gone = entries.iter().map(|entry| tree.key(entry)).filter(|key| !new.contains_key(*key));
    let gone = gone.map(|key| (Step::Key(key.to_owned()), Want::Remove));
    let set = new.iter().map(|(key, value)| (Step::Key(key.clone()), Want::Set(value.clone())));
    gone.chain(set).collect()
}

/// The quotes of a scalar, if it has any.
pub(super) fn quotes(node: &Node) -> Option<ScalarStyle> {
    match node.kind {
        Kind::Scalar {
            style: style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted),
            ..
        } => Some(style),
        _ => None,
    }
}

/// Whether a value stands on one line in block style.
fn is_inline(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => true,
    }
}

/// The number whose place is nearest, of numbers in the order of their places.
fn nearest(numbers: &[(usize, usize)], at: usize) -> Option<usize> {
    let after = numbers.partition_point(|&(place, _)| place < at);
    let near = &numbers[after.saturating_sub(1)..numbers.len().min(after + 1)];
    near.iter().min_by_key(|(place, _)| place.abs_diff(at)).map(|&(_, number)| number)
}

/// Items that stay, as pairs of their old and new places: a longest common subsequence.
pub(super) fn kept(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = pairs.take_while(|(old, new)| old == new).count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];
    let mut kept: Vec<_> = (0..start).map(|at| (at, at)).collect();
    kept.extend(common(old_middle, new_middle).into_iter().map(|(a, b)| (start + a, start + b)));
    kept.extend((0..tail).rev().map(|at| (old.len() - 1 - at, new.len() - 1 - at)));
    kept
}

fn common(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    if old.len() * new.len() > MAX_COMPARED {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut lengths = vec![0_usize; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            lengths[a * width + b] = if old[a] == new[b] {
                lengths[(a + 1) * width + b + 1] + 1
            } else {
                lengths[(a + 1) * width + b].max(lengths[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if lengths[(a + 1) * width + b] >= lengths[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}
