//! Is it the size of a hello that a server cannot take, or what is in it?

use crate::envoy::ClientConfig;
use crate::probe::{Outcome, Prober};
use crate::wire::{ClientHello, Extension};

/// How often a padded hello is sent before it counts as not answered.
const TRIES: usize = 2;
/// Number and length of an extension.
const EXTENSION_HEADER: usize = 4;

/// A large hello that fails beside a small one that gets through.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HelloSize {
    /// How many bytes the hello with the post-quantum key has.
    pub large: usize,
    /// How many bytes the hello without has.
    pub small: usize,
    /// Whether the small one fails as well once it is padded to the size of the large one
    /// (RFC 7685), so that the size alone is the cause. If not, it is the post-quantum key.
    pub size_alone: bool,
}

/// Sends the hello of `small`, known to get through, padded to the size that the groups of
/// `large` make it. `None` if no hello comes of either.
pub(super) async fn compare_sizes(
    prober: &Prober,
    large: &ClientConfig,
    small: &ClientConfig,
) -> Option<HelloSize> {
    let large = ClientConfig { ecdh_curves: large.ecdh_curves.clone(), ..small.clone() };
    let (_, large) = hello(&large)?;
    let (mut padded, small) = hello(small)?;
    let padding = large.saturating_sub(small + EXTENSION_HEADER);
    padded.extensions.push(Extension::Padding(u16::try_from(padding).ok()?));
    let mut answered = false;
    for _ in 0..TRIES {
        answered = answered || matches!(prober.ask(&padded).await, Outcome::Selected(_));
    }
    Some(HelloSize { large, small, size_alone: !answered })
}

fn hello(config: &ClientConfig) -> Option<(ClientHello, usize)> {
    let hello = config.client_hello(&mut rand::rng()).ok()?;
    let length = hello.encode().ok()?.len();
    Some((hello, length))
}
