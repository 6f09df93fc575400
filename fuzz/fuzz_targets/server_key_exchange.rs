//! A ServerKeyExchange reads without a panic under any version and suite.
//!
//! The first two bytes are the version, the next two the suite, the rest is the message.
#![no_main]

use cipher_test::tls::{CipherSuite, TlsVersion};
use cipher_test::wire::ServerKeyExchange;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[v1, v0, s1, s0], body)) = input.split_first_chunk() else { return };
    let version = TlsVersion(u16::from_be_bytes([v1, v0]));
    let suite = CipherSuite(u16::from_be_bytes([s1, s0]));
    if let Ok(exchange) = ServerKeyExchange::decode(body, version, suite) {
        assert!(exchange.group.is_none() || exchange.dh_bits.is_none());
        assert!(exchange.signature.is_none() || version == TlsVersion::TLS12);
        assert!(exchange.dh_bits.is_none_or(|bits| usize::from(bits) <= body.len() * 8));
    }
});
