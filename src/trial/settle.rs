//! From Envoy's own hello to the smallest change that a server accepts.

use futures::stream::{self, StreamExt};

use super::attempt::{Attempt, ENDED_TRIES, attempt};
use super::chance::ask_beyond_chance;
use super::dimension::{
    Dimension, SuiteChoice, Widening, classical_curves, has_post_quantum, sends_post_quantum,
    usable_curves, usable_suites,
};
use super::handshake::{Checks, EarlyHandshake, complete, openssl_has};
use super::obstacle::{Obstacle, Passage};
use super::omission::find_omission;
use super::size::{HelloSize, compare_sizes};
use super::waver::{self, find_waver};
use crate::envoy::{ClientConfig, Protocol};
use crate::probe::{Handshake, ProbeError, Prober};
use crate::survey::Survey;
use crate::tls::{AlertDescription, CipherSuite, Group, TlsVersion};

/// What a trial found out about one endpoint.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Envoy's own hello, and what became of it; a fault found after the hello is in it too.
    pub own: Attempt,
    /// The complete handshake after Envoy's own hello.
    pub handshake: Option<Handshake>,
    /// The hellos beyond Envoy's own that were tried, with what was changed in them.
    pub wider: Vec<(Vec<Dimension>, Result<Passage, Obstacle>)>,
    /// The smallest change that lets Envoy through, if any does.
    pub remedy: Option<Remedy>,
    /// Whether all was tried that could be, and all of it was answered. If not, a trial without
    /// a remedy does not mean that there is none.
    pub settled: bool,
    /// What is in Envoy's way on some connections, and on others is not.
    pub wavers: Option<Obstacle>,
    /// What the size of the hello has to do with it, where a smaller one gets through.
    pub hello_size: Option<HelloSize>,
    /// Whether lists were tried that nothing is known of.
    pub(super) searched_without_survey: bool,
    start: Option<Widening>,
}

/// The smallest change that lets Envoy through, proven by the hello that it makes.
#[derive(Clone, Debug)]
pub struct Remedy {
    /// What the server insists on.
    pub dimensions: Vec<Dimension>,
    /// The configuration with the change.
    pub config: ClientConfig,
    /// The suites, in Envoy's spelling, that are left out since the server fails as long as they
    /// are offered. Empty where the change has another reason.
    pub failing_suites: Vec<String>,
    /// What would be negotiated.
    pub passage: Passage,
    /// What stays in the way after the hello, such as a client certificate.
    pub remaining: Option<Obstacle>,
}

/// What may be tried beyond the configuration's own fields.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Server names that the server may want.
    pub server_names: Vec<String>,
}

impl Trial {
    /// The trial of an endpoint that taught nothing within the time that there was.
    #[must_use]
    pub fn out_of_time(config: &ClientConfig, after: std::time::Duration) -> Self {
        let obstacle = Obstacle::Unclear(ProbeError::Silence { after, bytes: 0 });
        Self::of(Attempt::blocked(config.clone(), obstacle), None)
    }

    fn of(own: Attempt, handshake: Option<Handshake>) -> Self {
        Self {
            own,
            handshake,
            wider: Vec::new(),
            remedy: None,
            settled: false,
            wavers: None,
            hello_size: None,
            searched_without_survey: false,
            start: None,
        }
    }

    /// Whether a wider hello got through, from which a change can be settled.
    #[must_use]
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Whether Envoy connects as it is configured.
    #[must_use]
    pub fn connects(&self) -> bool {
        self.own.passes()
    }

    /// A hello that the server has answered, as a control for what is asked later.
    #[must_use]
    pub fn working_hello(&self) -> Option<crate::wire::ClientHello> {
        let config = match &self.start {
            Some(start) => start.apply(&self.own.config),
            None if self.own.passes() => self.own.config.clone(),
            None => return None,
        };
        config.client_hello(&mut rand::rng()).ok()
    }

    /// The server name with which the server answers, as far as it is known.
    #[must_use]
    pub fn working_server_name(&self) -> Option<String> {
        match &self.start {
            Some(start) if start.dimensions.contains(&Dimension::Sni) => start.sni.clone(),
            _ => self.own.config.sni.clone(),
        }
    }
}

/// Tries the configuration as it is: its hello, and then a complete handshake.
pub async fn try_own(prober: &Prober, config: &ClientConfig, checks: &Checks) -> Trial {
    let own = try_hello(prober, config).await;
    try_handshake(prober, own, None, checks).await
}

/// Sends the hello of the configuration as it is.
pub async fn try_hello(prober: &Prober, config: &ClientConfig) -> Attempt {
    attempt(prober, config.clone()).await
}

/// Goes on from the hello to a complete handshake, unless `early` is one that negotiated the
/// same.
pub async fn try_handshake(
    prober: &Prober,
    mut own: Attempt,
    early: Option<EarlyHandshake>,
    checks: &Checks,
) -> Trial {
    let config = own.config.clone();
    let mut handshake = None;
    if let Ok(passage) = &own.result
        && openssl_has(passage.cipher_suite)
    {
        let completed = match early.and_then(|early| early.of(passage)) {
            Some(early) => early.judge(&config, checks).map(Some),
            None => complete(prober, &config, passage, checks).await,
        };
        match completed {
            // What the connections allowed do not reach for is left out, unless all hangs on it.
            Err(Obstacle::Unclear(ProbeError::Budget))
                if !own.certificate_requested && checks.is_none() => {}
            Ok(done) => {
                if let Some(done) = done.as_ref().filter(|_| own.chain.is_empty()) {
                    own.chain.clone_from(&done.chain);
                }
                handshake = done;
            }
            Err(obstacle) => own.result = Err(obstacle),
        }
    }
    Trial::of(own, handshake)
}

/// How many hellos may teach nothing before no wider one is tried.
const MOST_SILENCES: usize = 2;

/// Finds a place to begin taking back from: a hello within reach of the release's configuration
/// that gets through.
pub async fn widen(prober: &Prober, trial: &mut Trial, candidates: &Candidates, checks: &Checks) {
    let Err(obstacle) = trial.own.result.clone() else { return };
    if !a_hello_may_help(&obstacle) {
        trial.settled = true;
        return;
    }
    let config = trial.own.config.clone();
    let mut lessons = Lessons {
        key_usage: matches!(obstacle, Obstacle::KeyUsage(_)),
        silences: usize::from(matches!(obstacle, Obstacle::Unclear(_))),
        small_was_silent: false,
    };
    let mut starts = starts(&config, &obstacle, candidates);
    if prober.gate().is_far() && !prober.gate().has_budget() {
        let plain = starts.iter().take_while(|start| start.suites == SuiteChoice::All).count();
        let rest = starts.split_off(plain);
        for (start, result) in try_side_by_side(prober, &config, starts, checks).await {
            if trial.learn(start, result, &mut lessons) {
                return;
            }
        }
        starts = rest;
    }
    for start in starts {
        if lessons.silences > MOST_SILENCES {
            return;
        }
        if start.suites == SuiteChoice::RsaKeyExchange && !lessons.key_usage {
            continue;
        }
        if start.has_small_hello() && lessons.small_was_silent {
            continue;
        }
        let result = try_fully(prober, &start.apply(&config), checks).await;
        if trial.learn(start, result, &mut lessons) {
            return;
        }
    }
    let answered = |result: &Result<_, Obstacle>| !result.as_ref().is_err_and(Obstacle::is_unclear);
    trial.settled = trial.wider.iter().all(|(_, result)| answered(result));
}

/// What the hellos tried so far tell about those that are left.
struct Lessons {
    /// Whether the certificate forbids a key exchange, which RSA's may get around.
    key_usage: bool,
    /// How many hellos taught nothing.
    silences: usize,
    /// Whether a small hello was among them.
    small_was_silent: bool,
}

impl Trial {
    /// Takes note of a wider hello; returns whether it is the place to begin from.
    fn learn(
        &mut self,
        start: Widening,
        result: Result<Passage, Obstacle>,
        lessons: &mut Lessons,
    ) -> bool {
        let silent = matches!(result, Err(Obstacle::Unclear(_)));
        // What is asked besides does not shorten the rest.
        lessons.silences += usize::from(silent && !start.has_small_hello());
        lessons.small_was_silent |= silent && start.has_small_hello();
        lessons.key_usage |= matches!(result, Err(Obstacle::KeyUsage(_)));
        let passes = result.is_ok();
        self.wider.push((start.dimensions.iter().copied().collect(), result));
        if passes {
            self.start = Some(start);
        }
        passes
    }
}

/// How many wider hellos are tried side by side.
const STARTS_AT_ONCE: usize = 4;

/// Tries places to begin from until one passes; what is tried beside the one that passes would
/// have been next.
async fn try_side_by_side(
    prober: &Prober,
    config: &ClientConfig,
    starts: Vec<Widening>,
    checks: &Checks,
) -> Vec<(Widening, Result<Passage, Obstacle>)> {
    let mut tried = Vec::new();
    let mut results = stream::iter(starts)
        .map(async |start| {
            let result = try_fully(prober, &start.apply(config), checks).await;
            (start, result)
        })
        .buffered(STARTS_AT_ONCE);
    while let Some((start, result)) = results.next().await {
        let passes = result.is_ok();
        tried.push((start, result));
        if passes {
            break;
        }
    }
    tried
}

/// Whether the obstacle can be one of the hello, so that another hello may get through.
pub(super) fn a_hello_may_help(obstacle: &Obstacle) -> bool {
    !matches!(
        obstacle,
        Obstacle::NotTls { .. }
            | Obstacle::Unclear(
                ProbeError::Connect(_)
                    | ProbeError::ConnectTimeout(_)
                    | ProbeError::Tunnel(_)
                    | ProbeError::StartTls(_)
            )
            | Obstacle::ClientCertificateNeeded(_)
            | Obstacle::ClientCertificateRefused(_)
            | Obstacle::Untrusted(..)
            | Obstacle::NameMismatch(_)
    )
}

/// Whether the hello went out and no word came back.
fn is_unanswered(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Ended(_) | Obstacle::Unclear(ProbeError::Silence { .. }))
}

/// Where to begin, the most wanted first: what Gloo can set, then other server names, then lower
/// maxima, then what only Envoy itself can set.
fn starts(config: &ClientConfig, obstacle: &Obstacle, candidates: &Candidates) -> Vec<Widening> {
    // What Gloo cannot set, and what means nothing behind a TCP proxy.
    let mut unsettable = vec![Dimension::SignatureAlgorithms];
    if config.protocol == Protocol::Tcp {
        unsettable.push(Dimension::Alpn);
    }
    let within_gloo = |maximum| Widening::most(maximum, &unsettable);
    let plain = [within_gloo(TlsVersion::TLS13), within_gloo(TlsVersion::TLS12)];
    let mut other_names: Vec<Option<String>> =
        candidates.server_names.iter().cloned().map(Some).collect();
    other_names.push(None);
    other_names.retain(|name| *name != config.sni);
    let renamed = other_names
        .into_iter()
        .flat_map(|name| plain.clone().map(|start| start.with_sni(name.clone())));
    let renamed: Vec<_> = renamed.collect();
    let mut starts = plain.to_vec();
    if has_post_quantum(&plain[0].apply(config)) {
        starts.insert(1, plain[0].clone().with_small_hello());
        // Where the own hello is large and nothing came back, its size is the first suspect.
        if sends_post_quantum(config) && is_unanswered(obstacle) {
            starts.insert(0, Widening::small_hello(TlsVersion::TLS13));
        }
    }
    let about_name = matches!(obstacle, Obstacle::Refused(alert)
        if alert.description == AlertDescription::UNRECOGNIZED_NAME);
    if about_name {
        starts.splice(0..0, renamed);
    } else {
        starts.extend(renamed);
    }
    starts.push(Widening { suites: SuiteChoice::RsaKeyExchange, ..within_gloo(TlsVersion::TLS12) });
    starts.extend([within_gloo(TlsVersion::TLS11), within_gloo(TlsVersion::TLS10)]);
    if config.release.has_signature_algorithms_field() {
        starts.extend([TlsVersion::TLS13, TlsVersion::TLS12].map(|max| Widening::most(max, &[])));
    }
    starts
}

/// The hello, and where the certificate only travels encrypted, a complete handshake. Obstacles
/// that no hello can remove count as through.
async fn try_fully(
    prober: &Prober,
    config: &ClientConfig,
    checks: &Checks,
) -> Result<Passage, Obstacle> {
    let mut passage = attempt(prober, config.clone()).await.result?;
    if passage.version < TlsVersion::TLS13 || !openssl_has(passage.cipher_suite) {
        return Ok(passage);
    }
    match complete(prober, config, &passage, checks).await {
        Ok(Some(done)) => passage.alpn = done.alpn,
        Ok(None) => {}
        Err(obstacle) if a_hello_may_help(&obstacle) => return Err(obstacle),
        Err(_) => {}
    }
    Ok(passage)
}

/// Takes the change back to the smallest that gets through, and proves it. Where none does, looks
/// for a list without the suites that the server fails on.
pub async fn settle(prober: &Prober, trial: &mut Trial, survey: &Survey, checks: &Checks) {
    if !confirm_own(prober, trial, checks).await {
        return;
    }
    trial.wavers = find_waver(prober, trial, checks, waver::tries(trial, survey)).await;
    if trial.wavers.is_some() {
        return;
    }
    find_remedy(prober, trial, survey, checks).await;
    let one_cause = trial
        .remedy
        .as_ref()
        .is_some_and(|remedy| remedy.dimensions.len() == 1 && remedy.failing_suites.is_empty());
    if !one_cause && waver::is_refused(trial) {
        trial.wavers = find_waver(prober, trial, checks, waver::TRIES).await;
    }
    if trial.wavers.is_some() {
        trial.remedy = None;
    }
}

/// Where Envoy's own hello was hung up on and a wider one was not: finds out whether that was
/// chance. Returns whether there is a remedy to look for.
async fn confirm_own(prober: &Prober, trial: &mut Trial, checks: &Checks) -> bool {
    let (Err(Obstacle::Ended(_)), Some(start)) = (&trial.own.result, &trial.start) else {
        return true;
    };
    let config = &trial.own.config;
    let Some(own) = ask_beyond_chance(prober, config, &start.apply(config), checks, 0).await else {
        // A change may have let it through as well as chance.
        trial.settled = false;
        return false;
    };
    let is_mended = own.own.passes();
    (trial.own, trial.handshake) = (own.own, own.handshake);
    !is_mended
}

async fn find_remedy(prober: &Prober, trial: &mut Trial, survey: &Survey, checks: &Checks) {
    if let Some(start) = trial.start.clone() {
        settle_from(start, prober, trial, survey, checks).await;
    }
    let Some(found) = find_omission(prober, trial, survey, checks).await else { return };
    settle_from(found.start, prober, trial, survey, checks).await;
    if let Some(remedy) = &mut trial.remedy {
        remedy.failing_suites = found.failing;
    }
}

async fn settle_from(
    mut start: Widening,
    prober: &Prober,
    trial: &mut Trial,
    survey: &Survey,
    checks: &Checks,
) {
    let config = trial.own.config.clone();
    for dimension in start.dimensions.clone() {
        if start.leaves_out_by(dimension) {
            continue;
        }
        let mut smaller = start.clone();
        smaller.dimensions.remove(&dimension);
        if dimension == Dimension::CipherSuites && start.suites == SuiteChoice::RsaKeyExchange {
            smaller.suites = SuiteChoice::All;
        }
        if smaller.dimensions.is_empty() {
            continue;
        }
        let (smaller_config, control) = (smaller.apply(&config), start.apply(&config));
        let passes = match try_fully(prober, &smaller_config, checks).await {
            Err(Obstacle::Ended(_)) => {
                let tried = ENDED_TRIES;
                let again =
                    ask_beyond_chance(prober, &smaller_config, &control, checks, tried).await;
                again.is_some_and(|again| again.own.passes())
            }
            result => result.is_ok(),
        };
        if passes {
            start = smaller;
        }
    }
    let narrowed = narrow(prober, &start, &config, survey, checks).await;
    // Without a large hello of its own, only the widened list was too large.
    if !has_post_quantum(&config) && start.dimensions.len() > 1 {
        start.dimensions.remove(&Dimension::HelloSize);
    }
    let dimensions: Vec<_> = start.dimensions.iter().copied().collect();
    match prove(prober, &narrowed, dimensions.clone(), checks).await {
        Ok(remedy) => {
            if start.dimensions.contains(&Dimension::HelloSize) {
                trial.hello_size = compare_sizes(prober, &config, &remedy.config).await;
            }
            trial.remedy = Some(remedy);
            trial.settled = true;
        }
        Err(obstacle) => {
            trial.settled = !obstacle.is_unclear();
            trial.wider.push((dimensions, Err(obstacle)));
        }
    }
    trial.start = Some(start);
}

/// Sends the hello of a changed configuration and completes a handshake with it.
///
/// # Errors
///
/// What is in the way, unless it is something that no hello can remove: that stands in the
/// remedy.
pub async fn prove(
    prober: &Prober,
    config: &ClientConfig,
    dimensions: Vec<Dimension>,
    checks: &Checks,
) -> Result<Remedy, Obstacle> {
    let passage = attempt(prober, config.clone()).await.result?;
    let mut remaining = None;
    if openssl_has(passage.cipher_suite)
        && let Err(obstacle) = complete(prober, config, &passage, checks).await
    {
        if a_hello_may_help(&obstacle) {
            return Err(obstacle);
        }
        remaining = Some(obstacle);
    }
    let (config, failing_suites) = (config.clone(), Vec::new());
    Ok(Remedy { dimensions, config, failing_suites, passage, remaining })
}

/// Replaces 'all that could be set' by the least that the server insists on, field by field.
async fn narrow(
    prober: &Prober,
    start: &Widening,
    config: &ClientConfig,
    survey: &Survey,
    checks: &Checks,
) -> ClientConfig {
    let mut narrowed = start.apply(config);
    for dimension in start.dimensions.iter().rev() {
        let choices = match dimension {
            part if start.leaves_out_by(*part) => Vec::new(),
            Dimension::MinimumVersion => minimum_choices(&narrowed),
            Dimension::CipherSuites => suite_choices(&narrowed, config, &start.suites, survey),
            Dimension::Curves => curve_choices(&narrowed, config, start),
            Dimension::SignatureAlgorithms => signature_choices(&narrowed, config),
            Dimension::Alpn => protocol_choices(&narrowed, config),
            Dimension::MaximumVersion => maximum_choices(&narrowed, config),
            Dimension::Sni | Dimension::HelloSize => Vec::new(),
        };
        for choice in choices {
            if try_fully(prober, &choice, checks).await.is_ok() {
                narrowed = choice;
                break;
            }
        }
    }
    narrowed
}

/// TLS 1.2 before 1.3, for a configuration that stops below both.
fn maximum_choices(wide: &ClientConfig, config: &ClientConfig) -> Vec<ClientConfig> {
    const MIDDLE: Option<TlsVersion> = Some(TlsVersion::TLS12);
    let stops_below = config.maximum_protocol_version.is_some_and(|own| Some(own) < MIDDLE);
    let choice = ClientConfig { maximum_protocol_version: MIDDLE, ..wide.clone() };
    Vec::from_iter((stops_below && wide.maximum_protocol_version > MIDDLE).then_some(choice))
}

fn minimum_choices(wide: &ClientConfig) -> Vec<ClientConfig> {
    [TlsVersion::TLS12, TlsVersion::TLS11]
        .map(|version| ClientConfig { minimum_protocol_version: Some(version), ..wide.clone() })
        .to_vec()
}

/// The list in force with one suite added, the strongest first; those that the survey saw
/// accepted before those that it could not tell, and none that it saw refused everywhere.
fn suite_choices(
    wide: &ClientConfig,
    config: &ClientConfig,
    choice: &SuiteChoice,
    survey: &Survey,
) -> Vec<ClientConfig> {
    let in_force = match choice {
        SuiteChoice::All => usable_suites(config),
        SuiteChoice::RsaKeyExchange => Vec::new(),
        SuiteChoice::Only(_) => return Vec::new(),
    };
    let offered = config.offer().map(|offer| offer.cipher_suites).unwrap_or_default();
    let missing =
        |suite: &CipherSuite| *choice == SuiteChoice::RsaKeyExchange || !offered.contains(suite);
    let candidates = config.release.sendable_suites(config.build).into_iter().filter(missing);
    let mut candidates: Vec<_> =
        candidates.filter_map(|suite| Some((rank(survey, suite)?, suite))).collect();
    candidates.sort_by_key(|(rank, _)| *rank);
    let names = candidates.into_iter().filter_map(|(_, suite)| config.release.suite_name(suite));
    let with = |name: &str| {
        let mut cipher_suites = in_force.clone();
        cipher_suites.push(name.to_owned());
        ClientConfig { cipher_suites, ..wide.clone() }
    };
    // Where the list itself is the fault, the default may do.
    let replaced = *choice == SuiteChoice::All && in_force != config.cipher_suites_in_force();
    let default =
        replaced.then(|| ClientConfig { cipher_suites: in_force.clone(), ..wide.clone() });
    default.into_iter().chain(names.map(with)).collect()
}

/// 0 for a suite that the survey saw accepted, 1 for one that it knows nothing of, `None` for
/// one that was refused under every version below TLS 1.3.
fn rank(survey: &Survey, suite: CipherSuite) -> Option<u8> {
    use crate::survey::{Answer, NotOffered};
    let answers = || {
        let legacy = survey.versions.iter().filter(|version| version.version < TlsVersion::TLS13);
        legacy.filter_map(|version| version.answers.get(&suite))
    };
    if answers().any(|answer| matches!(answer, Answer::Accepted(_))) {
        return Some(0);
    }
    let refused = answers().count() > 0
        && answers().all(|answer| {
            matches!(answer, Answer::Refused(_) | Answer::NotOffered(NotOffered::NotDefined))
        });
    (!refused || survey.accepted().next().is_none()).then_some(1)
}

fn curve_choices(
    wide: &ClientConfig,
    config: &ClientConfig,
    start: &Widening,
) -> Vec<ClientConfig> {
    let small = start.dimensions.contains(&Dimension::HelloSize);
    let in_force = if small { classical_curves(config) } else { usable_curves(config) };
    let release = config.release;
    let known: Vec<_> = in_force.iter().filter_map(|name| release.curve_named(name)).collect();
    let preferred = |group: &Group| match *group {
        Group::SECP384R1 => 0,
        Group::SECP521R1 => 1,
        Group::SECP256R1 | Group::X25519 => 2,
        _ => 3,
    };
    let mut missing = release.curves(config.build);
    let too_large = |group: &Group| small && group.is_post_quantum();
    missing.retain(|(_, group)| !known.contains(group) && !too_large(group));
    missing.sort_by_key(|(_, group)| preferred(group));
    let with = |(name, _): (&str, Group)| {
        let mut ecdh_curves = in_force.clone();
        ecdh_curves.push(name.to_owned());
        ClientConfig { ecdh_curves, ..wide.clone() }
    };
    let replaced = in_force != config.ecdh_curves_in_force();
    let default = replaced.then(|| ClientConfig { ecdh_curves: in_force.clone(), ..wide.clone() });
    default.into_iter().chain(missing.into_iter().map(with)).collect()
}

fn signature_choices(wide: &ClientConfig, config: &ClientConfig) -> Vec<ClientConfig> {
    let in_force = config.signature_algorithms_in_force();
    let all = config.release.signature_algorithms().into_iter();
    let with = |(name, _): (&str, _)| {
        let mut signature_algorithms = in_force.clone();
        signature_algorithms.push(name.to_owned());
        ClientConfig { signature_algorithms, ..wide.clone() }
    };
    all.filter(|(name, _)| !in_force.iter().any(|known| known == name)).map(with).collect()
}

/// One protocol instead of both: the one configured where another list of protocols stood in its
/// way, and then the other one.
fn protocol_choices(wide: &ClientConfig, config: &ClientConfig) -> Vec<ClientConfig> {
    let other = match config.protocol {
        Protocol::Http2 => Protocol::Http1,
        _ => Protocol::Http2,
    };
    let own = (!config.alpn_protocols.is_empty()).then_some(config.protocol);
    let protocols = own.into_iter().chain([other]);
    protocols.map(|protocol| ClientConfig { protocol, ..wide.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Build, Release};

    #[cfg(feature = "vendored")]
    #[tokio::test]
    async fn a_server_of_post_quantum_groups_alone_completes_what_envoy_offers() {
        use std::sync::Arc;

        use crate::lab::{Server, ServerConfig};
        use crate::probe::{Gate, Limits};

        let groups = Some("X25519MLKEM768".to_owned());
        let server = ServerConfig { groups, ..ServerConfig::default() };
        let server = Server::start_with(&server, 0).await.unwrap();
        let doors = Arc::new(tokio::sync::Semaphore::new(64));
        let gate = Gate::new(5, std::time::Duration::ZERO, doors);
        let prober = Prober::new(server.address(), Arc::new(gate), Arc::new(Limits::default()));
        let config = ClientConfig {
            maximum_protocol_version: Some(TlsVersion::TLS13),
            ..ClientConfig::new(Release::NEWEST, Build::Standard)
        };
        let trial = try_own(&prober, &config, &Checks::default()).await;
        assert!(trial.connects(), "{:?}", trial.own.result);
        assert!(trial.handshake.is_some());
    }

    #[test]
    fn a_maximum_below_tls_1_2_is_raised_no_further_than_needed() {
        let own = |maximum_protocol_version| ClientConfig {
            maximum_protocol_version,
            ..ClientConfig::new(Release::NEWEST, Build::Standard)
        };
        let wide = own(Some(TlsVersion::TLS13));
        let choices = maximum_choices(&wide, &own(Some(TlsVersion::TLS11)));
        assert_eq!(choices, [own(Some(TlsVersion::TLS12))]);
        assert_eq!(maximum_choices(&wide, &own(None)), []);
    }
}
