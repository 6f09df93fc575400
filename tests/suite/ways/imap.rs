//! IMAP, by Dovecot.

use super::{codes, has_no_tls, json, run, says, scripted, suits_behind};
use crate::support::servers::Dovecot;

#[test]
fn the_tls_behind_starttls_is_surveyed() {
    suits_behind("imap", Dovecot::imap().start().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Dovecot::imap().setting("ssl = no").start();
    has_no_tls("imap", server.address(), "the IMAP server does not offer STARTTLS");
}

#[test]
fn what_does_not_suit_is_found_and_no_patch_is_made_of_it() {
    let server = Dovecot::imap()
        .setting("ssl_cipher_list = AES256-SHA:@SECLEVEL=0")
        .setting("ssl_min_protocol = TLSv1.2")
        .setting("ssl_options = no_ticket")
        .start();
    let more = ["--starttls", "imap", "--maximum-protocol-version", "TLSv1_2", "--verbose"];
    let found = run(server.address(), &more);
    assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("the TLS behind STARTTLS does not suit Envoy as it is"));
    assert!(found.stdout.contains("no patch: Gloo has no field"), "{}", found.stdout);
    assert!(!found.stdout.contains("kubectl patch"), "{}", found.stdout);
    let report = run(server.address(), &[&more[..], &["--format", "json"]].concat());
    assert_eq!(codes(&json(&report))[0], "maximum-version");
    let fix = run(server.address(), &["--starttls", "imap", "--fix", "kubectl"]);
    assert_eq!(fix.stdout, "");
}

/// Envoy would not ask for TLS, however well that would suit it.
#[test]
fn what_suits_needs_no_patch_but_is_not_said_to_connect() {
    let fix = run(Dovecot::imap().start().address(), &["--starttls", "imap", "--fix", "patch"]);
    assert_eq!((fix.code, fix.stdout.as_str()), (Some(0), ""), "{}", fix.stderr);
    assert!(fix.stderr.contains("no patch: Gloo has no field"), "{}", fix.stderr);
    assert!(!fix.stderr.contains("Envoy connects"), "{}", fix.stderr);
}

#[test]
fn a_plain_server_is_told_how_to_be_surveyed() {
    let server = Dovecot::imap().start();
    let found = run(server.address(), &[]);
    assert_eq!(found.code, Some(1));
    assert!(found.stdout.contains("surveyed with --starttls imap."), "{}", found.stdout);
}

#[test]
fn refusals_are_repeated_in_the_servers_words() {
    says("imap", &scripted(&[b"* BYE too busy\r\n"]), 2, "answers the connection with '* BYE");
    says("imap", &scripted(&[b"* PREAUTH hello\r\n"]), 2, "'* PREAUTH hello'");
    const NO: &[&[u8]] = &[b"* OK [CAPABILITY STARTTLS] hello\r\n", b"b NO not now\r\n"];
    says("imap", &scripted(NO), 2, "answers STARTTLS with 'b NO not now'");
    says(
        "imap",
        &scripted(&[b"220 mail ESMTP\r\n"]),
        2,
        "no IMAP server: it says '220 mail ESMTP'",
    );
}
