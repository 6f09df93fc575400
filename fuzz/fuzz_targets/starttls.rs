//! A talk before TLS ends without a panic, whatever the server says, and does not depend on how
//! the bytes are cut into pieces.
#![no_main]

use cipher_test::probe::{Dialogue, StartTls, Turn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&first, said)) = data.split_first() else { return };
    let protocol = StartTls::ALL[usize::from(first) % StartTls::ALL.len()];
    // A byte of 255 stands between two turns of the server's, as none of its texts has it.
    let turns = || said.split(|byte| *byte == 255);
    let whole = play(protocol, turns(), usize::MAX);
    let pieces = play(protocol, turns(), 1);
    assert_eq!(whole.is_some(), pieces.is_some(), "{protocol}");
});

/// What was sent until TLS, or nothing if it did not come to that.
fn play<'a>(
    protocol: StartTls,
    turns: impl Iterator<Item = &'a [u8]>,
    piece: usize,
) -> Option<Vec<u8>> {
    let mut dialogue = Dialogue::new(protocol, "server.example");
    let mut sent = dialogue.opening();
    for turn in turns {
        let mut pieces = turn.chunks(piece).peekable();
        while let Some(part) = pieces.next() {
            match dialogue.push(part) {
                Ok(Turn::Theirs) => {}
                // Said out of turn, which is an error where it comes in one piece.
                Ok(_) if pieces.peek().is_some() => return None,
                Ok(Turn::Ours(bytes)) => sent.extend(bytes),
                Ok(Turn::Tls(bytes)) => {
                    sent.extend(bytes);
                    return Some(sent);
                }
                Err(error) => {
                    assert!(error.to_string().len() < 400 && error.to_string().is_ascii());
                    return None;
                }
            }
        }
    }
    None
}
