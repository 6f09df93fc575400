//! Fields of a document, read with the path to each.
//!
//! Gloo reads resources with jsonpb: a null is a field that is not set, and a wrong type makes the
//! whole object unreadable (golang/protobuf `jsonpb/decode.go`).

use serde_json::{Map, Value};

use super::upstream::is_name;
use crate::tls::TlsVersion;

/// A field that Gloo cannot read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldFault {
    /// The value is of another kind.
    #[error("{path} must be {expected}, and is {found}")]
    Kind {
        /// Where it stands.
        path: String,
        /// What Gloo reads there.
        expected: &'static str,
        /// What there is.
        found: String,
    },
    /// A protocol version that has no such name. Gloo then cannot list any Upstream of the
    /// namespace (solo-kit `pkg/api/v1/clients/kube/resource_client.go`).
    #[error(
        "{path} is {found}: write TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3; Gloo cannot \
         read any Upstream of the namespace while this one is stored"
    )]
    VersionName {
        /// Where it stands.
        path: String,
        /// The text.
        found: String,
    },
    /// A protocol version by a number that none has.
    #[error("{path} is {found}, which no protocol version has: write a name such as TLSv1_2")]
    VersionNumber {
        /// Where it stands.
        path: String,
        /// The number.
        found: i64,
    },
    /// A name that no object of Kubernetes can have.
    #[error("{path} is {found}, and no Kubernetes name: lower-case letters, digits, - and .")]
    Name {
        /// Where it stands.
        path: String,
        /// The text.
        found: String,
    },
    /// A field that must be there is not.
    #[error("{path} is missing")]
    Missing {
        /// Where it should stand.
        path: String,
    },
}

/// An object within a document.
#[derive(Clone, Debug)]
pub(super) struct Object<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The document itself.
    pub(super) fn root(value: &'a Value) -> Result<Self, FieldFault> {
        object(String::new(), value)
    }

    /// The path to a field of this object.
    pub(super) fn path_to(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Whether the field is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names of all fields that are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Object<'a>>, FieldFault> {
        self.get(name).map(|value| object(self.path_to(name), value)).transpose()
    }

    /// A chain of objects; `None` where one of them is not set.
    pub(super) fn descend(&self, names: &[&str]) -> Result<Option<Object<'a>>, FieldFault> {
        let mut inner = self.clone();
        for name in names {
            match inner.object(name)? {
                Some(found) => inner = found,
                None => return Ok(None),
            }
        }
        Ok(Some(inner))
    }

    pub(super) fn objects(&self, name: &str) -> Result<Vec<Object<'a>>, FieldFault> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| object(self.path_to(&format!("{name}[{index}]")), value))
            .collect()
    }

    /// A name, which is empty where it is not set.
    pub(super) fn name(&self, field: &str) -> Result<String, FieldFault> {
        let name = self.text(field)?;
        match name.is_empty() || is_name(&name) {
            true => Ok(name),
            false => {
                let found = shown(&Value::String(name));
                Err(FieldFault::Name { path: self.path_to(field), found })
            }
        }
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<String>, FieldFault> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.read(name, "a string", text)
    }

    /// A string, empty where it is not set, as in proto 3.
    pub(super) fn text(&self, name: &str) -> Result<String, FieldFault> {
        Ok(self.string(name)?.unwrap_or_default())
    }

    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, FieldFault> {
        self.read(name, "true or false", Value::as_bool)
    }

    /// A port, 0 where it is not set.
    pub(super) fn port(&self, name: &str) -> Result<u16, FieldFault> {
        let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
        Ok(self.read(name, "a number from 1 to 65535", port)?.unwrap_or(0))
    }

    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>, FieldFault> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| kind(self.path_to(&format!("{name}[{index}]")), "a string", value))
        })
        .collect()
    }

    /// Strings by name, such as labels. What is no string is left out: it cannot be stored.
    pub(super) fn string_map(&self, name: &str) -> Result<Vec<(String, String)>, FieldFault> {
        let Some(inner) = self.object(name)? else { return Ok(Vec::new()) };
        let pairs = inner.fields.iter();
        Ok(pairs
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect())
    }

    /// A protocol version by enum name or number; the outer `None` is not set, the inner
    /// `TLS_AUTO` (Gloo `projects/gloo/api/v1/ssl/ssl.proto`).
    pub(super) fn protocol_version(
        &self,
        name: &str,
    ) -> Result<Option<Option<TlsVersion>>, FieldFault> {
        const BY_NUMBER: [Option<TlsVersion>; 5] = [
            None,
            Some(TlsVersion::TLS10),
            Some(TlsVersion::TLS11),
            Some(TlsVersion::TLS12),
            Some(TlsVersion::TLS13),
        ];
        let Some(value) = self.get(name) else { return Ok(None) };
        let path = self.path_to(name);
        if let Some(text) = value.as_str() {
            return match TlsVersion::from_envoy_name(text) {
                Some(version) => Ok(Some(Some(version))),
                None if text == "TLS_AUTO" => Ok(Some(None)),
                None => Err(FieldFault::VersionName { path, found: shown(value) }),
            };
        }
        let Some(number) = value.as_i64() else {
            return Err(kind(path, "the name of a protocol version such as TLSv1_2", value));
        };
        let known = usize::try_from(number).ok().and_then(|number| BY_NUMBER.get(number));
        known.map(|version| Some(*version)).ok_or(FieldFault::VersionNumber { path, found: number })
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], FieldFault> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(value) => Err(kind(self.path_to(name), "a list", value)),
        }
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, FieldFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        convert(value).map(Some).ok_or_else(|| kind(self.path_to(name), expected, value))
    }
}

fn object(path: String, value: &Value) -> Result<Object<'_>, FieldFault> {
    match value {
        Value::Object(fields) => Ok(Object { path, fields }),
        _ => Err(kind(path, "an object", value)),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn kind(path: String, expected: &'static str, value: &Value) -> FieldFault {
    let path = if path.is_empty() { "the document".to_owned() } else { path };
    FieldFault::Kind { path, expected, found: shown(value) }
}

/// A value in a few words; long texts are cut.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > LONGEST => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{:?}", start + "...")
        }
        Value::String(text) => format!("{text:?}"),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(value: Value) -> Result<Option<Option<TlsVersion>>, String> {
        let document = json!({ "minimumProtocolVersion": value });
        let root = Object::root(&document).unwrap();
        root.protocol_version("minimumProtocolVersion").map_err(|fault| fault.to_string())
    }

    #[test]
    fn protocol_versions_are_read_by_name_and_by_number() {
        assert_eq!(version(json!("TLSv1_2")), Ok(Some(Some(TlsVersion::TLS12))));
        assert_eq!(version(json!(3)), Ok(Some(Some(TlsVersion::TLS12))));
        assert_eq!(version(json!("TLS_AUTO")), Ok(Some(None)));
        assert_eq!(version(json!(0)), Ok(Some(None)));
        assert_eq!(version(Value::Null), Ok(None));
    }

    #[test]
    fn a_misspelt_version_says_which_names_there_are() {
        for value in [json!("TLSv1.2"), json!("TLSV1_2"), json!("3")] {
            let fault = version(value).unwrap_err();
            assert!(fault.contains("write TLS_AUTO, TLSv1_0"), "{fault}");
        }
        assert!(version(json!(7)).unwrap_err().contains("is 7, which no"));
        assert!(version(json!(-1)).unwrap_err().contains("is -1, which no"));
        assert!(version(json!(1.2)).unwrap_err().contains("must be the name"));
        assert!(version(json!(true)).unwrap_err().contains("must be the name"));
    }

    #[test]
    fn names_that_could_do_harm_in_a_command_are_refused() {
        let name = |text: &str| {
            let document = json!({ "name": text });
            Object::root(&document).unwrap().name("name")
        };
        for good in ["", "a", "my-upstream.v1", "0"] {
            assert_eq!(name(good).unwrap(), good);
        }
        let long = "a".repeat(254);
        for bad in ["a;b", "$(id)", "-f", "a b", "a\n", "\u{1b}[31m", "A", "a'", ".", "é", &long] {
            assert!(matches!(name(bad), Err(FieldFault::Name { .. })), "{bad}");
        }
    }

    #[test]
    fn wrong_kinds_name_the_path_and_what_there_is() {
        let document = json!({ "spec": { "static": { "hosts": [{ "port": "443" }, 7] } } });
        let root = Object::root(&document).unwrap();
        let fixed = root.descend(&["spec", "static"]).unwrap().unwrap();
        let fault = fixed.objects("hosts").unwrap_err().to_string();
        assert_eq!(fault, "spec.static.hosts[1] must be an object, and is 7");
        let document = json!({ "port": "443" });
        let fault = Object::root(&document).unwrap().port("port").unwrap_err().to_string();
        assert_eq!(fault, "port must be a number from 1 to 65535, and is \"443\"");
        assert!(Object::root(&json!([])).unwrap_err().to_string().starts_with("the document must"));
    }
}
