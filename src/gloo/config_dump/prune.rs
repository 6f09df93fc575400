//! Keeps of a value what is known to matter, and forgets the rest while it is read: above all
//! certificates and keys.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Fields that are read, wherever they stand.
#[rustfmt::skip]
const KEPT: [&str; 66] = [
    "@type", "address", "allow_renegotiation", "alpn_protocols", "auto_host_sni", "auto_sni",
    "auto_sni_san_validation", "certificate_chain", "cipher_suites", "cluster", "cluster_name",
    "cluster_type", "combined_validation_context", "common_tls_context", "compliance_policies",
    "config", "contains", "default_validation_context", "ecdh_curves", "eds_cluster_config",
    "endpoint", "endpoints", "enforce_rsa_key_usage", "envoy_internal_address", "exact",
    "explicit_http_config", "filename", "filter_metadata", "hostname", "lb_endpoints",
    "load_assignment", "match_subject_alt_names", "match_typed_subject_alt_names", "matcher",
    "metadata", "name", "path", "pipe", "port_value", "prefix", "protocol_selection", "regex",
    "safe_regex", "san_type", "server_listener_name", "service_name", "signature_algorithms",
    "sni", "socket_address", "suffix", "tls_certificate_sds_secret_configs", "tls_certificates",
    "tls_maximum_protocol_version", "tls_minimum_protocol_version", "tls_params",
    "transport_socket", "transport_socket_matches", "trust_chain_verification", "trusted_ca",
    "type", "typed_config", "typed_extension_protocol_options", "upstream_http_protocol_options",
    "validation_context", "validation_context_sds_secret_config", "version",
];

/// [`KEPT`] by the name of an extension rather than of a field.
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Fields of which it is enough to know that they are set; some hold secrets.
const PRESENT: [&str; 14] = [
    "auto_config",
    "ca_certificate_provider_instance",
    "custom_validator_config",
    "environment_variable",
    "http2_protocol_options",
    "http3_protocol_options",
    "http_protocol_options",
    "inline_bytes",
    "inline_string",
    "system_root_certs",
    "tls_certificate_provider_instance",
    "transport_socket_matcher",
    "use_downstream_protocol_config",
    "verify_certificate_hash",
];

/// Fields with names of the user's own below them.
const WHOLE: [&str; 2] = ["match", "envoy.transport_socket_match"];

/// Whether a cluster's field of this name is of any use; `name` in snake case.
pub(super) fn is_known(name: &str) -> bool {
    KEPT.contains(&name) || PRESENT.contains(&name) || name == HTTP_OPTIONS || WHOLE.contains(&name)
}

/// A field's name as the API definitions have it, from either spelling that protobuf prints.
pub(super) fn snake_case(name: String) -> String {
    // The names of extensions have dots and are no field names.
    if name.contains('.') || !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return name;
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Reads a value and forgets what is of no use.
pub(super) struct Prune<'a> {
    /// The first key that an object has twice: which one counts depends on who reads it.
    pub(super) twice: &'a RefCell<Option<String>>,
    pub(super) keep_all: bool,
}

impl Prune<'_> {
    fn inner(&self, keep_all: bool) -> Prune<'_> {
        Prune { twice: self.twice, keep_all }
    }

    /// Reads the value of `name`; `None` if it is of no use, or null.
    pub(super) fn field<'de, A: MapAccess<'de>>(
        &self,
        name: &str,
        entries: &mut A,
    ) -> Result<Option<Value>, A::Error> {
        let value = if self.keep_all || WHOLE.contains(&name) {
            entries.next_value_seed(self.inner(true))?
        } else if PRESENT.contains(&name) {
            let present: Option<IgnoredAny> = entries.next_value()?;
            present.map_or(Value::Null, |_| Value::Bool(true))
        } else if is_known(name) {
            entries.next_value_seed(self.inner(false))?
        } else {
            entries.next_value::<IgnoredAny>()?;
            Value::Null
        };
        Ok((!value.is_null()).then_some(value))
    }

    /// Adds a field, and remembers if it was there already.
    pub(super) fn insert(&self, fields: &mut Map<String, Value>, name: String, value: Value) {
        if fields.contains_key(&name) {
            self.twice.borrow_mut().get_or_insert(name);
            return;
        }
        fields.insert(name, value);
    }
}

impl<'de> DeserializeSeed<'de> for Prune<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Prune<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner(self.keep_all))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let name = if self.keep_all { name } else { snake_case(name) };
            if let Some(value) = self.field(&name, &mut entries)? {
                self.insert(&mut fields, name, value);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prune(text: &str) -> (Value, Option<String>) {
        let twice = RefCell::new(None);
        let seed = Prune { twice: &twice, keep_all: false };
        let value = seed.deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
        (value, twice.into_inner())
    }

    #[test]
    fn certificates_and_keys_are_not_kept() {
        let text = r#"{"tls_certificates": [{"certificate_chain": {"inline_string": "SECRET"},
            "private_key": {"inline_string": "SECRET"}}],
            "trusted_ca": {"inline_bytes": "SECRET", "filename": null}}"#;
        let kept = json!({
            "tls_certificates": [{ "certificate_chain": { "inline_string": true } }],
            "trusted_ca": { "inline_bytes": true },
        });
        assert_eq!(prune(text), (kept, None));
    }

    #[test]
    fn camel_case_is_the_same_name_and_labels_keep_theirs() {
        let text = r#"{"transportSocketMatches": [{"match": {"tlsMode": {"someKey": 1}},
            "connectTimeout": "5s"}], "http2ProtocolOptions": {}}"#;
        let kept = json!({
            "transport_socket_matches": [{ "match": { "tlsMode": { "someKey": 1 } } }],
            "http2_protocol_options": true,
        });
        assert_eq!(prune(text), (kept, None));
    }

    #[test]
    fn a_key_that_is_there_twice_is_remembered() {
        let (_, twice) = prune(r#"{"cluster": {"name": "a", "sni": "b", "name": "c"}}"#);
        assert_eq!(twice.as_deref(), Some("name"));
        // Of what is not kept nobody needs to know.
        assert_eq!(prune(r#"{"x": 1, "x": 2}"#).1, None);
    }

    #[test]
    fn the_lists_of_names_are_sorted_and_apart() {
        assert!(KEPT.is_sorted() && PRESENT.is_sorted());
        assert!(KEPT.iter().all(|name| !PRESENT.contains(name)));
    }
}
