//! Bytes, both ways: the ClientHello out, the server's first flight in.
//!
//! Pure: no sockets, no clock. What arrives is distrusted: every length is fenced, sizes are
//! capped, numbers without a name are kept.
//!
//! RFC 8446 §4 and §5, RFC 5246 §6 and §7, RFC 6101 for SSLv3.

mod client_hello;
mod codec;
mod flight;
mod key_share;
mod messages;
mod plain;
mod ssl2;

pub use client_hello::{ClientHello, Extension};
pub use codec::WireError;
pub use flight::{Flight, FlightReader, Progress};
pub use key_share::KeyShare;
pub use messages::{CertificateRequest, ServerHello, ServerKeyExchange};
pub use plain::PlainProtocol;
pub use ssl2::{Ssl2Answer, Ssl2Cipher, Ssl2ServerHello, ssl2_client_hello};
