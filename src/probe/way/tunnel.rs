//! A tunnel by HTTP CONNECT.

use std::fmt;
use std::pin::Pin;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_openssl::SslStream;
use zeroize::Zeroizing;

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
    headers: &[(String, impl AsRef<str>)],
) -> Result<(), WayError> {
    connection.write_all(request(authority, headers)?.as_bytes()).await?;
    connection.flush().await?;
    read_answer(connection).await
}

/// Wiped, as the headers may be credentials, and never moved while it grows.
fn request<V: AsRef<str>>(
    authority: &str,
    headers: &[(String, V)],
) -> Result<Zeroizing<String>, TunnelFault> {
    let first = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    let lengths = headers.iter().map(|(name, value)| name.len() + value.as_ref().len() + 4);
    let mut text = Zeroizing::new(String::with_capacity(first.len() + lengths.sum::<usize>() + 2));
    text.push_str(&first);
    for (name, value) in headers {
        for part in [name, ": ", value.as_ref(), "\r\n"] {
            text.push_str(part);
        }
    }
    text.push_str("\r\n");
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
    let mut answer = ConnectAnswer::default();
    loop {
        let mut byte = [0];
        if connection.read(&mut byte).await? == 0 {
            return Err(TunnelFault::Ended.into());
        }
        if answer.push(byte[0])? {
            return Ok(());
        }
    }
}

/// What a proxy answers to CONNECT, as it comes: heads without content, of which all but the last
/// are interim (RFC 9110 §15.2). At most 16 KiB in all.
#[derive(Debug, Default)]
pub struct ConnectAnswer {
    head: Vec<u8>,
    length: usize,
}

impl ConnectAnswer {
    /// Takes the next byte. True once the tunnel is open: what follows is the server's.
    ///
    /// # Errors
    ///
    /// If the proxy refuses, or if this is no HTTP or too much of it. There is nothing to be read
    /// after that.
    pub fn push(&mut self, byte: u8) -> Result<bool, TunnelFault> {
        self.length += 1;
        self.head.push(byte);
        let begins = self.head.len().min(b"HTTP/".len());
        if self.head[..begins] != b"HTTP/"[..begins] || self.length > ANSWER_LIMIT {
            return Err(TunnelFault::NotHttp);
        }
        // A line may end without CR (RFC 9112 §2.2).
        if !self.head.ends_with(b"\n\r\n") && !self.head.ends_with(b"\n\n") {
            return Ok(false);
        }
        match status(&self.head) {
            // 101 ends the talk in HTTP, and is not what was asked for.
            Some(100 | 102..=199) => self.head.clear(),
            Some(200..=299) => return Ok(true),
            Some(status) => return Err(TunnelFault::Refused(status)),
            None => return Err(TunnelFault::NotHttp),
        }
        Ok(false)
    }
}

/// The three digits of a status line, whose reason need not be UTF-8 (RFC 9112 §4).
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let code = words.nth(1)?;
    if code.len() != 3 || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
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
        assert_eq!(*request("server:443", &headers).unwrap(), expected);
    }

    #[test]
    fn headers_cannot_smuggle_lines() {
        for value in ["a\r\nb: c", "a\nb", "a\rb"] {
            assert!(request("server:443", &headers(&[("X", value)])).is_err(), "{value:?}");
        }
    }

    /// What comes of an answer, and what is left for who speaks next.
    async fn read(answer: &[u8]) -> (Result<(), TunnelFault>, Vec<u8>) {
        let (ours, mut theirs) = tokio::io::duplex(64 << 10);
        theirs.write_all(answer).await.unwrap();
        drop(theirs);
        let mut connection: Connection = Box::new(ours);
        let result = read_answer(&mut connection).await.map_err(|error| match error {
            WayError::Tunnel(error) => error.fault,
            _ => panic!("{answer:?} is no fault of the proxy"),
        });
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.unwrap();
        (result, rest)
    }

    #[tokio::test]
    async fn answers_are_read_up_to_the_final_one_and_no_further() {
        #[rustfmt::skip]
        let table: [(&str, Option<u16>); 12] = [
            ("HTTP/1.1 200 OK\r\nVia: a\r\n\r\n",                                Some(200)),
            ("HTTP/1.0 200\r\n\r\n",                                             Some(200)),
            ("HTTP/1.1 200 OK\nVia: a\n\n",                                      Some(200)),
            ("HTTP/1.1 200 OK\nVia: a\r\n\n",                                   Some(200)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",             Some(200)),
            ("HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 102 P\n\nHTTP/1.1 407 No\n\n", Some(407)),
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",              Some(407)),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n",                         Some(101)),
            ("HTTP/1.1\r\n\r\n",                                                 None),
            ("HTTP/1.1 +200 OK\r\n\r\n",                                         None),
            ("HTTP/1.1 2000 OK\r\n\r\n",                                         None),
            ("HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-x\r\n\r\n",                    None),
        ];
        for (answer, expected) in table {
            let (result, rest) = read(format!("{answer}\x16rest").as_bytes()).await;
            match (expected, result) {
                (Some(200), Ok(())) => {}
                (Some(code), Err(TunnelFault::Refused(refused))) => {
                    assert_eq!(refused, code, "{answer:?}");
                }
                (None, Err(TunnelFault::NotHttp)) => continue,
                (_, result) => panic!("{answer:?}: {result:?}"),
            }
            assert_eq!(rest, b"\x16rest", "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_reason_need_not_be_utf8() {
        let (result, _) = read(b"HTTP/1.1 407 Gesperrt f\xfcr Sie\r\n\r\n").await;
        assert_eq!(result, Err(TunnelFault::Refused(407)));
    }

    #[tokio::test]
    async fn interim_answers_come_to_an_end() {
        let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(2000);
        let (result, _) = read(endless.as_bytes()).await;
        assert!(matches!(result, Err(TunnelFault::NotHttp)), "{result:?}");
    }

    #[test]
    fn headers_are_not_shown() {
        let headers = headers(&[("Proxy-Authorization", "Basic eA==")]);
        let tunnel = Tunnel { authority: "server:443".to_owned(), headers, tls: None };
        assert!(!format!("{tunnel:?}").contains("eA=="));
    }
}
