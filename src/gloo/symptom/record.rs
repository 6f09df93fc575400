//! One entry of a log or one document on a line, taken apart into texts and what they are about.

use serde_json::{Map, Value};

use super::line::time_in;
use super::subject::{Subject, is_address, is_name};

/// How much of one document is looked at, in texts.
const MOST: usize = 10_000;

/// What a line holds beside its texts, as far as it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Circumstances {
    /// The cluster.
    pub(super) cluster: Option<Subject>,
    /// Address and port of the server.
    pub(super) address: Option<String>,
    /// The document that the line is part of, where the line looks like one of a document.
    pub(super) document: Option<Subject>,
    /// When.
    pub(super) time: Option<String>,
    /// Response flags, in their order.
    pub(super) flags: Vec<String>,
    /// Whether the line has the transport failure reason, and it is empty.
    pub(super) empty_reason: bool,
}

/// One text of a line.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    /// The object that it is about, where the document says so.
    pub(super) subject: Option<Subject>,
    /// Whether it is the reason of a status.
    pub(super) is_reason: bool,
}

/// A line taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) circumstances: Circumstances,
    pub(super) pieces: Vec<Piece>,
}

/// Takes a JSON document on one line apart, whatever stands before it. None if there is none.
pub(super) fn json(line: &str) -> Option<Record> {
    let line = line.trim_end();
    let ends = line.ends_with(['}', ']']);
    let start = line.find('{').filter(|_| ends)?;
    let start = if line[..start].ends_with('[') { start - 1 } else { start };
    let value: Value = serde_json::from_str(&line[start..]).ok()?;
    let mut record = Record::default();
    // Some loggers write the message first and its fields as JSON.
    take_text(line[..start].trim(), "", None, &mut record);
    walk(&value, "", None, &mut record);
    // Without flags it is no access log, and its cluster may be one of Kubernetes.
    let circumstances = &mut record.circumstances;
    let is_access_log = !circumstances.flags.is_empty() || circumstances.empty_reason;
    circumstances
        .cluster
        .take_if(|cluster| !is_access_log && matches!(cluster, Subject::Cluster { .. }));
    Some(record)
}

fn walk(value: &Value, key: &str, subject: Option<&Subject>, record: &mut Record) {
    if record.pieces.len() >= MOST {
        return;
    }
    match value {
        Value::Object(object) => walk_object(object, key, subject, record),
        Value::Array(items) => items.iter().for_each(|item| walk(item, key, subject, record)),
        Value::String(text) => take_text(text, key, subject, record),
        Value::Null if is_reason_key(&plain(key)) => record.circumstances.empty_reason = true,
        Value::Number(_) if is_time_key(&plain(key)) => {
            record.circumstances.time = time_in(value);
        }
        _ => {}
    }
}

fn walk_object(
    object: &Map<String, Value>,
    key: &str,
    subject: Option<&Subject>,
    record: &mut Record,
) {
    let own = object_name(object);
    let subject = own.as_ref().or(subject);
    if let (Some(Value::String(name)), Some(Value::Number(number))) =
        (object.get("name"), object.get("value"))
    {
        // A counter of `/stats?format=json`.
        let text = format!("{name}: {number}");
        record.pieces.push(Piece { text, subject: None, is_reason: false });
    }
    for (name, inner) in object {
        // What a status says counts; a spec only repeats what was asked for.
        let skipped = own.is_some() && matches!(name.as_str(), "spec" | "metadata");
        if !skipped {
            walk(
                inner,
                if inner.is_object() || name.is_empty() { key } else { name },
                subject,
                record,
            );
        }
    }
}

/// The name in an object's metadata, if it is an object of Kubernetes.
fn object_name(object: &Map<String, Value>) -> Option<Subject> {
    let metadata = object.get("metadata")?;
    let text = |key: &str| metadata.get(key)?.as_str().filter(|name| is_name(name));
    let kind = object.get("kind").and_then(Value::as_str);
    named(kind, text("name")?, text("namespace").unwrap_or("default"))
}

/// An object of Kubernetes as a subject.
pub(super) fn named(kind: Option<&str>, name: &str, namespace: &str) -> Option<Subject> {
    let (name, namespace) = (name.to_owned(), namespace.to_owned());
    Some(match kind {
        Some("Upstream") | None => Subject::Upstream { name, namespace },
        Some("Service") => Subject::Service { name, namespace: Some(namespace) },
        Some(_) => Subject::Resource { name, namespace },
    })
}

/// A key without what its writers differ in.
fn plain(key: &str) -> String {
    key.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase()
}

fn is_reason_key(key: &str) -> bool {
    key.ends_with("failurereason")
}

fn is_time_key(key: &str) -> bool {
    matches!(key, "ts" | "time" | "timestamp" | "starttime")
}

fn take_text(text: &str, key: &str, subject: Option<&Subject>, record: &mut Record) {
    if text.is_empty() && !is_reason_key(&plain(key)) {
        return;
    }
    let circumstances = &mut record.circumstances;
    let key = plain(key);
    match key.as_str() {
        "upstreamcluster" | "upstreamclusterraw" | "cluster" | "clustername" => {
            circumstances.cluster = Subject::of_cluster(text);
        }
        "upstreamhost" | "upstreamaddress" | "upstreamremoteaddress" | "remoteaddress"
            if is_address(text) && !key.starts_with("remote") =>
        {
            circumstances.address = Some(text.to_owned());
        }
        key if is_time_key(key) => circumstances.time = time_in(&text.into()),
        key if key.contains("flag") => circumstances.flags = flags(text).unwrap_or_default(),
        key if is_reason_key(key) && matches!(text, "" | "-") => circumstances.empty_reason = true,
        key => {
            let is_reason = key == "reason" && subject.is_some();
            record.pieces.push(Piece {
                text: text.to_owned(),
                subject: subject.cloned(),
                is_reason,
            });
        }
    }
}

/// `UF`, `UF,URX` or the long names. None if it is no list of flags; empty for `-`.
fn flags(text: &str) -> Option<Vec<String>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let flag = |flag: &str| {
        let letters = flag.bytes().all(|byte| byte.is_ascii_alphanumeric());
        letters
            && flag.len() >= 2
            && flag.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase())
    };
    let list: Vec<_> = text.split(',').map(str::to_owned).collect();
    (list.len() <= 8 && list.iter().all(|one| flag(one))).then_some(list)
}

/// Takes a line of an access log in Envoy's default format, or one like it, apart: a status and
/// response flags somewhere outside quotes; the last address in quotes is the server's, and a
/// word right after it the cluster's name. Only the part from the status on becomes the text,
/// since paths may hold anything.
pub(super) fn access_log(line: &str) -> Option<Record> {
    if !line.contains('"') {
        return None;
    }
    let mut record = Record::default();
    let mut tokens = tokens(line).peekable();
    let mut from = None;
    while let Some((at, token, quoted)) = tokens.next() {
        let is_status = !quoted
            && (token == "0" || token.len() == 3)
            && token.bytes().all(|byte| byte.is_ascii_digit());
        if is_status
            && let Some((_, next, false)) = tokens.peek()
            && let Some(list) = flags(next)
        {
            record.circumstances.flags = list;
            from = Some(at);
            break;
        }
    }
    let from = from?;
    tokens.next();
    let mut after_address = false;
    for (_, token, quoted) in tokens {
        if quoted && token.parse::<std::net::SocketAddr>().is_ok() {
            record.circumstances.address = Some(token.to_owned());
            after_address = true;
            continue;
        }
        if after_address && !quoted && !is_address(token) {
            record.circumstances.cluster = Subject::of_cluster(token);
        }
        after_address = false;
    }
    let text = line[from..].to_owned();
    record.pieces.push(Piece { text, subject: None, is_reason: false });
    Some(record)
}

/// The words of a line with their places, those in quotes whole.
fn tokens(line: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line[at..].len() - line[at..].trim_start().len();
        let rest = &line[at..];
        let first = rest.chars().next()?;
        let begin = at;
        if first == '"' {
            let inner = &rest[1..];
            let end = inner.find('"').unwrap_or(inner.len());
            at = (begin + end + 2).min(line.len());
            return Some((begin, &inner[..end], true));
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        at = begin + end;
        Some((begin, &rest[..end], false))
    })
}

/// A counter with its value.
#[derive(Debug)]
pub(super) struct CounterLine<'a> {
    /// The name below the cluster's, such as `ssl.connection_error`.
    pub(super) name: String,
    /// The cluster's name; none for counters of Envoy as a whole.
    pub(super) cluster: Option<&'a str>,
    pub(super) value: u64,
}

/// Reads a line of `/stats`, `cluster.NAME.COUNTER: VALUE`, or of Prometheus,
/// `envoy_cluster_COUNTER{envoy_cluster_name="NAME"} VALUE`, if it is one of `wanted` counters.
pub(super) fn counter<'a>(text: &'a str, wanted: &[&str]) -> Option<CounterLine<'a>> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("envoy_cluster_") {
        let (name, rest) = rest.split_once('{')?;
        let (labels, value) = rest.rsplit_once('}')?;
        let is = |counter: &&&str| {
            counter.replace('.', "_").strip_prefix("cluster_").unwrap_or(&counter.replace('.', "_"))
                == name
        };
        let name = (*wanted.iter().find(is)?).to_owned();
        let cluster = super::finder::between(labels, "envoy_cluster_name=\"", "\"");
        return Some(CounterLine { name, cluster, value: value.trim().parse().ok()? });
    }
    if !text.starts_with("cluster") {
        return None;
    }
    let (path, value) = text.rsplit_once(':')?;
    let value = value.trim().parse().ok()?;
    if let Some(name) = wanted.iter().find(|counter| **counter == path) {
        return Some(CounterLine { name: (*name).to_owned(), cluster: None, value });
    }
    let rest = path.strip_prefix("cluster.")?;
    let found = wanted.iter().find_map(|counter| {
        let cluster = rest.strip_suffix(counter)?.strip_suffix('.')?;
        Some((*counter, cluster))
    });
    let (name, cluster) = found?;
    Some(CounterLine { name: name.to_owned(), cluster: Some(cluster), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_access_log_is_read() {
        let line = r#"[2026-11-23T02:28:10.295Z] "GET /a?b=c HTTP/1.1" 503 UF,URX 0 294 1 - "-" "curl/7.88.1" "ac5f" "localhost:22000" "127.0.0.1:21001""#;
        let record = access_log(line).unwrap();
        assert_eq!(record.circumstances.flags, ["UF", "URX"]);
        assert_eq!(record.circumstances.address.as_deref(), Some("127.0.0.1:21001"));
        assert!(!record.pieces[0].text.contains("/a?b=c"));
    }

    #[test]
    fn a_cluster_after_the_address_is_read() {
        let line = r#"[2026-11-23T02:28:10.295Z] "GET / HTTP/1.1" 503 UF upstream_reset{x} - "TLS_error:|1" 0 9 1 - "-" "curl" "id" "a.example" "10.0.0.1:443" orders_shop - 10.0.0.2:8080 10.0.0.3:1"#;
        let record = access_log(line).unwrap();
        assert_eq!(record.circumstances.cluster, Some(Subject::upstream("orders", "shop")));
        assert_eq!(record.circumstances.address.as_deref(), Some("10.0.0.1:443"));
    }

    #[test]
    fn other_lines_are_no_access_log() {
        for line in
            ["", "\"", "503 UF", "say \"200\" now", "\"unclosed 503 UF", "a 503 lower \"x\""]
        {
            assert!(access_log(line).is_none(), "{line}");
        }
    }

    #[test]
    fn counters_are_read() {
        let wanted = [
            "ssl.connection_error",
            "cluster_manager.cds.update_rejected",
            "upstream_cx_connect_fail",
        ];
        for (text, cluster, name, value) in [
            ("cluster.a.b_ns.ssl.connection_error: 5", Some("a.b_ns"), "ssl.connection_error", 5),
            (
                "cluster_manager.cds.update_rejected: 2",
                None,
                "cluster_manager.cds.update_rejected",
                2,
            ),
            (
                "envoy_cluster_ssl_connection_error{envoy_cluster_name=\"a_ns\"} 7",
                Some("a_ns"),
                "ssl.connection_error",
                7,
            ),
            (
                "envoy_cluster_manager_cds_update_rejected{} 3",
                None,
                "cluster_manager.cds.update_rejected",
                3,
            ),
        ] {
            let line = counter(text, &wanted).unwrap();
            assert_eq!((line.cluster, line.name.as_str(), line.value), (cluster, name, value));
        }
        for text in [
            "cluster.a.ssl.handshake: 5",
            "cluster.a.ssl.connection_error: x",
            "clusters",
            "cluster.ssl.connection_error: 1",
        ] {
            assert!(counter(text, &wanted).is_none(), "{text}");
        }
    }
}
