//! A door before a server, on an address and a port of one's choice: it writes down who comes.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use super::relay::{carry_on, first_record};
use super::{Scripted, Server};
use crate::support::hello::Hello;

/// One connection, as far as its first bytes go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Visit {
    /// The PROXY protocol header, which is not handed on.
    pub(crate) proxy_header: Vec<u8>,
    /// The ClientHello, if one came.
    pub(crate) hello: Option<Hello>,
    /// What came instead of a hello: at most five bytes.
    pub(crate) other: Vec<u8>,
}

/// Whether a PROXY header comes first.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Header {
    None,
    Allowed,
    Wanted,
}

/// A relay with a list of all visits.
pub(crate) struct Door {
    server: Server,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Door {
    /// One at `address` that lets everyone through to `to`.
    pub(crate) fn open(address: SocketAddr, to: SocketAddr) -> Self {
        Self::watched(address, to, Header::None, |_| true)
    }

    /// One that takes a PROXY header off where there is one.
    pub(crate) fn tolerant(address: SocketAddr, to: SocketAddr) -> Self {
        Self::watched(address, to, Header::Allowed, |_| true)
    }

    /// One that hangs up on clients that bring no PROXY header, and takes the header off.
    pub(crate) fn behind_balancer(address: SocketAddr, to: SocketAddr) -> Self {
        Self::watched(address, to, Header::Wanted, |_| true)
    }

    /// One that hangs up on hellos that `admits` does not like.
    pub(crate) fn choosy(
        address: SocketAddr,
        to: SocketAddr,
        admits: impl Fn(&Hello) -> bool + Clone + Send + 'static,
    ) -> Self {
        Self::watched(address, to, Header::None, admits)
    }

    fn watched(
        address: SocketAddr,
        to: SocketAddr,
        header: Header,
        admits: impl Fn(&Hello) -> bool + Clone + Send + 'static,
    ) -> Self {
        let visits = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&visits);
        let server = Scripted::start_at(address, move |mut stream| {
            let mut visit = Visit::default();
            if header != Header::None {
                visit.proxy_header = take_header(&mut stream);
            }
            let record = first_record(&mut stream).unwrap_or_default();
            visit.hello = Hello::read(&record);
            if visit.hello.is_none() {
                visit.other = record.iter().copied().take(5).collect();
            }
            let is_welcome = (header != Header::Wanted || !visit.proxy_header.is_empty())
                && visit.hello.as_ref().is_none_or(&admits);
            book.lock().expect("no panic at the door").push(visit);
            if is_welcome && !record.is_empty() {
                carry_on(stream, to, &record);
            }
        });
        Self { server, visits }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Everyone that has come so far.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.visits.lock().expect("no panic at the door").clone()
    }

    /// The hellos that have come so far.
    pub(crate) fn hellos(&self) -> Vec<Hello> {
        self.visits().into_iter().filter_map(|visit| visit.hello).collect()
    }

    /// Forgets who has come.
    pub(crate) fn forget(&self) {
        self.visits.lock().expect("no panic at the door").clear();
    }
}

/// Reads a PROXY header of either version, and nothing beyond it; empty if none comes.
fn take_header(stream: &mut TcpStream) -> Vec<u8> {
    const VERSION_2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
    let mut header = vec![0; 12];
    let begins = stream.peek(&mut header[..1]).is_ok() && matches!(header[0], b'P' | b'\r');
    if !begins || stream.read_exact(&mut header).is_err() {
        return Vec::new();
    }
    if header == VERSION_2 {
        let mut fixed = [0; 4];
        if stream.read_exact(&mut fixed).is_err() {
            return Vec::new();
        }
        let mut rest = vec![0; usize::from(u16::from_be_bytes([fixed[2], fixed[3]]))];
        let _ = stream.read_exact(&mut rest);
        header.extend(fixed);
        header.extend(rest);
        return header;
    }
    let mut byte = [0];
    while !header.ends_with(b"\r\n") && header.len() < 107 && stream.read_exact(&mut byte).is_ok() {
        header.push(byte[0]);
    }
    header
}

/// A loopback address of this test process alone, another one each time, so that a port of one's
/// choice is free on it.
pub(crate) fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let last = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!((1..255).contains(&last), "all addresses are used up");
    Ipv4Addr::new(127, 64 | (high & 0x3f), low, last)
}
