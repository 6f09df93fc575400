//! What becomes of a server's answer on its way to the client.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::hello::ClientHello;
use super::{Connection, Fault, Hangup, read_record};

/// How long a server may say nothing before the connection ends.
const PATIENCE: Duration = Duration::from_secs(60);

const ALERT: u8 = 0x15;
const HANDSHAKE: u8 = 0x16;
/// unrecognized_name as a warning, which servers send that go on nevertheless (RFC 6066 §3).
const WARNING: [u8; 7] = [ALERT, 3, 3, 0, 2, 1, 112];
/// What a server is made to select where the client offered something else.
const UNOFFERED: [u16; 12] = [
    0x1305, 0x1304, 0x1303, 0x1302, 0x1301, 0xc02f, 0x002f, 0x0035, 0xc013, 0x009c, 0x0005, 0x00ba,
];

/// One answer under way.
pub(super) struct Answer<'a> {
    connection: Connection<'a>,
    hello: Option<ClientHello>,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    /// Whether the records so far were all in clear.
    in_clear: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        connection: Connection<'a>,
        hello: Option<ClientHello>,
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
    ) -> Self {
        Self { connection, hello, from, to, in_clear: true }
    }

    /// Carries until the server is done; returns how to hang up instead, if that is the fault.
    pub(super) async fn carry(mut self) -> Option<Hangup> {
        if self.has(|fault| *fault == Fault::Warning) && self.send(&WARNING).await.is_none() {
            return None;
        }
        while let Some(bytes) = self.read().await {
            if let Some(how) = self.hidden(&bytes).or_else(|| self.fails_on(&bytes)) {
                return Some(how);
            }
            let breaks = self.breaks_after(&bytes);
            let bytes = self.swapped(bytes);
            for part in self.cut(&bytes) {
                self.send(&part).await?;
            }
            if breaks.is_some() {
                return breaks;
            }
        }
        None
    }

    fn has(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.connection.shared.faults.iter().any(is_it)
    }

    /// A record while they are in clear, and whatever comes after that.
    async fn read(&mut self) -> Option<Vec<u8>> {
        if self.in_clear {
            let record = timeout(PATIENCE, read_record(&mut self.from)).await.ok()??;
            self.in_clear = record[0] == HANDSHAKE && record[1] == 3;
            return Some(record);
        }
        let mut buffer = vec![0; 16 * 1024];
        let count = timeout(PATIENCE, self.from.read(&mut buffer)).await.ok()?.ok()?;
        buffer.truncate(count);
        (count > 0).then_some(buffer)
    }

    fn hidden(&self, record: &[u8]) -> Option<Hangup> {
        let is_fatal = record[0] == ALERT && record.get(5) == Some(&2);
        let faults = self.connection.shared.faults.iter();
        let mut hides = faults.filter_map(|fault| match fault {
            Fault::HidesAlerts(how) => Some(*how),
            _ => None,
        });
        hides.next().filter(|_| is_fatal)
    }

    fn fails_on(&self, record: &[u8]) -> Option<Hangup> {
        let selected = suite_of(record)?;
        self.connection.shared.faults.iter().find_map(|fault| match fault {
            Fault::FailsSuite(suite, how) if *suite == selected => Some(*how),
            _ => None,
        })
    }

    fn breaks_after(&self, record: &[u8]) -> Option<Hangup> {
        let selected = suite_of(record)?;
        self.connection.shared.faults.iter().find_map(|fault| match fault {
            Fault::BreaksSuite(suite, how) if *suite == selected => Some(*how),
            _ => None,
        })
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.connection.count_out(bytes.len());
        if self.has(|fault| *fault == Fault::SingleBytes) {
            for byte in bytes {
                self.to.write_all(&[*byte]).await.ok()?;
            }
            return Some(());
        }
        self.to.write_all(bytes).await.ok()
    }

    /// Cuts a record in clear into smaller ones (RFC 5246 §6.2.1).
    fn cut(&self, record: &[u8]) -> Vec<Vec<u8>> {
        let lengths = self.connection.shared.faults.iter().filter_map(|fault| match fault {
            Fault::Records(bytes) => Some((*bytes).max(1)),
            _ => None,
        });
        match lengths.min() {
            Some(most) if self.in_clear => {
                let parts = record[5..].chunks(most);
                parts.map(|part| [&record[..3], &length(part), part].concat()).collect()
            }
            _ => vec![record.to_vec()],
        }
    }

    fn swapped(&self, mut record: Vec<u8>) -> Vec<u8> {
        let Some(hello) = self.hello.as_ref().filter(|_| is_server_hello(&record)) else {
            return record;
        };
        let faults = self.connection.shared.faults.iter().enumerate();
        for (index, fault) in faults {
            let strikes = |one_in: &u64| self.connection.strikes(index, *one_in);
            match fault {
                Fault::SwapOffered(one_in) if strikes(one_in) => {
                    let offered = hello.suites.iter().filter(|suite| **suite != 0x00ff);
                    swap_suite(&mut record, offered);
                }
                Fault::SwapUnoffered(one_in) if strikes(one_in) => {
                    let offered = &hello.suites;
                    let others = UNOFFERED.iter().filter(|suite| !offered.contains(suite));
                    swap_suite(&mut record, others);
                }
                Fault::SwapVersion(one_in) if strikes(one_in) => swap_version(&mut record),
                _ => {}
            }
        }
        record
    }
}

fn length(part: &[u8]) -> [u8; 2] {
    u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes()
}

fn is_server_hello(record: &[u8]) -> bool {
    record[0] == HANDSHAKE && record.get(5) == Some(&0x02)
}

/// Where the suite stands in a record with a ServerHello: after the record's header, the
/// message's, the version, the random and the session id (RFC 5246 §7.4.1.3).
fn place_of_suite(record: &[u8]) -> Option<usize> {
    const SESSION_ID: usize = 5 + 4 + 2 + 32;
    Some(SESSION_ID + 1 + usize::from(*record.get(SESSION_ID)?))
}

/// The suite of a record with a ServerHello.
fn suite_of(record: &[u8]) -> Option<u16> {
    let place = place_of_suite(record).filter(|_| is_server_hello(record))?;
    let suite = record.get(place..place + 2)?;
    Some(u16::from_be_bytes([suite[0], suite[1]]))
}

/// Puts the first of `others` that is another suite of the same kind, TLS 1.3's or not.
fn swap_suite<'a>(record: &mut [u8], others: impl Iterator<Item = &'a u16>) -> Option<()> {
    let place = place_of_suite(record)?;
    let suite = record.get_mut(place..place + 2)?;
    let selected = u16::from_be_bytes([suite[0], suite[1]]);
    let is_tls13 = |suite: u16| suite >> 8 == 0x13;
    let mut others = others.filter(|other| is_tls13(**other) == is_tls13(selected));
    suite.copy_from_slice(&others.find(|other| **other != selected)?.to_be_bytes());
    Some(())
}

/// Puts the next lower version: into supported_versions where that is (RFC 8446 §4.2.1), else
/// where it was before.
fn swap_version(record: &mut [u8]) {
    const SUPPORTED_VERSIONS: [u8; 4] = [0x00, 0x2b, 0x00, 0x02];
    const LEGACY: usize = 5 + 4;
    let start = place_of_suite(record).unwrap_or(record.len()).min(record.len());
    let extension = record[start..].windows(4).position(|bytes| bytes == SUPPORTED_VERSIONS);
    let minor = extension.map_or(LEGACY, |found| start + found + 4) + 1;
    if let Some(minor) = record.get_mut(minor) {
        *minor = minor.saturating_sub(1).max(1);
    }
}
