//! A server that wants a client certificate.

use super::rows;
use crate::support::binary::cipher_test;
use crate::support::servers::{Nginx, Openssl, Server};

const CIPHERS: &str = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:\
                       ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256";

/// The end of a handshake is never needed to say 'accepted'.
#[test]
fn all_suites_of_a_server_that_ends_handshakes_without_a_certificate_are_seen() {
    let server = Openssl::new(&format!("-tls1_2 -cipher {CIPHERS}")).verify_client();
    has_all_five(&server.start());
}

#[test]
fn all_suites_of_a_server_that_answers_400_without_a_certificate_are_seen() {
    has_all_five(&Nginx::new().protocols("TLSv1.2").ciphers(CIPHERS).verify_client().start());
}

fn has_all_five(server: &Server) {
    let run = cipher_test([server.address().to_string().as_str(), "--format=json"]);
    let report = serde_json::from_str(&run.stdout).expect("JSON");
    let accepted: Vec<_> = rows(&report, "accepted").into_iter().map(|(_, suite)| suite).collect();
    assert_eq!(accepted, ["0x009c", "0xc013", "0xc02f", "0xc030", "0xcca8"], "{}", run.stdout);
    assert_eq!(rows(&report, "unclear").len(), 0);
}
