//! Protections that a server has or lacks: compression, secure renegotiation, extended master
//! secret, session tickets, the fallback's mark and that of TLS 1.3.

use super::script::{
    alert, behind_session_id, compressions, is_server_hello, refuses, rewrites, suites,
    without_extension,
};
use super::{endpoint, fact, rows};
use crate::support::binary::cipher_test;
use crate::support::embedded;
use crate::support::in_parallel;
use crate::support::servers::{Gnutls, Haproxy, Nginx, Openssl, Server};

const FALLBACK_SCSV: u16 = 0x5600;

/// Real servers and what their documentation says of them.
#[test]
fn real_servers_have_what_they_are_told_to_have() {
    type Start = fn() -> Server;
    #[rustfmt::skip]
    let names =
        ["compression", "secure_renegotiation", "extended_master_secret", "session_tickets", "fallback_scsv", "downgrade_sentinel"];
    #[rustfmt::skip]
    let table: [(&str, Start, [&str; 6]); 8] = [
        ("OpenSSL", || Openssl::new("").start(),
            ["no", "yes", "yes", "yes", "yes", "yes"]),
        ("OpenSSL without tickets", || Openssl::new("-no_ticket").start(),
            ["no", "yes", "yes", "no", "yes", "yes"]),
        ("OpenSSL, TLS 1.2 alone", || Openssl::new("-tls1_2").start(),
            ["no", "yes", "yes", "yes", "not-asked", "not-asked"]),
        ("OpenSSL, TLS 1.3 alone", || Openssl::new("-tls1_3").start(),
            ["not-asked", "not-asked", "not-asked", "not-asked", "not-asked", "not-asked"]),
        ("nginx without tickets", || Nginx::new().protocols("TLSv1.2 TLSv1.3").directive("ssl_session_tickets off").start(),
            ["no", "yes", "yes", "no", "yes", "yes"]),
        ("HAProxy", || Haproxy::new().bind("").start(),
            ["no", "yes", "yes", "yes", "yes", "yes"]),
        ("GnuTLS", || Gnutls::new("NORMAL").start(),
            ["no", "yes", "yes", "yes", "yes", "yes"]),
        ("GnuTLS that is told not to", || Gnutls::new("NORMAL:-VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION:%NO_SESSION_HASH:%NO_TICKETS").start(),
            ["no", "no", "no", "no", "yes", "not-asked"]),
    ];
    let told = in_parallel(&table, 4, |(_, start, _)| {
        let found = endpoint(start().address(), &[]);
        names.map(|name| fact(&found, name))
    });
    for ((server, _, expected), told) in table.iter().zip(told) {
        let answers = told.each_ref().map(|(answer, _)| answer.as_str());
        assert_eq!(answers, *expected, "{server}: {told:?}");
    }
}

#[test]
fn deflate_is_noticed_where_it_is_offered() {
    let direct = embedded::old();
    let server = rewrites(direct.address(), |hello, mut answer| {
        if is_server_hello(&answer) && compressions(hello).contains(&1) {
            let place = behind_session_id(&answer) + 2;
            answer[place] = 1;
        }
        Some(answer)
    });
    let (answer, how) = fact(&endpoint(server.address(), &[]), "compression");
    assert_eq!((answer.as_str(), how.as_str()), ("yes", "selects DEFLATE"));
    let run = cipher_test([server.address().to_string()]);
    assert!(run.stdout.contains("  compression yes: selects DEFLATE"), "{}", run.stdout);
}

#[test]
fn a_server_that_fails_on_deflate_does_not_compress() {
    let direct = embedded::old();
    let server = refuses(direct.address(), |hello| hello[0] != 22 || compressions(hello) == [0]);
    let found = endpoint(server.address(), &[]);
    let (answer, how) = fact(&found, "compression");
    assert_eq!(answer, "no");
    assert!(how.ends_with("where DEFLATE is offered"), "{how}");
    assert_eq!(rows(&found), rows(&endpoint(direct.address(), &[])));
}

#[test]
fn a_missing_renegotiation_info_is_shown_to_all() {
    let direct = embedded::old();
    let server = rewrites(direct.address(), |_, answer| {
        Some(if is_server_hello(&answer) { without_extension(&answer, 0xff01) } else { answer })
    });
    let (answer, how) = fact(&endpoint(server.address(), &[]), "secure_renegotiation");
    assert_eq!((answer.as_str(), how.as_str()), ("no", "renegotiation_info in no answer"));
    let run = cipher_test([server.address().to_string()]);
    assert!(run.stdout.contains("  reneg. info no: "), "{}", run.stdout);
}

#[test]
fn a_server_that_takes_a_needless_fallback_is_told() {
    let direct = embedded::varied();
    let strip = |answer: Vec<u8>| Some(answer);
    let server = rewrites(direct.address(), move |hello, answer| {
        if hello[0] == 22 && suites(hello).contains(&FALLBACK_SCSV) {
            // As a server does that knows nothing of the mark.
            return Some(super::script::server_hello(0x0303, suites(hello)[0], &[]));
        }
        strip(answer)
    });
    let (answer, how) = fact(&endpoint(server.address(), &[]), "fallback_scsv");
    assert_eq!(answer, "no");
    assert_eq!(how, "takes a fallback from TLSv1.3 to TLSv1.2");

    let server = rewrites(direct.address(), |hello, answer| {
        let fallback = hello[0] == 22 && suites(hello).contains(&FALLBACK_SCSV);
        Some(if fallback { alert(40) } else { answer })
    });
    let (answer, _) = fact(&endpoint(server.address(), &[]), "fallback_scsv");
    assert_eq!(answer, "unclear", "another alert says nothing of the mark");
}

#[test]
fn a_random_without_the_mark_of_tls13_is_told() {
    let direct = embedded::varied();
    let server = rewrites(direct.address(), |_, mut answer| {
        if is_server_hello(&answer) && answer[35..42] == *b"DOWNGRD" {
            answer[35..43].fill(7);
        }
        Some(answer)
    });
    let found = endpoint(server.address(), &[]);
    let (answer, how) = fact(&found, "downgrade_sentinel");
    assert_eq!((answer.as_str(), how.as_str()), ("no", "the mark of RFC 8446 in no answer"));
    assert_eq!(fact(&endpoint(direct.address(), &[]), "downgrade_sentinel").0, "yes");
}
