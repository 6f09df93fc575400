//! Targets before and after an upgrade.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::envoy::EnvoyClient;
use super::finding::Finding;
use super::remedy::Remedy;
use super::trial::TrialResult;
use super::upstreams::Upstream;
use super::way::Way;
use super::{VERSION, all};
use crate::gloo;
use crate::remedy::Names;
use crate::report::upgrade::{self, UpgradeDiagnosis, differences_words, exit_code};
use crate::verdict;

/// What an upgrade does to each target.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpgradeReport {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// The release before the upgrade.
    pub from: Platform,
    /// The release after it.
    pub to: Platform,
    /// The gravest effect on any target.
    pub effect: Effect,
    /// The exit code that goes with it: 0 where Envoy connects to every target afterwards, 1 where
    /// it does not to some, 2 where it could not be told for some.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
    /// One entry for each target, in the order given.
    pub targets: Vec<UpgradeTarget>,
}

/// A release of Gloo with its Envoy, or an Envoy alone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// The release of Gloo, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gloo: Option<String>,
    /// The release of Envoy.
    pub envoy: String,
}

/// What an upgrade does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
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

/// One target before and after the upgrade.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpgradeTarget {
    /// The cluster that it is an endpoint of, if it comes from a config dump.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The target as `HOST:PORT`.
    pub target: String,
    /// The gravest effect on any endpoint.
    pub effect: Effect,
    /// What the older release offers.
    pub envoy_before: EnvoyClient,
    /// What the newer release offers.
    pub envoy_after: EnvoyClient,
    /// What the newer release does differently, for people.
    pub differences: Vec<String>,
    /// What lies between here and the server's TLS; left out where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Why there are no endpoints: the name could not be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// One entry for each address, in ascending order.
    pub endpoints: Vec<UpgradeEndpoint>,
    /// The change that lets the newer release through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// Why there is no change although one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_remedy: Option<String>,
    /// Whether the change is proven with the older release too, so that it can be made before the
    /// upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub works_before: Option<bool>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fails_before: Option<String>,
}

/// What an upgrade does to each Upstream.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamsUpgradeReport {
    /// The version of this shape.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// The release before the upgrade.
    pub from: Platform,
    /// The release after it.
    pub to: Platform,
    /// The gravest effect on any Upstream.
    pub effect: Effect,
    /// The exit code that goes with it.
    #[schemars(range(max = 2))]
    pub exit_code: u8,
    /// One entry for each Upstream, in the order read.
    pub upstreams: Vec<UpstreamUpgrade>,
}

/// One Upstream before and after the upgrade.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamUpgrade {
    /// The gravest effect on any endpoint.
    pub effect: Effect,
    /// With the older release, as far as its own hello.
    pub before: Upstream,
    /// With the newer release, and the change that it needs.
    pub after: Upstream,
    /// Whether the change is proven with the older release too, so that it can be made before the
    /// upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub works_before: Option<bool>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fails_before: Option<String>,
}

impl UpstreamsUpgradeReport {
    /// Puts what was found into the published shape.
    #[must_use]
    pub fn new(
        upgrades: &[upgrade::UpstreamUpgrade],
        (from, to): (gloo::Platform, gloo::Platform),
    ) -> Self {
        let effects = upgrades.iter().map(upgrade::UpstreamUpgrade::effect);
        let effect = effects.max().unwrap_or(verdict::Effect::Unclear);
        Self {
            version: VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            from: from.into(),
            to: to.into(),
            effect: effect.into(),
            exit_code: exit_code(effect),
            upstreams: all(upgrades),
        }
    }
}

impl From<&upgrade::UpstreamUpgrade> for UpstreamUpgrade {
    fn from(upgrade: &upgrade::UpstreamUpgrade) -> Self {
        Self {
            effect: upgrade.effect().into(),
            before: (&upgrade.before).into(),
            after: (&upgrade.after).into(),
            works_before: upgrade.works_before.as_ref().map(Result::is_ok),
            fails_before: upgrade.works_before.as_ref().and_then(|it| it.clone().err()),
        }
    }
}

/// One address before and after the upgrade.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpgradeEndpoint {
    /// Address and port; name and port where a proxy resolves the name.
    pub address: String,
    /// What the upgrade does to it.
    pub effect: Effect,
    /// What became of the older release's hello.
    pub before: TrialResult,
    /// What became of the newer release's hello.
    pub after: TrialResult,
    /// Why, for the newer release, the gravest first.
    pub findings: Vec<Finding>,
}

impl UpgradeReport {
    /// Puts what was found into the published shape; patches are written for `names`.
    #[must_use]
    pub fn new(
        diagnoses: &[UpgradeDiagnosis],
        (from, to): (gloo::Platform, gloo::Platform),
        names: &Names,
    ) -> Self {
        let effects = diagnoses.iter().map(UpgradeDiagnosis::effect);
        let effect = effects.max().unwrap_or(verdict::Effect::Unclear);
        Self {
            version: VERSION,
            tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
            from: from.into(),
            to: to.into(),
            effect: effect.into(),
            exit_code: exit_code(effect),
            targets: diagnoses.iter().map(|found| UpgradeTarget::new(found, names)).collect(),
        }
    }
}

impl UpgradeTarget {
    fn new(found: &UpgradeDiagnosis, names: &Names) -> Self {
        let endpoints = found.effects().map(|(before, after, effect)| UpgradeEndpoint {
            address: after.address.to_string(),
            effect: effect.into(),
            before: (&before.trial.own.result).into(),
            after: (&after.trial.own.result).into(),
            findings: all(&after.verdict.findings),
        });
        Self {
            cluster: found.cluster.clone(),
            target: found.after.target.to_string(),
            effect: found.effect().into(),
            envoy_before: EnvoyClient::from(&found.before.config),
            envoy_after: EnvoyClient::from(&found.after.config),
            differences: differences_words(&found.differences),
            way: Way::new(&found.after.way),
            unresolved: found.after.unresolved.clone(),
            endpoints: endpoints.collect(),
            remedy: Remedy::new(&found.after, names),
            no_remedy: found.after.no_change.clone(),
            works_before: found.works_before.as_ref().map(Result::is_ok),
            fails_before: found.works_before.as_ref().and_then(|it| it.clone().err()),
        }
    }
}

impl From<gloo::Platform> for Platform {
    fn from(platform: gloo::Platform) -> Self {
        Self { gloo: platform.gloo.map(|gloo| gloo.to_string()), envoy: platform.envoy.to_string() }
    }
}

impl From<verdict::Effect> for Effect {
    fn from(effect: verdict::Effect) -> Self {
        match effect {
            verdict::Effect::Same => Self::Same,
            verdict::Effect::Changes => Self::Changes,
            verdict::Effect::Mends => Self::Mends,
            verdict::Effect::StaysBroken => Self::StaysBroken,
            verdict::Effect::Breaks => Self::Breaks,
            verdict::Effect::Unclear => Self::Unclear,
        }
    }
}
