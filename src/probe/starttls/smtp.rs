//! SMTP and LMTP (RFC 3207, RFC 2033): greeting, EHLO or LHLO, STARTTLS.

use super::lines::Reply;
use super::{StartTlsFault, Step, Talk};

/// What we are called: a name that nobody can have (RFC 2606 §2), and a full one, on which some
/// servers insist.
const OWN_NAME: &str = "cipher-test.invalid";

#[derive(Debug)]
pub(super) struct Smtp {
    hello: &'static str,
    state: State,
}

#[derive(Debug)]
enum State {
    Greeting,
    Hello,
    StartTls,
}

impl Smtp {
    pub(super) fn mail() -> Self {
        Self { hello: "EHLO", state: State::Greeting }
    }

    pub(super) fn local_delivery() -> Self {
        Self { hello: "LHLO", state: State::Greeting }
    }
}

impl Talk for Smtp {
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let Some(reply) = Reply::read(input)? else { return Ok(Step::wait()) };
        match (&self.state, reply.code) {
            (State::Greeting, 220) => {
                self.state = State::Hello;
                Ok(Step::send(reply.length, format!("{} {OWN_NAME}\r\n", self.hello)))
            }
            (State::Greeting, _) => Err(reply.refusal("the connection")),
            (State::Hello, 250) if offers(&reply) => {
                self.state = State::StartTls;
                Ok(Step::send(reply.length, "STARTTLS\r\n"))
            }
            (State::Hello, 250) => Err(StartTlsFault::NotOffered { answer: None }),
            (State::Hello, _) => Err(reply.refusal(self.hello)),
            (State::StartTls, 220) => Ok(Step::tls(reply.length)),
            (State::StartTls, _) => Err(reply.refusal("STARTTLS")),
        }
    }
}

/// Whether one of the extensions is STARTTLS; the first line has none.
fn offers(reply: &Reply<'_>) -> bool {
    let keywords = reply.lines.iter().skip(1).filter_map(|line| line.get(4..));
    keywords.map(<[u8]>::trim_ascii).any(|keyword| keyword.eq_ignore_ascii_case(b"STARTTLS"))
}
