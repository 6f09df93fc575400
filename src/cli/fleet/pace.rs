//! As many targets at once as this machine keeps up with.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often the clock is looked at.
const STEP: Duration = Duration::from_millis(50);
/// A look that comes later than this has waited for work: answers do so too, and what waits long
/// enough looks like a server that is slow or silent.
const LATE: Duration = Duration::from_millis(100);
/// Fewer at once are never asked for: so many leave no doubt who is slow.
const FEWEST: usize = 64;

/// How many targets are worked on at once: fewer while one thread is late, more while it is not.
#[derive(Debug)]
pub(super) struct Pace {
    width: usize,
    most: usize,
    next: Instant,
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        Self { width: most.min(FEWEST), most, next: Instant::now() + STEP }
    }

    /// How many targets may be worked on.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Waits for the next look at the clock, and draws its conclusion.
    pub(super) async fn tick(&mut self) {
        sleep_until(self.next).await;
        let now = Instant::now();
        self.record(now - self.next);
        self.next = now + STEP;
    }

    fn record(&mut self, late: Duration) {
        let fewest = self.most.min(FEWEST);
        self.width = match late > LATE {
            true => (self.width * 3 / 4).max(fewest),
            false => (self.width + fewest / 8).min(self.most),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_width_follows_what_the_machine_bears() {
        let mut pace = Pace::new(500);
        assert_eq!(pace.width(), 64);
        (0..100).for_each(|_| pace.record(Duration::ZERO));
        assert_eq!(pace.width(), 500);
        pace.record(Duration::from_millis(101));
        assert_eq!(pace.width(), 375);
        (0..100).for_each(|_| pace.record(Duration::from_secs(1)));
        assert_eq!(pace.width(), 64);
    }

    #[tokio::test]
    async fn few_targets_are_never_held_back() {
        let mut pace = Pace::new(3);
        pace.record(Duration::from_secs(1));
        assert_eq!(pace.width(), 3);
        pace.record(Duration::ZERO);
        assert_eq!(pace.width(), 3);
    }
}
