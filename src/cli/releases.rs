//! `cipher-test envoy`: the releases that are known.

use std::fmt::Write;

use super::output::print_all;
use crate::envoy::{Build, Release};
use crate::gloo;

pub(super) fn print() -> Result<u8, String> {
    print_all(&table())
}

fn table() -> String {
    let mut text = String::from(
        "release  Gloo  build     versions             suites  curves                           source\n",
    );
    for release in Release::all() {
        let gloo = gloo::Release::all().find(|gloo| gloo.envoy() == release);
        let gloo = gloo.map(|gloo| gloo.to_string()).unwrap_or_default();
        for (build, name) in [(Build::Standard, "standard"), (Build::Fips, "fips")] {
            let defaults = release.defaults(build);
            let _ = writeln!(
                text,
                "{:<8} {gloo:<5} {name:<9} {} to {:<10} {:<7} {:<32} {}",
                release.to_string(),
                defaults.minimum,
                defaults.maximum.to_string(),
                defaults.cipher_suites.len(),
                defaults.ecdh_curves.join(", "),
                defaults.source,
            );
        }
    }
    text.push_str("\nDefault client settings by release; suites counts the entries of the list, ");
    text.push_str("where [A|B] is one; Gloo is the release that brings this Envoy.\n");
    text
}
