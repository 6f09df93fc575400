//! A TCP relay in front of a TLS server that does what bad networks and odd servers do.
//!
//! Faults combine freely. What befalls a connection is decided by its number and a seed alone, so
//! that a failure can be repeated. The tests and the command `fault-relay` share this module.

mod answer;
mod carry;
mod fault;
mod hello;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::fault::{Fault, Hangup};
use self::hello::ClientHello;

/// What went through a relay so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    /// Connections that were accepted, those that were hung up on at once among them.
    pub(crate) connections: u64,
    /// First records that are ClientHellos.
    pub(crate) hellos: u64,
    /// The most connections that were open at once.
    pub(crate) most_at_once: u64,
    /// Bytes from clients.
    pub(crate) bytes_in: u64,
    /// Bytes to clients.
    pub(crate) bytes_out: u64,
}

/// A relay that listens until this is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What all connections of one relay have in common.
#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    seed: u64,
    faults: Vec<Fault>,
    connections: AtomicU64,
    hellos: AtomicU64,
    open: AtomicU64,
    most_at_once: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// When the connections of the last second were let through.
    recent: Mutex<VecDeque<Instant>>,
    /// The places of [`Fault::AtOnce`].
    places: Arc<Semaphore>,
}

impl Relay {
    /// Listens on `listen` and relays to `to`.
    ///
    /// # Errors
    ///
    /// If `listen` cannot be bound.
    pub(crate) async fn start(
        listen: SocketAddr,
        to: SocketAddr,
        faults: Vec<Fault>,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let most = faults.iter().find_map(|fault| match fault {
            Fault::AtOnce(most, _) => Some(*most),
            _ => None,
        });
        let shared = Arc::new(Shared {
            to,
            seed,
            faults,
            connections: AtomicU64::new(0),
            hellos: AtomicU64::new(0),
            open: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            recent: Mutex::default(),
            places: Arc::new(Semaphore::new(most.unwrap_or(Semaphore::MAX_PERMITS))),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What went through so far.
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: count(&self.shared.connections),
            hellos: count(&self.shared.hellos),
            most_at_once: count(&self.shared.most_at_once),
            bytes_in: count(&self.shared.bytes_in),
            bytes_out: count(&self.shared.bytes_out),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let open = shared.open.fetch_add(1, Ordering::Relaxed) + 1;
            shared.most_at_once.fetch_max(open, Ordering::Relaxed);
            Connection { shared: &shared, number }.serve(client).await;
            shared.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One connection, by its number from 0 on.
#[derive(Clone, Copy, Debug)]
struct Connection<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Connection<'_> {
    async fn serve(self, client: TcpStream) {
        // Fails only on a connection that is gone already.
        let _ = client.set_nodelay(true);
        let place = match self.admit().await {
            Ok(place) => place,
            Err(how) => return how.apply(client).await,
        };
        self.serve_admitted(client).await;
        if let Some(time) = self.linger() {
            tokio::time::sleep(time).await;
        }
        drop(place);
    }

    async fn serve_admitted(self, mut client: TcpStream) {
        let Some(first) = read_record(&mut client).await else { return };
        self.count_in(first.len());
        let hello = ClientHello::read(&first);
        self.shared.hellos.fetch_add(u64::from(hello.is_some()), Ordering::Relaxed);
        if let Some(how) = self.turned_away(hello.as_ref()) {
            return how.apply(client).await;
        }
        if let Some(time) = self.stall() {
            tokio::time::sleep(time).await;
        }
        self.carry(client, &first, hello).await;
    }

    /// Lets the connection in, or says how it is hung up on before it has said anything.
    async fn admit(self) -> Result<Option<OwnedSemaphorePermit>, Hangup> {
        let mut place = None;
        for fault in &self.shared.faults {
            match fault {
                Fault::FailsFirst(count, how) if self.number < *count => return Err(*how),
                Fault::PerSecond(most, how) if !self.within_rate(*most) => return Err(*how),
                Fault::AtOnce(_, how) => place = Some(self.place(*how).await?),
                _ => {}
            }
        }
        Ok(place)
    }

    async fn place(self, how: Option<Hangup>) -> Result<OwnedSemaphorePermit, Hangup> {
        let places = Arc::clone(&self.shared.places);
        match how {
            Some(how) => places.try_acquire_owned().map_err(|_| how),
            None => places.acquire_owned().await.map_err(|_| Hangup::Close),
        }
    }

    fn within_rate(self, most: usize) -> bool {
        let now = Instant::now();
        let mut recent = self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while recent.front().is_some_and(|then| now - *then >= Duration::from_secs(1)) {
            recent.pop_front();
        }
        let within = recent.len() < most;
        if within {
            recent.push_back(now);
        }
        within
    }

    /// How the connection is hung up on after its hello, if it is.
    fn turned_away(self, hello: Option<&ClientHello>) -> Option<Hangup> {
        let (bytes, suites) = hello.map_or((0, 0), |hello| (hello.bytes, hello.suites.len()));
        self.shared.faults.iter().enumerate().find_map(|(index, fault)| match fault {
            Fault::Reset(one_in) => self.strikes(index, *one_in).then_some(Hangup::Reset),
            Fault::Close(one_in) => self.strikes(index, *one_in).then_some(Hangup::Close),
            Fault::Alert(one_in, number) => {
                self.strikes(index, *one_in).then_some(Hangup::Alert(*number))
            }
            Fault::BanAfter(count, how) => (self.number >= *count).then_some(*how),
            Fault::LongestHello(most, how) => (bytes > *most).then_some(*how),
            Fault::MostSuites(most, how) => (suites > *most).then_some(*how),
            Fault::NoExtension(number, how) => {
                hello.is_some_and(|hello| hello.extensions.contains(number)).then_some(*how)
            }
            Fault::RefusesSuite(number, how) => {
                hello.is_some_and(|hello| hello.suites.contains(number)).then_some(*how)
            }
            _ => None,
        })
    }

    fn linger(self) -> Option<Duration> {
        self.shared.faults.iter().find_map(|fault| match fault {
            Fault::Lingers(time) => Some(*time),
            _ => None,
        })
    }

    fn stall(self) -> Option<Duration> {
        self.shared.faults.iter().enumerate().find_map(|(index, fault)| match fault {
            Fault::Stall(one_in, time) => self.strikes(index, *one_in).then_some(*time),
            _ => None,
        })
    }

    /// Whether the fault at `index` strikes this connection, as it does one in so many.
    fn strikes(self, index: usize, one_in: u64) -> bool {
        let which = self.shared.seed ^ (index as u64) << 56;
        mixed(mixed(which).wrapping_add(self.number)).is_multiple_of(one_in.max(1))
    }

    fn count_in(self, bytes: usize) {
        self.shared.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn count_out(self, bytes: usize) {
        self.shared.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a number without any pattern.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Reads one TLS record, header included; what is no record comes as it is.
async fn read_record(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut record = vec![0; 5];
    stream.read_exact(&mut record).await.ok()?;
    if record[1] == 3 {
        let mut rest = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
        stream.read_exact(&mut rest).await.ok()?;
        record.extend(rest);
    }
    Some(record)
}
