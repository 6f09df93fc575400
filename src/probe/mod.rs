//! The only network: connects, sends one hello and says what came; completes handshakes with
//! OpenSSL; keeps every bound.
//!
//! Knows no strategy: which hello to send next, and what an ending without an answer means, is
//! decided by its callers.

mod credentials;
mod experience;
mod gate;
mod handshake;
mod limits;
mod openssl_ffi;
mod prober;
mod ssl2;
mod starttls;
mod way;

pub use credentials::{Identity, Trust, TrustError};
pub use gate::Gate;
pub use handshake::{
    Handshake, HandshakeError, HandshakeRequest, after_handshake_wait, openssl_ciphers,
    openssl_has_post_quantum,
};
pub use limits::Limits;
pub use prober::{Ending, Outcome, ProbeError, Prober};
pub use ssl2::Ssl2Outcome;
pub use starttls::{Dialogue, StartTls, StartTlsError, StartTlsFault, Turn, UnknownProtocol};
pub use way::{
    Concern, ConnectAnswer, Opening, Proxy, ProxyCredentials, ProxyHeader, ProxyKind,
    ProxyUrlError, Tunnel, TunnelError, TunnelFault, TunnelTls, Way,
};
