//! The servers that have names.

use openssl::ssl::SslVersion;

use super::config::{ClientCertificate, ServerConfig};

/// The only name that [`Scenario::SniRequired`] answers to.
const REQUIRED_NAME: &str = "my-upstream.example.com";

/// One demo server, by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum Scenario {
    /// One old suite that Envoy has but does not offer by default.
    Legacy,
    /// A server that needs no change.
    Modern,
    /// TLS 1.3 and nothing else.
    Tls13Only,
    /// TLS 1.0 and nothing else.
    Tls10Only,
    /// Finite-field Diffie-Hellman and nothing else.
    DheOnly,
    /// Key exchange over P-384 and nothing else.
    P384Only,
    /// A client certificate is required.
    Mtls,
    /// A certain server name is required.
    SniRequired,
    /// HTTP without TLS.
    PlainHttp,
}

impl Scenario {
    /// All of them, the guide's own case first.
    pub const ALL: [Self; 9] = [
        Self::Legacy,
        Self::Modern,
        Self::Tls13Only,
        Self::Tls10Only,
        Self::DheOnly,
        Self::P384Only,
        Self::Mtls,
        Self::SniRequired,
        Self::PlainHttp,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
            Self::Tls13Only => "tls13-only",
            Self::Tls10Only => "tls10-only",
            Self::DheOnly => "dhe-only",
            Self::P384Only => "p384-only",
            Self::Mtls => "mtls",
            Self::SniRequired => "sni-required",
            Self::PlainHttp => "plain-http",
        }
    }

    /// Finds a scenario by its [`name`](Self::name), which has to be exact.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    /// One plain sentence: what the server is like, and what Envoy needs to connect.
    #[must_use]
    pub fn shows(self) -> &'static str {
        match self {
            Self::Legacy => {
                "Accepts one old suite, ECDHE-RSA-AES256-SHA, and no TLS 1.3: \
                 Envoy connects once cipherSuites names that suite."
            }
            Self::Modern => {
                "Accepts TLS 1.2 and 1.3 with the suites of Envoy's default list: \
                 Envoy connects without any change."
            }
            Self::Tls13Only => {
                "Accepts only TLS 1.3, where Envoy as a client stops at TLS 1.2: \
                 it needs maximumProtocolVersion TLSv1_3."
            }
            Self::Tls10Only => {
                "Accepts only TLS 1.0 with CBC suites: Envoy needs minimumProtocolVersion \
                 TLSv1_0 and one of those suites in cipherSuites."
            }
            Self::DheOnly => {
                "Accepts only finite-field DHE suites, which Envoy does not have: \
                 no setting of Envoy helps, the server has to change."
            }
            Self::P384Only => {
                "Accepts suites of Envoy's default list but exchanges keys over P-384 alone, \
                 which Envoy does not offer: it needs P-384 in ecdhCurves."
            }
            Self::Mtls => {
                "Refuses clients that have no certificate of its own CA: \
                 Envoy needs a client certificate through secretRef."
            }
            Self::SniRequired => {
                "Refuses clients that do not ask for my-upstream.example.com by name: \
                 Envoy needs sni set to that name."
            }
            Self::PlainHttp => {
                "Speaks HTTP without TLS: Envoy connects once the Upstream has no sslConfig, \
                 or its port is the right one."
            }
        }
    }

    /// The server name (SNI) that the server insists on, if it does.
    #[must_use]
    pub fn server_name(self) -> Option<&'static str> {
        (self == Self::SniRequired).then_some(REQUIRED_NAME)
    }

    /// How the server is set up; `None` for the one without TLS.
    #[must_use]
    pub fn config(self) -> Option<ServerConfig> {
        let base = ServerConfig::default();
        Some(match self {
            Self::Legacy => ServerConfig {
                cipher_list: "ECDHE-RSA-AES256-SHA".into(),
                min_version: Some(SslVersion::TLS1),
                max_version: Some(SslVersion::TLS1_2),
                ..base
            },
            Self::Modern => base,
            Self::Tls13Only => ServerConfig { min_version: Some(SslVersion::TLS1_3), ..base },
            Self::Tls10Only => ServerConfig {
                cipher_list: "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA"
                    .into(),
                min_version: Some(SslVersion::TLS1),
                max_version: Some(SslVersion::TLS1),
                ..base
            },
            Self::DheOnly => ServerConfig {
                cipher_list: "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:\
                              DHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA"
                    .into(),
                max_version: Some(SslVersion::TLS1_2),
                ..base
            },
            Self::P384Only => ServerConfig {
                groups: Some("P-384".into()),
                max_version: Some(SslVersion::TLS1_2),
                ..base
            },
            // TLS 1.2, since under TLS 1.3 the refusal comes only after a handshake that looks
            // complete to the client: a harder lesson than a demo should start with.
            Self::Mtls => ServerConfig {
                client_certificate: ClientCertificate::Required,
                max_version: Some(SslVersion::TLS1_2),
                ..base
            },
            Self::SniRequired => ServerConfig { required_sni: Some(REQUIRED_NAME.into()), ..base },
            Self::PlainHttp => return None,
        })
    }
}
