//! Scalars as text that every reader agrees on.

use granit_parser::ScalarStyle;
use serde_json::Value;

/// A scalar (or an empty collection) as text.
///
/// With `quotes`, strings stand in the quotes of the strings around; otherwise they are plain
/// where no reader takes them for anything else.
pub(super) fn text(value: &Value, quotes: Option<ScalarStyle>) -> String {
    let Value::String(string) = value else { return value.to_string() };
    let is_printable = string.chars().all(is_printable);
    match quotes {
        Some(ScalarStyle::DoubleQuoted) => double_quoted(string),
        _ if !is_printable => double_quoted(string),
        Some(ScalarStyle::SingleQuoted) => single_quoted(string),
        _ if is_plain(string) => string.clone(),
        _ => single_quoted(string),
    }
}

fn single_quoted(string: &str) -> String {
    format!("'{}'", string.replace('\'', "''"))
}

/// In double quotes, as JSON has it, with all escaped that YAML calls unprintable.
pub(super) fn double_quoted(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    for c in Value::from(string).to_string().chars() {
        if is_printable(c) {
            text.push(c);
        } else {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    text
}

/// What YAML 1.1 and 1.2 both print in a line.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether a string can go without quotes: rather too few than too many.
fn is_plain(string: &str) -> bool {
    const WORDS: [&str; 11] =
        ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    let is_word = WORDS.iter().any(|word| string.eq_ignore_ascii_case(word));
    string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && string.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+@".contains(c))
        && !is_word
}
