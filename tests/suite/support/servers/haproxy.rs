//! HAProxy, which verifies clients during the handshake.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// A HAProxy that answers every request with 200.
#[derive(Clone, Debug)]
pub(crate) struct Haproxy {
    leaf: Leaf,
    options: String,
}

impl Haproxy {
    /// One with an RSA certificate and the defaults of the distribution.
    pub(crate) fn new() -> Self {
        Self { leaf: Leaf::Rsa, options: String::new() }
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// Options of the `bind` line: `strict-sni`, `ciphers ...`, `curves ...`, `ssl-max-ver ...`.
    pub(crate) fn bind(mut self, options: &str) -> Self {
        self.options.push(' ');
        self.options.push_str(options);
        self
    }

    /// Wants certificates of our authority from clients, else ends the handshake.
    pub(crate) fn verify_client(self) -> Self {
        let options = format!("verify required ca-file {}", keys::authority().display());
        self.bind(&options)
    }

    pub(crate) fn start(&self) -> Server {
        Server::start(&program("haproxy"), |command, directory, address| {
            let (both, options) = (keys::leaf(self.leaf).both.display(), &self.options);
            let configuration = format!(
                "defaults\n mode http\n timeout client 10s\n timeout server 10s\n timeout connect 5s\n\
                 frontend tls\n bind {address} ssl crt {both}{options}\n http-request return status 200\n",
            );
            let path = directory.join("haproxy.cfg");
            std::fs::write(&path, configuration).unwrap();
            command.arg("-db").arg("-f").arg(path);
        })
    }
}
