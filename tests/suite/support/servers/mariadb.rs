//! MariaDB, which greets before TLS.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// A MariaDB without tables, even its own.
pub(crate) struct Mariadb;

impl Mariadb {
    pub(crate) fn with_tls() -> Server {
        let leaf = keys::leaf(Leaf::Rsa);
        let certificate = format!("--ssl-cert={}", leaf.certificate.display());
        Self::start(&[certificate, format!("--ssl-key={}", leaf.key.display())])
    }

    pub(crate) fn without_tls() -> Server {
        Self::start(&["--skip-ssl".to_owned()])
    }

    fn start(more: &[String]) -> Server {
        Server::start(&program("mariadbd"), |command, directory, address| {
            std::fs::create_dir_all(directory.join("data/mysql")).unwrap();
            let data = format!("--datadir={}", directory.join("data").display());
            command.args(["--no-defaults", "--user=root", &data, "--bind-address=127.0.0.1"]);
            command.args(["--skip-grant-tables", "--skip-innodb"]);
            command.args(["--default-storage-engine=Aria", "--socket=socket", "--pid-file=pid"]);
            command.arg(format!("--port={}", address.port())).args(more);
        })
    }
}
