//! A proxy that is accepted prints as the URL of the same place, without what may be credentials.
#![no_main]

use cipher_test::probe::Proxy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Proxy>() {
        Ok(proxy) => {
            let printed = proxy.to_string();
            let again: Proxy = printed.parse().unwrap();
            assert_eq!(again.at(), proxy.at(), "{text:?} prints as {printed:?}");
            assert!(!printed.contains('@') && !again.has_credentials(), "{printed:?}");
        }
        Err(error) => assert!(!error.to_string().contains('@'), "{error}"),
    }
});
