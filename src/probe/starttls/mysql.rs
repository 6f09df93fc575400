//! MySQL and MariaDB: the server's greeting, SSLRequest, and TLS at once.
//!
//! MySQL documentation, Client/Server Protocol: Protocol::HandshakeV10, Protocol::SSLRequest,
//! ERR_Packet.

use super::{StartTlsFault, Step, Talk, Turn, excerpt, other};

/// Flags of capabilities.
const CLIENT_PROTOCOL_41: u32 = 0x0200;
const CLIENT_SSL: u32 = 0x0800;
const CLIENT_SECURE_CONNECTION: u32 = 0x8000;
const CLIENT_PLUGIN_AUTH: u32 = 0x0008_0000;

/// The largest packet that we would take, which none will reach.
const MAX_PACKET: u32 = 1 << 24;
/// utf8mb4_general_ci.
const CHARACTER_SET: u8 = 45;

#[derive(Debug)]
pub(super) struct Mysql;

impl Talk for Mysql {
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let Some(head) = input.get(..4) else { return Ok(Step::wait()) };
        let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
        if length == 0 || length > super::LIMIT {
            return Err(other(input));
        }
        // The kind comes first, so that others are not waited for.
        match input.get(4) {
            None => return Ok(Step::wait()),
            Some(0x0a | 0xff) => {}
            Some(_) => return Err(other(input)),
        }
        let Some(packet) = input.get(4..4 + length) else { return Ok(Step::wait()) };
        if packet[0] == 0xff {
            return Err(error(packet));
        }
        let capabilities = capabilities(packet).ok_or_else(|| other(input))?;
        if capabilities & CLIENT_SSL == 0 {
            return Err(StartTlsFault::NotOffered { answer: None });
        }
        Ok(Step { used: 4 + length, turn: Turn::Tls(ssl_request(capabilities)) })
    }
}

/// The capabilities in a greeting: after the version's text, the thread, a part of the scramble
/// and a zero come the lower two bytes; after character set and status the upper two.
fn capabilities(packet: &[u8]) -> Option<u32> {
    let rest = &packet[1..];
    let end = rest.iter().position(|byte| *byte == 0)?;
    let fields = &rest[end + 1..];
    let lower = fields.get(13..15)?;
    let upper = fields.get(18..20).unwrap_or(&[0, 0]);
    Some(u32::from_le_bytes([lower[0], lower[1], upper[0], upper[1]]))
}

fn ssl_request(server: u32) -> Vec<u8> {
    let wanted = CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH;
    let mut packet = vec![32, 0, 0, 1];
    packet.extend((server & wanted | CLIENT_SSL).to_le_bytes());
    packet.extend(MAX_PACKET.to_le_bytes());
    packet.push(CHARACTER_SET);
    packet.extend([0; 23]);
    packet
}

/// Number, perhaps `#` and a state of five letters, and the message.
fn error(packet: &[u8]) -> StartTlsFault {
    let text = packet.get(3..).unwrap_or_default();
    let text = match text {
        [b'#', rest @ ..] => rest.get(5..).unwrap_or_default(),
        text => text,
    };
    StartTlsFault::Refused { to: "the connection", answer: excerpt(text) }
}
