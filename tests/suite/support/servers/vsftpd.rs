//! vsftpd, an FTP server.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// Its control connection.
pub(crate) struct Vsftpd;

impl Vsftpd {
    pub(crate) fn with_tls() -> Server {
        Self::start("YES")
    }

    pub(crate) fn without_tls() -> Server {
        Self::start("NO")
    }

    fn start(tls: &str) -> Server {
        Server::start(&program("vsftpd"), |command, directory, address| {
            let leaf = keys::leaf(Leaf::Rsa);
            let text = format!(
                "listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port={}\n\
                 ssl_enable={tls}\nrsa_cert_file={}\nrsa_private_key_file={}\n\
                 secure_chroot_dir={}\nseccomp_sandbox=NO\n",
                address.port(),
                leaf.certificate.display(),
                leaf.key.display(),
                directory.display(),
            );
            let path = directory.join("vsftpd.conf");
            std::fs::write(&path, text).unwrap();
            command.arg(path);
        })
    }
}
