//! Servers that fail in ways no configuration of a real one gives on demand.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Running, Server, port};

/// A thread that treats every connection the same way, until this is dropped.
pub(crate) struct Scripted {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Scripted {
    /// Closes each connection as soon as it is accepted.
    pub(crate) fn closes_at_once() -> Server {
        Self::start(drop)
    }

    /// Reads the hello, then closes without a word.
    pub(crate) fn closes_after_hello() -> Server {
        Self::start(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
        })
    }

    /// Resets each connection once some of the hello has come, by leaving the rest unread.
    pub(crate) fn resets() -> Server {
        Self::start(|mut stream| {
            let _ = stream.read(&mut [0; 5]);
        })
    }

    /// Accepts and never says anything.
    pub(crate) fn silent() -> Server {
        Self::start(|mut stream| while stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {})
    }

    /// Greets as SSH servers do.
    pub(crate) fn ssh() -> Server {
        Self::says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    }

    /// Says something and waits for the client to leave.
    pub(crate) fn says(greeting: &'static [u8]) -> Server {
        Self::start(move |mut stream| {
            let _ = stream.write_all(greeting);
            while stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {}
        })
    }

    /// Does `treat` with each connection, each in a thread of its own.
    pub(crate) fn start(treat: impl Fn(TcpStream) + Clone + Send + 'static) -> Server {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), treat)
    }

    /// As [`Self::start`], at an address of one's choice.
    ///
    /// # Panics
    ///
    /// If the address cannot be had.
    pub(crate) fn start_at(
        address: SocketAddr,
        treat: impl Fn(TcpStream) + Clone + Send + 'static,
    ) -> Server {
        let listener =
            TcpListener::bind(address).unwrap_or_else(|error| cannot_bind(address, &error));
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let treat = treat.clone();
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    treat(stream);
                });
            }
        });
        Server { address, running: Running::Scripted { _server: Self { address, stop } } }
    }
}

/// Some ports are below those that every user may bind, and no test is skipped for that.
fn cannot_bind(address: SocketAddr, error: &std::io::Error) -> ! {
    panic!(
        "{address} cannot be bound: {error}. Where ports below 1024 are root's, run the tests as \
         root or set net.ipv4.ip_unprivileged_port_start=443"
    )
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread, so that it looks.
        let _ = TcpStream::connect(self.address);
    }
}

/// A port that refuses connections. It is bound, so that nobody else gets it, but nothing listens.
pub(crate) fn closed_port() -> Server {
    let reserved = tokio::net::TcpSocket::new_v4().expect("a socket");
    let address = port::free();
    reserved.bind(address).expect("a free port");
    Server { address, running: Running::ClosedPort { _reserved: reserved } }
}
