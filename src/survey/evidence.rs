//! What is known of a suite, and how.

use std::fmt;

use crate::probe::Ending;
use crate::tls::{AlertDescription, CipherSuite, Group, SignatureScheme, TlsVersion};

/// What is known of one suite under one version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The server selects it.
    Accepted(Evidence),
    /// The server does not take it.
    Refused(Evidence),
    /// The server has it, and refuses who shows no identity that it knows (RFC 5054 §2.5.1.3).
    AsksIdentity(Evidence),
    /// It could not be learned; what happened.
    Unclear(String),
    /// It was not asked for.
    NotOffered(NotOffered),
}

/// How an answer is known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Evidence {
    /// The server selected the suite.
    Selected {
        /// How many suites the hello offered.
        offered: usize,
        /// The group of the key exchange, where it travels in clear.
        group: Option<Group>,
        /// The size of the prime of a finite field exchange, in bits.
        dh_bits: Option<u16>,
        /// The scheme of the server's signature, where it travels in clear.
        signature: Option<SignatureScheme>,
        /// Whether the suite needs an identity of the client's next, which shows only then.
        identity: bool,
    },
    /// The server sent an alert to a hello that offered the suite.
    Alert {
        /// The alert.
        alert: AlertDescription,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server hung up on a hello that offered the suite, twice, and took one that is known
    /// to be accepted in between; or does so for all that it refuses.
    Ended {
        /// How it hung up.
        ending: Ending,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server answered with another version.
    OtherVersion {
        /// The version of its answer.
        answered: TlsVersion,
        /// How many suites the hello offered.
        offered: usize,
    },
    /// The server refused the version itself to other hellos, so this suite was not asked for.
    VersionRefused,
}

/// Why a suite was not asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotOffered {
    /// The suite is not defined for this version (RFC 8446 §B.4; RFC 5246 §1.2), and no server
    /// is known that selects it there.
    NotDefined,
    /// The connections allowed to the endpoint were used up.
    Budget,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selected { offered, group, dh_bits, signature, identity } => {
                write!(f, "selected from {offered} offered")?;
                if let Some(group) = group {
                    write!(f, ", group {group}")?;
                }
                if let Some(bits) = dh_bits {
                    write!(f, ", {bits}-bit DH")?;
                }
                if let Some(scheme) = signature {
                    write!(f, ", signed with {scheme}")?;
                }
                if *identity {
                    f.write_str("; asks for an identity, and Envoy has none")?;
                }
                Ok(())
            }
            Self::Alert { alert, offered } => write!(f, "alert {alert}, {offered} offered"),
            Self::Ended { ending, offered } => {
                write!(f, "{ending} while a control succeeds, {offered} offered")
            }
            Self::OtherVersion { answered, .. } => write!(f, "the server answered {answered}"),
            Self::VersionRefused => f.write_str("the server refuses the protocol version"),
        }
    }
}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget => {
                f.write_str("not asked: the connections allowed by --budget were used up")
            }
            Self::NotDefined => f.write_str("not defined for this version, not offered"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(evidence) | Self::Refused(evidence) | Self::AsksIdentity(evidence) => {
                evidence.fmt(f)
            }
            Self::Unclear(what) => f.write_str(what),
            Self::NotOffered(why) => why.fmt(f),
        }
    }
}

/// Something that a server did which the protocol does not foresee, or which limits the survey.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Oddity {
    /// It selected a suite that the hello did not offer.
    UnofferedSuite {
        /// The version asked for.
        version: TlsVersion,
        /// The suite that it selected.
        suite: CipherSuite,
    },
    /// It selected a version above the one offered.
    UnofferedVersion {
        /// The version asked for.
        asked: TlsVersion,
        /// The version that it answered.
        answered: TlsVersion,
    },
    /// It selected a suite number that is assigned to nothing, so that no 'accepted' of this
    /// server can be believed.
    UnassignedSuite,
    /// It refused a set of suites and accepted a member of it alone.
    RefusedSetHasAcceptedMember {
        /// The version asked for.
        version: TlsVersion,
        /// The member.
        suite: CipherSuite,
    },
    /// It refuses by hanging up instead of by an alert.
    RefusesByEnding(Ending),
    /// It sent a warning alert before its answer.
    Warning(AlertDescription),
    /// It does not answer hellos above a size that others take.
    LongHello {
        /// How big a hello was left without an answer.
        unanswered: HelloSize,
        /// How big a hello was answered, the biggest that was.
        answered: HelloSize,
    },
    /// It answers only hellos that are plainer than what servers usually take.
    OnlyPlainer(Plainness),
    /// It stopped answering after so many connections, whatever was asked.
    StoppedAnswering {
        /// How many connections had been opened by then.
        connections: u64,
    },
    /// It refuses at the end, by this alert, a suite that it selected before.
    RefusesWhatItTook(AlertDescription),
    /// It refuses by this alert, now and then, a hello that it takes at other times.
    Wavers(AlertDescription),
    /// It took connections and left hellos unanswered that it answered on the next one.
    Stalls(u32),
    /// It selected suites from a set, and not when they were offered alone.
    NotConfirmed {
        /// The version of one of them.
        version: TlsVersion,
        /// One of them.
        suite: CipherSuite,
        /// The alert by which it refused that, if one came.
        alert: Option<AlertDescription>,
        /// How many pairs of version and suite there are.
        rows: usize,
    },
    /// It answers the same question now so and now so.
    Unsteady {
        /// How many pairs of version and suite it was seen with.
        rows: usize,
        /// In how many surveys.
        surveys: u32,
    },
}

/// How big a hello is.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct HelloSize {
    /// The length of the message in bytes, without the header of the record.
    pub bytes: usize,
    /// How many suites it offers.
    pub suites: usize,
}

impl fmt::Display for HelloSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes with {} suites", self.bytes, self.suites)
    }
}

/// What a hello must do without to be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

impl fmt::Display for Plainness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FewGroups => "with few groups and signature schemes",
            Self::NoExtensions => "without supported_groups, signature_algorithms and the like",
            Self::NoServerName => "without server_name",
            Self::NewerRecord => "whose record says TLS 1.2",
        })
    }
}

impl Oddity {
    /// Whether it tells more than how the server spells its answers: other clients fail on it, or
    /// answers are missing because of it.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::LongHello { .. }
                | Self::OnlyPlainer(_)
                | Self::StoppedAnswering { .. }
                | Self::RefusesWhatItTook(_)
                | Self::Wavers(_)
                | Self::Stalls(_)
                | Self::NotConfirmed { .. }
                | Self::UnofferedSuite { .. }
                | Self::Unsteady { .. }
        )
    }

    /// The ending by which the server refuses, if this is about one.
    pub(super) fn refuses_by(&self) -> Option<Ending> {
        match self {
            Self::RefusesByEnding(ending) => Some(*ending),
            _ => None,
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnofferedSuite { version, suite } => {
                write!(f, "selects {suite} under {version} although it was not offered")
            }
            Self::UnofferedVersion { asked, answered } => {
                write!(f, "answers {answered} to a hello for at most {asked}")
            }
            Self::UnassignedSuite => f.write_str("selects a suite number that nobody has assigned"),
            Self::RefusedSetHasAcceptedMember { version, suite } => {
                write!(f, "refuses a set of suites under {version} but accepts its member {suite}")
            }
            Self::RefusesByEnding(ending) => {
                write!(f, "refuses without an alert: {ending}")
            }
            Self::Warning(alert) => write!(f, "sends the warning {alert} before its answer"),
            Self::LongHello { unanswered, answered } => {
                write!(f, "does not answer a hello of {unanswered}, only up to {answered}")
            }
            Self::OnlyPlainer(plainness) => write!(f, "answers only hellos {plainness}"),
            Self::StoppedAnswering { connections } => {
                write!(f, "stopped answering after {connections} connections")
            }
            Self::RefusesWhatItTook(alert) => {
                write!(f, "refuses what it selected before, by alert {alert}")
            }
            Self::Wavers(alert) => {
                write!(f, "answers the same hello now by a suite and now by alert {alert}")
            }
            Self::Stalls(1) => {
                f.write_str("left 1 hello unanswered that it answered the next time")
            }
            Self::Stalls(count) => {
                write!(f, "left {count} hellos unanswered that it answered the next time")
            }
            Self::NotConfirmed { version, suite, rows, alert: _ } => {
                write!(f, "selects {suite} under {version} from a set, and not alone")?;
                match rows {
                    0 | 1 => Ok(()),
                    rows => write!(f, "; so it does {rows} pairs of version and suite"),
                }
            }
            Self::Unsteady { rows, surveys } => write!(
                f,
                "answers differ from one connection to the next: {rows} pairs of version and \
                 suite changed over {surveys} surveys"
            ),
        }
    }
}
