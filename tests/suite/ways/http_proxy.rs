//! `--proxy http://` and `https://`: HTTP CONNECT, by Tinyproxy and by a proxy of our own.

use std::net::SocketAddr;

use cipher_test::lab::Scenario;
use serde_json::json;

use super::{codes, json};
use crate::support::binary::{Run, command, finish};
use crate::support::embedded;
use crate::support::keys;
use crate::support::servers::forward::{PASSWORD, USER, tinyproxy};
use crate::support::servers::{ConnectProxy, Dovecot, Scripted, closed_port};

/// Runs the command through a proxy, with variables.
pub(super) fn run_through(
    proxy: &str,
    target: &str,
    more: &[&str],
    variables: &[(&str, &str)],
) -> Run {
    let mut command = command();
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.args([target, "--proxy", proxy, "--no-progress", "--retries", "0"]).args(more);
    finish(command.spawn().expect("the command starts"))
}

pub(super) const CREDENTIALS: [(&str, &str); 2] =
    [("CIPHER_TEST_PROXY_USER", USER), ("CIPHER_TEST_PROXY_PASSWORD", PASSWORD)];

fn localhost(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

#[test]
fn the_proxy_resolves_the_name_and_no_address_is_claimed() {
    let server = embedded::scenario(Scenario::Legacy);
    let proxy = tinyproxy(false);
    let url = format!("http://{}", proxy.address());
    let target = localhost(server.address());
    let found = run_through(&url, &target, &["--format", "json"], &[]);
    assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
    let report = json(&found);
    let way = &report["targets"][0]["way"];
    assert_eq!(*way, json!({ "proxy": { "url": url, "resolves_names": true } }));
    assert_eq!(report["targets"][0]["endpoints"][0]["address"], target);
    assert!(!found.stdout.contains(&server.address().to_string()), "{}", found.stdout);
    let found = run_through(&url, &target, &["--fix", "patch"], &[]);
    assert!(found.stdout.contains("ECDHE-RSA-AES256-SHA"), "{}{}", found.stdout, found.stderr);
}

#[test]
fn a_name_that_only_the_proxy_knows_is_reached() {
    let server = embedded::scenario(Scenario::Modern);
    let ways = [("only.there.example:443", server.address())];
    let proxy = ConnectProxy::plain("127.0.0.1:0".parse().unwrap(), "", &ways);
    let url = format!("http://{}", proxy.address());
    let found = run_through(&url, "only.there.example:443", &[], &[]);
    // This proxy takes no one without credentials.
    assert_eq!(found.code, Some(2), "{}", found.stdout);
    let proxy =
        ConnectProxy::plain("127.0.0.1:0".parse().unwrap(), "Basic c29tZW9uZTpzM2NyM3Q=", &ways);
    let url = format!("http://{}", proxy.address());
    let found = run_through(&url, "only.there.example:443", &[], &CREDENTIALS);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(proxy.requests_so_far()().iter().all(|one| one.authority == "only.there.example:443"));
}

#[test]
fn credentials_come_from_the_environment_and_are_never_shown() {
    let server = embedded::scenario(Scenario::Modern);
    let proxy = tinyproxy(true);
    let url = format!("http://{}", proxy.address());
    let target = localhost(server.address());
    let with = run_through(&url, &target, &["--verbose"], &CREDENTIALS);
    assert_eq!(with.code, Some(0), "{}{}", with.stdout, with.stderr);
    let without = run_through(&url, &target, &[], &[]);
    assert_eq!(without.code, Some(2), "{}", without.stdout);
    let words = format!("the proxy {url} wants credentials: set CIPHER_TEST_PROXY_USER");
    assert!(without.stdout.contains(&words), "{}", without.stdout);
    let wrong = [CREDENTIALS[0], ("CIPHER_TEST_PROXY_PASSWORD", "wr0ng")];
    let wrong = run_through(&url, &target, &["--format", "json"], &wrong);
    assert_eq!(wrong.code, Some(2));
    assert_eq!(codes(&json(&wrong)), ["unreachable"]);
    assert!(wrong.stdout.contains("refuses the credentials"), "{}", wrong.stdout);
    let in_url = format!("http://{USER}:{PASSWORD}@{}", proxy.address());
    let in_url = run_through(&in_url, &target, &["--format", "json"], &[]);
    assert_eq!(in_url.code, Some(0), "{}{}", in_url.stdout, in_url.stderr);
    assert!(in_url.stderr.contains("others can read credentials on a command line"));
    for run in [with, without, wrong, in_url] {
        let text = run.stdout + &run.stderr;
        assert!(!text.contains(PASSWORD) && !text.contains("wr0ng"), "{text}");
        assert!(!text.contains("c29tZW9uZTpzM2NyM3Q"), "{text}");
    }
}

#[test]
fn a_proxy_of_the_environment_is_used_when_asked_for_alone() {
    let server = embedded::scenario(Scenario::Modern);
    let target = localhost(server.address());
    let proxy = tinyproxy(false);
    let at = proxy.address().to_string();
    let found = run_through("env", &target, &["--format", "json"], &[("HTTPS_PROXY", &at)]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert_eq!(json(&found)["targets"][0]["way"]["proxy"]["url"], format!("http://{at}"));
    let exempt = [("HTTPS_PROXY", at.as_str()), ("NO_PROXY", "localhost")];
    let found = run_through("env", &target, &["--format", "json"], &exempt);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(json(&found)["targets"][0].get("way").is_none(), "{}", found.stdout);
    let found = run_through("env", &target, &[], &[]);
    assert_eq!((found.code, found.complaints().len()), (Some(2), 1), "{}", found.stderr);
    // Nothing listens there, and nobody asked for it.
    let mut command = command();
    command.env("HTTPS_PROXY", closed_port().address().to_string());
    command.args([target.as_str(), "--no-progress"]);
    assert_eq!(finish(command.spawn().unwrap()).code, Some(0));
}

#[test]
fn a_proxy_behind_tls_is_verified() {
    let server = embedded::scenario(Scenario::Modern);
    let target = localhost(server.address());
    let ways = [(target.as_str(), server.address())];
    let credentials = "Basic c29tZW9uZTpzM2NyM3Q=";
    let proxy = ConnectProxy::tls("127.0.0.1:0".parse().unwrap(), credentials, &ways);
    let url = format!("https://localhost:{}", proxy.address().port());
    let authority = keys::authority().display().to_string();
    let trusted = run_through(&url, &target, &["--proxy-ca", &authority], &CREDENTIALS);
    assert_eq!(trusted.code, Some(0), "{}{}", trusted.stdout, trusted.stderr);
    let before = proxy.requests_so_far()().len();
    let untrusted = run_through(&url, &target, &[], &CREDENTIALS);
    assert_eq!(untrusted.code, Some(2), "{}", untrusted.stdout);
    assert!(untrusted.stdout.contains("its certificate does not verify"), "{}", untrusted.stdout);
    assert_eq!(proxy.requests_so_far()().len(), before, "nothing is told to a stranger");
}

#[test]
fn what_the_proxy_says_is_not_taken_for_the_server() {
    let closed = closed_port();
    let proxy = tinyproxy(false);
    let url = format!("http://{}", proxy.address());
    #[rustfmt::skip]
    let table = [
        (url.clone(), localhost(closed.address()), "does not reach the server: it answered CONNECT with status 50"),
        (format!("http://{}", closed.address()), "localhost:9".to_owned(), "connection refused"),
        (format!("http://{}", Scripted::says(b"SSH-2.0-x\r\n").address()), "localhost:9".to_owned(), ""),
        ("http://no-such-proxy.invalid:1".to_owned(), "localhost:9".to_owned(), "cannot resolve no-such-proxy.invalid"),
    ];
    for (proxy, target, words) in table {
        let found = run_through(&proxy, &target, &[], &[]);
        assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
        assert!(found.stdout.contains(&proxy), "{proxy}: {}", found.stdout);
    }
}

#[test]
fn starttls_goes_through_the_proxy() {
    let server = Dovecot::imap().start();
    let proxy = tinyproxy(false);
    let url = format!("http://{}", proxy.address());
    let target = localhost(server.address());
    let found = run_through(&url, &target, &["--starttls", "imap", "--proxy-protocol", "v1"], &[]);
    // Dovecot was not told to expect a header.
    assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
    let found = run_through(&url, &target, &["--starttls", "imap", "--no-handshakes"], &[]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
}

#[test]
fn wrong_urls_are_one_line_without_credentials() {
    for url in ["ftp://me:hidden@proxy:1", "http://me:hidden@proxy", "proxy:3128"] {
        let found = run_through(url, "localhost:9", &[], &[]);
        assert_eq!((found.code, found.complaints().len()), (Some(2), 1), "{}", found.stderr);
        assert!(!found.stderr.contains("hidden"), "{}", found.stderr);
    }
}
