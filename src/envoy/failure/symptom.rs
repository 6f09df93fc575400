//! The shape of the tables of symptoms.

/// Something that a log, a status or a body can show, and what is known about it.
#[derive(Debug)]
pub struct Symptom {
    /// A stable name in kebab-case letters; never reused for another meaning.
    pub code: &'static str,
    /// How bad it is.
    pub gravity: Gravity,
    /// What it is recognised by; any of them will do.
    pub signs: &'static [Sign],
    /// What it means: one sentence without a full stop.
    pub meaning: &'static str,
    /// What can be behind it, most likely first. Fields are named as in an Upstream.
    pub causes: &'static [&'static str],
    /// What helps; sentences.
    pub remedy: &'static str,
    /// What to look at next.
    pub steps: &'static [Step],
    /// What more the text has to tell.
    pub detail: Detail,
}

impl Symptom {
    /// A row without anything optional, to build on.
    pub const NONE: Self = Self {
        code: "",
        gravity: Gravity::Blocking,
        signs: &[],
        meaning: "",
        causes: &[],
        remedy: "",
        steps: &[],
        detail: Detail::None,
    };
}

/// How bad a symptom is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Gravity {
    /// Connections, a configuration or an update fail.
    Blocking,
    /// Works, or will for now, and deserves a look.
    Warning,
    /// Good to know.
    Info,
}

/// What a symptom is recognised by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sign {
    /// A text in it; blanks may be underscores.
    Text(&'static str),
    /// Two texts, one after the other, where the first alone is too common.
    Pair(&'static str, &'static str),
    /// A text that wraps others, and counts only where nothing more exact is beside it.
    Wrapper(&'static str),
    /// The number of an error of BoringSSL.
    Error(u32),
    /// A text in the detail of a failed certificate verification.
    Verification(&'static str),
    /// A response flag of the access log.
    Flag(&'static str),
    /// A counter, by its name below the cluster's, that is not 0.
    Counter(&'static str),
}

/// What more a text has to tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Detail {
    /// Nothing.
    None,
    /// What it is, and the texts that it stands between, or up to the end; the first pair that is
    /// found counts.
    Between(&'static str, &'static [(&'static str, &'static str)]),
    /// The namespace and the name of a Secret.
    Secret,
}

/// What to look at next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Test the server that the line names.
    Probe,
    /// Judge the Upstream.
    Upstream,
    /// Look at the Upstream as it is stored.
    ShowUpstream,
    /// Read the proxy's log.
    ProxyLog,
    /// Read the control plane's log.
    ControlPlaneLog,
    /// Ask Gloo.
    Check,
    /// Judge the Secret.
    Secret,
    /// Compare with what Envoy has loaded.
    ConfigDump,
    /// Look at the Settings.
    Settings,
    /// Look at the Service.
    Service,
}
