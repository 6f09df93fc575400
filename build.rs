//! Does nothing of its own. Cargo resolves the features of a build dependency only for packages
//! with a build script, and `openssl-src` needs its features from there (see Cargo.toml).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
