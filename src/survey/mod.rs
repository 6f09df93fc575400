//! What a server accepts: strategy over probes, plain facts with their evidence out.
//!
//! Knows nothing of Envoy and judges nothing: RC4 is as good as AES-GCM here. Cipher suites are
//! found by splitting on accept: a set that is refused is done in one connection; where one
//! suite is selected, what is left is split over the idle places and asked again.
//!
//! Traps: servers that close or reset where they should send an alert, which only a control
//! tells from trouble on the way; hellos of 256 to 511 bytes and of more than 64 suites, which
//! some servers cannot take (RFC 7685), so that none is sent; servers that fail on their own
//! preferred suite and would take others, so that members of refused sets are asked alone.

mod approach;
mod candidates;
mod confirm;
mod doubt;
mod evidence;
mod extras;
mod groups;
mod handshakes;
mod hello;
mod order;
mod repeat;
mod rounds;
mod run;
mod search;
mod size;

pub use approach::{Approach, Wanted, approach};
pub use evidence::{Answer, Evidence, HelloSize, NotOffered, Oddity, Plainness};
pub use extras::ClientCertificate;
pub use groups::GroupSurvey;
pub use handshakes::{HandshakeResult, HandshakeRow};
pub use hello::{Manner, Subject};
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
    /// What was odd.
    pub oddities: Vec<Oddity>,
    /// How often the connections had to be slowed down because of trouble.
    pub times_slowed: usize,
    /// Whether the deadline ended the survey early.
    pub deadline_hit: bool,
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
