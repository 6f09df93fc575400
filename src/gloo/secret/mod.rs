//! Kubernetes Secrets, as Gloo takes them for TLS.
//!
//! Key material is kept in buffers that are wiped when they go, and no type here shows it.

mod finding;
mod judge;
mod pem;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::cluster::{SecretKnowledge, SecretSource};
use super::field::{FieldFault, Object};
use super::release::Release;
use super::upstream::ObjectName;

pub use finding::{SecretFinding, Weight};
pub use judge::{Leaf, Mode, SecretVerdict};

/// A Secret, as Gloo's converters take it
/// (`projects/gloo/pkg/api/converters/kube`, in their order).
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: ObjectName,
    /// What Gloo makes of it.
    pub kind: SecretKind,
}

/// What Gloo makes of a Secret.
#[derive(Clone, Debug)]
pub enum SecretKind {
    /// A TLS secret.
    Tls(TlsMaterial),
    /// A secret of headers, as any `Opaque` one with data becomes in the end. The names of its
    /// keys are those that look as if TLS was meant.
    Header {
        /// Such as `tls.crt`.
        looks_like_tls: Vec<String>,
    },
    /// Nothing: Gloo does not see it.
    Unseen {
        /// Its type.
        kind: String,
    },
}

/// The PEM text of a TLS secret.
#[derive(Clone, Default)]
pub struct TlsMaterial {
    /// `tls.crt`, leaf first.
    pub chain: Zeroizing<Vec<u8>>,
    /// `tls.key`.
    pub key: Zeroizing<Vec<u8>>,
    /// `ca.crt`.
    pub authority: Vec<u8>,
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

/// A Secret that Kubernetes would not take.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFault {
    /// A field of another kind.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// Under `data`, which is base64.
    #[error("data.{0} is not base64; plain text belongs into stringData")]
    Base64(String),
    /// A field of `data` or `stringData` that is no text; its value is not told.
    #[error("data.{0} must be a string")]
    NotText(String),
}

const TLS_TYPE: &str = "kubernetes.io/tls";
const OPAQUE: &str = "Opaque";
/// The annotation of Secrets that old releases of glooctl wrote.
const RESOURCE_KIND: &str = "resource_kind";

impl Secret {
    /// Reads a document of kind `Secret`, and wipes the material in it.
    ///
    /// # Errors
    ///
    /// [`SecretFault`], which never has any of the material in it.
    pub fn take(document: &mut Value) -> Result<Self, SecretFault> {
        let secret = Self::read(document);
        wipe(document.get_mut("data"));
        wipe(document.get_mut("stringData"));
        // kubectl keeps a copy of everything there.
        wipe(document.pointer_mut("/metadata/annotations"));
        secret
    }

    fn read(document: &Value) -> Result<Self, SecretFault> {
        let root = Object::root(document)?;
        let name = ObjectName::of(&root)?;
        if name.name.is_empty() {
            return Err(FieldFault::Missing { path: "metadata.name".to_owned() }.into());
        }
        let kind = root.string("type")?.filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| OPAQUE.to_owned());
        let data = data(&root)?;
        let annotations = match root.object("metadata")? {
            Some(metadata) => metadata.string_map("annotations")?,
            None => Vec::new(),
        };
        let by_glooctl =
            annotations.iter().any(|(name, value)| name == RESOURCE_KIND && value == "*v1.Secret");
        let kind = match (kind.as_str(), data.get("tls")) {
            (TLS_TYPE, _) => SecretKind::Tls(material(&data)),
            (OPAQUE, Some(text)) if by_glooctl && data.len() == 1 => old_form(text),
            (OPAQUE, _) if !data.is_empty() => SecretKind::Header {
                looks_like_tls: ["tls.crt", "tls.key", "ca.crt"]
                    .iter()
                    .filter(|name| data.contains_key(**name))
                    .map(|name| (*name).to_owned())
                    .collect(),
            },
            _ => SecretKind::Unseen { kind },
        };
        Ok(Self { name, kind })
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

type Data = HashMap<String, Zeroizing<Vec<u8>>>;

/// `data` decoded, and `stringData`, which goes before it.
fn data(root: &Object<'_>) -> Result<Data, SecretFault> {
    let mut data = Data::new();
    if let Some(encoded) = root.object("data")? {
        for name in encoded.names() {
            let text = encoded.get(name).and_then(Value::as_str);
            let text = text.ok_or_else(|| SecretFault::NotText(name.to_owned()))?;
            let lines = Zeroizing::new(text.replace(['\n', '\r'], ""));
            let bytes = STANDARD.decode(lines.as_bytes());
            let bytes = bytes.map_err(|_| SecretFault::Base64(name.to_owned()))?;
            data.insert(name.to_owned(), Zeroizing::new(bytes));
        }
    }
    if let Some(plain) = root.object("stringData")? {
        for name in plain.names() {
            let text = plain.get(name).and_then(Value::as_str);
            let text = text.ok_or_else(|| SecretFault::NotText(name.to_owned()))?;
            data.insert(name.to_owned(), Zeroizing::new(text.as_bytes().to_vec()));
        }
    }
    Ok(data)
}

fn material(data: &Data) -> TlsMaterial {
    let bytes = |name: &str| data.get(name).cloned().unwrap_or_default();
    TlsMaterial {
        chain: bytes("tls.crt"),
        key: bytes("tls.key"),
        authority: bytes("ca.crt").to_vec(),
        has_staple: data.get("tls.ocsp-staple").is_some_and(|staple| !staple.is_empty()),
    }
}

/// One key with YAML in it. What cannot be read is nothing to Gloo's converter.
fn old_form(text: &[u8]) -> SecretKind {
    let text = std::str::from_utf8(text).ok();
    let Some(Ok(mut value)) = text.map(crate::yaml::read) else {
        return SecretKind::Unseen { kind: OPAQUE.to_owned() };
    };
    let bytes = |name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec()
    };
    let material = TlsMaterial {
        chain: Zeroizing::new(bytes("certChain")),
        key: Zeroizing::new(bytes("privateKey")),
        authority: bytes("rootCa"),
        has_staple: false,
    };
    wipe(Some(&mut value));
    SecretKind::Tls(material)
}

/// Overwrites every text within a value.
fn wipe(value: Option<&mut Value>) {
    match value {
        Some(Value::String(text)) => text.zeroize(),
        Some(Value::Array(items)) => items.iter_mut().for_each(|item| wipe(Some(item))),
        Some(Value::Object(fields)) => fields.values_mut().for_each(|field| wipe(Some(field))),
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
        let is_blocked = || secret.judge(Release::STABLE, false, SystemTime::now()).is_blocked();
        match &secret.kind {
            SecretKind::Tls(material) if !is_blocked() => SecretKnowledge::Usable {
                key_pair: !material.chain.is_empty(),
                authority: !material.authority.is_empty(),
            },
            SecretKind::Unseen { .. } => SecretKnowledge::Unseen,
            SecretKind::Tls(_) | SecretKind::Header { .. } => SecretKnowledge::Unusable,
        }
    }
}
