//! The real Envoy as a TLS client: one process for many upstreams at once.
//!
//! Each upstream gets a cluster and a listener of its own; one request goes through each listener,
//! and what the cluster's counters and the access log then say is the outcome. A hundred upstreams
//! take a few seconds.
//!
//! Traps: a TCP proxy's cluster sends no ALPN, an HTTP cluster does. A client certificate refused
//! at TLS 1.3 counts as a handshake *and* a connection error, the latter a moment later. One
//! context that Envoy rejects takes down the whole bootstrap; such upstreams are searched for, left
//! out, and reported as rejected.

mod admin;
mod bootstrap;
mod outcome;
mod process;
mod upstream;
mod wiring;

use std::path::PathBuf;

use super::{in_parallel, root};

pub(crate) use self::admin::Running;
pub(crate) use self::outcome::Outcome;
pub(crate) use self::upstream::{Protocol, Upstream, merge};
pub(crate) use self::wiring::{TYPE, Wiring, protocol_options};

use self::process::Process;

/// How many requests are under way at once. Bounded so that a slow machine does not turn
/// handshakes into timeouts.
const AT_ONCE: usize = 16;

/// The releases that `scripts/install-test-dependencies` installs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Release {
    V1_36,
    V1_40,
}

impl Release {
    /// The full version, as Envoy tells it.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V1_36 => "1.36.4",
            Self::V1_40 => "1.40.0",
        }
    }

    /// Where the binary is.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub(crate) fn program(self) -> PathBuf {
        let version = self.version();
        let path = root().join(format!(".lab/envoy-{version}/envoy/_bin/envoy"));
        if !path.is_file() {
            panic!("Envoy {version} is not installed: run scripts/install-test-dependencies");
        }
        path
    }
}

/// Connects an Envoy of `release` to every upstream once. The outcomes are in the order given.
pub(crate) fn connect(release: Release, upstreams: &[Upstream]) -> Vec<Outcome> {
    connect_wired(release, &upstreams.iter().map(Wiring::from).collect::<Vec<_>>())
}

/// Connects an Envoy of `release` through every wiring once. The outcomes are in the order given.
pub(crate) fn connect_wired(release: Release, wirings: &[Wiring]) -> Vec<Outcome> {
    if let Ok(process) = Process::start(release, wirings) {
        return process.outcomes(wirings.len());
    }
    // Envoy does not say which context it rejects.
    let verdicts = validate_each(release, wirings);
    let loadable: Vec<Wiring> = wirings
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| verdict.is_ok())
        .map(|(wiring, _)| wiring.clone())
        .collect();
    let process = Process::start(release, &loadable)
        .expect("an Envoy that loads together what it loads one by one");
    let mut outcomes = process.outcomes(loadable.len()).into_iter();
    verdicts
        .into_iter()
        .map(|verdict| match verdict {
            Ok(()) => outcomes.next().expect("an outcome for each"),
            Err(text) => Outcome::rejected(text),
        })
        .collect()
}

/// Asks Envoy whether it would load this upstream's configuration.
///
/// # Errors
///
/// What Envoy says against it.
pub(crate) fn validate(release: Release, upstream: &Upstream) -> Result<(), String> {
    process::validate(release, &[Wiring::from(upstream)])
}

/// Finds those that Envoy does not load. They are few, so halves that load are not looked into.
fn validate_each(release: Release, wirings: &[Wiring]) -> Vec<Result<(), String>> {
    let all = process::validate(release, wirings);
    match (all, wirings.len()) {
        (Ok(()), count) => vec![Ok(()); count],
        (Err(text), 1) => vec![Err(text)],
        (Err(_), count) => {
            let (one, other) = wirings.split_at(count / 2);
            let halves = in_parallel(&[one, other], 2, |half| validate_each(release, half));
            halves.concat()
        }
    }
}
