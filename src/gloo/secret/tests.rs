//! What is kept of Secrets, and what is not.

use serde_json::json;

use super::*;

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nbWFya2Vy\n-----END PRIVATE KEY-----\n";

fn document() -> Value {
    json!({
        "kind": "Secret",
        "type": TLS_TYPE,
        "metadata": {
            "name": "s",
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": KEY },
        },
        "data": { "tls.key": STANDARD.encode(KEY) },
        "stringData": { "tls.crt": "certificate" },
    })
}

#[test]
fn the_document_is_wiped_once_it_is_read() {
    let mut document = document();
    let secret = Secret::take(&mut document).unwrap();
    assert_eq!(secret.material().unwrap().key.as_slice(), KEY.as_bytes());
    assert_eq!(document["data"]["tls.key"], "");
    assert_eq!(document["stringData"]["tls.crt"], "");
    assert_eq!(
        document["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"],
        ""
    );
}

#[test]
fn the_document_is_wiped_even_if_it_cannot_be_read() {
    let mut document = document();
    document["data"]["ca.crt"] = json!("not base64!");
    assert_eq!(Secret::take(&mut document).unwrap_err(), SecretFault::Base64("ca.crt".to_owned()));
    assert_eq!(document["data"]["tls.key"], "");
}

#[test]
fn nothing_shows_the_key() {
    let secret = Secret::take(&mut document()).unwrap();
    let shown = format!("{secret:?}");
    assert!(!shown.contains("PRIVATE") && !shown.contains("bWFya2Vy"), "{shown}");
}

#[test]
fn string_data_goes_before_data() {
    let mut document = document();
    document["stringData"]["tls.key"] = json!("other");
    let secret = Secret::take(&mut document).unwrap();
    assert_eq!(secret.material().unwrap().key.as_slice(), b"other");
}

#[test]
fn secrets_are_known_by_name_and_usable_by_their_verdict() {
    let mut secrets = Secrets::default();
    secrets.add(Secret::take(&mut document()).unwrap());
    let name = |name: &str| ObjectName { namespace: String::new(), name: name.to_owned() };
    assert_eq!(secrets.secret(&name("s")), SecretKnowledge::Unusable);
    assert_eq!(secrets.secret(&name("other")), SecretKnowledge::Unknown);
}
