//! Transport sockets: what is spoken on a connection, and with which settings.

use super::super::cluster::ProxyProtocol;
use super::super::field::{FieldFault, Object};
use crate::envoy::{Build, ClientConfig, Protocol, Release};
use crate::tls::TlsVersion;
use serde_json::Value;

/// A transport socket, with what is wrapped around it taken off.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Socket {
    /// The PROXY protocol header that precedes everything else.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// What is spoken.
    pub security: Security,
}

/// What is spoken on a connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Security {
    /// No TLS.
    #[default]
    Plain,
    /// TLS.
    Tls(Box<TlsSettings>),
    /// Something else, by the name of its transport socket.
    Other(String),
}

/// What an `UpstreamTlsContext` sets.
///
/// Envoy `api/envoy/extensions/transport_sockets/tls/v3/tls.proto` and `common.proto`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsSettings {
    /// `tls_minimum_protocol_version`; `TLS_AUTO` is `None`.
    pub minimum_protocol_version: Option<TlsVersion>,
    /// `tls_maximum_protocol_version`; `TLS_AUTO` is `None`.
    pub maximum_protocol_version: Option<TlsVersion>,
    /// `cipher_suites`.
    pub cipher_suites: Vec<String>,
    /// `ecdh_curves`.
    pub ecdh_curves: Vec<String>,
    /// `signature_algorithms`.
    pub signature_algorithms: Vec<String>,
    /// Whether `compliance_policies` has `FIPS_202205`, which goes before all of the above.
    pub fips_202205: bool,
    /// `alpn_protocols`.
    pub alpn_protocols: Vec<String>,
    /// `sni`.
    pub sni: Option<String>,
    /// `auto_host_sni`: the host's own name is sent where it has one.
    pub auto_host_sni: bool,
    /// `auto_sni_san_validation`: the certificate must have the name that was sent.
    pub auto_sni_san_validation: bool,
    /// `allow_renegotiation`.
    pub allow_renegotiation: bool,
    /// `enforce_rsa_key_usage`, where it is set.
    pub enforce_rsa_key_usage: Option<bool>,
    /// Where client certificates come from.
    pub certificates: Vec<CertificateSource>,
    /// Where the authorities come from against which the server is verified.
    pub authority: Option<CertificateSource>,
    /// Names of which the server's certificate must have one; those that are not exact say so.
    pub verify_names: Vec<String>,
    /// `trust_chain_verification: ACCEPT_UNTRUSTED`.
    pub accepts_untrusted: bool,
}

/// Where a certificate comes from. The certificate itself is never kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateSource {
    /// It stands in the configuration.
    Inline,
    /// A file of the proxy's.
    File(String),
    /// A secret by this name, from SDS or of the bootstrap's.
    Secret(String),
    /// Envoy's environment, a provider plugin, or the system's authorities.
    Elsewhere,
}

impl Socket {
    /// Reads the transport socket at `name`; there is plain text where there is none.
    pub(super) fn read(parent: &Object<'_>, name: &str) -> Result<Self, FieldFault> {
        let mut socket = Self::default();
        let mut next = parent.object(name)?;
        // Each turn goes one object deeper.
        while let Some(object) = next.take() {
            let kind = Kind::of(&object)?;
            let typed = object.object("typed_config")?;
            match (kind, typed) {
                (Kind::Raw, _) => {}
                (Kind::Tls, typed) => socket.security = tls(typed.as_ref())?,
                (Kind::ProxyProtocol, Some(typed)) => {
                    socket.proxy_protocol = Some(proxy_protocol(&typed)?);
                    next = typed.object("transport_socket")?;
                }
                (Kind::Around, Some(typed)) => next = typed.object("transport_socket")?,
                (Kind::Other(name), _) => socket.security = Security::Other(name),
                (Kind::ProxyProtocol | Kind::Around, None) => {
                    socket.security = Security::Other(object.text("name")?);
                }
            }
        }
        Ok(socket)
    }

    /// The TLS settings, if TLS is spoken.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSettings> {
        match &self.security {
            Security::Tls(settings) => Some(settings),
            _ => None,
        }
    }
}

fn tls(typed: Option<&Object<'_>>) -> Result<Security, FieldFault> {
    Ok(Security::Tls(Box::new(match typed {
        Some(typed) => TlsSettings::read(typed)?,
        None => TlsSettings::default(),
    })))
}

enum Kind {
    Raw,
    Tls,
    ProxyProtocol,
    /// Adds nothing to what is sent before the ClientHello.
    Around,
    Other(String),
}

impl Kind {
    /// By the type, since any name will do; by the name where a mask has left the type out.
    fn of(object: &Object<'_>) -> Result<Self, FieldFault> {
        let name = object.text("name")?;
        let typed = object.object("typed_config")?;
        let url = typed.map(|typed| typed.text("@type")).transpose()?.unwrap_or_default();
        let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
        let kind = if url.is_empty() { last(&name) } else { last(&url) };
        Ok(match kind.as_str() {
            "RawBuffer" | "raw_buffer" => Self::Raw,
            "UpstreamTlsContext" | "tls" => Self::Tls,
            "ProxyProtocolUpstreamTransport" | "upstream_proxy_protocol" => Self::ProxyProtocol,
            "Tap"
            | "tap"
            | "TcpStatsConfig"
            | "tcp_stats"
            | "InternalUpstreamTransport"
            | "internal_upstream" => Self::Around,
            _ if name.is_empty() => Self::Other(kind),
            _ => Self::Other(name),
        })
    }
}

/// V1 is the zero of its enum, and left out.
fn proxy_protocol(typed: &Object<'_>) -> Result<ProxyProtocol, FieldFault> {
    let Some(config) = typed.object("config")? else { return Ok(ProxyProtocol::V1) };
    match config.get("version") {
        None => Ok(ProxyProtocol::V1),
        Some(Value::String(text)) if text == "V1" => Ok(ProxyProtocol::V1),
        Some(Value::String(text)) if text == "V2" => Ok(ProxyProtocol::V2),
        Some(value) if *value == 0 => Ok(ProxyProtocol::V1),
        Some(value) if *value == 1 => Ok(ProxyProtocol::V2),
        Some(value) => Err(not(config.path_to("version"), "V1 or V2", value)),
    }
}

fn not(path: String, expected: &'static str, value: &Value) -> FieldFault {
    let mut found = value.to_string();
    if let Some((end, _)) = found.char_indices().nth(40) {
        found.truncate(end);
        found.push_str("...");
    }
    FieldFault::Kind { path, expected, found }
}

impl TlsSettings {
    fn read(typed: &Object<'_>) -> Result<Self, FieldFault> {
        let mut settings = Self {
            sni: typed.string("sni")?.filter(|sni| !sni.is_empty()),
            auto_host_sni: typed.bool("auto_host_sni")?.unwrap_or(false),
            auto_sni_san_validation: typed.bool("auto_sni_san_validation")?.unwrap_or(false),
            allow_renegotiation: typed.bool("allow_renegotiation")?.unwrap_or(false),
            enforce_rsa_key_usage: typed.bool("enforce_rsa_key_usage")?,
            ..Self::default()
        };
        let Some(common) = typed.object("common_tls_context")? else { return Ok(settings) };
        settings.alpn_protocols = common.strings("alpn_protocols")?;
        settings.certificates = certificates(&common)?;
        settings.read_parameters(&common)?;
        settings.read_validation(&common)?;
        Ok(settings)
    }

    fn read_parameters(&mut self, common: &Object<'_>) -> Result<(), FieldFault> {
        let Some(parameters) = common.object("tls_params")? else { return Ok(()) };
        self.minimum_protocol_version = version(&parameters, "tls_minimum_protocol_version")?;
        self.maximum_protocol_version = version(&parameters, "tls_maximum_protocol_version")?;
        self.cipher_suites = parameters.strings("cipher_suites")?;
        self.ecdh_curves = parameters.strings("ecdh_curves")?;
        self.signature_algorithms = parameters.strings("signature_algorithms")?;
        let policies = parameters.list("compliance_policies")?;
        self.fips_202205 = policies.iter().any(|policy| *policy == "FIPS_202205" || *policy == 0);
        Ok(())
    }

    fn read_validation(&mut self, common: &Object<'_>) -> Result<(), FieldFault> {
        let combined = common.object("combined_validation_context")?;
        if let Some(combined) = &combined {
            if let Some(context) = combined.object("default_validation_context")? {
                self.read_context(&context)?;
            }
            // What comes by SDS is merged into the default, and is where the CA usually is.
            self.read_secret(combined)?;
        }
        if let Some(context) = common.object("validation_context")? {
            self.read_context(&context)?;
        }
        self.read_secret(common)
    }

    fn read_secret(&mut self, parent: &Object<'_>) -> Result<(), FieldFault> {
        if let Some(secret) = parent.object("validation_context_sds_secret_config")? {
            self.authority = Some(CertificateSource::Secret(secret.text("name")?));
        }
        Ok(())
    }

    fn read_context(&mut self, context: &Object<'_>) -> Result<(), FieldFault> {
        if let Some(authority) = context.object("trusted_ca")? {
            self.authority = Some(data_source(&authority)?);
        } else if ["ca_certificate_provider_instance", "system_root_certs"]
            .into_iter()
            .any(|field| context.has(field))
        {
            self.authority = Some(CertificateSource::Elsewhere);
        }
        let untrusted = context.get("trust_chain_verification");
        self.accepts_untrusted =
            untrusted.is_some_and(|value| *value == "ACCEPT_UNTRUSTED" || *value == 1);
        for matcher in context.objects("match_typed_subject_alt_names")? {
            if let Some(inner) = matcher.object("matcher")? {
                self.verify_names.push(name_rule(&inner)?);
            }
        }
        for matcher in context.objects("match_subject_alt_names")? {
            self.verify_names.push(name_rule(&matcher)?);
        }
        Ok(())
    }

    /// What an Envoy of this release and build does with these settings on a cluster of
    /// `protocol`, where it sends `sni`.
    #[must_use]
    pub fn client_config(
        &self,
        release: Release,
        build: Build,
        protocol: Protocol,
        sni: Option<String>,
    ) -> ClientConfig {
        let config = ClientConfig {
            minimum_protocol_version: self.minimum_protocol_version,
            maximum_protocol_version: self.maximum_protocol_version,
            cipher_suites: self.cipher_suites.clone(),
            ecdh_curves: self.ecdh_curves.clone(),
            signature_algorithms: self.signature_algorithms.clone(),
            sni,
            alpn_protocols: self.alpn_protocols.clone(),
            protocol,
            ..ClientConfig::new(release, build)
        };
        if self.fips_202205 { fips_202205(config) } else { config }
    }
}

/// What the policy makes of any settings (measured with Envoy 1.36 to 1.40).
fn fips_202205(config: ClientConfig) -> ClientConfig {
    let strings = |list: &[&str]| list.iter().map(|&entry| entry.to_owned()).collect();
    ClientConfig {
        minimum_protocol_version: Some(TlsVersion::TLS12),
        maximum_protocol_version: Some(TlsVersion::TLS13),
        cipher_suites: strings(&[
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES256-GCM-SHA384",
        ]),
        ecdh_curves: strings(&["P-256", "P-384"]),
        signature_algorithms: strings(&[
            "rsa_pkcs1_sha256",
            "rsa_pkcs1_sha384",
            "rsa_pkcs1_sha512",
            "ecdsa_secp256r1_sha256",
            "ecdsa_secp384r1_sha384",
            "rsa_pss_rsae_sha256",
            "rsa_pss_rsae_sha384",
            "rsa_pss_rsae_sha512",
        ]),
        ..config
    }
}

/// A protocol version by enum name or number.
fn version(parameters: &Object<'_>, name: &str) -> Result<Option<TlsVersion>, FieldFault> {
    const EXPECTED: &str = "the name of a protocol version such as TLSv1_2";
    match parameters.protocol_version(name) {
        Ok(version) => Ok(version.flatten()),
        // The advice of the other faults is for people who write Upstreams.
        Err(_) => {
            let value = parameters.get(name).unwrap_or(&Value::Null);
            Err(not(parameters.path_to(name), EXPECTED, value))
        }
    }
}

fn certificates(common: &Object<'_>) -> Result<Vec<CertificateSource>, FieldFault> {
    let mut sources = Vec::new();
    for certificate in common.objects("tls_certificates")? {
        sources.push(match certificate.object("certificate_chain")? {
            Some(chain) => data_source(&chain)?,
            None => CertificateSource::Elsewhere,
        });
    }
    for secret in common.objects("tls_certificate_sds_secret_configs")? {
        sources.push(CertificateSource::Secret(secret.text("name")?));
    }
    if common.has("tls_certificate_provider_instance") {
        sources.push(CertificateSource::Elsewhere);
    }
    Ok(sources)
}

fn data_source(object: &Object<'_>) -> Result<CertificateSource, FieldFault> {
    if let Some(path) = object.string("filename")? {
        return Ok(CertificateSource::File(path));
    }
    let is_inline = object.has("inline_string") || object.has("inline_bytes");
    Ok(if is_inline { CertificateSource::Inline } else { CertificateSource::Elsewhere })
}

/// An exact name alone, or the rule with the word for it.
fn name_rule(matcher: &Object<'_>) -> Result<String, FieldFault> {
    if let Some(name) = matcher.string("exact")? {
        return Ok(name);
    }
    for rule in ["prefix", "suffix", "contains"] {
        if let Some(part) = matcher.string(rule)? {
            return Ok(format!("{rule} {part}"));
        }
    }
    let regex = match matcher.object("safe_regex")? {
        Some(regex) => regex.text("regex")?,
        None => String::new(),
    };
    Ok(format!("regex {regex}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TLS: &str =
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

    fn read(socket: Value) -> Result<Socket, String> {
        let cluster = json!({ "transport_socket": socket });
        let cluster = Object::root(&cluster).unwrap();
        Socket::read(&cluster, "transport_socket").map_err(|fault| fault.to_string())
    }

    fn settings(typed: Value) -> TlsSettings {
        let mut typed = typed;
        typed["@type"] = TLS.into();
        let socket = read(json!({ "name": "any", "typed_config": typed })).unwrap();
        socket.tls().unwrap().clone()
    }

    #[test]
    fn an_empty_context_is_tls_with_nothing_set() {
        assert_eq!(settings(json!({})), TlsSettings::default());
        let named = json!({ "name": "envoy.transport_sockets.tls" });
        assert_eq!(read(named).unwrap().tls(), Some(&TlsSettings::default()));
    }

    #[test]
    fn a_cluster_without_a_socket_speaks_plain_text() {
        assert_eq!(read(Value::Null).unwrap(), Socket::default());
        let raw = json!({ "name": "envoy.transport_sockets.raw_buffer" });
        assert_eq!(read(raw).unwrap(), Socket::default());
    }

    #[test]
    fn proxy_protocol_is_taken_off_and_v1_is_left_out_of_dumps() {
        let wrap = |config: Value| {
            read(json!({
                "name": "envoy.transport_sockets.upstream_proxy_protocol",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets\
                              .proxy_protocol.v3.ProxyProtocolUpstreamTransport",
                    "config": config,
                    "transport_socket": {
                        "name": "tls", "typed_config": { "@type": TLS, "sni": "a.example" },
                    },
                },
            }))
        };
        let socket = wrap(json!({})).unwrap();
        assert_eq!(socket.proxy_protocol, Some(ProxyProtocol::V1));
        assert_eq!(socket.tls().unwrap().sni.as_deref(), Some("a.example"));
        let version = |text: &str| wrap(json!({ "version": text }));
        assert_eq!(version("V2").unwrap().proxy_protocol, Some(ProxyProtocol::V2));
        assert!(version("V3").unwrap_err().ends_with("must be V1 or V2, and is \"V3\""));
    }

    #[test]
    fn sockets_that_are_not_known_are_named() {
        let alts = json!({ "name": "envoy.transport_sockets.alts", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.alts.v3.Alts" } });
        let name = "envoy.transport_sockets.alts".to_owned();
        assert_eq!(read(alts).unwrap().security, Security::Other(name));
    }

    #[test]
    fn parameters_are_read_and_auto_is_not_set() {
        let settings = settings(json!({ "common_tls_context": { "tls_params": {
            "tls_minimum_protocol_version": "TLS_AUTO", "tls_maximum_protocol_version": 4,
            "cipher_suites": ["A", "B"], "ecdh_curves": ["P-256"],
        }, "alpn_protocols": ["h2"] } }));
        assert_eq!(settings.minimum_protocol_version, None);
        assert_eq!(settings.maximum_protocol_version, Some(TlsVersion::TLS13));
        assert_eq!(settings.cipher_suites, ["A", "B"]);
        assert_eq!(settings.alpn_protocols, ["h2"]);
        let faulty = json!({ "name": "t", "typed_config": { "@type": TLS, "common_tls_context": {
            "tls_params": { "tls_minimum_protocol_version": "x".repeat(99) } } } });
        let fault = read(faulty).unwrap_err();
        assert!(fault.contains("tls_params.tls_minimum_protocol_version must be"), "{fault}");
        assert!(fault.len() < 220, "{fault}");
    }

    #[test]
    fn certificates_are_known_by_where_they_come_from() {
        use CertificateSource as From;
        let sni = json!({ "exact": "a.example" });
        #[rustfmt::skip]
        let table = [
            (json!({ "tls_certificates": [{ "certificate_chain": { "inline_string": true } }] }),
             vec![From::Inline], None),
            (json!({ "tls_certificate_sds_secret_configs": [{ "name": "client" }] }),
             vec![From::Secret("client".into())], None),
            (json!({ "validation_context": { "trusted_ca": { "filename": "/ca" } } }),
             vec![], Some(From::File("/ca".into()))),
            (json!({ "validation_context_sds_secret_config": { "name": "ca" } }),
             vec![], Some(From::Secret("ca".into()))),
            (json!({ "combined_validation_context": {
                "default_validation_context": { "match_typed_subject_alt_names": [{ "matcher": sni }] },
                "validation_context_sds_secret_config": { "name": "ca" } } }),
             vec![], Some(From::Secret("ca".into()))),
        ];
        for (context, certificates, authority) in table {
            let settings = settings(json!({ "common_tls_context": context }));
            assert_eq!(settings.certificates, certificates);
            assert_eq!(settings.authority, authority);
            let combined = context.get("combined_validation_context").is_some();
            assert_eq!(settings.verify_names.len(), usize::from(combined));
        }
    }

    #[test]
    fn the_fips_policy_goes_before_all_other_parameters() {
        let settings = settings(json!({ "common_tls_context": { "tls_params": {
            "cipher_suites": ["AES128-SHA"], "compliance_policies": ["FIPS_202205"] } } }));
        let config =
            settings.client_config(Release::NEWEST, Build::Standard, Protocol::Http1, None);
        let offer = config.offer().unwrap();
        assert_eq!(offer.maximum, TlsVersion::TLS13);
        let numbers: Vec<_> = offer.cipher_suites.iter().map(|suite| suite.0).collect();
        assert_eq!(numbers, [0xc02b, 0xc02f, 0xc02c, 0xc030]);
    }
}
