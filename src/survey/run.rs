//! One survey from begin to end, within its deadline.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::approach::{Wanted, approach};
use super::confirm::confirm_selections;
use super::doubt::Doubts;
use super::hello::{Extensions, Subject, suite_hello};
use super::search::{SuiteSearch, Verdict};
use super::size::size;
use super::{HandshakeRow, Oddity, Survey, extras, groups, handshakes};
use crate::probe::{Outcome, Prober};
use crate::tls::{CipherSuite, TlsVersion};
use crate::wire::ClientHello;

/// What a survey is to find out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Complete an OpenSSL handshake with each accepted suite.
    pub handshakes: bool,
    /// Complete an OpenSSL handshake with every cipher of OpenSSL, accepted or not.
    pub exhaustive: bool,
    /// A hello that the server is known to answer, as the first control.
    pub control: Option<ClientHello>,
    /// When to stop.
    pub deadline: Instant,
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

/// Where even the fastest answer takes this long, connections side by side save time that is
/// worth the additional ones: a set that stays whole gives the server's order along the way, and
/// a split one does not.
const WORTH_SPLITTING: Duration = Duration::from_millis(20);

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
    let mut result = Survey::default();
    let mut subject = subject.clone();
    // Where nothing that was said so far got through, it may be the way of saying it.
    if options.control.is_none() {
        let approaching = approach(prober, &subject, Wanted::Selection);
        if let Ok(Some(found)) = timeout_at(options.deadline, approaching).await {
            subject.manner = found.manner;
            result.oddities = found.oddities;
        }
    }
    let mut searches: Vec<_> =
        TlsVersion::SURVEYED.iter().map(|version| SuiteSearch::new(&subject, *version)).collect();
    let mut seen = extras::Seen::default();
    let mut doubts = Doubts::new(options.control.clone(), subject.manner);
    run_searches(prober, &subject, options, &mut searches, &mut doubts, &mut seen, progress).await;
    subject.manner = doubts.manner();
    result.oddities.append(&mut doubts.oddities);
    for mut search in searches {
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
    let facts = find_facts(prober, &subject, options, &mut result, &rows, progress);
    if timeout_at(options.deadline, facts).await.is_err() {
        result.deadline_hit = true;
    }
    result.handshakes = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let confirming = confirm_selections(prober, &subject, &mut result);
    if timeout_at(options.deadline, confirming).await.is_err() {
        result.deadline_hit = true;
    }
    if prober.stalls() >= TELLING_STALLS {
        result.oddities.push(Oddity::Stalls(prober.stalls()));
    }
    result.deadline_hit |= Instant::now() >= options.deadline;
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
        self.oddities.iter().any(|oddity| matches!(oddity, Oddity::StoppedAnswering { .. }))
    }
}

/// Asks for everything beyond suites side by side; the gate keeps the connections within bounds.
async fn find_facts(
    prober: &Prober,
    subject: &Subject,
    options: &Options,
    result: &mut Survey,
    rows: &Mutex<Vec<HandshakeRow>>,
    progress: &(dyn Fn(Step) + Sync),
) {
    if result.accepted().next().is_none() {
        return;
    }
    let known = &*result;
    let offers = handshakes::offers(known, options);
    let refuses_by: Vec<_> = known.oddities.iter().filter_map(Oddity::refuses_by).collect();
    let (trusts_nothing, groups, extras, ()) = futures::join!(
        selects_unassigned(prober, subject, known),
        groups::survey_groups(prober, subject, known),
        extras::survey_extras(prober, subject, known),
        handshakes::shake_hands(prober, subject, offers, &refuses_by, rows, progress),
    );
    if trusts_nothing {
        result.oddities.push(Oddity::UnassignedSuite);
    }
    result.groups = groups;
    result.add_extras(extras);
}

/// Offers a number that nobody has: a server that selects it answers without looking.
async fn selects_unassigned(prober: &Prober, subject: &Subject, known: &Survey) -> bool {
    let Some((version, _)) = known.accepted().next() else { return false };
    let hello = suite_hello(subject, version, &[UNASSIGNED], Default::default());
    let Outcome::Selected(flight) = prober.ask(&hello).await else { return false };
    flight.server_hello.is_some_and(|hello| hello.cipher_suite == UNASSIGNED)
}

async fn run_searches(
    prober: &Prober,
    subject: &Subject,
    options: &Options,
    searches: &mut [SuiteSearch],
    doubts: &mut Doubts,
    seen: &mut extras::Seen,
    progress: &(dyn Fn(Step) + Sync),
) {
    while more_to_ask(searches, doubts) {
        ask_all(prober, subject, options, searches, doubts, seen, progress).await;
        let verifying = doubts.verify(searches, subject, prober);
        if timeout_at(options.deadline, verifying).await.is_err() {
            break;
        }
        if !doubts.is_empty() {
            let settling = doubts.settle(searches, subject, prober, options.deadline);
            let in_time = timeout_at(options.deadline, settling).await.is_ok();
            if !in_time || doubts.gave_up() {
                break;
            }
        }
    }
    let late = Instant::now() >= options.deadline;
    let why = if late {
        "the deadline ended the survey".to_owned()
    } else {
        let connections = prober.opened_at_last_answer();
        format!("the server stopped answering after {connections} connections")
    };
    doubts.give_up(searches, (late || doubts.gave_up()).then_some(&why));
    for search in searches {
        search.give_up(&why);
    }
}

/// What is in doubt is settled before the searches go on to their next stage.
fn more_to_ask(searches: &mut [SuiteSearch], doubts: &Doubts) -> bool {
    !doubts.is_empty() || searches.iter_mut().fold(false, |more, search| search.advance() | more)
}

/// Asks what is queued, as much at once as the gate allows, until nothing is queued or an
/// answer is in doubt.
async fn ask_all(
    prober: &Prober,
    subject: &Subject,
    options: &Options,
    searches: &mut [SuiteSearch],
    doubts: &mut Doubts,
    seen: &mut extras::Seen,
    progress: &(dyn Fn(Step) + Sync),
) {
    let mut running = FuturesUnordered::new();
    let mut turn = 0;
    let mut in_flight = vec![0usize; searches.len()];
    let mut fastest = Duration::MAX;
    loop {
        let width = prober.gate().width();
        while doubts.is_empty() && running.len() < width {
            let Some((index, mut job)) = next_job(searches, &mut turn) else { break };
            let subject = subject.in_manner(doubts.manner());
            let hello = suite_hello(&subject, searches[index].version, &job.suites, job.share);
            job.size = size(&hello);
            in_flight[index] += 1;
            running.push(async move {
                let begun = Instant::now();
                let outcome = prober.ask(&hello).await;
                (index, outcome, job, begun.elapsed())
            });
        }
        let answer = match timeout_at(options.deadline, running.next()).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => return,
        };
        let (index, outcome, job, took) = answer;
        fastest = fastest.min(took);
        in_flight[index] -= 1;
        seen.look_at(&outcome);
        if matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_)) {
            doubts.note_answer(searches, &job);
        }
        let waiting = searches.iter().filter(|search| search.is_waiting()).count();
        let idle = width.saturating_sub(running.len() + waiting);
        let parts = if fastest < WORTH_SPLITTING { 1 } else { idle };
        if let Verdict::Doubtful(job, trouble) = searches[index].record(job, &outcome, parts) {
            doubts.add(searches, index, job, trouble);
        }
        if doubts.is_empty() && in_flight[index] == 0 {
            searches[index].advance();
        }
        progress(Step::Suites(searches.iter().map(SuiteSearch::found).sum()));
    }
}

/// Takes turns between the versions.
fn next_job(searches: &mut [SuiteSearch], turn: &mut usize) -> Option<(usize, super::search::Job)> {
    let count = searches.len();
    for offset in 0..count {
        let index = (*turn + offset) % count;
        if let Some(job) = searches[index].next() {
            *turn = (index + 1) % count;
            return Some((index, job));
        }
    }
    None
}
