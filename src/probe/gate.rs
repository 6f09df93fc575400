//! How many connections one endpoint sees at once, and how fast they follow each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The longest delay that trouble leads to.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Answers in a row that let the pace rise again.
const ANSWERS_TO_EASE: usize = 3;

/// The door to one endpoint: a number of places, a pace, and a shared door for the whole run.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    width: AtomicUsize,
    all: Arc<Semaphore>,
    /// The delay that was asked for, which narrowing lengthens for a while.
    least_delay: Duration,
    delay_micros: AtomicU64,
    /// When the last connection was begun. Whoever holds this is the next in turn, and gives the
    /// turn away unused if it is given up.
    last: Mutex<Option<Instant>>,
    answers: AtomicUsize,
    opened: AtomicU64,
    narrowed: AtomicUsize,
}

/// A place at the endpoint; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Gate {
    /// A gate with `width` places and at least `delay` between two connections; `all` bounds the
    /// connections to all endpoints together.
    #[must_use]
    pub fn new(width: usize, delay: Duration, all: Arc<Semaphore>) -> Self {
        let width = width.max(1);
        Self {
            places: Arc::new(Semaphore::new(width)),
            width: AtomicUsize::new(width),
            all,
            least_delay: delay,
            delay_micros: AtomicU64::new(micros(delay)),
            last: Mutex::new(None),
            answers: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            narrowed: AtomicUsize::new(0),
        }
    }

    /// How many connections may be open at once.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width.load(Ordering::Relaxed)
    }

    /// How many connections were begun so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// How often the gate was narrowed because the server showed trouble.
    #[must_use]
    pub fn times_narrowed(&self) -> usize {
        self.narrowed.load(Ordering::Relaxed)
    }

    /// Halves the places and doubles the pace, down to one connection at a time.
    pub fn narrow(&self) {
        let width = self.width();
        let removed = self.places.forget_permits(width / 2);
        self.width.fetch_sub(removed, Ordering::Relaxed);
        self.narrowed.fetch_add(1, Ordering::Relaxed);
        self.answers.store(0, Ordering::Relaxed);
        self.set_delay((self.delay() * 2).clamp(Duration::from_millis(50), LONGEST_DELAY));
    }

    /// Takes note of an answer. Several without trouble let the pace rise again, never above the
    /// one that was asked for, so that it settles near what the server allows.
    pub(super) fn note_answer(&self) {
        let answers = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        let delay = self.delay();
        if answers.is_multiple_of(ANSWERS_TO_EASE) && delay > self.least_delay {
            self.set_delay((delay * 2 / 3).max(self.least_delay));
        }
    }

    /// The least time between two connections, as it is now.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_micros(self.delay_micros.load(Ordering::Relaxed))
    }

    fn set_delay(&self, delay: Duration) {
        // A user's own delay may be longer than any that trouble asks for.
        self.delay_micros.store(micros(delay.max(self.least_delay)), Ordering::Relaxed);
    }

    /// Waits for a place and for the pace.
    pub(super) async fn enter(&self) -> Option<Place> {
        let own = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let mut last = self.last.lock().await;
        if let Some(start) = last.map(|last| last + self.delay())
            && start > Instant::now()
        {
            tokio::time::sleep_until(start).await;
        }
        *last = Some(Instant::now());
        self.opened.fetch_add(1, Ordering::Relaxed);
        Some(Place { _own: own, _all: all })
    }
}

fn micros(delay: Duration) -> u64 {
    u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(width: usize, delay: Duration) -> Gate {
        Gate::new(width, delay, Arc::new(Semaphore::new(64)))
    }

    #[tokio::test(start_paused = true)]
    async fn connections_keep_their_distance() {
        let gate = gate(5, Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..3 {
            gate.enter().await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn narrowing_ends_at_one_place() {
        let gate = gate(5, Duration::ZERO);
        for expected in [3, 2, 1, 1] {
            gate.narrow();
            assert_eq!(gate.width(), expected);
        }
        let _place = gate.enter().await.unwrap();
        let second = tokio::time::timeout(Duration::from_secs(9), gate.enter()).await;
        assert!(second.is_err(), "one place only");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_up_is_not_lost() {
        let gate = gate(5, Duration::from_secs(1));
        let start = Instant::now();
        gate.enter().await.unwrap();
        for _ in 0..5 {
            let given_up = tokio::time::timeout(Duration::from_millis(10), gate.enter()).await;
            assert!(given_up.is_err());
        }
        gate.enter().await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn the_pace_rises_again_up_to_the_one_asked_for() {
        let asked = Duration::from_millis(100);
        let gate = gate(1, asked);
        gate.narrow();
        gate.narrow();
        assert_eq!(gate.delay(), asked * 4);
        gate.note_answer();
        gate.note_answer();
        assert_eq!(gate.delay(), asked * 4);
        gate.note_answer();
        assert!(gate.delay() < asked * 3);
        (0..40).for_each(|_| gate.note_answer());
        assert_eq!(gate.delay(), asked);
    }
}
