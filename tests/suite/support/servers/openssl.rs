//! `openssl s_server`, which takes one connection after the other: a client that keeps its
//! connection keeps out all others.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// An `openssl s_server` that answers every request with a page of its own.
#[derive(Clone, Debug)]
pub(crate) struct Openssl {
    leaf: Option<Leaf>,
    args: Vec<String>,
}

impl Openssl {
    /// One with an RSA certificate and further arguments, such as `-tls1_2 -cipher AES128-SHA`,
    /// split at blanks.
    pub(crate) fn new(args: &str) -> Self {
        let args = args.split_whitespace().map(str::to_owned).collect();
        Self { leaf: Some(Leaf::Rsa), args }
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = Some(leaf);
        self
    }

    /// Without any certificate: for pre-shared keys and anonymous suites.
    pub(crate) fn without_certificate(mut self) -> Self {
        self.leaf = None;
        self
    }

    /// Wants certificates of our authority from clients, else ends the handshake.
    pub(crate) fn verify_client(mut self) -> Self {
        let authority = keys::authority().display().to_string();
        let args = ["-Verify", "1", "-verify_return_error", "-CAfile", &authority];
        self.args.extend(args.map(str::to_owned));
        self
    }

    pub(crate) fn start(&self) -> Server {
        Server::start(&program("openssl"), |command, _, address| {
            command.args(["s_server", "-www", "-quiet", "-accept", &address.to_string()]);
            match self.leaf.map(keys::leaf) {
                Some(leaf) => {
                    command.arg("-cert").arg(&leaf.certificate).arg("-key").arg(&leaf.key)
                }
                None => command.arg("-nocert"),
            };
            command.args(&self.args);
        })
    }
}
