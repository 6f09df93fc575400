//! Listens, shakes hands, answers, and bounds what a peer can make it do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openssl::ssl::{Ssl, SslContext};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_openssl::SslStream;

use super::LabError;
use super::config::{ServerConfig, server_context};
use super::http::{self, Request};
use super::scenario::Scenario;

/// How long a connection may last, handshake and all.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// More than any survey opens; whoever comes later waits in the backlog.
const MAX_CONNECTIONS: usize = 256;
/// No request that is meant for a demo is longer.
const MAX_REQUEST_BYTES: usize = 4096;
/// What is read and forgotten from a peer that talks on after the end.
const MAX_DRAIN_BYTES: u64 = 64 * 1024;
/// The pause after a failed accept: out of file descriptors, most likely, until others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running server on 127.0.0.1. It stops when this is dropped: the runtime then closes its
/// socket and its connections at its next turn.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a scenario's server on this port of loopback; 0 is any that is free.
    ///
    /// # Errors
    ///
    /// [`LabError::Listen`] if the port can't be had.
    pub async fn start(scenario: Scenario, port: u16) -> Result<Self, LabError> {
        match scenario.config() {
            Some(config) => Self::start_with(&config, port).await,
            None => Self::listen(Service::Plain, port).await,
        }
    }

    /// Starts any TLS server on this port of loopback; 0 is any that is free.
    ///
    /// # Errors
    ///
    /// [`LabError::Listen`] if the port can't be had; [`LabError::OpenSsl`],
    /// [`LabError::SameKeyType`] or [`LabError::AlpnLength`] if the settings can't be met.
    pub async fn start_with(config: &ServerConfig, port: u16) -> Result<Self, LabError> {
        let config = config.clone();
        let context = tokio::task::spawn_blocking(move || server_context(&config)).await??;
        Self::listen(Service::Tls(context), port).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    async fn listen(service: Service, port: u16) -> Result<Self, LabError> {
        let failed = |source| LabError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let connections = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(serve(listener, service, Arc::clone(&connections)));
        Ok(Self { address, connections, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is behind the port.
#[derive(Clone)]
enum Service {
    Tls(SslContext),
    Plain,
}

/// Accepts for ever. Its connections end with it, since it owns their tasks.
async fn serve(listener: TcpListener, service: Service, connections: Arc<AtomicU64>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.fetch_add(1, Ordering::Relaxed);
                    open.spawn(timeout(CONNECTION_TIME, converse(stream, service.clone())));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

/// One connection from start to end. What goes wrong in it is the peer's to see, not ours.
async fn converse(mut stream: TcpStream, service: Service) -> io::Result<()> {
    // Answers are small and final; waiting for more to send would only slow a survey down.
    stream.set_nodelay(true)?;
    match service {
        Service::Plain => {
            let reply = match read_request(&mut stream).await? {
                Request::Complete => http::OK,
                Request::Malformed => http::BAD_REQUEST,
                Request::Partial => return Ok(()),
            };
            stream.write_all(reply).await?;
            finish(&mut stream).await
        }
        Service::Tls(context) => {
            let mut stream = SslStream::new(Ssl::new(&context)?, stream)?;
            if Pin::new(&mut stream).accept().await.is_ok() {
                answer_over_tls(&mut stream).await?;
            }
            // After a failed handshake its alert is on its way, and must reach the peer like any
            // other answer.
            finish(stream.get_mut()).await
        }
    }
}

/// Answers one request, if one comes, and says goodbye.
async fn answer_over_tls(stream: &mut SslStream<TcpStream>) -> io::Result<()> {
    match read_request(stream).await? {
        Request::Complete => stream.write_all(http::OK).await?,
        // Something else than HTTP/1 inside TLS: stay quiet, until the peer has enough of it.
        Request::Malformed => drain(stream).await?,
        Request::Partial => {}
    }
    stream.shutdown().await
}

/// Reads until the request is complete or can't be one. `Partial` means that the peer closed, or
/// sent too much.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Request> {
    let mut bytes = [0; MAX_REQUEST_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        let count = stream.read(&mut bytes[filled..]).await?;
        filled += count;
        match http::judge(&bytes[..filled]) {
            Request::Partial if count > 0 => {}
            judged => return Ok(judged),
        }
    }
    Ok(Request::Partial)
}

/// Sends the end, then waits for the peer's. Closing with bytes unread would make the system send
/// a reset, which can overtake the alert or the answer that the peer should see.
async fn finish(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.shutdown().await?;
    drain(stream).await
}

async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    tokio::io::copy(&mut stream.take(MAX_DRAIN_BYTES), &mut tokio::io::sink()).await.map(|_| ())
}
