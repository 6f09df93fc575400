//! IMAP (RFC 9051 §6.2.1, and RFC 3501 before it): greeting, CAPABILITY, STARTTLS.

use super::lines::line;
use super::{StartTlsFault, Step, Talk, excerpt, other};

#[derive(Debug, Default)]
pub(super) struct Imap {
    state: State,
    offered: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Greeting,
    Capability,
    StartTls,
}

impl Talk for Imap {
    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let Some((line, length)) = line(input) else { return Ok(Step::wait()) };
        match self.state {
            State::Greeting => self.greeted(line, length),
            State::Capability => self.told_capabilities(line, length),
            State::StartTls if !has_tag(line, b"b") => Ok(Step::skip(length)),
            State::StartTls if status(line) == b"OK" => Ok(Step::tls(length)),
            State::StartTls => {
                Err(StartTlsFault::Refused { to: "STARTTLS", answer: excerpt(line) })
            }
        }
    }
}

impl Imap {
    fn greeted(&mut self, line: &[u8], length: usize) -> Result<Step, StartTlsFault> {
        if !has_tag(line, b"*") {
            return Err(other(line));
        }
        if status(line) == b"OK" {
            // Many say what they can at once, which saves a round trip.
            return Ok(if offers(line) { self.ask(length) } else { self.list(length) });
        }
        let refuses = matches!(&*status(line), b"BYE" | b"PREAUTH");
        Err(match refuses {
            true => StartTlsFault::Refused { to: "the connection", answer: excerpt(line) },
            false => other(line),
        })
    }

    fn told_capabilities(&mut self, line: &[u8], length: usize) -> Result<Step, StartTlsFault> {
        if has_tag(line, b"*") {
            self.offered |= status(line) == b"CAPABILITY" && offers(line);
            return Ok(Step::skip(length));
        }
        if !has_tag(line, b"a") {
            return Err(other(line));
        }
        match (&*status(line), self.offered || offers(line)) {
            (b"OK", true) => Ok(self.ask(length)),
            (b"OK", false) => Err(StartTlsFault::NotOffered { answer: None }),
            _ => Err(StartTlsFault::Refused { to: "CAPABILITY", answer: excerpt(line) }),
        }
    }

    fn list(&mut self, used: usize) -> Step {
        self.state = State::Capability;
        Step::send(used, "a CAPABILITY\r\n")
    }

    fn ask(&mut self, used: usize) -> Step {
        self.state = State::StartTls;
        Step::send(used, "b STARTTLS\r\n")
    }
}

/// Whether a line begins with this tag.
fn has_tag(line: &[u8], tag: &[u8]) -> bool {
    line.split(|byte| *byte == b' ').next() == Some(tag)
}

/// The word after the tag, in capitals.
fn status(line: &[u8]) -> Vec<u8> {
    let word = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    word.to_ascii_uppercase()
}

/// Whether STARTTLS is among the words.
fn offers(line: &[u8]) -> bool {
    let mut words = line.split(|byte| matches!(byte, b' ' | b'[' | b']'));
    words.any(|word| word.eq_ignore_ascii_case(b"STARTTLS"))
}
