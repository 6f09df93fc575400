//! PostgreSQL: SSLRequest, answered with one byte.
//!
//! PostgreSQL documentation, Frontend/Backend Protocol, "SSL Session Encryption".

use super::{StartTlsFault, Step, Talk, excerpt, other};

/// Length and code of the SSLRequest message.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

#[derive(Debug)]
pub(super) struct Postgres;

impl Talk for Postgres {
    fn opening(&self) -> Vec<u8> {
        SSL_REQUEST.to_vec()
    }

    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        match input {
            [b'S'] => Ok(Step::tls(1)),
            // SSH greets with this letter, and nothing of PostgreSQL's does.
            [b'S', b'S', ..] => Err(other(input)),
            // More than the letter: see CVE-2021-23222.
            [b'S', ..] => Err(StartTlsFault::OutOfTurn),
            [b'N', ..] => Err(StartTlsFault::NotOffered { answer: None }),
            [b'E', ..] => error_response(input),
            _ => Err(other(input)),
        }
    }
}

/// An ErrorResponse: its length, then fields of a letter and a text that ends with 0.
fn error_response(input: &[u8]) -> Result<Step, StartTlsFault> {
    let Some(length) = input.get(1..5) else { return Ok(Step::wait()) };
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !(4..super::LIMIT).contains(&length) {
        return Err(other(input));
    }
    let Some(fields) = input.get(5..=length) else { return Ok(Step::wait()) };
    let message = fields.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"M"));
    let answer = excerpt(message.unwrap_or(fields));
    Err(StartTlsFault::Refused { to: "SSLRequest", answer })
}
