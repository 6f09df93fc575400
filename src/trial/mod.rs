//! Would this Envoy get through? Asks with Envoy's own hello, and then for the smallest change
//! of its configuration with which the server lets it through.
//!
//! First the very hello that the configuration makes. If that is refused, the most that any
//! configuration of the release could offer; if that passes, its parts are taken back one by one
//! until only those remain that the server insists on (delta debugging). What remains is the
//! cause and the remedy at once, and it is proven by the hello that it makes.

mod attempt;
mod certificate;
mod chance;
mod dimension;
mod handshake;
mod obstacle;
mod omission;
mod settle;
mod size;
mod waver;

pub use attempt::Attempt;
pub use certificate::{KeyKind, KeyUsageBit, ServerCertificate, printable, steers};
pub use dimension::Dimension;
pub use handshake::{Checks, EarlyHandshake, handshake_early};
pub use obstacle::{Obstacle, Passage};
pub use settle::{
    Candidates, Remedy, Trial, prove, settle, try_handshake, try_hello, try_own, widen,
};
pub use size::HelloSize;
