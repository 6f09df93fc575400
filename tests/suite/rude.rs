//! Servers, and things in front of servers, that do not behave: a run ends in time, without a
//! panic, with the right word, and never calls a suite refused that the server accepts.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use cipher_test::lab::Scenario;

use crate::support::binary::{Run, cipher_test};
use crate::support::servers::relay;
use crate::support::servers::{Scripted, Server};
use crate::support::{embedded, in_parallel};

/// What a run may take beyond its deadline: starting, stopping, and a machine with other work.
const MARGIN: Duration = Duration::from_secs(4);

/// Surveys with short timeouts and everything said that is known, and checks what holds for
/// every run.
fn survey(address: SocketAddr, more: &[&str]) -> Run {
    survey_within(address, 20, more)
}

fn survey_within(address: SocketAddr, deadline: u64, more: &[&str]) -> Run {
    let target = address.to_string();
    let limit = format!("--deadline={deadline}s");
    let mut args = vec![target.as_str(), "-v", "--connect-timeout=1s", limit.as_str()];
    if !more.iter().any(|arg| arg.starts_with("--answer-timeout")) {
        args.push("--answer-timeout=1s");
    }
    args.extend(more);
    let run = cipher_test(args);
    assert!(run.took < Duration::from_secs(deadline) + MARGIN, "took {:?}", run.took);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert_eq!(run.stderr, "", "stderr is for complaints");
    assert!(run.stdout.starts_with(&format!("{target} · ")), "{}", run.stdout);
    run
}

/// A server of which nothing can be learned: no answer, in these words, and no suite judged.
fn learns_nothing(server: &Server, more: &[&str], words: &str) {
    let run = survey(server.address(), more);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stdout.contains("· no answer\n"), "{}", run.stdout);
    assert!(run.stdout.contains(words), "'{words}' is not in:\n{}", run.stdout);
    judges_no_suite(&run);
}

fn judges_no_suite(run: &Run) {
    assert_eq!(run.rows(), [], "{}", run.stdout);
    assert!(!run.stdout.contains("none:"), "a version is called refused:\n{}", run.stdout);
    assert!(!run.stdout.contains("no setting helps"), "{}", run.stdout);
}

/// What does not speak TLS is called by its name.
fn is_called(server: &Server, words: &str) {
    let run = survey(server.address(), &[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains(words), "'{words}' is not in:\n{}", run.stdout);
    judges_no_suite(&run);
}

/// What stands between changes neither the verdict nor the suites. `relayed` may take longer.
fn is_seen_through(direct: SocketAddr, relayed: SocketAddr, more: &[&str]) -> Run {
    let straight = survey(direct, &[]);
    let around = survey_within(relayed, 40, more);
    assert_eq!(around.code, straight.code, "{}\n{}", straight.stdout, around.stdout);
    assert!(!straight.rows().is_empty(), "{}", straight.stdout);
    assert_eq!(plain(&around), plain(&straight), "{}\n{}", straight.stdout, around.stdout);
    assert!(!around.stdout.contains("unclear"), "{}", around.stdout);
    around
}

/// Versions and suites alone; how they are known differs.
fn plain(run: &Run) -> Vec<(String, String)> {
    run.rows().into_iter().map(|(version, suite, _)| (version, suite)).collect()
}

const IMPATIENT: &str = "--answer-timeout=250ms";

/// All at once, since they mostly wait.
#[test]
fn hangups_and_silence_are_no_answer() {
    type Case = (&'static str, fn() -> Server, &'static str, &'static str);
    let cases: [Case; 6] = [
        ("close on accept", Scripted::closes_at_once, "1s", "on every hello, without an answer"),
        ("close", Scripted::closes_after_hello, "1s", "connection closed by the server on every"),
        ("reset", Scripted::resets, "1s", "connection reset by the server on every hello"),
        ("reset on accept", || Scripted::start(relay::reset), "1s", "connection reset"),
        ("silence", Scripted::silent, "250ms", "no answer to the hello within 250ms"),
        ("one byte a second", drips, "1100ms", "no answer to the hello within 1s 100ms"),
    ];
    in_parallel(&cases, cases.len(), |(_, start, timeout, words)| {
        learns_nothing(&start(), &[&format!("--answer-timeout={timeout}")], words);
    });
}

/// A valid ServerHello, one byte a second.
fn drips() -> Server {
    Scripted::start(|mut stream| {
        let _ = relay::first_record(&mut stream);
        for byte in server_hello([3, 3], 0xc02f) {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    })
}

#[test]
fn other_protocols_are_called_by_their_names() {
    is_called(&Scripted::ssh(), "speaks plain SSH");
    is_called(&Scripted::says(b"220 mail.example ESMTP ready\r\n"), "speaks plain SMTP");
    is_called(&Scripted::says(b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abc"), "plain MySQL");
    let postgres = b"E\x00\x00\x00\x64SFATAL\x00VFATAL\x00C08P01\x00Munsupported\x00\x00";
    is_called(&Scripted::says(postgres), "plain PostgreSQL");
    let http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    is_called(&Scripted::says(http), "plain HTTP");
    is_called(&answers(http), "plain HTTP");
    is_called(&Scripted::says(b"\xde\xad\xbe\xef\xde\xad\xbe\xef"), "something that is not TLS");
    is_called(&answers(&[0; 64]), "something that is not TLS");
    is_called(&answers(b"\n"), "something that is not TLS");
}

/// Bytes that begin like TLS and are none: that is not an answer, and no refusal either.
#[test]
fn garbage_in_records_is_no_answer() {
    let words = "not valid TLS";
    learns_nothing(&answers(b"\x16\x03\x03\x00\x04\x63\x00\x00\x00"), &[], words);
    learns_nothing(&answers(b"\x16\x03\x03\xff\xff"), &[], words);
    learns_nothing(&answers(b"\x16\x03\x03\x00\x10\x02\x00"), &[], words);
    learns_nothing(&answers(b"\x15\x03\x03\x00\x01\x02"), &[], words);
    learns_nothing(&answers(b"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03"), &[], words);
}

#[test]
fn endless_records_are_no_answer() {
    let handshake = record(22, &[0; 1000]);
    learns_nothing(&babbles(vec![22, 3, 3, 0, 4, 2, 1, 255, 255], handshake), &[], "not valid TLS");
    learns_nothing(&babbles(Vec::new(), record(22, &[])), &[], "not valid TLS");
    learns_nothing(&babbles(Vec::new(), record(21, &[1, 112])), &[], "not valid TLS");
    learns_nothing(&babbles(Vec::new(), record(23, &[0; 1000])), &[], "not valid TLS");
}

/// A server that hangs up or stays silent where others send an alert.
#[test]
fn refusals_without_alerts_are_seen_through() {
    let direct = embedded::varied();
    for how in ["close", "reset"] {
        let relayed = embedded::relay(direct.address(), &[&format!("hides-alerts={how}")], 0);
        let run = is_seen_through(direct.address(), relayed.address(), &[]);
        assert!(run.stdout.contains("refuses without an alert"), "{}", run.stdout);
    }
}

/// The same where Envoy's own hello is among the refused, so that no control is known at first.
#[test]
fn refusals_without_alerts_are_seen_through_when_envoy_is_refused() {
    let direct = embedded::old();
    for how in ["close", "reset"] {
        let relayed = embedded::relay(direct.address(), &[&format!("hides-alerts={how}")], 0);
        is_seen_through(direct.address(), relayed.address(), &[]);
    }
}

#[test]
fn silence_where_an_alert_belongs_is_unclear_at_worst() {
    let direct = embedded::varied();
    let relayed = embedded::relay(direct.address(), &["hides-alerts=silence"], 0);
    let run = survey(relayed.address(), &[IMPATIENT]);
    accepts_the_same_as_far_as_known(&run, &survey(direct.address(), &[]));
}

/// All that is accepted is true, and what is missing is not called refused.
fn accepts_the_same_as_far_as_known(run: &Run, direct: &Run) {
    let (known, all) = (plain(run), plain(direct));
    assert!(known.iter().all(|pair| all.contains(pair)), "{}", run.stdout);
    for (version, suite) in all.iter().filter(|pair| !known.contains(pair)) {
        let section = section(run, version);
        assert!(section.contains("unclear"), "{version} {suite} is lost in\n{}", run.stdout);
    }
    let expected = if run.stdout.contains(" unclear") { Some(2) } else { direct.code };
    assert_eq!(run.code, expected, "{}", run.stdout);
}

fn section(run: &Run, version: &str) -> String {
    let own = format!("  {version} ");
    let lines = run.stdout.lines().skip_while(|line| !line.starts_with(&own));
    let first = lines.clone().take(1);
    let more = lines.skip(1).take_while(|line| line.starts_with("     "));
    first.chain(more).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_rate_limit_is_waited_out_or_admitted() {
    let direct = embedded::scenario(Scenario::Legacy);
    let relayed = embedded::relay(direct.address(), &["per-second=3:reset"], 0);
    let run = survey_within(relayed.address(), 18, &[]);
    accepts_the_same_as_far_as_known(&run, &survey(direct.address(), &[]));
    assert!(run.stdout.contains("slowed down"), "{}", run.stdout);
}

/// A limit that comes only after the server was found to refuse in the same way.
#[test]
fn a_ban_by_the_ending_that_refuses_is_no_refusal() {
    let direct = embedded::varied();
    let straight = survey(direct.address(), &[]);
    let bans = [(12, "close"), (20, "reset"), (30, "reset"), (45, "close")];
    in_parallel(&bans, bans.len(), |(count, how)| {
        let hides = format!("hides-alerts={how}");
        let ban = format!("ban-after={count}:{how}");
        let relayed = embedded::relay(direct.address(), &[&hides, &ban], 0);
        let run = survey_within(relayed.address(), 8, &[]);
        accepts_the_same_as_far_as_known(&run, &straight);
    });
}

/// A limit that lets hardly anything through must not read as a verdict.
#[test]
fn a_strict_rate_limit_is_no_verdict() {
    let direct = embedded::old();
    let relayed = embedded::relay(direct.address(), &["per-second=1:reset"], 0);
    let run = survey_within(relayed.address(), 5, &[]);
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(!run.stdout.contains("no setting helps"), "{}", run.stdout);
    assert!(!run.stdout.contains("TLSv1.2     none:"), "{}", run.stdout);
}

/// A pace that the limit allows gives all.
#[test]
fn a_rate_limit_that_is_kept_to_goes_unnoticed() {
    let direct = embedded::old();
    let relayed = embedded::relay(direct.address(), &["per-second=8:reset"], 0);
    let gently = ["--connections=1", "--delay=140ms", "--no-handshakes"];
    is_seen_through(direct.address(), relayed.address(), &gently);
}

#[test]
fn trouble_at_first_is_no_verdict() {
    let direct = embedded::varied();
    for how in ["close", "reset"] {
        let relayed = embedded::relay(direct.address(), &[&format!("fails-first=2:{how}")], 0);
        is_seen_through(direct.address(), relayed.address(), &[]);
    }
}

#[test]
fn long_hellos_that_vanish_leave_the_suites_known() {
    let direct = embedded::varied();
    for how in ["close", "reset", "silence"] {
        let relayed = embedded::relay(direct.address(), &[&format!("longest-hello=251:{how}")], 0);
        is_seen_through(direct.address(), relayed.address(), &[IMPATIENT]);
    }
}

/// It answers every hello with the same suite, so that its refusal of others is unknown.
#[test]
fn a_suite_that_was_not_offered_is_told_and_judges_nothing() {
    let server = Scripted::start(|mut stream| {
        let _ = relay::first_record(&mut stream);
        let _ = stream.write_all(&server_hello([3, 3], 0x003c));
    });
    let run = survey(server.address(), &["--no-handshakes"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stdout.contains("which was not offered"), "{}", run.stdout);
    let tls12: Vec<_> =
        plain(&run).into_iter().filter(|(version, _)| version == "TLSv1.2").collect();
    assert_eq!(tls12, [("TLSv1.2".to_owned(), "AES128-SHA256".to_owned())], "{}", run.stdout);
    assert!(section(&run, "TLSv1.2").contains("AES128"), "{}", run.stdout);
    assert!(run.stdout.contains("unclear"), "{}", run.stdout);
}

#[test]
fn an_answer_in_a_lower_version_is_a_version_too_low() {
    let server = Scripted::start(|mut stream| {
        let Some(hello) = relay::first_record(&mut stream) else { return };
        let offered = offered(&hello);
        let answer = match [0xc013, 0x002f].into_iter().find(|suite| offered.contains(suite)) {
            Some(suite) => server_hello([3, 1], suite),
            None => record(21, &[2, 40]),
        };
        let _ = stream.write_all(&answer);
        relay::swallow(stream);
    });
    let run = survey_within(server.address(), 20, &[IMPATIENT]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(!plain(&run).iter().any(|(version, _)| version == "TLSv1.2"), "{}", run.stdout);
    assert!(
        plain(&run).contains(&("TLSv1.0".to_owned(), "AES128-SHA".to_owned())),
        "{}",
        run.stdout
    );
}

/// What cannot end is cut off where the user said, and what was not learned is not refused.
#[test]
fn a_deadline_is_kept_and_told() {
    let direct = embedded::old();
    let slow = Scripted::start({
        let to = direct.address();
        move |stream| {
            std::thread::sleep(Duration::from_millis(400));
            relay::carry(stream, to);
        }
    });
    let run = survey_within(slow.address(), 3, &["--connections=1"]);
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(!run.stdout.contains("no setting helps"), "{}", run.stdout);
    assert!(run.stdout.contains("the deadline ended the survey"), "{}", run.stdout);
    let all = survey(direct.address(), &[]);
    for (version, _) in plain(&all).iter().filter(|pair| !plain(&run).contains(pair)) {
        assert!(!section(&run, version).contains("none:"), "{}", run.stdout);
    }
}

#[test]
fn a_deadline_holds_against_silence() {
    for deadline in [1, 2] {
        let server = Scripted::silent();
        let run = survey_within(server.address(), deadline, &["--answer-timeout=30s"]);
        assert_eq!(run.code, Some(2), "{}", run.stdout);
        judges_no_suite(&run);
    }
}

/// Reads the hello, answers with these bytes and closes.
fn answers(bytes: &'static [u8]) -> Server {
    Scripted::start(move |mut stream| {
        let _ = relay::first_record(&mut stream);
        let _ = stream.write_all(bytes);
    })
}

/// Says `first`, then `again` until the client leaves.
fn babbles(first: Vec<u8>, again: Vec<u8>) -> Server {
    let say = move |mut stream: TcpStream| {
        let _ = relay::first_record(&mut stream);
        let mut result = stream.write_all(&first);
        while result.is_ok() {
            result = stream.write_all(&again);
        }
    };
    Scripted::start(say)
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short record").to_be_bytes();
    [&[kind, 3, 3], &length[..], content].concat()
}

/// A ServerHello without extensions (RFC 5246 §7.4.1.3).
fn server_hello(version: [u8; 2], suite: u16) -> Vec<u8> {
    let body = [&version[..], &[7; 32], &[0], &suite.to_be_bytes(), &[0]].concat();
    let length = u8::try_from(body.len()).expect("a short message");
    record(22, &[&[2, 0, 0, length], &body[..]].concat())
}

/// The suites of a hello (RFC 5246 §7.4.1.2).
fn offered(hello: &[u8]) -> Vec<u16> {
    const SESSION_ID: usize = 5 + 4 + 2 + 32;
    let rest = &hello[SESSION_ID..];
    let rest = &rest[1 + usize::from(rest[0])..];
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    rest[2..2 + length].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}
