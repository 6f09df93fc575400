//! Whether Envoy is let through now and refused then: what one connection shows is no verdict
//! there.

use super::handshake::Checks;
use super::obstacle::Obstacle;
use super::settle::{Trial, try_own};
use crate::probe::Prober;
use crate::survey::Survey;

/// How often Envoy's own hello is sent again to a server that is known to waver, or that refuses
/// it for no reason that could be found, or for several.
pub(super) const TRIES: usize = 4;

/// Sends Envoy's own hello again, so many times, and goes on to the handshake. Returns what is in
/// the way at times, and at others is not.
pub(super) async fn find_waver(
    prober: &Prober,
    trial: &Trial,
    checks: &Checks,
    tries: usize,
) -> Option<Obstacle> {
    for _ in 0..tries {
        let again = try_own(prober, &trial.own.config, checks).await.own.result;
        match (refusal(&trial.own.result), again) {
            (Some(obstacle), Ok(_)) => return Some(obstacle.clone()),
            (None, again) => {
                if let Some(obstacle) = refusal(&again) {
                    return Some(obstacle.clone());
                }
            }
            _ => {}
        }
    }
    None
}

/// How often it is worth sending again whatever a change would do: a hello that was refused,
/// once, since a patch for what passes by itself would mend nothing; one that got through only to
/// a server that was seen to waver.
pub(super) fn tries(trial: &Trial, survey: &Survey) -> usize {
    match &trial.own.result {
        Ok(_) | Err(Obstacle::Refused(_) | Obstacle::HandshakeFailed(_)) if survey.wavers() => {
            TRIES
        }
        // Few servers select a suite and fail after that, whatever comes.
        Err(Obstacle::HandshakeFailed(_)) => 2,
        Err(Obstacle::Refused(_)) => 1,
        _ => 0,
    }
}

/// Whether the server says no to Envoy's own hello, or to the handshake that it leads to.
pub(super) fn is_refused(trial: &Trial) -> bool {
    refusal(&trial.own.result).is_some()
}

fn refusal<T>(result: &Result<T, Obstacle>) -> Option<&Obstacle> {
    let obstacle = result.as_ref().err()?;
    matches!(obstacle, Obstacle::Refused(_) | Obstacle::HandshakeFailed(_)).then_some(obstacle)
}
