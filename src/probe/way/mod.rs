//! What lies between a connection and the ClientHello: a proxy, a tunnel, a PROXY protocol
//! header, a talk that ends in TLS.

mod proxy;
mod tunnel;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::starttls::{Dialogue, StartTls, StartTlsError, StartTlsFault, Turn};
use crate::target::Destination;

pub use proxy::{Proxy, ProxyCredentials, ProxyKind, ProxyUrlError};
pub use tunnel::{ConnectAnswer, Tunnel, TunnelTls};

/// How to get from here to the server's TLS, in the order of the fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Way {
    /// The proxy that everything goes through.
    pub proxy: Option<Proxy>,
    /// The tunnel that Envoy itself uses, if the destination is a proxy of the cluster's.
    pub tunnel: Option<Tunnel>,
    /// The header that precedes all else that the server sees.
    pub proxy_header: Option<ProxyHeader>,
    /// The protocol in which TLS is asked for.
    pub starttls: Option<Opening>,
}

/// A version of the PROXY protocol (haproxy.org, `proxy-protocol.txt`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyHeader {
    /// Text.
    V1,
    /// Binary.
    V2,
}

impl fmt::Display for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// A talk in clear that TLS follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The protocol.
    pub protocol: StartTls,
    /// What the server is called, for protocols that say it.
    pub name: String,
}

/// Why a proxy opened no way to the server.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .fault.words(.proxy.as_deref()))]
pub struct TunnelError {
    /// The proxy as a URL without credentials, if it is not one of the cluster's.
    pub proxy: Option<String>,
    /// What went wrong.
    pub fault: TunnelFault,
}

/// What went wrong with a proxy.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TunnelFault {
    /// No connection to it.
    Unreachable(String),
    /// It answered CONNECT with another status than 2xx.
    Refused(u16),
    /// It wants to be shown who asks.
    WantsCredentials,
    /// It does not take the credentials.
    RefusesCredentials,
    /// It refused by a SOCKS reply; in words, and whether that is about the server.
    Socks(&'static str, Concern),
    /// Its answer is not HTTP, or too long.
    NotHttp,
    /// Its answer is not SOCKS5.
    NotSocks,
    /// It ended the connection instead.
    Ended,
    /// It did not answer.
    Silence(Duration),
    /// No TLS session with the proxy came about.
    Tls(String),
    /// The request cannot be written.
    Request(&'static str),
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Concern {
    /// The server, which the proxy does not reach.
    Server,
    /// What the proxy can or may do.
    Proxy,
}

impl TunnelFault {
    fn words(&self, proxy: Option<&str>) -> String {
        let proxy = proxy.map_or("the proxy".to_owned(), |url| format!("the proxy {url}"));
        match self {
            Self::Unreachable(why) => format!("cannot connect to {proxy}: {why}"),
            // 500 is Tinyproxy's.
            Self::Refused(status @ (500 | 502..=504)) => {
                format!(
                    "{proxy} does not reach the server: it answered CONNECT with status {status}"
                )
            }
            Self::Refused(status) => format!("{proxy} answered CONNECT with status {status}"),
            Self::WantsCredentials => format!(
                "{proxy} wants credentials: set CIPHER_TEST_PROXY_USER and \
                 CIPHER_TEST_PROXY_PASSWORD"
            ),
            Self::RefusesCredentials => format!("{proxy} refuses the credentials"),
            Self::Socks(words, Concern::Server) => {
                format!("{proxy} does not reach the server: {words}")
            }
            Self::Socks(words, Concern::Proxy) => format!("{proxy} refuses: {words}"),
            Self::NotHttp => format!("{proxy} answered CONNECT with something that is not HTTP"),
            Self::NotSocks => format!("{proxy} answered with something that is not SOCKS5"),
            Self::Ended => format!("{proxy} ended the connection instead of opening a way"),
            Self::Silence(after) => {
                format!("{proxy} did not answer within {}", humantime::format_duration(*after))
            }
            Self::Tls(why) => format!("no TLS session with {proxy}: {why}"),
            Self::Request(why) => format!("the CONNECT request cannot be written: {why}"),
        }
    }
}

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on which the next byte belongs to the server.
pub(super) type Connection = Box<dyn Duplex>;

/// What went wrong on the way.
pub(super) enum WayError {
    Io(io::Error),
    Tunnel(TunnelError),
    StartTls(StartTlsError),
}

impl From<io::Error> for WayError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TunnelFault> for WayError {
    fn from(fault: TunnelFault) -> Self {
        Self::Tunnel(TunnelError { proxy: None, fault })
    }
}

impl From<StartTlsError> for WayError {
    fn from(error: StartTlsError) -> Self {
        Self::StartTls(error)
    }
}

impl Way {
    /// Whether the server is at the address itself.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        *self == Self::default()
    }

    /// How many round trips lie between the open connection and the ClientHello, at most.
    #[must_use]
    pub fn round_trips(&self) -> u32 {
        let proxy = self.proxy.as_ref().map_or(0, Proxy::round_trips);
        let tunnel = self.tunnel.as_ref().map_or(0, Tunnel::round_trips);
        let opening = self.starttls.as_ref().map_or(0, |opening| opening.protocol.round_trips());
        proxy + tunnel + opening
    }

    /// Goes the way; each part of it may take `limit`.
    pub(super) async fn walk(
        &self,
        stream: TcpStream,
        to: &Destination,
        limit: Duration,
    ) -> Result<Connection, WayError> {
        let header = match self.proxy_header {
            Some(version) => proxy_header(version, stream.local_addr()?, to)?,
            None => Vec::new(),
        };
        let mut connection: Connection = Box::new(stream);
        if let Some(proxy) = &self.proxy {
            let opened = of_a_proxy(limit, proxy.open(connection, to)).await;
            connection = opened.map_err(|error| error.of(proxy))?;
        }
        if let Some(tunnel) = &self.tunnel {
            connection = of_a_proxy(limit, tunnel.open(connection)).await?;
        }
        if !header.is_empty() {
            connection.write_all(&header).await?;
            connection.flush().await?;
        }
        if let Some(opening) = &self.starttls {
            opening.lead_to_tls(&mut connection, limit).await?;
        }
        Ok(connection)
    }
}

impl WayError {
    /// Names the proxy at fault.
    fn of(self, proxy: &Proxy) -> Self {
        match self {
            Self::Tunnel(TunnelError { fault, .. }) => Self::Tunnel(proxy.error(fault)),
            other => other,
        }
    }
}

/// Before the way is open, whoever is silent or ends the connection is the proxy.
async fn of_a_proxy(
    limit: Duration,
    opening: impl Future<Output = Result<Connection, WayError>>,
) -> Result<Connection, WayError> {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match timeout(limit, opening).await {
        Err(_) => Err(TunnelFault::Silence(limit).into()),
        Ok(Err(WayError::Io(error)))
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            Err(TunnelFault::Ended.into())
        }
        Ok(result) => result,
    }
}

/// The header for a connection from us to there. What a proxy resolves has no address here, and
/// the header says as much (`UNKNOWN`, `LOCAL`).
fn proxy_header(version: ProxyHeader, from: SocketAddr, to: &Destination) -> io::Result<Vec<u8>> {
    use ppp::v2::{Addresses, Builder, Command, Protocol, Version};
    let addresses = to.address().map(|to| (from, to));
    match (version, addresses) {
        (ProxyHeader::V1, Some(pair)) => {
            Ok(ppp::v1::Addresses::from(pair).to_string().into_bytes())
        }
        (ProxyHeader::V1, None) => Ok(ppp::v1::Addresses::Unknown.to_string().into_bytes()),
        (ProxyHeader::V2, Some(pair)) => {
            Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, pair).build()
        }
        (ProxyHeader::V2, None) => Builder::with_addresses(
            Version::Two | Command::Local,
            Protocol::Unspecified,
            Addresses::Unspecified,
        )
        .build(),
    }
}

impl Opening {
    /// Talks until the next byte is the ClientHello's.
    async fn lead_to_tls(
        &self,
        connection: &mut Connection,
        limit: Duration,
    ) -> Result<(), WayError> {
        let mut dialogue = Dialogue::new(self.protocol, &self.name);
        let fault = match timeout(limit, talk(&mut dialogue, connection)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Broken::Off)) => StartTlsFault::Ended,
            Ok(Err(Broken::By(error))) => return Err(error.into()),
            Err(_) => StartTlsFault::Silence { after: limit },
        };
        Err(dialogue.broken_off(fault).into())
    }
}

/// Why a talk did not come to its end.
enum Broken {
    Off,
    By(StartTlsError),
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Off
    }
}

async fn talk(dialogue: &mut Dialogue, connection: &mut Connection) -> Result<(), Broken> {
    connection.write_all(&dialogue.opening()).await?;
    connection.flush().await?;
    let mut buffer = [0; 2048];
    loop {
        let count = connection.read(&mut buffer).await?;
        if count == 0 {
            return Err(Broken::Off);
        }
        let turn = dialogue.push(&buffer[..count]).map_err(Broken::By)?;
        let (bytes, done) = match turn {
            Turn::Theirs => continue,
            Turn::Ours(bytes) => (bytes, false),
            Turn::Tls(bytes) => (bytes, true),
        };
        connection.write_all(&bytes).await?;
        connection.flush().await?;
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_headers_are_those_of_the_specification() {
        let from = "192.0.2.1:1000".parse().unwrap();
        let to = Destination::Address("192.0.2.2:443".parse().unwrap());
        let text = proxy_header(ProxyHeader::V1, from, &to).unwrap();
        assert_eq!(text, b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n");
        let binary = proxy_header(ProxyHeader::V2, from, &to).unwrap();
        let signature = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        assert_eq!(&binary[..16], signature);
        assert_eq!(&binary[16..], [192, 0, 2, 1, 192, 0, 2, 2, 3, 232, 1, 187]);
    }

    #[test]
    fn a_header_names_no_address_that_is_not_known() {
        let from = "192.0.2.1:1000".parse().unwrap();
        let to = Destination::Name("server.example:443".parse().unwrap());
        let text = proxy_header(ProxyHeader::V1, from, &to).unwrap();
        assert_eq!(text, b"PROXY UNKNOWN\r\n");
        let binary = proxy_header(ProxyHeader::V2, from, &to).unwrap();
        assert_eq!(binary, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0");
    }

    #[test]
    fn every_part_of_the_way_costs_its_round_trips() {
        let opening = |protocol| Some(Opening { protocol, name: String::new() });
        let proxy = |url: &str| Some(url.parse().unwrap());
        #[rustfmt::skip]
        let table = [
            (Way::default(), 0),
            (Way { proxy_header: Some(ProxyHeader::V2), ..Way::default() }, 0),
            (Way { starttls: opening(StartTls::Postgres), ..Way::default() }, 1),
            (Way { starttls: opening(StartTls::Smtp), ..Way::default() }, 3),
            (Way { proxy: proxy("http://a:1"), ..Way::default() }, 1),
            (Way { proxy: proxy("https://a:1"), ..Way::default() }, 3),
            (Way { proxy: proxy("socks5://a:1"), ..Way::default() }, 2),
            (Way { proxy: proxy("socks5://u:p@a:1"), starttls: opening(StartTls::Ftp), ..Way::default() }, 5),
        ];
        for (way, round_trips) in table {
            assert_eq!(way.round_trips(), round_trips, "{way:?}");
        }
    }
}
