//! One target through the whole house: target, trial, survey, verdict, remedy.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::doors::{Doors, Turn};
use super::progress::Progress;
use super::settings::Probing;
use crate::envoy::ClientConfig;
use crate::probe::{Gate, ProbeError, Prober, Proxy, Way};
use crate::remedy::Change;
use crate::report::{Diagnosis, Endpoint};
use crate::survey::{self, Clearance, Cleared, Options, Step, Survey, ask_last, survey};
use crate::target::{Destination, Host, Target};
use crate::tls::AlertDescription;
use crate::trial::{
    Attempt, Candidates, Checks, Dimension, Obstacle, Trial, handshake_early, prove, settle,
    try_handshake, try_hello, widen,
};
use crate::verdict::{Finding, Summary, Verdict, judge};

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
    pub(super) addresses: Option<Vec<SocketAddr>>,
    /// Whether the change brings a client certificate that is not at hand.
    pub(super) brings_certificate: bool,
    /// Whether the product has a field for signature algorithms, as Gloo has not.
    pub(super) sets_signature_algorithms: bool,
    /// Whether Envoy finds the server's addresses by a name, and looks up IPv4 alone.
    pub(super) looks_up_ipv4: bool,
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

/// Why a change is worth nothing that leads to a server's TLS behind STARTTLS.
pub(super) const NO_STARTTLS: &str = "Gloo has no field that makes Envoy ask the server for TLS, \
    as it has to be asked; the findings are about the TLS behind that";

/// Where the endpoints of a server are.
#[derive(Default)]
struct Found {
    destinations: Vec<Destination>,
    ignored: Vec<SocketAddr>,
    proxy: Option<Proxy>,
}

/// Finds the endpoints, and the proxy that leads to them. Where the proxy resolves names, the
/// name is all that is known.
async fn locate(probing: &Probing, subject: &Subject, doors: &Doors) -> Result<Found, String> {
    let dialled = subject.dial.as_ref().unwrap_or(&subject.target);
    let limit = probing.limits.resolve_timeout;
    let proxy = match &probing.gateway {
        Some(gateway) => gateway.proxy_for(dialled, limit).await?,
        None => None,
    };
    let resolves = proxy.as_ref().is_some_and(Proxy::resolves_names);
    let addresses = match (&subject.addresses, &dialled.host) {
        (Some(addresses), _) => dialled.choose(probing.choice, addresses.clone()),
        (None, Host::Name(_)) if resolves => {
            let destinations = vec![Destination::Name(dialled.clone())];
            return Ok(Found { destinations, ignored: Vec::new(), proxy });
        }
        (None, _) => {
            let _place = doors.lookup().await;
            dialled.resolve(probing.choice, limit).await
        }
    };
    let addresses = addresses.map_err(|error| error.to_string())?;
    let destinations = addresses.endpoints.into_iter().map(Destination::Address).collect();
    Ok(Found { destinations, ignored: addresses.ignored, proxy })
}

pub(super) async fn diagnose(
    probing: &Probing,
    subject: Subject,
    doors: &Doors,
    progress: &Progress,
) -> Diagnosis {
    let (found, unresolved) = match locate(probing, &subject, doors).await {
        Ok(found) => (found, None),
        Err(error) => (Found::default(), Some(error)),
    };
    let job = Job { probing, subject: &subject, proxy: found.proxy, doors };
    let label = subject.target.to_string();
    let examined: Vec<_> = stream::iter(found.destinations)
        .map(|destination| job.examine(destination, &label, progress))
        .buffered(ADDRESSES_AT_ONCE)
        .collect()
        .await;
    let (endpoints, probers): (Vec<_>, Vec<_>) = examined.into_iter().unzip();
    let mut diagnosis = Diagnosis {
        target: subject.target.clone(),
        config: subject.config.clone(),
        way: job.way(),
        unresolved,
        ignored: found.ignored,
        endpoints,
        change: None,
        no_change: None,
    };
    if subject.depth == Depth::OwnHello {
        return diagnosis;
    }
    match job.find_change(&diagnosis, &probers).await {
        Ok(Some(_)) if subject.way.starttls.is_some() => {
            diagnosis.no_change = Some(NO_STARTTLS.to_owned());
        }
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
    doors: &Doors,
) -> Result<(), String> {
    let job = Job { probing, subject, proxy: diagnosis.way.proxy.clone(), doors };
    let endpoints = diagnosis.endpoints.iter();
    // What could not be told before the change need not be told after it.
    let known = endpoints.filter(|endpoint| endpoint.verdict.summary != Summary::Unclear);
    let probers: Vec<_> = known.map(|endpoint| job.prober(endpoint.address.clone())).collect();
    job.prove_everywhere(&subject.config, &probers).await
}

struct Job<'a> {
    probing: &'a Probing,
    subject: &'a Subject,
    proxy: Option<Proxy>,
    doors: &'a Doors,
}

impl Job<'_> {
    fn way(&self) -> Way {
        Way { proxy: self.proxy.clone(), ..self.subject.way.clone() }
    }

    fn prober(&self, destination: Destination) -> Prober {
        let limits = &self.probing.limits;
        let gate =
            Gate::new(limits.connections_per_host, limits.delay, Arc::clone(&self.doors.all));
        let gate = gate.with_budget(limits.budget);
        let prober = Prober::new(destination, Arc::new(gate), Arc::new(limits.clone()));
        prober.by(self.way())
    }

    /// What the way to an endpoint says, beside what the endpoint says.
    fn add_findings_of_the_way(&self, verdict: &mut Verdict, address: &Destination) {
        let dialled = self.subject.dial.as_ref().unwrap_or(&self.subject.target);
        let is_name = matches!(dialled.host, Host::Name(_));
        let is_v6 = address.address().is_some_and(|address| address.is_ipv6());
        if self.subject.looks_up_ipv4 && is_name && is_v6 {
            verdict.findings.push(Finding::AddressFamily);
        }
        let first = verdict.findings.first();
        let came_to_tls = !matches!(first, Some(Finding::StartTls(_) | Finding::Unreachable(_)));
        if let Some(opening) = self.subject.way.starttls.as_ref().filter(|_| came_to_tls) {
            verdict.findings.push(Finding::BehindStartTls(opening.protocol));
        }
        verdict.findings.sort_by_key(Finding::severity);
    }

    async fn turn(&self, address: &Destination) -> Turn<'_> {
        // Servers behind one proxy are different servers.
        let behind = self.subject.dial.as_ref().map(|_| self.subject.target.clone());
        self.doors.turn((address.clone(), behind)).await
    }

    async fn examine(
        &self,
        address: Destination,
        label: &str,
        progress: &Progress,
    ) -> (Endpoint, Prober) {
        let limits = &self.probing.limits;
        let prober = self.prober(address.clone());
        // What the wait for others takes is nothing that the server can be blamed for.
        let _turn = self.turn(&address).await;
        let begun = Instant::now();
        let deadline = begun + limits.deadline;
        let line = progress.line(label);
        let Subject { checks, .. } = self.subject;
        let examination = Examination {
            job: self,
            first: prober.with_own_depth(),
            prober: prober.clone(),
            begun,
            deadline,
            step: &|step| line.step(step),
        };
        let (trial, mut result) = examination.run().await;
        let verdict_round_trips = examination.first.depth();
        if let Some(found) = result.as_mut().filter(|found| !found.is_stopped()) {
            // Last of all, for the sake of servers that do not survive it.
            let sni = trial.working_server_name();
            let _ = timeout_at(deadline, ask_last(&prober, sni, found)).await;
        }
        line.finish();
        let mut verdict = judge(&trial, result.as_ref(), checks);
        self.add_findings_of_the_way(&mut verdict, &address);
        let endpoint = Endpoint {
            address,
            trial,
            survey: result,
            verdict,
            connections: prober.gate().connections_opened(),
            round_trips: prober.gate().round_trips(),
            verdict_round_trips,
            elapsed: begun.elapsed(),
        };
        (endpoint, prober)
    }
}

/// How long the first connection may take to open before the network is taken for a far one, on
/// which connections side by side pay.
const SOON: Duration = Duration::from_millis(10);

/// One address through trial and survey.
struct Examination<'a> {
    job: &'a Job<'a>,
    prober: Prober,
    /// The prober of the trial of Envoy's own hello, for its depth.
    first: Prober,
    begun: Instant,
    deadline: Instant,
    step: &'a (dyn Fn(Step) + Sync),
}

impl Examination<'_> {
    /// Envoy's own hello comes first. Near, everything else comes after it, since each answer may
    /// save connections; far, side by side with it.
    async fn run(&self) -> (Trial, Option<Survey>) {
        let Subject { config, checks, depth, .. } = self.job.subject;
        let mut own = Box::pin(try_hello(&self.first, config));
        let soon = timeout(SOON, &mut own).await.ok();
        let is_far = soon.is_none() && !self.prober.gate().has_opened();
        let overlaps = *depth == Depth::All && !self.prober.gate().has_budget();
        if is_far && overlaps {
            return self.side_by_side(own).await;
        }
        if is_far {
            let trial = timeout_at(self.deadline, self.own_trial(own, |_| ())).await;
            return self.in_turn(trial.unwrap_or_else(|_| self.out_of_time())).await;
        }
        let own = match soon {
            Some(own) => own,
            None => match timeout_at(self.deadline, own).await {
                Ok(own) => own,
                Err(_) => return (self.out_of_time(), None),
            },
        };
        let speaks_tls = own.passes() || matches!(own.result, Err(Obstacle::Refused(_)));
        if overlaps && speaks_tls && self.prober.gate().is_far() {
            return self.side_by_side(ready(own)).await;
        }
        let trial = try_handshake(&self.first, own, None, checks);
        let trial = timeout_at(self.deadline, trial).await;
        self.in_turn(trial.unwrap_or_else(|_| self.out_of_time())).await
    }

    fn out_of_time(&self) -> Trial {
        Trial::out_of_time(&self.job.subject.config, self.job.probing.limits.deadline)
    }

    /// Envoy's own hello, and beside it the handshake that it would lead to.
    async fn own_trial(
        &self,
        own: impl Future<Output = Attempt>,
        answered: impl Fn(&Attempt),
    ) -> Trial {
        let Subject { config, checks, .. } = self.job.subject;
        let mut own = Box::pin(own);
        let mut early = Box::pin(handshake_early(&self.first, config, checks));
        let (own, early) = match select(&mut own, &mut early).await {
            Either::Left((own, _)) => {
                answered(&own);
                let early = if own.passes() { early.await } else { None };
                (own, early)
            }
            Either::Right((early, _)) => {
                let own = own.await;
                answered(&own);
                (own, early)
            }
        };
        try_handshake(&self.first, own, early, checks).await
    }

    /// What follows the trial of Envoy's own hello, one after another. With a budget, what the
    /// verdict and the change need comes before what else the server accepts.
    async fn in_turn(&self, mut trial: Trial) -> (Trial, Option<Survey>) {
        let Subject { checks, candidates, depth, .. } = self.job.subject;
        if *depth != Depth::All || self.is_mute(&trial).await || !self.is_worth_a_survey(&trial) {
            return (trial, None);
        }
        let widening = widen(&self.prober, &mut trial, candidates, checks);
        // Out of time, what was tried so far is what there is.
        let _ = timeout_at(self.deadline, widening).await;
        if !self.is_worth_a_survey(&trial) {
            return (trial, None);
        }
        let has_budget = self.prober.gate().has_budget();
        if has_budget {
            self.settle(&mut trial, &Survey::default()).await;
        }
        let end = survey_end(&trial, self.begun, self.job.probing.limits.deadline);
        let clearance = Clearance::given(trial.working_hello());
        let mut found = self.survey(trial.working_server_name(), clearance, end).await;
        Self::compare(&trial, &mut found);
        // Without a hello that gets through, only the survey shows what may.
        if !has_budget || !trial.has_start() {
            self.settle(&mut trial, &found).await;
        }
        Self::doubt(&trial, &mut found);
        (trial, Some(found))
    }

    /// Trial and survey at once. The survey goes on after its first hellos when the server has
    /// shown that it speaks TLS, and begins again if it wants another server name.
    async fn side_by_side(&self, own: impl Future<Output = Attempt>) -> (Trial, Option<Survey>) {
        let Subject { config, checks, candidates, .. } = self.job.subject;
        let limit = self.job.probing.limits.deadline;
        let (clear, clearance) = Clearance::later();
        let answered = |own: &Attempt| {
            let refused = matches!(own.result, Err(Obstacle::Refused(_)));
            if own.passes() || refused {
                let control = config.client_hello(&mut rand::rng()).ok();
                let control = control.filter(|_| own.passes());
                clear.send_replace(Some(Cleared { control, tried_more: false }));
            }
        };
        let trial = async {
            let mut trial = self.own_trial(own, answered).await;
            if !self.is_mute(&trial).await && self.is_worth_a_survey(&trial) {
                widen(&self.prober, &mut trial, candidates, checks).await;
            }
            if self.is_worth_a_survey(&trial) {
                let control = trial.working_hello();
                clear.send_replace(Some(Cleared { control, tried_more: true }));
            }
            trial
        };
        let mut trial = Box::pin(timeout_at(self.deadline, trial));
        let end = self.begun + limit * 3 / 4;
        let mut survey = Box::pin(self.survey(config.sni.clone(), clearance, end));
        let (trial, found) = match select(&mut trial, &mut survey).await {
            Either::Left((trial, _)) => {
                let trial = trial.unwrap_or_else(|_| self.out_of_time());
                if !self.is_worth_a_survey(&trial) {
                    return (trial, None);
                }
                let goes_on = trial.working_server_name() == config.sni;
                let found = if goes_on { Some((&mut survey).await) } else { None };
                (trial, found)
            }
            Either::Right((found, _)) => {
                (trial.await.unwrap_or_else(|_| self.out_of_time()), Some(found))
            }
        };
        // One that was begun for another name would keep its places at the gate.
        drop(survey);
        let mut trial = trial;
        if !self.is_worth_a_survey(&trial) {
            return (trial, None);
        }
        let name = trial.working_server_name();
        let mut found = match found.filter(|_| name == config.sni) {
            Some(found) => found,
            None => {
                let clearance = Clearance::given(trial.working_hello());
                let end = survey_end(&trial, self.begun, limit);
                self.survey(name, clearance, end).await
            }
        };
        Self::compare(&trial, &mut found);
        self.settle(&mut trial, &found).await;
        Self::doubt(&trial, &mut found);
        (trial, Some(found))
    }

    /// Whether the server answers nothing, however plain. What follows silence takes long, and is
    /// worth it only for a server that answers something.
    async fn is_mute(&self, trial: &Trial) -> bool {
        let silence =
            matches!(&trial.own.result, Err(Obstacle::Unclear(ProbeError::Silence { .. })));
        if !silence || self.prober.has_answered() {
            return false;
        }
        let sni = trial.own.config.sni.clone();
        let subject = survey::Subject { sni, ..survey::Subject::default() };
        let approaching = survey::approach(&self.prober, &subject, survey::Wanted::Answer);
        !timeout_at(self.deadline, approaching).await.is_ok_and(|found| found.is_some())
    }

    fn is_worth_a_survey(&self, trial: &Trial) -> bool {
        worth_a_survey(trial, self.prober.has_answered())
    }

    /// What the trial knows to be accepted is nothing that a survey may call refused.
    fn compare(trial: &Trial, found: &mut Survey) {
        if let Ok(passage) = &trial.own.result {
            found.add_selection(passage.version, passage.cipher_suite);
        }
    }

    async fn settle(&self, trial: &mut Trial, found: &Survey) {
        if found.is_stopped() {
            return;
        }
        let settling = settle(&self.prober, trial, found, &self.job.subject.checks);
        let _ = timeout_at(self.deadline, settling).await;
    }

    /// Where Envoy itself gets through now and then, other refusals are not to be trusted either.
    fn doubt(trial: &Trial, found: &mut Survey) {
        match &trial.wavers {
            Some(Obstacle::Refused(alert)) => found.add_waver(alert.description),
            Some(_) => found.add_waver(AlertDescription::HANDSHAKE_FAILURE),
            None => {}
        }
    }

    /// As many surveys as were asked for, put together.
    async fn survey(&self, sni: Option<String>, clearance: Clearance, end: Instant) -> Survey {
        let mut found = self.survey_once(sni.clone(), clearance.clone(), end, true).await;
        let surveys = usize::from(self.job.probing.surveys);
        let mut others = Vec::new();
        while others.len() + 1 < surveys && Instant::now() < end && !found.is_stopped() {
            others.push(self.survey_once(sni.clone(), clearance.clone(), end, false).await);
        }
        if surveys > 1 {
            found.repeated(&others);
        }
        found
    }

    async fn survey_once(
        &self,
        sni: Option<String>,
        clearance: Clearance,
        end: Instant,
        is_first: bool,
    ) -> Survey {
        let options = Options {
            // They are shown once, and say nothing of rows that change.
            handshakes: self.job.probing.handshakes && is_first,
            exhaustive: self.job.probing.exhaustive && is_first,
            clearance,
            deadline: end,
        };
        let subject = survey::Subject { sni, ..survey::Subject::default() };
        survey(&self.prober, &subject, &options, self.step).await
    }
}

/// A survey that cannot end leaves time for the change, which matters more.
fn survey_end(trial: &Trial, begun: Instant, limit: Duration) -> Instant {
    begun + if trial.has_start() { limit * 3 / 4 } else { limit }
}

/// There is nothing to survey where there is no connection, no TLS, or only silence.
fn worth_a_survey(trial: &Trial, has_answered: bool) -> bool {
    match &trial.own.result {
        Err(Obstacle::NotTls { .. }) => false,
        Err(Obstacle::Unclear(
            ProbeError::Connect(_)
            | ProbeError::ConnectTimeout(_)
            | ProbeError::Tunnel(_)
            | ProbeError::StartTls(_),
        )) => false,
        Err(Obstacle::Unclear(ProbeError::Silence { .. })) => has_answered,
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
            let address = prober.destination();
            let _turn = self.turn(address).await;
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
    let findings = &endpoint.verdict.findings;
    let spent = Finding::NoAnswer(ProbeError::Budget.to_string());
    let telling = findings.iter().find(|finding| matches!(finding, Finding::NoSettingHelps(_)));
    let telling = telling.or_else(|| findings.iter().find(|finding| **finding == spent));
    match telling.or(findings.first()) {
        Some(finding) => crate::report::message(finding),
        None => "the cause is not known".to_owned(),
    }
}
