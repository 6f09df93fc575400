//! What a server accepts: strategy over probes, plain facts with their evidence out.
//!
//! Knows nothing of Envoy and judges nothing: RC4 is as good as AES-GCM here. A set of suites that
//! is refused is done in one connection; where one is selected, what is left is asked again, in
//! one of two ways. *Near*, what is left stays whole: the chain of answers gives the server's order
//! for free, and no connection is wasted. *Far*, from a round trip of some 20 ms on, lists in a
//! supposed order are asked for from several places on at once (`rounds.rs`), so that one round
//! finds several suites and proves their order; the order that the answers contradict least is
//! supposed next, older versions are asked for what TLS 1.2 has, and what of the order is still
//! open is proven by questions side by side. Facts beyond suites are asked for beside that, and
//! let the suites go first.
//!
//! What was tried, in connections / round trips, over models of servers with 5 to 16 places
//! (`simulation.rs`; the suites alone, where TLS 1.0 to 1.3 and SSL 3.0 are asked for):
//!
//! | | far | near | split on accept | elimination | chunks of 8 | halving | one by one |
//! |---|---|---|---|---|---|---|---|
//! | nginx, 8 pairs | 24 / 6 | 23 / 14 | 29 / 14 | 24 / 8 | 123 / 20 | 31 / 8 | 901 / 116 |
//! | Go, 12 pairs | 62 / 12 | 38 / 14 | 45 / 14 | 28 / 8 | 127 / 20 | 39 / 8 | 901 / 116 |
//! | OpenSSL's default, 23 pairs | 68 / 16 | 38 / 44 | 63 / 52 | 39 / 14 | 138 / 24 | 61 / 12 | 901 / 116 |
//! | nginx, 47 pairs | 107 / 16 | 73 / 52 | 117 / 60 | 63 / 20 | 162 / 24 | 109 / 16 | 901 / 116 |
//! | 25 pairs in a random order | 148 / 68 | 64 / 68 | 89 / 62 | 41 / 18 | 140 / 22 | 66 / 10 | 901 / 116 |
//!
//! The last four sample no member of a refused set and prove no order, which is what most of the
//! difference pays for: without either, halving and plain elimination are the best. Chunks are
//! nmap's way; halving is a group test. Of 'Turning Active TLS Scanning to Eleven' (Mayer and
//! Schmiedecker, 2017) only the abstract could be read: its algorithms are not compared here.
//! Servers with an order of their own that no library has are where the far way is no better than
//! the near one.
//!
//! Traps: servers that close or reset where they should send an alert, which only a control
//! tells from trouble on the way; hellos of 256 to 511 bytes and of more than 64 suites, which
//! some servers cannot take (RFC 7685), so that none is sent; servers that fail on their own
//! preferred suite and would take others, so that members of refused sets are asked alone.

mod approach;
mod behaviour;
mod candidates;
mod confirm;
mod doubt;
mod evidence;
mod extras;
mod groups;
mod handshakes;
mod hello;
mod last;
mod order;
mod repeat;
mod rounds;
mod run;
mod search;
#[cfg(test)]
mod simulation;
mod size;
mod waver;

pub use approach::{Approach, Wanted, approach};
pub use behaviour::{Behaviour, Fact, Ssl2};
pub use evidence::{Answer, Evidence, HelloSize, NotOffered, Oddity, Plainness};
pub use extras::ClientCertificate;
pub use groups::GroupSurvey;
pub use handshakes::{HandshakeResult, HandshakeRow};
pub use hello::{Manner, Subject};
pub use last::ask_last;
pub use order::Preference;
pub use repeat::UnsteadyRow;
pub use run::{Clearance, Cleared, Options, Step, survey};

use std::collections::BTreeMap;

use crate::tls::{CipherSuite, TlsVersion};

/// Everything that a survey found out about one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// One entry for each version asked for, newest first.
    pub versions: Vec<VersionSurvey>,
    /// The groups that the server takes.
    pub groups: Option<GroupSurvey>,
    /// The distinct certificate chains that it showed, in DER, leaf first.
    pub chains: Vec<Vec<Vec<u8>>>,
    /// Whether it asks for a client certificate.
    pub client_certificate: ClientCertificate,
    /// The application protocols that it selects, its favourite first; `None` if not learned.
    pub alpn: Option<Vec<String>>,
    /// Complete handshakes with the suites accepted, or with every cipher of OpenSSL.
    pub handshakes: Vec<HandshakeRow>,
    /// How it behaves beyond its choice of suites.
    pub behaviour: Behaviour,
    /// How the hellos were said.
    pub manner: Manner,
    /// Whether what [`ask_last`] asks for has been asked.
    pub(crate) has_asked_last: bool,
    /// What was odd.
    pub oddities: Vec<Oddity>,
    /// How often the connections had to be slowed down because of trouble.
    pub times_slowed: usize,
    /// Whether the deadline ended the survey early.
    pub deadline_hit: bool,
    /// Whether the connections allowed to the endpoint were used up before all was asked.
    pub budget_hit: bool,
    /// How many surveys were put together; 0 where there was no more than one.
    pub surveys: u32,
    /// The rows that changed from one survey to the next.
    pub unsteady: Vec<UnsteadyRow>,
}

/// What a server accepts under one protocol version.
#[derive(Clone, Debug)]
pub struct VersionSurvey {
    /// The version.
    pub version: TlsVersion,
    /// What is known of every registered suite.
    pub answers: BTreeMap<CipherSuite, Answer>,
    /// The suites accepted: in the server's order where it has one, else in ours.
    pub accepted: Vec<CipherSuite>,
    /// Whose order decides.
    pub preference: Preference,
    /// Whether the order of `accepted` was proven to its end.
    pub order_proven: bool,
}

impl VersionSurvey {
    /// How many suites were not asked for since the connections allowed were used up.
    #[must_use]
    pub fn not_asked(&self) -> usize {
        let budget = Answer::NotOffered(NotOffered::Budget);
        self.answers.values().filter(|answer| **answer == budget).count()
    }

    /// How many suites could not be told accepted from refused.
    #[must_use]
    pub fn unclear(&self) -> usize {
        self.answers.values().filter(|answer| matches!(answer, Answer::Unclear(_))).count()
    }
}

impl Survey {
    /// How many pairs of version and suite were not asked for since the connections allowed were
    /// used up.
    #[must_use]
    pub fn not_asked(&self) -> usize {
        self.versions.iter().map(VersionSurvey::not_asked).sum()
    }

    /// The survey of one version, if it was asked for.
    #[must_use]
    pub fn version(&self, version: TlsVersion) -> Option<&VersionSurvey> {
        self.versions.iter().find(|survey| survey.version == version)
    }

    /// Whether the server accepts this suite under this version.
    #[must_use]
    pub fn accepts(&self, version: TlsVersion, suite: CipherSuite) -> bool {
        self.version(version).is_some_and(|survey| survey.accepted.contains(&suite))
    }

    /// Every accepted pair of version and suite, newest version first.
    pub fn accepted(&self) -> impl Iterator<Item = (TlsVersion, CipherSuite)> + '_ {
        self.versions
            .iter()
            .flat_map(|survey| survey.accepted.iter().map(move |suite| (survey.version, *suite)))
    }

    /// How many pairs of version and suite could not be told accepted from refused.
    #[must_use]
    pub fn unclear(&self) -> usize {
        self.versions.iter().map(VersionSurvey::unclear).sum()
    }
}
