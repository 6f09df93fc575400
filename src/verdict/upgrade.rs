//! What another release would make of the same server.

use crate::envoy::{ClientConfig, KeyUsageRule, Offer};
use crate::tls::{CipherSuite, Group, TlsVersion};
use crate::trial::{Passage, Trial};

/// What an upgrade does to an endpoint, in the order in which it matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    /// The same is negotiated before and after.
    Same,
    /// Something else is negotiated.
    Changes,
    /// Envoy connects only after it.
    Mends,
    /// Envoy connects neither before nor after.
    StaysBroken,
    /// Envoy connects only before it.
    Breaks,
    /// It could not be told.
    Unclear,
}

impl Effect {
    /// The name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changes => "changes",
            Self::Mends => "mends",
            Self::StaysBroken => "stays-broken",
            Self::Breaks => "breaks",
            Self::Unclear => "unclear",
        }
    }
}

/// Sets the trials of one endpoint beside each other.
#[must_use]
pub fn effect(before: &Trial, after: &Trial) -> Effect {
    // A change that is proven shows what the own hello failed at, whatever it failed with.
    let unclear = |trial: &Trial| {
        trial.remedy.is_none() && trial.own.result.as_ref().is_err_and(|why| why.is_unclear())
    };
    match (&before.own.result, &after.own.result) {
        _ if unclear(before) || unclear(after) => Effect::Unclear,
        (Ok(old), Ok(new)) if negotiated(old) == negotiated(new) => Effect::Same,
        (Ok(_), Ok(_)) => Effect::Changes,
        (Ok(_), Err(_)) => Effect::Breaks,
        (Err(_), Ok(_)) => Effect::Mends,
        (Err(_), Err(_)) => Effect::StaysBroken,
    }
}

fn negotiated(passage: &Passage) -> (TlsVersion, CipherSuite, Option<Group>) {
    (passage.version, passage.cipher_suite, passage.group)
}

/// What differs between the offers of two releases for the same settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Differences {
    /// Suites that are no longer offered.
    pub suites_gone: Vec<CipherSuite>,
    /// Suites that are offered as well.
    pub suites_new: Vec<CipherSuite>,
    /// Groups that are no longer offered.
    pub groups_gone: Vec<Group>,
    /// Groups that are offered as well.
    pub groups_new: Vec<Group>,
    /// The lowest version before and after, where it changes.
    pub minimum: Option<(TlsVersion, TlsVersion)>,
    /// The highest version before and after, where it changes.
    pub maximum: Option<(TlsVersion, TlsVersion)>,
    /// ALPN before and after, where it changes.
    pub alpn: Option<(Vec<String>, Vec<String>)>,
    /// How many bytes the hello has before and after, where a post-quantum key makes it grow.
    pub larger_hello: Option<(usize, usize)>,
    /// Whether the keyUsage of RSA certificates is enforced from then on.
    pub enforces_key_usage: bool,
    /// What the newer release has against the settings, in its own words.
    pub fault: Option<String>,
}

impl Differences {
    /// Compares what both configurations offer.
    #[must_use]
    pub fn between(before: &ClientConfig, after: &ClientConfig) -> Self {
        let enforces = |config: &ClientConfig| config.release.key_usage_rule();
        let enforces_key_usage =
            enforces(before) != KeyUsageRule::Enforced && enforces(after) == KeyUsageRule::Enforced;
        let larger_hello = larger_hello(before, after);
        let differences = Self { enforces_key_usage, larger_hello, ..Self::default() };
        match (before.offer(), after.offer()) {
            (Ok(old), Ok(new)) => differences.of_offers(&old, &new),
            (Ok(_), Err(fault)) => Self { fault: Some(fault.to_string()), ..differences },
            (Err(_), _) => differences,
        }
    }

    fn of_offers(self, old: &Offer, new: &Offer) -> Self {
        let changed = |old: TlsVersion, new: TlsVersion| (old != new).then_some((old, new));
        let texts = |protocols: &[Vec<u8>]| -> Vec<String> {
            protocols.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect()
        };
        Self {
            suites_gone: missing(&old.cipher_suites, &new.cipher_suites),
            suites_new: missing(&new.cipher_suites, &old.cipher_suites),
            groups_gone: missing(&old.groups, &new.groups),
            groups_new: missing(&new.groups, &old.groups),
            minimum: changed(old.minimum, new.minimum),
            maximum: changed(old.maximum, new.maximum),
            alpn: (old.alpn != new.alpn).then(|| (texts(&old.alpn), texts(&new.alpn))),
            ..self
        }
    }

    /// Whether both releases offer the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The sizes of both hellos, where only the newer one needs more than one TCP segment of the usual
/// size or comes near it: padding and an additional name make no such difference.
fn larger_hello(before: &ClientConfig, after: &ClientConfig) -> Option<(usize, usize)> {
    const LARGE: usize = 1024;
    let size = |config: &ClientConfig| {
        Some(config.client_hello(&mut rand::rng()).ok()?.encode().ok()?.len())
    };
    let (old, new) = (size(before)?, size(after)?);
    (old < LARGE && new >= LARGE).then_some((old, new))
}

/// What of `from` is not in `among`, in its order.
fn missing<T: Copy + PartialEq>(from: &[T], among: &[T]) -> Vec<T> {
    from.iter().filter(|item| !among.contains(item)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, Release};

    fn between(from: &str, to: &str) -> Differences {
        let config =
            |release: &str| ClientConfig::new(release.parse::<Release>().unwrap(), Build::Standard);
        Differences::between(&config(from), &config(to))
    }

    #[test]
    fn envoy_1_17_dropped_the_suites_without_aead_or_forward_secrecy() {
        let differences = between("1.16", "1.17");
        assert_eq!(differences.suites_gone.len(), 8);
        assert!(differences.suites_new.is_empty());
        assert_eq!(differences.minimum, None);
    }

    #[test]
    fn envoy_1_13_raised_the_minimum_to_tls_1_2() {
        assert_eq!(between("1.12", "1.13").minimum, Some((TlsVersion::TLS10, TlsVersion::TLS12)));
    }

    #[test]
    fn envoy_1_38_enforces_key_usage() {
        assert!(between("1.37", "1.38").enforces_key_usage);
        assert!(!between("1.38", "1.39").enforces_key_usage);
    }

    #[test]
    fn envoy_1_40_sends_a_larger_hello_where_tls_1_3_is_on() {
        let config = |release: &str, maximum_protocol_version| ClientConfig {
            maximum_protocol_version,
            ..ClientConfig::new(release.parse().unwrap(), Build::Standard)
        };
        let grows = |maximum| {
            Differences::between(&config("1.39", maximum), &config("1.40", maximum)).larger_hello
        };
        // HTTP/1 without SNI, as measured.
        assert_eq!(grows(Some(TlsVersion::TLS13)), Some((225, 1447)));
        assert_eq!(grows(None), None);
    }

    #[test]
    fn neighbours_without_a_difference_have_none() {
        assert!(between("1.38", "1.39").is_empty());
    }

    #[test]
    fn a_curve_that_the_newer_release_lacks_is_a_fault() {
        let config = |minor: &str| ClientConfig {
            ecdh_curves: vec!["P-256".to_owned(), "P-224".to_owned()],
            ..ClientConfig::new(minor.parse().unwrap(), Build::Standard)
        };
        let differences = Differences::between(&config("1.37"), &config("1.38"));
        assert!(differences.fault.unwrap().contains("Failed to initialize ECDH curves"));
    }
}
