//! Post-quantum groups: the linked OpenSSL serves them, the distribution's does not.

use cipher_test::lab::ServerConfig;
use serde_json::Value;

use super::endpoint;
use crate::support::embedded;
use crate::support::servers::{Gnutls, Nginx, Openssl};

const POST_QUANTUM: [&str; 6] = [
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
    "MLKEM512",
    "MLKEM768",
    "MLKEM1024",
];

fn groups(found: &Value) -> Vec<String> {
    let groups = &found["survey"]["groups"];
    assert_eq!(groups["complete"], true, "{groups}");
    let list = groups["accepted"].as_array().expect("a list");
    list.iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
}

#[cfg(feature = "vendored")]
#[test]
fn every_post_quantum_group_is_found_alone_and_with_others() {
    for name in POST_QUANTUM {
        let config = ServerConfig { groups: Some(name.to_owned()), ..ServerConfig::default() };
        let server = embedded::server(&config);
        let found = endpoint(server.address(), &[]);
        // Under TLS 1.3, which alone has them.
        assert_eq!(found["survey"]["groups"]["version"], "TLSv1.3");
        assert_eq!(groups(&found), [name]);
    }
    let all = POST_QUANTUM.join(":") + ":X25519";
    let config = ServerConfig { groups: Some(all), ..ServerConfig::default() };
    let server = embedded::server(&config);
    let mut found = groups(&endpoint(server.address(), &[]));
    found.sort();
    let mut expected = POST_QUANTUM.to_vec();
    expected.push("x25519");
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn older_servers_have_none() {
    for server in [Openssl::new("").start(), Nginx::new().start(), Gnutls::new("NORMAL").start()] {
        let found = groups(&endpoint(server.address(), &[]));
        assert!(!found.is_empty());
        assert!(found.iter().all(|name| !POST_QUANTUM.contains(&name.as_str())), "{found:?}");
    }
}
