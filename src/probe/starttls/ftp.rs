//! FTP (RFC 4217 §4): greeting, AUTH TLS.

use super::lines::Reply;
use super::{StartTlsFault, Step, Talk};

#[derive(Debug, Default)]
pub(super) struct Ftp {
    asked: bool,
}

impl Talk for Ftp {
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let Some(reply) = Reply::read(input)? else { return Ok(Step::wait()) };
        match (self.asked, reply.code) {
            // Preliminary: the server will be ready soon (RFC 959 §4.2).
            (_, 100..=199) => Ok(Step::skip(reply.length)),
            (false, 220) => {
                self.asked = true;
                Ok(Step::send(reply.length, "AUTH TLS\r\n"))
            }
            (false, _) => Err(reply.refusal("the connection")),
            (true, 234) => Ok(Step::tls(reply.length)),
            // Unknown, not implemented, not this mechanism, not without a login: RFC 4217 §4 and
            // what servers without TLS are seen to answer.
            (true, 500 | 502 | 504 | 530 | 534) => {
                Err(StartTlsFault::NotOffered { answer: Some(reply.text()) })
            }
            (true, _) => Err(reply.refusal("AUTH TLS")),
        }
    }
}
