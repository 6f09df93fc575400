//! One hello, one answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::experience::Experience;
use super::gate::{Gate, Place, Shut, Solitude};
use super::limits::Limits;
use super::starttls::StartTlsError;
use super::way::{Connection, TunnelError, TunnelFault, Way, WayError};
use crate::target::Destination;
use crate::tls::{Alert, AlertDescription};
use crate::wire::{ClientHello, Flight, FlightReader, PlainProtocol, Progress, WireError};

/// How many bytes of an answer that is not TLS are kept as evidence.
const EXCERPT_BYTES: usize = 64;
/// How long to wait before a server that failed is asked again, longer each time.
pub(super) const FAILURE_PAUSE: Duration = Duration::from_millis(50);

/// Talks to one endpoint within its limits.
#[derive(Clone, Debug)]
pub struct Prober {
    destination: Destination,
    gate: Arc<Gate>,
    limits: Arc<Limits>,
    way: Arc<Way>,
    experience: Arc<Experience>,
    depth: Arc<AtomicU32>,
    lets_others_first: bool,
    solitude: Option<Arc<Solitude>>,
}

/// What a server answered to one hello.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// A ServerHello or HelloRetryRequest came: the flight as far as it was read.
    Selected(Box<Flight>),
    /// A fatal alert came instead.
    Refused(Alert),
    /// The connection ended without an answer: a way of saying no, or trouble on the way.
    Ended(Ending),
    /// The answer is not TLS.
    NotTls {
        /// What it looks like.
        protocol: PlainProtocol,
        /// Its first bytes, at most 64.
        excerpt: Vec<u8>,
    },
    /// Nothing was learned.
    Failed(ProbeError),
}

/// How a connection ended without an answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ending {
    /// The server closed it (FIN).
    Closed,
    /// The server or something on the way reset it (RST).
    Reset,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Closed => "connection closed",
            Self::Reset => "connection reset",
        })
    }
}

/// Why a probe taught nothing. A server that lawfully says no is an [`Outcome`] instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No TCP connection, so nothing is known about the endpoint's TLS.
    #[error("cannot connect: {}", connect_words(*.0))]
    Connect(io::ErrorKind),
    /// No TCP connection within the time given.
    #[error("cannot connect: no answer within {}", humantime::format_duration(*.0))]
    ConnectTimeout(Duration),
    /// The server accepted the connection and did not answer the hello in time.
    #[error("no answer to the hello within {}", humantime::format_duration(*.after))]
    Silence {
        /// How long it was given.
        after: Duration,
        /// How many bytes of an unfinished answer came.
        bytes: usize,
    },
    /// The answer is TLS whose parts contradict each other, or that never ends.
    #[error("the answer is not valid TLS: {0}")]
    Malformed(#[from] WireError),
    /// The gate was shut because the run ends.
    #[error("the run ended before this was asked")]
    Ended,
    /// As many connections as were allowed had been opened.
    #[error("not asked: the connections allowed by --budget were used up")]
    Budget,
    /// Reading or writing failed for another reason.
    /// Among them a reset right after the connection was opened, before the hello was sent.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// The proxy on the way to the server opened no tunnel.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
    /// The server did not come to TLS.
    #[error(transparent)]
    StartTls(#[from] StartTlsError),
}

impl From<Shut> for ProbeError {
    fn from(shut: Shut) -> Self {
        match shut {
            Shut::Ended => Self::Ended,
            Shut::Spent => Self::Budget,
        }
    }
}

fn connect_words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network is unreachable".to_owned(),
        other => other.to_string(),
    }
}

impl Prober {
    /// A prober for an endpoint behind `gate`. Only a proxy can reach one that is known by its name
    /// alone.
    #[must_use]
    pub fn new(destination: impl Into<Destination>, gate: Arc<Gate>, limits: Arc<Limits>) -> Self {
        let destination = destination.into();
        let (way, depth, experience) = (Arc::default(), Arc::default(), Arc::default());
        let (lets_others_first, solitude) = (false, None);
        Self { destination, gate, limits, way, depth, experience, lets_others_first, solitude }
    }

    /// The same prober, reaching its server by `way`.
    #[must_use]
    pub fn by(self, way: Way) -> Self {
        Self { way: Arc::new(way), ..self }
    }

    /// The endpoint that this prober talks to.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The gate in front of the endpoint.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The bounds that are kept.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same prober with a record of its own of how deep its probes reach.
    #[must_use]
    pub fn with_own_depth(&self) -> Self {
        Self { depth: Arc::default(), ..self.clone() }
    }

    /// The same prober for questions that others do not wait for: whoever else wants a connection
    /// to the endpoint gets it first.
    #[must_use]
    pub fn after_others(&self) -> Self {
        Self { lets_others_first: true, ..self.clone() }
    }

    /// The same prober once nobody else talks to the endpoint; nobody else does as long as it is
    /// there. What is hung up on then is not hung up on for the number of connections.
    pub(crate) async fn alone(&self) -> Self {
        if self.solitude.is_some() {
            return self.clone();
        }
        let solitude = Some(Arc::new(self.gate.alone().await));
        Self { solitude, ..self.clone() }
    }

    /// The round trip, counted from the first connection to this endpoint, at which the last of
    /// this prober's own probes ended.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    /// Whether the server has answered any hello so far, be it with an alert.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.experience.has_answered()
    }

    /// How often a connection was given up and the next one answered the same hello.
    #[must_use]
    pub fn stalls(&self) -> u32 {
        self.experience.stalls()
    }

    /// How many connections had been opened when the last answer came.
    #[must_use]
    pub fn opened_at_last_answer(&self) -> u64 {
        self.experience.opened_at_last_answer()
    }

    /// Takes note of hellos sent [`alone`](Self::alone): those that were answered, and those that
    /// were hung up on though the server answers them.
    pub(crate) fn note_alone(&self, answered: u32, lost: u32) {
        self.experience.note_alone(answered, lost);
    }

    /// Whether so many failures in a row of a hello sent [`alone`](Self::alone) are no chance, as
    /// far as hellos to this server got lost until now.
    pub(crate) fn is_no_chance(&self, failures: u32) -> bool {
        self.experience.is_no_chance(failures)
    }

    /// How long to wait for the answer to a hello that is known to be answered.
    #[must_use]
    pub fn control_patience(&self) -> Duration {
        self.experience.control_patience().min(self.limits.answer_timeout)
    }

    /// Sends `hello` over a connection of its own and reads the server's first flight. Where
    /// answers usually come fast, it does not wait long before it sends the hello once more; it
    /// is only silence when the whole time was given to one of them.
    pub async fn ask(&self, hello: &ClientHello) -> Outcome {
        match self.enter().await {
            Ok(place) => self.ask_in(place, hello).await,
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Waits until a connection may be opened.
    pub(crate) async fn enter(&self) -> Result<Place, ProbeError> {
        let entered = match &self.solitude {
            Some(solitude) => self.gate.enter_alone(solitude).await,
            None if self.lets_others_first => self.gate.enter_last().await,
            None => self.gate.enter().await,
        };
        entered.map_err(ProbeError::from)
    }

    /// The same as [`Self::ask`] for who has a place. A server that says of itself that it failed
    /// is asked again: that may pass, unless it is how this server refuses.
    pub(crate) async fn ask_in(&self, place: Place, hello: &ClientHello) -> Outcome {
        let bytes = match hello.encode() {
            Ok(bytes) => bytes,
            Err(error) => return Outcome::Failed(error.into()),
        };
        let mut outcome = self.ask_patiently(place, &bytes).await;
        let (mut tries, most) = (0, self.experience.resends());
        while is_failure(&outcome) && tries < most {
            tries += 1;
            sleep(FAILURE_PAUSE * tries).await;
            let Ok(place) = self.enter().await else { break };
            outcome = self.ask_patiently(place, &bytes).await;
        }
        if tries > 0 {
            self.experience.note_failure(is_failure(&outcome));
        }
        outcome
    }

    async fn ask_patiently(&self, place: Place, bytes: &[u8]) -> Outcome {
        let patience = self.experience.patience(self.limits.answer_timeout);
        let (mut place, mut outcome) = (Some(place), Outcome::Failed(ProbeError::Ended));
        for (stalled, limit) in patience.into_iter().enumerate() {
            let place = match place.take() {
                Some(place) => place,
                None => match self.enter().await {
                    Ok(place) => place,
                    Err(error) => return Outcome::Failed(error),
                },
            };
            outcome = self.ask_once(&place, bytes, limit, stalled).await;
            if !is_silence(&outcome) {
                return outcome;
            }
        }
        self.experience.note_silence();
        outcome
    }

    /// The same as [`Self::ask`], but silence after `limit` is the last word: for hellos that are
    /// known to be answered fast, whose silence says nothing but that the server says nothing now.
    pub async fn ask_within(&self, hello: &ClientHello, limit: Duration) -> Outcome {
        let limit = limit.min(self.limits.answer_timeout);
        match (self.enter().await, hello.encode()) {
            (Ok(place), Ok(bytes)) => self.ask_once(&place, &bytes, limit, 0).await,
            (Err(error), _) => Outcome::Failed(error),
            (_, Err(error)) => Outcome::Failed(error.into()),
        }
    }

    /// As [`Experience::patience`], for a handshake: two round trips and both sides' work.
    pub(super) fn handshake_patience(&self) -> Vec<Duration> {
        let whole = self.limits.answer_timeout;
        let mut patience = self.experience.patience(whole / 2);
        patience.iter_mut().for_each(|limit| *limit *= 2);
        patience
    }

    /// How often to ask again where the server says that it failed.
    pub(super) fn resends(&self) -> u32 {
        self.experience.resends()
    }

    pub(super) fn note_failure(&self, lasts: bool) {
        self.experience.note_failure(lasts);
    }

    pub(super) fn note_stalls(&self, stalls: usize) {
        self.experience.note_stalls(stalls);
    }

    async fn ask_once(
        &self,
        place: &Place,
        bytes: &[u8],
        limit: Duration,
        stalled: usize,
    ) -> Outcome {
        let begun = Instant::now();
        match self.connect_in(place).await {
            Ok(stream) => {
                let sent = Instant::now();
                let outcome = self.exchange(stream, bytes, limit).await;
                self.note_depth(place, 1);
                if matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_)) {
                    let opened = self.gate.connections_opened();
                    self.experience.note_answer(sent.elapsed(), stalled, opened);
                    // A server is no farther away for what lies before its hello, so that only
                    // two round trips count: the connection's and the answer's.
                    let took = begun.elapsed() * 2 / (2 + self.way.round_trips());
                    self.gate.note_answer(took);
                }
                outcome
            }
            Err(ProbeError::Io(io::ErrorKind::ConnectionReset)) => Outcome::Ended(Ending::Reset),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Takes note of a probe that took so many round trips once its connection was open.
    pub(super) fn note_depth(&self, place: &Place, round_trips: u32) {
        let reached = place.begun_at + 1 + self.way.round_trips() + round_trips;
        self.depth.fetch_max(reached, Ordering::Relaxed);
        self.gate.note_round_trips(reached);
    }

    /// Opens a connection to the server when the gate lets it through.
    pub(super) async fn connect(&self) -> Result<(Place, Connection), ProbeError> {
        let place = self.enter().await?;
        let connection = self.connect_in(&place).await?;
        Ok((place, connection))
    }

    /// The same for who has a place.
    pub(super) async fn connect_in(&self, _place: &Place) -> Result<Connection, ProbeError> {
        let stream = self.open().await?;
        if self.way.is_direct() {
            return Ok(Box::new(stream));
        }
        let limit = self.limits.answer_timeout;
        match self.way.walk(stream, &self.destination, limit).await {
            Err(WayError::Io(error)) => Err(ProbeError::Io(error.kind())),
            Err(WayError::Tunnel(error)) => Err(error.into()),
            Err(WayError::StartTls(error)) => Err(error.into()),
            Ok(connection) => Ok(connection),
        }
    }

    async fn open(&self) -> Result<TcpStream, ProbeError> {
        self.gate.count()?;
        let limit = self.limits.connect_timeout;
        let begun = Instant::now();
        let stream = match tokio::time::timeout(limit, TcpStream::connect(&*self.dialled())).await {
            Err(_) => return Err(self.not_connected(ProbeError::ConnectTimeout(limit))),
            // A port that nobody listens on refuses; only who has accepted can reset.
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(self.not_connected(ProbeError::Io(error.kind())));
            }
            Ok(Err(error)) => return Err(self.not_connected(ProbeError::Connect(error.kind()))),
            Ok(Ok(stream)) => stream,
        };
        self.gate.note_open(begun.elapsed());
        // A refusal here costs only latency.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// Where connections go to: the proxy, or else the endpoint.
    fn dialled(&self) -> Vec<SocketAddr> {
        match &self.way.proxy {
            Some(proxy) => proxy.addresses().to_vec(),
            None => self.destination.address().into_iter().collect(),
        }
    }

    /// What fails on the way to a proxy says nothing about the server.
    fn not_connected(&self, error: ProbeError) -> ProbeError {
        let why = match &error {
            ProbeError::Connect(kind) | ProbeError::Io(kind) => connect_words(*kind),
            ProbeError::ConnectTimeout(limit) => {
                format!("no answer within {}", humantime::format_duration(*limit))
            }
            _ => return error,
        };
        match &self.way.proxy {
            Some(proxy) => proxy.error(TunnelFault::Unreachable(why)).into(),
            None => error,
        }
    }

    async fn exchange(&self, mut stream: Connection, hello: &[u8], limit: Duration) -> Outcome {
        let deadline = Instant::now() + limit;
        // A server may answer or hang up before the whole hello is written, so what it said is
        // read even then.
        let written = timeout_at(deadline, stream.write_all(hello)).await;
        let mut reader = FlightReader::new();
        let mut buffer = vec![0; 16 * 1024];
        let mut first = Vec::new();
        loop {
            let count = match timeout_at(deadline, stream.read(&mut buffer)).await {
                Err(_) => return after_silence(reader, limit),
                Ok(Err(error)) => return after_error(reader, &error),
                Ok(Ok(0)) => {
                    return after_end(reader, written.is_ok_and(|written| written.is_err()));
                }
                Ok(Ok(count)) => count,
            };
            let bytes = &buffer[..count];
            if first.len() < EXCERPT_BYTES {
                first.extend(&bytes[..count.min(EXCERPT_BYTES - first.len())]);
            }
            match reader.push(bytes) {
                Err(error) => return after_malformed(reader, error),
                Ok(Progress::Complete) => return selected(reader),
                Ok(Progress::Alert) => return refused(reader),
                Ok(Progress::NotTls(protocol)) => {
                    return Outcome::NotTls { protocol, excerpt: first };
                }
                Ok(Progress::Reading | Progress::Selected) => {}
            }
        }
    }
}

/// Whether the server says that it failed for reasons of its own (RFC 8446 §6.2).
fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(alert)
        if alert.description == AlertDescription::INTERNAL_ERROR)
}

fn is_silence(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(ProbeError::Silence { .. }))
}

/// A server that has sent its ServerHello has selected, even if the rest never comes.
fn after_silence(reader: FlightReader, after: Duration) -> Outcome {
    if reader.flight().server_hello.is_some() {
        return selected(reader);
    }
    Outcome::Failed(ProbeError::Silence { after, bytes: reader.bytes_read() })
}

fn selected(reader: FlightReader) -> Outcome {
    Outcome::Selected(Box::new(reader.into_flight()))
}

/// An alert after the ServerHello leaves the selection standing; the alert stays in the flight.
fn refused(reader: FlightReader) -> Outcome {
    match reader.flight().alert {
        Some(alert) if reader.flight().server_hello.is_none() => Outcome::Refused(alert),
        _ => selected(reader),
    }
}

fn after_malformed(reader: FlightReader, error: WireError) -> Outcome {
    if reader.flight().server_hello.is_some() {
        return selected(reader);
    }
    Outcome::Failed(error.into())
}

fn after_error(reader: FlightReader, error: &io::Error) -> Outcome {
    if reader.flight().server_hello.is_some() {
        return selected(reader);
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Outcome::Ended(Ending::Reset),
        kind => Outcome::Failed(ProbeError::Io(kind)),
    }
}

fn after_end(reader: FlightReader, write_failed: bool) -> Outcome {
    if reader.flight().server_hello.is_some() {
        return selected(reader);
    }
    if reader.bytes_read() > 0 && reader.flight().warnings.is_empty() {
        return Outcome::Failed(WireError::Truncated("the server's first flight").into());
    }
    Outcome::Ended(if write_failed { Ending::Reset } else { Ending::Closed })
}
