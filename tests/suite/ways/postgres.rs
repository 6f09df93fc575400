//! PostgreSQL.

use super::{has_no_tls, json, run, says, scripted, suits_behind};
use crate::support::servers::{Openssl, Postgres};

#[test]
fn the_tls_behind_the_request_is_surveyed() {
    let server = Postgres::with_tls();
    suits_behind("postgres", server.address());
    let found = run(server.address(), &["--starttls", "postgres"]);
    assert!(found.stdout.contains("the TLS behind SSLRequest suits Envoy"), "{}", found.stdout);
    assert!(found.stdout.contains("but for its postgres filter"), "{}", found.stdout);
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Postgres::without_tls();
    has_no_tls("postgres", server.address(), "the PostgreSQL server does not offer TLS");
}

#[test]
fn a_server_of_tls_from_the_first_byte_is_told_apart() {
    let server = Openssl::new("").start();
    says("postgres", &server, 2, "try without --starttls");
    const ALERT: &[&[u8]] = &[b"", b"\x15\x03\x01\0\x02\x02\x46"];
    says("postgres", &scripted(ALERT), 2, "leave --starttls postgres out");
}

#[test]
fn errors_and_others_are_repeated() {
    const FULL: &[&[u8]] = &[b"", b"E\0\0\0\x1bSFATAL\0MToo many\0C53300\0\0"];
    says("postgres", &scripted(FULL), 2, "answers SSLRequest with 'Too many'");
    const MORE: &[&[u8]] = &[b"", b"S\0\0\0"];
    says("postgres", &scripted(MORE), 2, "says more before TLS");
}

#[test]
fn two_releases_are_compared_behind_the_request() {
    let server = Postgres::with_tls();
    let more = ["--starttls", "postgres", "--from", "1.36", "--to", "1.40", "--format", "json"];
    let found = run(server.address(), &more);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert_eq!(json(&found)["targets"][0]["way"]["starttls"], "postgres");
    let found = run(server.address(), &more[..6]);
    assert!(found.stdout.contains("asked for TLS in PostgreSQL first"), "{}", found.stdout);
}
