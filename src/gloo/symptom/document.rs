//! Follows documents of Kubernetes that are spread over lines, YAML or indented JSON: whose they
//! are, and the reasons in their statuses.
//!
//! Lines come one at a time and nothing is kept but names and the reason that is being read, so
//! that a stream of any length will do.

use std::collections::BTreeMap;

use super::record::named;
use super::subject::{Subject, is_name};

/// The longest reason that is gathered; Gloo cuts its own at 1024 bytes.
const LONGEST: usize = 64 * 1024;

/// Where in a document the lines are.
#[derive(Debug, Default)]
pub(super) struct Documents {
    kind: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    /// The indentation of `metadata:` and, once it is known, of what is in it.
    metadata: Option<(usize, Option<usize>)>,
    gathered: Option<Gathered>,
}

/// A reason that may go on in the next line.
#[derive(Debug)]
struct Gathered {
    indent: usize,
    text: String,
    lines: u64,
}

/// A reason that is complete.
#[derive(Debug)]
pub(super) struct Reason {
    pub(super) text: String,
    /// How many lines it stood on.
    pub(super) lines: u64,
    /// Whose status it is in.
    pub(super) subject: Option<Subject>,
}

/// What becomes of a line.
#[derive(Debug)]
pub(super) enum Taken {
    /// It belongs to a reason that is being gathered.
    Kept,
    /// It is not part of a reason.
    Free,
}

impl Documents {
    /// Takes the next line. The reason that ends before it, if one does, comes first.
    pub(super) fn line(&mut self, line: &str) -> (Option<Reason>, Taken) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(gathered) = &mut self.gathered
            && (indent > gathered.indent || line.trim().is_empty())
            && gathered.text.len() + line.len() < LONGEST
        {
            gathered.text.push('\n');
            gathered.text.push_str(line);
            // As elsewhere, a blank line is none.
            gathered.lines += u64::from(!line.is_empty());
            return (None, Taken::Kept);
        }
        let ended = self.flush();
        let taken = match key_and_value(&line[indent..]) {
            Some((extra, key, value)) => self.field(indent + extra, key, value, line),
            None => {
                // A line of a log ends a document, which has only fields, items and brackets here.
                if indent == 0 && !line.is_empty() && !line.starts_with(['-', '{', '}', '[', ']']) {
                    *self = Self::default();
                }
                Taken::Free
            }
        };
        (ended, taken)
    }

    /// Ends what is being gathered.
    pub(super) fn flush(&mut self) -> Option<Reason> {
        let gathered = self.gathered.take()?;
        let text = scalar(&gathered);
        Some(Reason { text, lines: gathered.lines, subject: self.subject() })
    }

    /// Whose document it is.
    pub(super) fn subject(&self) -> Option<Subject> {
        let namespace = self.namespace.as_deref().unwrap_or("default");
        named(self.kind.as_deref(), self.name.as_deref()?, namespace)
    }

    fn field(&mut self, indent: usize, key: &str, value: &str, line: &str) -> Taken {
        if let Some((outer, inner)) = &mut self.metadata {
            if indent <= *outer {
                self.metadata = None;
            } else if *inner.get_or_insert(indent) == indent {
                self.metadata_field(key, value);
                return Taken::Free;
            }
        }
        match key {
            "apiVersion" => (self.kind, self.name, self.namespace) = (None, None, None),
            "kind" if self.metadata.is_none() && is_kind(value) => {
                self.kind = Some(value.to_owned())
            }
            "metadata" if value.is_empty() || value == "{" => {
                (self.name, self.namespace) = (None, None);
                self.metadata = Some((indent, None));
            }
            "reason" if self.metadata.is_none() => {
                let text = line.trim_start_matches([' ', '-']).to_owned();
                self.gathered = Some(Gathered { indent, text, lines: 1 });
                return Taken::Kept;
            }
            _ => {}
        }
        Taken::Free
    }

    fn metadata_field(&mut self, key: &str, value: &str) {
        let value = Some(value).filter(|value| is_name(value)).map(str::to_owned);
        match key {
            "name" => self.name = value,
            "namespace" => self.namespace = value,
            _ => {}
        }
    }
}

fn is_kind(value: &str) -> bool {
    value.len() <= 63 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) && value != "List"
}

/// A field of YAML or indented JSON: how much a `- ` before it indents it, its key, its value
/// without quotes and comma.
fn key_and_value(line: &str) -> Option<(usize, &str, &str)> {
    let item = line.strip_prefix("- ").map(str::trim_start);
    let body = item.unwrap_or(line);
    let extra = line.len() - body.len();
    let (key, value) = body.split_once(':')?;
    let key = key.trim_matches('"');
    let word =
        !key.is_empty() && key.len() <= 32 && key.bytes().all(|byte| byte.is_ascii_alphabetic());
    // A value stands apart from its key.
    if !word || !(value.is_empty() || value.starts_with(' ')) {
        return None;
    }
    let value = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
    Some((extra, key, value))
}

/// The value of a gathered field. YAML's rules for quotes and blocks also hold for what is one
/// field of indented JSON; plain text is folded here, since log lines are rarely valid YAML.
fn scalar(gathered: &Gathered) -> String {
    let text = gathered.text.trim_end().trim_end_matches(',');
    let value = text.split_once(':').map_or(text, |(_, value)| value).trim();
    if value.starts_with(['"', '\'', '|', '>']) {
        // What goes on is indented more than the key, which stands at the margin.
        let read: Result<BTreeMap<String, String>, _> = serde_norway::from_str(text);
        if let Some(value) = read.ok().and_then(|fields| fields.into_values().next()) {
            return value;
        }
    }
    value.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(text: &str) -> Vec<(String, String)> {
        let mut documents = Documents::default();
        let mut found = Vec::new();
        for line in text.lines() {
            found.extend(documents.line(line).0);
        }
        found.extend(documents.flush());
        let whose =
            |reason: &Reason| reason.subject.as_ref().map_or(String::new(), ToString::to_string);
        found.into_iter().map(|reason| (whose(&reason), reason.text)).collect()
    }

    #[test]
    fn a_status_in_yaml_is_read() {
        let text = r#"
apiVersion: v1
items:
- apiVersion: gloo.solo.io/v1
  kind: Upstream
  metadata:
    annotations:
      name: not-this
    name: orders
    namespace: shop
  spec:
    kube:
      serviceName: x
  status:
    statuses:
      gloo-system:
        reason: "warning: \n  1 error occurred:\n\t* SSL secret not found: list did not find
          secret shop.orders-tls\n\n"
        reportedBy: gloo
        state: Warning
- apiVersion: gloo.solo.io/v1
  kind: Upstream
  metadata:
    name: other
    namespace: shop
  status:
    reason: |
      line one
      line two
    state: 2
kind: List
"#;
        let found = reasons(text);
        assert_eq!(found[0].0, "Upstream orders in shop");
        assert_eq!(
            found[0].1,
            "warning: \n  1 error occurred:\n\t* SSL secret not found: list did not find secret shop.orders-tls\n\n"
        );
        assert_eq!(
            found[1],
            ("Upstream other in shop".to_owned(), "line one\nline two".to_owned())
        );
    }

    #[test]
    fn a_status_in_indented_json_is_read() {
        let text = r#"{
    "apiVersion": "gloo.solo.io/v1",
    "kind": "Upstream",
    "metadata": {
        "name": "orders",
        "namespace": "shop"
    },
    "status": {
        "statuses": {
            "gloo-system": {
                "reason": "warning: \n  tls version 7 not found",
                "state": "Warning"
            }
        }
    }
}"#;
        let found = reasons(text);
        assert_eq!(
            found,
            [(
                "Upstream orders in shop".to_owned(),
                "warning: \n  tls version 7 not found".to_owned()
            )]
        );
    }

    #[test]
    fn a_fragment_without_a_name_is_read() {
        assert_eq!(
            reasons("reason: 'it''s odd'\nstate: 2"),
            [(String::new(), "it's odd".to_owned())]
        );
        assert_eq!(reasons("reason: {broken"), [(String::new(), "{broken".to_owned())]);
    }

    #[test]
    fn what_never_ends_is_cut() {
        let mut documents = Documents::default();
        documents.line("reason: \"x");
        let long = format!("  {}", "y".repeat(60_000));
        assert!(documents.line(&long).0.is_none());
        assert!(documents.line(&long).0.is_some());
    }
}
