//! How many connections one endpoint sees at once, how many in all, and how fast they follow each
//! other.
//!
//! The room grows as in TCP's slow start (RFC 5681 §3.1): each answer adds a place until the first
//! sign of trouble, which halves the room; after that a whole round of answers adds one. On a far
//! network a connection that opened adds a place too, since an answer is two round trips away.
//!
//! The gate also keeps the endpoint's logical clock: how many round trips end to end its probes
//! have taken, where each began no earlier than those had ended that it may have waited for.
//!
//! Who wants to know whether the number of connections is why the server hangs up can have the
//! endpoint for itself: then nobody else is let in, and nobody else is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// The delay that trouble leads to at first.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// The longest delay that trouble leads to.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Answers in a row that let the pace rise again.
const ANSWERS_TO_EASE: usize = 3;
/// How much of the delay that trouble led to may be left where room grows again.
const EASY: Duration = Duration::from_millis(5);
/// Where even the fastest answer takes this long, connections side by side save time that is
/// worth additional ones.
pub(crate) const FAR: Duration = Duration::from_millis(20);

/// The door to one endpoint: a number of places, a pace, and a shared door for the whole run.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    width: AtomicUsize,
    most: usize,
    /// Places that are to vanish as soon as who has them leaves.
    surplus: Arc<AtomicUsize>,
    all: Arc<Semaphore>,
    /// The delay that was asked for, which narrowing lengthens for a while.
    least_delay: Duration,
    delay_micros: AtomicU64,
    /// The time between the last two connections.
    gap_micros: AtomicU64,
    /// When the last connection was begun. Whoever holds this is the next in turn, and gives the
    /// turn away unused if it is given up.
    last: Mutex<Option<Instant>>,
    answers: AtomicUsize,
    opened: AtomicU64,
    budget: u64,
    narrowed: AtomicUsize,
    fastest_micros: AtomicU64,
    round_trips: AtomicU32,
    has_opened: AtomicBool,
    has_denied: AtomicBool,
    /// How many wait to be let in who let nobody go first.
    waiting: watch::Sender<usize>,
    presence: Arc<watch::Sender<Presence>>,
}

/// Who is at the endpoint.
#[derive(Debug, Default)]
struct Presence {
    /// How many places are taken by those who share the endpoint.
    sharing: usize,
    /// Whether somebody has it alone, or waits until the others have left.
    is_alone: bool,
}

/// The endpoint for oneself, until this is dropped.
#[derive(Debug)]
pub(super) struct Solitude(Arc<watch::Sender<Presence>>);

impl Drop for Solitude {
    fn drop(&mut self) {
        self.0.send_modify(|presence| presence.is_alone = false);
    }
}

/// One who waits at the gate, until this is dropped.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|count| *count += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// A place at the endpoint; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    own: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
    surplus: Arc<AtomicUsize>,
    _shared: Option<Shared>,
    /// The round trips that had been taken when the place was given.
    pub(super) begun_at: u32,
}

/// One of those who share the endpoint, until this is dropped.
#[derive(Debug)]
struct Shared(Arc<watch::Sender<Presence>>);

impl Drop for Shared {
    fn drop(&mut self) {
        self.0.send_modify(|presence| presence.sharing = presence.sharing.saturating_sub(1));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let take = |surplus: usize| surplus.checked_sub(1);
        let Some(own) = self.own.take() else { return };
        if self.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            own.forget();
        }
    }
}

/// Why a gate lets nobody in any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shut {
    /// The run ends.
    Ended,
    /// As many connections as were allowed have been opened.
    Spent,
}

impl Gate {
    /// Connections at once before anything is known of the server.
    pub const FIRST_WIDTH: usize = 5;

    /// A gate that grows to `most` places, with at least `delay` between two connections; `all`
    /// bounds the connections to all endpoints together.
    #[must_use]
    pub fn new(most: usize, delay: Duration, all: Arc<Semaphore>) -> Self {
        let most = most.max(1);
        let width = most.min(Self::FIRST_WIDTH);
        Self {
            places: Arc::new(Semaphore::new(width)),
            width: AtomicUsize::new(width),
            most,
            surplus: Arc::default(),
            all,
            least_delay: delay,
            delay_micros: AtomicU64::new(micros(delay)),
            gap_micros: AtomicU64::default(),
            last: Mutex::new(None),
            answers: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            budget: u64::MAX,
            narrowed: AtomicUsize::new(0),
            fastest_micros: AtomicU64::new(u64::MAX),
            round_trips: AtomicU32::new(0),
            has_opened: AtomicBool::new(false),
            has_denied: AtomicBool::new(false),
            waiting: watch::Sender::new(0),
            presence: Arc::default(),
        }
    }

    /// The same gate, which lets no more than `budget` connections through in all.
    #[must_use]
    pub fn with_budget(mut self, budget: Option<u64>) -> Self {
        self.budget = budget.unwrap_or(u64::MAX);
        self
    }

    /// How many connections may be open at once, as it is now.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width.load(Ordering::Relaxed)
    }

    /// How many connections may be open at once if all goes well.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many connections were begun so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Whether all connections that are allowed have been opened.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.connections_opened() >= self.budget
    }

    /// Whether somebody was not let in since all connections allowed had been opened.
    #[must_use]
    pub fn has_denied(&self) -> bool {
        self.has_denied.load(Ordering::Relaxed)
    }

    /// Whether the connections are counted against a budget.
    #[must_use]
    pub fn has_budget(&self) -> bool {
        self.budget < u64::MAX
    }

    /// How often the gate was narrowed because the server showed trouble.
    #[must_use]
    pub fn times_narrowed(&self) -> usize {
        self.narrowed.load(Ordering::Relaxed)
    }

    /// How many round trips end to end all probes have taken so far, at the least.
    #[must_use]
    pub fn round_trips(&self) -> u32 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Whether the server is so far away that connections side by side pay: not even the fastest
    /// answer came soon.
    #[must_use]
    pub fn is_far(&self) -> bool {
        self.fastest_micros.load(Ordering::Relaxed) >= micros(FAR)
    }

    /// Whether any connection was accepted so far.
    #[must_use]
    pub fn has_opened(&self) -> bool {
        self.has_opened.load(Ordering::Relaxed)
    }

    /// Halves the places and doubles the pace, down to one connection at a time.
    pub fn narrow(&self) {
        self.narrow_within(LONGEST_DELAY);
    }

    /// The same where connections so far apart are known to do.
    pub(crate) fn narrow_within(&self, enough: Duration) {
        let removed = self.width() / 2;
        let idle = self.places.forget_permits(removed);
        self.surplus.fetch_add(removed - idle, Ordering::Relaxed);
        self.width.fetch_sub(removed, Ordering::Relaxed);
        self.narrowed.fetch_add(1, Ordering::Relaxed);
        self.answers.store(0, Ordering::Relaxed);
        let delay = self.delay();
        let longest = enough.clamp(FIRST_DELAY, LONGEST_DELAY).max(delay);
        self.set_delay((delay * 2).clamp(FIRST_DELAY, longest));
    }

    /// Takes note of an answer that took so long. Several without trouble let the pace rise
    /// again, never above the one that was asked for, so that it settles near what the server
    /// allows; and they add room.
    pub(super) fn note_answer(&self, took: Duration) {
        self.fastest_micros.fetch_min(micros(took), Ordering::Relaxed);
        let answers = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        let delay = self.delay();
        if answers.is_multiple_of(ANSWERS_TO_EASE) && delay > self.least_delay {
            self.set_delay((delay * 2 / 3).max(self.least_delay));
        }
        let is_easy = self.delay() <= self.least_delay + EASY;
        let untroubled = self.times_narrowed() == 0;
        if is_easy && (untroubled || answers.is_multiple_of(self.width())) {
            self.widen();
        }
    }

    /// Takes note of a connection that took so long to open.
    pub(super) fn note_open(&self, took: Duration) {
        self.has_opened.store(true, Ordering::Relaxed);
        if took >= FAR / 2 && self.times_narrowed() == 0 {
            self.widen();
        }
    }

    fn widen(&self) {
        let room = |width: usize| (width < self.most).then_some(width + 1);
        if self.width.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return;
        }
        // A place that was to vanish may stay instead.
        let take = |surplus: usize| surplus.checked_sub(1);
        if self.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            self.places.add_permits(1);
        }
    }

    /// Takes note of a probe that has taken the round trips up to this one.
    pub(super) fn note_round_trips(&self, reached: u32) {
        self.round_trips.fetch_max(reached, Ordering::Relaxed);
    }

    /// The least time between two connections, as it is now.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_micros(self.delay_micros.load(Ordering::Relaxed))
    }

    /// How long after the one before it the last connection was begun.
    pub(crate) fn gap(&self) -> Duration {
        Duration::from_micros(self.gap_micros.load(Ordering::Relaxed))
    }

    fn set_delay(&self, delay: Duration) {
        // A user's own delay may be longer than any that trouble asks for.
        self.delay_micros.store(micros(delay.max(self.least_delay)), Ordering::Relaxed);
    }

    /// Waits for a place and for the pace.
    pub(super) async fn enter(&self) -> Result<Place, Shut> {
        let _waiting = Waiting::new(&self.waiting);
        let own = self.place().await?;
        self.enter_at(own).await
    }

    /// The same for who lets everybody else go first.
    pub(super) async fn enter_last(&self) -> Result<Place, Shut> {
        let mut waiting = self.waiting.subscribe();
        loop {
            // The sender lives as long as this gate.
            let _ = waiting.wait_for(|count| *count == 0).await;
            let own = self.place().await?;
            if *waiting.borrow_and_update() == 0 {
                return self.enter_at(own).await;
            }
        }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Shut> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| Shut::Ended)
    }

    /// The same for who has the endpoint alone, and needs no place of those who share it.
    pub(super) async fn enter_alone(&self, _solitude: &Solitude) -> Result<Place, Shut> {
        self.enter_when_due(None, None).await
    }

    /// Waits until nobody else is there, or will be before the answer is dropped.
    pub(super) async fn alone(&self) -> Solitude {
        let mut presence = self.presence.subscribe();
        loop {
            // The sender lives as long as this gate.
            let _ = presence.wait_for(|presence| !presence.is_alone).await;
            if self.change(|presence| !std::mem::replace(&mut presence.is_alone, true)) {
                break;
            }
        }
        let solitude = Solitude(Arc::clone(&self.presence));
        let _ = presence.wait_for(|presence| presence.sharing == 0).await;
        solitude
    }

    /// Waits until nobody has the endpoint alone.
    async fn share(&self) -> Shared {
        let mut presence = self.presence.subscribe();
        loop {
            let _ = presence.wait_for(|presence| !presence.is_alone).await;
            let came = self.change(|presence| {
                presence.sharing += usize::from(!presence.is_alone);
                !presence.is_alone
            });
            if came {
                return Shared(Arc::clone(&self.presence));
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Presence) -> bool) -> bool {
        self.presence.send_if_modified(change)
    }

    async fn enter_at(&self, own: OwnedSemaphorePermit) -> Result<Place, Shut> {
        let shared = self.share().await;
        self.enter_when_due(Some(own), Some(shared)).await
    }

    async fn enter_when_due(
        &self,
        own: Option<OwnedSemaphorePermit>,
        shared: Option<Shared>,
    ) -> Result<Place, Shut> {
        let all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| Shut::Ended)?;
        let mut last = self.last.lock().await;
        if self.is_spent() {
            self.has_denied.store(true, Ordering::Relaxed);
            return Err(Shut::Spent);
        }
        if let Some(start) = last.map(|last| last + self.delay())
            && start > Instant::now()
        {
            tokio::time::sleep_until(start).await;
        }
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            self.gap_micros.store(micros(now - last), Ordering::Relaxed);
        }
        let surplus = Arc::clone(&self.surplus);
        let begun_at = self.round_trips();
        Ok(Place { own, _all: all, surplus, _shared: shared, begun_at })
    }

    /// Takes note of a connection that is about to be opened, unless none is allowed any more.
    pub(super) fn count(&self) -> Result<(), Shut> {
        let one_more = |opened: u64| (opened < self.budget).then_some(opened + 1);
        let counted = self.opened.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.map(drop).map_err(|_| Shut::Spent)
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
    async fn places_that_are_taken_vanish_when_they_are_left() {
        let gate = gate(5, Duration::ZERO);
        let mut places = Vec::new();
        for _ in 0..5 {
            places.push(gate.enter().await.unwrap());
        }
        gate.narrow();
        assert_eq!(gate.width(), 3);
        drop(places.split_off(3));
        assert_eq!(gate.places.available_permits(), 0);
        drop(places);
        assert_eq!(gate.places.available_permits(), 3);
    }

    #[test]
    fn room_grows_as_in_slow_start_and_slowly_after_trouble() {
        let gate = gate(16, Duration::ZERO);
        assert_eq!(gate.width(), 5);
        (0..4).for_each(|_| gate.note_answer(Duration::ZERO));
        assert_eq!(gate.width(), 9);
        (0..40).for_each(|_| gate.note_answer(Duration::ZERO));
        assert_eq!(gate.width(), 16);
        gate.narrow();
        assert_eq!(gate.width(), 8);
        (0..24).for_each(|_| gate.note_answer(Duration::ZERO));
        assert!((9..=10).contains(&gate.width()), "{}", gate.width());
        assert_eq!(self::gate(3, Duration::ZERO).width(), 3);
    }

    #[test]
    fn only_far_connections_add_room_by_opening() {
        let gate = gate(16, Duration::ZERO);
        gate.note_open(Duration::from_millis(1));
        assert_eq!(gate.width(), 5);
        gate.note_open(Duration::from_millis(50));
        assert_eq!(gate.width(), 6);
    }

    #[tokio::test]
    async fn a_spent_gate_lets_nobody_in() {
        let gate = gate(5, Duration::ZERO).with_budget(Some(2));
        for _ in 0..2 {
            gate.enter().await.unwrap();
            gate.count().unwrap();
        }
        assert_eq!(gate.count(), Err(Shut::Spent));
        assert_eq!(gate.enter().await.unwrap_err(), Shut::Spent);
        assert_eq!(gate.connections_opened(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_lets_others_go_first_comes_after_those_who_came_later() {
        let gate = gate(1, Duration::ZERO);
        let first = gate.enter().await.unwrap();
        let order = std::sync::Mutex::new(Vec::new());
        let last = async {
            let _place = gate.enter_last().await.unwrap();
            order.lock().unwrap().push("last");
        };
        let others = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let other = async || {
                let _place = gate.enter().await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
                order.lock().unwrap().push("other");
            };
            futures::join!(other(), other());
        };
        let leave = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            drop(first);
        };
        futures::join!(last, others, leave);
        assert_eq!(*order.lock().unwrap(), ["other", "other", "last"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_has_waited_for_the_others_and_keeps_them_out() {
        let gate = gate(5, Duration::ZERO);
        let first = gate.enter().await.unwrap();
        let second = Duration::from_secs(1);
        assert!(tokio::time::timeout(second, gate.alone()).await.is_err());
        // Who no longer waits keeps nobody out.
        let other = gate.enter().await.unwrap();
        drop((first, other));
        let solitude = gate.alone().await;
        let _places = [gate.enter_alone(&solitude).await, gate.enter_alone(&solitude).await];
        assert!(tokio::time::timeout(second, gate.enter()).await.is_err());
        assert!(tokio::time::timeout(second, gate.alone()).await.is_err());
        drop(solitude);
        gate.enter().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_that_is_known_to_do_is_slow_enough() {
        let gate = gate(5, Duration::ZERO);
        let narrow = |enough: u64, delay: u64| {
            gate.narrow_within(Duration::from_millis(enough));
            assert_eq!(gate.delay(), Duration::from_millis(delay));
        };
        narrow(0, 50);
        narrow(80, 80);
        narrow(30, 80);
        narrow(500, 160);
        drop(gate.enter().await.unwrap());
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(gate.enter().await.unwrap());
        assert_eq!(gate.gap(), Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_takes_none_of_the_places() {
        let gate = gate(5, Duration::ZERO);
        let solitude = gate.alone().await;
        let place = gate.enter_alone(&solitude).await.unwrap();
        gate.narrow();
        drop((place, solitude));
        assert_eq!((gate.width(), gate.places.available_permits()), (3, 3));
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
        gate.note_answer(Duration::ZERO);
        gate.note_answer(Duration::ZERO);
        assert_eq!(gate.delay(), asked * 4);
        gate.note_answer(Duration::ZERO);
        assert!(gate.delay() < asked * 3);
        (0..40).for_each(|_| gate.note_answer(Duration::ZERO));
        assert_eq!(gate.delay(), asked);
    }
}
