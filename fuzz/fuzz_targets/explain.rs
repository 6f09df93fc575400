//! Whatever is in a log, it is read without a panic, and what comes out is bounded and fit to be
//! shown: no control characters, nothing in a command that a shell would act on.
#![no_main]

use cipher_test::gloo::symptom::Explainer;
use cipher_test::report::explain::{json, terminal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut explainer = Explainer::new().unwrap();
    for line in bytes.split(|byte| *byte == b'\n') {
        explainer.line(line);
    }
    let explained = explainer.finish();
    assert!(explained.unknown_lines <= explained.lines);
    for explanation in &explained.explanations {
        let sum: u64 = explanation.occurrences.iter().map(|one| one.count).sum();
        assert_eq!(sum, explanation.count);
        let example = explanation.example.as_deref().unwrap_or_default();
        assert!(example.chars().count() <= 202, "{example}");
        for command in explanation.commands() {
            // What is ours has a pipe, `2>&1` and `<(...)`; names have none of these.
            let ours = command.replace("2>&1", "").replace("<(", "").replace(" | ", "");
            assert!(!ours.contains(['$', '`', ';', '&', '>', '"', '\'', '\\']), "{command}");
        }
    }
    let text = terminal::render(&explained);
    // Colours are off where there is no terminal.
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    assert!(json::render(&explained).ends_with("}\n"));
});
