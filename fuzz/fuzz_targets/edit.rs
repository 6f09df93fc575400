//! A text is edited so that it says what it should and then stays as it is, or it is refused.
//!
//! The first line is the edit: a path with slashes, a number for a list's item, then a blank and
//! the new value as JSON, or nothing to remove the key. The rest is the text.
#![no_main]

use cipher_test::remedy::{Edit, Step, edit};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|input: &str| {
    let Some((line, text)) = input.split_once('\n') else { return };
    let (path, value) = line.split_once(' ').unwrap_or((line, ""));
    let step = |part: &str| part.parse().map_or_else(|_| Step::Key(part.to_owned()), Step::Index);
    let path = path.split('/').map(step).collect();
    let change = Edit { path, value: serde_json::from_str(value).ok() };
    for document in 0..2 {
        match edit(text, document, std::slice::from_ref(&change)) {
            Ok(edited) => {
                let again = edit(&edited, document, std::slice::from_ref(&change));
                assert_eq!(again.as_deref(), Ok(edited.as_str()), "{text:?}");
                let was_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
                let is_json = serde_json::from_str::<IgnoredAny>(&edited).is_ok();
                // A scalar alone is JSON too, but may become a mapping in block style.
                assert!(is_json || !was_json || !text.contains('{'), "{text:?} becomes {edited:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
