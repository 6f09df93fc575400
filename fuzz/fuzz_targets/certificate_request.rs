//! A CertificateRequest reads without a panic, and its names are bytes of the message.
//!
//! The first two bytes are the version, the rest is the message.
#![no_main]

use cipher_test::tls::TlsVersion;
use cipher_test::wire::CertificateRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((version, body)) = input.split_first_chunk() else { return };
    let version = TlsVersion(u16::from_be_bytes(*version));
    if let Ok(request) = CertificateRequest::decode(body, version) {
        let names: usize = request.authorities.iter().map(|name| 2 + name.len()).sum();
        assert!(names + 2 * request.signature_schemes.len() <= body.len());
        assert!(request.signature_schemes.is_empty() || version == TlsVersion::TLS12);
    }
});
