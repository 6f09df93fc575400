//! Real TLS servers on free loopback ports, one file a program. Each builder's `start` gives a
//! [`Server`], which listens when it is returned and is gone when it is dropped.

mod connect_proxy;
mod door;
mod dovecot;
mod envoy;
pub(crate) mod forward;
mod gnutls;
mod haproxy;
mod jsse;
mod mariadb;
mod nginx;
mod node;
mod openssl;
mod port;
mod postgres;
mod prosody;
pub(crate) mod relay;
mod scripted;
mod slapd;
mod vsftpd;

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use self::connect_proxy::ConnectProxy;
pub(crate) use self::door::{Door, Visit, own_address};
pub(crate) use self::dovecot::Dovecot;
pub(crate) use self::envoy::Envoy;
pub(crate) use self::gnutls::Gnutls;
pub(crate) use self::haproxy::Haproxy;
pub(crate) use self::jsse::Jsse;
pub(crate) use self::mariadb::Mariadb;
pub(crate) use self::nginx::Nginx;
pub(crate) use self::node::Node;
pub(crate) use self::openssl::Openssl;
pub(crate) use self::postgres::Postgres;
pub(crate) use self::prosody::Prosody;
pub(crate) use self::scripted::{Scripted, closed_port};
pub(crate) use self::slapd::Slapd;
pub(crate) use self::vsftpd::Vsftpd;

use super::faults::Relay;
use super::{embedded, scratch};

/// How long a server may take until it listens. Generous, since Java starts slowly on a busy
/// machine; nothing waits this long when all is well.
const START: Duration = Duration::from_secs(60);

/// How many ports to try, should others take them between our look and the server's bind.
const PORTS: u32 = 5;

/// A server that runs until this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    running: Running,
}

enum Running {
    Program { child: Child, directory: TempDir },
    Scripted { _server: Scripted },
    Relayed { _server: Box<Server>, _relay: Relay },
    ClosedPort { _reserved: tokio::net::TcpSocket },
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same behind a relay that does what `fault` says.
    pub(crate) fn behind(self, fault: &str) -> Self {
        let relay = embedded::relay(self.address, &[fault], 1);
        let address = relay.address();
        Self { address, running: Running::Relayed { _server: Box::new(self), _relay: relay } }
    }

    /// What the program has printed so far; empty for servers that are no program.
    pub(crate) fn log(&self) -> String {
        match &self.running {
            Running::Program { directory, .. } => read_log(directory.path()),
            _ => String::new(),
        }
    }

    /// The directory of its own that a program has, with its configuration.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match &self.running {
            Running::Program { directory, .. } => Some(directory.path()),
            _ => None,
        }
    }

    /// Starts `program` with what `setup` makes of the command, a directory of its own and an
    /// address, and waits until it listens there.
    ///
    /// # Panics
    ///
    /// If the program ends instead of listening; then with its output.
    fn start(program: &Path, setup: impl Fn(&mut Command, &Path, SocketAddr)) -> Self {
        let name = program.file_name().expect("a program").to_string_lossy();
        let mut log = String::new();
        for _ in 0..PORTS {
            let directory = scratch(&format!("{name}-"));
            let address = port::free();
            let output = File::create(directory.path().join("log")).expect("a log file");
            let mut command = Command::new(program);
            setup(&mut command, directory.path(), address);
            let child = command
                .stdin(Stdio::null())
                .stdout(output.try_clone().expect("a second handle"))
                .stderr(output)
                .spawn()
                .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
            let mut server = Self { address, running: Running::Program { child, directory } };
            if server.listens() {
                return server;
            }
            log = server.log();
        }
        panic!("{name} does not listen; it says:\n{log}");
    }

    /// Waits until the program listens (true) or has ended (false).
    fn listens(&mut self) -> bool {
        let Running::Program { child, .. } = &mut self.running else { return true };
        let (began, mut pause) = (Instant::now(), Duration::from_millis(4));
        while began.elapsed() < START {
            if child.try_wait().expect("a child to ask").is_some() {
                return false;
            }
            if port::listener_of(child.id(), self.address.port()) {
                return true;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Running::Program { child, .. } = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read_log(directory: &Path) -> String {
    let bytes = std::fs::read(directory.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
