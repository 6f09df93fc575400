//! nginx, which verifies clients only after the handshake.

use std::fmt::Write as _;
use std::path::Path;

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// An nginx that answers every request with `ok`.
#[derive(Clone, Debug)]
pub(crate) struct Nginx {
    leaves: Vec<Leaf>,
    directives: Vec<String>,
    only_name: Option<String>,
    http2: bool,
    plain: bool,
}

impl Nginx {
    /// One with an RSA certificate and the defaults of the distribution.
    pub(crate) fn new() -> Self {
        let leaves = vec![Leaf::Rsa];
        Self { leaves, directives: Vec::new(), only_name: None, http2: false, plain: false }
    }

    /// One that speaks no TLS.
    pub(crate) fn plain() -> Self {
        Self { plain: true, ..Self::new() }
    }

    pub(crate) fn leaves(mut self, leaves: &[Leaf]) -> Self {
        self.leaves = leaves.to_vec();
        self
    }

    /// `ssl_protocols`, such as `TLSv1 TLSv1.1`.
    pub(crate) fn protocols(self, protocols: &str) -> Self {
        self.directive(&format!("ssl_protocols {protocols}"))
    }

    /// `ssl_ciphers`: an OpenSSL string, which may hold `@SECLEVEL=0`.
    pub(crate) fn ciphers(self, ciphers: &str) -> Self {
        self.directive(&format!("ssl_ciphers {ciphers}"))
    }

    /// `ssl_ecdh_curve`: OpenSSL names with colons between them.
    pub(crate) fn curves(self, curves: &str) -> Self {
        self.directive(&format!("ssl_ecdh_curve {curves}"))
    }

    /// Wants certificates of our authority from clients, and answers 400 to those without.
    pub(crate) fn verify_client(self) -> Self {
        let authority = keys::authority().display();
        self.directive(&format!("ssl_verify_client on; ssl_client_certificate {authority}"))
    }

    /// Any directive of the server block, without its semicolon.
    pub(crate) fn directive(mut self, directive: &str) -> Self {
        self.directives.push(directive.to_owned());
        self
    }

    /// Refuses the handshake with clients that do not ask for this name.
    pub(crate) fn only_name(mut self, name: &str) -> Self {
        self.only_name = Some(name.to_owned());
        self
    }

    /// Offers h2 by ALPN, besides http/1.1.
    pub(crate) fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    pub(crate) fn start(&self) -> Server {
        Server::start(&program("nginx"), |command, directory, address| {
            let path = directory.join("nginx.conf");
            std::fs::write(&path, self.configuration(directory, &address.to_string())).unwrap();
            command.arg("-p").arg(directory).arg("-c").arg(path);
            command.arg("-e").arg(directory.join("errors"));
        })
    }

    fn configuration(&self, directory: &Path, address: &str) -> String {
        let mut text = String::from("daemon off; master_process off; worker_processes 1;\n");
        let directory = directory.display();
        writeln!(text, "pid {directory}/pid; events {{}}\nhttp {{ access_log off;").unwrap();
        for path in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(text, "{path}_temp_path {directory}/{path};").unwrap();
        }
        let mut listen = format!("listen {address}");
        listen.push_str(if self.plain { "" } else { " ssl" });
        listen.push_str(if self.http2 { " http2" } else { "" });

        let mut server_name = "";
        if let Some(name) = &self.only_name {
            writeln!(text, "server {{ {listen} default_server; ssl_reject_handshake on; }}")
                .unwrap();
            server_name = name;
        }
        writeln!(text, "server {{ {listen}; server_name \"{server_name}\"; return 200 ok;")
            .unwrap();
        if !self.plain {
            for leaf in self.leaves.iter().map(|leaf| keys::leaf(*leaf)) {
                let (certificate, key) = (leaf.certificate.display(), leaf.key.display());
                writeln!(text, "ssl_certificate {certificate}; ssl_certificate_key {key};")
                    .unwrap();
            }
        }
        for directive in &self.directives {
            writeln!(text, "{directive};").unwrap();
        }
        text + "}\n}\n"
    }
}
