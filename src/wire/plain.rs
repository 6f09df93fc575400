//! Recognises what answers a ClientHello without speaking TLS.

use std::fmt;

/// A protocol in clear, by the first bytes of its answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PlainProtocol {
    /// An HTTP/1 response (RFC 9112 §4).
    Http1,
    /// An HTTP/2 SETTINGS or GOAWAY frame (RFC 9113 §4.1).
    Http2,
    /// An SSH banner (RFC 4253 §4.2).
    Ssh,
    /// A greeting of SMTP or FTP (RFC 5321 §3.1, RFC 959 §4.2).
    SmtpOrFtp,
    /// An IMAP greeting (RFC 9051 §7.1).
    Imap,
    /// A POP3 greeting (RFC 1939 §4).
    Pop3,
    /// A MySQL or MariaDB greeting or error packet.
    Mysql,
    /// A PostgreSQL error message, or its answer to a request for encryption.
    Postgres,
    /// A Redis error.
    Redis,
    /// An SSLv2 message.
    Sslv2,
    /// Bytes that fit none of these.
    Unknown,
}

impl PlainProtocol {
    /// Names the protocol whose answer starts with `bytes`.
    #[must_use]
    pub fn recognise(bytes: &[u8]) -> Self {
        let starts = |prefix: &[u8]| bytes.starts_with(prefix);
        match bytes {
            _ if starts(b"HTTP/") || starts(b"<html") || starts(b"<!DOCTYPE") => Self::Http1,
            [0, 0, _, 4 | 7, _, 0, 0, 0, 0, ..] => Self::Http2,
            _ if starts(b"SSH-") => Self::Ssh,
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] => Self::SmtpOrFtp,
            _ if starts(b"* OK") || starts(b"* BYE") || starts(b"* PREAUTH") => Self::Imap,
            _ if starts(b"+OK") => Self::Pop3,
            [_, _, 0, _, 0x0a, b'1'..=b'9', ..] | [_, _, 0, _, 0xff, _, ..] => Self::Mysql,
            [b'E', 0, 0, _, _, b'S', ..] | [b'N'] => Self::Postgres,
            _ if starts(b"-ERR") || starts(b"-DENIED") || starts(b"-NOAUTH") => Self::Redis,
            [0x80..=0xff, _, 0 | 4, ..] => Self::Sslv2,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for PlainProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http1 => "HTTP",
            Self::Http2 => "HTTP/2",
            Self::Ssh => "SSH",
            Self::SmtpOrFtp => "SMTP or FTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Mysql => "MySQL",
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Sslv2 => "SSLv2",
            Self::Unknown => "something that is not TLS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_recognised() {
        #[rustfmt::skip]
        let table: [(&[u8], PlainProtocol); 15] = [
            (b"HTTP/1.1 400 Bad Request\r\n",                      PlainProtocol::Http1),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00",          PlainProtocol::Http2),
            (b"SSH-2.0-OpenSSH_9.2p1",                             PlainProtocol::Ssh),
            (b"220 mail.example ESMTP",                            PlainProtocol::SmtpOrFtp),
            (b"220-two lines",                                     PlainProtocol::SmtpOrFtp),
            (b"554 no",                                            PlainProtocol::SmtpOrFtp),
            (b"* OK IMAP4rev1 ready",                              PlainProtocol::Imap),
            (b"+OK POP3 ready",                                    PlainProtocol::Pop3),
            (b"\x4a\x00\x00\x00\x0a8.0.36\x00",                    PlainProtocol::Mysql),
            (b"\x45\x00\x00\x00\xff\x6a\x04Host is blocked",       PlainProtocol::Mysql),
            (b"E\x00\x00\x00\x64SFATAL\x00",                       PlainProtocol::Postgres),
            (b"-ERR Protocol error",                               PlainProtocol::Redis),
            (b"\x80\x03\x00\x00\x01",                              PlainProtocol::Sslv2),
            (b"\xde\xad\xbe\xef",                                  PlainProtocol::Unknown),
            (b"",                                                  PlainProtocol::Unknown),
        ];
        for (bytes, protocol) in table {
            assert_eq!(PlainProtocol::recognise(bytes), protocol, "{bytes:?}");
        }
    }
}
