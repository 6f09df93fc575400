//! Tells refusals from trouble, where a server hangs up instead of answering.
//!
//! A hello that is known to be accepted, sent right after, is the control: if that works and the
//! doubtful hello fails again, the server refuses; if not, it is throttling us, and everything
//! goes slower. After two refusals found in this way, the same ending counts as one, as long as
//! controls keep being answered; after two silences, the same silence is not asked about again,
//! and stays unclear.
//!
//! Trap: where connections are limited, a control can succeed by chance. Once an ending has
//! proven to be trouble, all that rested on endings is asked again, and each refusal must show
//! twice that the hello fails after a longer pause than the control after it needs.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::candidates::is_widespread;
use super::evidence::{Evidence, Oddity};
use super::hello::{Manner, Subject, suite_hello};
use super::search::{Job, Purpose, SuiteSearch, Trouble, Verdict};
use super::size::{Known, Limit, Sizes, find_limit, size};
use crate::probe::{Ending, Outcome, Prober};
use crate::wire::ClientHello;

/// How often a control must tell the same story before an ending counts as a refusal.
const CONFIRMATIONS: usize = 2;
/// How long to wait when the control fails, at first; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The shortest pause before a hello that was hung up on is asked again under suspicion.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// The longest.
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// Controls that fail in a row before the rest is given up.
const FAILED_CONTROLS: u32 = 5;

/// What is known of how this server says no.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    open: Vec<Doubt>,
    confirmed: BTreeMap<&'static str, usize>,
    /// Words for what taught nothing while a control was answered, and how often it did.
    persistent: BTreeMap<String, usize>,
    /// All that was taken for refused because of an ending.
    refusals: Vec<(usize, Job)>,
    /// How many of these were followed by a control that was answered.
    verified: usize,
    /// Whether endings have proven to be trouble on this server.
    suspicious: bool,
    failed_controls: u32,
    control: Option<ClientHello>,
    /// What the control was answered with.
    known: Option<Known>,
    sizes: Sizes,
    manner: Manner,
    /// What was found odd about sizes.
    pub(super) oddities: Vec<Oddity>,
    gave_up: bool,
    /// Whether the troubles that are being settled have slowed the connections down already.
    slowed_down: bool,
}

#[derive(Debug)]
struct Doubt {
    search: usize,
    job: Job,
    trouble: Trouble,
    /// How often the hello failed in a row where a control right after it did not.
    failures: usize,
}

impl Doubt {
    fn new(search: usize, job: Job, trouble: Trouble) -> Self {
        Self { search, job, trouble, failures: 0 }
    }
}

fn key(ending: Ending) -> &'static str {
    match ending {
        Ending::Closed => "closed",
        Ending::Reset => "reset",
    }
}

impl Doubts {
    /// Begins with a hello that is known to be answered, if there is one, and with a manner.
    pub(super) fn new(control: Option<ClientHello>, manner: Manner) -> Self {
        Self { control, manner, ..Self::default() }
    }

    /// How hellos have to be made, as far as it is known.
    pub(super) fn manner(&self) -> Manner {
        self.manner
    }

    /// Takes note of a hello that was answered. If it was hung up on before, that was trouble.
    pub(super) fn note_answer(&mut self, searches: &mut [SuiteSearch], job: &Job) {
        self.sizes.note_answered(job.size);
        if job.attempts > 0 {
            self.suspect(searches);
        }
    }

    /// Takes a hello that is known to be answered, which was not known at the beginning.
    pub(super) fn begin_with(&mut self, control: Option<ClientHello>) {
        self.control = self.control.take().or(control);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Takes an answer that says nothing by itself, unless it is known by now what it means.
    pub(super) fn add(
        &mut self,
        searches: &mut [SuiteSearch],
        index: usize,
        job: Job,
        trouble: Trouble,
    ) {
        let is_size_known = self.sizes.cover(job.size);
        match trouble {
            // That is how this server says no; but a set that matters may have met with trouble
            // that looks the same.
            Trouble::Ended(ending)
                if is_size_known && self.is_confirmed(ending) && deserves_another(&job) =>
            {
                searches[index].ask_again(Job { attempts: job.attempts + 1, ..job });
            }
            Trouble::Ended(ending) if is_size_known && self.is_confirmed(ending) => {
                self.refuse(searches, index, job, ending);
            }
            Trouble::Unclear(what) if is_size_known && self.is_persistent(&what) => {
                searches[index].record_unclear(&job, &what);
            }
            trouble => self.open.push(Doubt::new(index, job, trouble)),
        }
    }

    fn refuse(&mut self, searches: &mut [SuiteSearch], index: usize, job: Job, ending: Ending) {
        let offered = job.suites.len();
        searches[index].record_refusal(&job, &Evidence::Ended { ending, offered });
        self.refusals.push((index, job));
    }

    /// Sends a control if endings were taken for refusals since the last one. If it fails, they
    /// may have been something else.
    pub(super) async fn verify(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
    ) {
        if self.verified == self.refusals.len() {
            return;
        }
        let Some(answered) = self.ask_known(searches, subject, prober).await else { return };
        if answered {
            self.verified = self.refusals.len();
        } else {
            self.suspect(searches);
        }
    }

    /// Sends a control and says whether it was answered; `None` if there is none to send.
    async fn ask_known(
        &mut self,
        searches: &[SuiteSearch],
        subject: &Subject,
        prober: &Prober,
    ) -> Option<bool> {
        let control = self.control(searches, subject)?;
        let outcome = prober.ask_within(&control, prober.control_patience()).await;
        let Outcome::Selected(flight) = outcome else { return Some(false) };
        if let Some(hello) = flight.server_hello {
            self.known = Some((hello.version, hello.cipher_suite));
            self.sizes.note_answered(size(&control));
        }
        Some(true)
    }

    /// An ending was trouble, so that all that rests on endings is in doubt again.
    fn suspect(&mut self, searches: &mut [SuiteSearch]) {
        if self.suspicious {
            return;
        }
        self.suspicious = true;
        self.confirmed.clear();
        for search in searches.iter_mut() {
            search.oddities.retain(|oddity| !matches!(oddity, Oddity::RefusesByEnding(_)));
        }
        for (index, job) in std::mem::take(&mut self.refusals) {
            let what = "hung up on, as hellos are that are accepted";
            // At once, since the deadline may come before the answer.
            searches[index].record_unclear(&job, what);
            let trouble = Trouble::Unclear(what.to_owned());
            self.open.push(Doubt::new(index, Job { attempts: 0, ..job }, trouble));
        }
        self.verified = 0;
    }

    /// Asking once more what never taught anything would only use up the time for the rest.
    fn is_persistent(&self, what: &str) -> bool {
        self.persistent.get(what).is_some_and(|count| *count >= CONFIRMATIONS)
    }

    fn is_confirmed(&self, ending: Ending) -> bool {
        self.confirmed.get(key(ending)).is_some_and(|count| *count >= CONFIRMATIONS)
    }

    /// Asks again, one connection at a time, for everything that is in doubt.
    pub(super) async fn settle(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
        deadline: Instant,
    ) {
        self.slowed_down = false;
        // Several at once, or the last control failed: does it still answer at all?
        let is_asked =
            self.open.len() > 1 || self.failed_controls > 0 || self.known_pair(searches).is_none();
        let answers = if is_asked { self.ask_known(searches, subject, prober).await } else { None };
        match answers {
            Some(false) => {
                self.suspect(searches);
                return self.slow_down(prober).await;
            }
            Some(true) => self.failed_controls = 0,
            None => {}
        }
        for doubt in std::mem::take(&mut self.open) {
            if self.gave_up || Instant::now() >= deadline {
                self.open.push(doubt);
                continue;
            }
            if !self.fits(&doubt.job) {
                searches[doubt.search].requeue(doubt.job, &subject.in_manner(self.manner));
                continue;
            }
            let is_known = self.sizes.cover(doubt.job.size)
                && match &doubt.trouble {
                    Trouble::Ended(ending) => self.is_confirmed(*ending),
                    Trouble::Unclear(what) => self.is_persistent(what),
                };
            if is_known {
                self.add(searches, doubt.search, doubt.job, doubt.trouble);
            } else {
                self.settle_one(searches, subject, prober, doubt).await;
            }
        }
    }

    async fn settle_one(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
        doubt: Doubt,
    ) {
        let Some(doubt) = self.check_size(searches, subject, prober, doubt).await else { return };
        let Doubt { search: index, mut job, trouble, failures } = doubt;
        job.attempts += 1;
        if job.attempts > prober.limits().retries.max(CONFIRMATIONS as u32) {
            searches[index].record_unclear(&job, &words(&trouble));
            return;
        }
        if self.suspicious {
            sleep(pause(prober, job.attempts)).await;
        }
        let was_ending = matches!(trouble, Trouble::Ended(_));
        let search = &mut searches[index];
        let subject = &subject.in_manner(self.manner);
        let hello = suite_hello(subject, search.version, &job.suites, job.share);
        job.size = size(&hello);
        search.note_resent(&job);
        let outcome = prober.ask(&hello).await;
        if matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_)) {
            self.sizes.note_answered(job.size);
        }
        match search.record(job, &outcome, 1) {
            // It works now, so it was trouble: fewer connections at once from here on.
            Verdict::Recorded => {
                // Once for all that were in flight together.
                if !std::mem::replace(&mut self.slowed_down, true) {
                    prober.gate().narrow();
                }
                if was_ending {
                    self.suspect(searches);
                }
            }
            Verdict::Doubtful(job, trouble) => {
                let doubt = Doubt { search: index, job, trouble, failures };
                self.ask_control(searches, subject, prober, doubt).await;
            }
        }
    }

    async fn ask_control(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
        mut doubt: Doubt,
    ) {
        let Some(is_answered) = self.ask_known(searches, subject, prober).await else {
            self.open.push(doubt);
            return;
        };
        if !is_answered {
            doubt.failures = 0;
            self.open.push(doubt);
            self.suspect(searches);
            return self.slow_down(prober).await;
        }
        self.failed_controls = 0;
        self.verified = self.refusals.len();
        doubt.failures += 1;
        let is_size_known = self.sizes.cover(doubt.job.size);
        match &doubt.trouble {
            // Not before it is known that its size is not the reason.
            _ if !is_size_known => self.open.push(doubt),
            Trouble::Ended(_) if self.suspicious && doubt.failures < CONFIRMATIONS => {
                self.open.push(doubt);
            }
            Trouble::Ended(ending) => {
                let ending = *ending;
                self.confirm(searches, doubt.search, doubt.job, ending);
            }
            Trouble::Unclear(what) => {
                *self.persistent.entry(what.clone()).or_default() += 1;
                self.add(searches, doubt.search, doubt.job, doubt.trouble);
            }
        }
    }

    fn confirm(&mut self, searches: &mut [SuiteSearch], index: usize, job: Job, ending: Ending) {
        self.refuse(searches, index, job, ending);
        self.verified = self.refusals.len();
        if self.suspicious {
            return;
        }
        let count = self.confirmed.entry(key(ending)).or_default();
        *count += 1;
        if *count == CONFIRMATIONS {
            searches[index].oddities.push(Oddity::RefusesByEnding(ending));
        }
    }

    async fn slow_down(&mut self, prober: &Prober) {
        prober.gate().narrow();
        self.failed_controls += 1;
        if self.failed_controls >= FAILED_CONTROLS {
            self.gave_up = true;
            return;
        }
        sleep(FIRST_PAUSE * 2u32.pow(self.failed_controls - 1)).await;
    }

    fn control(&self, searches: &[SuiteSearch], subject: &Subject) -> Option<ClientHello> {
        let known = searches.iter().find_map(|search| Some((search.version, search.known()?)));
        let subject = subject.in_manner(self.manner);
        known
            .map(|(version, suite)| suite_hello(&subject, version, &[suite], Default::default()))
            .or_else(|| self.control.clone())
    }

    /// A version and a suite that are known to be accepted together.
    fn known_pair(&self, searches: &[SuiteSearch]) -> Option<Known> {
        let found = searches.iter().find_map(|search| Some((search.version, search.known()?)));
        found.or(self.known)
    }

    /// Whether the job was sent in the manner that is known to be needed by now.
    fn fits(&self, job: &Job) -> bool {
        let most = self.manner;
        // A suite of the hello is no suite: TLS_EMPTY_RENEGOTIATION_INFO_SCSV.
        let is_changed = most != Manner::default();
        !is_changed
            || (job.size.bytes <= most.most_bytes && job.size.suites <= most.most_suites + 1)
    }

    /// Finds out whether the size of the hello is the reason, where that can be. If it is, the
    /// suites go back to their search, to be asked for in smaller hellos.
    async fn check_size(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
        doubt: Doubt,
    ) -> Option<Doubt> {
        let unanswered = doubt.job.size;
        if self.sizes.cover(unanswered) || doubt.job.purpose == Purpose::Order {
            return Some(doubt);
        }
        let Some(known) = self.known_pair(searches) else { return Some(doubt) };
        let manner = self.manner;
        match find_limit(prober, &subject.in_manner(manner), known, unanswered).await {
            Limit::None => self.sizes.note_answered(unanswered),
            Limit::Unknown => {}
            Limit::Found(manner, oddity) => {
                self.manner = manner;
                self.oddities.retain(|oddity| !matches!(oddity, Oddity::LongHello { .. }));
                self.oddities.push(oddity);
                let subject = subject.in_manner(manner);
                searches.iter_mut().for_each(|search| search.refit(&subject));
                searches[doubt.search].requeue(doubt.job, &subject);
                return None;
            }
        }
        Some(doubt)
    }

    /// Writes down that what is still in doubt could not be learned.
    pub(super) fn give_up(&mut self, searches: &mut [SuiteSearch], why: Option<&str>) {
        for (index, job) in self.refusals.drain(self.verified..) {
            searches[index].record_unclear(&job, "hung up on, and no control came after it");
        }
        for doubt in self.open.drain(..) {
            let what = words(&doubt.trouble);
            let what = why.map_or(what.clone(), |why| format!("{what}; {why}"));
            searches[doubt.search].record_unclear(&doubt.job, &what);
        }
    }
}

/// How often a set with suites in wide use is asked again where the server is known to refuse by
/// hanging up.
const SECOND_LOOKS: u32 = 2;

fn deserves_another(job: &Job) -> bool {
    let is_search = job.purpose == Purpose::Search;
    is_search && job.attempts < SECOND_LOOKS && job.suites.iter().any(|suite| is_widespread(*suite))
}

/// How long to wait before a hello is asked again where connections may be limited: longer than
/// the control after it waits, and by more than that the next time, so that no steady limit lets
/// all controls through and none of the hellos.
fn pause(prober: &Prober, attempts: u32) -> Duration {
    (prober.gate().delay() * 4).clamp(LEAST_PAUSE, MOST_PAUSE) * attempts
}

fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Ended(ending) => format!("{ending} without an answer"),
        Trouble::Unclear(what) => what.clone(),
    }
}
