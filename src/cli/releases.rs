//! `cipher-test envoy`: the releases that are known.

use std::fmt::Write;

use super::output::print_all;
use crate::envoy::{Build, Release};

pub(super) fn print() -> Result<u8, String> {
    print_all(&table())
}

fn table() -> String {
    let mut text = String::from(
        "release  build     versions             suites  curves                           source\n",
    );
    for release in Release::all() {
        for (build, name) in [(Build::Standard, "standard"), (Build::Fips, "fips")] {
            let defaults = release.defaults(build);
            let _ = writeln!(
                text,
                "{:<8} {name:<9} {} to {:<10} {:<7} {:<32} {}",
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
    text.push_str("where [A|B] is one.\n");
    text
}
