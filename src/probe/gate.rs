//! How many connections one endpoint sees at once, and how fast they follow each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The door to one endpoint: a number of places, a pace, and a shared door for the whole run.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    width: AtomicUsize,
    all: Arc<Semaphore>,
    pace: Mutex<Pace>,
    opened: AtomicU64,
    narrowed: AtomicUsize,
}

#[derive(Debug)]
struct Pace {
    delay: Duration,
    next: Option<Instant>,
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
            pace: Mutex::new(Pace { delay, next: None }),
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
    pub async fn narrow(&self) {
        let width = self.width();
        let removed = self.places.forget_permits(width / 2);
        self.width.fetch_sub(removed, Ordering::Relaxed);
        self.narrowed.fetch_add(1, Ordering::Relaxed);
        let mut pace = self.pace.lock().await;
        pace.delay = (pace.delay * 2).clamp(Duration::from_millis(50), Duration::from_secs(2));
    }

    /// Waits for a place and for the pace.
    pub(super) async fn enter(&self) -> Option<Place> {
        let own = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let start = {
            let mut pace = self.pace.lock().await;
            let start = pace.next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            if !pace.delay.is_zero() {
                pace.next = Some(start + pace.delay);
            }
            start
        };
        if start > Instant::now() {
            tokio::time::sleep_until(start).await;
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        Some(Place { _own: own, _all: all })
    }
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
            gate.narrow().await;
            assert_eq!(gate.width(), expected);
        }
        let _place = gate.enter().await.unwrap();
        let second = tokio::time::timeout(Duration::from_secs(9), gate.enter()).await;
        assert!(second.is_err(), "one place only");
    }
}
