//! An answer of SSL 2.0 is read the same however it arrives, and within its bounds.
#![no_main]

use cipher_test::wire::Ssl2Answer;
use libfuzzer_sys::fuzz_target;

/// A record with the longest length that its header can say.
const LONGEST: usize = 2 + 0x7fff;

fuzz_target!(|bytes: &[u8]| {
    let whole = Ssl2Answer::read(bytes);
    if bytes.len() >= LONGEST {
        assert_ne!(whole, Ok(None), "more is asked for than a record holds");
    }
    // What was decided once is not changed by what follows.
    for count in 0..bytes.len().min(64) {
        match Ssl2Answer::read(&bytes[..count]) {
            Ok(None) => {}
            decided => {
                assert_eq!(decided, whole, "decided after {count} bytes");
                break;
            }
        }
    }
    if let Ok(Some(Ssl2Answer::Hello(hello))) = whole {
        assert!(hello.certificate.len() <= bytes.len());
        for cipher in &hello.ciphers {
            assert!(cipher.0 < 1 << 24 && !cipher.to_string().is_empty());
        }
    }
});
