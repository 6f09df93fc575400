//! Who may connect when: bounds over all that a run does side by side.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turns, OwnedMutexGuard, Semaphore, SemaphorePermit};

use crate::probe::Limits;
use crate::target::Target;

/// How many names the resolver is asked for at once: each takes a thread and its sockets.
const LOOKUPS: usize = 16;

/// The doors that all connections of a run pass.
#[derive(Debug)]
pub(super) struct Doors {
    /// Connections in all.
    pub(super) all: Arc<Semaphore>,
    lookups: Semaphore,
    turns: Mutex<HashMap<Server, Arc<Turns<()>>>>,
}

/// Whom a turn is about: an address, and behind a proxy the server that it is asked for.
pub(super) type Server = (SocketAddr, Option<Target>);

/// The right to ask a server; it passes on when this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    doors: &'a Doors,
    server: Server,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Doors {
    pub(super) fn new(limits: &Limits) -> Self {
        Self::with_lookups(limits, LOOKUPS)
    }

    /// The same, with so many names asked for at once.
    pub(super) fn with_lookups(limits: &Limits, lookups: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            lookups: Semaphore::new(lookups),
            turns: Mutex::default(),
        }
    }

    /// Waits until another name may be looked up.
    pub(super) async fn lookup(&self) -> Option<SemaphorePermit<'_>> {
        self.lookups.acquire().await.ok()
    }

    /// Waits until nobody else asks this server. Two names of one address, which would open twice
    /// the connections that it may see, follow each other so: sharing a gate would bound them too,
    /// but let the one wait within its deadline, and count the other's connections.
    pub(super) async fn turn(&self, server: Server) -> Turn<'_> {
        let turns = {
            let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(server.clone()).or_default())
        };
        // Before the wait, so that one that is given up cleans up too.
        let mut turn = Turn { doors: self, server, guard: None };
        turn.guard = Some(turns.lock_owned().await);
        turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut all = self.doors.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else waits for it, or has it: entries are cloned only under this lock.
        if all.get(&self.server).is_some_and(|turns| Arc::strong_count(turns) == 1) {
            all.remove(&self.server);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn server(port: u16) -> Server {
        (([127, 0, 0, 1], port).into(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_is_asked_by_one_at_a_time() {
        let doors = Doors::new(&Limits::default());
        let first = doors.turn(server(1)).await;
        let _other = doors.turn(server(2)).await;
        let soon = Duration::from_secs(1);
        assert!(tokio::time::timeout(soon, doors.turn(server(1))).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(soon, doors.turn(server(1))).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_servers_that_are_done() {
        let doors = Doors::new(&Limits::default());
        let held = doors.turn(server(1)).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), doors.turn(server(1))).await;
        drop(held);
        for port in 2..100 {
            drop(doors.turn(server(port)).await);
        }
        assert!(doors.turns.lock().unwrap().is_empty());
    }
}
