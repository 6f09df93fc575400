//! Node, which brings an OpenSSL of its own, by a small script in `fixtures/node`.

use serde_json::{Value, json};

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::{program, root};

/// A Node server that answers every request with an empty 200.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    leaf: Leaf,
    options: Value,
    http2: bool,
}

impl Node {
    /// One with an RSA certificate and options as `https.createServer` takes them, such as
    /// `{"ciphers": "AES128-SHA", "maxVersion": "TLSv1.2"}`.
    pub(crate) fn new(options: Value) -> Self {
        Self { leaf: Leaf::Rsa, options, http2: false }
    }

    /// Speaks HTTP/2 and nothing else.
    pub(crate) fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    pub(crate) fn start(&self) -> Server {
        let leaf = keys::leaf(self.leaf);
        Server::start(&program("node"), |command, _, address| {
            let argument = json!({
                "port": address.port(), "cert": leaf.certificate, "key": leaf.key,
                "ca": keys::authority(), "options": self.options, "http2": self.http2,
            });
            command.arg(root().join("fixtures/node/server.js")).arg(argument.to_string());
        })
    }
}
