//! The matrix: server configurations, the Envoy that is to reach each, and what is known about
//! whether it does. One file a reason why Envoy fails.

mod certificates;
mod clients;
mod groups;
mod plain;
mod suites;
mod trial;
mod verification;
mod versions;

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::envoy::{Protocol, Release, Upstream, merge};
use crate::support::keys::{self, Leaf};
use crate::support::servers::Server;

/// What the user's Envoy is configured with for the upstream, before any remedy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    pub(crate) protocol: Protocol,
    pub(crate) sni: Option<&'static str>,
    /// `Leaf::Client` or `Leaf::ClientUntrusted`.
    pub(crate) client: Option<Leaf>,
    /// Whether the chain is verified, against [`keys::authority`].
    pub(crate) verifies: bool,
    /// The DNS name wanted in the certificate; only with `verifies`.
    pub(crate) san: Option<&'static str>,
    /// `tls_params`, an object; empty for Envoy's defaults.
    pub(crate) tls_params: Value,
}

impl Side {
    /// The upstream that Envoy is configured for.
    pub(crate) fn upstream(&self, address: SocketAddr) -> Upstream {
        let mut upstream = Upstream::new(address).protocol(self.protocol);
        if let Some(name) = self.sni {
            upstream = upstream.sni(name);
        }
        if let Some(client) = self.client {
            upstream = upstream.client_certificate(keys::leaf(client));
        }
        if self.verifies {
            upstream = upstream.trusted_ca(keys::authority());
        }
        if let Some(name) = self.san {
            upstream = upstream.san(name);
        }
        if self.tls_params.is_object() {
            upstream = upstream.tls_params(&self.tls_params);
        }
        upstream
    }
}

/// What is known about a case.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// Envoy connects as it is configured.
    Connects,
    /// Envoy fails, and connects once its `UpstreamTlsContext` is changed by this merge patch.
    FixedBy(Value),
    /// Envoy fails, and no `tls_params` help.
    Fails,
}

/// A server, and the Envoy that is to reach it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) side: Side,
    known: Known,
    known_of_1_36: Option<Known>,
    /// Arguments with which `openssl s_client` gets through, to tell a server that Envoy cannot
    /// reach from one that is broken.
    pub(crate) reached_by: Option<String>,
    start: Box<dyn Fn() -> Server + Send + Sync>,
}

impl Case {
    fn new(name: impl Into<String>, start: impl Fn() -> Server + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            side: Side::default(),
            known: Known::Connects,
            known_of_1_36: None,
            reached_by: None,
            start: Box::new(start),
        }
    }

    /// Starts the server.
    pub(crate) fn start(&self) -> Server {
        (self.start)()
    }

    /// What is known of one release of Envoy.
    pub(crate) fn known(&self, release: Release) -> &Known {
        match (release, &self.known_of_1_36) {
            (Release::V1_36, Some(known)) => known,
            _ => &self.known,
        }
    }

    /// Says what Envoy 1.36 does, where it differs.
    fn but_1_36(mut self, known: Known) -> Self {
        self.known_of_1_36 = Some(known);
        self
    }

    fn fails(mut self) -> Self {
        self.known = Known::Fails;
        self
    }

    /// As [`Self::fails`], for a server that others reach.
    fn fails_but_is_reached_by(mut self, args: impl Into<String>) -> Self {
        self.reached_by = Some(args.into());
        self.fails()
    }

    fn fixed_by(mut self, patch: Value) -> Self {
        self.known = Known::FixedBy(patch);
        self
    }

    /// As [`Self::fixed_by`], for a change of `tls_params` alone.
    fn fixed_by_params(self, patch: Value) -> Self {
        self.fixed_by(params(patch))
    }

    fn protocol(mut self, protocol: Protocol) -> Self {
        self.side.protocol = protocol;
        self
    }

    fn sni(mut self, name: &'static str) -> Self {
        self.side.sni = Some(name);
        self
    }

    fn client(mut self, client: Leaf) -> Self {
        self.side.client = Some(client);
        self
    }

    fn verifies(mut self) -> Self {
        self.side.verifies = true;
        self
    }

    fn san(mut self, name: &'static str) -> Self {
        self.side.san = Some(name);
        self
    }

    /// Adds to what Envoy's `tls_params` are before any remedy.
    fn params(mut self, params: Value) -> Self {
        merge(&mut self.side.tls_params, &params);
        self
    }
}

/// Every case, in a fixed order. Names are unique.
pub(crate) fn all() -> Vec<Case> {
    [
        suites::cases(),
        versions::cases(),
        groups::cases(),
        certificates::cases(),
        clients::cases(),
        verification::cases(),
        plain::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A merge patch of `tls_params` alone.
fn params(patch: Value) -> Value {
    json!({ "common_tls_context": { "tls_params": patch } })
}

/// The most that any `tls_params` make an Envoy offer.
fn everything(release: Release) -> Value {
    json!({
        "tls_minimum_protocol_version": "TLSv1_0",
        "tls_maximum_protocol_version": "TLSv1_3",
        "cipher_suites": suites::envoys(release),
        "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256", "P-384", "P-521"],
        "signature_algorithms": [
            "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256",
            "ecdsa_secp384r1_sha384", "rsa_pss_rsae_sha384", "rsa_pkcs1_sha384",
            "rsa_pss_rsae_sha512", "rsa_pkcs1_sha512", "rsa_pkcs1_sha1",
            "ecdsa_secp521r1_sha512", "ecdsa_sha1", "ed25519",
        ],
    })
}

/// Both bounds at TLS 1.3: a minimum alone would exceed the default maximum.
fn only_tls13() -> Value {
    json!({ "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3" })
}

/// TLS 1.3 besides TLS 1.2.
fn up_to_tls13() -> Value {
    json!({ "tls_maximum_protocol_version": "TLSv1_3" })
}
