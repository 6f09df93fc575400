//! `gnutls-serv`, which has suites that the distribution's OpenSSL lacks, such as 3DES.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// A `gnutls-serv` that answers every request with a page of its own.
#[derive(Clone, Debug)]
pub(crate) struct Gnutls {
    leaf: Leaf,
    priority: String,
    args: Vec<String>,
}

impl Gnutls {
    /// One with an RSA certificate and a priority string, such as `NORMAL:-VERS-TLS1.3`.
    pub(crate) fn new(priority: &str) -> Self {
        Self { leaf: Leaf::Rsa, priority: priority.to_owned(), args: Vec::new() }
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// Wants certificates of our authority from clients.
    pub(crate) fn verify_client(mut self) -> Self {
        let authority = keys::authority().display().to_string();
        let args = ["--x509cafile", &authority, "--require-client-cert", "--verify-client-cert"];
        self.args.extend(args.map(str::to_owned));
        self
    }

    /// Further arguments.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    pub(crate) fn start(&self) -> Server {
        let leaf = keys::leaf(self.leaf);
        Server::start(&program("gnutls-serv"), |command, _, address| {
            command.args(["--http", "--port", &address.port().to_string()]);
            command.args(["--priority", &self.priority]);
            command.arg("--x509certfile").arg(&leaf.certificate);
            command.arg("--x509keyfile").arg(&leaf.key).args(&self.args);
        })
    }
}
