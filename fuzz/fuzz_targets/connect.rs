//! An answer to CONNECT is read to its end and no further, as another reader of HTTP finds it, and
//! is bounded whatever the proxy says.
#![no_main]

use cipher_test::probe::{ConnectAnswer, TunnelFault};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let (read, result) = read(answer);
    assert!(read <= 16 * 1024 + 1);
    let Some((head, status)) = last_head(answer) else {
        return;
    };
    match result {
        Some(Ok(())) => assert!((200..300).contains(&status)),
        Some(Err(TunnelFault::Refused(refused))) => assert_eq!(refused, status),
        other => panic!("{other:?}, but the status is {status}"),
    }
    assert_eq!(read, head);
});

/// How many bytes were read, and what came of them, if they were enough.
fn read(bytes: &[u8]) -> (usize, Option<Result<(), TunnelFault>>) {
    let mut answer = ConnectAnswer::default();
    for (index, byte) in bytes.iter().enumerate() {
        match answer.push(*byte) {
            Ok(false) => {}
            Ok(true) => return (index + 1, Some(Ok(()))),
            Err(fault) => return (index + 1, Some(Err(fault))),
        }
    }
    (bytes.len(), None)
}

/// Where the first head ends that is not interim, and its status; nothing where the other reader
/// finds none, or is more lenient about what precedes a head.
fn last_head(bytes: &[u8]) -> Option<(usize, u16)> {
    let mut at = 0;
    while at < 16 * 1024 {
        let rest = &bytes[at..];
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(rest).ok()? else {
            return None;
        };
        at += length;
        let status = response.code?;
        if !rest.starts_with(b"HTTP/") || at > 16 * 1024 {
            return None;
        }
        if !matches!(status, 100 | 102..=199) {
            return Some((at, status));
        }
    }
    None
}
