//! One line, made readable: without colours and control characters, and with its time taken off.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

/// How much of a line is ever shown, in characters.
pub(super) const SHOWN: usize = 200;

/// The bytes as text, without the line's ending, NUL, escape sequences and other control characters but the tab.
pub(super) fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes));
    let odd = |letter: char| letter != '\t' && (letter.is_control() || turns_text(letter));
    let is_plain = match text.is_ascii() {
        true => !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'),
        false => !text.contains(odd),
    };
    if is_plain {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            skip_sequence(&mut letters);
        } else if !odd(letter) {
            clean.push(letter);
        }
    }
    Cow::Owned(clean)
}

/// Whether this changes the direction of text, and so could make one read as another.
pub(crate) fn turns_text(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// An escape sequence up to its final letter (ECMA-48): colours are `[`, numbers, `m`.
fn skip_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if letters.next_if_eq(&'[').is_none() {
        return;
    }
    while letters.next_if(|letter| ('\u{20}'..='\u{3f}').contains(letter)).is_some() {}
    letters.next_if(|letter| ('\u{40}'..='\u{7e}').contains(letter));
}

/// Whether a text may hold what must not be repeated: a key, or a header with credentials.
pub(super) fn is_secret(text: &str) -> bool {
    const MARKS: [&str; 5] =
        ["private key", "privatekey", "authorization", "bearer ", "set-cookie"];
    let lower = text.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
}

/// At most [`SHOWN`] characters of a text, on one line, from near `at` on.
pub(super) fn excerpt(text: &str, at: usize) -> String {
    const BEFORE: usize = 60;
    let total = text.chars().count();
    let begin = match text.get(..at).map_or(0, |before| before.chars().count()) {
        _ if total <= SHOWN => 0,
        before => before.saturating_sub(BEFORE).min(total - SHOWN),
    };
    let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
    let cut: String = text.chars().skip(begin).take(SHOWN).map(shown).collect();
    let (before, after) =
        (if begin > 0 { "…" } else { "" }, if begin + SHOWN < total { "…" } else { "" });
    format!("{before}{}{after}", cut.trim())
}

/// The time that a line begins with, to the second, such as `2026-08-20T10:00:00Z`: of Envoy's
/// logs, of `kubectl logs --timestamps`, with or without brackets.
pub(super) fn time_of(line: &str) -> Option<String> {
    // Behind `[pod/NAME/CONTAINER]` of `kubectl logs --prefix`, if that is there.
    let line = match line.starts_with("[pod/") {
        true => line.split_once(']')?.1.trim_start(),
        false => line,
    };
    read_time(line.trim_start_matches(['[', ' ', '"']))
}

/// A time in a field of a JSON line: a text, or seconds since 1970.
pub(super) fn time_in(value: &serde_json::Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return read_time(text);
    }
    let seconds = value.as_f64().filter(|seconds| (1e9..1e10).contains(seconds))?;
    let time = UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds.floor()).ok()?)?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// `2026-08-20T10:00:00` or the same with a blank; fractions are left out, and an offset kept.
fn read_time(text: &str) -> Option<String> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let (between, clock) = (rest.get(..1)?, rest.get(1..9)?);
    let shape = |text: &str, shape: &str| {
        text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
    };
    if !shape(date, "0000-00-00") || !shape(clock, "00:00:00") || !matches!(between, "T" | " ") {
        return None;
    }
    let rest = rest
        .get(9..)?
        .trim_start_matches(|letter: char| letter.is_ascii_digit() || ".,".contains(letter));
    let offset = rest.get(..6).filter(|offset| shape(offset, "+00:00") || shape(offset, "-00:00"));
    Some(format!("{date}T{clock}{}", offset.unwrap_or("Z")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn colours_and_control_characters_go() {
        let line = b"\x1b[31m\x1b[1;4mTLS\x1b[0m er\0ror\x07:\t1\x1b\xff\r\n";
        assert_eq!(clean(line), "TLS error:\t1\u{fffd}");
        assert!(matches!(clean(b"plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn times_of_all_logs_are_read() {
        for (line, time) in [
            ("[2026-11-23T02:28:10.295Z] \"GET", "2026-11-23T02:28:10Z"),
            ("[2026-11-23 02:28:10.295][6111][warning]", "2026-11-23T02:28:10Z"),
            ("2026-11-23T02:28:10.295123456Z {\"a\":1}", "2026-11-23T02:28:10Z"),
            ("2026-11-23T02:28:10+02:00 x", "2026-11-23T02:28:10+02:00"),
            ("[pod/gloo-1/gloo] 2026-11-23T02:28:10.1Z x", "2026-11-23T02:28:10Z"),
        ] {
            assert_eq!(time_of(line).as_deref(), Some(time), "{line}");
        }
        for none in ["", "[", "2026-11-23", "2026-11-23T0é:28:10Z", "[pod/x"] {
            assert_eq!(time_of(none), None, "{none}");
        }
        assert_eq!(time_in(&json!(1_600_000_000.5)).as_deref(), Some("2020-09-13T12:26:40Z"));
        assert_eq!(time_in(&json!(-1)), None);
    }

    #[test]
    fn excerpts_are_short_and_in_place() {
        let text = format!("{}TLS error{}", "é".repeat(500), "x".repeat(500));
        let cut = excerpt(&text, 1000);
        assert!(cut.chars().count() <= SHOWN + 2 && cut.contains("TLS error"), "{cut}");
        assert_eq!(excerpt("short\ntext", 3), "short text");
    }

    #[test]
    fn secrets_are_seen() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----",
            "Authorization: x",
            "\"authorization\":",
            "Bearer x",
        ] {
            assert!(is_secret(text), "{text}");
        }
        assert!(!is_secret("TLS error: Secret is not supplied by SDS"));
    }
}
