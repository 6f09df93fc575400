//! The accepted sets: what the survey finds must be what the server's configuration says, and
//! what an independent client finds by asking for every suite alone.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use cipher_test::probe::{Gate, Limits, Prober};
use cipher_test::survey::{Clearance, HandshakeResult, Options, Subject, Survey, survey};
use cipher_test::tls::{CipherSuite, TlsVersion};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::support::client::handshake;
use crate::support::in_parallel;
use crate::support::keys::{self, Leaf};
use crate::support::program;
use crate::support::servers::{Envoy, Gnutls, Haproxy, Jsse, Nginx, Node, Openssl, Server};

type Pairs = BTreeSet<(TlsVersion, String)>;

const LEGACY: [TlsVersion; 3] = [TlsVersion::TLS12, TlsVersion::TLS11, TlsVersion::TLS10];

fn run_survey(address: SocketAddr, exhaustive: bool) -> Survey {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let limits = Arc::new(Limits::default());
        let gate = Gate::new(5, Duration::ZERO, Arc::new(Semaphore::new(64)));
        let prober = Prober::new(address, Arc::new(gate), limits);
        let options = Options {
            handshakes: true,
            exhaustive,
            clearance: Clearance::given(None),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let subject = Subject { sni: Some(keys::NAME.to_owned()), ..Subject::default() };
        survey(&prober, &subject, &options, &|_| ()).await
    })
}

fn name(suite: CipherSuite) -> String {
    suite.openssl_name().map_or_else(|| suite.to_string(), str::to_owned)
}

fn accepted(found: &Survey) -> Pairs {
    found.accepted().map(|(version, suite)| (version, name(suite))).collect()
}

/// Checks one server: against `s_client` for all that `s_client` has, against `configured` where
/// it is given, and the two ways of the survey against each other.
fn check(server: &Server, client_args: &str, configured: Option<Pairs>) {
    let address = server.address();
    let found = run_survey(address, false);
    assert_eq!(found.unclear(), 0, "{:?}", found.oddities);
    let wire = accepted(&found);
    if let Some(configured) = configured {
        assert_eq!(wire, configured, "the configuration says otherwise");
    }
    let (known, truth) = independent(address, client_args);
    let comparable: Pairs = wire.iter().filter(|pair| known.contains(pair)).cloned().collect();
    assert_eq!(comparable, truth, "s_client finds otherwise");
    completed_as_accepted(&found);
    exhaustive_agrees(address, &found);
}

/// Every (version, suite) that the system's OpenSSL can offer, and those that the server takes.
fn independent(address: SocketAddr, client_args: &str) -> (Pairs, Pairs) {
    let mut offers = Vec::new();
    for (version, flag) in LEGACY.iter().zip(["-tls1_2", "-tls1_1", "-tls1"]) {
        for suite in system_ciphers(flag) {
            let args = format!(
                "{flag} -cipher {suite}:@SECLEVEL=0 -servername {} {client_args}",
                keys::NAME
            );
            offers.push((*version, suite, args));
        }
    }
    for suite in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    ] {
        let args =
            format!("-tls1_3 -ciphersuites {suite} -servername {} {client_args}", keys::NAME);
        offers.push((TlsVersion::TLS13, suite.to_owned(), args));
    }
    let taken = in_parallel(&offers, 4, |(_, _, args)| handshake(address, args).is_ok());
    let known = offers.iter().map(|(version, suite, _)| (*version, suite.clone())).collect();
    let truth = offers.iter().zip(taken).filter(|(_, taken)| *taken);
    (known, truth.map(|((version, suite, _), _)| (*version, suite.clone())).collect())
}

/// What the system's OpenSSL can offer under one version, without what needs an identity.
fn system_ciphers(flag: &str) -> Vec<String> {
    let list = "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0";
    let output = Command::new(program("openssl")).args(["ciphers", "-s", flag, list]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let names = text.trim().split(':').filter(|name| !name.starts_with("TLS_"));
    names.map(str::to_owned).collect()
}

/// OpenSSL completes a handshake with every accepted suite that it has.
fn completed_as_accepted(found: &Survey) {
    for row in &found.handshakes {
        assert!(
            matches!(row.result, HandshakeResult::Completed(_) | HandshakeResult::NotInOpenssl),
            "{row:?}"
        );
    }
}

/// The exhaustive way of the script finds the same suites.
fn exhaustive_agrees(address: SocketAddr, found: &Survey) {
    let exhaustive = run_survey(address, true);
    let completed: BTreeSet<_> = exhaustive
        .handshakes
        .iter()
        .filter(|row| matches!(row.result, HandshakeResult::Completed(_)))
        .map(|row| row.suite)
        .collect();
    let offered: BTreeSet<_> = exhaustive.handshakes.iter().map(|row| row.suite).collect();
    let wire: BTreeSet<_> =
        found.accepted().map(|(_, suite)| suite).filter(|suite| offered.contains(suite)).collect();
    assert_eq!(completed, wire, "handshakes with every cipher find otherwise");
    assert!(exhaustive.handshakes.len() >= 170);
}

/// All suites under all versions, and those of TLS 1.3.
fn pairs(versions: &[TlsVersion], suites: &str, tls13: &str) -> Pairs {
    let legacy = versions.iter().flat_map(|version| {
        let defined = move |name: &&str| {
            CipherSuite::from_openssl_name(name).unwrap().is_defined_for(*version)
        };
        suites.split(':').filter(defined).map(move |name| (*version, name.to_owned()))
    });
    let modern = tls13.split(':').filter(|name| !name.is_empty());
    legacy.chain(modern.map(|name| (TlsVersion::TLS13, name.to_owned()))).collect()
}

const TLS13: &str = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

#[test]
fn nginx_with_a_list_of_its_own() {
    let suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-SHA:\
                  AES128-GCM-SHA256:AES128-SHA256:AES256-SHA:CAMELLIA128-SHA";
    let server = Nginx::new()
        .protocols("TLSv1 TLSv1.1 TLSv1.2 TLSv1.3")
        .ciphers(&format!("{suites}:@SECLEVEL=0"))
        .start();
    check(&server, "", Some(pairs(&LEGACY, suites, TLS13)));
}

#[test]
fn nginx_with_all_that_openssl_has_and_two_certificates() {
    let server = Nginx::new()
        .leaves(&[Leaf::Rsa, Leaf::EcdsaP256])
        .protocols("TLSv1 TLSv1.1 TLSv1.2 TLSv1.3")
        .ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        .start();
    check(&server, "", None);
    let found = run_survey(server.address(), false);
    assert_eq!(found.chains.len(), 2, "the RSA and the ECDSA certificate");
}

#[test]
fn haproxy_with_a_list_of_its_own() {
    let suites = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA256";
    let server = Haproxy::new().bind(&format!("ciphers {suites} ssl-min-ver TLSv1.2")).start();
    check(&server, "", Some(pairs(&[TlsVersion::TLS12], suites, TLS13)));
}

#[test]
fn s_server_that_requires_a_client_certificate() {
    let suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:AES256-SHA";
    let server = Openssl::new(&format!("-tls1_2 -cipher {suites}")).verify_client().start();
    let found = run_survey(server.address(), false);
    assert_eq!(accepted(&found), pairs(&[TlsVersion::TLS12], suites, ""));
    let refused = |row: &cipher_test::survey::HandshakeRow| {
        matches!(row.result, HandshakeResult::FailedAfterSelection(_))
    };
    assert!(found.handshakes.iter().all(refused), "{:?}", found.handshakes);
}

#[test]
fn gnutls_with_old_suites() {
    let priority = "NONE:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0:+ECDHE-RSA:+RSA:+AES-128-GCM:\
                    +AES-256-CBC:+3DES-CBC:+AEAD:+SHA1:+GROUP-ALL:+SIGN-ALL:+COMP-NULL:+CTYPE-X509";
    let server = Gnutls::new(priority).start();
    let suites = "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:AES256-SHA:\
                  ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA";
    check(&server, "", Some(pairs(&LEGACY, suites, "")));
}

#[test]
fn gnutls_with_tls13() {
    let server = Gnutls::new("NORMAL").start();
    check(&server, "", None);
}

#[test]
fn jsse_with_old_suites() {
    let server = Jsse::new()
        .protocols("TLSv1,TLSv1.1,TLSv1.2")
        .suites(
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_256_CBC_SHA,\
             SSL_RSA_WITH_3DES_EDE_CBC_SHA,TLS_RSA_WITH_AES_128_CBC_SHA256",
        )
        .start();
    let suites = "ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA:DES-CBC3-SHA:AES128-SHA256";
    check(&server, "", Some(pairs(&LEGACY, suites, "")));
}

#[test]
fn node_as_it_is() {
    check(&Node::new(serde_json::json!({})).start(), "", None);
}

#[test]
fn envoy_as_a_server() {
    let server = Envoy::new(crate::support::envoy::Release::V1_40).start();
    check(&server, "", None);
}
