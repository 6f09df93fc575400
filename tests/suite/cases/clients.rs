//! Servers that want something said by the client: a name, a protocol, a certificate.

use serde_json::{Value, json};

use super::{Case, only_tls13};
use crate::support::envoy::Protocol;
use crate::support::keys::{self, Leaf, NAME};
use crate::support::servers::{Gnutls, Haproxy, Jsse, Nginx, Node, Openssl};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = names();
    cases.extend(protocols());
    cases.extend(certificates());
    cases
}

fn names() -> Vec<Case> {
    let nginx = |what: &str| {
        Case::new(format!("nginx for one name, {what}"), || Nginx::new().only_name(NAME).start())
    };
    let haproxy = |what: &str| {
        Case::new(format!("HAProxy for one name, {what}"), || {
            Haproxy::new().bind("strict-sni").start()
        })
    };
    let asked = json!({ "sni": NAME });
    vec![
        nginx("none asked").fixed_by(asked.clone()),
        nginx("another asked").sni("other.example.com").fixed_by(asked.clone()),
        nginx("that asked").sni(NAME),
        haproxy("none asked").fixed_by(asked.clone()),
        haproxy("another asked").sni("other.example.com").fixed_by(asked),
        haproxy("that asked").sni(NAME),
    ]
}

fn protocols() -> Vec<Case> {
    // Not of OpenSSL: Envoy keeps HTTP/2 connections, and s_server has time for one only.
    let only_h2 = |what: &str| {
        Case::new(format!("h2 alone, {what}"), || {
            Node::new(json!({ "ALPNProtocols": ["h2"] })).start()
        })
    };
    let only_http1 =
        |what: &str| Case::new(format!("http/1.1 alone, {what}"), || Nginx::new().start());
    vec![
        only_h2("Envoy speaks HTTP/1")
            .fixed_by(json!({ "common_tls_context": { "alpn_protocols": ["h2"] } })),
        Case::new("h2 alone of OpenSSL, Envoy speaks HTTP/1", || Openssl::new("-alpn h2").start())
            .fixed_by(json!({ "common_tls_context": { "alpn_protocols": ["h2"] } })),
        only_h2("Envoy speaks HTTP/2").protocol(Protocol::Http2),
        only_h2("Envoy speaks either").protocol(Protocol::Auto),
        only_h2("Envoy proxies TCP").protocol(Protocol::Tcp),
        // The handshake could be had by another ALPN, but what is spoken then would not fit.
        only_http1("Envoy speaks HTTP/2")
            .protocol(Protocol::Http2)
            .fails_but_is_reached_by("-alpn http/1.1"),
        only_http1("Envoy speaks either").protocol(Protocol::Auto),
        only_http1("Envoy proxies TCP").protocol(Protocol::Tcp),
        Case::new("both protocols, Envoy speaks HTTP/2", || Nginx::new().http2().start())
            .protocol(Protocol::Http2),
        Case::new("no ALPN, Envoy speaks HTTP/2", || Gnutls::new("NORMAL").start())
            .protocol(Protocol::Http2),
    ]
}

fn certificates() -> Vec<Case> {
    let at_tls12 = |what: &str| {
        Case::new(format!("client certificate at TLS 1.2, {what}"), || {
            Openssl::new("-tls1_2").verify_client().start()
        })
    };
    let at_tls13 = |what: &str| {
        Case::new(format!("client certificate at TLS 1.3, {what}"), || {
            Openssl::new("-tls1_3").verify_client().start()
        })
        .params(only_tls13())
    };
    vec![
        at_tls12("none").fixed_by(client_certificate()),
        at_tls12("untrusted").client(Leaf::ClientUntrusted).fixed_by(client_certificate()),
        at_tls12("good").client(Leaf::Client),
        at_tls13("none").fixed_by(client_certificate()),
        at_tls13("untrusted").client(Leaf::ClientUntrusted).fixed_by(client_certificate()),
        at_tls13("good").client(Leaf::Client),
        at_tls13("none, Envoy proxies TCP").protocol(Protocol::Tcp).fixed_by(client_certificate()),
        Case::new("client certificate of HAProxy", || Haproxy::new().verify_client().start())
            .fixed_by(client_certificate()),
        Case::new("client certificate of GnuTLS", || {
            Gnutls::new("NORMAL:-VERS-TLS1.3").verify_client().start()
        })
        .fixed_by(client_certificate()),
        Case::new("client certificate of Java", || Jsse::new().verify_client().start())
            .fixed_by(client_certificate()),
        // nginx completes the handshake and then answers 400.
        Case::new("client certificate of nginx", || Nginx::new().verify_client().start()),
    ]
}

/// The patch that gives Envoy the client's certificate.
fn client_certificate() -> Value {
    let client = keys::leaf(Leaf::Client);
    json!({ "common_tls_context": { "tls_certificates": [{
        "certificate_chain": { "filename": client.certificate },
        "private_key": { "filename": client.key },
    }] } })
}
