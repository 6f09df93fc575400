//! One target through the whole house: target, trial, survey, verdict, remedy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::progress::Progress;
use super::settings::Probing;
use crate::envoy::ClientConfig;
use crate::probe::{Gate, ProbeError, Prober, Way};
use crate::remedy::Change;
use crate::report::{Diagnosis, Endpoint};
use crate::survey::{self, Options, survey};
use crate::target::{Addresses, Target};
use crate::trial::{Candidates, Checks, Dimension, Obstacle, Trial, prove, settle, try_own, widen};
use crate::verdict::{Summary, judge};

/// How many addresses of one name are looked at side by side.
const ADDRESSES_AT_ONCE: usize = 8;

/// One server, and the Envoy that is to reach it.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The server.
    pub(super) target: Target,
    /// Whom to connect to, if not the server itself.
    pub(super) dial: Option<Target>,
    /// What lies between that connection and the ClientHello.
    pub(super) way: Way,
    /// What the cluster sets.
    pub(super) config: ClientConfig,
    /// What Envoy verifies and shows.
    pub(super) checks: Checks,
    /// What else may be tried.
    pub(super) candidates: Candidates,
    /// Addresses that stand in for the resolver's.
    pub(super) addresses: Option<Addresses>,
    /// Whether the change brings a client certificate that is not at hand.
    pub(super) brings_certificate: bool,
    /// Whether the product has a field for signature algorithms, as Gloo has not.
    pub(super) sets_signature_algorithms: bool,
    /// How much is asked.
    pub(super) depth: Depth,
}

/// How much is asked about a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Depth {
    /// Whether Envoy connects as it is.
    OwnHello,
    /// That, what the server accepts, and what would have to change.
    All,
}

pub(super) async fn diagnose(
    probing: &Probing,
    subject: Subject,
    doors: &Arc<Semaphore>,
    progress: &Progress,
) -> Diagnosis {
    let dialled = subject.dial.as_ref().unwrap_or(&subject.target);
    let resolved = match &subject.addresses {
        Some(addresses) => Ok(addresses.clone()),
        None => dialled.resolve(probing.limits.resolve_timeout).await,
    };
    let (addresses, unresolved) = match resolved {
        Ok(addresses) => (addresses, None),
        Err(error) => (Addresses::default(), Some(error.to_string())),
    };
    let job = Job { probing, subject: &subject, doors };
    let label = subject.target.to_string();
    let endpoints: Vec<_> = stream::iter(&addresses.endpoints)
        .map(|address| job.examine(*address, &label, progress))
        .buffered(ADDRESSES_AT_ONCE)
        .collect()
        .await;
    let mut diagnosis = Diagnosis {
        target: subject.target.clone(),
        config: subject.config.clone(),
        unresolved,
        ignored: addresses.ignored,
        endpoints: endpoints.iter().map(|(endpoint, _)| endpoint.clone()).collect(),
        change: None,
        no_change: None,
    };
    let probers: Vec<_> = endpoints.into_iter().map(|(_, prober)| prober).collect();
    if subject.depth == Depth::OwnHello {
        return diagnosis;
    }
    match job.find_change(&diagnosis, &probers).await {
        Ok(change) => diagnosis.change = change,
        Err(reason) => diagnosis.no_change = Some(reason),
    }
    diagnosis
}

/// Proves a configuration on every address of a target that was diagnosed with another one.
///
/// # Errors
///
/// In words, which address it does not serve, or for which it is unclear.
pub(super) async fn confirm(
    probing: &Probing,
    subject: &Subject,
    diagnosis: &Diagnosis,
    doors: &Arc<Semaphore>,
) -> Result<(), String> {
    let job = Job { probing, subject, doors };
    let endpoints = diagnosis.endpoints.iter();
    // What could not be told before the change need not be told after it.
    let known = endpoints.filter(|endpoint| endpoint.verdict.summary != Summary::Unclear);
    let probers: Vec<_> = known.map(|endpoint| job.prober(endpoint.address)).collect();
    job.prove_everywhere(&subject.config, &probers).await
}

struct Job<'a> {
    probing: &'a Probing,
    subject: &'a Subject,
    doors: &'a Arc<Semaphore>,
}

impl Job<'_> {
    fn prober(&self, address: SocketAddr) -> Prober {
        let limits = &self.probing.limits;
        let gate = Gate::new(limits.connections_per_host, limits.delay, Arc::clone(self.doors));
        let prober = Prober::new(address, Arc::new(gate), Arc::new(limits.clone()));
        prober.by(self.subject.way.clone())
    }

    async fn examine(
        &self,
        address: SocketAddr,
        label: &str,
        progress: &Progress,
    ) -> (Endpoint, Prober) {
        let limits = &self.probing.limits;
        let prober = self.prober(address);
        let begun = Instant::now();
        let deadline = begun + limits.deadline;
        let line = progress.line(label);
        let Subject { config, checks, candidates, .. } = self.subject;
        let own = timeout_at(deadline, try_own(&prober, config, checks)).await;
        let mut trial = own.unwrap_or_else(|_| Trial::out_of_time(config, limits.deadline));
        let mut result = None;
        let mut goes_on = self.subject.depth == Depth::All;
        if goes_on && !prober.has_answered() && is_silence(&trial) {
            // Nothing but silence: what follows takes long, and is worth it only for a server
            // that answers something.
            let subject = survey::Subject { sni: config.sni.clone(), ..Default::default() };
            let approaching = survey::approach(&prober, &subject, survey::Wanted::Answer);
            goes_on = timeout_at(deadline, approaching).await.is_ok_and(|found| found.is_some());
        }
        if goes_on && worth_a_survey(&prober, &trial) {
            let widening = widen(&prober, &mut trial, candidates, checks);
            // Out of time, what was tried so far is what there is.
            let _ = timeout_at(deadline, widening).await;
        }
        if goes_on && worth_a_survey(&prober, &trial) {
            let end = survey_end(&trial, begun, limits.deadline);
            let step = |step| line.step(step);
            let mut found = self.survey(&prober, &trial, end, true, &step).await;
            if self.probing.surveys > 1 {
                let mut others = Vec::new();
                while others.len() + 1 < usize::from(self.probing.surveys)
                    && Instant::now() < end
                    && !found.is_stopped()
                {
                    others.push(self.survey(&prober, &trial, end, false, &step).await);
                }
                found.repeated(&others);
            }
            if !found.is_stopped() {
                let settling = settle(&prober, &mut trial, &found, checks);
                let _ = timeout_at(deadline, settling).await;
            }
            result = Some(found);
        }
        line.finish();
        let verdict = judge(&trial, result.as_ref(), checks);
        let endpoint = Endpoint {
            address,
            trial,
            survey: result,
            verdict,
            connections: prober.gate().connections_opened(),
            elapsed: begun.elapsed(),
        };
        (endpoint, prober)
    }

    async fn survey(
        &self,
        prober: &Prober,
        trial: &Trial,
        deadline: Instant,
        is_first: bool,
        progress: &(dyn Fn(crate::survey::Step) + Sync),
    ) -> crate::survey::Survey {
        let subject =
            survey::Subject { sni: trial.working_server_name(), ..survey::Subject::default() };
        let options = Options {
            // They are shown once, and say nothing of rows that change.
            handshakes: self.probing.handshakes && is_first,
            exhaustive: self.probing.exhaustive && is_first,
            control: trial.working_hello(),
            deadline,
        };
        survey(prober, &subject, &options, progress).await
    }
}

/// A survey that cannot end leaves time for the change, which matters more.
fn survey_end(trial: &Trial, begun: Instant, limit: Duration) -> Instant {
    begun + if trial.has_start() { limit * 3 / 4 } else { limit }
}

fn is_silence(trial: &Trial) -> bool {
    matches!(&trial.own.result, Err(Obstacle::Unclear(ProbeError::Silence { .. })))
}

/// There is nothing to survey where there is no connection, no TLS, or only silence.
fn worth_a_survey(prober: &Prober, trial: &Trial) -> bool {
    let silent =
        |obstacle: &Obstacle| matches!(obstacle, Obstacle::Unclear(ProbeError::Silence { .. }));
    match &trial.own.result {
        Err(Obstacle::NotTls { .. }) => false,
        Err(Obstacle::Unclear(
            ProbeError::Connect(_) | ProbeError::ConnectTimeout(_) | ProbeError::Tunnel(_),
        )) => false,
        Err(obstacle) if silent(obstacle) && !prober.has_answered() => {
            let tried = &trial.wider;
            tried.is_empty() || !tried.iter().all(|(_, result)| result.as_ref().is_err_and(silent))
        }
        _ => true,
    }
}

impl Job<'_> {
    /// One change for all endpoints, or the reason why there is none. `Ok(None)` if none is needed.
    async fn find_change(
        &self,
        diagnosis: &Diagnosis,
        probers: &[Prober],
    ) -> Result<Option<Change>, String> {
        let mut merged: Option<Change> = None;
        for endpoint in &diagnosis.endpoints {
            match endpoint.verdict.summary {
                Summary::Connects => continue,
                Summary::Unclear => return Err(reason(endpoint)),
                Summary::NoSettingHelps | Summary::NeedsChange => {}
            }
            let change = self.endpoint_change(endpoint)?;
            merged = Some(match merged {
                None => change,
                Some(other) => other
                    .merge(&change, &diagnosis.config)
                    .map_err(|conflict| conflict.to_string())?,
            });
        }
        let Some(change) = merged else { return Ok(None) };
        if diagnosis.endpoints.len() > 1 || !is_proven(diagnosis, &change) {
            self.prove_everywhere(&change.apply(&diagnosis.config), probers).await?;
        }
        Ok(Some(change))
    }

    fn endpoint_change(&self, endpoint: &Endpoint) -> Result<Change, String> {
        let own = &endpoint.trial.own;
        let needs_certificate =
            |obstacle: &Obstacle| matches!(obstacle, Obstacle::ClientCertificateNeeded(_));
        if let Err(obstacle) = &own.result
            && needs_certificate(obstacle)
            && self.subject.brings_certificate
        {
            return Ok(Change::default());
        }
        let Some(remedy) = &endpoint.trial.remedy else { return Err(reason(endpoint)) };
        if !self.subject.sets_signature_algorithms
            && remedy.dimensions.contains(&Dimension::SignatureAlgorithms)
        {
            return Err(reason(endpoint));
        }
        match &remedy.remaining {
            Some(obstacle) if needs_certificate(obstacle) && self.subject.brings_certificate => {}
            Some(obstacle) => return Err(format!("{}: {obstacle}", endpoint.address)),
            None => {}
        }
        Ok(Change::between(&own.config, &remedy.config))
    }

    async fn prove_everywhere(
        &self,
        config: &ClientConfig,
        probers: &[Prober],
    ) -> Result<(), String> {
        for prober in probers {
            let address = prober.address();
            let proving = prove(prober, config, Vec::new(), &self.subject.checks);
            match tokio::time::timeout(self.probing.limits.deadline, proving).await {
                Ok(Ok(remedy)) => {
                    let certificate_is_given = self.subject.brings_certificate;
                    let remaining = remedy.remaining.filter(|obstacle| {
                        let needed = matches!(obstacle, Obstacle::ClientCertificateNeeded(_));
                        !(needed && certificate_is_given)
                    });
                    if let Some(obstacle) = remaining {
                        return Err(format!("{address}: {obstacle}"));
                    }
                }
                Ok(Err(obstacle)) if obstacle.is_unclear() => {
                    return Err(format!(
                        "whether the change serves {address} is unclear: {obstacle}"
                    ));
                }
                Ok(Err(_)) => {
                    return Err(format!(
                        "a change that serves the others does not serve {address}"
                    ));
                }
                Err(_) => {
                    return Err(format!(
                        "whether the change serves {address} is unclear: the deadline has passed"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Whether the change makes the very configuration that the trial has proven: not all that Envoy
/// can be told has a field in a [`Change`].
fn is_proven(diagnosis: &Diagnosis, change: &Change) -> bool {
    let after = change.apply(&diagnosis.config);
    let remedies = diagnosis.endpoints.iter().filter_map(|endpoint| endpoint.trial.remedy.as_ref());
    remedies.map(|remedy| &remedy.config).all(|config| *config == after)
}

/// The gravest finding in words.
fn reason(endpoint: &Endpoint) -> String {
    use crate::verdict::Finding;
    let findings = &endpoint.verdict.findings;
    let telling = findings.iter().find(|finding| matches!(finding, Finding::NoSettingHelps(_)));
    match telling.or(findings.first()) {
        Some(finding) => crate::report::message(finding),
        None => "the cause is not known".to_owned(),
    }
}
