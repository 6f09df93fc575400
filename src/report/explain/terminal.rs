//! Explanations for people: what it means, whose it is, why, and what to run next.

use std::fmt::Write as _;

use colored::{ColoredString, Colorize};

use crate::envoy::failure::{Gravity, TlsError};
use crate::gloo::symptom::{Explained, Explanation, Occurrences};

/// How many subjects and addresses of one symptom are shown; JSON has them all.
const SUBJECTS: usize = 10;
const ADDRESSES: usize = 3;

/// Renders what was seen.
#[must_use]
pub fn render(explained: &Explained) -> String {
    let mut out = String::new();
    for (index, explanation) in explained.explanations.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        symptom(&mut out, explanation);
    }
    out
}

fn symptom(out: &mut String, explanation: &Explanation) {
    let known = explanation.symptom;
    let code = format!("[{}]", known.code).dimmed();
    let _ = writeln!(out, "{} {} {code}", mark(known.gravity), known.meaning.bold());
    for occurrences in explanation.occurrences.iter().take(SUBJECTS) {
        let _ = writeln!(out, "    {}", whose(occurrences));
    }
    let more = explanation.occurrences.len().saturating_sub(SUBJECTS);
    if more > 0 {
        let _ = writeln!(out, "    and {more} more");
    }
    for (index, error) in explanation.errors.iter().enumerate() {
        field(out, if index == 0 { "error" } else { "" }, &error_words(error));
    }
    for (index, cause) in known.causes.iter().enumerate() {
        let text = if known.causes.len() > 1 {
            format!("{}. {cause}", index + 1)
        } else {
            (*cause).to_owned()
        };
        field(out, if index == 0 { "cause" } else { "" }, &text);
    }
    field(out, "helps", known.remedy);
    for (index, command) in explanation.commands().iter().enumerate() {
        field(out, if index == 0 { "next" } else { "" }, command);
    }
    if let Some(example) = &explanation.example {
        field(out, "seen", &example.dimmed().to_string());
    }
}

fn mark(gravity: Gravity) -> ColoredString {
    match gravity {
        Gravity::Blocking => "✗".red(),
        Gravity::Warning => "!".yellow(),
        Gravity::Info => "·".dimmed(),
    }
}

fn field(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {} {text}", format!("{label:<5}").dimmed());
}

fn whose(occurrences: &Occurrences) -> String {
    let mut words = format!("{}× {}", occurrences.count, occurrences.subject);
    if !occurrences.addresses.is_empty() {
        let shown: Vec<_> =
            occurrences.addresses.iter().take(ADDRESSES).map(String::as_str).collect();
        let more = if occurrences.addresses.len() > ADDRESSES { ", ..." } else { "" };
        // An address that is all that is known is the subject already.
        let repeated = shown.len() == 1 && words.ends_with(shown[0]);
        if !repeated {
            let _ = write!(words, " at {}{more}", shown.join(", "));
        }
    }
    if let Some(value) = occurrences.counter {
        let _ = write!(words, ", counter at {value}");
    }
    if let Some(detail) = &occurrences.detail {
        let _ = write!(words, "; {detail}");
    }
    match (&occurrences.first, &occurrences.last) {
        (Some(first), Some(last)) if first != last => {
            let _ = write!(words, "; {first} to {last}");
        }
        (Some(first), _) => {
            let _ = write!(words, "; {first}");
        }
        _ => {}
    }
    words
}

fn error_words(error: &TlsError) -> String {
    let name = error.name().unwrap_or_else(|| "without a name".to_owned());
    let mut words =
        format!("{} {name}: {}, reason {}", error.number, error.library_name(), error.reason());
    if let Some(alert) = error.alert() {
        let _ = write!(words, ", alert {alert} from the server");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::explain::sample;

    #[test]
    fn everything_that_is_known_is_said() {
        let text = render(&sample::explained());
        for words in [
            "2× Upstream orders in shop at 10.0.0.7:443, 10.0.0.8:443; 2026-11-23T02:28:10Z to 2026-11-23T02:29:10Z",
            "268436496 SSLV3_ALERT_HANDSHAKE_FAILURE: SSL routines, reason 1040, alert handshake_failure from the server",
            "268436547 without a name: SSL routines, reason 1091, alert number 91 from the server",
            "counter at 12",
            "secret shop.orders-tls",
            "kubectl get upstreams.gloo.solo.io orders -n shop -o yaml | cipher-test upstreams -",
        ] {
            assert!(text.contains(words), "'{words}' is not in:\n{text}");
        }
    }
}
