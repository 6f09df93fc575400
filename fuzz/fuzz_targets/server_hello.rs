//! A ServerHello reads without a panic, and as another parser reads it.
#![no_main]

use cipher_test::wire::ServerHello;
use libfuzzer_sys::fuzz_target;
use tls_parser::{TlsMessage, TlsMessageHandshake, parse_tls_message_handshake};

fuzz_target!(|body: &[u8]| {
    let Ok(hello) = ServerHello::decode(body) else { return };
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[2], &length[1..], body].concat();
    if let Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ServerHello(other)))) =
        parse_tls_message_handshake(&message)
    {
        assert_eq!(hello.random, other.random);
        assert_eq!(hello.cipher_suite.0, other.cipher.0);
        assert_eq!(hello.compression_method, other.compression.0);
    }
});
