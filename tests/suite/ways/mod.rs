//! Ways through to a server: proxies, PROXY headers, STARTTLS, families of addresses. One file a
//! way, each against a real program; what those do not do on demand is scripted.

mod elsewhere;
mod families;
mod ftp;
mod http_proxy;
mod imap;
mod ldap;
mod lmtp;
mod mysql;
mod pop3;
mod postgres;
mod proxy_header;
mod smtp;
mod socks;
mod xmpp;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::binary::{Run, cipher_test};
use crate::support::program;
use crate::support::servers::{Scripted, Server};

/// Runs the command on `localhost` at this port.
fn run(address: SocketAddr, more: &[&str]) -> Run {
    let target = format!("localhost:{}", address.port());
    let common = [target.as_str(), "--resolve", &format!("{target}:127.0.0.1"), "--no-progress"]
        .map(str::to_owned);
    cipher_test(common.into_iter().chain(more.iter().map(|one| (*one).to_owned())))
}

/// The report, held against its schema.
fn json(run: &Run) -> Value {
    let report: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr));
    let kind = if report.get("from").is_some() { "upgrade" } else { "report" };
    let schema = cipher_test(["schema", kind]).stdout;
    let schema = serde_json::from_str(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["targets"][0]["endpoints"][0]["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
}

/// A server with TLS behind STARTTLS: Envoy's verdict, what it is about, and the same suites as
/// `openssl s_client -starttls` gets.
fn suits_behind(protocol: &str, address: SocketAddr) {
    let found = run(address, &["--starttls", protocol, "--format", "json", "--no-handshakes"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    let report = json(&found);
    let target = &report["targets"][0];
    assert_eq!(target["way"]["starttls"], protocol);
    assert!(codes(&report).contains(&"behind-starttls"), "{:?}", codes(&report));
    let versions = target["endpoints"][0]["survey"]["versions"].as_array().expect("versions");
    let tls12 = versions.iter().find(|version| version["version"] == "TLSv1.2");
    let accepted: BTreeSet<_> = suites(&tls12.expect("TLS 1.2")["suites"]);
    for suite in [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-SHA384",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ] {
        let expected = s_client_gets(protocol, address, suite);
        assert_eq!(accepted.contains(suite), expected, "{protocol} {suite}: {accepted:?}");
    }
}

fn suites(rows: &Value) -> BTreeSet<String> {
    let rows = rows.as_array().expect("suites").iter();
    let accepted = rows.filter(|row| row["answer"] == "accepted");
    accepted.filter_map(|row| row["openssl_name"].as_str().map(str::to_owned)).collect()
}

fn s_client_gets(protocol: &str, address: SocketAddr, suite: &str) -> bool {
    let output = Command::new(program("openssl"))
        .args(["s_client", "-starttls", protocol, "-connect", &address.to_string()])
        .args(["-tls1_2", "-cipher", suite, "-xmpphost", "localhost"])
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    String::from_utf8_lossy(&output.stdout).contains(&format!("Cipher is {suite}"))
}

/// A real server without TLS says so, or is said to: no setting helps.
fn has_no_tls(protocol: &str, address: SocketAddr, words: &str) {
    let found = run(address, &["--starttls", protocol]);
    assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
}

/// What the command says of a server that was scripted.
fn says(protocol: &str, server: &Server, code: i32, words: &str) -> Run {
    let more = ["--starttls", protocol, "--retries", "0", "--answer-timeout", "2s"];
    let found = run(server.address(), &more);
    assert_eq!(found.code, Some(code), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
    let report = run(server.address(), &[&more[..], &["--format", "json"]].concat());
    assert_eq!(codes(&json(&report)), ["starttls"]);
    found
}

/// A server that says its part turn by turn, whatever the client says in between.
fn scripted(turns: &'static [&'static [u8]]) -> Server {
    Scripted::start(move |mut stream| {
        for (index, turn) in turns.iter().enumerate() {
            let heard = index == 0 || stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0);
            if !heard || stream.write_all(turn).is_err() {
                return;
            }
        }
        while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    })
}
