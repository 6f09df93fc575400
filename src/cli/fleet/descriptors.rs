//! How many connections the limit on open files allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::plan::Plan;

/// The most connections that are worth opening at once; one thread works on all of them.
const MOST_CONNECTIONS: usize = 4096;
/// Always allowed for: what a target with several addresses opens.
const FEWEST_CONNECTIONS: usize = 64;
/// Files kept back for the resolver, lists and results, where there are as many.
const RESERVE: u64 = 256;
/// Of those kept back, one in so many may be a lookup: it opens a few files at a time.
const FILES_PER_LOOKUP: u64 = 8;

/// What a run may open at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bound {
    pub(super) concurrency: usize,
    pub(super) connections: usize,
    pub(super) lookups: usize,
    /// What to tell where the limit is in the way.
    pub(super) note: Option<String>,
}

/// The bound for a plan. Raises the limit as far as the system lets anyone, if that is needed.
pub(super) fn bound(plan: &Plan, per_host: usize) -> Bound {
    let wanted = (plan.at_once() * per_host).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
    divide(raised(wanted as u64 + RESERVE), plan.at_once(), per_host)
}

/// The limit in force, raised to `wanted` if it can be; `None` is no limit.
fn raised(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    if current >= wanted {
        return Some(current);
    }
    let higher = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(higher), ..limit }) {
        Ok(()) => Some(higher.max(current)),
        Err(_) => Some(current),
    }
}

fn divide(limit: Option<u64>, concurrency: usize, per_host: usize) -> Bound {
    let limit = limit.unwrap_or(u64::MAX);
    let wanted = (concurrency * per_host).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
    let reserve = RESERVE.min(limit / 2);
    let allowed = usize::try_from(limit - reserve).unwrap_or(usize::MAX).max(1);
    let connections = wanted.min(allowed);
    let used = (concurrency * per_host).min(MOST_CONNECTIONS);
    let note = (used > connections).then(|| {
        format!(
            "the limit of {limit} open files allows {connections} connections at once, not \
             {used}: raise it with ulimit -n"
        )
    });
    Bound {
        // More would wait for connections, and run out of time.
        concurrency: concurrency.min(connections),
        connections,
        lookups: usize::try_from(reserve / FILES_PER_LOOKUP).unwrap_or(1).max(1),
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_grow_with_the_targets_at_once() {
        for (concurrency, connections) in [(1, 64), (64, 320), (500, 2500), (4096, 4096)] {
            let bound = divide(None, concurrency, 5);
            assert_eq!((bound.connections, bound.concurrency), (connections, concurrency));
            assert_eq!((bound.lookups, bound.note), (32, None));
        }
    }

    #[test]
    fn the_open_file_limit_is_kept() {
        let bound = divide(Some(64), 64, 5);
        assert_eq!((bound.connections, bound.concurrency, bound.lookups), (32, 32, 4));
        assert!(bound.note.unwrap().contains("64 open files allows 32 connections"));
        // Too few for the worst, enough for what there is.
        assert_eq!(divide(Some(64), 1, 5).note, None);
        for limit in 0..2000 {
            let Bound { connections, lookups, .. } = divide(Some(limit), 500, 5);
            let files = connections as u64 + 4 * lookups as u64;
            assert!(connections > 0 && (limit < 12 || files <= limit), "{limit}: {files}");
        }
    }
}
