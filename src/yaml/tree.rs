//! A YAML stream as a tree that knows where in the text each node stands.
//!
//! Everything is bounded: bytes, nodes, nesting and what aliases expand to.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StructureStyle, Tag};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Document, ReadError, scalar};

/// The longest text that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The most nodes in a stream.
const MAX_NODES: usize = 4_000_000;
/// The deepest nesting of collections in flow style, and of those in block style.
const MAX_NESTING: usize = 60;
/// The most nodes, and bytes of scalars, that the aliases of one document may stand for.
const MAX_ALIASED: usize = 1 << 20;
/// The deepest nesting after aliases are followed.
const MAX_DEPTH: usize = 4 * MAX_NESTING;

/// A node's place in [`Tree::nodes`].
pub(crate) type Id = usize;

/// A stream of documents.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// The root of each document.
    pub(crate) documents: Vec<Id>,
    /// Where the comments stand, in order, without their line ends.
    pub(crate) comments: Vec<Range<usize>>,
    /// The nodes that an alias refers to.
    pub(crate) aliased: HashSet<Id>,
    /// How much deeper block mappings stand than the key that they belong to, with their place.
    pub(crate) steps: Vec<(usize, usize)>,
    /// How much deeper the dashes of block sequences stand than the key that they belong to.
    pub(crate) dashes: Vec<(usize, usize)>,
}

/// A node.
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where what introduces it ends: after its key's `:`, after its `-`, after `---`.
    pub(crate) from: usize,
    /// Where it begins, with its tag and anchor. The first dash for a block sequence.
    pub(crate) start: usize,
    /// Where it begins without them; the opening bracket of a flow collection.
    pub(crate) content: usize,
    /// Where the last of its content ends; blank lines and comments after it do not count.
    pub(crate) end: usize,
    /// The column of its keys or dashes, if it is a block collection.
    pub(crate) column: usize,
    pub(crate) is_anchored: bool,
    pub(crate) tag: Option<String>,
}

/// What a node is.
pub(crate) enum Kind {
    /// Its text is wiped as it goes, since it may be a key's.
    Scalar {
        text: Zeroizing<String>,
        style: ScalarStyle,
    },
    Alias(Id),
    Sequence {
        items: Vec<Id>,
        is_flow: bool,
    },
    Mapping {
        entries: Vec<Entry>,
        is_flow: bool,
    },
}

/// A key and its value.
pub(crate) struct Entry {
    pub(crate) key: Id,
    pub(crate) value: Id,
    /// Whether there is a `:` after the key.
    pub(crate) has_colon: bool,
    /// Whether the key follows a `?`.
    pub(crate) is_explicit: bool,
}

impl Tree {
    /// Reads a text whose lines end as Kubernetes' tools know them.
    pub(crate) fn read(text: &str) -> Result<Self, ReadError> {
        let lone = text.match_indices('\r').find(|(at, _)| !text[at + 1..].starts_with('\n'));
        if let Some((at, _)) = lone {
            let line = 1 + text[..at].matches('\n').count();
            let message = "a carriage return alone".to_owned();
            return Err(ReadError::Syntax { line, message });
        }
        Self::parse(text)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ReadError> {
        if text.len() > MAX_BYTES {
            return Err(ReadError::TooLarge);
        }
        let mut options = granit_parser::Options::default();
        options.emit_anchor_events = true;
        options.block_scalar_eof_without_line_feed = true;
        options.max_buffered_comment_events = usize::MAX;
        options.flow_nesting_limit = MAX_NESTING;
        options.block_nesting_limit = MAX_NESTING;
        let events = Parser::new_from_str_with_options(text, options);
        let mut reader =
            Reader { text, events, tree: Self::default(), anchors: HashMap::new(), peeked: None };
        match reader.stream() {
            Ok(()) => {
                reader.tree.steps.sort_unstable();
                reader.tree.dashes.sort_unstable();
                Ok(reader.tree)
            }
            Err(ReadError::Syntax { line, .. } | ReadError::NoJson { line, .. })
                if text.contains("{{") =>
            {
                Err(ReadError::Template { line })
            }
            Err(error) => Err(error),
        }
    }

    /// Documents with their values.
    pub(super) fn values(&self, text: &str) -> Result<Vec<Document>, ReadError> {
        let (mut at, mut line) = (0, 1);
        let mut documents = Vec::with_capacity(self.documents.len());
        for &root in &self.documents {
            let start = self.nodes[root].start;
            line += text[at..start].matches('\n').count();
            at = start;
            documents.push(Document { line, value: self.value(root)? });
        }
        Ok(documents)
    }

    /// The node's value as `kubectl` reads it, with aliases and merge keys followed.
    pub(crate) fn value(&self, id: Id) -> Result<Value, ReadError> {
        let mut aliased = MAX_ALIASED;
        self.value_within(id, 0, &mut aliased, false)
    }

    fn value_within(
        &self,
        id: Id,
        depth: usize,
        left: &mut usize,
        is_aliased: bool,
    ) -> Result<Value, ReadError> {
        let node = &self.nodes[id];
        if is_aliased {
            let size = if let Kind::Scalar { text, .. } = &node.kind { text.len() } else { 0 };
            *left = left.checked_sub(size + 1).ok_or(ReadError::Aliases)?;
        }
        if depth > MAX_DEPTH {
            return Err(ReadError::Aliases);
        }
        match &node.kind {
            Kind::Scalar { text, style } => Ok(scalar::value(text, *style, node.tag.as_deref())),
            Kind::Alias(target) => self.value_within(*target, depth + 1, left, true),
            Kind::Sequence { items, .. } => items
                .iter()
                .map(|&item| self.value_within(item, depth + 1, left, is_aliased))
                .collect(),
            Kind::Mapping { entries, .. } => {
                self.object(entries, depth, left, is_aliased).map(Value::Object)
            }
        }
    }

    fn object(
        &self,
        entries: &[Entry],
        depth: usize,
        left: &mut usize,
        is_aliased: bool,
    ) -> Result<Map<String, Value>, ReadError> {
        let mut object = Map::new();
        let mut merged = Vec::new();
        for entry in entries {
            let value = self.value_within(entry.value, depth + 1, left, is_aliased)?;
            if self.is_merge(entry) {
                merged.push(value);
            } else {
                object.insert(self.key(entry).to_owned(), value);
            }
        }
        // Of several mappings the first wins, and what is written here wins over all.
        for value in merged {
            let mappings = if let Value::Array(values) = value { values } else { vec![value] };
            for mapping in mappings {
                let Value::Object(mapping) = mapping else { continue };
                for (key, value) in mapping {
                    object.entry(key).or_insert(value);
                }
            }
        }
        Ok(object)
    }

    /// A key's text; keys are scalars, or aliases of scalars.
    pub(crate) fn key(&self, entry: &Entry) -> &str {
        let mut id = entry.key;
        while let Kind::Alias(target) = self.nodes[id].kind {
            id = target;
        }
        match &self.nodes[id].kind {
            Kind::Scalar { text, .. } => text,
            _ => "",
        }
    }

    pub(crate) fn is_merge(&self, entry: &Entry) -> bool {
        matches!(&self.nodes[entry.key].kind, Kind::Scalar { text, style: ScalarStyle::Plain } if text.as_str() == "<<")
    }
}

struct Reader<'a> {
    text: &'a str,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    tree: Tree,
    anchors: HashMap<usize, Id>,
    peeked: Option<(Event<'a>, Span)>,
}

impl<'a> Reader<'a> {
    fn stream(&mut self) -> Result<(), ReadError> {
        let mut from = bom(self.text);
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(true, _) => from = bytes(span).end,
                Event::DocumentStart(false, _) => {}
                Event::DocumentEnd => {
                    from = bytes(span).end;
                    continue;
                }
                _ => continue,
            }
            let Some((event, inner)) = self.next()? else { break };
            let root = self.node(event, inner, from, None)?;
            self.tree.documents.push(root);
        }
        Ok(())
    }

    /// The next event; comments are noted and passed over.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, ReadError> {
        if let Some(event) = self.peeked.take() {
            return Ok(Some(event));
        }
        loop {
            match self.events.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), span))) => self.tree.comments.push(bytes(span)),
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    let line = error.marker().line();
                    let message = match error.kind() {
                        ErrorKind::RecursionLimitExceeded => "nested too deeply".to_owned(),
                        _ => error.info(),
                    };
                    return Err(ReadError::Syntax { line, message });
                }
            }
        }
    }

    /// The node that `event` begins. `column` is that of the key that it belongs to, if that is
    /// in block style.
    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        from: usize,
        column: Option<usize>,
    ) -> Result<Id, ReadError> {
        if self.tree.nodes.len() >= MAX_NODES {
            return Err(ReadError::TooLarge);
        }
        let line = span.start.line();
        let range = bytes(span);
        let tag = event.tag().map(Tag::original);
        let tag_range = span.tag_span().map(bytes);
        let anchor = match self.next()? {
            Some((Event::Anchor(id, _), span)) => Some((id, bytes(span))),
            other => {
                self.peeked = other;
                None
            }
        };
        let properties =
            tag_range.into_iter().chain(anchor.as_ref().map(|(_, range)| range.clone()));
        let (properties_start, from_content) = properties
            .fold((usize::MAX, from), |(start, end), range| {
                (start.min(range.start), end.max(range.end))
            });
        let id = self.tree.nodes.len();
        self.tree.nodes.push(Node {
            kind: Kind::Alias(id),
            from,
            start: range.start,
            content: range.start,
            end: range.end,
            column: 0,
            is_anchored: anchor.is_some(),
            tag,
        });
        if let Some((anchor, _)) = anchor {
            self.anchors.insert(anchor, id);
        }
        let kind = match event {
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let target = target.ok_or(ReadError::Aliases)?;
                self.tree.aliased.insert(target);
                Kind::Alias(target)
            }
            Event::Scalar(text, style, ..) => {
                self.scalar_place(id, style, from_content);
                Kind::Scalar { text: Zeroizing::new(text.into_owned()), style }
            }
            Event::SequenceStart(StructureStyle::Flow, ..) => self.flow_sequence(id)?,
            Event::SequenceStart(..) => self.block_sequence(id, from_content, column)?,
            Event::MappingStart(style, ..) => {
                let is_flow = style == StructureStyle::Flow;
                self.mapping(id, is_flow, span.start.col(), column, line)?
            }
            _ => return Err(ReadError::Syntax { line, message: "unexpected end".to_owned() }),
        };
        let node = &mut self.tree.nodes[id];
        node.kind = kind;
        node.start = node.start.min(properties_start);
        node.from = node.from.min(node.start);
        node.end = node.end.max(from_content);
        Ok(id)
    }

    /// Puts right where a scalar begins and ends: a block scalar's span has neither its `|` nor
    /// an end before the blank lines, and one of no characters stands anywhere.
    fn scalar_place(&mut self, id: Id, style: ScalarStyle, from: usize) {
        let text = self.text;
        let node = &mut self.tree.nodes[id];
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                node.start = from + blanks(&text[from..]);
                let header = line_end(text, node.start);
                let keeps =
                    text[node.start..header].split('#').next().is_some_and(|h| h.contains('+'));
                let span = &text[..node.end];
                node.end = if keeps {
                    trim_line_end(span).len()
                } else {
                    span.trim_end_matches([' ', '\t', '\r', '\n']).len()
                };
                node.end = node.end.max(trim_line_end(&text[..header]).len());
            }
            ScalarStyle::Plain if node.start == node.end => {
                node.start = from;
                node.end = from;
            }
            _ => {}
        }
    }

    fn flow_sequence(&mut self, id: Id) -> Result<Kind, ReadError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                self.tree.nodes[id].end = bytes(span).end;
                break;
            }
            let from = bytes(span).start;
            items.push(self.node(event, span, from, None)?);
        }
        Ok(Kind::Sequence { items, is_flow: true })
    }

    fn block_sequence(
        &mut self,
        id: Id,
        from: usize,
        column: Option<usize>,
    ) -> Result<Kind, ReadError> {
        let mut items = Vec::new();
        let mut end = from;
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            let line = span.start.line();
            let dash = end + gap(&self.text[end..]);
            if !self.text[dash..].starts_with('-') {
                return Err(ReadError::Syntax { line, message: "no dash".to_owned() });
            }
            if items.is_empty() {
                let own = self.column(dash);
                self.tree.nodes[id].start = dash;
                self.tree.nodes[id].column = own;
                if let Some(offset) = column.and_then(|column| own.checked_sub(column)) {
                    self.tree.dashes.push((dash, offset));
                }
            }
            let item = self.node(event, span, dash + 1, None)?;
            end = self.tree.nodes[item].end;
            items.push(item);
        }
        self.tree.nodes[id].end = end;
        Ok(Kind::Sequence { items, is_flow: false })
    }

    fn mapping(
        &mut self,
        id: Id,
        is_flow: bool,
        start_column: usize,
        column: Option<usize>,
        line: usize,
    ) -> Result<Kind, ReadError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut own = start_column;
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                if is_flow {
                    self.tree.nodes[id].end = bytes(span).end;
                }
                break;
            }
            if entries.is_empty() {
                own = span.indent.unwrap_or(start_column);
                self.tree.nodes[id].column = own;
            }
            let entry = self.entry(event, span, (!is_flow).then_some(own))?;
            if !is_flow {
                self.tree.nodes[id].end = self.tree.nodes[entry.value].end;
            }
            entries.push(entry);
        }
        if let (false, Some(first)) = (is_flow, entries.first()) {
            self.tree.nodes[id].start = self.tree.nodes[first.key].start;
            if let Some(step) = column.and_then(|column| own.checked_sub(column)).filter(|&s| s > 0)
            {
                self.tree.steps.push((self.tree.nodes[id].start, step));
            }
        }
        self.check_keys(&entries, line)?;
        Ok(Kind::Mapping { entries, is_flow })
    }

    fn entry(
        &mut self,
        event: Event<'a>,
        span: Span,
        column: Option<usize>,
    ) -> Result<Entry, ReadError> {
        let start = bytes(span).start;
        let key = self.node(event, span, start, None)?;
        let (key_start, key_end) = (self.tree.nodes[key].start, self.tree.nodes[key].end);
        let is_explicit = self.text[..key_start].trim_end_matches([' ', '\t']).ends_with('?');
        let space =
            if is_explicit { gap(&self.text[key_end..]) } else { blanks(&self.text[key_end..]) };
        let has_colon = self.text[key_end + space..].starts_with(':');
        let from = if has_colon { key_end + space + 1 } else { key_end };
        let Some((event, span)) = self.next()? else {
            return Err(ReadError::Syntax {
                line: span.start.line(),
                message: "no value".to_owned(),
            });
        };
        let value = self.node(event, span, from, column)?;
        Ok(Entry { key, value, has_colon, is_explicit })
    }

    /// Keys are scalars, as in JSON, and no two are equal.
    fn check_keys(&self, entries: &[Entry], line: usize) -> Result<(), ReadError> {
        let mut seen = HashSet::new();
        for entry in entries {
            let mut id = entry.key;
            while let Kind::Alias(target) = self.tree.nodes[id].kind {
                if target == id {
                    return Err(ReadError::Aliases);
                }
                id = target;
            }
            let Kind::Scalar { .. } = &self.tree.nodes[id].kind else {
                return Err(ReadError::NoJson { line, what: "a key is not a string" });
            };
            let key = self.tree.key(entry);
            if !seen.insert(key) && !self.tree.is_merge(entry) {
                let line = 1 + self.text[..self.tree.nodes[entry.key].start].matches('\n').count();
                return Err(ReadError::DuplicateKey { line, key: key.to_owned() });
            }
        }
        Ok(())
    }

    /// How many characters stand before `offset` on its line.
    fn column(&self, offset: usize) -> usize {
        self.text[line_start(self.text, offset)..offset].chars().count()
    }
}

fn bytes(span: Span) -> Range<usize> {
    // A parser of a `str` always knows its offsets.
    span.byte_range().unwrap_or_default()
}

/// How many blanks `text` begins with.
pub(crate) fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// How many bytes of blanks, line ends and comments `text` begins with.
pub(crate) fn gap(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = text[at..].trim_start_matches([' ', '\t', '\r', '\n']);
        at = text.len() - rest.len();
        if !rest.starts_with('#') {
            return at;
        }
        at = line_end(text, at);
    }
}

/// Where the line of `offset` begins, after the byte order mark that the text may begin with.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or_else(|| bom(text).min(offset), |newline| newline + 1)
}

/// The length of the byte order mark at the start of the text.
pub(crate) fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// Where the line of `offset` ends, with its line feed.
pub(crate) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

/// `text` without one line end.
pub(crate) fn trim_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
