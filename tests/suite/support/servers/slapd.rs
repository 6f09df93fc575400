//! OpenLDAP's server.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// A directory without entries.
pub(crate) struct Slapd;

impl Slapd {
    pub(crate) fn with_tls() -> Server {
        let leaf = keys::leaf(Leaf::Rsa);
        Self::start(&format!(
            "TLSCertificateFile {}\nTLSCertificateKeyFile {}\n",
            leaf.certificate.display(),
            leaf.key.display()
        ))
    }

    pub(crate) fn without_tls() -> Server {
        Self::start("")
    }

    fn start(tls: &str) -> Server {
        Server::start(&program("slapd"), |command, directory, address| {
            let pid = directory.join("pid");
            let text = format!("pidfile {}\n{tls}database config\n", pid.display());
            let path = directory.join("slapd.conf");
            std::fs::write(&path, text).unwrap();
            command.arg("-f").arg(path).args(["-h", &format!("ldap://{address}/"), "-d", "0"]);
        })
    }
}
