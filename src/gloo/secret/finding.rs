//! What can be wrong with a Secret, and what is worth knowing about it.

use std::fmt;

use super::pair::PairFault;
use crate::gloo::release::Release;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// Kubernetes, Gloo or Envoy does not use the Secret.
    Blocking,
    /// Something will fail, or will soon.
    Warning,
    /// Good to know.
    Info,
}

/// A certificate of a Secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// The client certificate.
    Leaf,
    /// Another of `tls.crt`; its number, from 1.
    Chain(usize),
    /// One of `ca.crt`; its number, from 1, if it is one of many.
    Authority(Option<usize>),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf => f.write_str("the client certificate"),
            Self::Chain(number) => write!(f, "certificate {number} of tls.crt"),
            Self::Authority(None) => f.write_str("the CA"),
            Self::Authority(Some(number)) => write!(f, "certificate {number} of ca.crt"),
        }
    }
}

/// Something about a Secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SecretFinding {
    /// Gloo takes it for a secret of headers: `is not a TLS secret`.
    NotTls {
        /// Keys that look as if TLS was meant.
        keys: Vec<String>,
    },
    /// Gloo does not see it: `SSL secret not found`.
    Unseen {
        /// Its type.
        kind: String,
        /// Whether it has any data.
        is_empty: bool,
    },
    /// Kubernetes wants keys that are not there.
    KeysMissing(Vec<&'static str>),
    /// It has more bytes than Kubernetes takes.
    TooLarge(usize),
    /// The key pair does not pass Gloo's check.
    KeyPair(PairFault),
    /// `ca.crt` is nothing that Envoy can load, and Gloo does not look; the number of the
    /// certificate that cannot be read, if there are any.
    AuthorityUnreadable(Option<usize>),
    /// Envoy does not load a key of this kind.
    UnusableKey(String),
    /// A certificate is out of date, which neither Gloo nor Envoy looks at when it is loaded.
    Expired {
        /// Which one.
        which: Which,
        /// Days since then.
        days: i64,
    },
    /// A certificate will soon be out of date.
    ExpiresSoon {
        /// Which one.
        which: Which,
        /// Days until then.
        days: i64,
    },
    /// A certificate is not valid yet.
    NotYetValid {
        /// Which one.
        which: Which,
        /// Days until then.
        days: i64,
    },
    /// A certificate does not follow the one that it has signed; its number, from 1.
    ChainOrder(usize),
    /// A certificate is there twice; the number of the second, from 1.
    Duplicate(usize),
    /// The chain ends in a root, which servers have of their own.
    RootInChain,
    /// The leaf is not self-signed, and none that has signed it follows.
    ChainAlone,
    /// `tls.crt` has something beside certificates.
    Junk,
    /// The leaf may not be used by a client.
    NotForClients,
    /// The leaf may not sign, which a client must.
    MayNotSign,
    /// The leaf is an authority.
    LeafIsAuthority,
    /// A certificate is signed by a hash that is broken.
    WeakSignature {
        /// Which one.
        which: Which,
        /// The hash.
        hash: &'static str,
    },
    /// The leaf's key is on a curve that Envoy does not offer by default.
    CurveNotOffered {
        /// The curve, in Envoy's spelling.
        curve: &'static str,
        /// The curves that it offers.
        offered: &'static [&'static str],
    },
    /// A key that is longer than needed.
    LargeKey(String),
    /// The leaf has Ed25519, which not every server takes.
    Ed25519,
    /// No name in the leaf, beside its subject.
    NoNames,
    /// A certificate of `ca.crt` is no authority; its number.
    NotAnAuthority(Which),
    /// There is a private key in `ca.crt`.
    KeyInAuthority,
    /// There is an OCSP staple, which only servers use.
    Staple,
    /// `kubectl apply` has left a copy of the data in an annotation.
    AppliedCopy,
    /// `oneWayTls` takes the verification away, instead of the certificate.
    OneWayDropsVerification(Release),
    /// `oneWayTls` does not exist yet.
    OneWayUnknown(Release),
}

impl SecretFinding {
    /// The stable name of this kind of finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTls { .. } => "not-a-tls-secret",
            Self::Unseen { .. } => "not-seen-by-gloo",
            Self::KeysMissing(_) => "keys-missing",
            Self::TooLarge(_) => "too-large",
            Self::KeyPair(_) => "key-pair",
            Self::AuthorityUnreadable(_) => "ca-unreadable",
            Self::UnusableKey(_) => "unusable-key",
            Self::Expired { .. } => "expired",
            Self::ExpiresSoon { .. } => "expires-soon",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::ChainOrder(_) => "chain-order",
            Self::Duplicate(_) => "duplicate-certificate",
            Self::RootInChain => "root-in-chain",
            Self::ChainAlone => "chain-alone",
            Self::Junk => "junk",
            Self::NotForClients => "not-for-clients",
            Self::MayNotSign => "may-not-sign",
            Self::LeafIsAuthority => "leaf-is-authority",
            Self::WeakSignature { .. } => "weak-signature",
            Self::CurveNotOffered { .. } => "curve-not-offered",
            Self::LargeKey(_) => "large-key",
            Self::Ed25519 => "ed-key",
            Self::NoNames => "no-names",
            Self::NotAnAuthority(_) => "not-an-authority",
            Self::KeyInAuthority => "key-in-ca",
            Self::Staple => "staple-unused",
            Self::AppliedCopy => "applied-copy",
            Self::OneWayDropsVerification(_) => "one-way-tls-drops-verification",
            Self::OneWayUnknown(_) => "one-way-tls-unknown",
        }
    }

    /// How much it weighs.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::NotTls { .. }
            | Self::Unseen { .. }
            | Self::KeysMissing(_)
            | Self::TooLarge(_)
            | Self::KeyPair(_)
            | Self::AuthorityUnreadable(_)
            | Self::UnusableKey(_) => Weight::Blocking,
            Self::RootInChain
            | Self::ChainAlone
            | Self::Junk
            | Self::LargeKey(_)
            | Self::Ed25519
            | Self::NoNames
            | Self::NotAnAuthority(_)
            | Self::Staple
            | Self::AppliedCopy => Weight::Info,
            _ => Weight::Warning,
        }
    }

    /// One sentence without a full stop.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NotTls { .. } | Self::Unseen { .. } | Self::KeysMissing(_) => self.of_the_type(),
            Self::TooLarge(bytes) => {
                format!("it has {bytes} bytes of data, and Kubernetes takes at most 1048576")
            }
            Self::KeyPair(fault) => {
                format!("Gloo refuses it: 'is not a valid TLS secret: {fault}'")
            }
            Self::AuthorityUnreadable(None) => "ca.crt holds no PEM certificate: Gloo does not \
                                                look, and Envoy rejects the cluster, 'Failed to \
                                                load trusted CA certificates'"
                .to_owned(),
            Self::AuthorityUnreadable(Some(number)) => format!(
                "certificate {number} of ca.crt cannot be read: Gloo does not look, and Envoy \
                 rejects the cluster, 'Failed to load trusted CA certificates'"
            ),
            Self::UnusableKey(key) => format!(
                "Envoy loads no {key} key and rejects the cluster, 'Failed to load certificate \
                 chain'"
            ),
            Self::Expired { .. } | Self::ExpiresSoon { .. } | Self::NotYetValid { .. } => {
                self.of_dates()
            }
            Self::OneWayDropsVerification(release) => format!(
                "with Gloo {release}, oneWayTls: true takes the verification of the server away \
                 and still sends the client certificate; from 1.20 it is the other way round"
            ),
            Self::OneWayUnknown(release) => {
                format!("Gloo {release} has no oneWayTls: Kubernetes drops the field")
            }
            Self::NotAnAuthority(which) => format!(
                "{which} is no CA certificate: Envoy trusts a server that shows this very \
                 certificate"
            ),
            Self::KeyInAuthority => {
                "ca.crt has a private key in it, which nothing needs there".to_owned()
            }
            Self::Staple => {
                "tls.ocsp-staple is of no use to an Upstream, only to a listener".to_owned()
            }
            Self::AppliedCopy => "kubectl apply keeps a copy of the data in an annotation, where \
                                  tools show it that hide the data"
                .to_owned(),
            _ => self.of_the_certificate(),
        }
    }

    fn of_the_type(&self) -> String {
        match self {
            Self::NotTls { keys } if keys.is_empty() => "it is of type Opaque, which Gloo takes \
                                                         for a secret of headers: 'is not a TLS \
                                                         secret'"
                .to_owned(),
            Self::NotTls { keys } => format!(
                "it has {}, but is of type Opaque, which Gloo takes for a secret of headers: 'is \
                 not a TLS secret'",
                keys.join(", ")
            ),
            Self::Unseen { is_empty: true, .. } => {
                "it holds nothing, and Gloo does not see it: 'SSL secret not found'".to_owned()
            }
            Self::Unseen { kind, .. } => format!(
                "Gloo does not see a Secret of type {kind} with this content: 'SSL secret not \
                 found'"
            ),
            Self::KeysMissing(keys) => format!(
                "Kubernetes takes no Secret of type kubernetes.io/tls without {}",
                keys.join(" and ")
            ),
            _ => String::new(),
        }
    }

    fn of_dates(&self) -> String {
        match self {
            Self::Expired { which: which @ Which::Authority(_), days } => format!(
                "{which} expired {}: Gloo does not look, and Envoy refuses servers whose chain \
                 leads to it",
                days_ago(*days)
            ),
            Self::Expired { which, days } => format!(
                "{which} expired {}: Gloo and Envoy do not look, and servers refuse it with \
                 certificate_expired",
                days_ago(*days)
            ),
            Self::ExpiresSoon { which, days } => format!("{which} expires {}", in_days(*days)),
            Self::NotYetValid { which, days } => {
                format!("{which} is not valid yet, only {}", in_days(*days))
            }
            _ => String::new(),
        }
    }

    fn of_the_certificate(&self) -> String {
        match self {
            Self::ChainOrder(number) => format!(
                "certificate {number} of tls.crt has not signed the one before it: servers may \
                 not find the way to their CA"
            ),
            Self::Duplicate(number) => {
                format!("certificate {number} of tls.crt is there a second time")
            }
            Self::RootInChain => {
                "tls.crt ends in a root, which servers have of their own or do not trust".to_owned()
            }
            Self::ChainAlone => "tls.crt has the leaf alone: a server that knows only the root \
                                 needs the intermediates too, if there are any"
                .to_owned(),
            Self::Junk => "tls.crt has more than plain certificates in it, which Gloo drops \
                           before Envoy sees it"
                .to_owned(),
            Self::NotForClients => "the extended key usage of the client certificate lacks \
                                    clientAuth: servers refuse it with unsupported_certificate"
                .to_owned(),
            Self::MayNotSign => "the keyUsage of the client certificate lacks digitalSignature, \
                                 which a client needs to prove that it has the key"
                .to_owned(),
            Self::LeafIsAuthority => "the client certificate is a CA certificate: is it the \
                                      right one?"
                .to_owned(),
            Self::WeakSignature { which, hash } => {
                format!(
                    "{which} is signed with {hash}, which is broken, and many servers refuse it"
                )
            }
            Self::CurveNotOffered { curve, offered } => format!(
                "the client certificate's key is on {curve}, and Envoy offers only {}: under TLS \
                 1.2 servers of OpenSSL refuse it with illegal_parameter",
                offered.join(", ")
            ),
            Self::LargeKey(key) => {
                format!("a key of {key} makes handshakes slow, for the safety of RSA 3072 or P-256")
            }
            Self::Ed25519 => {
                "Envoy loads and uses an Ed25519 key, which not every server takes".to_owned()
            }
            Self::NoNames => {
                "the client certificate has no subject alternative name; servers can tell it by \
                 its subject only"
                    .to_owned()
            }
            _ => String::new(),
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let words = match self {
            Self::NotTls { .. } | Self::Unseen { .. } => {
                "The type cannot be changed: delete it and create it again as kubernetes.io/tls, \
                 for example with glooctl create secret tls."
            }
            Self::KeysMissing(_) => "For a CA alone, leave tls.crt and tls.key there and empty.",
            Self::KeyPair(fault) => return fault.advice().map(|words| sentence(&words)),
            Self::CurveNotOffered { curve, .. } => {
                return Some(format!(
                    "Add {curve} to ecdhCurves, set maximumProtocolVersion: TLSv1_3, or use a key \
                     on P-256."
                ));
            }
            Self::OneWayDropsVerification(_) => {
                "Leave oneWayTls out, and take tls.crt and tls.key \
                                                 out of the Secret instead."
            }
            Self::AppliedCopy => {
                "Create Secrets with kubectl create or kubectl apply --server-side."
            }
            _ => return None,
        };
        Some(words.to_owned())
    }
}

/// With a full stop, and a capital letter unless it begins with the name of a key.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().filter(|_| !words.starts_with("tls."));
    match first {
        Some(first) => format!("{}{}.", first.to_ascii_uppercase(), letters.as_str()),
        None => format!("{words}."),
    }
}

fn days_ago(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

fn in_days(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}
