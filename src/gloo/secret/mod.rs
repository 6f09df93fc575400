//! Kubernetes Secrets, as Gloo takes them for TLS.
//!
//! Key material is kept in buffers that are wiped when they go, no type here shows it, and no
//! error has any of it. What the parser of YAML, the decoder of DER and OpenSSL hold meanwhile is
//! theirs: OpenSSL clears private keys as it frees them, the parser wipes nothing.

mod finding;
mod judge;
mod pair;
mod pem;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::cluster::{SecretKnowledge, SecretSource};
use super::field::{FieldFault, Object};
use super::release::Release;
use super::upstream::ObjectName;

pub use finding::{SecretFinding, Weight, Which};
pub use judge::{Leaf, Mode, SecretVerdict, Terms};
pub use pair::{Looks, PairFault};

/// A Secret, as Gloo's converters take it
/// (`projects/gloo/pkg/api/converters/kube`, in their order).
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: ObjectName,
    /// What Gloo makes of it.
    pub kind: SecretKind,
    /// Keys that Kubernetes wants for its type, and that are not there.
    pub missing: Vec<&'static str>,
    /// Bytes of all its data together.
    pub size: usize,
    /// Whether `kubectl apply` has left a copy of the data in an annotation.
    pub has_applied_copy: bool,
}

/// What Gloo makes of a Secret.
#[derive(Clone, Debug)]
pub enum SecretKind {
    /// A TLS secret.
    Tls(TlsMaterial),
    /// A secret of headers, as any `Opaque` one with data becomes in the end.
    Header {
        /// Those of its keys that look as if TLS was meant, such as `tls.crt`.
        looks_like_tls: Vec<String>,
    },
    /// Nothing: Gloo does not see it.
    Unseen {
        /// Its type.
        kind: String,
        /// Whether it has any data.
        is_empty: bool,
    },
}

/// The PEM text of a TLS secret.
#[derive(Clone, Default)]
pub struct TlsMaterial {
    /// `tls.crt`, leaf first.
    pub chain: Zeroizing<Vec<u8>>,
    /// `tls.key`.
    pub key: Zeroizing<Vec<u8>>,
    /// `ca.crt`. Wiped too, since people put keys there.
    pub authority: Zeroizing<Vec<u8>>,
    /// Whether there is a `tls.ocsp-staple`.
    pub has_staple: bool,
}

/// Shows no material.
impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("chain_bytes", &self.chain.len())
            .field("has_key", &!self.key.is_empty())
            .field("authority_bytes", &self.authority.len())
            .finish_non_exhaustive()
    }
}

/// A Secret that Kubernetes would not take. No value of the document is told, since any may be a
/// key in the wrong place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFault {
    /// A field of another kind.
    #[error("{path} must be {expected}")]
    Field {
        /// Where it stands.
        path: String,
        /// What Kubernetes reads there.
        expected: &'static str,
    },
    /// There is no name.
    #[error("metadata.name is missing")]
    NoName,
    /// The name or namespace is none that Kubernetes takes.
    #[error("metadata.{0} is no name that Kubernetes takes: lower-case letters, digits, - and .")]
    Name(&'static str),
    /// Under `data`, which is base64.
    #[error("{0} is not base64; plain text belongs into stringData")]
    Base64(KeyName),
    /// A value of `data` or `stringData` that is no text.
    #[error("{0} must be a string")]
    NotText(KeyName),
}

/// The name of a key in `data` or `stringData`, if it is one that is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyName {
    field: &'static str,
    name: Option<&'static str>,
}

impl KeyName {
    fn new(field: &'static str, name: &str) -> Self {
        Self { field, name: KNOWN_KEYS.into_iter().find(|known| *known == name) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{}.{name}", self.field),
            None => write!(f, "a value in {}", self.field),
        }
    }
}

impl From<FieldFault> for SecretFault {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::Kind { path, expected, .. } => Self::Field { path, expected },
            FieldFault::Name { path, .. } if path.ends_with("namespace") => Self::Name("namespace"),
            FieldFault::Name { .. } => Self::Name("name"),
            FieldFault::Missing { path }
            | FieldFault::VersionName { path, .. }
            | FieldFault::VersionNumber { path, .. } => Self::Field { path, expected: "there" },
        }
    }
}

const TLS_TYPE: &str = "kubernetes.io/tls";
const OPAQUE: &str = "Opaque";
/// The annotation of Secrets that old releases of glooctl wrote.
const RESOURCE_KIND: (&str, &str) = ("resource_kind", "*v1.Secret");
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const KNOWN_KEYS: [&str; 5] = ["tls.crt", "tls.key", "ca.crt", "tls.ocsp-staple", "tls"];
/// What Kubernetes wants to be there, if only empty (`pkg/apis/core/validation`).
const REQUIRED_KEYS: [&str; 2] = ["tls.crt", "tls.key"];

impl Secret {
    /// Whether a document is a Secret of Kubernetes' own.
    #[must_use]
    pub fn is_one(document: &Value) -> bool {
        let text = |field| document.get(field).and_then(Value::as_str);
        text("kind") == Some("Secret") && text("apiVersion").is_none_or(|version| version == "v1")
    }

    /// Reads a document of kind `Secret`, and wipes every text in it.
    ///
    /// # Errors
    ///
    /// [`SecretFault`], which never has any of the material in it.
    pub fn take(document: &mut Value) -> Result<Self, SecretFault> {
        let secret = Self::read(document);
        wipe(document);
        secret
    }

    fn read(document: &Value) -> Result<Self, SecretFault> {
        let root = Object::root(document)?;
        let name = ObjectName::of(&root)?;
        check_names(&name)?;
        let kind = root.string("type")?.filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| OPAQUE.to_owned());
        let annotations = match root.object("metadata")? {
            Some(metadata) => metadata.object("annotations")?,
            None => None,
        };
        let annotation =
            |name| annotations.as_ref().and_then(|all| all.get(name)).and_then(Value::as_str);
        let data = data(&root)?;
        let is_required = |key: &&'static str| kind == TLS_TYPE && !data.contains_key(*key);
        Ok(Self {
            name,
            missing: REQUIRED_KEYS.into_iter().filter(is_required).collect(),
            size: data.values().map(|value| value.len()).sum(),
            has_applied_copy: annotation(LAST_APPLIED).is_some_and(|copy| copy.contains("ata\":")),
            kind: convert(&kind, &data, annotation(RESOURCE_KIND.0) == Some(RESOURCE_KIND.1)),
        })
    }

    /// The material, if Gloo takes it for a TLS secret.
    #[must_use]
    pub fn material(&self) -> Option<&TlsMaterial> {
        match &self.kind {
            SecretKind::Tls(material) => Some(material),
            _ => None,
        }
    }
}

/// RFC 1123 subdomains, the namespace a label.
fn check_names(name: &ObjectName) -> Result<(), SecretFault> {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = |text: &str, longest: usize, more: &[u8]| {
        text.len() <= longest
            && text.bytes().all(|byte| is_word(byte) || more.contains(&byte))
            && text.bytes().next().is_none_or(is_word)
            && text.bytes().last().is_none_or(is_word)
    };
    match name {
        ObjectName { name, .. } if name.is_empty() => Err(SecretFault::NoName),
        ObjectName { name, .. } if !fits(name, 253, b"-.") => Err(SecretFault::Name("name")),
        ObjectName { namespace, .. } if !fits(namespace, 63, b"-") => {
            Err(SecretFault::Name("namespace"))
        }
        _ => Ok(()),
    }
}

/// A type fit to be shown.
fn shown_type(kind: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte);
    match kind.len() <= 63 && kind.bytes().all(fits) {
        true => kind.to_owned(),
        false => "another".to_owned(),
    }
}

type Data = HashMap<String, Zeroizing<Vec<u8>>>;

/// `data` decoded, and `stringData`, which goes before it.
fn data(root: &Object<'_>) -> Result<Data, SecretFault> {
    let mut data = Data::new();
    for (name, text) in texts(root, "data")? {
        let mut encoded = Zeroizing::new(Vec::with_capacity(text.len()));
        // Go's decoder passes over line ends, and over nothing else.
        encoded.extend(text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        let bytes = pem::decode(&encoded);
        let bytes = bytes.ok_or_else(|| SecretFault::Base64(KeyName::new("data", name)))?;
        data.insert(name.to_owned(), bytes);
    }
    for (name, text) in texts(root, "stringData")? {
        data.insert(name.to_owned(), Zeroizing::new(text.as_bytes().to_vec()));
    }
    Ok(data)
}

/// A null counts as empty, as it does when Kubernetes reads a list of bytes or a string.
fn texts<'a>(
    root: &Object<'a>,
    field: &'static str,
) -> Result<Vec<(&'a str, &'a str)>, SecretFault> {
    let fields = match root.get(field) {
        None => return Ok(Vec::new()),
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            return Err(SecretFault::Field { path: field.to_owned(), expected: "an object" });
        }
    };
    let text = |(name, value): (&'a String, &'a Value)| match value {
        Value::Null => Ok((name.as_str(), "")),
        Value::String(text) => Ok((name.as_str(), text.as_str())),
        _ => Err(SecretFault::NotText(KeyName::new(field, name))),
    };
    fields.iter().map(text).collect()
}

fn convert(kind: &str, data: &Data, is_by_glooctl: bool) -> SecretKind {
    match (kind, data.get("tls")) {
        (TLS_TYPE, _) => SecretKind::Tls(material(data)),
        (OPAQUE, Some(text)) if is_by_glooctl && data.len() == 1 => old_form(text),
        (OPAQUE, _) if !data.is_empty() => {
            let known = KNOWN_KEYS.into_iter().filter(|name| data.contains_key(*name));
            SecretKind::Header { looks_like_tls: known.map(str::to_owned).collect() }
        }
        _ => SecretKind::Unseen { kind: shown_type(kind), is_empty: data.is_empty() },
    }
}

fn material(data: &Data) -> TlsMaterial {
    let bytes = |name: &str| data.get(name).cloned().unwrap_or_default();
    TlsMaterial {
        chain: bytes("tls.crt"),
        key: bytes("tls.key"),
        authority: bytes("ca.crt"),
        has_staple: data.get("tls.ocsp-staple").is_some_and(|staple| !staple.is_empty()),
    }
}

/// One key with YAML in it. What cannot be read is nothing to Gloo's converter.
fn old_form(text: &[u8]) -> SecretKind {
    let unseen = || SecretKind::Unseen { kind: OPAQUE.to_owned(), is_empty: false };
    let Ok(text) = std::str::from_utf8(text) else { return unseen() };
    let Ok(mut value) = crate::yaml::read(text) else { return unseen() };
    let bytes = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        Zeroizing::new(text.as_bytes().to_vec())
    };
    let material = TlsMaterial {
        chain: bytes("certChain"),
        key: bytes("privateKey"),
        authority: bytes("rootCa"),
        has_staple: false,
    };
    wipe(&mut value);
    SecretKind::Tls(material)
}

/// Overwrites every text within a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        _ => {}
    }
}

/// All Secrets of a run.
#[derive(Debug, Default)]
pub struct Secrets {
    all: HashMap<ObjectName, Secret>,
}

impl Secrets {
    /// Adds one; of two with the same name the last one counts.
    pub fn add(&mut self, secret: Secret) {
        self.all.insert(secret.name.clone(), secret);
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &ObjectName) -> Option<&Secret> {
        self.all.get(name)
    }
}

impl SecretSource for Secrets {
    fn secret(&self, name: &ObjectName) -> SecretKnowledge {
        let Some(secret) = self.get(name) else { return SecretKnowledge::Unknown };
        let terms = Terms::new(Release::STABLE, SystemTime::now());
        match &secret.kind {
            SecretKind::Tls(material) if !secret.judge(&terms).is_blocked() => {
                SecretKnowledge::Usable {
                    key_pair: !material.chain.is_empty(),
                    authority: !material.authority.is_empty(),
                }
            }
            SecretKind::Unseen { .. } => SecretKnowledge::Unseen,
            SecretKind::Tls(_) | SecretKind::Header { .. } => SecretKnowledge::Unusable,
        }
    }
}
