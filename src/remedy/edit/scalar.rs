//! Scalars: what `kubectl` reads them as, and how to write them so that every reader agrees.
//!
//! `kubectl` reads YAML through sigs.k8s.io/yaml, whose `goyaml.v2/resolve.go` is YAML 1.1 in
//! part: `yes`, `on` and `y` are booleans, `010` is eight.

use granit_parser::ScalarStyle;
use serde_json::{Number, Value};

/// The value of a scalar. Numbers that JSON does not have (`.inf`) stay strings.
pub(super) fn value(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    let is_string = match tag {
        Some("!!str" | "!!binary" | "!") => true,
        Some("!!int" | "!!float" | "!!bool" | "!!null") => false,
        _ => style != ScalarStyle::Plain,
    };
    if is_string { Value::String(text.to_owned()) } else { plain(text) }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let number = if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        let digits = text.replace('_', "");
        integer(&digits).or_else(|| float(&digits))
    } else if text.starts_with('.') {
        float(text)
    } else {
        None
    };
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn integer(text: &str) -> Option<Number> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if is_negative {
        0_i64.checked_sub_unsigned(magnitude).map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

fn float(text: &str) -> Option<Number> {
    let is_number = text.chars().all(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
    is_number.then(|| text.parse().ok().and_then(Number::from_f64)).flatten()
}

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
