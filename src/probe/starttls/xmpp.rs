//! XMPP (RFC 6120 §5): stream header, features, starttls.

use quick_xml::NsReader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};

use super::{StartTlsFault, Step, Talk, excerpt, other};

const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

#[derive(Debug)]
pub(super) struct Xmpp {
    /// The namespace of the stream.
    content: &'static str,
    to: String,
    asked: bool,
}

impl Xmpp {
    pub(super) fn client(to: &str) -> Self {
        Self { content: "jabber:client", to: to.to_owned(), asked: false }
    }

    pub(super) fn server(to: &str) -> Self {
        Self { content: "jabber:server", to: to.to_owned(), asked: false }
    }
}

impl Talk for Xmpp {
    fn opening(&self) -> Vec<u8> {
        let to = quick_xml::escape::escape(self.to.as_str());
        let text = format!(
            "<?xml version='1.0'?><stream:stream xmlns='{}' \
             xmlns:stream='http://etherx.jabber.org/streams' to='{to}' version='1.0'>",
            self.content
        );
        text.into_bytes()
    }

    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        let text = text(input).ok_or_else(|| other(input))?;
        if !text.trim_start().is_empty() && !text.trim_start().starts_with('<') {
            return Err(other(input));
        }
        let mut xml = Xml { reader: NsReader::from_str(text), length: text.len() };
        let found = if self.asked { answer(&mut xml) } else { features(&mut xml) };
        match found.map_err(|fault| fault.unwrap_or_else(|| other(input)))? {
            Found::Nothing => Ok(Step::wait()),
            Found::Features { offers: true, length } => {
                self.asked = true;
                Ok(Step::send(length, STARTTLS))
            }
            Found::Features { offers: false, .. } => {
                Err(StartTlsFault::NotOffered { answer: None })
            }
            Found::Proceed { length } => Ok(Step::tls(length)),
        }
    }
}

/// As much as is whole: a character may be cut off at the end.
fn text(input: &[u8]) -> Option<&str> {
    match std::str::from_utf8(input) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_some() => None,
        Err(error) => std::str::from_utf8(&input[..error.valid_up_to()]).ok(),
    }
}

enum Found {
    Nothing,
    Features { offers: bool, length: usize },
    Proceed { length: usize },
}

/// Why there is nothing; the inner `None` stands for what is not XMPP.
type Fault = Option<StartTlsFault>;

/// Reads the server's stream header and features.
fn features(xml: &mut Xml<'_>) -> Result<Found, Fault> {
    let (mut offers, mut is_stream) = (false, false);
    while let Some((is_tls, event)) = xml.next()? {
        let (tag, is_empty) = match &event {
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            Event::End(tag) if tag.local_name().as_ref() == "features" => {
                return Ok(Found::Features { offers, length: xml.position() });
            }
            _ => continue,
        };
        match tag.local_name().as_ref() {
            "stream" => is_stream = true,
            _ if !is_stream => return Err(None),
            "features" if is_empty => {
                return Ok(Found::Features { offers, length: xml.position() });
            }
            "starttls" if is_tls => offers = true,
            "error" => return xml.stream_error(),
            _ => {}
        }
    }
    Ok(Found::Nothing)
}

/// Reads what the server makes of `<starttls/>`.
fn answer(xml: &mut Xml<'_>) -> Result<Found, Fault> {
    while let Some((is_tls, event)) = xml.next()? {
        let (tag, is_empty) = match &event {
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            _ => continue,
        };
        return match tag.local_name().as_ref() {
            "proceed" if is_tls && is_empty => Ok(Found::Proceed { length: xml.position() }),
            // The end tag belongs to the answer.
            "proceed" if is_tls => match xml.next()? {
                Some((_, Event::End(_))) => Ok(Found::Proceed { length: xml.position() }),
                Some(_) => Err(Some(StartTlsFault::OutOfTurn)),
                None => Ok(Found::Nothing),
            },
            "failure" => {
                let answer = "failure".to_owned();
                Err(Some(StartTlsFault::Refused { to: "STARTTLS", answer }))
            }
            "error" => xml.stream_error(),
            _ => Err(None),
        };
    }
    Ok(Found::Nothing)
}

/// XML of which the end may be missing.
struct Xml<'a> {
    reader: NsReader<&'a [u8]>,
    length: usize,
}

impl<'a> Xml<'a> {
    /// The next event, and whether its element is of the namespace of STARTTLS; `None` if the
    /// input ends before the event does.
    fn next(&mut self) -> Result<Option<(bool, Event<'a>)>, Fault> {
        match self.reader.read_resolved_event() {
            Ok((_, Event::Eof)) => Ok(None),
            Ok((namespace, event)) => {
                let is_tls = namespace == ResolveResult::Bound(Namespace(TLS));
                // A text that reaches the end may go on.
                let may_go_on = matches!(event, Event::Text(_)) && self.position() == self.length;
                Ok((!may_go_on).then_some((is_tls, event)))
            }
            Err(Error::Syntax(fault)) if fault != SyntaxError::InvalidBangMarkup => Ok(None),
            Err(_) => Err(None),
        }
    }

    /// The condition of a stream error is its first element (RFC 6120 §4.9).
    fn stream_error(&mut self) -> Result<Found, Fault> {
        while let Some((_, event)) = self.next()? {
            if let Event::Start(tag) | Event::Empty(tag) = event {
                let answer = excerpt(tag.local_name().as_ref().as_bytes());
                return Err(Some(StartTlsFault::Refused { to: "the stream", answer }));
            }
        }
        Ok(Found::Nothing)
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }
}
