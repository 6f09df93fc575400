//! A server that wants a client certificate.

use super::rows;
use crate::support::binary::cipher_test;
use crate::support::servers::Nginx;

/// The end of a handshake is never needed to say 'accepted'.
#[test]
fn all_suites_of_a_server_that_verifies_clients_are_seen() {
    let ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:\
                   ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256";
    let server = Nginx::new().protocols("TLSv1.2").ciphers(ciphers).verify_client().start();
    let run = cipher_test([server.address().to_string().as_str(), "--format=json"]);
    let report = serde_json::from_str(&run.stdout).expect("JSON");
    let accepted: Vec<_> = rows(&report, "accepted").into_iter().map(|(_, suite)| suite).collect();
    assert_eq!(accepted, ["0x009c", "0xc013", "0xc02f", "0xc030", "0xcca8"], "{}", run.stdout);
    assert_eq!(rows(&report, "unclear").len(), 0);
}
