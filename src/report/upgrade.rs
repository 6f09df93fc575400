//! What an upgrade does to targets, and the report of it for people.

use std::fmt::Write as _;

use colored::{ColoredString, Colorize};

use super::terminal::{findings_report, mark, passage_words};
use super::upstreams::{
    self, EndpointDiagnosis, NotTested, UpstreamDiagnosis, UpstreamSummary, because, endpoint_line,
};
use super::words;
use super::{Diagnosis, Endpoint};
use crate::gloo::{self, Platform, Tls};
use crate::remedy::{Names, kubectl_command};
use crate::tls::{CipherSuite, Group};
use crate::trial::printable;
use crate::verdict::{Differences, Effect, Severity, Summary, effect};

/// One target, before and after an upgrade.
#[derive(Clone, Debug)]
pub struct UpgradeDiagnosis {
    /// The cluster that it is an endpoint of, where that is known.
    pub cluster: Option<String>,
    /// What the offers of the two releases differ in.
    pub differences: Differences,
    /// With the older release, as far as its own hello.
    pub before: Diagnosis,
    /// With the newer release, and what would help it.
    pub after: Diagnosis,
    /// Whether the change may be made before the upgrade: the older release loads it and still
    /// connects. `None` if there is no change.
    pub works_before: Option<Result<(), String>>,
}

impl UpgradeDiagnosis {
    /// The endpoints with what becomes of each.
    pub fn effects(&self) -> impl Iterator<Item = (&Endpoint, &Endpoint, Effect)> {
        let pairs = self.before.endpoints.iter().zip(&self.after.endpoints);
        pairs.map(|(before, after)| (before, after, effect(&before.trial, &after.trial)))
    }

    /// The gravest of all effects.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effects().map(|(_, _, effect)| effect).max().unwrap_or(Effect::Unclear)
    }
}

/// The exit code that goes with an effect.
#[must_use]
pub fn exit_code(effect: Effect) -> u8 {
    match effect {
        Effect::Same | Effect::Changes | Effect::Mends => 0,
        Effect::StaysBroken | Effect::Breaks => 1,
        Effect::Unclear => 2,
    }
}

/// One Upstream, before and after an upgrade.
#[derive(Clone, Debug)]
pub struct UpstreamUpgrade {
    /// With the older release, as far as its own hello.
    pub before: UpstreamDiagnosis,
    /// With the newer release, and what would help it.
    pub after: UpstreamDiagnosis,
    /// Whether the change may be made before the upgrade. `None` if there is no change.
    pub works_before: Option<Result<(), String>>,
}

impl UpstreamUpgrade {
    /// What becomes of each endpoint; `None` where neither release was tested on it.
    pub fn effects(&self) -> impl Iterator<Item = (usize, Option<Effect>)> {
        let pairs = self.before.endpoints.iter().zip(&self.after.endpoints);
        pairs.enumerate().map(|(index, (before, after))| {
            let same_hello =
                || self.differences(index).is_none_or(|it| it == Differences::default());
            (index, endpoint_effect(before, after, same_hello))
        })
    }

    /// What the offers to an endpoint differ in, if both releases speak TLS to it.
    fn differences(&self, index: usize) -> Option<Differences> {
        let config = |diagnosis: &'_ UpstreamDiagnosis| {
            let endpoint = diagnosis.cluster.endpoints.get(index)?;
            Some(endpoint.tls.as_ref()?.config.clone())
        };
        Some(Differences::between(&config(&self.before)?, &config(&self.after)?))
    }

    /// The gravest of all effects.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let effects = self.effects().filter_map(|(_, effect)| effect);
        effects.chain(self.own_effect()).max().unwrap_or(Effect::Same)
    }

    /// What becomes of the cluster as a whole, whatever becomes of its endpoints.
    fn own_effect(&self) -> Option<Effect> {
        use UpstreamSummary::{NotTested, PlainText, Tested};
        match (&self.before.cluster.tls, &self.after.cluster.tls) {
            (Tls::On(_), Tls::On(_)) | (Tls::Off(_), Tls::Off(_)) => None,
            (Tls::Off(_), Tls::On(_)) => Some(Effect::Changes),
            (Tls::Refused(_), Tls::Refused(_)) => Some(Effect::StaysBroken),
            (Tls::On(_), Tls::Off(_)) | (_, Tls::Refused(_)) => Some(Effect::Breaks),
            // There was no cluster, and so no endpoint to compare with.
            (Tls::Refused(_), _) => Some(match self.after.summary() {
                PlainText | NotTested => Effect::Changes,
                Tested(Summary::Connects) => Effect::Mends,
                Tested(Summary::NeedsChange | Summary::NoSettingHelps) => Effect::StaysBroken,
                Tested(Summary::Unclear) => Effect::Unclear,
            }),
        }
    }

    /// The endpoints that only the newer release has.
    fn new_endpoints(&self) -> impl Iterator<Item = (&gloo::Endpoint, &EndpointDiagnosis)> {
        let endpoints = self.after.cluster.endpoints.iter().zip(&self.after.endpoints);
        endpoints.skip(self.before.endpoints.len())
    }
}

/// Where nobody was asked, only the same hello is sure to have the same effect.
fn endpoint_effect(
    before: &EndpointDiagnosis,
    after: &EndpointDiagnosis,
    same_hello: impl Fn() -> bool,
) -> Option<Effect> {
    use EndpointDiagnosis::{NotTested as Untested, Tested};
    match (before, after) {
        (Tested(before), Tested(after)) => {
            let pairs = before.endpoints.iter().zip(&after.endpoints);
            let effects = pairs.map(|(before, after)| effect(&before.trial, &after.trial));
            Some(effects.max().unwrap_or(Effect::Unclear))
        }
        (Tested(_), Untested(_)) => Some(Effect::Breaks),
        (Untested(_), Tested(after)) => Some(match after.summary() {
            Summary::Connects => Effect::Changes,
            Summary::Unclear => Effect::Unclear,
            _ => Effect::Breaks,
        }),
        (_, Untested(NotTested::NotAsked)) => (!same_hello()).then_some(Effect::Unclear),
        (_, Untested(NotTested::PlainText)) => None,
        (_, Untested(_)) => Some(Effect::Unclear),
    }
}

/// Renders one target.
#[must_use]
pub fn render(
    diagnosis: &UpgradeDiagnosis,
    releases: (Platform, Platform),
    names: &Names,
    verbose: bool,
) -> String {
    let mut out = String::new();
    let worst = diagnosis.effect();
    let cluster = match &diagnosis.cluster {
        Some(cluster) => format!("{} ", printable(cluster)),
        None => String::new(),
    };
    let target = &diagnosis.after.target;
    let line = format!("{cluster}{target} · {}", headline(worst, releases));
    let _ = writeln!(out, "{}", by_effect(worst, &line).bold());
    if let Some(words) = super::way_words(&diagnosis.after.way) {
        let _ = writeln!(out, "  {}", words.dimmed());
    }
    offers(&mut out, &diagnosis.differences, releases);
    let unresolved = diagnosis.after.unresolved.iter().chain(&diagnosis.before.unresolved);
    if let Some(reason) = unresolved.into_iter().next() {
        let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
    }
    for (before, after, effect) in diagnosis.effects() {
        endpoint(&mut out, before, after, effect, releases, verbose);
    }
    patch(&mut out, diagnosis, names);
    out
}

/// What becomes of a target, in words.
#[must_use]
pub fn headline(effect: Effect, (from, to): (Platform, Platform)) -> String {
    let what = match effect {
        Effect::Same => "nothing changes",
        Effect::Changes => "something else is negotiated",
        Effect::Mends => "Envoy connects only after the upgrade",
        Effect::StaysBroken => "Envoy connects neither before nor after the upgrade",
        Effect::Breaks => "breaks",
        Effect::Unclear => "unclear",
    };
    format!("{what}, from {from} to {to}")
}

pub(super) fn by_effect(effect: Effect, text: &str) -> ColoredString {
    match effect {
        Effect::Same | Effect::Changes | Effect::Mends => text.green(),
        Effect::StaysBroken | Effect::Breaks => text.red(),
        Effect::Unclear => text.magenta(),
    }
}

/// What the newer release offers differently, whatever the server makes of it.
pub(super) fn offers(
    out: &mut String,
    differences: &Differences,
    (from, to): (Platform, Platform),
) {
    let lines = differences_words(differences);
    if lines.is_empty() {
        let words = format!("{to} offers what {from} does");
        let _ = writeln!(out, "  {}", words.dimmed());
    }
    for line in lines {
        let _ = writeln!(out, "  {}", format!("{to} {line}").dimmed());
    }
}

/// What differs, one sentence each, without its subject: the newer release.
#[must_use]
pub fn differences_words(differences: &Differences) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(fault) = &differences.fault {
        lines.push(format!("does not take the settings: {fault}"));
    }
    if let Some((_, minimum)) = differences.minimum {
        lines.push(format!("offers nothing below {minimum}"));
    }
    if let Some((_, maximum)) = differences.maximum {
        lines.push(format!("offers up to {maximum}"));
    }
    let suites = |list: &[CipherSuite]| names(list.iter().map(|suite| suite_name(*suite)));
    let groups = |list: &[Group]| names(list.iter().map(ToString::to_string));
    for (list, words) in [
        (suites(&differences.suites_gone), "no longer offers"),
        (suites(&differences.suites_new), "also offers"),
        (groups(&differences.groups_gone), "no longer offers the groups"),
        (groups(&differences.groups_new), "also offers the groups"),
    ] {
        if !list.is_empty() {
            lines.push(format!("{words} {list}"));
        }
    }
    if let Some((_, alpn)) = &differences.alpn {
        let alpn = if alpn.is_empty() { "none".to_owned() } else { alpn.join(", ") };
        lines.push(format!("offers other protocols by ALPN: {alpn}"));
    }
    if let Some((old, new)) = differences.larger_hello {
        lines.push(format!(
            "sends a larger hello, {new} bytes instead of {old}, which some middleboxes drop"
        ));
    }
    if differences.enforces_key_usage {
        lines.push("refuses RSA certificates whose keyUsage does not fit".to_owned());
    }
    lines
}

fn names(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn suite_name(suite: CipherSuite) -> String {
    suite.openssl_name().map_or_else(|| suite.to_string(), str::to_owned)
}

fn endpoint(
    out: &mut String,
    before: &Endpoint,
    after: &Endpoint,
    effect: Effect,
    (from, to): (Platform, Platform),
    verbose: bool,
) {
    let _ = writeln!(out, "  at {}", after.address.to_string().bold());
    let old = match &before.trial.own.result {
        Ok(passage) => format!("{} negotiates {}", "✓".green(), passage_words(passage)),
        Err(obstacle) => format!("{} {obstacle}", mark(Severity::Blocking)),
    };
    let _ = writeln!(out, "  {from}");
    let _ = writeln!(out, "  {old}");
    let _ = writeln!(out, "  {to}");
    if effect == Effect::Same && !verbose {
        let _ = writeln!(out, "  {} the same", "✓".green());
    } else {
        findings_report(out, after, verbose);
    }
}

fn patch(out: &mut String, diagnosis: &UpgradeDiagnosis, names: &Names) {
    let Some(change) = &diagnosis.after.change else {
        if let Some(reason) = &diagnosis.after.no_change {
            let _ = writeln!(out, "\n  {} {reason}", "no patch:".bold());
        }
        return;
    };
    let when = when(diagnosis.works_before.as_ref());
    let _ = writeln!(out, "\n{} {when}\n", "The patch.".bold());
    let _ = writeln!(out, "{}", kubectl_command(&diagnosis.after.target, names, change));
}

/// When the change is to be made.
pub(super) fn when(works_before: Option<&Result<(), String>>) -> String {
    match works_before {
        Some(Ok(())) => "Proven with both releases: make it before the upgrade.".to_owned(),
        Some(Err(reason)) => {
            format!("Make it with the upgrade, not before: with the older release, {reason}.")
        }
        None => "Proven with the newer release.".to_owned(),
    }
}

/// Renders one Upstream.
#[must_use]
pub fn render_upstream(
    upgrade: &UpstreamUpgrade,
    releases: (Platform, Platform),
    verbose: bool,
) -> String {
    let mut out = String::new();
    let worst = upgrade.effect();
    let line = format!("{} · {}", upgrade.after.cluster.upstream, headline(worst, releases));
    let _ = writeln!(out, "{}", by_effect(worst, &line).bold());
    for (release, diagnosis) in [(releases.0, &upgrade.before), (releases.1, &upgrade.after)] {
        let _ =
            writeln!(out, "  {}", format!("{release}: {}", because(&diagnosis.cluster)).dimmed());
    }
    note_changes(&mut out, upgrade, verbose);
    for (index, effect) in upgrade.effects() {
        upstream_endpoint(&mut out, upgrade, index, effect, (releases, verbose));
    }
    for (endpoint, result) in upgrade.new_endpoints() {
        upstreams::endpoint_report(&mut out, endpoint, result, verbose);
    }
    upstreams::change(&mut out, &upgrade.after);
    if upgrade.after.revision.is_some() {
        let _ = writeln!(out, "{}", when(upgrade.works_before.as_ref()));
    }
    out
}

/// Notes that only one of the releases gives rise to, and with `verbose` all others.
fn note_changes(out: &mut String, upgrade: &UpstreamUpgrade, verbose: bool) {
    let (old, new) = (&upgrade.before.cluster.notes, &upgrade.after.cluster.notes);
    for note in old.iter().filter(|note| !new.contains(note)) {
        let _ = writeln!(
            out,
            "  {} before: {}",
            mark(Severity::Warning),
            printable(&words::gloo::note(note))
        );
    }
    for note in new {
        let is_new = !old.contains(note);
        let mark = if is_new { mark(Severity::Warning) } else { mark(Severity::Info) };
        if is_new || verbose {
            let when = if is_new { "after: " } else { "" };
            let _ = writeln!(out, "  {mark} {when}{}", printable(&words::gloo::note(note)));
        }
    }
}

fn upstream_endpoint(
    out: &mut String,
    upgrade: &UpstreamUpgrade,
    index: usize,
    effect: Option<Effect>,
    (releases, verbose): ((Platform, Platform), bool),
) {
    use EndpointDiagnosis::Tested;
    let Some(place) = upgrade.after.cluster.endpoints.get(index) else { return };
    let _ = writeln!(out, "  {}", endpoint_line(place));
    let (before, after) = (&upgrade.before.endpoints[index], &upgrade.after.endpoints[index]);
    let differences = upgrade.differences(index);
    if let Some(differences) = &differences {
        offers(out, differences, releases);
    }
    if let (Tested(before), Tested(after)) = (before, after) {
        if let Some(reason) = after.unresolved.as_ref().or(before.unresolved.as_ref()) {
            let _ = writeln!(out, "  {} {reason}", mark(Severity::Blocking));
        }
        for (before, after) in before.endpoints.iter().zip(&after.endpoints) {
            let effect = crate::verdict::effect(&before.trial, &after.trial);
            endpoint(out, before, after, effect, releases, verbose);
        }
    } else if differences.is_none() && effect.is_some() {
        let _ = writeln!(out, "  {} TLS with one of the releases only", mark(Severity::Warning));
    }
}

/// One line that counts the effects, for the end of a run.
#[must_use]
pub fn render_upgrade_totals(upgrades: &[UpstreamUpgrade]) -> String {
    let kinds = [
        (Effect::Breaks, "break", "breaks"),
        (Effect::StaysBroken, "stay broken", "stays broken"),
        (Effect::Mends, "are mended", "is mended"),
        (Effect::Changes, "negotiate something else", "negotiates something else"),
        (Effect::Same, "stay the same", "stays the same"),
        (Effect::Unclear, "are unclear", "is unclear"),
    ];
    let counted = kinds.iter().filter_map(|(kind, many, one)| {
        let count = upgrades.iter().filter(|upgrade| upgrade.effect() == *kind).count();
        let words = if count == 1 { one } else { many };
        (count > 0).then(|| format!("{count} {words}"))
    });
    let noun = if upgrades.len() == 1 { "Upstream" } else { "Upstreams" };
    format!("{} {noun}: {}\n", upgrades.len(), counted.collect::<Vec<_>>().join(", "))
}
