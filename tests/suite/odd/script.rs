//! Relays that change what passes, and answers built by hand.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use crate::support::servers::relay::{carry_on, first_record, reset};
use crate::support::servers::{Scripted, Server};

/// Relays to a server whose first record `change` rewrites, given the client's; `None` resets.
pub(super) fn rewrites(
    to: SocketAddr,
    change: impl Fn(&[u8], Vec<u8>) -> Option<Vec<u8>> + Clone + Send + 'static,
) -> Server {
    Scripted::start(move |mut client| {
        let Some(hello) = first_record(&mut client) else { return };
        let Ok(mut server) = TcpStream::connect(to) else { return };
        if server.write_all(&hello).is_err() {
            return;
        }
        let Some(answer) = first_record(&mut server) else { return };
        let Some(answer) = change(&hello, answer) else { return reset(client) };
        if client.write_all(&answer).is_ok() {
            let _ = std::io::copy(&mut server, &mut client);
        }
    })
}

/// Relays what `lets_through` has nothing against and resets the rest.
pub(super) fn refuses(
    to: SocketAddr,
    lets_through: impl Fn(&[u8]) -> bool + Clone + Send + 'static,
) -> Server {
    Scripted::start(move |mut client| {
        let Some(hello) = first_record(&mut client) else { return };
        if lets_through(&hello) { carry_on(client, to, &hello) } else { reset(client) }
    })
}

/// Answers every hello by `answer`, and closes where that has none.
pub(super) fn answers(
    answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Clone + Send + 'static,
) -> Server {
    Scripted::start(move |mut client| {
        let Some(hello) = first_record(&mut client) else { return };
        if let Some(bytes) = answer(&hello) {
            let _ = client.write_all(&bytes);
        }
    })
}

/// A ServerHello in its record, with extensions as they travel (RFC 5246 §7.4.1.3).
pub(super) fn server_hello(version: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = [&version.to_be_bytes()[..], &[7; 32], &[0]].concat();
    body.extend([suite.to_be_bytes().as_slice(), &[0]].concat());
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).expect("few").to_be_bytes());
        body.extend(extensions);
    }
    let length = u8::try_from(body.len()).expect("a short message");
    let message = [&[2, 0, 0, length][..], &body].concat();
    let length = u16::try_from(message.len()).expect("a short record").to_be_bytes();
    [&[22, 3, 3][..], &length, &message].concat()
}

/// A fatal alert in its record.
pub(super) fn alert(description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, description]
}

/// Where the fields of a hello of either side begin, behind the session id.
pub(super) fn behind_session_id(record: &[u8]) -> usize {
    const SESSION_ID: usize = 5 + 4 + 2 + 32;
    SESSION_ID + 1 + usize::from(record[SESSION_ID])
}

/// The suites that a ClientHello offers.
pub(super) fn suites(hello: &[u8]) -> Vec<u16> {
    let rest = &hello[behind_session_id(hello)..];
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    rest[2..2 + length].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

/// The compression methods that a ClientHello offers.
pub(super) fn compressions(hello: &[u8]) -> Vec<u8> {
    let start = behind_session_id(hello) + 2 + 2 * suites(hello).len();
    hello[start + 1..start + 1 + usize::from(hello[start])].to_vec()
}

/// Whether this is a hello of SSL 2.0.
pub(super) fn is_ssl2(hello: &[u8]) -> bool {
    hello[0] & 0x80 != 0
}

/// Whether this record is a ServerHello.
pub(super) fn is_server_hello(record: &[u8]) -> bool {
    record[0] == 22 && record[5] == 2
}

/// The same ServerHello without one of its extensions.
pub(super) fn without_extension(record: &[u8], number: u16) -> Vec<u8> {
    let start = behind_session_id(record) + 3;
    let message = 9 + usize::from(u16::from_be_bytes([record[7], record[8]]));
    let mut kept = Vec::new();
    let mut rest = &record[start + 2..message];
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) != number {
            kept.extend([head, &tail[..length]].concat());
        }
        rest = &tail[length..];
    }
    let gone = message - start - 2 - kept.len();
    let mut changed = record[..start].to_vec();
    changed.extend(u16::try_from(kept.len()).expect("few").to_be_bytes());
    changed.extend(kept);
    changed.extend(&record[message..]);
    for place in [3, 7] {
        let length = u16::from_be_bytes([changed[place], changed[place + 1]]);
        let length = length - u16::try_from(gone).expect("few");
        changed[place..place + 2].copy_from_slice(&length.to_be_bytes());
    }
    changed
}
