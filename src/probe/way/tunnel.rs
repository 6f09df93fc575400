//! A tunnel by HTTP CONNECT.

use std::fmt;
use std::pin::Pin;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_openssl::SslStream;

use super::{Connection, TunnelFault, WayError};

/// A tunnel that a proxy opens by HTTP CONNECT (RFC 9110 §9.3.6).
#[derive(Clone, Eq, PartialEq)]
pub struct Tunnel {
    /// `HOST:PORT` of the server, as the proxy is told.
    pub authority: String,
    /// Fields of the request besides Host.
    pub headers: Vec<(String, String)>,
    /// TLS to the proxy itself, if it speaks it.
    pub tls: Option<TunnelTls>,
}

/// Never shows what the headers say: credentials are among them.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Tunnel")
            .field("authority", &self.authority)
            .field("headers", &names)
            .field("tls", &self.tls)
            .finish()
    }
}

/// TLS to a proxy: whatever the linked OpenSSL and the proxy agree on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TunnelTls {
    /// The server name to send.
    pub sni: Option<String>,
}

/// The longest answer to CONNECT that is read.
const ANSWER_LIMIT: usize = 16 * 1024;

impl Tunnel {
    pub(super) async fn open(&self, stream: Connection) -> Result<Connection, WayError> {
        let mut connection = match &self.tls {
            Some(tls) => tls.connect(stream).await?,
            None => stream,
        };
        connect(&mut connection, &self.authority, &self.headers).await?;
        Ok(connection)
    }
}

impl Tunnel {
    pub(super) fn round_trips(&self) -> u32 {
        if self.tls.is_some() { 3 } else { 1 }
    }
}

/// Asks for a tunnel and reads the answer, and not a byte more.
pub(super) async fn connect(
    connection: &mut Connection,
    authority: &str,
    headers: &[(String, String)],
) -> Result<(), WayError> {
    connection.write_all(request(authority, headers)?.as_bytes()).await?;
    connection.flush().await?;
    read_answer(connection).await
}

fn request(authority: &str, headers: &[(String, String)]) -> Result<String, TunnelFault> {
    let mut text = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    let lines = text.matches('\n').count();
    if lines != headers.len() + 3 || text.matches('\r').count() != lines {
        return Err(TunnelFault::Request("a header has a line break"));
    }
    Ok(text)
}

impl TunnelTls {
    async fn connect(&self, stream: Connection) -> Result<Connection, TunnelFault> {
        let failed = |error: &dyn std::fmt::Display| TunnelFault::Tls(error.to_string());
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
        Ok(Box::new(stream))
    }
}

/// Byte by byte, since what follows the answer belongs to the server.
async fn read_answer(connection: &mut Connection) -> Result<(), WayError> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if answer.len() == ANSWER_LIMIT {
            return Err(TunnelFault::NotHttp.into());
        }
        if connection.read(&mut byte).await? == 0 {
            return Err(TunnelFault::Ended.into());
        }
        answer.push(byte[0]);
        if answer.len() == b"HTTP/".len() && answer != b"HTTP/" {
            return Err(TunnelFault::NotHttp.into());
        }
    }
    match status(&answer) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(TunnelFault::Refused(status).into()),
        None => Err(TunnelFault::NotHttp.into()),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn a_request_names_the_server_and_carries_the_headers() {
        let headers = headers(&[("Proxy-Authorization", "Basic eA==")]);
        let expected = "CONNECT server:443 HTTP/1.1\r\nHost: server:443\r\n\
                        Proxy-Authorization: Basic eA==\r\n\r\n";
        assert_eq!(request("server:443", &headers).unwrap(), expected);
    }

    #[test]
    fn headers_cannot_smuggle_lines() {
        for value in ["a\r\nb: c", "a\nb", "a\rb"] {
            assert!(request("server:443", &headers(&[("X", value)])).is_err(), "{value:?}");
        }
    }

    #[test]
    fn statuses_are_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), Some(407));
        assert_eq!(status(b"HTTP/1.1\r\n\r\n"), None);
    }

    #[test]
    fn headers_are_not_shown() {
        let headers = headers(&[("Proxy-Authorization", "Basic eA==")]);
        let tunnel = Tunnel { authority: "server:443".to_owned(), headers, tls: None };
        assert!(!format!("{tunnel:?}").contains("eA=="));
    }
}
