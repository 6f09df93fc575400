//! POP3 (RFC 2595 §4): greeting, STLS.

use super::lines::line;
use super::{StartTlsFault, Step, Talk, excerpt, other};

#[derive(Debug, Default)]
pub(super) struct Pop3 {
    asked: bool,
}

impl Talk for Pop3 {
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let Some((line, length)) = line(input) else { return Ok(Step::wait()) };
        let ok = line.starts_with(b"+OK");
        match (self.asked, ok, line.starts_with(b"-ERR")) {
            (false, true, _) => {
                self.asked = true;
                Ok(Step::send(length, "STLS\r\n"))
            }
            (true, true, _) => Ok(Step::tls(length)),
            (false, _, true) => {
                Err(StartTlsFault::Refused { to: "the connection", answer: excerpt(line) })
            }
            (true, _, true) => Err(refusal(line)),
            _ => Err(other(line)),
        }
    }
}

/// Before a login, a server that has STLS takes it, unless it says that the trouble is its own
/// and may pass (RFC 3206 §4).
fn refusal(line: &[u8]) -> StartTlsFault {
    let answer = excerpt(line);
    if answer.contains("[SYS/TEMP]") {
        return StartTlsFault::Refused { to: "STLS", answer };
    }
    StartTlsFault::NotOffered { answer: Some(answer) }
}
