//! Edits in flow style, which JSON is too.

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::block::{Planner, kept, quotes};
use super::{EditError, Reason, scalar};
use crate::yaml::{Entry, Id, Kind, blanks, gap, line_start};

/// How a flow collection is laid out.
#[derive(Clone)]
struct Layout {
    colon: &'static str,
    comma: &'static str,
    /// For items on lines of their own: the indentation of these, and of the closing bracket if
    /// that has a line of its own too.
    lines: Option<(String, Option<String>)>,
    /// One more level of indentation, if collections inside have lines of their own too.
    unit: Option<String>,
    quotes: Option<ScalarStyle>,
}

impl<'a> Planner<'a> {
    // --- Mappings ---

    pub(super) fn flow_entries(
        &mut self,
        id: Id,
        entries: &'a [Entry],
        removed: &[bool],
        added: Vec<(String, Value)>,
    ) -> Result<(), EditError> {
        for at in (0..entries.len()).filter(|&at| removed[at]) {
            self.remove_flow_entry(entries, removed, at)?;
        }
        if added.is_empty() {
            return Ok(());
        }
        let layout = self.layout(id);
        let Some((_, last)) = entries.iter().enumerate().rfind(|(at, _)| !removed[*at]) else {
            return self.refuse(Reason::Layout);
        };
        // `a:,` is a scalar to libyaml.
        let ends_in_colon = self.text[..self.entry_end(last)].ends_with(':');
        let mut text = String::from(if ends_in_colon { " " } else { "" });
        for (key, value) in &added {
            text.push_str(&self.separator(&layout));
            text.push_str(&self.flow_entry(key, value, &layout));
        }
        let end = self.entry_end(last);
        self.splice(end, end, text);
        Ok(())
    }

    fn entry_end(&self, entry: &Entry) -> usize {
        self.tree.nodes[entry.value].end.max(self.tree.nodes[entry.key].end)
    }

    fn remove_flow_entry(
        &mut self,
        entries: &[Entry],
        removed: &[bool],
        at: usize,
    ) -> Result<(), EditError> {
        let start = self.tree.nodes[entries[at].key].start;
        let end = self.entry_end(&entries[at]);
        let line = line_start(self.text, start);
        let is_first_on_line = self.text[line..start].trim().is_empty();
        let comma = end + gap(&self.text[end..]);
        if self.text[comma..].starts_with(',') {
            let rest = comma + 1 + blanks(&self.text[comma + 1..]);
            let next = self.text[rest..].trim_start_matches('\r');
            if !next.starts_with('\n') {
                self.splice(
                    start,
                    if self.text[rest..].starts_with('#') { comma + 1 } else { rest },
                    "",
                );
            } else if is_first_on_line {
                self.splice(line, self.text.len() - next.len() + 1, "");
            } else {
                let kept = self.text[..start].trim_end_matches([' ', '\t']).len();
                self.splice(kept, comma + 1, "");
            }
            return Ok(());
        }
        // The last one: the comma before it goes too, if what stands before it stays.
        let Some(before) = at.checked_sub(1).filter(|&before| !removed[before]) else {
            return self.refuse(Reason::Layout);
        };
        let before = self.entry_end(&entries[before]);
        let comma = before + gap(&self.text[before..]);
        if self.text[comma + 1..start].trim().is_empty() {
            self.splice(comma, end, "");
        } else {
            self.splice(comma, comma + 1, "");
            self.splice(start, end, "");
        }
        Ok(())
    }

    // --- Lists ---

    pub(super) fn flow_list(
        &mut self,
        id: Id,
        items: &[Id],
        new: &[Value],
    ) -> Result<(), EditError> {
        let old: Vec<_> =
            items.iter().map(|&item| self.tree.value(item)).collect::<Result<_, _>>()?;
        let kept = kept(&old, new);
        let layout = self.layout(id);
        if kept.len() < old.len() {
            let node = &self.tree.nodes[id];
            let is_lost =
                |&id: &Id| (node.start + 1..node.end).contains(&self.tree.nodes[id].start);
            if self.tree.aliased.iter().any(is_lost) {
                return self.refuse(Reason::Anchor);
            }
            let text = self.flow_text(&Value::from(new.to_vec()), &layout);
            self.splice(node.content, node.end, text);
            return Ok(());
        }
        // All stay: the new ones go between.
        let mut next = 0;
        for (at, value) in new.iter().enumerate() {
            let text = self.flow_value(value, &layout);
            if kept.get(next).is_some_and(|&(_, place)| place == at) {
                next += 1;
            } else if next == 0 {
                let start = self.tree.nodes[items[0]].start;
                self.splice(start, start, format!("{text}{}", self.separator(&layout)));
            } else {
                let end = self.tree.nodes[items[next - 1]].end;
                self.splice(end, end, format!("{}{text}", self.separator(&layout)));
            }
        }
        Ok(())
    }

    // --- Layout ---

    /// The text of a value that takes the place of a node in flow style.
    pub(super) fn flow_text_for(&self, id: Id, value: &Value) -> String {
        let node = &self.tree.nodes[id];
        let mut layout = self.layout(id);
        let is_empty = match &node.kind {
            Kind::Sequence { items, .. } => items.is_empty(),
            Kind::Mapping { entries, .. } => entries.is_empty(),
            _ => true,
        };
        if is_empty && self.is_json {
            layout = self.json_layout(node.start);
        } else if is_empty {
            layout.quotes = quotes(node);
        }
        self.flow_text(value, &layout)
    }

    fn layout(&self, id: Id) -> Layout {
        let node = &self.tree.nodes[id];
        let (first, second, last, key) = match &node.kind {
            Kind::Sequence { items, is_flow: true } if !items.is_empty() => {
                let last = self.tree.nodes[items[items.len() - 1]].end;
                (self.tree.nodes[items[0]].start, items.get(1).copied(), last, items[0])
            }
            Kind::Mapping { entries, is_flow: true } if !entries.is_empty() => {
                let last = self.entry_end(&entries[entries.len() - 1]);
                let second = entries.get(1).map(|entry| entry.key);
                (self.tree.nodes[entries[0].key].start, second, last, entries[0].key)
            }
            _ => return self.default_layout(node.start),
        };
        let mut layout = self.default_layout(node.start);
        layout.quotes = quotes(&self.tree.nodes[key]).or(layout.quotes);
        if let Some(second) = second {
            let start = self.tree.nodes[second].start;
            layout.comma = if self.text[..start].ends_with(',') { "," } else { ", " };
        }
        let prefix = &self.text[line_start(self.text, first)..first];
        layout.lines = (self.text[node.start..first].contains('\n') && prefix.trim().is_empty())
            .then(|| {
                let end = &self.text[last..node.end - 1];
                let closing = end.rfind('\n').map(|newline| &end[newline + 1..]);
                (prefix.to_owned(), closing.map(str::to_owned))
            });
        if layout.lines.is_none() || !self.is_json {
            layout.unit = None;
        }
        layout
    }

    fn default_layout(&self, at: usize) -> Layout {
        if self.is_json {
            let mut layout = self.json_layout(at);
            layout.lines = None;
            layout
        } else {
            Layout { colon: ": ", comma: ", ", lines: None, unit: None, quotes: None }
        }
    }

    /// As the root of a JSON document is laid out.
    fn json_layout(&self, at: usize) -> Layout {
        let (colon, unit) = self.json_style;
        let lines = unit.map(|unit| {
            let line = &self.text[line_start(self.text, at)..at];
            let prefix = &line[..blanks(line)];
            (format!("{prefix}{unit}"), Some(prefix.to_owned()))
        });
        Layout {
            colon,
            comma: if colon == ":" { "," } else { ", " },
            lines,
            unit: unit.map(str::to_owned),
            quotes: Some(ScalarStyle::DoubleQuoted),
        }
    }

    fn separator(&self, layout: &Layout) -> String {
        match &layout.lines {
            Some((prefix, _)) => format!(",{}{prefix}", self.line_end),
            None => layout.comma.to_owned(),
        }
    }

    fn flow_entry(&self, key: &str, value: &Value, layout: &Layout) -> String {
        let key = scalar::text(&Value::from(key), layout.quotes);
        format!("{key}{}{}", layout.colon, self.flow_value(value, layout))
    }

    /// The text of a value inside a collection of this layout.
    fn flow_value(&self, value: &Value, layout: &Layout) -> String {
        let mut inner = layout.clone();
        inner.lines = layout
            .lines
            .as_ref()
            .zip(layout.unit.as_ref())
            .map(|((prefix, _), unit)| (format!("{prefix}{unit}"), Some(prefix.clone())));
        self.flow_text(value, &inner)
    }

    /// The text of a value, which has this layout itself if it is a collection.
    fn flow_text(&self, value: &Value, layout: &Layout) -> String {
        let (open, close, parts) = match value {
            Value::Array(items) if !items.is_empty() => {
                let parts: Vec<_> =
                    items.iter().map(|item| self.flow_value(item, layout)).collect();
                ('[', ']', parts)
            }
            Value::Object(object) if !object.is_empty() => {
                let entry = |(key, value): (&String, &Value)| self.flow_entry(key, value, layout);
                ('{', '}', object.iter().map(entry).collect())
            }
            _ => return scalar::text(value, layout.quotes),
        };
        let body = parts.join(&self.separator(layout));
        match &layout.lines {
            Some((prefix, None)) => format!("{open}{}{prefix}{body}{close}", self.line_end),
            Some((prefix, Some(closing))) => {
                format!("{open}{0}{prefix}{body}{0}{closing}{close}", self.line_end)
            }
            None => format!("{open}{body}{close}"),
        }
    }
}
