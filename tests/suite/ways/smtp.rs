//! SMTP, by Dovecot's submission service.

use super::{has_no_tls, run, says, scripted, suits_behind};
use crate::support::servers::{Dovecot, Scripted};

#[test]
fn the_tls_behind_starttls_is_surveyed() {
    suits_behind("smtp", Dovecot::submission().start().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Dovecot::submission().setting("ssl = no").start();
    has_no_tls("smtp", server.address(), "the SMTP server does not offer STARTTLS");
}

#[test]
fn refusals_are_repeated_in_the_servers_words() {
    const LATER: &[&[u8]] =
        &[b"220 mail\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"454 4.7.0 not now\r\n"];
    says("smtp", &scripted(LATER), 2, "the SMTP server answers STARTTLS with '454 4.7.0 not now'");
    says("smtp", &scripted(&[b"554 go away\r\n"]), 2, "answers the connection with '554 go away'");
}

#[test]
fn what_was_said_before_its_turn_is_not_taken_for_tls() {
    const INJECTED: &[&[u8]] =
        &[b"220 mail\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"];
    says("smtp", &scripted(INJECTED), 2, "says more before TLS than the protocol allows");
}

#[test]
fn other_servers_are_told_apart() {
    says("smtp", &Scripted::ssh(), 2, "the server is no SMTP server: it says 'SSH-2.0");
    says("smtp", &Scripted::silent(), 2, "does not say a word of SMTP within 2s");
    says("smtp", &Scripted::closes_at_once(), 2, "the server ends the connection before TLS");
}

#[test]
fn a_plain_server_is_told_how_to_be_surveyed() {
    let server = Dovecot::submission().start();
    let found = run(server.address(), &[]);
    assert!(found.stdout.contains("--starttls smtp or --starttls ftp."), "{}", found.stdout);
    let found = run(Scripted::says(b"220 mail ESMTP\r\n").address(), &[]);
    assert!(found.stdout.contains("surveyed with --starttls smtp."), "{}", found.stdout);
}

#[test]
fn an_unknown_protocol_is_one_line() {
    let found = run("127.0.0.1:9".parse().unwrap(), &["--starttls", "telnet"]);
    assert_eq!((found.code, found.complaints().len()), (Some(2), 1), "{}", found.stderr);
    assert!(found.stderr.contains("write one of postgres, mysql, smtp"), "{}", found.stderr);
}
