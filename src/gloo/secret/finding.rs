//! What can be wrong with a Secret, and what is worth knowing about it.

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// Gloo or Envoy does not use the Secret.
    Blocking,
    /// Something will fail, or will soon.
    Warning,
    /// Good to know.
    Info,
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
    },
    /// The key pair does not pass Gloo's check, in its words.
    PairFault(String),
    /// There is nothing in it at all.
    Empty,
    /// `ca.crt` has no certificate that can be read: Gloo does not look, and Envoy refuses the
    /// cluster.
    AuthorityFault,
    /// A block among the certificates cannot be read, or stands where Gloo drops it.
    Junk(&'static str),
    /// A certificate is out of date, which Gloo does not look at.
    Expired {
        /// Which one.
        what: &'static str,
        /// Days since then.
        days: i64,
    },
    /// A certificate will soon be out of date.
    ExpiresSoon {
        /// Which one.
        what: &'static str,
        /// Days until then.
        days: i64,
    },
    /// A certificate is not valid yet.
    NotYetValid {
        /// Which one.
        what: &'static str,
    },
    /// The leaf does not come first, or a certificate does not follow the one that it has signed.
    ChainOrder,
    /// The chain ends in a root, which a server has of its own.
    RootInChain,
    /// The leaf is not self-signed, and none that has signed it follows.
    ChainAlone,
    /// The leaf may not be used by a client.
    NotForClients,
    /// The leaf may not sign, which a client must.
    MayNotSign,
    /// The leaf is an authority.
    LeafIsAuthority,
    /// A short key.
    WeakKey(String),
    /// A signature by a hash that is broken.
    WeakSignature(String),
    /// A key that Envoy cannot use.
    UnusableKey(String),
    /// No name in the leaf, beside its subject.
    NoNames,
}

impl SecretFinding {
    /// The stable name of this kind of finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTls { .. } => "not-a-tls-secret",
            Self::Unseen { .. } => "not-seen-by-gloo",
            Self::PairFault(_) => "key-pair",
            Self::Empty => "empty",
            Self::AuthorityFault => "ca-unreadable",
            Self::Junk(_) => "junk",
            Self::Expired { .. } => "expired",
            Self::ExpiresSoon { .. } => "expires-soon",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::ChainOrder => "chain-order",
            Self::RootInChain => "root-in-chain",
            Self::ChainAlone => "chain-alone",
            Self::NotForClients => "not-for-clients",
            Self::MayNotSign => "may-not-sign",
            Self::LeafIsAuthority => "leaf-is-authority",
            Self::WeakKey(_) => "weak-key",
            Self::WeakSignature(_) => "weak-signature",
            Self::UnusableKey(_) => "unusable-key",
            Self::NoNames => "no-names",
        }
    }

    /// How much it weighs.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::NotTls { .. }
            | Self::Unseen { .. }
            | Self::PairFault(_)
            | Self::Empty
            | Self::AuthorityFault
            | Self::UnusableKey(_) => Weight::Blocking,
            Self::RootInChain | Self::ChainAlone | Self::NoNames | Self::Junk(_) => Weight::Info,
            _ => Weight::Warning,
        }
    }

    /// One sentence without a full stop.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NotTls { keys } if keys.is_empty() => {
                "Gloo takes it for a secret of headers: 'is not a TLS secret'; the type must be \
                 kubernetes.io/tls"
                    .to_owned()
            }
            Self::NotTls { keys } => format!(
                "it has {} but is of type Opaque, which Gloo takes for headers: 'is not a TLS \
                 secret'; create it again as kubernetes.io/tls",
                keys.join(", ")
            ),
            Self::Unseen { kind } => format!(
                "Gloo does not see a Secret of type {kind} with this content: 'SSL secret not \
                 found'; the type must be kubernetes.io/tls"
            ),
            Self::PairFault(reason) => format!("Gloo says 'is not a valid TLS secret: {reason}'"),
            Self::Empty => "it has neither certificate nor CA".to_owned(),
            Self::AuthorityFault => {
                "ca.crt has no certificate that can be read: Gloo does not look, and Envoy refuses \
                 the cluster"
                    .to_owned()
            }
            Self::Junk(place) => format!(
                "{place} has text beside its certificates, which Gloo drops before it hands them on"
            ),
            Self::Expired { what, days } => format!(
                "{what} has expired {}; Gloo does not look, and servers refuse it",
                days_ago(*days)
            ),
            Self::ExpiresSoon { what, days } => format!("{what} expires {}", in_days(*days)),
            Self::NotYetValid { what } => format!("{what} is not valid yet"),
            Self::ChainOrder => {
                "tls.crt is out of order: the leaf comes first, each certificate is signed by the \
                 next"
                    .to_owned()
            }
            Self::RootInChain => {
                "tls.crt ends in a root, which is of no use to a server".to_owned()
            }
            Self::ChainAlone => {
                "tls.crt has no intermediate; servers that trust only the root need them".to_owned()
            }
            Self::NotForClients => {
                "the leaf lacks clientAuth in its extended key usage: servers refuse it with \
                 unsupported_certificate"
                    .to_owned()
            }
            Self::MayNotSign => {
                "the keyUsage of the leaf lacks digitalSignature, which a client certificate needs"
                    .to_owned()
            }
            Self::LeafIsAuthority => "the leaf is a CA certificate".to_owned(),
            Self::WeakKey(key) => format!("its key is weak: {key}"),
            Self::WeakSignature(name) => format!("the leaf is signed with {name}, which is broken"),
            Self::UnusableKey(key) => format!("Envoy cannot use a key of this kind: {key}"),
            Self::NoNames => "the leaf has no subject alternative name".to_owned(),
        }
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
