//! `-4`, `-6` and `--first-address`: which addresses behind a name are tested.

use std::net::{Ipv6Addr, SocketAddr};

use cipher_test::lab::Scenario;
use serde_json::Value;

use super::{codes, json};
use crate::support::binary::{Run, cipher_test};
use crate::support::embedded;

/// A name with an address of each family, which both lead to one server.
fn pair() -> (impl Sized, u16) {
    let server = embedded::scenario(Scenario::Modern);
    let port = server.address().port();
    let listener = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, port)).expect("IPv6");
    listener.set_nonblocking(true).unwrap();
    let to = server.address();
    let relay = embedded::runtime().spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut server) = tokio::net::TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    ((server, relay), port)
}

fn run(port: u16, addresses: &str, more: &[&str]) -> Run {
    let target = format!("both.example:{port}");
    let resolve = format!("{target}:{addresses}");
    let args = [target.as_str(), "--resolve", &resolve, "--no-handshakes", "--no-progress"];
    cipher_test(args.iter().chain(more))
}

fn addresses(report: &Value) -> Vec<String> {
    let endpoints = report["targets"][0]["endpoints"].as_array().expect("endpoints").iter();
    endpoints.map(|endpoint| endpoint["address"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn one_family_or_the_first_address_can_be_chosen() {
    let (_servers, port) = pair();
    let (v4, v6) = (format!("127.0.0.1:{port}"), format!("[::1]:{port}"));
    #[rustfmt::skip]
    let table: [(&[&str], Vec<&String>); 5] = [
        (&["-4"],              vec![&v4]),
        (&["-6"],              vec![&v6]),
        (&[],                  vec![&v4, &v6]),
        (&["--all-addresses"], vec![&v4, &v6]),
        (&["--first-address"], vec![&v6]),
    ];
    for (flags, expected) in table {
        let found = run(port, "::1,127.0.0.1", &[flags, &["--format", "json"]].concat());
        assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
        assert_eq!(addresses(&json(&found)).iter().collect::<Vec<_>>(), expected, "{flags:?}");
    }
}

#[test]
fn an_ipv6_address_behind_a_name_is_one_that_gloo_does_not_look_up() {
    let (_servers, port) = pair();
    let found = run(port, "::1", &["--format", "json"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(codes(&json(&found)).contains(&"address-family"));
    let text = run(port, "::1", &[]).stdout;
    assert!(text.contains("look up IPv4 addresses alone"), "{text}");
    // An address that an Upstream names itself is not looked up.
    let literal = SocketAddr::from((Ipv6Addr::LOCALHOST, port)).to_string();
    let found = cipher_test([literal.as_str(), "--format", "json", "--no-handshakes"]);
    assert!(!codes(&json(&found)).contains(&"address-family"), "{}", found.stdout);
    // Other products look names up in their own way.
    let found = run(port, "::1", &["--fix", "istio"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
}

#[test]
fn a_family_that_is_not_there_is_said_to_be_missing() {
    let found = run(9, "127.0.0.1", &["-6"]);
    assert_eq!(found.code, Some(2));
    assert!(found.stdout.contains("both.example has no IPv6 address"), "{}", found.stdout);
    let found = cipher_test(["[::1]:9", "-4"]);
    assert_eq!(found.code, Some(2));
    assert!(found.stdout.contains("::1 has no IPv4 address"), "{}", found.stdout);
}

#[test]
fn two_families_at_once_are_refused() {
    for flags in [["-4", "-6"], ["--all-addresses", "--first-address"]] {
        let found = run(9, "127.0.0.1", &flags);
        assert_eq!((found.code, found.complaints().len()), (Some(2), 1), "{}", found.stderr);
    }
}
