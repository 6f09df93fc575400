//! Whether hellos are too long for a server, told from everything else by a control of the same
//! size: one that offers a suite which is known to be accepted, among others, and is padded.
//!
//! Servers and middleboxes exist that drop hellos of more than 255 or 511 bytes (RFC 7685 §1) or
//! with more than 64 or 128 suites.

use super::evidence::{HelloSize, Oddity};
use super::hello::{Extensions, Manner, Subject, Tls13Share, suite_hello};
use crate::probe::{Outcome, Prober};
use crate::tls::{CipherSuite, TlsVersion};
use crate::wire::{ClientHello, Extension};

/// How often a control of the same size must stay without an answer.
const CONFIRMATIONS: usize = 2;
/// Where to look for the limit: bytes, longest first.
const BYTES: [usize; 9] = [1500, 1023, 511, 400, 255, 220, 180, 150, 120];
/// And suites, most first.
const SUITES: [usize; 6] = [48, 32, 24, 16, 8, 4];
/// At and below this length, hellos go without most groups and schemes to have room for suites.
const TIGHT_BYTES: usize = 220;

/// A version and a suite of it that the server is known to accept.
pub(super) type Known = (TlsVersion, CipherSuite);

/// The sizes of hellos that were answered.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    answered: Vec<HelloSize>,
}

impl Sizes {
    pub(super) fn note_answered(&mut self, size: HelloSize) {
        if !self.cover(size) {
            self.answered.retain(|old| !covers(size, *old));
            self.answered.push(size);
        }
    }

    /// Whether a hello at least as big in every way was answered.
    pub(super) fn cover(&self, size: HelloSize) -> bool {
        self.answered.iter().any(|answered| covers(*answered, size))
    }
}

fn covers(big: HelloSize, small: HelloSize) -> bool {
    big.bytes >= small.bytes && big.suites >= small.suites
}

pub(super) fn size(hello: &ClientHello) -> HelloSize {
    let bytes = hello.encode_message().map_or(0, |message| message.len());
    HelloSize { bytes, suites: hello.cipher_suites.len() }
}

/// What controls of many sizes have shown.
pub(super) enum Limit {
    /// The size was not what mattered.
    None,
    /// It was: hellos must be made in this manner.
    Found(Manner, Oddity),
    /// It seems to be, and no smaller size is answered.
    Unknown,
}

/// Finds out whether hellos of this size are left unanswered, and if so, which are not.
pub(super) async fn find_limit(
    prober: &Prober,
    subject: &Subject,
    known: Known,
    unanswered: HelloSize,
) -> Limit {
    let fits = Probe { prober, subject, known };
    for _ in 0..CONFIRMATIONS {
        if fits.answers(unanswered).await {
            return Limit::None;
        }
    }
    // The same length with one suite: if that is answered, the number of suites matters.
    let manner = subject.manner;
    if fits.answers(HelloSize { suites: 2, ..unanswered }).await {
        for suites in SUITES.into_iter().filter(|suites| *suites < unanswered.suites) {
            let answered = HelloSize { suites, ..unanswered };
            if fits.answers(answered).await {
                let manner = Manner { most_suites: suites, ..manner };
                return Limit::Found(manner, Oddity::LongHello { unanswered, answered });
            }
        }
        return Limit::Unknown;
    }
    for bytes in BYTES.into_iter().filter(|bytes| *bytes < unanswered.bytes) {
        let answered = HelloSize { bytes, suites: 2 };
        if fits.answers(answered).await {
            let manner = in_bytes(manner, bytes);
            return Limit::Found(manner, Oddity::LongHello { unanswered, answered });
        }
    }
    Limit::Unknown
}

/// The manner that keeps hellos within so many bytes.
pub(super) fn in_bytes(manner: Manner, bytes: usize) -> Manner {
    let tight = bytes <= TIGHT_BYTES && manner.extensions == Extensions::Usual;
    let extensions = if tight { Extensions::Few } else { manner.extensions };
    Manner { most_bytes: bytes, extensions, ..manner }
}

struct Probe<'a> {
    prober: &'a Prober,
    subject: &'a Subject,
    known: Known,
}

impl Probe<'_> {
    async fn answers(&self, size: HelloSize) -> bool {
        let hello = self.hello(size);
        let outcome = self.prober.ask_within(&hello, self.prober.control_patience()).await;
        matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_))
    }

    /// A hello of this size that offers the known suite, and others that stand for room alone.
    fn hello(&self, size: HelloSize) -> ClientHello {
        let manner = in_bytes(self.subject.manner, size.bytes);
        let (version, suite) = self.known;
        let subject = self.subject.in_manner(manner);
        let mut hello = suite_hello(&subject, version, &[suite], Tls13Share::default());
        let fillers = CipherSuite::registered()
            .filter(|filler| filler.is_tls13() == suite.is_tls13() || suite.is_tls13());
        let missing = size.suites.saturating_sub(hello.cipher_suites.len());
        // Ahead of them, so that a server which follows the client selects what is known.
        hello.cipher_suites.splice(1..1, fillers.filter(|filler| *filler != suite).take(missing));
        pad(&mut hello, size.bytes);
        hello
    }
}

/// Pads to a length, if the hello is shorter by the header of an extension or more.
pub(super) fn pad(hello: &mut ClientHello, bytes: usize) {
    const HEADER: usize = 4;
    let length = size(hello).bytes;
    // The block of extensions has a length of its own, which goes missing with the last of them.
    let block = if hello.extensions.is_empty() { 2 } else { 0 };
    if let Some(missing) = bytes.checked_sub(length + HEADER + block)
        && let Ok(missing) = u16::try_from(missing)
    {
        hello.extensions.push(Extension::Padding(missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_covered_only_by_one_that_is_as_big_in_every_way() {
        let mut sizes = Sizes::default();
        sizes.note_answered(HelloSize { bytes: 240, suites: 10 });
        sizes.note_answered(HelloSize { bytes: 150, suites: 40 });
        assert!(sizes.cover(HelloSize { bytes: 200, suites: 10 }));
        assert!(sizes.cover(HelloSize { bytes: 150, suites: 30 }));
        assert!(!sizes.cover(HelloSize { bytes: 200, suites: 30 }));
    }
}
