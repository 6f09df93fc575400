//! Envoy as a TLS client: what each release can be told to offer, and the ClientHello it sends.
//!
//! [`ClientConfig`] holds what a cluster sets, as strings in Envoy's own spelling;
//! [`ClientConfig::offer`] says what comes of it after defaults and grammar, and
//! [`ClientConfig::client_hello`] makes the very hello. A [`Release`] knows which names its
//! BoringSSL loads, since one unknown name makes Envoy refuse the whole list.
//!
//! Pure: no sockets, no YAML. It knows clusters only; listeners have other defaults.
//!
//! Where it comes from: the release binaries 1.36.2, 1.37.0, 1.38.3, 1.39.3 and 1.40.0 (x86-64,
//! not FIPS) were given hundreds of configurations, and what they said and sent is in
//! `fixtures/envoy/`, to which the tests hold this module. Older releases and FIPS builds follow
//! Envoy's documentation and the history of BoringSSL, with the hello's layout of 1.36.
//!
//! Traps: clients stop at TLS 1.2 unless told otherwise; TLS 1.3 suites cannot be chosen; a
//! processor without AES instructions makes BoringSSL prefer ChaCha20 in TLS 1.3 and in classes
//! such as `ALL`, and this module assumes one that has them.

mod cipher_list;
mod config;
mod defaults;
pub mod failure;
mod fault;
mod groups;
mod hello;
mod offer;
mod release;
mod signatures;
mod suites;

#[cfg(test)]
mod measured;

pub use config::{ClientConfig, Protocol};
pub use defaults::Defaults;
pub use fault::ConfigFault;
pub use offer::Offer;
pub use release::{Build, KeyUsageRule, Release, UnknownRelease};
