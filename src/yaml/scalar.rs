//! What scalars are read as.
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
