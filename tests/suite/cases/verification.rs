//! Certificates that a verifying Envoy refuses, and a default one takes.

use serde_json::{Value, json};

use super::Case;
use crate::support::keys::{Leaf, NAME};
use crate::support::servers::{Nginx, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let leaf = |leaf: Leaf, what: &str| {
        Case::new(format!("{leaf:?} certificate, {what}"), move || {
            Nginx::new().leaves(&[leaf]).start()
        })
    };
    vec![
        leaf(Leaf::Rsa, "verified").verifies(),
        leaf(Leaf::Rsa, "verified with its name").verifies().san(NAME),
        leaf(Leaf::Rsa, "verified with another name")
            .verifies()
            .san("other.example.com")
            .fixed_by(unverified()),
        leaf(Leaf::RsaExpired, "not verified"),
        leaf(Leaf::RsaExpired, "verified").verifies().fixed_by(unverified()),
        leaf(Leaf::RsaUntrusted, "not verified"),
        leaf(Leaf::RsaUntrusted, "verified").verifies().fixed_by(unverified()),
        Case::new("untrusted certificate and a suite Envoy does not offer", || {
            Openssl::new("-tls1_2 -cipher AES128-SHA").leaf(Leaf::RsaUntrusted).start()
        })
        .verifies()
        .fixed_by(json!({ "common_tls_context": {
            "tls_params": { "cipher_suites": ["AES128-SHA"] }, "validation_context": null } })),
    ]
}

fn unverified() -> Value {
    json!({ "common_tls_context": { "validation_context": null } })
}
