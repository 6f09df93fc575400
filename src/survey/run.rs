//! One survey from begin to end, within its deadline.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::approach::{Wanted, approach};
use super::behaviour::survey_grease;
use super::confirm::{confirm_refusals, confirm_selections, refuses_what_it_took};
use super::doubt::Doubts;
use super::hello::{Extensions, Subject, suite_hello};
use super::last::find_last;
use super::search::{
    Distance, Job, SuiteSearch, Verdict, learn_from_newer_versions, next_job, next_rank,
};
use super::size::size;
use super::waver::find_waver;
use super::{
    Behaviour, Fact, GroupSurvey, HandshakeRow, Oddity, Survey, behaviour, extras, groups,
    handshakes,
};
use crate::probe::{Outcome, Prober};
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};
use crate::wire::ClientHello;

/// What a survey is to find out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Complete an OpenSSL handshake with each accepted suite.
    pub handshakes: bool,
    /// Complete an OpenSSL handshake with every cipher of OpenSSL, accepted or not.
    pub exhaustive: bool,
    /// Says when the survey may go on after its first few hellos.
    pub clearance: Clearance,
    /// When to stop.
    pub deadline: Instant,
}

/// Whether it is known that the server speaks TLS. Until then a survey sends a few hellos only,
/// so that a port where nobody waits for them is not flooded.
#[derive(Clone, Debug)]
pub struct Clearance(watch::Receiver<Option<Cleared>>);

/// What is known of a server that speaks TLS.
#[derive(Clone, Debug, Default)]
pub struct Cleared {
    /// A hello that the server is known to answer, as the first control.
    pub control: Option<ClientHello>,
    /// Whether more than one hello was tried to find it.
    pub tried_more: bool,
}

impl Clearance {
    /// A clearance that is given from the beginning.
    #[must_use]
    pub fn given(control: Option<ClientHello>) -> Self {
        Self(watch::channel(Some(Cleared { control, tried_more: true })).1)
    }

    /// A clearance that who has the other end gives later.
    #[must_use]
    pub fn later() -> (watch::Sender<Option<Cleared>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    fn is_given(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Whether it is known that nothing got through, whatever was said so far.
    fn lacks_control(&self) -> bool {
        let cleared = self.0.borrow();
        cleared.as_ref().is_some_and(|cleared| cleared.tried_more && cleared.control.is_none())
    }

    /// Waits for the clearance; `None` if it will never be given.
    async fn wait(&self) -> Option<Cleared> {
        self.0.clone().wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// What a survey is at, for a progress bar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Looking for accepted suites; how many were found so far.
    Suites(usize),
    /// Looking for groups and other facts.
    Facts,
    /// Completing handshakes: done, of so many.
    Handshakes(usize, usize),
}

/// How many hellos a survey sends before it is known that the server speaks TLS, and how many to
/// a server so far away that waiting for that costs more than they do.
const FIRST_HELLOS: usize = 3;
const FIRST_FAR_HELLOS: usize = 8;

/// How many stalls are worth telling: a busy machine has one now and then.
const TELLING_STALLS: u32 = 3;

/// A suite number that IANA has not assigned and that is no GREASE value.
const UNASSIGNED: CipherSuite = CipherSuite(0x7e57);

/// Surveys the endpoint of `prober` and tells `progress` what it is at.
pub async fn survey(
    prober: &Prober,
    subject: &Subject,
    options: &Options,
    progress: &(dyn Fn(Step) + Sync),
) -> Survey {
    let far = prober.gate().is_far() && !prober.gate().has_budget();
    let distance = if far { Distance::Far } else { Distance::Near };
    let mut result = Survey::default();
    let mut subject = subject.clone();
    // Where nothing that was said so far got through, it may be the way of saying it.
    if options.clearance.lacks_control() {
        let approaching = approach(prober, &subject, Wanted::Selection);
        if let Ok(Some(found)) = timeout_at(options.deadline, approaching).await {
            subject.manner = found.manner;
            result.oddities = found.oddities;
        }
    }
    let searches = TlsVersion::SURVEYED.iter();
    let searches = searches.map(|version| SuiteSearch::new(&subject, *version, distance)).collect();
    let (tell, told) = oneshot::channel();
    let (tell_nearly_all, told_nearly_all) = oneshot::channel();
    let mut run = Run {
        prober,
        subject: &subject,
        options,
        progress,
        distance,
        searches,
        doubts: Doubts::new(None, subject.manner),
        seen: extras::Seen::default(),
        sent: 0,
        tell: (distance == Distance::Far).then_some(tell),
        tell_nearly_all: (distance == Distance::Far).then_some(tell_nearly_all),
    };
    // On a far network the other facts are asked for beside the suites.
    let early_facts = async {
        let known: Box<Survey> = told.await.ok()?;
        // They are known in one round or two, the suites in more.
        let prober = prober.after_others();
        // On the heap: most servers are near, and have no room taken for it.
        let facts = Box::pin(find_facts(&prober, &subject, &known));
        timeout_at(options.deadline, facts).await.ok()
    };
    // So is what is asked last, once the last questions about suites are on their way.
    let early_last = async {
        let known: Box<Survey> = told_nearly_all.await.ok()?;
        let prober = prober.after_others();
        let both = Box::pin(async {
            futures::join!(
                find_last(&prober, &subject, &known),
                grease_as_control(&prober, &subject, &known),
            )
        });
        timeout_at(options.deadline, both).await.ok()
    };
    let ((), early_facts, early_last) = futures::join!(run.search(), early_facts, early_last);
    let Run { searches, seen, mut doubts, .. } = run;
    let subject = subject.in_manner(doubts.manner());
    result.oddities.append(&mut doubts.oddities);
    let mut refused = Vec::new();
    for mut search in searches {
        refused.append(&mut search.take_refused_hellos());
        if subject.manner.extensions == Extensions::Bare {
            search.doubt_bare_refusals();
        }
        result.oddities.extend(search.oddities.iter().cloned());
        result.versions.push(search.into_survey());
    }
    result.oddities.dedup();
    result.chains = seen.chains;
    result.client_certificate = seen.client_certificate;
    if doubts.gave_up() {
        result.stop(prober);
        return result;
    }
    progress(Step::Facts);
    // Handshakes that were done count even when the deadline cuts the rest off.
    let rows = Mutex::new(Vec::new());
    result.manner = subject.manner;
    let (early_last, control) = early_last.unzip();
    let (grease, refusal) = control.unzip();
    let early = Early { facts: early_facts, grease };
    let rest = find_rest(prober, &subject, options, &mut result, early, &rows, progress);
    if timeout_at(options.deadline, rest).await.is_err() {
        result.deadline_hit = true;
    }
    let mut behaviour = std::mem::take(&mut result.behaviour);
    behaviour.add_passing(&result, &seen.passing);
    result.behaviour = behaviour;
    if let Some(last) = early_last {
        result.add_last(last);
    }
    result.add_refusal(refusal.flatten());
    result.handshakes = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let confirming = async {
        if refusal.is_none() {
            confirm_refusals(prober, &subject, &mut result).await;
        }
        if !result.is_stopped() {
            confirm_selections(prober, &subject, &mut result).await;
            let alert = find_waver(prober, &subject, &result, &refused).await;
            alert.into_iter().for_each(|alert| result.add_waver(alert));
        }
    };
    if timeout_at(options.deadline, confirming).await.is_err() {
        result.deadline_hit = true;
    }
    if prober.stalls() >= TELLING_STALLS {
        result.oddities.push(Oddity::Stalls(prober.stalls()));
    }
    result.deadline_hit |= Instant::now() >= options.deadline;
    result.budget_hit = prober.gate().has_denied();
    result.times_slowed = prober.gate().times_narrowed();
    result
}

impl Survey {
    /// Ends a survey of a server that answers nothing any more.
    fn stop(&mut self, prober: &Prober) {
        let connections = prober.opened_at_last_answer();
        self.oddities.push(Oddity::StoppedAnswering { connections });
        self.times_slowed = prober.gate().times_narrowed();
    }

    /// Whether the server stopped answering while it was asked.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let stopped = |oddity: &Oddity| {
            matches!(oddity, Oddity::StoppedAnswering { .. } | Oddity::RefusesWhatItTook(_))
        };
        self.oddities.iter().any(stopped)
    }
}

/// What was found while suites were searched.
struct Early {
    facts: Option<Facts>,
    grease: Option<Fact>,
}

/// What is found beyond suites.
struct Facts {
    trusts_nothing: bool,
    groups: Option<GroupSurvey>,
    extras: extras::Extras,
    behaviour: Behaviour,
}

impl Facts {
    /// Whether nothing was cut short, as happens where it is not known yet how the server says
    /// no.
    fn is_complete(&self) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.complete)
    }
}

async fn find_facts(prober: &Prober, subject: &Subject, known: &Survey) -> Facts {
    let (trusts_nothing, groups, extras, behaviour) = futures::join!(
        selects_unassigned(prober, subject, known),
        groups::survey_groups(prober, subject, known),
        extras::survey_extras(prober, subject, known),
        behaviour::survey_legacy_features(prober, subject, known),
    );
    Facts { trusts_nothing, groups, extras, behaviour }
}

/// Whether the server ignores GREASE, and the alert by which it refuses what it took before, if
/// it does. An answer to the one question is an answer to the other.
async fn grease_as_control(
    prober: &Prober,
    subject: &Subject,
    known: &Survey,
) -> (Fact, Option<AlertDescription>) {
    let grease = survey_grease(prober, subject, known).await;
    let is_answered = grease.is_yes() || grease.is_no();
    let refusal = match is_answered {
        true => None,
        false => refuses_what_it_took(prober, subject, known).await,
    };
    (grease, refusal)
}

/// Asks for everything beyond suites that is not known yet, side by side; the gate keeps the
/// connections within bounds.
async fn find_rest(
    prober: &Prober,
    subject: &Subject,
    options: &Options,
    result: &mut Survey,
    early: Early,
    rows: &Mutex<Vec<HandshakeRow>>,
    progress: &(dyn Fn(Step) + Sync),
) {
    if result.accepted().next().is_none() {
        return;
    }
    let known = &*result;
    let offers = handshakes::offers(known, options);
    let refuses_by: Vec<_> = known.oddities.iter().filter_map(Oddity::refuses_by).collect();
    let facts = async {
        match early.facts.filter(Facts::is_complete) {
            Some(facts) => facts,
            None => find_facts(prober, subject, known).await,
        }
    };
    let grease = async {
        match early.grease {
            Some(grease) => grease,
            None => survey_grease(prober, subject, known).await,
        }
    };
    let hands = handshakes::shake_hands(prober, subject, offers, &refuses_by, rows, progress);
    let (facts, grease, ()) = futures::join!(facts, grease, hands);
    if facts.trusts_nothing {
        result.oddities.push(Oddity::UnassignedSuite);
    }
    result.groups = facts.groups;
    result.behaviour = Behaviour { grease, ..facts.behaviour };
    result.add_extras(facts.extras);
}

/// Offers a number that nobody has: a server that selects it answers without looking.
async fn selects_unassigned(prober: &Prober, subject: &Subject, known: &Survey) -> bool {
    let Some((version, _)) = known.accepted().next() else { return false };
    let hello = suite_hello(subject, version, &[UNASSIGNED], Default::default());
    let Outcome::Selected(flight) = prober.ask(&hello).await else { return false };
    flight.server_hello.is_some_and(|hello| hello.cipher_suite == UNASSIGNED)
}

/// The search for suites under all versions.
struct Run<'a> {
    prober: &'a Prober,
    subject: &'a Subject,
    options: &'a Options,
    progress: &'a (dyn Fn(Step) + Sync),
    distance: Distance,
    searches: Vec<SuiteSearch>,
    doubts: Doubts,
    seen: extras::Seen,
    /// How many hellos were sent.
    sent: usize,
    /// Whom to tell what is known as soon as it is enough to ask for other facts.
    tell: Option<oneshot::Sender<Box<Survey>>>,
    /// Whom to tell what is known as soon as all suites but a few are known.
    tell_nearly_all: Option<oneshot::Sender<Box<Survey>>>,
}

/// An answer, and what it answers.
struct Arrival {
    search: usize,
    job: Job,
    outcome: Outcome,
}

impl Run<'_> {
    async fn search(&mut self) {
        let deadline = self.options.deadline;
        // Without a look at the clock this would never end, nor let anything else go on: once
        // tokio's budget for a poll is used up, all that is asked is pending and every timeout has
        // passed.
        while Instant::now() < deadline && self.has_more_to_ask() {
            self.ask_all().await;
            if Instant::now() >= deadline {
                break;
            }
            let clearance = timeout_at(deadline, self.options.clearance.wait()).await;
            let Ok(Some(cleared)) = clearance else { break };
            self.doubts.begin_with(cleared.control);
            let verifying = self.doubts.verify(&mut self.searches, self.subject, self.prober);
            if timeout_at(deadline, verifying).await.is_err() {
                break;
            }
            if !self.doubts.is_empty() {
                // What a server refuses by is not known yet.
                (self.tell, self.tell_nearly_all) = (None, None);
                let (searches, doubts) = (&mut self.searches, &mut self.doubts);
                let settling = doubts.settle(searches, self.subject, self.prober, deadline);
                let in_time = timeout_at(deadline, settling).await.is_ok();
                if !in_time || self.doubts.gave_up() {
                    break;
                }
            }
        }
        (self.tell, self.tell_nearly_all) = (None, None);
        let late = Instant::now() >= deadline;
        let why = if late {
            "the deadline ended the survey".to_owned()
        } else {
            let connections = self.prober.opened_at_last_answer();
            format!("the server stopped answering after {connections} connections")
        };
        let gave_up = late || self.doubts.gave_up();
        self.doubts.give_up(&mut self.searches, gave_up.then_some(&why));
        for search in &mut self.searches {
            search.give_up(&why);
        }
    }

    /// What is in doubt is settled before the searches go on to their next stage.
    fn has_more_to_ask(&mut self) -> bool {
        learn_from_newer_versions(&mut self.searches);
        let searches = self.searches.iter_mut();
        !self.doubts.is_empty() || searches.fold(false, |more, search| search.advance() | more)
    }

    /// Asks what is queued, as much at once as the gate allows, until nothing is queued or an
    /// answer is in doubt.
    async fn ask_all(&mut self) {
        let (prober, deadline) = (self.prober, self.options.deadline);
        let mut running = FuturesUnordered::new();
        // The job is chosen when there is a place for it, so that it is the one wanted most.
        let mut entering = None;
        let mut cleared = pin!(self.options.clearance.wait().fuse());
        loop {
            if entering.is_none() && self.may_ask() && next_rank(&self.searches).is_some() {
                entering = Some(Box::pin(prober.enter()));
            }
            let entered = async {
                match &mut entering {
                    Some(entering) => entering.await,
                    None => std::future::pending().await,
                }
            };
            let answered = async {
                match running.next().await {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                arrival = answered => self.take(arrival),
                place = entered => {
                    entering = None;
                    let Some((search, mut job)) = next_job(&mut self.searches) else { continue };
                    let subject = self.subject.in_manner(self.doubts.manner());
                    if !subject.fits(&job.suites) {
                        self.searches[search].put_back(job, &subject);
                        continue;
                    }
                    let version = self.searches[search].version;
                    let hello = suite_hello(&subject, version, &job.suites, job.share);
                    job.size = size(&hello);
                    self.sent += 1;
                    running.push(async move {
                        let outcome = match place {
                            Ok(place) => prober.ask_in(place, &hello).await,
                            Err(error) => Outcome::Failed(error),
                        };
                        Arrival { search, job, outcome }
                    });
                    self.tell_nearly_all();
                }
                _ = &mut cleared => {}
                () = sleep_until(deadline) => return,
            }
            if running.is_empty() && !(self.may_ask() && next_rank(&self.searches).is_some()) {
                let waits = !self.may_send();
                if !waits || !self.doubts.is_empty() {
                    return;
                }
                // The first few are answered; the rest waits for its clearance.
                let clearance = self.options.clearance.wait();
                if !matches!(timeout_at(deadline, clearance).await, Ok(Some(_))) {
                    return;
                }
            }
        }
    }

    /// Whether more may be asked before what is on its way has arrived.
    fn may_ask(&self) -> bool {
        self.doubts.is_empty() && self.may_send()
    }

    fn may_send(&self) -> bool {
        let first = match self.distance {
            Distance::Near => FIRST_HELLOS,
            Distance::Far => FIRST_FAR_HELLOS,
        };
        self.sent < first || self.options.clearance.is_given()
    }

    fn take(&mut self, arrival: Arrival) {
        let Arrival { search: index, job, outcome } = arrival;
        self.seen.look_at(&outcome);
        if matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_)) {
            self.doubts.note_answer(&mut self.searches, &job);
        }
        // Near, where connections cost more than time, what is left stays whole.
        let verdict = self.searches[index].record(job, &outcome, 1);
        if let Verdict::Doubtful(job, trouble) = verdict {
            self.doubts.add(&mut self.searches, index, job, trouble);
        }
        if self.doubts.is_empty() {
            learn_from_newer_versions(&mut self.searches);
            match self.distance {
                // What one version has tells what to ask for under the others.
                Distance::Far => self.searches.iter_mut().for_each(SuiteSearch::plan),
                Distance::Near if self.searches[index].is_idle() => {
                    self.searches[index].advance();
                }
                Distance::Near => {}
            }
        }
        self.tell_enough();
        self.tell_nearly_all();
        let found = self.searches.iter().map(SuiteSearch::found).sum();
        (self.progress)(Step::Suites(found));
    }

    /// Tells what is known once there is a suite to ask with for everything else.
    fn tell_enough(&mut self) {
        if self.tell.is_none() || !self.doubts.is_empty() {
            return;
        }
        let newest = &self.searches[0];
        let mut legacy = self.searches.iter().filter(|search| search.version < TlsVersion::TLS13);
        let newest_is_known = newest.found() > 0 || newest.is_version_refused();
        if !newest_is_known || !legacy.any(|search| search.found() > 0) {
            return;
        }
        let known = self.searches.iter().map(SuiteSearch::answered_so_far);
        let known = Survey { versions: known.collect(), ..Survey::default() };
        // Who no longer listens asks for the facts later.
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(Box::new(known));
        }
    }

    /// Tells what is known once it is known for each version whether the server has it, what it
    /// makes of SRP, and nothing waits to be asked.
    fn tell_nearly_all(&mut self) {
        let waits = self.tell.is_some() || !self.doubts.is_empty();
        if self.tell_nearly_all.is_none() || waits || next_rank(&self.searches).is_some() {
            return;
        }
        if !self.searches.iter().all(SuiteSearch::is_nearly_done) {
            return;
        }
        let known = self.searches.iter().map(SuiteSearch::answered_so_far);
        let known = Survey { versions: known.collect(), ..Survey::default() };
        // Who no longer listens asks later.
        if let Some(tell) = self.tell_nearly_all.take() {
            let _ = tell.send(Box::new(known));
        }
    }
}
