//! Secrets of any content, judged.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use cipher_test::gloo::{Release, Secret, Terms, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read("fuzz", data, |found| {
        let Ok(mut document) = found else { return };
        let Ok(secret) = Secret::take(&mut document.object) else { return };
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for one_way_tls in [false, true] {
            let terms = Terms { one_way_tls, ..Terms::new(Release::STABLE, now) };
            let verdict = secret.judge(&terms);
            let _ = verdict.gloo_status(&secret.name);
            assert_eq!(verdict.mode.is_none(), verdict.is_blocked());
            assert!(verdict.findings.iter().all(|finding| !finding.message().is_empty()));
        }
    });
});
