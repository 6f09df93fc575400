//! What is worth knowing about an Upstream beside its verdict.

use super::release::Release;
use super::upstream::ObjectName;

/// A trap that an Upstream is in, or something that its reader should know.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// `sslConfig.sni` has no effect: each host of a static Upstream is sent its own name.
    SniUnused(String),
    /// An address is sent as server name, since the host is one.
    SniIsAddress(String),
    /// No server name is sent.
    NoSni,
    /// `parameters` have no effect beside `sds`.
    ParametersIgnoredBySds,
    /// The Settings default has no effect beside `sds`.
    SettingsIgnoredBySds,
    /// `sslConfig` has no effect on this kind of Upstream, which brings its own.
    SslConfigDiscarded(&'static str),
    /// The Upstream's own parameters take the place of the whole Settings default.
    SettingsReplaced,
    /// The Secret was not found, so that Gloo left the TLS settings out.
    SecretMissing(ObjectName),
    /// `secretRef` names no namespace, and there is no default.
    SecretNamespaceMissing(String),
    /// What the Secret holds is not known here, so neither client certificate nor CA was tried.
    SecretNotGiven(ObjectName),
    /// Files in the proxy's pod cannot be read here.
    FilesNotGiven,
    /// What SDS delivers is not known here.
    SdsNotGiven,
    /// Neither chain nor name of the server is verified.
    NothingVerified,
    /// The chain is verified, and the name is not.
    NameNotVerified,
    /// On this release `oneWayTls` turns verification off.
    OneWayTlsDropsVerification(Release),
    /// `oneWayTls` does not exist before 1.18.
    OneWayTlsUnknown(Release),
    /// `oneWayTls` has no effect beside `sds`.
    OneWayTlsIgnoredBySds,
    /// `useTls: false` does not turn TLS off where there is an `sslConfig`.
    UseTlsFalseOverruled,
    /// `useTls: false` has no effect before Gloo 1.15.
    UseTlsFalseUnknown(Release),
    /// Every host gets TLS because this one has port 443.
    AllHostsBecauseOf443(String),
    /// Mutual TLS of the mesh takes the place of what the Upstream had.
    AutoMtls,
    /// With `proxyProtocolVersion` and no `sslConfig`, port 443 and `useTls` do not turn TLS on.
    ProxyProtocolHidesTls,
    /// Several kinds are set, of which the last one counts.
    SeveralKinds(Vec<&'static str>),
    /// Several of `secretRef`, `sslFiles` and `sds` are set, of which the last one counts.
    SeveralCredentials,
    /// A field that Kubernetes drops.
    UnknownField(String),
    /// `failover` works in the Enterprise edition only.
    FailoverIsEnterprise,
    /// The protocol upstream follows the client, and HTTP/1 was judged.
    FollowsDownstreamProtocol,
    /// What Gloo itself says of the Upstream.
    Status {
        /// `Rejected` or `Warning`.
        state: String,
        /// Why.
        reason: String,
    },
}

impl Note {
    /// The stable name of this kind of note.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SniUnused(_) => "sni-unused",
            Self::SniIsAddress(_) => "sni-is-address",
            Self::NoSni => "no-sni",
            Self::ParametersIgnoredBySds => "parameters-ignored-by-sds",
            Self::SettingsIgnoredBySds => "settings-ignored-by-sds",
            Self::SslConfigDiscarded(_) => "ssl-config-discarded",
            Self::SettingsReplaced => "settings-replaced",
            Self::SecretMissing(_) => "secret-missing",
            Self::SecretNamespaceMissing(_) => "secret-namespace-missing",
            Self::SecretNotGiven(_) => "secret-not-given",
            Self::FilesNotGiven => "files-not-given",
            Self::SdsNotGiven => "sds-not-given",
            Self::NothingVerified => "nothing-verified",
            Self::NameNotVerified => "name-not-verified",
            Self::OneWayTlsDropsVerification(_) => "one-way-tls-drops-verification",
            Self::OneWayTlsUnknown(_) => "one-way-tls-unknown",
            Self::OneWayTlsIgnoredBySds => "one-way-tls-ignored-by-sds",
            Self::UseTlsFalseOverruled => "use-tls-false-overruled",
            Self::UseTlsFalseUnknown(_) => "use-tls-false-unknown",
            Self::AllHostsBecauseOf443(_) => "all-hosts-use-tls",
            Self::AutoMtls => "istio-auto-mtls",
            Self::ProxyProtocolHidesTls => "proxy-protocol-hides-tls",
            Self::SeveralKinds(_) => "several-kinds",
            Self::SeveralCredentials => "several-credentials",
            Self::UnknownField(_) => "unknown-field",
            Self::FailoverIsEnterprise => "failover-is-enterprise",
            Self::FollowsDownstreamProtocol => "follows-downstream-protocol",
            Self::Status { .. } => "status",
        }
    }

    /// Whether something does not work as its author will have meant it.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::NoSni
                | Self::FilesNotGiven
                | Self::SdsNotGiven
                | Self::NothingVerified
                | Self::NameNotVerified
                | Self::SettingsReplaced
                | Self::FollowsDownstreamProtocol
        )
    }
}
