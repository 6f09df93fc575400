//! What trial and survey of one endpoint amount to. Pure: values in, findings out.
//!
//! A finding carries what it rests on; saying it in words is left to the report.

mod comparison;
mod finding;
mod judge;
mod upgrade;

pub use comparison::{SuiteRow, Use, compare};
pub use finding::{Finding, Hopeless, Severity};
pub use judge::judge;
pub use upgrade::{Differences, Effect, effect};

/// The answer to the question whether Envoy can connect.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// In one word.
    pub summary: Summary,
    /// Why, the gravest first.
    pub findings: Vec<Finding>,
    /// Each accepted suite beside what Envoy offers, newest version first.
    pub suites: Vec<SuiteRow>,
}

/// The verdict in one word.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Summary {
    /// Envoy connects as it is configured.
    Connects,
    /// Envoy does not connect, and something that its operator can change helps.
    NeedsChange,
    /// Envoy does not connect, and no setting of Gloo's helps.
    NoSettingHelps,
    /// It could not be told.
    Unclear,
}

impl Summary {
    /// 0 Envoy connects, 1 it does not, 2 no answer.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Connects => 0,
            Self::NeedsChange | Self::NoSettingHelps => 1,
            Self::Unclear => 2,
        }
    }

    /// The name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Connects => "connects",
            Self::NeedsChange => "needs-change",
            Self::NoSettingHelps => "no-setting-helps",
            Self::Unclear => "unclear",
        }
    }
}
