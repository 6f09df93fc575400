//! The command as its users run it: what it takes, what goes to stdout and what to stderr, and
//! how it ends.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cipher_test::lab::{ClientCertificate, Scenario, ServerConfig, client_identity};
use serde_json::{Value, json};

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::keys::{self, Leaf};
use crate::support::servers::{Openssl, Scripted, closed_port};
use crate::support::{embedded, scratch};

/// One line on stderr, nothing on stdout, exit code 2.
fn refuses(args: &[&str], words: &str) {
    let run = cipher_test(args);
    assert_eq!(run.code, Some(2), "{args:?}");
    assert_eq!(run.stdout, "", "{args:?}");
    let [line] = run.complaints()[..] else { panic!("{args:?}: {}", run.stderr) };
    assert!(line.starts_with("cipher-test: "), "{args:?}: {line}");
    assert!(line.contains(words), "{args:?}: '{words}' is not in: {line}");
    assert!(!line.contains("For more information"), "{line}");
}

/// Nothing that a run needs is asked of a server before these are refused.
const TARGET: &str = "127.0.0.1:1";

#[test]
fn bad_targets_are_refused() {
    refuses(&[], "no target: write HOST:PORT");
    for (target, words) in [
        ("example.com", "'example.com' has no port"),
        ("example.com:", "has no port"),
        ("example.com:0", "a port is a number from 1 to 65535"),
        ("example.com:70000", "a port is a number from 1 to 65535"),
        ("example.com:-1", "a port is a number from 1 to 65535"),
        (":443", "has no host"),
        ("", "has no host"),
        ("::1:443", "write it in brackets"),
        ("[::1:443", "no valid IPv6 address"),
        ("[::g]:443", "no valid IPv6 address"),
        ("[]:443", "no valid IPv6 address"),
        ("[::1]", "has no port"),
        ("ftp://example.com", "no https URL"),
        ("exa mple.com:443", "no host name"),
        ("frobnicate", "has no port"),
    ] {
        refuses(&[target], words);
    }
}

#[test]
fn bad_flags_are_refused() {
    for (args, words) in [
        (&["--frobnicate"][..], "unexpected argument '--frobnicate'"),
        (&["--envoy", "1.99"], "known are 1.12 to 1.40"),
        (&["--envoy", "newest"], "known are 1.12 to 1.40"),
        (&["--minimum-protocol-version", "TLSv9"], "write TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3"),
        (&["--maximum-protocol-version", "1.3"], "write TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3"),
        (&["--upstream-name", "My_Upstream"], "is no Kubernetes name"),
        (&["--namespace", ""], "is no Kubernetes name"),
        (&["--secret", "a/b/c"], "is no Kubernetes name"),
        (&["--verify-name", "example.com"], "--ca"),
        (&["--cert", "client.pem"], "--key"),
        (&["--sni", "a", "--no-sni"], "cannot be used with"),
        (&["--sni", ""], "is no server name"),
        (&["--sni", "a b"], "is no server name"),
        (&["--alpn", ""], "--alpn has an empty name"),
        (&["--cipher-suites", "AES128-SHA,,AES256-SHA"], "--cipher-suites has an empty name"),
        (&["--ecdh-curves", ","], "--ecdh-curves has an empty name"),
        (&["--connections", "0"], "0 is not in 1..=64"),
        (&["--deadline", "0s"], "must be longer than 0"),
        (&["--answer-timeout", "soon"], "write a time such as 500ms or 2s"),
        (&["--fix", "json"], "possible values: upstream, patch, kubectl"),
        (&["--fix", "patch", "--format", "json"], "cannot be used with"),
        (&["--no-handshakes", "--exhaustive"], "cannot be used with"),
        (&["--color", "sometimes"], "possible values: auto, always, never"),
    ] {
        refuses(&[&[TARGET], args].concat(), words);
    }
    let long = "a".repeat(256);
    refuses(&[TARGET, "--alpn", &long], "more than 255 bytes");
    refuses(&[TARGET, "--sni", &long], "is no server name");
    refuses(&["demo", "frobnicate"], "there is no scenario 'frobnicate'");
}

#[test]
fn bad_files_are_refused() {
    let directory = scratch("files-");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (empty, text) = (path("empty"), path("text"));
    std::fs::write(&empty, "").expect("a file");
    std::fs::write(&text, "no PEM at all\n").expect("a file");
    refuses(&[TARGET, "--ca", &path("missing")], "no such file");
    refuses(&[TARGET, "--ca", &path("")], "is a directory");
    refuses(&[TARGET, "--ca", &empty], "holds no PEM certificate");
    refuses(&[TARGET, "--ca", &text], "holds no PEM certificate");

    let (client, other) = (keys::leaf(Leaf::Client), keys::leaf(Leaf::EcdsaP256));
    let shown = |path: &Path| path.display().to_string();
    let certificate = shown(&client.certificate);
    let with_key = |key: &str| {
        vec![TARGET.into(), "--cert".into(), certificate.clone(), "--key".into(), key.to_owned()]
    };
    for (key, words) in [
        (shown(&other.key), "the key does not belong to the certificate"),
        (path("missing"), "no such file"),
        (text, "no PEM private key"),
    ] {
        let args: Vec<String> = with_key(&key);
        refuses(&args.iter().map(String::as_str).collect::<Vec<_>>(), words);
    }
}

#[test]
fn a_bad_target_spares_the_good_ones() {
    let server = embedded::scenario(Scenario::Modern);
    let good = server.address().to_string();
    let run = cipher_test(["no-port", &good, "[::g]:1", "--no-handshakes"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.starts_with(&format!("{good} · Envoy connects\n")), "{}", run.stdout);
    assert_eq!(run.complaints().len(), 2, "{}", run.stderr);
}

#[test]
fn targets_are_reported_in_their_order() {
    let servers = [Scenario::Legacy, Scenario::PlainHttp, Scenario::Modern].map(embedded::scenario);
    let closed = closed_port();
    let targets: Vec<String> = servers
        .iter()
        .map(|server| server.address().to_string())
        .chain([closed.address().to_string()])
        .collect();
    let run = cipher_test(targets.iter().map(String::as_str).chain(["--no-handshakes"]));
    assert_eq!(run.code, Some(2), "the worst of all");
    let heads: Vec<&str> = run.stdout.lines().filter(|line| line.contains(" · ")).collect();
    let verdicts = [
        "Envoy cannot connect; a change is needed",
        "Envoy cannot connect; a change is needed",
        "Envoy connects",
        "no answer",
    ];
    let expected: Vec<String> = targets
        .iter()
        .zip(verdicts)
        .map(|(target, verdict)| format!("{target} · {verdict}"))
        .collect();
    assert_eq!(heads, expected);
}

#[test]
fn exit_codes_tell_the_worst() {
    let modern = embedded::scenario(Scenario::Modern);
    let legacy = embedded::scenario(Scenario::Legacy);
    let (modern, legacy) = (modern.address().to_string(), legacy.address().to_string());
    assert_eq!(cipher_test([&modern, "--no-handshakes"]).code, Some(0));
    assert_eq!(cipher_test([&modern, &legacy, "--no-handshakes"]).code, Some(1));
}

#[test]
fn unresolvable_and_unreachable_are_no_answer() {
    let run = cipher_test(["nowhere.invalid:443"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.starts_with("nowhere.invalid:443 · no answer\n"), "{}", run.stdout);
    assert!(run.stdout.contains("cannot resolve nowhere.invalid: "), "{}", run.stdout);
    assert!(run.took < Duration::from_secs(8), "{:?}", run.took);

    let run = cipher_test([closed_port().address().to_string()]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.contains("✗ cannot connect: connection refused\n"), "{}", run.stdout);
    assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
}

/// The YAML documents on stdout.
fn documents(run: &Run) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_norway::Deserializer::from_str(&run.stdout)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .collect()
}

fn fix(address: SocketAddr, form: &str, more: &[&str]) -> Run {
    let target = address.to_string();
    cipher_test([&[target.as_str(), "--fix", form], more].concat())
}

#[test]
fn a_patch_stands_alone_on_stdout() {
    let server = embedded::scenario(Scenario::Tls13Only);
    let expected = json!({ "spec": { "sslConfig": { "parameters": {
        "maximumProtocolVersion": "TLSv1_3" } } } });
    let run = fix(server.address(), "patch", &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert_eq!(documents(&run), std::slice::from_ref(&expected));

    let run = fix(server.address(), "upstream", &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let [upstream] = &documents(&run)[..] else { panic!("{}", run.stdout) };
    assert_eq!(upstream["kind"], "Upstream");
    assert_eq!(upstream["spec"]["sslConfig"], expected["spec"]["sslConfig"]);
    assert_eq!(upstream["spec"]["static"]["hosts"][0]["port"], server.address().port());

    let run = fix(server.address(), "kubectl", &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let command =
        "kubectl patch upstreams.gloo.solo.io my-upstream -n gloo-system --type merge -p ";
    let patch = run.stdout.strip_prefix(command).expect("the command");
    let patch = patch.trim_end().strip_prefix('\'').and_then(|patch| patch.strip_suffix('\''));
    assert_eq!(serde_json::from_str::<Value>(patch.expect("quotes")).expect("JSON"), expected);
    assert_eq!(run.stdout.lines().count(), 1, "one line to paste");
}

#[test]
fn no_patch_is_printed_where_none_is_needed_or_none_helps() {
    let server = embedded::scenario(Scenario::Modern);
    let run = fix(server.address(), "patch", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(run.stderr.contains("Envoy connects, no patch is needed"), "{}", run.stderr);
    assert_eq!(run.complaints().len(), 1);

    for (scenario, words) in [
        (Scenario::DheOnly, "no setting of Gloo helps"),
        (Scenario::PlainHttp, "speaks plain HTTP"),
        (Scenario::Mtls, "insists on a client certificate"),
    ] {
        let server = embedded::scenario(scenario);
        let run = fix(server.address(), "upstream", &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{scenario:?}");
        assert!(run.stderr.contains(words), "{scenario:?}: {}", run.stderr);
        assert_eq!(run.complaints().len(), 1, "{}", run.stderr);
    }

    let run = fix(closed_port().address(), "patch", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert_eq!(run.complaints().len(), 1, "{}", run.stderr);
    let run = cipher_test(["nowhere.invalid:443", "--fix", "patch"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("cannot resolve"), "{}", run.stderr);
}

#[test]
fn patches_for_several_targets_are_documents_of_one_stream() {
    let servers = [Scenario::Legacy, Scenario::Modern, Scenario::Tls13Only].map(embedded::scenario);
    let targets = servers.each_ref().map(|server| server.address().to_string());
    let run = cipher_test(targets.iter().map(String::as_str).chain(["--fix", "upstream"]));
    assert_eq!(run.code, Some(1));
    let documents = documents(&run);
    let ports = documents.iter().map(|document| &document["spec"]["static"]["hosts"][0]["port"]);
    let expected = [servers[0].address().port(), servers[2].address().port()];
    assert!(ports.eq(expected.map(Value::from).iter()), "{}", run.stdout);
    assert_eq!(run.stdout.lines().filter(|line| *line == "---").count(), 1);
}

#[test]
fn names_fill_in_the_patch() {
    let server = embedded::scenario(Scenario::Mtls);
    let names = ["--upstream-name", "billing", "--namespace", "shop"];
    let run =
        fix(server.address(), "upstream", &[&names[..], &["--secret", "vault/client"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let [upstream] = &documents(&run)[..] else { panic!("{}", run.stdout) };
    assert_eq!(upstream["metadata"], json!({ "name": "billing", "namespace": "shop" }));
    let secret = &upstream["spec"]["sslConfig"]["secretRef"];
    assert_eq!(*secret, json!({ "name": "client", "namespace": "vault" }));

    // Without a namespace of its own, the secret stands beside the Upstream.
    let run = fix(server.address(), "patch", &[&names[..], &["--secret", "client"]].concat());
    let [patch] = &documents(&run)[..] else { panic!("{}", run.stdout) };
    let secret = &patch["spec"]["sslConfig"]["secretRef"];
    assert_eq!(*secret, json!({ "name": "client", "namespace": "shop" }));

    let run = fix(server.address(), "kubectl", &[&names[..], &["--secret", "client"]].concat());
    assert!(run.stdout.contains(" billing -n shop "), "{}", run.stdout);
}

const ESCAPE: char = '\u{1b}';

#[test]
fn colour_goes_to_terminals_alone_unless_asked_for() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let colored = |args: &[&str], no_color: Option<&str>| {
        let mut command = command();
        command.arg(&target).arg("--no-handshakes").args(args);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let run = finish(command.spawn().expect("the command starts"));
        assert_eq!(run.stderr, "", "no bar where nobody sees it");
        run.stdout.contains(ESCAPE)
    };
    assert!(!colored(&[], None), "piped");
    assert!(!colored(&[], Some("1")));
    assert!(colored(&["--color", "always"], None));
    assert!(colored(&["--color", "always"], Some("1")), "a flag is nearer than a variable");
    assert!(!colored(&["--color", "never"], None));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    for args in
        [&[target.as_str(), "--no-handshakes"][..], &["envoy"], &["demo", "--list"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = command().args(args).stdout(writer).spawn().expect("the command starts");
        let run = finish(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// Other failures to write are told.
#[test]
fn a_full_disk_is_told() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let child = command().arg("envoy").stdout(full).spawn().expect("the command starts");
    let run = finish(child);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.starts_with("cipher-test: cannot write the result: "), "{}", run.stderr);
}

/// What cannot be said on stderr, as after `2>&1 | head -1`, takes nothing from stdout.
#[test]
fn a_stderr_that_takes_nothing_is_no_failure() {
    let server = embedded::scenario(Scenario::Modern);
    let target = server.address().to_string();
    let directory = scratch("targets-");
    let file = directory.path().join("targets.txt");
    std::fs::write(&file, format!("{target}\nrubbish\n")).expect("a file");
    let file = file.display().to_string();
    for (args, code, is_empty) in [
        (vec!["--targets", &file, "--format", "ndjson", "--no-handshakes"], 2, false),
        (vec![&target, "localhost", "--no-handshakes"], 2, false),
        (vec![&target, "--fix", "patch"], 0, true),
        (vec!["explain", "nothing that is known"], 2, true),
        (vec!["--no-such-option"], 2, true),
        (vec!["demo", "modern", "--no-handshakes"], 0, false),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command();
        command.args(&args).stderr(writer);
        let output = command.stdout(Stdio::piped()).output().expect("it runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}");
        assert_eq!(stdout.is_empty(), is_empty, "{args:?}: {stdout}");
    }
}

#[test]
fn every_demo_shows_what_it_promises() {
    for scenario in Scenario::ALL {
        let run = cipher_test(["demo", scenario.name(), "--no-handshakes"]);
        assert_eq!(run.code, Some(0), "{scenario:?}: {}", run.stderr);
        let verdict = match scenario {
            Scenario::Modern => " · Envoy connects",
            Scenario::DheOnly => " · Envoy cannot connect; no setting helps",
            _ => " · Envoy cannot connect; a change is needed",
        };
        let first = run.stdout.lines().next().unwrap_or_default();
        assert!(first.ends_with(verdict), "{scenario:?}: {first}");
        let [line] = run.complaints()[..] else { panic!("{}", run.stderr) };
        assert!(line.starts_with(&format!("demo '{}' on 127.0.0.1:", scenario.name())), "{line}");
    }
}

#[test]
fn demos_are_listed() {
    let run = cipher_test(["demo", "--list"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let names: Vec<_> =
        run.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, Scenario::ALL.map(Scenario::name));
}

#[test]
fn a_demo_serves_until_it_is_killed() {
    let mut child = command()
        .args(["demo", "legacy", "--serve"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts");
    let stderr = child.stderr.take().expect("caught");
    let line = BufReader::new(stderr).lines().next().expect("a line").expect("text");
    let address = line.split_whitespace().nth(3).and_then(|word| word.strip_suffix(':'));
    let target = address.expect("an address").to_owned();
    for _ in 0..2 {
        let run = cipher_test([target.as_str(), "--no-handshakes"]);
        assert_eq!(run.code, Some(1), "{}", run.stdout);
    }
    assert!(child.try_wait().expect("a child").is_none(), "it goes on");
    child.kill().expect("a kill");
    child.wait().expect("an end");
    assert_eq!(cipher_test([target]).code, Some(2), "gone");
}

#[test]
fn a_taken_port_is_told() {
    let server = embedded::scenario(Scenario::PlainHttp);
    let port = server.address().port().to_string();
    refuses(&["demo", "modern", "--port", &port], "cannot listen on loopback port");
}

#[test]
fn every_release_is_listed() {
    let run = cipher_test(["envoy"]);
    assert_eq!(run.code, Some(0));
    for minor in 12..=40 {
        let release = format!("1.{minor} ");
        let rows = run.stdout.lines().filter(|line| line.starts_with(&release)).count();
        assert_eq!(rows, 2, "{release}: standard and FIPS");
    }
}

#[test]
fn the_release_decides() {
    // CBC suites were in the default list up to 1.16.
    let server = embedded::scenario(Scenario::Legacy);
    let target = server.address().to_string();
    for (release, code, words) in [
        ("1.16", 0, "as Envoy 1.16 would"),
        ("1.36", 1, "as Envoy 1.36 would"),
        ("1.40", 1, "as Envoy 1.40 would"),
    ] {
        let run = cipher_test([&target, "--envoy", release, "--no-handshakes"]);
        assert_eq!(run.code, Some(code), "{}", run.stdout);
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
}

#[test]
fn handshakes_are_completed_as_told() {
    let server = embedded::old();
    let target = server.address().to_string();
    let [none, each, every] = [&["--no-handshakes"][..], &[], &["--exhaustive"]]
        .map(|more| cipher_test([&[target.as_str(), "-v"], more].concat()));
    assert_eq!(none.rows().len(), 2, "{}", none.stdout);
    let suites = |run: &Run| -> Vec<_> { run.rows().into_iter().map(|row| row.1).collect() };
    assert_eq!((suites(&none), suites(&none)), (suites(&each), suites(&every)));
    assert!(!none.stdout.contains("handshake completed"), "{}", none.stdout);
    for run in [&each, &every] {
        assert_eq!(run.stdout.matches("handshake completed").count(), 2, "{}", run.stdout);
    }
    let connections = |run: &Run| -> u32 {
        let cost = run.stdout.lines().find_map(|line| line.strip_prefix("  cost        "));
        cost.and_then(|cost| cost.split(' ').next()?.parse().ok()).expect("a number")
    };
    assert!(connections(&every) > connections(&each) + 100, "{}", every.stdout);
}

/// One run against a server with this leaf, verifying against the trusted authority.
fn verify(leaf: Leaf, more: &[&str]) -> Run {
    let server = Openssl::new("-tls1_2").leaf(leaf).start();
    let (target, authority) =
        (server.address().to_string(), keys::authority().display().to_string());
    cipher_test([&[target.as_str(), "--no-handshakes", "--ca", authority.as_str()], more].concat())
}

#[test]
fn certificates_are_held_against_the_ca() {
    let table: [(Leaf, &[&str], Option<&str>); 6] = [
        (Leaf::Rsa, &[], None),
        (Leaf::Rsa, &["--verify-name", keys::NAME], None),
        (Leaf::Rsa, &["--verify-name", "other.example", "--verify-name", keys::NAME], None),
        (Leaf::Rsa, &["--verify-name", "other.example"], Some("not for other.example")),
        (Leaf::RsaExpired, &[], Some("out of its dates: certificate has expired")),
        (Leaf::RsaUntrusted, &[], Some("does not verify against the CA")),
    ];
    for (leaf, more, words) in table {
        let run = verify(leaf, more);
        assert_eq!(run.code, Some(i32::from(words.is_some())), "{leaf:?} {more:?}: {}", run.stdout);
        assert!(run.stdout.contains(words.unwrap_or("Envoy connects")), "{leaf:?}: {}", run.stdout);
    }
}

#[test]
fn a_client_certificate_opens_the_door_and_a_wrong_one_does_not() {
    for max_version in [openssl::ssl::SslVersion::TLS1_2, openssl::ssl::SslVersion::TLS1_3] {
        let server = embedded::server(&ServerConfig {
            client_certificate: ClientCertificate::Required,
            min_version: Some(max_version),
            max_version: Some(max_version),
            ..ServerConfig::default()
        });
        let directory = scratch("client-");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let identity = client_identity().expect("an identity");
        std::fs::write(path("cert"), &identity.certificate_pem).expect("a file");
        std::fs::write(path("key"), &identity.private_key_pem).expect("a file");
        let target = server.address().to_string();
        let with = |cert: &str, key: &str| {
            let maximum = ["--no-handshakes", "--maximum-protocol-version", "TLSv1_3"];
            cipher_test([&[target.as_str(), "--cert", cert, "--key", key], &maximum[..]].concat())
        };
        let run = with(&path("cert"), &path("key"));
        assert_eq!(run.code, Some(0), "{}", run.stdout);

        let wrong = keys::leaf(Leaf::ClientUntrusted);
        let run = with(&wrong.certificate.display().to_string(), &wrong.key.display().to_string());
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        assert!(run.stdout.contains("refuses the client certificate"), "{}", run.stdout);
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    for args in [&["--help"][..], &["-h"], &["demo", "--help"], &["help", "demo"], &["--version"]] {
        let run = cipher_test(args);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(run.stdout.len() > 10, "{args:?}");
    }
}

#[test]
fn one_slow_target_does_not_hold_up_the_exit_code_of_others() {
    let silent = Scripted::silent();
    let modern = embedded::scenario(Scenario::Modern);
    let targets = [silent.address().to_string(), modern.address().to_string()];
    let run = cipher_test(targets.iter().map(String::as_str).chain([
        "--no-handshakes",
        "--answer-timeout",
        "200ms",
    ]));
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.contains(&format!("{} · Envoy connects", targets[1])), "{}", run.stdout);
}

#[test]
fn a_mistake_points_to_the_help_of_its_command() {
    for (args, help) in [
        (&["--nonsense"][..], "; see cipher-test --help\n"),
        (&["explain", "--nonsense"], "; see cipher-test explain --help\n"),
        (&["config-dump", "--nonsense"], "; see cipher-test config-dump --help\n"),
        (&["localhost:1", "--nonsense"], "; see cipher-test --help\n"),
    ] {
        let run = cipher_test(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(run.stderr.ends_with(help), "{args:?}: {}", run.stderr);
    }
}
