//! SSL 2.0: no OpenSSL of today serves it, so a script does.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::script::{alert, is_ssl2, refuses};
use super::{endpoint, fact, rows};
use crate::support::binary::cipher_test;
use crate::support::embedded;
use crate::support::in_parallel;
use crate::support::keys::{self, Leaf};
use crate::support::servers::relay::{carry_on, first_record, reset};
use crate::support::servers::{Gnutls, Haproxy, Nginx, Openssl, Scripted, Server};

/// Answers hellos of SSL 2.0 with these bytes and relays all others.
fn beside(to: SocketAddr, answer: Vec<u8>) -> Server {
    Scripted::start(move |mut client| {
        let Some(hello) = first_record(&mut client) else { return };
        if is_ssl2(&hello) {
            let _ = client.write_all(&answer);
        } else {
            carry_on(client, to, &hello);
        }
    })
}

/// A SERVER-HELLO with RC4 and triple DES.
fn server_hello(certificate: &[u8]) -> Vec<u8> {
    let length = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
    let message = [
        &[4, 0, 1, 0, 2][..],
        &length(certificate.len()),
        &length(6),
        &length(16),
        certificate,
        &[1, 0, 0x80, 7, 0, 0xc0],
        &[9; 16],
    ]
    .concat();
    let mut record = length(message.len()).to_vec();
    record[0] |= 0x80;
    record.extend(message);
    record
}

#[test]
fn ssl2_is_told_with_its_cipher_kinds_and_certificate() {
    let direct = embedded::varied();
    let pem = std::fs::read(&keys::leaf(Leaf::Rsa).certificate).unwrap();
    let der = openssl::x509::X509::from_pem(&pem).unwrap().to_der().unwrap();
    let server = beside(direct.address(), server_hello(&der));
    let found = endpoint(server.address(), &[]);
    let (answer, how) = fact(&found, "ssl2");
    assert_eq!((answer.as_str(), how.as_str()), ("yes", "a SERVER-HELLO with 2 cipher kinds"));
    let ssl2 = &found["survey"]["behaviour"]["ssl2"];
    assert_eq!(ssl2["cipher_kinds"][0]["code_point"], "0x010080");
    assert_eq!(ssl2["cipher_kinds"][1]["name"], "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
    assert_eq!(ssl2["certificate"]["sha256_fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(rows(&found), rows(&endpoint(direct.address(), &[])));

    let run = cipher_test([server.address().to_string()]);
    assert!(run.stdout.contains("  SSLv2       yes: a SERVER-HELLO with 2"), "{}", run.stdout);
    assert!(run.stdout.contains("SSL_CK_RC4_128_WITH_MD5, SSL_CK_DES_192"), "{}", run.stdout);
}

#[test]
fn an_error_message_of_ssl2_is_ssl2_too() {
    let direct = embedded::varied();
    let server = beside(direct.address(), vec![0x80, 3, 0, 0, 1]);
    let (answer, how) = fact(&endpoint(server.address(), &[]), "ssl2");
    assert_eq!(answer, "yes");
    assert!(how.contains("ERROR message of SSL 2.0, code 1"), "{how}");
}

#[test]
fn answers_that_only_begin_like_ssl2_are_unclear() {
    let direct = embedded::varied();
    let mut cut = server_hello(&[0x30, 0]);
    cut.truncate(20);
    let mut contradictory = server_hello(&[0x30, 0]);
    contradictory[8] = 200;
    for answer in [cut, contradictory] {
        let server = beside(direct.address(), answer);
        let found = endpoint(server.address(), &[]);
        let (answer, how) = fact(&found, "ssl2");
        assert_ne!(answer, "yes", "{how}");
        assert_eq!(found["survey"]["complete"], true);
    }
}

#[test]
fn real_servers_do_not_speak_ssl2() {
    type Start = fn() -> Server;
    let starts: [Start; 4] = [
        || Nginx::new().start(),
        || Gnutls::new("NORMAL").start(),
        || Openssl::new("").start(),
        || Haproxy::new().bind("").start(),
    ];
    let told = in_parallel(&starts, 4, |start| fact(&endpoint(start().address(), &[]), "ssl2"));
    for (answer, how) in told {
        assert_eq!(answer, "no", "{how}");
    }
}

#[test]
fn hanging_up_is_a_no_where_a_control_succeeds() {
    let direct = embedded::varied();
    let server = refuses(direct.address(), |hello| !is_ssl2(hello));
    let (answer, how) = fact(&endpoint(server.address(), &[]), "ssl2");
    assert_eq!(answer, "no");
    assert!(how.ends_with("while a control succeeds"), "{how}");
    let server = beside(direct.address(), alert(40));
    let (answer, how) = fact(&endpoint(server.address(), &[]), "ssl2");
    assert_eq!((answer.as_str(), how.as_str()), ("no", "alert handshake_failure"));
}

/// The question comes last: all that was to be learned is known by then.
#[test]
fn a_server_that_dies_of_it_spoils_nothing_else() {
    let direct = embedded::old();
    let to = direct.address();
    let dead = Arc::new(AtomicBool::new(false));
    let server = Scripted::start(move |mut client| {
        let Some(hello) = first_record(&mut client) else { return };
        dead.fetch_or(is_ssl2(&hello), Ordering::Relaxed);
        if dead.load(Ordering::Relaxed) { reset(client) } else { carry_on(client, to, &hello) }
    });
    let (hurt, whole) = (endpoint(server.address(), &[]), endpoint(to, &[]));
    assert_eq!(fact(&hurt, "ssl2").0, "unclear");
    assert_eq!(rows(&hurt), rows(&whole));
    assert_eq!(hurt["survey"]["complete"], true);
    assert_eq!(hurt["findings"], whole["findings"]);
    assert_eq!(hurt["trial"]["proven_change"], whole["trial"]["proven_change"]);
    assert_eq!(hurt["survey"]["behaviour"]["grease"], whole["survey"]["behaviour"]["grease"]);
}
