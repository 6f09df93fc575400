//! Values that nobody has assigned, and versions that nobody knows.

use super::script::{alert, is_ssl2, refuses, rewrites, server_hello, suites};
use super::{endpoint, fact, rows};
use crate::support::embedded;
use crate::support::hello::Hello;
use crate::support::in_parallel;
use crate::support::servers::{Gnutls, Haproxy, Nginx, Openssl, Server};

fn is_grease(number: &u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn claims_too_much(hello: &[u8]) -> bool {
    hello[0] == 22 && hello[9..11] == [3, 4]
}

#[test]
fn real_servers_take_what_they_do_not_know() {
    type Start = fn() -> Server;
    let starts: [Start; 6] = [
        || Openssl::new("").start(),
        || Openssl::new("-tls1_2").start(),
        || Openssl::new("-tls1_3").start(),
        || Nginx::new().start(),
        || Haproxy::new().bind("").start(),
        || Gnutls::new("NORMAL").start(),
    ];
    let told = in_parallel(&starts, 3, |start| endpoint(start().address(), &[]));
    for found in told {
        let (answer, how) = fact(&found, "grease");
        assert_eq!(answer, "yes", "{how}");
        let (answer, how) = fact(&found, "version_tolerance");
        assert!(["yes", "not-asked"].contains(&answer.as_str()), "{answer}: {how}");
    }
}

/// Each place alone, as a server stumbles over it.
#[test]
fn a_server_that_stumbles_over_grease_is_told() {
    type Stumbles = fn(&Hello) -> bool;
    let table: [(&str, Stumbles); 3] = [
        ("suites", |hello| hello.suites.iter().any(is_grease)),
        ("groups", |hello| hello.groups.iter().any(is_grease)),
        ("versions", |hello| hello.versions.iter().any(is_grease)),
    ];
    let direct = embedded::varied();
    let whole = rows(&endpoint(direct.address(), &[]));
    for (place, stumbles) in table {
        let server = refuses(direct.address(), move |record| {
            is_ssl2(record) || !Hello::read(record).is_some_and(|hello| stumbles(&hello))
        });
        let found = endpoint(server.address(), &[]);
        let (answer, how) = fact(&found, "grease");
        assert_eq!(answer, "no", "{place}: {how}");
        assert_eq!(how, "connection reset on GREASE values alone", "{place}");
        assert_eq!(found["summary"], "connects", "Envoy sends no GREASE");
        assert_eq!(rows(&found), whole, "{place}");
    }
}

#[test]
fn a_server_that_selects_grease_is_told() {
    let direct = embedded::varied();
    let server = rewrites(direct.address(), |hello, answer| {
        let first = if is_ssl2(hello) { 0 } else { suites(hello)[0] };
        Some(if is_grease(&first) { server_hello(0x0303, first, &[]) } else { answer })
    });
    let (answer, how) = fact(&endpoint(server.address(), &[]), "grease");
    assert_eq!(answer, "no");
    assert!(how.ends_with("a value of GREASE"), "{how}");
}

/// By an alert and by hanging up.
#[test]
fn a_server_that_stumbles_over_a_new_version_is_told() {
    let direct = embedded::varied();
    let by_alert = rewrites(direct.address(), |hello, answer| {
        Some(if claims_too_much(hello) { alert(70) } else { answer })
    });
    let by_reset = refuses(direct.address(), |hello| !claims_too_much(hello));
    for (server, words) in [(by_alert, "alert protocol_version"), (by_reset, "connection reset")] {
        let found = endpoint(server.address(), &[]);
        let (answer, how) = fact(&found, "version_tolerance");
        assert_eq!((answer.as_str(), how.as_str()), ("no", words));
        assert_eq!(fact(&found, "extended_master_secret").0, "yes", "asked again without it");
    }
}

/// What fails now and then is no intolerance.
#[test]
fn a_server_that_fails_at_random_is_not_called_intolerant() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let direct = embedded::varied();
    let seen = Arc::new(AtomicUsize::new(0));
    let server = refuses(direct.address(), move |record| {
        let greased = !is_ssl2(record)
            && Hello::read(record).is_some_and(|hello| hello.suites.iter().any(is_grease));
        !greased || seen.fetch_add(1, Ordering::Relaxed) > 0
    });
    let (answer, how) = fact(&endpoint(server.address(), &[]), "grease");
    assert_eq!(answer, "yes", "{how}");
}
