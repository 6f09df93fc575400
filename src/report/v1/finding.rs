//! The reasons for a verdict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::all;
use super::obstacle::Obstacle;
use super::survey::Oddity;
use super::terms::{
    Alert, Ending, Group, KeyUsageBit, PlainProtocol, ServerName, SignatureScheme, Suite, Version,
    excerpt_text,
};
use crate::report::words;
use crate::verdict;

/// One reason for a verdict, or something found on the way.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The stable name of this kind of finding.
    #[schemars(regex(pattern = "^[a-z]+(-[a-z]+)*$"))]
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence for people. Its wording may change at any time.
    pub message: String,
    /// What to do, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// What the finding rests on, for programs, where there is more to say than its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<FindingDetails>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It keeps Envoy from connecting.
    Blocking,
    /// It does not now, and deserves a look.
    Warning,
    /// Good to know.
    Info,
}

/// What a finding rests on; `kind` is the finding's code.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FindingDetails {
    /// The server takes none of the suites that Envoy offers.
    CipherSuites {
        /// The suites to add, in Envoy's spelling.
        added: Vec<String>,
        /// Whether others must go, since the certificate does not allow them.
        replaces: bool,
    },
    /// The server fails as long as Envoy offers one of these suites, and answers without them.
    FailingSuites {
        /// The suites that it fails on, in Envoy's spelling, which the change leaves out.
        left_out: Vec<String>,
    },
    /// Envoy gets through on some connections, and on others does not.
    Wavers {
        /// What is in the way then.
        obstacle: Obstacle,
    },
    /// The server's newest version is below Envoy's minimum.
    MinimumVersion {
        /// The minimum that Envoy needs.
        version: Version,
    },
    /// The server's versions are above Envoy's maximum, or it fails on a higher one.
    MaximumVersion {
        /// The maximum that Envoy needs.
        version: Version,
    },
    /// The server takes none of the groups that Envoy offers.
    Curves {
        /// The groups to add, in Envoy's spelling.
        added: Vec<String>,
        /// Whether they are needed for the key of the server's certificate rather than for the
        /// key exchange.
        for_certificate: bool,
    },
    /// The server, or something on the way, fails on a hello with a post-quantum key.
    HelloSize {
        /// How many bytes the hello with the key has.
        large: usize,
        /// How many bytes the hello without has, which gets through.
        small: usize,
        /// Whether the size alone is the cause rather than the key.
        size_alone: bool,
    },
    /// The server signs with nothing that Envoy offers.
    SignatureAlgorithms {
        /// The algorithms to add, in Envoy's spelling.
        added: Vec<String>,
    },
    /// The server wants another server name.
    Sni {
        /// The name sent, if one was.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent: Option<String>,
        /// What the server takes; left out if no name was found that it takes.
        #[serde(skip_serializing_if = "Option::is_none")]
        wanted: Option<ServerName>,
    },
    /// The server speaks none of the application protocols offered.
    Alpn {
        /// The protocols offered.
        offered: Vec<String>,
        /// What `useHttp2` has to be; left out if no protocol was found that helps.
        #[serde(skip_serializing_if = "Option::is_none")]
        use_http2: Option<bool>,
    },
    /// The server insists on a client certificate, or refuses the one that it was shown.
    ClientCertificate {
        /// Its alert.
        #[serde(skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
        /// Whether one was shown.
        shown: bool,
        /// The authorities that it names.
        authorities: Vec<String>,
    },
    /// The chain does not lead to the CA.
    CertificateUntrusted {
        /// OpenSSL's words.
        reason: String,
    },
    /// A certificate of the chain is out of its dates.
    CertificateExpired {
        /// OpenSSL's words.
        reason: String,
    },
    /// The certificate is for other names.
    CertificateName {
        /// The names wanted.
        wanted: Vec<String>,
        /// The names that it has.
        names: Vec<String>,
    },
    /// Envoy refuses the certificate for its keyUsage.
    KeyUsage {
        /// The bit that is missing.
        bit: KeyUsageBit,
    },
    /// Envoy would refuse the certificate for its keyUsage from release 1.38 on.
    KeyUsageLater {
        /// The bit that is missing.
        bit: KeyUsageBit,
    },
    /// The server does not speak TLS.
    PlainText {
        /// What it speaks.
        protocol: PlainProtocol,
        /// The first bytes of its answer; what is not printable ASCII is escaped.
        excerpt: String,
    },
    /// No connection to the server.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// The server takes connections and does not answer hellos.
    NoAnswer {
        /// What happened.
        reason: String,
    },
    /// The server ends every connection without an answer.
    Hangup {
        /// How.
        ending: Ending,
    },
    /// The server stopped answering while it was asked.
    Throttled {
        /// How often the connections were slowed down.
        times: usize,
        /// Whether it was given up in the end.
        gave_up: bool,
    },
    /// No setting of Gloo's helps.
    NoSettingHelps {
        /// Why.
        cause: HopelessCause,
    },
    /// Envoy does not take its own configuration.
    Configuration {
        /// In Envoy's words.
        fault: String,
    },
    /// Something else is in the way.
    Handshake {
        /// What.
        obstacle: Obstacle,
    },
    /// The suite that would be negotiated is weak.
    WeakSuite {
        /// The suite.
        suite: Suite,
    },
    /// The version that would be negotiated is obsolete.
    ObsoleteVersion {
        /// The version.
        version: Version,
    },
    /// Some suites could not be told accepted from refused.
    UnclearSuites {
        /// How many pairs of version and suite.
        count: usize,
    },
    /// The server did something odd.
    Oddity {
        /// What.
        oddity: Oddity,
    },
    /// The server did not come to TLS.
    Starttls {
        /// The protocol in which it was asked.
        protocol: String,
        /// What happened.
        reason: String,
    },
    /// All that is said is about TLS that the server has to be asked for, which Envoy does not do.
    BehindStarttls {
        /// The protocol in which it was asked.
        protocol: String,
    },
}

/// Why no setting helps.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HopelessCause {
    /// The server accepts only suites that no Envoy of this release can send.
    Suites {
        /// Those suites.
        suites: Vec<Suite>,
    },
    /// The server speaks only a version that Envoy does not.
    Version {
        /// That version.
        version: Version,
    },
    /// The server takes only groups that this release does not have.
    Groups {
        /// Those groups.
        groups: Vec<Group>,
    },
    /// The server's key is of a kind that this release cannot verify by default.
    Key {
        /// The kind, such as `Ed25519`.
        key: String,
    },
    /// The server signs only with schemes that Gloo cannot set; Envoy itself can.
    SignatureAlgorithms {
        /// The algorithms, in Envoy's spelling.
        added: Vec<String>,
    },
    /// The certificate forbids what the server does with it.
    KeyUsage {
        /// The bit that is missing.
        bit: KeyUsageBit,
    },
    /// The server uses a scheme that nothing can be said about.
    Signature {
        /// The scheme.
        signature: SignatureScheme,
    },
    /// The reason is not known.
    Unknown {},
}

impl From<&verdict::Finding> for Finding {
    fn from(finding: &verdict::Finding) -> Self {
        Self {
            code: finding.code().to_owned(),
            severity: finding.severity().into(),
            message: words::message(finding),
            advice: words::advice(finding),
            details: details(finding),
        }
    }
}

impl From<verdict::Severity> for Severity {
    fn from(severity: verdict::Severity) -> Self {
        match severity {
            verdict::Severity::Blocking => Self::Blocking,
            verdict::Severity::Warning => Self::Warning,
            verdict::Severity::Info => Self::Info,
        }
    }
}

impl From<Severity> for verdict::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Blocking => Self::Blocking,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Info,
        }
    }
}

fn details(finding: &verdict::Finding) -> Option<FindingDetails> {
    use FindingDetails as Details;
    use verdict::Finding as Found;
    Some(match finding {
        Found::CipherSuites { added, replaces } => {
            Details::CipherSuites { added: added.clone(), replaces: *replaces }
        }
        Found::FailingSuites { left_out } => Details::FailingSuites { left_out: left_out.clone() },
        Found::Wavers(obstacle) => Details::Wavers { obstacle: obstacle.into() },
        Found::MinimumVersion(version) => Details::MinimumVersion { version: (*version).into() },
        Found::MaximumVersion { needed, .. } => {
            Details::MaximumVersion { version: (*needed).into() }
        }
        Found::Curves { added, for_certificate } => {
            Details::Curves { added: added.clone(), for_certificate: *for_certificate }
        }
        Found::HelloSize { large, small, size_alone } => {
            Details::HelloSize { large: *large, small: *small, size_alone: *size_alone }
        }
        Found::SignatureAlgorithms { added } => {
            Details::SignatureAlgorithms { added: added.clone() }
        }
        Found::Sni { sent, wanted } => {
            Details::Sni { sent: sent.clone(), wanted: wanted.as_ref().map(ServerName::from) }
        }
        Found::Alpn { offered, http2 } => {
            Details::Alpn { offered: offered.clone(), use_http2: *http2 }
        }
        Found::PlainText { protocol, excerpt } => {
            Details::PlainText { protocol: (*protocol).into(), excerpt: excerpt_text(excerpt) }
        }
        Found::Unreachable(reason) => Details::Unreachable { reason: reason.clone() },
        Found::NoAnswer(reason) => Details::NoAnswer { reason: reason.clone() },
        Found::Hangup(ending) => Details::Hangup { ending: (*ending).into() },
        Found::Throttled { times, gave_up } => {
            Details::Throttled { times: *times, gave_up: *gave_up }
        }
        Found::NoSettingHelps(cause) => Details::NoSettingHelps { cause: cause.into() },
        Found::Configuration(fault) => Details::Configuration { fault: fault.clone() },
        Found::Other(obstacle) => Details::Handshake { obstacle: obstacle.into() },
        Found::WeakSuite(suite) => Details::WeakSuite { suite: suite.into() },
        Found::ObsoleteVersion(version) => Details::ObsoleteVersion { version: (*version).into() },
        Found::UnclearSuites(count) => Details::UnclearSuites { count: *count },
        Found::Oddity(oddity) => Details::Oddity { oddity: oddity.into() },
        Found::StartTls(error) => Details::Starttls {
            protocol: error.protocol.name().to_owned(),
            reason: error.to_string(),
        },
        Found::BehindStartTls(protocol) => {
            Details::BehindStarttls { protocol: protocol.name().to_owned() }
        }
        Found::ClientCertificate { .. }
        | Found::CertificateUntrusted(_)
        | Found::CertificateExpired(_)
        | Found::CertificateName { .. }
        | Found::KeyUsage(_)
        | Found::KeyUsageLater(_) => return certificate_details(finding),
        Found::ClientCertificateOptional
        | Found::Http2NotSelected
        | Found::DeadlineHit
        | Found::AddressFamily
        | Found::Disagreement => return None,
    })
}

fn certificate_details(finding: &verdict::Finding) -> Option<FindingDetails> {
    use FindingDetails as Details;
    use verdict::Finding as Found;
    match finding {
        Found::ClientCertificate { alert, shown, authorities } => {
            Some(Details::ClientCertificate {
                alert: alert.map(Alert::from),
                shown: *shown,
                authorities: authorities.clone(),
            })
        }
        Found::CertificateUntrusted(words) => {
            Some(Details::CertificateUntrusted { reason: words.clone() })
        }
        Found::CertificateExpired(words) => {
            Some(Details::CertificateExpired { reason: words.clone() })
        }
        Found::CertificateName { wanted, names } => {
            Some(Details::CertificateName { wanted: wanted.clone(), names: names.clone() })
        }
        Found::KeyUsage(bit) => Some(Details::KeyUsage { bit: (*bit).into() }),
        Found::KeyUsageLater(bit) => Some(Details::KeyUsageLater { bit: (*bit).into() }),
        _ => None,
    }
}

impl From<&verdict::Hopeless> for HopelessCause {
    fn from(cause: &verdict::Hopeless) -> Self {
        use verdict::Hopeless;
        match cause {
            Hopeless::Suites(suites) => Self::Suites { suites: all(suites) },
            Hopeless::Version(version) => Self::Version { version: (*version).into() },
            Hopeless::Groups(groups) => Self::Groups { groups: all(groups) },
            Hopeless::Key(key) => Self::Key { key: key.to_string() },
            Hopeless::SignatureAlgorithms(added) => {
                Self::SignatureAlgorithms { added: added.clone() }
            }
            Hopeless::KeyUsage(bit) => Self::KeyUsage { bit: (*bit).into() },
            Hopeless::Signature(scheme) => Self::Signature { signature: (*scheme).into() },
            Hopeless::Unknown => Self::Unknown {},
        }
    }
}
