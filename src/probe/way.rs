//! What lies between a connection and the ClientHello: a PROXY protocol header, an HTTP CONNECT
//! tunnel.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// How to get from an address to the server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Way {
    /// The header that precedes the ClientHello, within the tunnel if there is one.
    pub proxy_header: Option<ProxyHeader>,
    /// The tunnel, if the address is a proxy's.
    pub tunnel: Option<Tunnel>,
}

/// A version of the PROXY protocol (haproxy.org, `proxy-protocol.txt`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyHeader {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// A tunnel that a proxy opens by HTTP CONNECT (RFC 9110 §9.3.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tunnel {
    /// `HOST:PORT` of the server, as the proxy is told.
    pub authority: String,
    /// Fields of the request besides Host.
    pub headers: Vec<(String, String)>,
    /// TLS to the proxy itself, if it speaks it.
    pub tls: Option<TunnelTls>,
}

/// TLS to a proxy: whatever the linked OpenSSL and the proxy agree on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TunnelTls {
    /// The server name to send.
    pub sni: Option<String>,
}

/// Why a proxy opened no tunnel.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// It answered with another status than 2xx.
    #[error("the proxy answered CONNECT with status {0}")]
    Refused(u16),
    /// Its answer is not HTTP, or too long.
    #[error("the proxy answered CONNECT with something that is not HTTP")]
    NotHttp,
    /// It ended the connection instead.
    #[error("the proxy ended the connection instead of answering CONNECT")]
    Ended,
    /// No TLS session with the proxy came about.
    #[error("no TLS session with the proxy: {0}")]
    Tls(String),
    /// The request cannot be written.
    #[error("the CONNECT request cannot be written: {0}")]
    Request(&'static str),
}

/// The longest answer to CONNECT that is read.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on which the next byte belongs to the server.
pub(super) type Connection = Box<dyn Duplex>;

/// What went wrong on the way.
pub(super) enum WayError {
    Io(io::Error),
    Tunnel(TunnelError),
}

impl From<io::Error> for WayError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TunnelError> for WayError {
    fn from(error: TunnelError) -> Self {
        Self::Tunnel(error)
    }
}

impl Way {
    /// Whether the server is at the address itself.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        *self == Self::default()
    }

    /// How many round trips pass before the ClientHello can be sent: the connection, and what a
    /// tunnel takes.
    pub(super) fn round_trips(&self) -> u32 {
        match &self.tunnel {
            None => 1,
            Some(Tunnel { tls: None, .. }) => 2,
            // TLS 1.2 to the proxy would take one more.
            Some(Tunnel { tls: Some(_), .. }) => 3,
        }
    }

    pub(super) async fn walk(&self, stream: TcpStream) -> Result<Connection, WayError> {
        let header = match self.proxy_header {
            Some(version) => proxy_header(version, stream.local_addr()?, stream.peer_addr()?)?,
            None => Vec::new(),
        };
        let mut connection: Connection = match &self.tunnel {
            Some(tunnel) => tunnel.open(stream).await.map_err(of_the_proxy)?,
            None => Box::new(stream),
        };
        if !header.is_empty() {
            connection.write_all(&header).await?;
            connection.flush().await?;
        }
        Ok(connection)
    }
}

fn proxy_header(version: ProxyHeader, from: SocketAddr, to: SocketAddr) -> io::Result<Vec<u8>> {
    match version {
        ProxyHeader::V1 => Ok(ppp::v1::Addresses::from((from, to)).to_string().into_bytes()),
        ProxyHeader::V2 => {
            use ppp::v2::{Builder, Command, Protocol, Version};
            Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, (from, to))
                .build()
        }
    }
}

/// Before the tunnel is open, whoever ends the connection is the proxy.
fn of_the_proxy(error: WayError) -> WayError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        WayError::Io(error)
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            TunnelError::Ended.into()
        }
        other => other,
    }
}

impl Tunnel {
    async fn open(&self, stream: TcpStream) -> Result<Connection, WayError> {
        let mut connection: Connection = match &self.tls {
            Some(tls) => Box::new(tls.connect(stream).await?),
            None => Box::new(stream),
        };
        connection.write_all(self.request()?.as_bytes()).await?;
        connection.flush().await?;
        read_answer(&mut connection).await?;
        Ok(connection)
    }

    fn request(&self) -> Result<String, TunnelError> {
        let mut text = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", self.authority);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        let lines = text.matches('\n').count();
        if lines != self.headers.len() + 3 || text.matches('\r').count() != lines {
            return Err(TunnelError::Request("a header has a line break"));
        }
        Ok(text)
    }
}

impl TunnelTls {
    async fn connect(&self, stream: TcpStream) -> Result<SslStream<TcpStream>, TunnelError> {
        let failed = |error: &dyn std::fmt::Display| TunnelError::Tls(error.to_string());
        let mut builder =
            SslConnector::builder(SslMethod::tls_client()).map_err(|error| failed(&error))?;
        builder.set_security_level(0);
        builder.set_verify(SslVerifyMode::NONE);
        let mut configuration = builder.build().configure().map_err(|error| failed(&error))?;
        configuration.set_use_server_name_indication(self.sni.is_some());
        configuration.set_verify_hostname(false);
        let ssl = configuration
            .into_ssl(self.sni.as_deref().unwrap_or_default())
            .map_err(|error| failed(&error))?;
        let mut stream = SslStream::new(ssl, stream).map_err(|error| failed(&error))?;
        Pin::new(&mut stream).connect().await.map_err(|error| failed(&error))?;
        Ok(stream)
    }
}

/// Byte by byte, since what follows the answer belongs to the server.
async fn read_answer(connection: &mut Connection) -> Result<(), WayError> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if answer.len() == ANSWER_LIMIT {
            return Err(TunnelError::NotHttp.into());
        }
        if connection.read(&mut byte).await? == 0 {
            return Err(TunnelError::Ended.into());
        }
        answer.push(byte[0]);
        if answer.len() == b"HTTP/".len() && answer != b"HTTP/" {
            return Err(TunnelError::NotHttp.into());
        }
    }
    match status(&answer) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(TunnelError::Refused(status).into()),
        None => Err(TunnelError::NotHttp.into()),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(headers: &[(&str, &str)]) -> Tunnel {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Tunnel { authority: "server:443".to_owned(), headers: headers.collect(), tls: None }
    }

    #[test]
    fn a_request_names_the_server_and_carries_the_headers() {
        let text = tunnel(&[("Proxy-Authorization", "Basic eA==")]).request().unwrap();
        let expected = "CONNECT server:443 HTTP/1.1\r\nHost: server:443\r\n\
                        Proxy-Authorization: Basic eA==\r\n\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn headers_cannot_smuggle_lines() {
        for value in ["a\r\nb: c", "a\nb", "a\rb"] {
            assert!(tunnel(&[("X", value)]).request().is_err(), "{value:?}");
        }
    }

    #[test]
    fn proxy_headers_are_those_of_the_specification() {
        let from = "192.0.2.1:1000".parse().unwrap();
        let to = "192.0.2.2:443".parse().unwrap();
        let text = proxy_header(ProxyHeader::V1, from, to).unwrap();
        assert_eq!(text, b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n");
        let binary = proxy_header(ProxyHeader::V2, from, to).unwrap();
        let signature = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        assert_eq!(&binary[..16], signature);
        assert_eq!(&binary[16..], [192, 0, 2, 1, 192, 0, 2, 2, 3, 232, 1, 187]);
    }

    #[test]
    fn statuses_are_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), Some(407));
        assert_eq!(status(b"HTTP/1.1\r\n\r\n"), None);
    }
}
