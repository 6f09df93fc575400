//! The vocabulary of TLS as values: protocol versions, cipher suites, groups, signature schemes
//! and alerts.
//!
//! Every type is the number that travels on the wire, so that a number which nobody has named
//! yet survives, compares and prints. Nothing here does I/O, and nothing judges: RC4 is as good
//! as AES-GCM.

mod alert;
mod group;
mod signature;
mod suite;
mod version;

pub use alert::{Alert, AlertDescription, AlertLevel};
pub use group::Group;
pub use signature::SignatureScheme;
pub use suite::{Authentication, CipherSuite, KeyExchange};
pub use version::TlsVersion;
