//! How answers are known, and what was odd.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::v1::terms::{Alert, Ending, Group, SignatureScheme, Suite, Version};
use crate::survey;

/// How an answer is known.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// The server selected the suite.
    Selected {
        /// How many suites the hello offered.
        offered: usize,
        /// The group of the key exchange, where it travels in clear.
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<Group>,
        /// The size of the prime of a finite field exchange, in bits.
        #[serde(skip_serializing_if = "Option::is_none")]
        dh_bits: Option<u16>,
        /// The scheme of the server's signature, where it travels in clear.
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<SignatureScheme>,
        /// Whether the suite needs an identity of the client's next: a pre-shared key or a user
        /// name. No Envoy has one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        identity: bool,
    },
    /// The server sent an alert to a hello that offered the suite.
    Alert {
        /// The alert.
        alert: Alert,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server hung up on a hello that offered the suite, while it took others.
    Ended {
        /// How.
        ending: Ending,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server answered with another version.
    OtherVersion {
        /// The version of its answer.
        answered: Version,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server refused the version itself to other hellos, so the suite was not asked for.
    VersionRefused {},
}

impl From<&survey::Evidence> for Evidence {
    fn from(evidence: &survey::Evidence) -> Self {
        match *evidence {
            survey::Evidence::Selected { offered, group, dh_bits, signature, identity } => {
                Self::Selected {
                    offered,
                    group: group.map(Group::from),
                    dh_bits,
                    signature: signature.map(SignatureScheme::from),
                    identity,
                }
            }
            survey::Evidence::Alert { alert, offered } => {
                Self::Alert { alert: alert.into(), offered }
            }
            survey::Evidence::Ended { ending, offered } => {
                Self::Ended { ending: ending.into(), offered }
            }
            survey::Evidence::OtherVersion { answered, offered } => {
                Self::OtherVersion { answered: answered.into(), offered }
            }
            survey::Evidence::VersionRefused => Self::VersionRefused {},
        }
    }
}

/// Something that a server did which the protocol does not foresee, or which limits the survey.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Oddity {
    /// For people: what the server does.
    pub text: String,
    /// For programs.
    pub details: OddityDetails,
}

/// The kind of an oddity, and what is known of it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OddityDetails {
    /// It selected a suite that the hello did not offer.
    UnofferedSuite {
        /// The version asked for.
        version: Version,
        /// The suite that it selected.
        suite: Suite,
    },
    /// It selected a version above the one offered.
    UnofferedVersion {
        /// The version asked for.
        asked: Version,
        /// The version that it answered.
        answered: Version,
    },
    /// It selected a suite number that is assigned to nothing, so that no `accepted` of this
    /// server can be believed.
    UnassignedSuite {},
    /// It refused a set of suites and accepted a member of it alone.
    RefusedSetHasAcceptedMember {
        /// The version asked for.
        version: Version,
        /// The member.
        suite: Suite,
    },
    /// It refuses by hanging up instead of by an alert.
    RefusesByEnding {
        /// How.
        ending: Ending,
    },
    /// It sent a warning alert before its answer.
    Warning {
        /// The alert.
        alert: Alert,
    },
    /// It does not answer hellos above a size that others take.
    LongHello {
        /// How big a hello was left without an answer.
        unanswered: HelloSize,
        /// How big a hello was answered, the biggest that was.
        answered: HelloSize,
    },
    /// It answers only hellos that are plainer than what servers usually take.
    OnlyPlainer {
        /// What such a hello does without.
        plainness: Plainness,
    },
    /// It stopped answering, whatever was asked.
    StoppedAnswering {
        /// How many connections had been opened by then.
        connections: u64,
    },
    /// It refuses at the end what it selected before.
    RefusesWhatItTook {
        /// By which alert.
        alert: Alert,
    },
    /// It refuses by this alert, now and then, a hello that it takes at other times.
    Wavers {
        /// The alert.
        alert: Alert,
    },
    /// It took connections and left hellos unanswered that it answered on the next one.
    Stalls {
        /// How often.
        times: u32,
    },
    /// It selected suites from a set, and not when they were offered alone.
    NotConfirmed {
        /// The version of the first of them.
        version: Version,
        /// The first of them.
        suite: Suite,
        /// How many pairs of version and suite there are.
        rows: usize,
    },
    /// It answers the same question now so and now so; the rows stand in `unsteady`.
    Unsteady {
        /// How many pairs of version and suite it was seen with.
        rows: usize,
        /// In how many surveys.
        surveys: u32,
    },
}

/// How big a hello is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HelloSize {
    /// The length of the message in bytes, without the header of the record.
    pub bytes: usize,
    /// How many suites it offers.
    pub suites: usize,
}

/// What a hello must do without to be answered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plainness {
    /// More than a few groups and signature schemes.
    FewGroups,
    /// Extensions other than server_name.
    NoExtensions,
    /// server_name.
    NoServerName,
    /// TLS 1.0 as the version of its record.
    NewerRecord,
}

impl From<survey::HelloSize> for HelloSize {
    fn from(size: survey::HelloSize) -> Self {
        Self { bytes: size.bytes, suites: size.suites }
    }
}

impl From<survey::Plainness> for Plainness {
    fn from(plainness: survey::Plainness) -> Self {
        match plainness {
            survey::Plainness::FewGroups => Self::FewGroups,
            survey::Plainness::NoExtensions => Self::NoExtensions,
            survey::Plainness::NoServerName => Self::NoServerName,
            survey::Plainness::NewerRecord => Self::NewerRecord,
        }
    }
}

impl From<&survey::Oddity> for Oddity {
    fn from(oddity: &survey::Oddity) -> Self {
        Self { text: oddity.to_string(), details: oddity.into() }
    }
}

impl From<&survey::Oddity> for OddityDetails {
    fn from(oddity: &survey::Oddity) -> Self {
        match *oddity {
            survey::Oddity::UnofferedSuite { version, suite } => {
                Self::UnofferedSuite { version: version.into(), suite: suite.into() }
            }
            survey::Oddity::UnofferedVersion { asked, answered } => {
                Self::UnofferedVersion { asked: asked.into(), answered: answered.into() }
            }
            survey::Oddity::UnassignedSuite => Self::UnassignedSuite {},
            survey::Oddity::RefusedSetHasAcceptedMember { version, suite } => {
                Self::RefusedSetHasAcceptedMember { version: version.into(), suite: suite.into() }
            }
            survey::Oddity::RefusesByEnding(ending) => {
                Self::RefusesByEnding { ending: ending.into() }
            }
            survey::Oddity::Warning(alert) => Self::Warning { alert: alert.into() },
            survey::Oddity::LongHello { unanswered, answered } => {
                Self::LongHello { unanswered: unanswered.into(), answered: answered.into() }
            }
            survey::Oddity::OnlyPlainer(plainness) => {
                Self::OnlyPlainer { plainness: plainness.into() }
            }
            survey::Oddity::StoppedAnswering { connections } => {
                Self::StoppedAnswering { connections }
            }
            survey::Oddity::RefusesWhatItTook(alert) => {
                Self::RefusesWhatItTook { alert: alert.into() }
            }
            survey::Oddity::Stalls(times) => Self::Stalls { times },
            survey::Oddity::Wavers(alert) => Self::Wavers { alert: alert.into() },
            survey::Oddity::NotConfirmed { version, suite, rows, alert: _ } => {
                Self::NotConfirmed { version: version.into(), suite: suite.into(), rows }
            }
            survey::Oddity::Unsteady { rows, surveys } => Self::Unsteady { rows, surveys },
        }
    }
}
