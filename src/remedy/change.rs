//! What changes between two configurations, in the fields of Gloo and the one that it lacks.

use crate::envoy::{ClientConfig, Protocol};
use crate::tls::TlsVersion;

/// A change of an Upstream's TLS settings. `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// `sslConfig.parameters.cipherSuites`, the whole list.
    pub cipher_suites: Option<Vec<String>>,
    /// `sslConfig.parameters.ecdhCurves`, the whole list.
    pub ecdh_curves: Option<Vec<String>>,
    /// `signature_algorithms` of Envoy, the whole list. Gloo has no such field, so no form for
    /// Gloo carries it.
    pub signature_algorithms: Option<Vec<String>>,
    /// `sslConfig.parameters.minimumProtocolVersion`.
    pub minimum_protocol_version: Option<TlsVersion>,
    /// `sslConfig.parameters.maximumProtocolVersion`.
    pub maximum_protocol_version: Option<TlsVersion>,
    /// The server name to send; the inner `None` is none at all.
    pub sni: Option<Option<String>>,
    /// `useHttp2`, which decides the ALPN that Envoy sends.
    pub use_http2: Option<bool>,
    /// `sslConfig.alpnProtocols`, which goes before that; an empty list takes the field away.
    pub alpn_protocols: Option<Vec<String>>,
}

/// Why changes for several endpoints cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the endpoints need different values of {field}")]
pub struct Conflict {
    /// The field.
    pub field: &'static str,
}

impl Change {
    /// What differs in `after`.
    #[must_use]
    pub fn between(before: &ClientConfig, after: &ClientConfig) -> Self {
        let list = |old: Vec<String>, new: &[String]| {
            (!new.is_empty() && old != new).then(|| new.to_vec())
        };
        let version = |old: Option<TlsVersion>, new| if old == new { None } else { new };
        Self {
            cipher_suites: list(before.cipher_suites_in_force(), &after.cipher_suites),
            ecdh_curves: list(before.ecdh_curves_in_force(), &after.ecdh_curves),
            signature_algorithms: list(
                before.signature_algorithms_in_force(),
                &after.signature_algorithms,
            ),
            minimum_protocol_version: version(
                before.minimum_protocol_version,
                after.minimum_protocol_version,
            ),
            maximum_protocol_version: version(
                before.maximum_protocol_version,
                after.maximum_protocol_version,
            ),
            sni: (before.sni != after.sni).then(|| after.sni.clone()),
            use_http2: (before.protocol != after.protocol)
                .then_some(after.protocol == Protocol::Http2),
            alpn_protocols: (before.alpn_protocols != after.alpn_protocols)
                .then(|| after.alpn_protocols.clone()),
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The configuration with the change made.
    #[must_use]
    pub fn apply(&self, config: &ClientConfig) -> ClientConfig {
        let mut changed = config.clone();
        if let Some(list) = &self.cipher_suites {
            changed.cipher_suites.clone_from(list);
        }
        if let Some(list) = &self.ecdh_curves {
            changed.ecdh_curves.clone_from(list);
        }
        if let Some(list) = &self.signature_algorithms {
            changed.signature_algorithms.clone_from(list);
        }
        changed.minimum_protocol_version =
            self.minimum_protocol_version.or(config.minimum_protocol_version);
        changed.maximum_protocol_version =
            self.maximum_protocol_version.or(config.maximum_protocol_version);
        if let Some(sni) = &self.sni {
            changed.sni.clone_from(sni);
        }
        if let Some(http2) = self.use_http2 {
            changed.protocol = if http2 { Protocol::Http2 } else { Protocol::Http1 };
        }
        if let Some(protocols) = &self.alpn_protocols {
            changed.alpn_protocols.clone_from(protocols);
        }
        changed
    }

    /// One change that makes both: lists united in the order of `config`'s release, bounds as
    /// wide as either needs.
    ///
    /// # Errors
    ///
    /// [`Conflict`] if a field cannot have both values.
    pub fn merge(&self, other: &Self, config: &ClientConfig) -> Result<Self, Conflict> {
        let release = config.release;
        let strength = |name: &String| {
            let suite = release.suite_named(name);
            let order = release.sendable_suites(config.build);
            suite.and_then(|suite| order.iter().position(|known| *known == suite))
        };
        let mut cipher_suites = united(&self.cipher_suites, &other.cipher_suites);
        if let Some(list) = &mut cipher_suites {
            let in_force = config.cipher_suites_in_force();
            leave_out(list, &in_force, [&self.cipher_suites, &other.cipher_suites]);
            list.sort_by_key(|name| {
                let place = in_force.iter().position(|known| has_name(known, name));
                (place.is_none(), place, strength(name))
            });
        }
        Ok(Self {
            cipher_suites,
            ecdh_curves: united(&self.ecdh_curves, &other.ecdh_curves),
            signature_algorithms: united(&self.signature_algorithms, &other.signature_algorithms),
            minimum_protocol_version: either(
                self.minimum_protocol_version,
                other.minimum_protocol_version,
                std::cmp::Ord::min,
            ),
            maximum_protocol_version: either(
                self.maximum_protocol_version,
                other.maximum_protocol_version,
                std::cmp::Ord::max,
            ),
            sni: same("sni", &self.sni, &other.sni)?,
            use_http2: same("useHttp2", &self.use_http2, &other.use_http2)?,
            alpn_protocols: same("alpnProtocols", &self.alpn_protocols, &other.alpn_protocols)?,
        })
    }
}

/// Takes away what one of the changes leaves out of the list in force, unless nothing is left.
fn leave_out(list: &mut Vec<String>, in_force: &[String], changes: [&Option<Vec<String>>; 2]) {
    let is_left_out = |name: &String| {
        let mut lists = changes.into_iter().flatten();
        in_force.contains(name) && lists.any(|list| !list.contains(name))
    };
    if !list.iter().all(is_left_out) {
        list.retain(|name| !is_left_out(name));
    }
}

/// Whether an entry of a list is this name or a group such as `[A|B]` with it.
fn has_name(entry: &str, name: &str) -> bool {
    entry == name || entry.trim_matches(['[', ']']).split('|').any(|known| known == name)
}

fn united(one: &Option<Vec<String>>, other: &Option<Vec<String>>) -> Option<Vec<String>> {
    let (Some(one), Some(other)) = (one, other) else {
        return one.clone().or_else(|| other.clone());
    };
    let mut all = one.clone();
    all.extend(other.iter().filter(|name| !one.contains(name)).cloned());
    Some(all)
}

fn either<T>(one: Option<T>, other: Option<T>, choose: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    }
}

fn same<T: Clone + PartialEq>(
    field: &'static str,
    one: &Option<T>,
    other: &Option<T>,
) -> Result<Option<T>, Conflict> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Conflict { field }),
        (one, other) => Ok(one.clone().or_else(|| other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, Release};

    fn config() -> ClientConfig {
        ClientConfig::new(Release::NEWEST, Build::Standard)
    }

    fn with_suite(name: &str) -> Change {
        let mut after = config();
        after.cipher_suites = after.cipher_suites_in_force();
        after.cipher_suites.push(name.to_owned());
        Change::between(&config(), &after)
    }

    #[test]
    fn applying_a_change_gives_the_configuration_it_came_from() {
        let mut after = config();
        after.maximum_protocol_version = Some(TlsVersion::TLS13);
        after.ecdh_curves = vec!["X25519".to_owned(), "P-384".to_owned()];
        after.sni = Some("x.example".to_owned());
        after.signature_algorithms = vec!["ed25519".to_owned()];
        let before = ClientConfig { alpn_protocols: vec!["foo".to_owned()], ..config() };
        let change = Change::between(&before, &after);
        assert_eq!(change.apply(&before), after);
        assert!(Change::between(&after, &after).is_empty());
    }

    #[test]
    fn merged_lists_keep_the_defaults_first_and_the_strongest_next() {
        let merged =
            with_suite("AES128-SHA").merge(&with_suite("ECDHE-RSA-AES256-SHA"), &config()).unwrap();
        let list = merged.cipher_suites.unwrap();
        assert!(list[0].starts_with("[ECDHE-ECDSA"));
        assert_eq!(list[list.len() - 2..], ["ECDHE-RSA-AES256-SHA", "AES128-SHA"]);
    }

    #[test]
    fn merged_lists_leave_out_what_either_leaves_out() {
        let mut after = config();
        after.cipher_suites = after.cipher_suites_in_force();
        after.cipher_suites[1] = "ECDHE-RSA-CHACHA20-POLY1305".to_owned();
        let without = Change::between(&config(), &after);
        let merged = with_suite("AES128-SHA").merge(&without, &config()).unwrap();
        let merged_back = without.merge(&with_suite("AES128-SHA"), &config()).unwrap();
        after.cipher_suites.push("AES128-SHA".to_owned());
        assert_eq!(merged.cipher_suites, Some(after.cipher_suites));
        assert_eq!(merged, merged_back);
    }

    #[test]
    fn two_server_names_are_a_conflict() {
        let named = |name: &str| Change { sni: Some(Some(name.to_owned())), ..Change::default() };
        assert_eq!(named("a").merge(&named("b"), &config()), Err(Conflict { field: "sni" }));
    }
}
