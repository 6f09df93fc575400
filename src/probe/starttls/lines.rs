//! Lines, and the numbered replies of SMTP and FTP.

use super::{StartTlsFault, other};

/// The first line of `input` without its end, and its length with it. `None` if it has not ended.
pub(super) fn line(input: &[u8]) -> Option<(&[u8], usize)> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let line = &input[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// A reply of one or several lines (RFC 5321 §4.2, RFC 959 §4.2).
#[derive(Debug)]
pub(super) struct Reply<'a> {
    /// Its number.
    pub(super) code: u16,
    /// Its lines, with the number.
    pub(super) lines: Vec<&'a [u8]>,
    /// Its length.
    pub(super) length: usize,
}

impl<'a> Reply<'a> {
    /// Reads the reply that `input` begins with. `None` if it has not ended.
    ///
    /// # Errors
    ///
    /// If it begins with something that is no reply.
    pub(super) fn read(input: &'a [u8]) -> Result<Option<Self>, StartTlsFault> {
        let Some((first, mut length)) = line(input) else { return Ok(None) };
        let (code, mut goes_on) = head(first).ok_or_else(|| other(first))?;
        let mut lines = vec![first];
        while goes_on {
            let Some((next, used)) = line(&input[length..]) else { return Ok(None) };
            lines.push(next);
            length += used;
            // FTP allows any text between the first line and the last.
            goes_on = head(next).is_none_or(|(number, more)| number != code || more);
        }
        Ok(Some(Self { code, lines, length }))
    }

    /// The last line, which has the reason where there are several.
    pub(super) fn text(&self) -> String {
        super::excerpt(self.lines.last().copied().unwrap_or_default())
    }

    /// The refusal that it amounts to.
    pub(super) fn refusal(&self, to: &'static str) -> StartTlsFault {
        StartTlsFault::Refused { to, answer: self.text() }
    }
}

/// The number of a line, and whether others follow it.
fn head(line: &[u8]) -> Option<(u16, bool)> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match rest {
        [] | [b' ', ..] => Some((code, false)),
        [b'-', ..] => Some((code, true)),
        _ => None,
    }
}
