//! Texts before and after, and what holds for all texts.

use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::want::Want;
use super::{Edit, EditError, Reason, Step, edit, edit_documents};
use crate::yaml::documents;

/// `spec.static.hosts[1]`, where a key may stand between `'` if it has dots.
fn path(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, part) in text.split('\'').enumerate() {
        if at % 2 == 1 {
            steps.push(Step::Key(part.to_owned()));
            continue;
        }
        for part in part.split(['.', '[']).filter(|part| !part.is_empty()) {
            let index = part.strip_suffix(']').and_then(|index| index.parse().ok());
            steps.push(index.map_or_else(|| Step::Key(part.to_owned()), Step::Index));
        }
    }
    steps
}

fn set(at: &str, value: impl Into<Value>) -> Edit {
    Edit { path: path(at), value: Some(value.into()) }
}

fn remove(at: &str) -> Edit {
    Edit { path: path(at), value: None }
}

const SUITES: &str = "spec.sslConfig.parameters.cipherSuites";
const MINIMUM: &str = "spec.sslConfig.parameters.minimumProtocolVersion";

/// Edits the first document, and makes sure that editing again changes nothing.
#[track_caller]
fn check(edits: &[Edit], before: &str, after: &str) {
    let edited = edit(before, 0, edits).unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(edited, after, "\n--- is\n{edited}\n--- should be\n{after}");
    assert_eq!(edit(&edited, 0, edits).as_deref(), Ok(after));
}

#[track_caller]
fn refused(edits: &[Edit], text: &str) -> EditError {
    edit(text, 0, edits).expect_err(text)
}

#[track_caller]
fn reason(edits: &[Edit], text: &str) -> (String, Reason) {
    match refused(edits, text) {
        EditError::Unsafe { path, reason } => (path, reason),
        error => panic!("{error:?}\n{text}"),
    }
}

#[test]
fn makes_the_mappings_that_lack() {
    let edits = [set(SUITES, json!(["[A|B]", "C"])), set(MINIMUM, "TLSv1_2")];
    check(
        &edits,
        "# head\nspec:\n  static: # hosts\n    hosts:\n    - addr: a\n      port: 443\n  # tail\n",
        "# head\nspec:\n  static: # hosts\n    hosts:\n    - addr: a\n      port: 443\n  # tail\n  \
         sslConfig:\n    parameters:\n      cipherSuites:\n      - '[A|B]'\n      - C\n      \
         minimumProtocolVersion: TLSv1_2\n",
    );
    let after = "spec:\n  sslConfig: # ours\n    parameters:\n      minimumProtocolVersion: TLSv1_2\n  kube: {}\n";
    for nothing in ["", " {}", " null", " ~", " { }"] {
        let before = format!("spec:\n  sslConfig:{nothing} # ours\n  kube: {{}}\n");
        check(&[set(MINIMUM, "TLSv1_2")], &before, after);
    }
    check(&[set("a.b", 1)], "---\n---\n", "---\na:\n  b: 1\n---\n");
    check(&[set("spec.useHttp2", true)], "spec:", "spec:\n  useHttp2: true");
    check(&[set("spec.useHttp2", true)], "spec: {}", "spec:\n  useHttp2: true");
    check(&[set("spec.useHttp2", true)], "spec:\n  kube: x", "spec:\n  kube: x\n  useHttp2: true");
    check(&[set("a.b[0].c", 2)], "a:\n  b:\n    -\n", "a:\n  b:\n    - c: 2\n");
}

#[test]
fn matches_the_indentation_around() {
    let edits = [set(SUITES, json!(["A"]))];
    check(
        &edits,
        "metadata:\n    labels:\n        a: b\n    list:\n        - x\nspec:\n    kube: {}\n",
        "metadata:\n    labels:\n        a: b\n    list:\n        - x\nspec:\n    kube: {}\n    \
         sslConfig:\n        parameters:\n            cipherSuites:\n                - A\n",
    );
    check(
        &edits,
        "spec:\n  static:\n    hosts:\n      - addr: a\n",
        "spec:\n  static:\n    hosts:\n      - addr: a\n  sslConfig:\n    parameters:\n      \
         cipherSuites:\n        - A\n",
    );
    check(
        &[set("a", json!([{"b": [1, {"c": []}], "d": {"e": {}}}]))],
        "x:\n  - y\n",
        "x:\n  - y\na:\n  - b:\n      - 1\n      - c: []\n    d:\n      e: {}\n",
    );
}

#[test]
fn sets_scalars_in_their_place() {
    check(&[set("a.b", "TLSv1_2")], "a:\n  b:   TLSv1_0   # why\n", "a:\n  b:   TLSv1_2   # why\n");
    check(&[set("a", true)], "a: false # c\nb: 1\n", "a: true # c\nb: 1\n");
    check(&[set("a", "x")], "a: \"y\"\n", "a: \"x\"\n");
    check(&[set("a", "x")], "a: 'y'", "a: 'x'");
    check(&[set("a", "x")], "a: |\n  y\n\n  z\n\n# c\nb: 1\n", "a: x\n\n# c\nb: 1\n");
    check(&[set("a", "x")], "a: one\n  two\nb: 1\n", "a: x\nb: 1\n");
    check(&[set("a", "x")], "a:\n  one # c\nb: 1\n", "a: x\nb: 1\n");
    check(&[set("a", "x")], "\"a\" : 'y'\n", "\"a\" : 'x'\n");
    check(&[set("a", "x")], "a:\n# c\n- y\nb: 1\n", "a: x\n# c\nb: 1\n");
    check(&[set("a", "x")], "a: !!int 4\n", "a: x\n");
    check(&[set("a", "x")], "a: &unused 4\n", "a: x\n");
    check(
        &[set("spec.static.hosts[1].sniAddr", "b.example")],
        "spec:\n  static:\n    hosts:\n    - addr: a # first\n    - addr: b # second\n      port: 1\n",
        "spec:\n  static:\n    hosts:\n    - addr: a # first\n    - addr: b # second\n      port: 1\n      \
         sniAddr: b.example\n",
    );
    let json = r#"{"spec":{"sslConfig":{"sni":"it's"}}}"#;
    check(
        &[set("metadata.annotations.'gloo.solo.io/upstream_config'", json)],
        "metadata:\n  annotations:\n    gloo.solo.io/upstream_config: '{}'\n",
        "metadata:\n  annotations:\n    gloo.solo.io/upstream_config: \
         '{\"spec\":{\"sslConfig\":{\"sni\":\"it''s\"}}}'\n",
    );
    check(
        &[set("metadata.annotations.'gloo.solo.io/upstream_config'", json)],
        "metadata:\n  name: x\nspec: {}\n",
        "metadata:\n  name: x\n  annotations:\n    gloo.solo.io/upstream_config: \
         '{\"spec\":{\"sslConfig\":{\"sni\":\"it''s\"}}}'\nspec: {}\n",
    );
}

#[test]
fn keeps_a_value_that_is_equal_already() {
    for (at, value, text) in [
        ("a", json!(["x", "z"]), "a: [ \"x\",z , ] # c\n"),
        ("a", json!(true), "a: yes\n"),
        ("a", json!("yes"), "a: 'yes'\n"),
        ("a", json!(8), "a: 010\n"),
        ("a", json!("x"), "a: >-\n   x\n"),
        ("a", json!({}), "a: { }\n"),
        ("a", json!(null), "a:\n"),
        ("b", json!({"c": 1}), "a: &a {c: 1}\nb: *a\n"),
        ("b.c", json!(1), "a: &a {c: 1}\nb: *a\n"),
        ("b.c", json!(1), "a: &a {c: 1}\nb:\n  <<: *a\n"),
    ] {
        check(&[set(at, value)], text, text);
    }
    check(&[], "a: 1", "a: 1");
    check(&[remove("b"), remove("c.d"), remove("a.x")], "a: {}\nc:\n", "a: {}\nc:\n");
}

#[test]
fn keeps_the_comments_of_a_list_that_changes() {
    let before = "s: # ours\n# head\n- A # a\n# about B\n- B # b\n- C\n# tail\nt: 1\n";
    for (list, after) in [
        (
            json!(["A", "B", "C", "D"]),
            "s: # ours\n# head\n- A # a\n# about B\n- B # b\n- C\n- D\n# tail\nt: 1\n",
        ),
        (
            json!(["X", "A", "B", "C"]),
            "s: # ours\n# head\n- X\n- A # a\n# about B\n- B # b\n- C\n# tail\nt: 1\n",
        ),
        (
            json!(["A", "X", "B", "Z", "C"]),
            "s: # ours\n# head\n- A # a\n- X\n# about B\n- B # b\n- Z\n- C\n# tail\nt: 1\n",
        ),
        (
            json!(["A", "X", "C"]),
            "s: # ours\n# head\n- A # a\n# about B\n- X # b\n- C\n# tail\nt: 1\n",
        ),
        (json!(["A", "C"]), "s: # ours\n# head\n- A # a\n# about B\n- C\n# tail\nt: 1\n"),
        (json!(["X"]), "s: # ours\n# head\n- X # a\n# about B\n# tail\nt: 1\n"),
        (json!([]), "s: [] # ours\n# head\n# tail\nt: 1\n"),
    ] {
        check(&[set("s", list)], before, after);
    }
    check(&[set("s", json!(["[A|B]", "C"]))], "s:\n- \"A\"\n- \"C\"", "s:\n- \"[A|B]\"\n- \"C\"");
    check(&[set("s", json!(["A", "C"]))], "s:\n- A", "s:\n- A\n- C");
    check(
        &[set("s", json!([{"a": 1, "b": 2}, "C"]))],
        "s:\n- a: 1\n  # deep\n# tail\n",
        "s:\n- a: 1\n  # deep\n  b: 2\n- C\n# tail\n",
    );
    check(&[set("s", json!(["A", "C"]))], "s:\n- A\r\n- B", "s:\n- A\r\n- C");
}

#[test]
fn edits_lists_in_flow_style() {
    check(&[set("s", json!(["A", "B"]))], "s: [A] # c\n", "s: [A, B] # c\n");
    check(&[set("s", json!(["A", "[B|C]"]))], "s: [ 'A' ]\n", "s: [ 'A', '[B|C]' ]\n");
    check(&[set("s", json!(["[A|B]", "C"]))], "s: [\"A\",\"B\"]\n", "s: [\"[A|B]\",\"C\"]\n");
    check(&[set("s", json!(["A", "B"]))], "s: [A,]\n", "s: [A, B,]\n");
    check(&[set("s", json!(["A", "B"]))], "s: []\n", "s:\n- A\n- B\n");
    check(
        &[set("s", json!(["A", "C", "B", "D"]))],
        "s: [\n  A, # a\n  # of B\n  B # b\n]\n",
        "s: [\n  A,\n  C, # a\n  # of B\n  B,\n  D # b\n]\n",
    );
    check(&[set("s", json!(["C"]))], "s: [\n \tA,\n \tB\n ]\n", "s: [\n \tC\n ]\n");
    check(&[set("s", json!(["A", "B"]))], "{s: [], t: 1}\n", "{s: [A, B], t: 1}\n");
    check(&[set("s", json!({"b": 1}))], "s: [1, 2]\n", "s: {b: 1}\n");
}

#[test]
fn edits_mappings_in_flow_style() {
    let edits = [set("spec.sslConfig.sni", "x"), set("spec.useHttp2", true)];
    check(
        &edits,
        "spec: { static: {hosts: []}, sslConfig: {parameters: {}} } # c\n",
        "spec: { static: {hosts: []}, sslConfig: {parameters: {}, sni: x}, useHttp2: true } # c\n",
    );
    check(&[remove("s.a")], "s: {a: 1, b: 2}\n", "s: {b: 2}\n");
    check(&[remove("s.b")], "s: {a: 1, b: 2}\n", "s: {a: 1}\n");
    check(&[remove("s.b"), set("s.c", 3)], "s: {a: 1, b: 2}\n", "s: {a: 1, c: 3}\n");
    check(&[remove("s.b"), set("s.c", 3)], "s: {a: 1, b: 2,}\n", "s: {a: 1, c: 3, }\n");
    check(&[remove("s.a")], "s: {a: 1}\n", "s: {}\n");
    check(&[set("s.b", 2)], "s: {a: }\n", "s: {a: , b: 2 }\n");
    check(&[remove("s.a")], "s: {\n  a: 1, # a\n  b: 2\n}\n", "s: {\n   # a\n  b: 2\n}\n");
    check(&[remove("s.a")], "s: {\n  a: 1,\n  b: 2\n}\n", "s: {\n  b: 2\n}\n");
    check(&[remove("s.b")], "s: {\n  a: 1,\n  b: 2\n}\n", "s: {\n  a: 1\n}\n");
    check(&[set("s.a.b", "[x]")], "s: {a: , c: d}\n", "s: {a: {b: '[x]'} , c: d}\n");
}

#[test]
fn keeps_json_json() {
    let edits = [
        set("spec.sslConfig.parameters.cipherSuites", json!(["[A|B]", "C"])),
        set("spec.useHttp2", true),
    ];
    check(
        &edits,
        r#"{"kind":"Upstream","spec":{"kube":{}}}"#,
        r#"{"kind":"Upstream","spec":{"kube":{},"sslConfig":{"parameters":{"cipherSuites":["[A|B]","C"]}},"useHttp2":true}}"#,
    );
    check(
        &edits,
        "{\n  \"spec\": {\n    \"sslConfig\": {},\n    \"kube\": [\n      1\n    ]\n  }\n}\n",
        "{\n  \"spec\": {\n    \"sslConfig\": {\n      \"parameters\": {\n        \"cipherSuites\": [\n          \
         \"[A|B]\",\n          \"C\"\n        ]\n      }\n    },\n    \"kube\": [\n      1\n    ],\n    \
         \"useHttp2\": true\n  }\n}\n",
    );
    check(
        &edits[1..],
        "{\n\t\"spec\": null\n}",
        "{\n\t\"spec\": {\n\t\t\"useHttp2\": true\n\t}\n}",
    );
    check(
        &[set("a", json!(["x", "z"]))],
        "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ]\n}\n",
        "{\n  \"a\": [\n    \"x\",\n    \"z\"\n  ]\n}\n",
    );
    check(&[remove("a.b")], "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "{\n  \"a\": {}\n}\n");
    check(&[set("a", "é\u{1}")], r#"{"a": "x"}"#, "{\"a\": \"é\\u0001\"}");
}

#[test]
fn removes_keys() {
    check(
        &[remove("spec.sslConfig.sni")],
        "spec:\n  sslConfig:\n    # about sni\n    sni: x # gone\n    secretRef: y\n",
        "spec:\n  sslConfig:\n    # about sni\n    secretRef: y\n",
    );
    check(
        &[remove("spec.sslConfig.sni")],
        "spec:\n  sslConfig: # ours\n    # about sni\n    sni: x\n  kube: y\n",
        "spec:\n  sslConfig: {} # ours\n    # about sni\n  kube: y\n",
    );
    check(&[remove("l[0].a")], "l:\n- a: 1\n  b: 2\n", "l:\n- b: 2\n");
    check(&[remove("l[0].a")], "l:\n- a: 1 # a\n  # b\n  b: 2\n", "l:\n-  # a\n  # b\n  b: 2\n");
    check(&[remove("l[0].a")], "l:\n- a: 1\n- x\n", "l:\n- {}\n- x\n");
    check(&[remove("a.b")], "a:\n  c: 1\n  b:\n    - x\n    # in\n    - y", "a:\n  c: 1");
    check(&[remove("a")], "a: |\n  x\n\n\nb: 1\n", "\n\nb: 1\n");
    check(&[remove("b"), set("c", 1)], "a: 0\nb: 1\n", "a: 0\nc: 1\n");
    check(&[set("a.b", 1), remove("a")], "a:\n  c: 1\nd: 2\n", "d: 2\n");
    check(&[remove("a"), set("a.b", 1)], "a:\n  c: 1\nd: 2\n", "a:\n  b: 1\nd: 2\n");
}

#[test]
fn edits_one_of_several_documents() {
    let text = "# one\na: 1\n---\n# two\na: 1\n--- # three\n---\na: 1 # four\n...\n# end\n";
    let expected = text.replace("a: 1 # four", "a: 2 # four");
    assert_eq!(edit(text, 3, &[set("a", 2)]), Ok(expected));
    let expected = text.replace("--- # three\n", "--- # three\nb: 2\n");
    assert_eq!(edit(text, 2, &[set("b", 2)]), Ok(expected));
    let both = [(1, &[set("b", 2)][..]), (0, &[set("a", 3)])];
    let expected =
        text.replace("# one\na: 1", "# one\na: 3").replace("two\na: 1\n", "two\na: 1\nb: 2\n");
    assert_eq!(edit_documents(text, &both), Ok(expected));
    assert_eq!(edit(text, 4, &[set("b", 2)]), Err(EditError::NoDocument { document: 4 }));
    let list = "kind: List\nitems:\n- spec: {}\n# second\n- spec:\n    a: 1\n";
    check(
        &[set("items[0].spec.b", 1), set("items[1].spec.b", 2)],
        list,
        "kind: List\nitems:\n- spec:\n    b: 1\n# second\n- spec:\n    a: 1\n    b: 2\n",
    );
}

#[test]
fn keeps_line_ends_byte_order_mark_and_wide_characters() {
    check(
        &[set("a.b", json!(["x"]))],
        "a: # é\r\n  c: 'ü'\r\n",
        "a: # é\r\n  c: 'ü'\r\n  b:\r\n  - x\r\n",
    );
    check(&[set("a.b", 1)], "\u{feff}a:\n  c: 1\n", "\u{feff}a:\n  c: 1\n  b: 1\n");
    check(&[remove("a")], "\u{feff}a: 1\nb: 1\n", "\u{feff}b: 1\n");
    check(&[set("ключ.b", 1)], "ключ: {ю: я}\n", "ключ: {ю: я, b: 1}\n");
    check(&[set("a", json!(["x", "z"]))], "a: [\n \tx,\n \tw]\n", "a: [\n \tx,\n \tz]\n");
}

#[test]
fn edits_beside_anchors_and_merge_keys() {
    let text = "base: &base\n  x: 1\na:\n  <<: *base\n  y: 2\n";
    check(&[set("a.y", 3)], text, "base: &base\n  x: 1\na:\n  <<: *base\n  y: 3\n");
    check(&[set("a.x", 3)], text, "base: &base\n  x: 1\na:\n  <<: *base\n  y: 2\n  x: 3\n");
    check(&[set("a", 3)], "base: &base {x: 1}\na: *base\n", "base: &base {x: 1}\na: 3\n");
    check(&[set("a.x", 3)], "a: &unused {x: 1}\n", "a: &unused {x: 3}\n");
}

#[test]
fn refuses_what_would_change_elsewhere() {
    let text = "base: &base\n  x: {y: 1}\na: *base\nb:\n  <<: *base\n";
    for (edit, expected) in [
        (set("a.x.y", 2), ("a", Reason::Alias)),
        (set("base.x.y", 2), ("base", Reason::Anchor)),
        (set("base", 2), ("base", Reason::Anchor)),
        (remove("base"), ("base", Reason::Anchor)),
        (set("b.x.y", 2), ("b.x", Reason::Merge)),
        (remove("b.x"), ("b.x", Reason::Merge)),
    ] {
        let (path, why) = reason(std::slice::from_ref(&edit), text);
        assert_eq!((path.as_str(), why), expected, "{edit:?}");
    }
    let error =
        refused(&[set("spec.sslConfig.sni", "x")], "c: &c {a: b}\nspec:\n  sslConfig: *c\n");
    let expected = "spec.sslConfig cannot be edited safely: it is part of an alias, and would change elsewhere too";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn refuses_what_has_no_place_or_an_unusual_layout() {
    for (edit, text, expected) in [
        (set("a.b", 1), "a: text\n", Reason::Kind),
        (set("a.b", 1), "a: [1]\n", Reason::Kind),
        (set("a[0]", 1), "a: {}\n", Reason::Kind),
        (set("a[1]", 1), "a: [1]\n", Reason::Index),
        (set("a[0].b", 1), "c: 1\n", Reason::Index),
        (remove("a[0]"), "a: [1]\n", Reason::Index),
        (set("a.b", 1), "a: !custom {b: 2}\n", Reason::Tag),
        (set("a", 1), "? a\n: b\n", Reason::Layout),
        (set("a[0].b", 1), "a: [b: 2]\n", Reason::Layout),
        (set("b", 1), "\ta: 1\n", Reason::Parsers),
    ] {
        assert_eq!(reason(std::slice::from_ref(&edit), text).1, expected, "{edit:?} in {text:?}");
    }
}

#[test]
fn refuses_texts_that_are_no_yaml_for_kubernetes() {
    let sets = [set("a", 1)];
    for (text, message) in [
        ("a: {{ .Values.x }}\n", "line 1: it looks like a template: give what the template makes"),
        (
            "x: 1\n{{- if .x }}\na: 1\n{{- end }}\n",
            "line 2: it looks like a template: give what the template makes",
        ),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" is there twice"),
        ("a: {b: 1, 'b': 2}\n", "line 1: the key \"b\" is there twice"),
        ("? [a]\n: b\n", "line 1: a key is not a string"),
        (&"[".repeat(100), "line 1: nested too deeply"),
        ("a: 1\rb: 2\n", "line 1: a carriage return alone"),
        ("", "there is no document 1"),
        ("# only this\n", "there is no document 1"),
    ] {
        assert_eq!(refused(&sets, text).to_string(), message, "{text:?}");
    }
    for text in
        ["a: [1\n", "a: 1\n b: 2\n", "a:\n\tb: 1\n", "a: b\0\n", "a: *none\n", "a: &a [*a]\n"]
    {
        refused(&sets, text);
    }
    check(
        &[set("a", 2)],
        "a: 1 # {{ not one }}\nb: '{{ x }}'\n",
        "a: 2 # {{ not one }}\nb: '{{ x }}'\n",
    );
}

#[test]
fn quotes_strings_that_plain_would_be_something_else() {
    for string in [
        "",
        " ",
        "a ",
        " a",
        "true",
        "True",
        "yes",
        "on",
        "Off",
        "y",
        "N",
        "null",
        "~",
        "1",
        "1.2",
        "0x1F",
        "1e3",
        "010",
        "0o7",
        "1_000",
        ".5",
        ".inf",
        ".NaN",
        "-1",
        "+1",
        "12:30",
        "2001-01-01",
        "<<",
        "=",
        "[a]",
        "[A|B]",
        "{a}",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a'",
        "\"a\"",
        "%a",
        "@a",
        "`a`",
        "- a",
        "-",
        "---",
        "...",
        "? a",
        ",",
        "a,b",
        "a]",
        "it's",
        "a\nb",
        "a\tb",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "é",
        "a\\b",
        "{\"a\": \"b\"}",
        "TLSv1_2",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "http/1.1",
        "host:443",
        "e3",
        "0b1",
        "1.",
        "NaN",
        "Infinity",
    ] {
        for text in [
            "a: b\n",
            "a: 'b'\n",
            "a: \"b\"\n",
            "a:\n- b\n",
            "a: [b]\n",
            "{a: b}\n",
            "{\"a\": \"b\"}",
        ] {
            let is_list = text.contains('-') || text.contains('[');
            let value = if is_list { json!([string, "c"]) } else { json!(string) };
            // Reading it again, by two parsers, is part of the edit.
            let edited =
                edit(text, 0, &[set("a", value.clone()), set("b", json!({ string: string }))]);
            let edited = edited.unwrap_or_else(|error| panic!("{string:?} in {text:?}: {error}"));
            assert_eq!(read(&edited), [json!({"a": value, "b": { string: string }})]);
        }
    }
    for plain in ["TLSv1_2", "http/1.1", "ECDHE-RSA-AES128-GCM-SHA256", "b.example.com"] {
        check(&[set("a", plain)], "a: 1\n", &format!("a: {plain}\n"));
    }
    for quoted in ["1.2.3.4", "yes", "[A|B]", "host:443", "a b"] {
        check(&[set("a", quoted)], "a: 1\n", &format!("a: '{quoted}'\n"));
    }
}

#[test]
fn is_quick_to_refuse_hostile_texts() {
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        writeln!(laughs, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let long = "x".repeat(500_000);
    let hostile = [
        "[".repeat(1 << 20),
        "{".repeat(1 << 20),
        "- ".repeat(1 << 19),
        "? ".repeat(1 << 19),
        "{a: ".repeat(1 << 18),
        "a: [".repeat(1 << 18),
        (0..2000).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n"),
        laughs,
        format!("a: &a \"{long}\"\nb:\n{}", "- *a\n".repeat(50_000)),
        "x".repeat(65 << 20),
    ];
    for text in hostile {
        let start = Instant::now();
        refused(&[set("z", 1)], &text);
        let limit = Duration::from_secs(5);
        assert!(start.elapsed() < limit, "{:?} for {:.40}", start.elapsed(), text);
    }
}

fn read(text: &str) -> Vec<Value> {
    let documents = documents(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    documents.into_iter().map(|document| document.value).collect()
}

#[test]
fn reads_documents_as_kubectl_does() {
    let text = "# c\na: &a {b: yes, c: 010}\nd:\n  c: ~\n  <<: *a\n---\n---\n# e\n- 0x1f\n- '1'\n- 1_000\n- .5\n- 1e3\n\
                - 2001-01-01\n- !!str 1\n- -0b11\n- .inf\n- 18446744073709551615\n---\n";
    let lists = json!([31, "1", 1000, 0.5, 1000.0, "2001-01-01", "1", -3, ".inf", u64::MAX]);
    let first = json!({"a": {"b": true, "c": 8}, "d": {"b": true, "c": null}});
    let read = documents(text).unwrap();
    let lines: Vec<_> = read.iter().map(|document| document.line).collect();
    assert_eq!(lines, [2, 6, 9, 19]);
    let values: Vec<_> = read.into_iter().map(|document| document.value).collect();
    assert_eq!(values, [first, json!(null), lists, json!(null)]);
}

/// A node of a document that is made up, in a style that is made up too.
#[derive(Clone, Debug)]
enum Sketch {
    Inline(&'static str),
    Literal,
    Mapping(Vec<(usize, bool, Sketch)>),
    List(Vec<(bool, Sketch)>),
}

const KEYS: [&str; 6] = ["a", "b", "'c'", "\"d\"", "e.f", "yes"];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e.f", "yes"];

fn sketch() -> impl Strategy<Value = Sketch> {
    let inline = prop::sample::select(vec![
        "",
        "x",
        "'y'",
        "\"z\"",
        "1",
        "true",
        "~",
        "[]",
        "{}",
        "[A, 'B']",
        "[A, B,]",
        "{a: 1, b: [A]}",
        "{ c: {a: } }",
        "one two",
        "\"[A|B]\"",
        "'it''s'",
        "{\"a\":1}",
    ]);
    let leaf = prop_oneof![8 => inline.prop_map(Sketch::Inline), 1 => Just(Sketch::Literal)];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let entry = (0..KEYS.len(), any::<bool>(), inner.clone());
        let mapping = prop::collection::vec(entry, 1..4).prop_map(|mut entries| {
            entries.sort_by_key(|entry| entry.0);
            entries.dedup_by_key(|entry| entry.0);
            Sketch::Mapping(entries)
        });
        prop_oneof![3 => mapping, 1 => prop::collection::vec((any::<bool>(), inner), 1..4).prop_map(Sketch::List)]
    })
}

/// Writes sketches, and notes under which path each numbered comment stands.
struct Pen {
    text: String,
    step: usize,
    dash: usize,
    comments: Vec<Vec<Step>>,
}

impl Pen {
    fn comment(&mut self, under: &[Step]) -> String {
        self.comments.push(under.to_vec());
        format!("# comment {}.", self.comments.len() - 1)
    }

    fn head(&mut self, has_comment: bool, column: usize, under: &[Step]) {
        if has_comment {
            let comment = self.comment(under);
            writeln!(self.text, "{}{comment}", " ".repeat(column)).unwrap();
        }
    }

    fn value(&mut self, sketch: &Sketch, column: usize, path: &mut Vec<Step>, is_item: bool) {
        match sketch {
            Sketch::Inline(text) => {
                let comment = if text.len() % 2 == 0 { self.comment(path) } else { String::new() };
                let line = format!(" {text} {comment}");
                writeln!(self.text, "{}", line.trim_end()).unwrap();
            }
            Sketch::Literal => {
                let indent = " ".repeat(column + self.step);
                writeln!(self.text, " |-\n{indent}# no comment\n\n{indent}text").unwrap();
            }
            Sketch::Mapping(entries) if is_item => {
                self.text.push(' ');
                self.mapping(entries, column + 2, path, true);
            }
            Sketch::Mapping(entries) => {
                self.text.push('\n');
                self.mapping(entries, column + self.step, path, false);
            }
            Sketch::List(items) => {
                let is_inner = is_item;
                self.text.push_str(if is_inner { " " } else { "\n" });
                let column = column + if is_inner { 2 } else { self.dash };
                self.list(items, column, path, is_inner);
            }
        }
    }

    fn mapping(
        &mut self,
        entries: &[(usize, bool, Sketch)],
        column: usize,
        path: &mut Vec<Step>,
        is_item: bool,
    ) {
        for (at, (key, has_comment, sketch)) in entries.iter().enumerate() {
            if !is_item || at > 0 {
                self.head(*has_comment, column, path);
                self.text.push_str(&" ".repeat(column));
            }
            write!(self.text, "{}:", KEYS[*key]).unwrap();
            path.push(Step::Key(NAMES[*key].to_owned()));
            self.value(sketch, column, path, false);
            path.pop();
        }
    }

    fn list(
        &mut self,
        items: &[(bool, Sketch)],
        column: usize,
        path: &mut Vec<Step>,
        is_inner: bool,
    ) {
        for (at, (has_comment, sketch)) in items.iter().enumerate() {
            if !is_inner || at > 0 {
                self.head(*has_comment, column, path);
                self.text.push_str(&" ".repeat(column));
            }
            self.text.push('-');
            path.push(Step::Index(at));
            self.value(sketch, column, path, true);
            path.pop();
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(7),
        json!("x"),
        json!("[A|B]"),
        json!("yes"),
        json!("a: b # c"),
        json!([]),
        json!({}),
        json!(["A", "B"]),
        json!(["A", "[B|C]", "D"]),
        json!("two\nlines"),
    ]);
    leaf.prop_recursive(2, 8, 3, |inner| {
        let entry = (prop::sample::select(NAMES.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 1..4).prop_map(Value::from),
            prop::collection::vec(entry, 1..4).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn an_edit() -> impl Strategy<Value = Edit> {
    let key = prop::sample::select(NAMES.to_vec()).prop_map(|key| Step::Key(key.to_owned()));
    let step = prop_oneof![5 => key.clone(), 1 => (0..3_usize).prop_map(Step::Index)];
    let path = (key, prop::collection::vec(step, 0..4));
    (path, prop_oneof![3 => value().prop_map(Some), 1 => Just(None)]).prop_map(
        |((first, rest), value)| Edit { path: std::iter::once(first).chain(rest).collect(), value },
    )
}

fn applied(value: &Value, edits: &[Edit]) -> Option<Value> {
    let mut value = value.clone();
    if let Some(want) = Want::of(edits).ok()? {
        want.apply(&mut value).ok()?;
    }
    Some(value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn edits_say_what_they_should_and_lose_nothing_else(
        entries in prop::collection::vec((0..KEYS.len(), any::<bool>(), sketch()), 1..5),
        step in 2..5_usize,
        has_indented_lists in any::<bool>(),
        is_crlf in any::<bool>(),
        ends_in_line in any::<bool>(),
        edits in prop::collection::vec(an_edit(), 1..3),
    ) {
        let mut entries = entries;
        entries.sort_by_key(|entry| entry.0);
        entries.dedup_by_key(|entry| entry.0);
        let dash = if has_indented_lists { step } else { 0 };
        let mut pen = Pen { text: String::new(), step, dash, comments: Vec::new() };
        pen.mapping(&entries, 0, &mut Vec::new(), false);
        let mut text = format!("# first\n---\n{}", pen.text);
        if !ends_in_line {
            text.pop();
        }
        if is_crlf {
            text = text.replace('\n', "\r\n");
        }
        let before = read(&text).remove(0);
        let edited = edit(&text, 0, &edits);
        let Some(expected) = applied(&before, &edits) else {
            prop_assert!(edited.is_err(), "{text}");
            return Ok(());
        };
        let edited = match edited {
            Ok(edited) => edited,
            Err(EditError::Unsafe { reason: Reason::Layout, .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}\n{edits:?}"))),
        };
        prop_assert_eq!(&read(&edited), &[expected], "{}\n{}", text, edited);
        prop_assert_eq!(edit(&edited, 0, &edits), Ok(edited.clone()));
        prop_assert_eq!(edited.ends_with('\n'), text.ends_with('\n'), "{}\n---\n{}", text, edited);
        let [edit] = &edits[..] else { return Ok(()) };
        for (number, under) in pen.comments.iter().enumerate() {
            let is_kept = edited.contains(&format!("# comment {number}."));
            prop_assert!(is_kept || under.starts_with(&edit.path), "{number}\n{text}\n---\n{edited}");
        }
        // All before the first key of the path stays, and all from the next key on.
        let Some(Step::Key(name)) = edit.path.first() else { return Ok(()) };
        let line_of = |key: &usize| text.find(&format!("\n{}:", KEYS[*key])).map(|at| at + 1);
        let at = entries.iter().position(|entry| NAMES[entry.0] == name);
        let (start, end) = match at {
            Some(at) => (line_of(&entries[at].0), entries.get(at + 1).and_then(|next| line_of(&next.0))),
            None => (None, None),
        };
        let (start, end) = (start.unwrap_or(text.len()), end.unwrap_or(text.len()));
        prop_assert!(edited.starts_with(text[..start].trim_end()) && edited.ends_with(&text[end..]), "{text}\n---\n{edited}");
    }

    #[test]
    fn arbitrary_texts_are_edited_rightly_or_refused(
        text in "([ab]: |- |\\[|\\]|\\{|\\}|,|[ab]|'|\"|#c|\n|\n  |\n|&x |\\*x|!t |\\||>|\\?|<<: |---\n|\t| ){0,24}",
        change in an_edit(),
        document in 0..2_usize,
    ) {
        if let Ok(edited) = edit(&text, document, std::slice::from_ref(&change)) {
            let expected = applied(&read(&text)[document], std::slice::from_ref(&change));
            prop_assert_eq!(Some(&read(&edited)[document]), expected.as_ref());
            prop_assert_eq!(edit(&edited, document, &[change]), Ok(edited.clone()));
        }
    }
}
