//! A first flight that arrives in pieces reads like the same flight in one piece.
//!
//! The first byte is the size of the pieces, the rest is what the server sends.
#![no_main]

use cipher_test::wire::{FlightReader, Progress};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&size, bytes)) = input.split_first() else { return };
    if bytes.is_empty() || bytes.len() > 64 * 1024 {
        return;
    }
    let mut whole = FlightReader::new();
    let at_once = whole.push(bytes);

    let mut pieces = FlightReader::new();
    let mut in_pieces = Ok(Progress::Reading);
    for piece in bytes.chunks(usize::from(size).max(1)) {
        in_pieces = pieces.push(piece);
        if !matches!(in_pieces, Ok(Progress::Reading | Progress::Selected)) {
            break;
        }
    }
    match (at_once, in_pieces) {
        // What it is instead of TLS is guessed from the first piece alone.
        (Ok(Progress::NotTls(_)), Ok(Progress::NotTls(_))) => {}
        (at_once, in_pieces) => assert_eq!(at_once, in_pieces, "pieces of {size}"),
    }
    assert_eq!(whole.flight(), pieces.flight(), "pieces of {size}");
    assert_eq!(whole.bytes_read(), bytes.len());
});
