//! What was found, in the form that its reader needs. Writes into strings; prints nothing and
//! judges nothing.

pub mod classic;
pub mod config_dump;
pub mod explain;
pub mod json;
pub mod overview;
pub mod schema;
pub mod secrets;
pub mod stored;
pub mod table;
pub mod terminal;
pub mod upgrade;
pub mod upstreams;
pub mod v1;
pub(crate) mod words;

#[cfg(test)]
mod sample;

use std::net::SocketAddr;
use std::time::Duration;

use crate::envoy::ClientConfig;
use crate::probe::Way;
use crate::remedy::Change;
use crate::survey::Survey;
use crate::target::{Destination, Target};
use crate::trial::Trial;
use crate::verdict::{Finding, Summary, Verdict};

/// Everything about one target.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What the user named.
    pub target: Target,
    /// The configuration that was judged.
    pub config: ClientConfig,
    /// How the endpoints were reached.
    pub way: Way,
    /// Why there are no endpoints: the name could not be resolved.
    pub unresolved: Option<String>,
    /// IPv6 addresses that Envoy would not use, since the name has IPv4 addresses.
    pub ignored: Vec<SocketAddr>,
    /// One entry for each address, in ascending order.
    pub endpoints: Vec<Endpoint>,
    /// The change that serves all endpoints, proven on each.
    pub change: Option<Change>,
    /// Why there is no change although one is needed.
    pub no_change: Option<String>,
}

/// Everything about one address of a target.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address, or the name where a proxy resolves it.
    pub address: Destination,
    /// What Envoy would meet.
    pub trial: Trial,
    /// What the server accepts, unless there was nothing to survey.
    pub survey: Option<Survey>,
    /// What it amounts to.
    pub verdict: Verdict,
    /// How many connections were opened.
    pub connections: u64,
    /// How many round trips end to end the probes took: each is counted from the end of those
    /// that it may have waited for.
    pub round_trips: u32,
    /// After how many of them the verdict on Envoy's own hello was known.
    pub verdict_round_trips: u32,
    /// How long it took.
    pub elapsed: Duration,
}

impl Diagnosis {
    /// The worst verdict of all endpoints.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let worst = self.endpoints.iter().map(|endpoint| endpoint.verdict.summary).max();
        worst.unwrap_or(Summary::Unclear)
    }

    /// How many pairs of version and suite could not be told accepted from refused, at all
    /// endpoints together.
    #[must_use]
    pub fn unclear_suites(&self) -> usize {
        let findings = self.endpoints.iter().flat_map(|endpoint| &endpoint.verdict.findings);
        findings
            .map(|finding| match finding {
                Finding::UnclearSuites(count) => *count,
                _ => 0,
            })
            .sum()
    }

    /// The exit code that goes with it: that of the summary, or 2 where suites are unclear,
    /// however sure the summary is.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.unclear_suites() {
            0 => self.summary().exit_code(),
            _ => Summary::Unclear.exit_code(),
        }
    }
}

/// What lies between here and the server's TLS, if there is anything.
fn way_words(way: &Way) -> Option<String> {
    v1::Way::new(way)?.words()
}

/// One sentence without a full stop that says what was found.
#[must_use]
pub fn message(finding: &crate::verdict::Finding) -> String {
    words::message(finding)
}
