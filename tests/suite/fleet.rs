//! Many targets in one run: lists, lines, kills, signals, shares and the open-file limit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cipher_test::lab::Scenario;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::servers::{Scripted, Server, closed_port};
use crate::support::{embedded, scratch};

/// Answers every hello in plain HTTP, after a pause, at every address of this machine: a verdict
/// for one connection.
fn plain_everywhere(pause: Duration) -> Server {
    Scripted::start_at((Ipv4Addr::UNSPECIFIED, 0).into(), move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        std::thread::sleep(pause);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    })
}

/// So many addresses of loopback, with the server's port.
fn addresses(server: &Server, count: u32) -> Vec<String> {
    let port = server.address().port();
    let first = Ipv4Addr::new(127, 0, 1, 0).to_bits();
    (0..count).map(|offset| format!("{}:{port}", Ipv4Addr::from_bits(first + offset))).collect()
}

/// The targets of a run's lines with their verdicts; none may come twice.
fn verdicts(lines: &str) -> BTreeMap<String, String> {
    let mut verdicts = BTreeMap::new();
    for line in lines.lines() {
        let report: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        let [target] = &report["targets"].as_array().expect("targets")[..] else {
            panic!("one target a line: {line}")
        };
        let name = target["target"].as_str().expect("a target").to_owned();
        let summary = target["summary"].as_str().expect("a summary").to_owned();
        assert_eq!(verdicts.insert(name.clone(), summary), None, "{name} comes twice");
    }
    verdicts
}

fn listed(directory: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn ndjson(args: &[&str]) -> Run {
    cipher_test([args, &["--format", "ndjson", "-q"]].concat())
}

#[test]
fn lists_are_read_as_people_and_programs_write_them() {
    let server = plain_everywhere(Duration::ZERO);
    let port = server.address().port();
    let directory = scratch("lists-");
    let text = format!(
        "\u{feff}# ours\r\n127.0.0.1:{port}\r\n\r\n  127.0.0.2:{port}\t# the second\r\n\
         https://127.0.0.3:{port}/path#part\n127.0.0.1:{port}#again\nhttps://LOCALHOST.:{port}\n\
         localhost:{port}\n[::1]:{port}"
    );
    let list = listed(directory.path(), "list", text);
    let more = listed(directory.path(), "more", format!("tls://127.0.0.4:{port}\n"));
    let argument = format!("127.0.0.5:{port}");
    let run = ndjson(&[&argument, "--targets", &list, "--targets", &more]);
    let expected = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"]
        .map(|host| format!("{host}:{port}"));
    let tested = verdicts(&run.stdout);
    let names: BTreeSet<_> = tested.keys().map(|name| name.to_lowercase()).collect();
    for name in expected.iter().chain([&format!("localhost.:{port}").replace('.', "")]) {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(run.complaints(), ["cipher-test: 2 targets are named more than once: tested once"]);
}

#[test]
fn mistakes_in_lists_have_a_place_and_spare_the_rest() {
    let server = plain_everywhere(Duration::ZERO);
    let directory = scratch("lists-");
    let good = server.address();
    let text = format!("no-port\n{good}\n10.0.0.0/24:443\n\x1b[2J:1\n");
    let list = listed(directory.path(), "list", text);
    let missing = directory.path().join("missing").display().to_string();
    let run = ndjson(&["--targets", &list, "--targets", &missing]);
    assert_eq!(run.code, Some(2));
    assert_eq!(verdicts(&run.stdout).len(), 1);
    let [first, second, third, fourth] = run.complaints()[..] else { panic!("{}", run.stderr) };
    assert_eq!(
        first,
        format!(
            "cipher-test: {list}:1: 'no-port' has no port: write HOST:PORT, for example no-port:443"
        )
    );
    assert_eq!(
        second,
        format!(
            "cipher-test: {list}:3: '10.0.0.0/24:443' is a network of 256 addresses: --allow-cidr \
             tests each of them"
        )
    );
    assert_eq!(third, format!("cipher-test: {list}:4: the line is no text"));
    assert_eq!(fourth, format!("cipher-test: cannot read {missing}: no such file or directory"));
    let run = cipher_test(["--targets", &list, "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!((run.code, &report["exit_code"]), (Some(2), &Value::from(2)));

    let many = listed(directory.path(), "many", "wrong\n".repeat(1000));
    let run = ndjson(&["--targets", &many]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert_eq!(run.complaints().len(), 21);
    assert_eq!(run.complaints()[20], "cipher-test: and 980 more mistakes like these");

    let empty = listed(directory.path(), "empty", "# nothing\n");
    let run = cipher_test(["--targets", &empty, "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!((run.code, &report["exit_code"]), (Some(2), &Value::from(2)));
    let run = ndjson(&["--targets", &empty]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert_eq!(run.complaints(), ["cipher-test: no target: the lists hold none"]);
}

#[test]
fn every_address_of_a_network_is_tested_if_asked_for() {
    let server = plain_everywhere(Duration::ZERO);
    let port = server.address().port();
    let run = ndjson(&[&format!("127.0.7.0/29:{port}"), "--allow-cidr"]);
    let expected: BTreeSet<_> = (0..8).map(|last| format!("127.0.7.{last}:{port}")).collect();
    assert_eq!(verdicts(&run.stdout).into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn lines_keep_to_the_published_schema() {
    let servers = [Scenario::Legacy, Scenario::Modern, Scenario::PlainHttp, Scenario::Mtls]
        .map(embedded::scenario);
    let mut targets: Vec<_> = servers.iter().map(|server| server.address().to_string()).collect();
    let resets = Scripted::resets();
    targets.push(resets.address().to_string());
    targets.push(closed_port().address().to_string());
    targets.push("nowhere.invalid:443".to_owned());
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let schema = serde_json::from_str(&cipher_test(["schema"]).stdout).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let short = ndjson(&targets);
    let long = ndjson(&[&targets[..], &["-v"]].concat());
    assert_eq!((short.code, long.code), (Some(2), Some(2)));
    assert_eq!(verdicts(&short.stdout), verdicts(&long.stdout));
    assert_eq!(verdicts(&short.stdout).len(), targets.len());
    for line in short.stdout.lines() {
        assert!(line.len() < 20_000, "{} bytes", line.len());
    }
    let mut versions = 0;
    for line in short.stdout.lines().chain(long.stdout.lines()) {
        let report: Value = serde_json::from_str(line).expect("JSON");
        let errors: Vec<_> =
            validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{line}");
        let surveyed = report.pointer("/targets/0/endpoints/0/survey/versions");
        for version in surveyed.and_then(Value::as_array).into_iter().flatten() {
            versions += 1;
            let count = |field: &str| version[field].as_u64().expect("a count");
            let left_out = count("refused") + count("not_offered");
            let rows = version["suites"].as_array().expect("rows").len() as u64;
            let telling = count("accepted") + count("unclear");
            let nothing_known = count("accepted") + count("refused") == 0 && rows == 0;
            let expected = [telling, telling + left_out];
            assert!(expected.contains(&rows) || nothing_known, "{line}");
            assert!(telling + left_out > 300, "every registered suite is accounted for");
        }
    }
    assert!(versions > 10);
}

#[test]
fn a_line_is_there_before_the_list_ends() {
    let server = plain_everywhere(Duration::ZERO);
    let mut child = command()
        .args(["--targets", "-", "--format", "ndjson"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("stdin");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    for target in addresses(&server, 3) {
        writeln!(stdin, "{target}").expect("a reader");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert_eq!(verdicts(&line).into_keys().collect::<Vec<_>>(), [target]);
    }
    drop(stdin);
    let run = finish(child);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.starts_with("3 targets\n        3  a change is needed\n"), "{}", run.stderr);
}

#[test]
fn many_targets_end_with_a_table() {
    let server = plain_everywhere(Duration::ZERO);
    let targets = addresses(&server, 5);
    let closed = closed_port().address().to_string();
    let args: Vec<_> = targets.iter().chain([&closed]).map(String::as_str).collect();
    let run = cipher_test(&args);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""));
    let (_, table) = run.stdout.rsplit_once("\n\n6 targets\n").expect("a table");
    assert!(table.starts_with("        5  a change is needed\n        1  no answer\n"), "{table}");
    assert!(table.contains("\n        5  plain-text "), "{table}");
    assert!(table.contains("\n        1  unreachable "), "{table}");

    let quiet = cipher_test([&args[..], &["-q"]].concat());
    assert!(!quiet.stdout.contains("6 targets"), "{}", quiet.stdout);
    let json = cipher_test([&args[..], &["--format", "json"]].concat());
    assert!(json.stderr.starts_with("6 targets\n"), "{}", json.stderr);
    let report: Value = serde_json::from_str(&json.stdout).expect("one document");
    assert_eq!(report["targets"].as_array().map(Vec::len), Some(6));
}

/// Sends a signal to a run.
fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("an id");
    kill_process(id, signal).expect("a process");
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_run_killed_again_and_again_loses_and_repeats_nothing() {
    let server = plain_everywhere(Duration::from_millis(4));
    let directory = scratch("resume-");
    let closed = closed_port();
    let mut targets = addresses(&server, 300);
    targets.push(closed.address().to_string());
    let list = listed(directory.path(), "list", targets.join("\n"));
    let uninterrupted = ndjson(&["--targets", &list]);
    let path = directory.path().join("out.ndjson");
    let out = path.display().to_string();
    let args =
        ["--targets", &list, "--format", "ndjson", "--resume", &out, "--concurrency", "4", "-q"];
    let mut kills = 0;
    for part in 1..=4 {
        let child = command().args(args).spawn().expect("the command starts");
        let size = uninterrupted.stdout.len() as u64 * part / 6;
        wait_for("a part of the result", || {
            let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            (length >= size).then_some(())
        });
        signal(&child, Signal::KILL);
        let run = finish(child);
        assert_eq!((run.code, run.stdout.as_str()), (None, ""));
        kills += 1;
        // As a kill in the middle of a write would leave it.
        let text = std::fs::read(&path).expect("the result");
        std::fs::write(&path, &text[..text.len() - 7 * part as usize]).expect("a file");
    }
    assert_eq!(kills, 4);
    let last = cipher_test(args);
    assert_eq!((last.code, last.stdout.as_str()), (Some(2), ""), "{}", last.stderr);
    assert!(last.stderr.contains("targets are in the file to go on with: not tested again"));
    let result = std::fs::read_to_string(&path).expect("the result");
    assert_eq!(verdicts(&result), verdicts(&uninterrupted.stdout));
    assert_eq!(verdicts(&result).len(), 301);

    // With nothing left to do, code and table are about the whole.
    let args: Vec<_> = args.into_iter().filter(|arg| *arg != "-q").collect();
    let again = cipher_test(args);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("301 targets\n"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&path).expect("the result"), result);
}

#[test]
fn what_was_asked_by_another_way_is_not_gone_on_with() {
    let server = plain_everywhere(Duration::from_millis(4));
    let directory = scratch("resume-");
    let target = addresses(&server, 1).remove(0);
    let out = directory.path().join("out.ndjson").display().to_string();
    let args = [target.as_str(), "--format", "ndjson", "--resume", &out];
    assert_eq!(cipher_test(args).stderr, "");
    let text = std::fs::read_to_string(&out).expect("the result");
    let proxy = ["--proxy", "http://127.0.0.1:1"];
    for more in [&["--starttls", "smtp"][..], &["--proxy-protocol", "v1"], &proxy] {
        let run = cipher_test([&args[..], more].concat());
        let words = format!("{target} was asked by another way");
        assert!(run.code == Some(2) && run.stderr.contains(&words), "{more:?}: {}", run.stderr);
        assert_eq!(std::fs::read_to_string(&out).expect("the result"), text);
    }
}

#[test]
fn only_what_is_ours_is_gone_on_with() {
    let directory = scratch("resume-");
    let notes = listed(directory.path(), "notes", "dear diary\n");
    for (args, words) in [
        (&["127.0.0.1:1", "--format", "ndjson", "--resume", &notes][..], "nothing was changed"),
        (&["127.0.0.1:1", "--format", "ndjson", "--resume", "/"], "it is no file"),
        (&["127.0.0.1:1", "--resume", &notes], "add --format ndjson"),
        (&["127.0.0.1:1", "--resume", &notes, "--fix", "patch"], "cannot be used with"),
        (
            &["127.0.0.1:1", "--format", "ndjson", "--from", "1.36", "--to", "1.40"],
            "--format ndjson knows one release only",
        ),
    ] {
        let run = cipher_test(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
        let [line] = run.complaints()[..] else { panic!("{args:?}: {}", run.stderr) };
        assert!(line.contains(words), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&notes).expect("the file"), "dear diary\n");
}

/// Starts a run over a server that never answers and some that do; returns it with what it has
/// written once those are done.
fn run_that_hangs(format: &str, silent: &Server, quick: &[String]) -> Child {
    let silent = silent.address().to_string();
    let mut command = command();
    command.arg(silent).args(quick).args(["--format", format, "--answer-timeout", "60s"]);
    command.spawn().expect("the command starts")
}

#[test]
fn a_signal_ends_a_run_in_order() {
    let silent = Scripted::silent();
    let tested = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tested);
    let server = Scripted::start_at((Ipv4Addr::UNSPECIFIED, 0).into(), move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let quick = addresses(&server, 3);
    for (which, format) in [(Signal::INT, "text"), (Signal::TERM, "json"), (Signal::TERM, "ndjson")]
    {
        tested.store(0, Ordering::Relaxed);
        let child = run_that_hangs(format, &silent, &quick);
        wait_for("three answers", || (tested.load(Ordering::Relaxed) >= 3).then_some(()));
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, which);
        let run = finish(child);
        assert_eq!(run.code, Some(2), "{format}");
        assert!(run.took < Duration::from_secs(10), "{format}: {:?}", run.took);
        let last = run.complaints().pop().expect("a word").to_owned();
        assert_eq!(last, "cipher-test: stopped: 1 of 4 targets were not tested", "{format}");
        match format {
            "text" => {
                let heads = run.stdout.lines().filter(|line| line.contains(" · "));
                let heads: Vec<_> = heads.filter_map(|line| line.split(' ').next()).collect();
                assert_eq!(heads, quick);
                assert!(run.stdout.contains("\n3 targets\n"), "{}", run.stdout);
            }
            "json" => {
                let report: Value = serde_json::from_str(&run.stdout).expect("one document");
                assert_eq!(report["targets"].as_array().map(Vec::len), Some(3));
                assert_eq!(report["exit_code"], 2);
            }
            _ => assert!(verdicts(&run.stdout).into_keys().eq(quick.iter().cloned())),
        }
    }
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let server = embedded::scenario(Scenario::Modern);
    let mut child = command()
        .args([&server.address().to_string(), "--format", "json", "--no-handshakes"])
        .spawn()
        .expect("the command starts");
    // A document larger than the pipe, which is not read: the run hangs in writing it.
    let mut stdout = child.stdout.take().expect("stdout");
    let mut begun = [0; 1];
    stdout.read_exact(&mut begun).expect("a byte");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a child to ask").is_none(), "the first ends it in order");
    signal(&child, Signal::INT);
    let run = finish(child);
    assert_eq!(run.code, Some(2));
    assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
}

#[test]
fn shares_are_disjoint_and_make_the_whole() {
    let server = plain_everywhere(Duration::ZERO);
    let directory = scratch("shards-");
    let targets = addresses(&server, 60);
    let list = listed(directory.path(), "list", targets.join("\n"));
    let mut all = Vec::new();
    for share in ["1/3", "2/3", "3/3"] {
        let tested = verdicts(&ndjson(&["--targets", &list, "--shard", share]).stdout);
        assert!((8..=36).contains(&tested.len()), "{share}: {}", tested.len());
        all.extend(tested.into_keys());
    }
    all.sort_unstable();
    let mut expected = targets.clone();
    expected.sort_unstable();
    assert_eq!(all, expected);

    let indexed = |index: &str, more: &[&str]| {
        let mut command = command();
        command.args(["--targets", &list, "--format", "ndjson", "-q"]).args(more);
        command.env("JOB_COMPLETION_INDEX", index);
        finish(command.spawn().expect("the command starts"))
    };
    let second = ndjson(&["--targets", &list, "--shard", "2/3"]);
    let of_job = indexed("1", &["--shards", "3"]);
    assert_eq!(verdicts(&of_job.stdout), verdicts(&second.stdout));
    assert!(!of_job.stdout.is_empty());
    for (index, words) in [("3", "--shards 3 does not have"), ("x", "is no number")] {
        let run = indexed(index, &["--shards", "3"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let run = ndjson(&["--targets", &list, "--shards", "3"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("write --shard K/N instead"), "{}", run.stderr);
    // A share may be empty.
    let one = listed(directory.path(), "one", &targets[0]);
    let codes = ["1/2", "2/2"].map(|share| ndjson(&["--targets", &one, "--shard", share]).code);
    assert!(codes == [Some(0), Some(1)] || codes == [Some(1), Some(0)], "{codes:?}");
    for share in ["1/2", "2/2"] {
        let run = cipher_test(["--targets", &one, "--shard", share, "--format", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).expect("one document");
        assert_eq!(report["exit_code"].as_i64(), run.code.map(i64::from), "{share}");
    }
}

#[test]
fn the_open_file_limit_is_no_verdict_on_servers() {
    let server = plain_everywhere(Duration::from_millis(2));
    let directory = scratch("limit-");
    let mut targets = addresses(&server, 200);
    let modern = embedded::scenario(Scenario::Modern);
    targets.push(modern.address().to_string());
    let list = listed(directory.path(), "list", targets.join("\n"));
    let program = env!("CARGO_BIN_EXE_cipher-test");
    let script = format!(
        "ulimit -n 64; exec {program} --targets {list} --format ndjson -q --concurrency 500"
    );
    let child = std::process::Command::new("bash")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    let run = finish(child);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(
        run.complaints(),
        ["cipher-test: the limit of 64 open files allows 32 connections at once, not 2500: raise \
          it with ulimit -n"]
    );
    assert_eq!(verdicts(&run.stdout), verdicts(&ndjson(&["--targets", &list]).stdout));
    assert_eq!(verdicts(&run.stdout).len(), 201);
}

#[test]
fn two_names_of_one_address_are_asked_in_turn() {
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counted, highest) = (Arc::clone(&open), Arc::clone(&most));
    let server = Scripted::start(move |mut stream| {
        let now = counted.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(now, Ordering::SeqCst);
        let _ = stream.read(&mut [0; 4096]);
        std::thread::sleep(Duration::from_millis(5));
        // Before the client can know, so that the next connection is never counted beside it.
        counted.fetch_sub(1, Ordering::SeqCst);
        let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02\x28");
    });
    let port = server.address().port();
    let names: Vec<_> = (0..6).map(|number| format!("name{number}.test:{port}")).collect();
    let mut args = names.clone();
    for name in &names {
        args.extend(["--resolve".to_owned(), format!("{name}:127.0.0.1")]);
    }
    args.extend(["--connections", "1", "--format", "ndjson", "-q"].map(str::to_owned));
    let run = cipher_test(&args);
    assert_eq!(verdicts(&run.stdout).len(), names.len(), "{}", run.stderr);
    assert_eq!(most.load(Ordering::SeqCst), 1, "connections at once");
}

#[test]
fn a_reader_that_leaves_ends_a_fleet() {
    let server = plain_everywhere(Duration::from_millis(50));
    let directory = scratch("pipe-");
    let list = listed(directory.path(), "list", addresses(&server, 2000).join("\n"));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let child = command()
        .args(["--targets", &list, "--format", "ndjson", "--concurrency", "2"])
        .stdout(writer)
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).expect("a line");
    let run = finish(child);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""));
    assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
}
