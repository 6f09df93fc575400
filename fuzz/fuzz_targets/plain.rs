//! What is not TLS is recognised without a panic, by its beginning alone.
#![no_main]

use cipher_test::wire::PlainProtocol;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let beginning = &bytes[..bytes.len().min(64)];
    assert_eq!(PlainProtocol::recognise(bytes), PlainProtocol::recognise(beginning));
});
