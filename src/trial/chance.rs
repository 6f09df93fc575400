//! Whether a hello that was hung up on is hung up on for its own sake.
//!
//! Connections get lost, and servers limit them, and then a wider hello that got through proves
//! nothing. So both are sent in no steady order, while nobody else talks to the server and after
//! pauses of the same kind that grow, until the one gets through as well or its failures are no
//! chance.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use super::attempt::{Attempt, attempt_once};
use super::handshake::Checks;
use super::obstacle::Obstacle;
use super::settle::{Trial, try_handshake};
use crate::envoy::ClientConfig;
use crate::probe::Prober;

/// How often the hello is sent at most.
const MOST: u32 = 10;
/// The first pause, as a rule; each next one is as much longer.
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
    // The same in each run, so that one can be repeated.
    let mut chance = StdRng::seed_from_u64(0);
    let mut draw = |tries| {
        let usual = PAUSE.max(prober.gate().delay()) * tries;
        (usual.mul_f64(chance.random_range(0.5..1.5)), chance.random_range(1..=2))
    };
    for tries in 1..=MOST {
        let (wait, controls) = draw(tries);
        let own = attempt_alone(prober, config, wait).await;
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
        for _ in 0..controls {
            let passes = attempt_alone(prober, control, draw(tries).0).await.passes();
            prober.note_alone(u32::from(passes), u32::from(!passes));
        }
        if prober.is_no_chance(failures) {
            return Some(trial);
        }
    }
    None
}

async fn attempt_alone(prober: &Prober, config: &ClientConfig, wait: Duration) -> Attempt {
    let alone = prober.alone().await;
    sleep(wait).await;
    attempt_once(&alone, config.clone()).await
}
