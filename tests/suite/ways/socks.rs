//! `--proxy socks5://` and `socks5h://`, by MicroSocks and by a script.

use std::io::{Read as _, Write as _};

use cipher_test::lab::Scenario;

use super::http_proxy::{CREDENTIALS, run_through};
use super::json;
use crate::support::embedded;
use crate::support::servers::forward::{PASSWORD, microsocks};
use crate::support::servers::{Scripted, Server, closed_port};

#[test]
fn names_are_resolved_here_or_there_as_the_scheme_says() {
    let server = embedded::scenario(Scenario::Modern);
    let target = format!("localhost:{}", server.address().port());
    let proxy = microsocks(false);
    for (scheme, resolves, address) in
        [("socks5", false, server.address().to_string()), ("socks5h", true, target.clone())]
    {
        let url = format!("{scheme}://{}", proxy.address());
        let found = run_through(&url, &target, &["--format", "json"], &[]);
        assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
        let report = json(&found);
        let way = &report["targets"][0]["way"]["proxy"];
        assert_eq!((way["url"].as_str(), &way["resolves_names"]), (Some(&*url), &resolves.into()));
        assert_eq!(report["targets"][0]["endpoints"][0]["address"], address);
    }
}

#[test]
fn credentials_come_from_the_environment() {
    let server = embedded::scenario(Scenario::Modern);
    let target = format!("localhost:{}", server.address().port());
    let proxy = microsocks(true);
    let url = format!("socks5h://{}", proxy.address());
    let with = run_through(&url, &target, &[], &CREDENTIALS);
    assert_eq!(with.code, Some(0), "{}{}", with.stdout, with.stderr);
    let without = run_through(&url, &target, &[], &[]);
    assert_eq!(without.code, Some(2));
    assert!(without.stdout.contains(&format!("the proxy {url} wants credentials")));
    let wrong = [CREDENTIALS[0], ("CIPHER_TEST_PROXY_PASSWORD", "wr0ng")];
    let wrong = run_through(&url, &target, &[], &wrong);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stdout.contains(&format!("the proxy {url} refuses the credentials")));
    for run in [with, without, wrong] {
        let text = run.stdout + &run.stderr;
        assert!(!text.contains(PASSWORD) && !text.contains("wr0ng"), "{text}");
    }
}

#[test]
fn a_server_that_the_proxy_does_not_reach_is_told_from_the_proxy() {
    let (proxy, closed) = (microsocks(false), closed_port());
    let url = format!("socks5://{}", proxy.address());
    let target = format!("localhost:{}", closed.address().port());
    let found = run_through(&url, &target, &[], &[]);
    assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
    let words = format!("the proxy {url} does not reach the server: connection refused");
    assert!(found.stdout.contains(&words), "{}", found.stdout);
}

/// Greets back, then answers the request with this reply.
fn replies(reply: u8) -> Server {
    Scripted::start(move |mut stream| {
        let mut buffer = [0; 512];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(&[5, 0]);
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
        let _ = stream.read(&mut buffer);
    })
}

#[test]
fn every_reply_is_put_in_words() {
    #[rustfmt::skip]
    let table = [
        (1, "does not reach the server: general failure"),
        (2, "refuses: its rules do not allow the connection"),
        (3, "does not reach the server: the network is unreachable"),
        (4, "does not reach the server: the host is unreachable"),
        (5, "does not reach the server: connection refused"),
        (6, "does not reach the server: the way is too long"),
        (7, "refuses: it does not connect"),
        (8, "refuses: it does not take this kind of address"),
        (99, "something that is not SOCKS5"),
    ];
    for (reply, words) in table {
        let proxy = replies(reply);
        let url = format!("socks5h://{}", proxy.address());
        let found = run_through(&url, "server.example:443", &[], &[]);
        assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(&url) && found.stdout.contains(words), "{}", found.stdout);
    }
}

#[test]
fn what_is_no_socks_proxy_is_said_to_be_none() {
    #[rustfmt::skip]
    let table: [(Server, &str); 4] = [
        (Scripted::says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not SOCKS5"),
        (Scripted::closes_at_once(), "ended the connection instead of opening a way"),
        (Scripted::silent(), "did not answer within 1s"),
        (closed_port(), "connection refused"),
    ];
    for (proxy, words) in table {
        let url = format!("socks5h://{}", proxy.address());
        let more = ["--answer-timeout", "1s"];
        let found = run_through(&url, "server.example:443", &more, &[]);
        assert_eq!(found.code, Some(2), "{}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(&url) && found.stdout.contains(words), "{}", found.stdout);
    }
}

#[test]
fn addresses_cannot_be_chosen_where_the_proxy_resolves() {
    for flag in ["-4", "-6", "--first-address"] {
        let found = run_through("socks5h://127.0.0.1:9", "localhost:9", &[flag], &[]);
        assert_eq!((found.code, found.complaints().len()), (Some(2), 1), "{}", found.stderr);
        assert!(found.stderr.contains("use socks5://"), "{}", found.stderr);
    }
}
