//! Whether a hello that was hung up on is hung up on for its own sake.
//!
//! Connections get lost, and servers limit them, and then a wider hello that got through proves
//! nothing. So both are sent in turn, while nobody else talks to the server and after pauses that
//! grow, until the one gets through as well or its failures are no chance.

use std::time::Duration;

use tokio::time::sleep;

use super::attempt::attempt_once;
use super::handshake::Checks;
use super::obstacle::Obstacle;
use super::settle::{Trial, try_handshake};
use crate::envoy::ClientConfig;
use crate::probe::Prober;

/// How often the hello is sent at most.
const MOST: u32 = 10;
/// The first pause; each next one is as much longer.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends the hello of `config`, which was hung up on so many times, in turn with that of
/// `control`, which was not. Returns what came of it in the end: through, another answer, or
/// [`Obstacle::Ended`] where that is no chance. `None` if it cannot be told.
pub(super) async fn ask_beyond_chance(
    prober: &Prober,
    config: &ClientConfig,
    control: &ClientConfig,
    checks: &Checks,
    mut failures: u32,
) -> Option<Trial> {
    for tries in 1..=MOST {
        let alone = prober.alone().await;
        sleep(PAUSE * tries).await;
        let own = attempt_once(&alone, config.clone()).await;
        drop(alone);
        let trial = try_handshake(prober, own, None, checks).await;
        match &trial.own.result {
            Err(Obstacle::Ended(_)) => failures += 1,
            Err(Obstacle::Unclear(_)) => continue,
            answered => {
                let lost = if answered.is_ok() { failures } else { 0 };
                prober.note_alone(1, lost);
                return Some(trial);
            }
        }
        // One, two, one, two: what comes and goes with the number of connections shows.
        for _ in 0..=tries % 2 {
            let alone = prober.alone().await;
            let passes = attempt_once(&alone, control.clone()).await.passes();
            prober.note_alone(u32::from(passes), u32::from(!passes));
        }
        if prober.is_no_chance(failures) {
            return Some(trial);
        }
    }
    None
}
