//! PostgreSQL, which asks for TLS before TLS.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Server;
use crate::support::keys::{self, Leaf};

/// Whom it runs as where we are root, as which it does not run.
const NOBODY: u32 = 65_534;

/// A database of its own, without data.
pub(crate) struct Postgres {
    server: Server,
    _data: TempDir,
}

impl Postgres {
    pub(crate) fn with_tls() -> Self {
        Self::start(true)
    }

    pub(crate) fn without_tls() -> Self {
        Self::start(false)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn start(tls: bool) -> Self {
        // Not with the others: the path must be open to whom it runs as.
        let data = tempfile::Builder::new().prefix("cipher-test-postgres-").tempdir().unwrap();
        let home = data.path();
        let leaf = keys::leaf(Leaf::Rsa);
        let copy = |from: &Path, name: &str| {
            std::fs::copy(from, home.join(name)).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(home.join(name), mode).unwrap();
            give_away(&home.join(name));
        };
        copy(&leaf.certificate, "server.pem");
        copy(&leaf.key, "server-key.pem");
        give_away(home);
        let database = home.join("data");
        let made = as_nobody(&mut Command::new(postgres_program("initdb")))
            .args(["--no-sync", "--auth", "trust", "-U", "test", "-D"])
            .arg(&database)
            .current_dir(home)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = Server::start(&postgres_program("postgres"), |command, _, address| {
            as_nobody(command).current_dir(home).arg("-D").arg(&database);
            let on = if tls { "on" } else { "off" };
            for setting in [
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={}", address.port()),
                "unix_socket_directories=".to_owned(),
                "fsync=off".to_owned(),
                format!("ssl={on}"),
                format!("ssl_cert_file={}", home.join("server.pem").display()),
                format!("ssl_key_file={}", home.join("server-key.pem").display()),
            ] {
                command.arg("-c").arg(setting);
            }
        });
        Self { server, _data: data }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn as_nobody(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

fn give_away(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Debian keeps each version's programs in a folder of their own.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin").join(name));
    programs.filter(|path| path.is_file()).max().unwrap_or_else(|| crate::support::program(name))
}
