//! The talk in clear after which a server begins TLS on the same connection.
//!
//! Each protocol has a file of its own, with the few messages that lead to TLS and nothing more:
//! what is sent, and what the answers mean. None of them reads or writes; [`Dialogue`] is given
//! what came and says what to send, so that all of it can be tested and fuzzed without a network.
//! Crates that speak these protocols were looked at: each brings a whole client with its own
//! connection and its own TLS, for two or three messages.

mod ftp;
mod imap;
mod ldap;
mod lines;
mod mysql;
mod pop3;
mod postgres;
mod smtp;
mod xmpp;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A protocol in which a client asks for TLS after the connection is open.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum StartTls {
    /// PostgreSQL (its documentation, Frontend/Backend Protocol, "SSL Session Encryption").
    Postgres,
    /// MySQL and MariaDB (their documentation, "Protocol::SSLRequest").
    Mysql,
    /// SMTP (RFC 3207).
    Smtp,
    /// LMTP (RFC 2033 with RFC 3207).
    Lmtp,
    /// IMAP (RFC 9051 §6.2.1).
    Imap,
    /// POP3 (RFC 2595 §4).
    Pop3,
    /// LDAP (RFC 4511 §4.14).
    Ldap,
    /// XMPP from a client (RFC 6120 §5).
    Xmpp,
    /// XMPP from another server (RFC 6120 §5).
    XmppServer,
    /// FTP, its control connection (RFC 4217 §4).
    Ftp,
}

impl StartTls {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 10] = [
        Self::Postgres,
        Self::Mysql,
        Self::Smtp,
        Self::Lmtp,
        Self::Imap,
        Self::Pop3,
        Self::Ldap,
        Self::Xmpp,
        Self::XmppServer,
        Self::Ftp,
    ];

    /// The name on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ldap => "ldap",
            Self::Xmpp => "xmpp",
            Self::XmppServer => "xmpp-server",
            Self::Ftp => "ftp",
        }
    }

    /// What the protocol calls the way to TLS.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Postgres | Self::Mysql => "SSLRequest",
            Self::Smtp | Self::Lmtp | Self::Imap | Self::Xmpp | Self::XmppServer => "STARTTLS",
            Self::Ldap => "StartTLS",
            Self::Pop3 => "STLS",
            Self::Ftp => "AUTH TLS",
        }
    }

    /// The port where servers of this protocol speak TLS from the first byte, if there is one
    /// (the registry of IANA; RFC 8314; XEP-0368, whose port is only usual).
    #[must_use]
    pub fn port_of_tls(self) -> Option<u16> {
        match self {
            Self::Smtp => Some(465),
            Self::Imap => Some(993),
            Self::Pop3 => Some(995),
            Self::Ldap => Some(636),
            Self::Ftp => Some(990),
            Self::Xmpp => Some(5223),
            Self::XmppServer => Some(5270),
            Self::Postgres | Self::Mysql | Self::Lmtp => None,
        }
    }

    /// How many round trips the talk takes at most, from the open connection to the first byte
    /// of TLS.
    #[must_use]
    pub fn round_trips(self) -> u32 {
        match self {
            // The greeting of MySQL is on its way when the connection opens.
            Self::Postgres | Self::Mysql | Self::Ldap => 1,
            Self::Pop3 | Self::Xmpp | Self::XmppServer | Self::Ftp => 2,
            Self::Smtp | Self::Lmtp | Self::Imap => 3,
        }
    }
}

/// As people write it.
impl fmt::Display for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Smtp => "SMTP",
            Self::Lmtp => "LMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Ldap => "LDAP",
            Self::Xmpp => "XMPP",
            Self::XmppServer => "XMPP (server to server)",
            Self::Ftp => "FTP",
        })
    }
}

impl FromStr for StartTls {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let known = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        known.ok_or(UnknownProtocol)
    }
}

/// A name that is not one of [`StartTls::ALL`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("write one of {}", StartTls::ALL.map(StartTls::name).join(", "))]
pub struct UnknownProtocol;

/// Why a server did not come to TLS.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .fault.words(*.protocol))]
pub struct StartTlsError {
    /// The protocol that was spoken.
    pub protocol: StartTls,
    /// What went wrong.
    pub fault: StartTlsFault,
}

/// What went wrong before TLS. Texts of the server's are escaped and short.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StartTlsFault {
    /// The server speaks something else.
    OtherProtocol {
        /// What it said.
        said: String,
    },
    /// The server speaks TLS from the first byte.
    IsTls,
    /// The server does not know or not offer it.
    NotOffered {
        /// What it answered, where it was asked.
        answer: Option<String>,
    },
    /// The server said no.
    Refused {
        /// To what.
        to: &'static str,
        /// What it answered.
        answer: String,
    },
    /// The server said more than the protocol allows before TLS, in length or out of turn.
    OutOfTurn,
    /// The server ended the connection.
    Ended,
    /// The server said nothing more.
    Silence {
        /// How long it was given.
        after: Duration,
    },
}

impl StartTlsFault {
    fn words(&self, protocol: StartTls) -> String {
        let offer = match protocol {
            StartTls::Postgres | StartTls::Mysql => "TLS",
            _ => protocol.command(),
        };
        match self {
            Self::OtherProtocol { said } => {
                format!("the server is no {protocol} server: it says '{said}'")
            }
            Self::IsTls => format!(
                "the server speaks TLS from the first byte: leave --starttls {} out",
                protocol.name()
            ),
            Self::NotOffered { answer: None } => {
                format!("the {protocol} server does not offer {offer}")
            }
            Self::NotOffered { answer: Some(answer) } => {
                format!("the {protocol} server does not offer {offer}: it answers '{answer}'")
            }
            Self::Refused { to, answer } => {
                format!("the {protocol} server answers {to} with '{answer}'")
            }
            Self::OutOfTurn => {
                format!("the {protocol} server says more before TLS than the protocol allows")
            }
            Self::Ended => {
                format!("the server ends the connection before TLS, asked for it in {protocol}")
            }
            Self::Silence { after } => format!(
                "the server does not say a word of {protocol} within {}",
                humantime::format_duration(*after)
            ),
        }
    }
}

impl StartTlsError {
    /// Whether the same server can be expected to do better when it is asked again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        use StartTlsFault::{Ended, Refused, Silence};
        matches!(self.fault, Ended | Silence { .. } | Refused { .. })
    }

    /// Whether it says of the server that there is no TLS.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.fault, StartTlsFault::NotOffered { .. })
    }
}

/// The most that a server may say before TLS. Greetings and lists of capabilities have a few
/// hundred bytes.
const LIMIT: usize = 16 * 1024;

/// What is to be done after something came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Turn {
    /// It is the server's; more has to be read.
    Theirs,
    /// These bytes are to be sent.
    Ours(Vec<u8>),
    /// These bytes are to be sent, which may be none, and what follows is TLS.
    Tls(Vec<u8>),
}

/// One step of a protocol: how much of the input it has used up, and whose turn it is then.
struct Step {
    used: usize,
    turn: Turn,
}

impl Step {
    /// Nothing can be said yet.
    fn wait() -> Self {
        Self { used: 0, turn: Turn::Theirs }
    }

    /// Passes over `used` bytes.
    fn skip(used: usize) -> Self {
        Self { used, turn: Turn::Theirs }
    }

    fn send(used: usize, bytes: impl Into<Vec<u8>>) -> Self {
        Self { used, turn: Turn::Ours(bytes.into()) }
    }

    fn tls(used: usize) -> Self {
        Self { used, turn: Turn::Tls(Vec::new()) }
    }
}

/// The client's part of a protocol.
trait Talk: fmt::Debug + Send {
    /// What to send before the server says anything.
    fn opening(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes the next step on what came and was not used yet, which is never empty.
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault>;
}

/// A talk with one server, from the open connection to the first byte of TLS.
#[derive(Debug)]
pub struct Dialogue {
    protocol: StartTls,
    talk: Box<dyn Talk>,
    input: Vec<u8>,
    read: usize,
}

impl Dialogue {
    /// Begins a talk; `name` is what the server is called, for protocols that say it.
    #[must_use]
    pub fn new(protocol: StartTls, name: &str) -> Self {
        let talk: Box<dyn Talk> = match protocol {
            StartTls::Postgres => Box::new(postgres::Postgres),
            StartTls::Mysql => Box::new(mysql::Mysql),
            StartTls::Smtp => Box::new(smtp::Smtp::mail()),
            StartTls::Lmtp => Box::new(smtp::Smtp::local_delivery()),
            StartTls::Imap => Box::new(imap::Imap::default()),
            StartTls::Pop3 => Box::new(pop3::Pop3::default()),
            StartTls::Ldap => Box::new(ldap::Ldap),
            StartTls::Xmpp => Box::new(xmpp::Xmpp::client(name)),
            StartTls::XmppServer => Box::new(xmpp::Xmpp::server(name)),
            StartTls::Ftp => Box::new(ftp::Ftp::default()),
        };
        Self { protocol, talk, input: Vec::new(), read: 0 }
    }

    /// What to send first, which may be nothing.
    #[must_use]
    pub fn opening(&self) -> Vec<u8> {
        self.talk.opening()
    }

    /// Takes what the server sent, in pieces of any size.
    ///
    /// # Errors
    ///
    /// [`StartTlsError`] if this server will not come to TLS.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Turn, StartTlsError> {
        self.advance(bytes).map_err(|fault| self.failed(fault))
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Turn, StartTlsFault> {
        self.read = self.read.saturating_add(bytes.len());
        if self.read > LIMIT {
            return Err(StartTlsFault::OutOfTurn);
        }
        self.input.extend_from_slice(bytes);
        while !self.input.is_empty() {
            if is_tls(&self.input) {
                return Err(StartTlsFault::IsTls);
            }
            let step = self.talk.step(&self.input)?;
            let used = step.used.min(self.input.len());
            self.input.drain(..used);
            match step.turn {
                Turn::Theirs if used == 0 => break,
                Turn::Theirs => {}
                // Whatever is said beyond the answer was said before it was our turn, by the
                // server or by someone in between (CVE-2011-0411, CVE-2021-23222).
                _ if !self.input.is_empty() => return Err(StartTlsFault::OutOfTurn),
                turn => return Ok(turn),
            }
        }
        Ok(Turn::Theirs)
    }

    /// What it means that the connection was ended, or that nothing came any more.
    #[must_use]
    pub fn broken_off(&self, fault: StartTlsFault) -> StartTlsError {
        // What does not even end its first line speaks something else.
        if self.input.len() == self.read && !self.input.is_empty() {
            return self.failed(other(&self.input));
        }
        self.failed(fault)
    }

    fn failed(&self, fault: StartTlsFault) -> StartTlsError {
        StartTlsError { protocol: self.protocol, fault }
    }
}

/// An alert or a handshake record of any version (RFC 8446 §5.1).
fn is_tls(input: &[u8]) -> bool {
    matches!(input, [0x15 | 0x16, 3, 0..=4, ..])
}

/// The server speaks something else.
fn other(said: &[u8]) -> StartTlsFault {
    StartTlsFault::OtherProtocol { said: excerpt(said) }
}

/// The first line of what a server said, or the first bytes, in printable ASCII.
fn excerpt(said: &[u8]) -> String {
    const MOST: usize = 100;
    let line = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut text = String::new();
    for byte in line {
        let escaped = byte.escape_ascii().to_string();
        if text.len() + escaped.len() > MOST {
            return text + "...";
        }
        // Quotes need no backslash, since nothing is parsed again.
        match byte {
            b'\'' | b'"' | b'\\' => text.push(char::from(*byte)),
            _ => text += &escaped,
        }
    }
    text
}

#[cfg(test)]
mod tests;
