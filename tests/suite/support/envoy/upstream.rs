//! One upstream: where it is, what is spoken inside TLS, and its `UpstreamTlsContext`.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::keys::Certificate;

/// What Envoy speaks to the upstream inside of TLS; it decides the ALPN offer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, the default of Envoy and Gloo: ALPN `http/1.1`.
    #[default]
    Http1,
    /// HTTP/2: ALPN `h2`.
    Http2,
    /// Whichever the upstream picks: ALPN `h2`, `http/1.1`.
    Auto,
    /// Anything, by a TCP proxy: no ALPN.
    Tcp,
}

/// An upstream as Envoy is configured for it.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
    /// The `UpstreamTlsContext`, in snake case, without its `@type`.
    pub(crate) tls: Value,
    /// Parts of the cluster that take the place of what follows from all that.
    pub(crate) cluster: Option<Map<String, Value>>,
}

impl Upstream {
    /// One with an empty `UpstreamTlsContext`: everything is Envoy's default.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, protocol: Protocol::default(), tls: json!({}), cluster: None }
    }

    /// Takes TLS and protocol from these parts of a cluster, as somebody else wrote them.
    pub(crate) fn with_cluster(mut self, parts: Map<String, Value>) -> Self {
        self.cluster = Some(parts);
        self
    }

    pub(crate) fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Changes the `UpstreamTlsContext` as a JSON merge patch does: objects are merged, `null`
    /// removes, everything else (lists too) replaces. Names are in snake case.
    pub(crate) fn patched(mut self, patch: &Value) -> Self {
        merge(&mut self.tls, patch);
        self
    }

    /// Changes `tls_params`, as [`Self::patched`] does, for example with
    /// `{"cipher_suites": ["AES128-SHA"], "tls_minimum_protocol_version": "TLSv1_0"}`.
    pub(crate) fn tls_params(self, patch: &Value) -> Self {
        self.patched(&json!({ "common_tls_context": { "tls_params": patch } }))
    }

    pub(crate) fn sni(self, name: &str) -> Self {
        self.patched(&json!({ "sni": name }))
    }

    /// The ALPN offer, in place of the one that follows from the protocol.
    pub(crate) fn alpn(self, protocols: &[&str]) -> Self {
        self.patched(&json!({ "common_tls_context": { "alpn_protocols": protocols } }))
    }

    pub(crate) fn client_certificate(self, client: &Certificate) -> Self {
        let certificate = json!({
            "certificate_chain": { "filename": client.certificate },
            "private_key": { "filename": client.key },
        });
        self.patched(&json!({ "common_tls_context": { "tls_certificates": [certificate] } }))
    }

    /// Verifies the chain against the authorities in this PEM file.
    pub(crate) fn trusted_ca(self, authorities: &Path) -> Self {
        let context = json!({ "trusted_ca": { "filename": authorities } });
        self.patched(&json!({ "common_tls_context": { "validation_context": context } }))
    }

    /// Wants this DNS name in the certificate. Envoy rejects this without a trusted CA.
    pub(crate) fn san(self, name: &str) -> Self {
        let matcher = json!({ "san_type": "DNS", "matcher": { "exact": name } });
        let context = json!({ "match_typed_subject_alt_names": [matcher] });
        self.patched(&json!({ "common_tls_context": { "validation_context": context } }))
    }
}

/// Applies a JSON merge patch (RFC 7386).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let target = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}
