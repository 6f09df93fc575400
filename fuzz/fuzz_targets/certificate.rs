//! A certificate reads without a panic, and what was read prints.
#![no_main]

use cipher_test::trial::ServerCertificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    if let Some(certificate) = ServerCertificate::read(der) {
        let _ = certificate.key.to_string();
    }
});
