//! `UpstreamSslConfig`: Gloo `projects/gloo/api/v1/ssl/ssl.proto`.

use super::field::{FieldFault, Object};
use super::upstream::ObjectName;
use crate::tls::TlsVersion;

/// What an Upstream says of TLS; an empty one still turns TLS on (Gloo `ssl_test.go`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SslConfig {
    /// Where certificates come from.
    pub credentials: Credentials,
    /// `sni`; not always what is sent.
    pub sni: Option<String>,
    /// `verifySubjectAltName`.
    pub verify_subject_alt_name: Vec<String>,
    /// `parameters`, if there are any; an empty object counts as some.
    pub parameters: Option<Parameters>,
    /// `alpnProtocols`.
    pub alpn_protocols: Vec<String>,
    /// `oneWayTls`.
    pub one_way_tls: bool,
}

/// Where certificates come from: the three fields are one oneof, and of several the last one in
/// this order counts (golang/protobuf `jsonpb/decode.go`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Credentials {
    /// None is named: nothing is shown and nothing is verified.
    #[default]
    None,
    /// `secretRef`.
    Secret(ObjectName),
    /// `sslFiles`, paths within the proxy's pod.
    Files {
        /// `rootCa`.
        root_ca: Option<String>,
        /// Whether `tlsCert` or `tlsKey` is set, which Gloo refuses: it takes the paths for PEM
        /// text (Gloo `projects/gloo/pkg/utils/ssl.go`).
        with_key_pair: bool,
    },
    /// `sds`.
    Sds {
        /// Whether `certificatesSecretName` is set.
        certificates: bool,
        /// Whether `validationContextName` is set.
        validation: bool,
    },
}

/// `SslParameters`, the same message on Upstreams and in Settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parameters {
    /// `minimumProtocolVersion`; `TLS_AUTO` is `None`.
    pub minimum_protocol_version: Option<TlsVersion>,
    /// `maximumProtocolVersion`; `TLS_AUTO` is `None`.
    pub maximum_protocol_version: Option<TlsVersion>,
    /// `cipherSuites`.
    pub cipher_suites: Vec<String>,
    /// `ecdhCurves`.
    pub ecdh_curves: Vec<String>,
}

const FIELDS: [&str; 9] = [
    "secretRef",
    "sslFiles",
    "sds",
    "sni",
    "verifySubjectAltName",
    "parameters",
    "alpnProtocols",
    "allowRenegotiation",
    "oneWayTls",
];
const PARAMETERS: [&str; 4] =
    ["minimumProtocolVersion", "maximumProtocolVersion", "cipherSuites", "ecdhCurves"];

impl SslConfig {
    /// Reads the object at `name`, and adds the paths of what Kubernetes drops to `unknown`.
    pub(super) fn read(
        parent: &Object<'_>,
        name: &str,
        unknown: &mut Vec<String>,
    ) -> Result<Option<Self>, FieldFault> {
        let Some(object) = parent.object(name)? else { return Ok(None) };
        note_unknown(&object, &FIELDS, unknown);
        object.bool("allowRenegotiation")?;
        Ok(Some(Self {
            credentials: credentials(&object)?,
            sni: object.string("sni")?.filter(|sni| !sni.is_empty()),
            verify_subject_alt_name: object.strings("verifySubjectAltName")?,
            parameters: Parameters::read(&object, "parameters", unknown)?,
            alpn_protocols: object.strings("alpnProtocols")?,
            one_way_tls: object.bool("oneWayTls")?.unwrap_or(false),
        }))
    }
}

impl Parameters {
    pub(super) fn read(
        parent: &Object<'_>,
        name: &str,
        unknown: &mut Vec<String>,
    ) -> Result<Option<Self>, FieldFault> {
        let Some(object) = parent.object(name)? else { return Ok(None) };
        note_unknown(&object, &PARAMETERS, unknown);
        Ok(Some(Self {
            minimum_protocol_version: object.protocol_version("minimumProtocolVersion")?.flatten(),
            maximum_protocol_version: object.protocol_version("maximumProtocolVersion")?.flatten(),
            cipher_suites: object.strings("cipherSuites")?,
            ecdh_curves: object.strings("ecdhCurves")?,
        }))
    }

    /// Whether every field is left to Envoy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn credentials(object: &Object<'_>) -> Result<Credentials, FieldFault> {
    let secret = object.object("secretRef")?.map(|secret| ObjectName::read(&secret)).transpose()?;
    let files = object.object("sslFiles")?.map(|files| read_files(&files)).transpose()?;
    let sds = object.object("sds")?.map(|sds| read_sds(&sds)).transpose()?;
    let secret = secret.map(Credentials::Secret);
    Ok(sds.or(files).or(secret).unwrap_or_default())
}

fn read_files(files: &Object<'_>) -> Result<Credentials, FieldFault> {
    let named = |name| Ok(files.string(name)?.filter(|path| !path.is_empty()));
    let key_pair = [named("tlsCert")?, named("tlsKey")?];
    Ok(Credentials::Files {
        root_ca: named("rootCa")?,
        with_key_pair: key_pair.iter().any(Option::is_some),
    })
}

fn read_sds(sds: &Object<'_>) -> Result<Credentials, FieldFault> {
    Ok(Credentials::Sds {
        certificates: !sds.text("certificatesSecretName")?.is_empty(),
        validation: !sds.text("validationContextName")?.is_empty(),
    })
}

/// The schema does not keep fields that it does not list, so the API server drops them.
fn note_unknown(object: &Object<'_>, known: &[&str], unknown: &mut Vec<String>) {
    let names = object.names().filter(|name| !known.contains(name));
    unknown.extend(names.map(|name| object.path_to(name)));
}
