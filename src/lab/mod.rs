//! Runs small servers on loopback, each with one way of being hard to reach.
//!
//! A [`Scenario`] is a server by name, for people who want to see a fault and its cure; a
//! [`ServerConfig`] is any other TLS server, for tests. Both start with [`Server`], listen on
//! 127.0.0.1 only and stop when it is dropped.
//!
//! Knows nothing of Envoy's code or of surveys: what a server accepts follows from its
//! configuration alone, so that a survey can be held against it.
//!
//! Traps: everything runs at OpenSSL's security level 0 and is meant for loopback alone. Keys and
//! certificates live in memory, and one CA signs for all servers of a process. Suites of OpenSSL's
//! legacy provider (RC4, SEED, IDEA) can be served only after the caller has loaded that provider.

mod certificates;
mod config;
mod http;
mod scenario;
mod server;
#[cfg(test)]
mod tests;

pub use certificates::{ClientIdentity, ca_certificate_pem, client_identity};
pub use config::{ClientCertificate, KeyKind, KeyUsage, ServerConfig};
pub use scenario::Scenario;
pub use server::Server;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The port is taken, or this user may not listen on it.
    #[error("cannot listen on loopback port {port}")]
    Listen {
        /// The port asked for; 0 is any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// OpenSSL refused a setting, such as a list of suites without one that it knows.
    #[error("OpenSSL refuses the server's settings")]
    OpenSsl(#[from] openssl::error::ErrorStack),
    /// OpenSSL holds one certificate for each type of key, so the second would replace the first.
    #[error("{0:?} and {1:?} are keys of one type: a server has only one of each")]
    SameKeyType(KeyKind, KeyKind),
    /// An ALPN name is sent behind a length of one byte, which may not be 0.
    #[error("an ALPN name has 1 to 255 bytes, not {0}")]
    AlpnLength(usize),
    /// The runtime shut down while the server was being set up.
    #[error("the runtime stopped")]
    Stopped(#[from] tokio::task::JoinError),
}
