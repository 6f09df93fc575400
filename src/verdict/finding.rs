//! One reason, with what it rests on.

use crate::probe::{Ending, StartTls, StartTlsError};
use crate::survey::Oddity;
use crate::tls::{AlertDescription, CipherSuite, Group, SignatureScheme, TlsVersion};
use crate::trial::{KeyKind, KeyUsageBit, Obstacle};
use crate::wire::PlainProtocol;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// It keeps Envoy from connecting.
    Blocking,
    /// It does not now, and deserves a look.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// The name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One reason for a verdict, or something found on the way.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Finding {
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
    /// This is in Envoy's way on some connections, and on others is not.
    Wavers(Obstacle),
    /// The server's newest version is below Envoy's minimum.
    MinimumVersion(TlsVersion),
    /// The server takes Envoy's offer only under a version above its maximum, or fails on one so
    /// high.
    MaximumVersion {
        /// The maximum that Envoy needs.
        needed: TlsVersion,
        /// The maximum in force.
        in_force: TlsVersion,
        /// Whether the server speaks a version that Envoy offers too, with other suites or groups.
        speaks_older: bool,
    },
    /// The server takes none of the groups that Envoy offers, or has its key on another curve.
    Curves {
        /// The groups to add, in Envoy's spelling.
        added: Vec<String>,
        /// Whether they are needed for the certificate's key rather than for the key exchange.
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
        /// The name sent.
        sent: Option<String>,
        /// The name that the server takes; the inner `None` is no name at all, the outer that
        /// none was found.
        wanted: Option<Option<String>>,
    },
    /// The server speaks none of the application protocols offered.
    Alpn {
        /// The protocols offered.
        offered: Vec<String>,
        /// Whether HTTP/2 is what it speaks; `None` if no protocol was found that helps.
        http2: Option<bool>,
    },
    /// The server insists on a client certificate, or refuses the one that it was shown.
    ClientCertificate {
        /// Its alert.
        alert: Option<AlertDescription>,
        /// Whether one was shown.
        shown: bool,
        /// The authorities that it names, as one line each.
        authorities: Vec<String>,
    },
    /// The server asks for a client certificate and goes on without.
    ClientCertificateOptional,
    /// The chain does not lead to the CA.
    CertificateUntrusted(String),
    /// A certificate of the chain is out of its dates.
    CertificateExpired(String),
    /// The certificate is for other names.
    CertificateName {
        /// The names wanted.
        wanted: Vec<String>,
        /// The names it has.
        names: Vec<String>,
    },
    /// Envoy refuses the certificate for its keyUsage.
    KeyUsage(KeyUsageBit),
    /// Envoy would refuse the certificate for its keyUsage from release 1.38 on.
    KeyUsageLater(KeyUsageBit),
    /// The server does not speak TLS.
    PlainText {
        /// What it speaks.
        protocol: PlainProtocol,
        /// The first bytes of its answer.
        excerpt: Vec<u8>,
    },
    /// No connection to the server.
    Unreachable(String),
    /// The server takes connections and does not answer hellos.
    NoAnswer(String),
    /// The server ends every connection without an answer.
    Hangup(Ending),
    /// The server stopped answering while it was asked.
    Throttled {
        /// How often the connections were slowed down.
        times: usize,
        /// Whether it was given up in the end.
        gave_up: bool,
    },
    /// No setting of Gloo's helps.
    NoSettingHelps(Hopeless),
    /// Envoy does not take its own configuration.
    Configuration(String),
    /// Something else is in the way.
    Other(Obstacle),
    /// The cluster speaks HTTP/2 alone, and the server does not say by ALPN that it does.
    Http2NotSelected,
    /// The suite that would be negotiated is weak.
    WeakSuite(CipherSuite),
    /// The version that would be negotiated is obsolete (RFC 8996).
    ObsoleteVersion(TlsVersion),
    /// Some suites could not be told accepted from refused.
    UnclearSuites(usize),
    /// The survey ran out of time.
    DeadlineHit,
    /// The server did something odd.
    Oddity(Oddity),
    /// Comparing the lists and asking the server lead to different answers.
    Disagreement,
    /// The server did not come to TLS.
    StartTls(StartTlsError),
    /// All that is said is about TLS that the server has to be asked for in this protocol, which
    /// Envoy does not do.
    BehindStartTls(StartTls),
    /// The address is IPv6, and Gloo has Envoy look up IPv4 addresses alone.
    AddressFamily,
}

/// Why no setting helps.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Hopeless {
    /// The server accepts only suites that no Envoy of this release can send.
    Suites(Vec<CipherSuite>),
    /// The server speaks only a version that Envoy does not.
    Version(TlsVersion),
    /// The server takes only groups that this release does not have.
    Groups(Vec<Group>),
    /// The server's key is of a kind that this release cannot verify by default.
    Key(KeyKind),
    /// The server signs only with schemes that Gloo cannot set; Envoy itself can.
    SignatureAlgorithms(Vec<String>),
    /// The certificate forbids what the server does with it.
    KeyUsage(KeyUsageBit),
    /// The server signs only with a scheme that this release does not have.
    Signature(SignatureScheme),
    /// The reason is not known.
    Unknown,
}

impl Finding {
    /// The stable name of this kind of finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CipherSuites { .. } => "cipher-suites",
            Self::FailingSuites { .. } => "failing-suites",
            Self::Wavers(_) => "wavers",
            Self::MinimumVersion(_) => "minimum-version",
            Self::MaximumVersion { .. } => "maximum-version",
            Self::Curves { .. } => "curves",
            Self::HelloSize { .. } => "hello-size",
            Self::SignatureAlgorithms { .. } => "signature-algorithms",
            Self::Sni { .. } => "sni",
            Self::Alpn { .. } => "alpn",
            Self::ClientCertificate { .. } => "client-certificate",
            Self::ClientCertificateOptional => "client-certificate-optional",
            Self::CertificateUntrusted(_) => "certificate-untrusted",
            Self::CertificateExpired(_) => "certificate-expired",
            Self::CertificateName { .. } => "certificate-name",
            Self::KeyUsage(_) => "key-usage",
            Self::KeyUsageLater(_) => "key-usage-later",
            Self::PlainText { .. } => "plain-text",
            Self::Unreachable(_) => "unreachable",
            Self::NoAnswer(_) => "no-answer",
            Self::Hangup(_) => "hangup",
            Self::Throttled { .. } => "throttled",
            Self::NoSettingHelps(_) => "no-setting-helps",
            Self::Configuration(_) => "configuration",
            Self::Other(_) => "handshake",
            Self::Http2NotSelected => "alpn-not-selected",
            Self::WeakSuite(_) => "weak-suite",
            Self::ObsoleteVersion(_) => "obsolete-version",
            Self::UnclearSuites(_) => "unclear-suites",
            Self::DeadlineHit => "deadline",
            Self::Oddity(_) => "oddity",
            Self::Disagreement => "disagreement",
            Self::StartTls(_) => "starttls",
            Self::BehindStartTls(_) => "behind-starttls",
            Self::AddressFamily => "address-family",
        }
    }

    /// How much it weighs.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Throttled { gave_up: false, .. }
            | Self::ClientCertificateOptional
            | Self::KeyUsageLater(_)
            | Self::Http2NotSelected
            | Self::WeakSuite(_)
            | Self::ObsoleteVersion(_)
            | Self::UnclearSuites(_)
            | Self::DeadlineHit
            | Self::BehindStartTls(_)
            | Self::AddressFamily
            | Self::Disagreement => Severity::Warning,
            Self::Oddity(oddity) if oddity.is_trouble() => Severity::Warning,
            Self::Oddity(_) => Severity::Info,
            _ => Severity::Blocking,
        }
    }
}
