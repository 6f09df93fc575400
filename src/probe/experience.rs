//! What the answers of one server so far let expect of the next one.
//!
//! Where answers come in milliseconds, a connection on which nothing comes for a quarter of a
//! second has stalled, and a second one is quicker than waiting. It takes the place of the first,
//! so that no server sees more connections for it; and the last one is always given the whole
//! time, so that a slow answer is never taken for none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an answer is waited for at least before the hello is sent again.
const LEAST: Duration = Duration::from_millis(250);
/// How long where there was no answer yet to go by: as TCP does for its first packet (RFC 6298
/// §2.1).
const UNKNOWN: Duration = Duration::from_secs(1);
/// How often a hello may stay unanswered for the whole time before a second connection no longer
/// seems worth it.
const SILENCES: u32 = 2;
/// How often a server that says that it failed is asked again, unless that is how it refuses.
const RESENDS: u32 = 3;

/// What is known of one server's ways of answering; shared by all that talk to it.
#[derive(Debug, Default)]
pub(super) struct Experience(Mutex<Known>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The usual time of an answer and how much it varies, as TCP estimates them (RFC 6298 §2).
    usual: Option<(Duration, Duration)>,
    /// How often a second connection was answered where the first was not.
    stalls: u32,
    /// How often a hello stayed unanswered for the whole time.
    silences: u32,
    /// How many connections had been opened when the last answer came.
    opened_at_last_answer: u64,
    /// Whether a failure of the server's own passed when it was asked again, and whether one
    /// never did.
    has_passing_failures: bool,
    has_lasting_failures: bool,
    /// Hellos sent while nobody else talked to the server: those that were answered, and those
    /// that were hung up on though the server answers them.
    answered_alone: u32,
    lost_alone: u32,
}

/// How likely it may be at most that a hello which the server answers is taken for one that it
/// hangs up on.
const CHANCE: f64 = 5e-4;
/// The fewest failures in a row that are no chance.
const FEWEST_FAILURES: i32 = 3;

impl Experience {
    /// How long to wait for an answer on each connection: impatiently at first, and at last as
    /// long as `whole`.
    pub(super) fn patience(&self, whole: Duration) -> Vec<Duration> {
        let known = *self.known();
        let early = known.usual.map_or(UNKNOWN, |(mean, varies)| mean + varies * 4).max(LEAST);
        let tries = match (known.usual, known.stalls) {
            _ if early * 2 > whole => 0,
            (Some(_), 1..) => 2,
            _ if known.silences >= SILENCES => 0,
            (None, _) if known.silences > 0 => 0,
            _ => 1,
        };
        let mut patience = vec![early; tries];
        patience.push(whole);
        patience
    }

    /// How long to wait for an answer that has come before; several times the usual.
    pub(super) fn control_patience(&self) -> Duration {
        let usual = self.known().usual;
        usual.map_or(Duration::MAX, |(mean, varies)| (mean + varies * 4) * 4).max(UNKNOWN)
    }

    /// Takes note of an answer that came after `took`, on the connection after `stalled` others.
    pub(super) fn note_answer(&self, took: Duration, stalled: usize, opened: u64) {
        let mut known = self.known();
        known.usual = Some(match known.usual {
            None => (took, took / 2),
            Some((mean, varies)) => ((mean * 7 + took) / 8, (varies * 3 + mean.abs_diff(took)) / 4),
        });
        known.opened_at_last_answer = known.opened_at_last_answer.max(opened);
        drop(known);
        self.note_stalls(stalled);
    }

    /// Takes note of connections on which nothing came where the next one was answered.
    pub(super) fn note_stalls(&self, stalled: usize) {
        let mut known = self.known();
        known.stalls = known.stalls.saturating_add(u32::try_from(stalled).unwrap_or(u32::MAX));
    }

    /// Takes note of a hello that had all its time.
    pub(super) fn note_silence(&self) {
        let mut known = self.known();
        known.silences = known.silences.saturating_add(1);
    }

    /// How often to ask again where the server says that it failed.
    pub(super) fn resends(&self) -> u32 {
        let known = *self.known();
        let refuses_by_failing = known.has_lasting_failures && !known.has_passing_failures;
        if refuses_by_failing { 0 } else { RESENDS }
    }

    /// Takes note of what became of a failure that the server was asked about again.
    pub(super) fn note_failure(&self, lasts: bool) {
        let mut known = self.known();
        known.has_passing_failures |= !lasts;
        known.has_lasting_failures |= lasts;
    }

    /// Takes note of hellos that were answered, and of others that were hung up on though the
    /// server answers them, all sent while nobody else talked to it.
    pub(super) fn note_alone(&self, answered: u32, lost: u32) {
        let mut known = self.known();
        known.answered_alone = known.answered_alone.saturating_add(answered);
        known.lost_alone = known.lost_alone.saturating_add(lost);
    }

    /// Whether a hello that was hung up on so many times in a row, alone with the server, is hung
    /// up on for its own sake. Laplace's rule of succession estimates how often one is lost.
    pub(super) fn is_no_chance(&self, failures: u32) -> bool {
        let known = *self.known();
        let lost = f64::from(known.lost_alone) + 1.0;
        let loss = lost / (lost + f64::from(known.answered_alone) + 1.0);
        let failures = i32::try_from(failures).unwrap_or(i32::MAX);
        failures >= FEWEST_FAILURES && loss.powi(failures) <= CHANCE
    }

    pub(super) fn has_answered(&self) -> bool {
        self.known().usual.is_some()
    }

    pub(super) fn stalls(&self) -> u32 {
        self.known().stalls
    }

    pub(super) fn opened_at_last_answer(&self) -> u64 {
        self.known().opened_at_last_answer
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Duration = Duration::from_secs(5);
    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn the_last_try_always_has_the_whole_time() {
        let experience = Experience::default();
        for round in 0..6 {
            assert_eq!(experience.patience(WHOLE).last(), Some(&WHOLE));
            experience.note_answer(MILLISECOND, round, 1);
            assert_eq!(experience.patience(WHOLE).last(), Some(&WHOLE));
            experience.note_silence();
        }
    }

    #[test]
    fn where_answers_are_quick_silence_is_noticed_soon() {
        let experience = Experience::default();
        assert_eq!(experience.patience(WHOLE), [UNKNOWN, WHOLE]);
        experience.note_answer(MILLISECOND, 0, 1);
        assert_eq!(experience.patience(WHOLE), [LEAST, WHOLE]);
        experience.note_answer(MILLISECOND, 1, 3);
        assert_eq!(experience.patience(WHOLE), [LEAST, LEAST, WHOLE]);
    }

    #[test]
    fn where_answers_are_slow_nothing_is_sent_twice() {
        let experience = Experience::default();
        experience.note_answer(Duration::from_secs(2), 0, 1);
        assert_eq!(experience.patience(WHOLE), [WHOLE]);
    }

    #[test]
    fn a_server_that_refuses_by_failing_is_asked_again_once() {
        let experience = Experience::default();
        assert_eq!(experience.resends(), RESENDS);
        experience.note_failure(true);
        assert_eq!(experience.resends(), 0);
        experience.note_failure(false);
        assert_eq!(experience.resends(), RESENDS);
    }

    #[test]
    fn the_more_is_lost_the_more_failures_are_chance() {
        let failures_needed = |answered, lost| {
            let experience = Experience::default();
            experience.note_alone(answered, lost);
            (1..100).find(|failures| experience.is_no_chance(*failures))
        };
        assert_eq!(failures_needed(0, 0), Some(11));
        assert_eq!(failures_needed(7, 0), Some(4));
        assert_eq!(failures_needed(100, 0), Some(3));
        assert_eq!(failures_needed(40, 5), Some(4));
        assert_eq!(failures_needed(20, 10), Some(8));
        assert_eq!(failures_needed(u32::MAX, 0), Some(3));
    }

    #[test]
    fn a_server_that_stays_silent_is_not_asked_twice() {
        let experience = Experience::default();
        experience.note_silence();
        assert_eq!(experience.patience(WHOLE), [WHOLE]);
    }
}
