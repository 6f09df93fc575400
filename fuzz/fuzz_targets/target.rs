//! A target that is accepted prints as a text that names the same target.
#![no_main]

use cipher_test::target::{Host, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(target) = text.parse::<Target>() else { return };
    assert_ne!(target.port, 0);
    if let Host::Name(name) = &target.host {
        assert!((1..=253).contains(&name.len()) && name.is_ascii(), "{name:?}");
    }
    let printed = target.to_string();
    assert_eq!(printed.parse(), Ok(target), "{text:?} prints as {printed:?}");
});
