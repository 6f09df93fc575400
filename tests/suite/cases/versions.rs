//! Servers with one protocol version each, and servers as they come.

use serde_json::json;

use super::{Case, only_tls13, up_to_tls13};
use crate::support::envoy::Release;
use crate::support::servers::{Envoy, Gnutls, Haproxy, Jsse, Nginx, Node, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = only_tls13_servers();
    cases.extend(only_old_servers());
    cases.extend(as_they_come());
    cases
}

fn only_tls13_servers() -> Vec<Case> {
    vec![
        Case::new("TLS 1.3 alone of OpenSSL", || Openssl::new("-tls1_3").start())
            .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of OpenSSL, Envoy at 1.3 alone", || {
            Openssl::new("-tls1_3").start()
        })
        .params(only_tls13()),
        Case::new("TLS 1.3 alone, one suite", || {
            Openssl::new("-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256").start()
        })
        .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone, a suite Envoy has not", || {
            Openssl::new("-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256").start()
        })
        .fails_but_is_reached_by("-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256"),
        Case::new("TLS 1.3 alone of nginx", || Nginx::new().protocols("TLSv1.3").start())
            .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of HAProxy", || {
            Haproxy::new().bind("ssl-min-ver TLSv1.3").start()
        })
        .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of GnuTLS", || {
            Gnutls::new("NORMAL:-VERS-ALL:+VERS-TLS1.3").start()
        })
        .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of Node", || {
            Node::new(json!({ "minVersion": "TLSv1.3" })).start()
        })
        .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of Java", || Jsse::new().protocols("TLSv1.3").start())
            .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.3 alone of Envoy", || {
            let parameters = json!({ "tls_minimum_protocol_version": "TLSv1_3" });
            Envoy::new(Release::V1_40).parameters(parameters).start()
        })
        .fixed_by_params(up_to_tls13()),
        Case::new("TLS 1.2 alone, Envoy at 1.3 alone", || Openssl::new("-tls1_2").start())
            .params(only_tls13())
            .fixed_by_params(json!({ "tls_minimum_protocol_version": "TLSv1_2" })),
        Case::new("TLS 1.2, and a minimum of 1.3 without a maximum", || Openssl::new("").start())
            .params(json!({ "tls_minimum_protocol_version": "TLSv1_3" }))
            .fixed_by_params(up_to_tls13()),
    ]
}

fn only_old_servers() -> Vec<Case> {
    let from_tls10 = json!({
        "cipher_suites": ["ECDHE-RSA-AES128-SHA"], "tls_minimum_protocol_version": "TLSv1_0" });
    let from_tls11 = json!({
        "cipher_suites": ["ECDHE-RSA-AES128-SHA"], "tls_minimum_protocol_version": "TLSv1_1" });
    vec![
        Case::new("TLS 1.0 alone", || Openssl::new("-tls1 -cipher ALL:@SECLEVEL=0").start())
            .fixed_by_params(from_tls10.clone()),
        Case::new("TLS 1.1 alone", || Openssl::new("-tls1_1 -cipher ALL:@SECLEVEL=0").start())
            .fixed_by_params(from_tls11.clone()),
        Case::new("TLS 1.0 alone, minimum lowered, suites not", || {
            Openssl::new("-tls1 -cipher ALL:@SECLEVEL=0").start()
        })
        .params(json!({ "tls_minimum_protocol_version": "TLSv1_0" }))
        .fixed_by_params(json!({ "cipher_suites": ["AES128-SHA"] })),
        Case::new("TLS 1.0 alone, suites added, minimum not", || {
            Openssl::new("-tls1 -cipher ALL:@SECLEVEL=0").start()
        })
        .params(json!({ "cipher_suites": ["AES128-SHA"] }))
        .fixed_by_params(json!({ "tls_minimum_protocol_version": "TLSv1_0" })),
        Case::new("TLS 1.0 alone of Java", || Jsse::new().protocols("TLSv1").start())
            .fixed_by_params(from_tls10.clone()),
        Case::new("TLS 1.0 and 1.1 of nginx", || {
            Nginx::new().protocols("TLSv1 TLSv1.1").ciphers("ALL:@SECLEVEL=0").start()
        })
        .fixed_by_params(from_tls11),
        Case::new("TLS 1.0 alone of GnuTLS", || {
            Gnutls::new("NORMAL:-VERS-ALL:+VERS-TLS1.0").start()
        })
        .fixed_by_params(from_tls10),
    ]
}

/// Servers with the defaults of their makers, all of which a default Envoy reaches.
fn as_they_come() -> Vec<Case> {
    vec![
        Case::new("nginx as it comes", || Nginx::new().start()),
        Case::new("HAProxy as it comes", || Haproxy::new().start()),
        Case::new("GnuTLS as it comes", || Gnutls::new("NORMAL").start()),
        Case::new("Java as it comes", || Jsse::new().start()),
        Case::new("Node as it comes", || Node::new(json!({})).start()),
        Case::new("OpenSSL as it comes", || Openssl::new("").start()),
        Case::new("Envoy as it comes", || Envoy::new(Release::V1_40).start()),
        Case::new("older Envoy as it comes", || Envoy::new(Release::V1_36).start()),
    ]
}
