//! Prosody, for clients or for other servers, as the host `localhost`.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// An XMPP server.
pub(crate) struct Prosody;

impl Prosody {
    pub(crate) fn for_clients() -> Server {
        Self::start("c2s", r#""tls", "saslauth""#)
    }

    pub(crate) fn for_servers() -> Server {
        Self::start("s2s", r#""tls", "dialback""#)
    }

    pub(crate) fn without_tls() -> Server {
        Self::start("c2s", r#""saslauth""#)
    }

    fn start(kind: &str, modules: &str) -> Server {
        Server::start(&program("prosody"), |command, directory, address| {
            let (leaf, home) = (keys::leaf(Leaf::Rsa), directory.display());
            let ports = ["c2s", "s2s"].map(|one| {
                let port = if one == kind { address.port().to_string() } else { String::new() };
                format!(
                    "{one}_ports = {{ {port} }}\n{one}_interfaces = {{ \"127.0.0.1\" }}\n\
                     {one}_direct_tls_ports = {{}}\n"
                )
            });
            let text = format!(
                "run_as_root = true\npidfile = \"{home}/pid\"\ndata_path = \"{home}\"\n\
                 log = {{ info = \"*console\" }}\nmodules_enabled = {{ {modules} }}\n{}\
                 c2s_require_encryption = false\n\
                 ssl = {{ key = \"{}\", certificate = \"{}\" }}\nVirtualHost \"localhost\"\n",
                ports.concat(),
                leaf.key.display(),
                leaf.certificate.display(),
            );
            let path = directory.join("prosody.cfg.lua");
            std::fs::write(&path, text).unwrap();
            command.arg("-F").arg("--config").arg(path);
        })
    }
}
