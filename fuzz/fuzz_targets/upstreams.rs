//! Files with Upstreams, Settings and anything else, as `upstreams` reads them.
#![no_main]

use cipher_test::envoy::Build;
use cipher_test::gloo::{Context, NoSecrets, Release, Settings, Upstream, ranges, read, translate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut documents = Vec::new();
    read("fuzz", data, |found| documents.extend(found.ok()));
    if let Ok(text) = std::str::from_utf8(data) {
        let count = ranges(text).len();
        assert!(documents.iter().all(|document| document.place.document < count));
    }
    let settings = documents.iter().find_map(|document| Settings::read(&document.object).ok());
    for gloo in [Release::OLDEST, Release::STABLE] {
        let context = Context {
            gloo,
            envoy: gloo.envoy(),
            build: Build::Standard,
            settings: settings.as_ref(),
            secrets: &NoSecrets,
        };
        for document in &documents {
            let Ok(upstream) = Upstream::read(&document.object) else { continue };
            for endpoint in translate(&upstream, &context).endpoints {
                let _ = endpoint.tls.map(|tls| tls.config.offer());
            }
        }
    }
});
