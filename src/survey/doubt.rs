//! Tells refusals from trouble, where a server hangs up instead of answering.
//!
//! A hello that is known to be accepted, sent right after, is the control: if that works and the
//! doubtful hello fails again, the server refuses; if not, it is throttling us, and everything
//! goes slower. Once a few hellos have failed in this way, more than chance explains, the same
//! ending counts as a refusal, as long as controls keep being answered; after two silences, the
//! same silence is not asked about again, and stays unclear.
//!
//! Traps:
//! - Where connections are limited, a server frees a place some time after a connection has
//!   ended. A hello sent right after a control was hung up on for the control, and the control
//!   after it answered, again and again. So hello and control are sent while nobody else talks
//!   to the server, and the pause before the hello grows.
//! - Behind one address, every second connection may go to a server that is dead. So the number
//!   of controls changes, and with it the place of the hello in any such cycle.
//! - Connections may get lost at random. How many failures in a row are no chance depends on how
//!   many hellos were lost that the server is known to answer.
//!
//! Once an ending has proven to be trouble, all that rested on endings is asked again, each hello
//! until its own failures are no chance. Hellos and controls then come in no steady order and
//! after pauses of the same kind, so that no limit can tell them apart, whatever it counts; and
//! what failed before the pace was lowered counts no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, sleep};

use super::candidates::is_widespread;
use super::evidence::{Evidence, Oddity};
use super::hello::{Manner, Subject, suite_hello};
use super::search::{Job, Purpose, SuiteSearch, Trouble, Verdict};
use super::size::{Known, Limit, Sizes, find_limit, size};
use crate::probe::{Ending, Outcome, Prober};
use crate::wire::ClientHello;

/// How often a control must tell the same story before the same silence stays unclear.
const CONFIRMATIONS: usize = 2;
/// How often a hello that is hung up on is asked again at most.
const MOST_FAILURES: u32 = 8;
/// The shortest pause before a hello that was hung up on is asked again.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How long to wait when the control fails, at first; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The shortest pause, as a rule, before a connection under suspicion.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// The longest.
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// Controls that fail in a row before the rest is given up.
const FAILED_CONTROLS: u32 = 5;

/// What is known of how this server says no.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    open: Vec<Doubt>,
    /// How many hellos failed by an ending, alone with the server, where the controls after them
    /// did not.
    failures: BTreeMap<&'static str, u32>,
    /// The endings that count as refusals.
    confirmed: BTreeSet<&'static str>,
    /// Words for what taught nothing while a control was answered, and how often it did.
    persistent: BTreeMap<String, usize>,
    /// All that was taken for refused because of an ending.
    refusals: Vec<(usize, Job)>,
    /// How many of these were followed by a control that was answered.
    verified: usize,
    /// Whether endings have proven to be trouble on this server.
    suspicious: bool,
    failed_controls: u32,
    /// How often the pace was lowered because controls failed.
    pace: u32,
    control: Option<ClientHello>,
    /// What the control was answered with.
    known: Option<Known>,
    sizes: Sizes,
    manner: Manner,
    /// What was found odd about sizes.
    pub(super) oddities: Vec<Oddity>,
    gave_up: bool,
    chance: Chance,
    /// Whether the troubles that are being settled have slowed the connections down already.
    slowed_down: bool,
}

#[derive(Debug)]
struct Doubt {
    search: usize,
    job: Job,
    trouble: Trouble,
    /// How often the hello failed in a row where a control right after it did not.
    failures: u32,
    /// The pace at which it did.
    pace: u32,
}

impl Doubt {
    fn new(search: usize, job: Job, trouble: Trouble) -> Self {
        Self { search, job, trouble, failures: 0, pace: 0 }
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
        self.failed_controls = 0;
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
                if is_size_known && self.is_confirmed(ending) && !deserves_another(&job) =>
            {
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
        if answered && !self.is_contradicted(searches) {
            self.verified = self.refusals.len();
        } else {
            self.suspect(searches);
        }
    }

    /// Sends a control and says whether it was answered; `None` if there is none to send. Where it
    /// was not, endings have proven to be trouble.
    ///
    /// One that is lost is sent once more: where connections get lost whatever the pace, a lower
    /// one is no help.
    async fn ask_known(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
    ) -> Option<bool> {
        let control = self.control(searches, subject)?;
        let outcome = self.send_control(&control, prober).await;
        if !matches!(outcome, Outcome::Selected(_)) {
            self.suspect(searches);
        }
        let outcome = match outcome {
            Outcome::Ended(_) => self.send_control(&control, prober).await,
            outcome => outcome,
        };
        Some(matches!(outcome, Outcome::Selected(_)))
    }

    async fn send_control(&mut self, control: &ClientHello, prober: &Prober) -> Outcome {
        let prober = prober.alone().await;
        if self.suspicious {
            sleep(self.chance.pause(&prober)).await;
        }
        let outcome = prober.ask_within(control, prober.control_patience()).await;
        let Outcome::Selected(flight) = &outcome else {
            prober.note_alone(0, 1);
            return outcome;
        };
        prober.note_alone(1, 0);
        if let Some(hello) = &flight.server_hello {
            self.known = Some((hello.version, hello.cipher_suite));
            self.sizes.note_answered(size(control));
        }
        outcome
    }

    /// Whether a suite was taken for refused because of an ending that is selected now.
    fn is_contradicted(&self, searches: &[SuiteSearch]) -> bool {
        let Some((version, suite)) = self.known else { return false };
        self.refusals
            .iter()
            .any(|(index, job)| searches[*index].version == version && job.suites.contains(&suite))
    }

    /// An ending was trouble, so that all that rests on endings is in doubt again.
    fn suspect(&mut self, searches: &mut [SuiteSearch]) {
        if self.suspicious {
            return;
        }
        self.suspicious = true;
        self.confirmed.clear();
        self.failures.clear();
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
        self.confirmed.contains(key(ending))
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
            Some(false) => return self.slow_down(prober).await,
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
                    Trouble::Ended(ending) => {
                        self.is_confirmed(*ending) && !deserves_another(&doubt.job)
                    }
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
        let Doubt { search: index, mut job, trouble, failures, pace } = doubt;
        job.attempts += 1;
        let was_ending = matches!(trouble, Trouble::Ended(_));
        // Without a control, more failures would tell no more.
        let most = match was_ending && self.control(searches, subject).is_some() {
            true => MOST_FAILURES,
            false => prober.limits().retries,
        };
        if job.attempts > most.max(CONFIRMATIONS as u32) {
            searches[index].record_unclear(&job, &words(&trouble));
            return;
        }
        let subject = &subject.in_manner(self.manner);
        let hello = suite_hello(subject, searches[index].version, &job.suites, job.share);
        job.size = size(&hello);
        let outcome = match trouble {
            Trouble::Ended(ending) => self.ask_alone(prober, &hello, &job, ending).await,
            Trouble::Unclear(_) => {
                if self.suspicious {
                    sleep(self.chance.pause(prober) * job.attempts).await;
                }
                prober.ask(&hello).await
            }
        };
        let search = &mut searches[index];
        search.note_resent(&job);
        if matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_)) {
            self.sizes.note_answered(job.size);
        }
        match search.record(job, &outcome, 1) {
            Verdict::Doubtful(job, Trouble::Ended(ending)) if self.is_confirmed(ending) => {
                self.refuse(searches, index, job, ending);
            }
            // It works now, so it was trouble: fewer connections at once from here on.
            Verdict::Recorded => {
                self.failed_controls = 0;
                prober.note_alone(u32::from(was_ending), failures);
                // Once for all that were in flight together.
                let is_first = !std::mem::replace(&mut self.slowed_down, true);
                if was_ending {
                    if is_first {
                        prober.gate().narrow_within(prober.gate().gap());
                    }
                    self.suspect(searches);
                } else if is_first {
                    prober.gate().narrow();
                }
            }
            Verdict::Doubtful(job, trouble) => {
                let doubt = Doubt { search: index, job, trouble, failures, pace };
                self.ask_controls(searches, subject, prober, doubt).await;
            }
        }
    }

    /// Asks again for what was hung up on while nobody else talks to the server, and some time
    /// after the last connection.
    async fn ask_alone(
        &mut self,
        prober: &Prober,
        hello: &ClientHello,
        job: &Job,
        ending: Ending,
    ) -> Outcome {
        let looks = self.failures.get(key(ending)).copied().unwrap_or(0) + 1;
        let prober = prober.alone().await;
        sleep(match self.suspicious {
            true => self.chance.pause(&prober),
            false if self.is_confirmed(ending) => FIRST_LOOK,
            false => FIRST_LOOK * looks.max(job.attempts),
        })
        .await;
        prober.ask(hello).await
    }

    async fn ask_controls(
        &mut self,
        searches: &mut [SuiteSearch],
        subject: &Subject,
        prober: &Prober,
        mut doubt: Doubt,
    ) {
        let controls = match doubt.trouble {
            Trouble::Unclear(_) => 1,
            Trouble::Ended(_) if self.suspicious => self.chance.0.random_range(0..=1),
            // In turn, so that what comes and goes with the number of connections shows.
            Trouble::Ended(_) => doubt.job.attempts % 2 + 1,
        };
        for _ in 0..controls {
            match self.ask_known(searches, subject, prober).await {
                None => return self.open.push(doubt),
                Some(true) => {}
                Some(false) => {
                    self.open.push(doubt);
                    return self.slow_down(prober).await;
                }
            }
        }
        if controls > 0 {
            self.failed_controls = 0;
            if self.is_contradicted(searches) {
                self.suspect(searches);
            }
        }
        let is_size_known = self.sizes.cover(doubt.job.size);
        match &doubt.trouble {
            // Not before it is known that its size is not the reason.
            _ if !is_size_known => self.open.push(doubt),
            Trouble::Ended(ending) => {
                let ending = *ending;
                if doubt.pace != self.pace {
                    (doubt.failures, doubt.pace) = (0, self.pace);
                }
                doubt.failures += 1;
                self.note_failure(searches, prober, doubt, ending);
                if controls > 0 {
                    self.verified = self.refusals.len();
                }
            }
            Trouble::Unclear(what) => {
                *self.persistent.entry(what.clone()).or_default() += 1;
                self.add(searches, doubt.search, doubt.job, doubt.trouble);
            }
        }
    }

    /// Takes note of a hello that failed alone with the server, where controls do not.
    fn note_failure(
        &mut self,
        searches: &mut [SuiteSearch],
        prober: &Prober,
        doubt: Doubt,
        ending: Ending,
    ) {
        let failures = match self.suspicious {
            true => doubt.failures,
            false => {
                let failures = self.failures.entry(key(ending)).or_default();
                *failures += 1;
                *failures
            }
        };
        if !prober.is_no_chance(failures) {
            return self.open.push(doubt);
        }
        let index = doubt.search;
        self.refuse(searches, index, doubt.job, ending);
        if !self.suspicious && self.confirmed.insert(key(ending)) {
            searches[index].oddities.push(Oddity::RefusesByEnding(ending));
        }
    }

    async fn slow_down(&mut self, prober: &Prober) {
        prober.gate().narrow();
        self.pace += 1;
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

/// Whether a set is asked once more, alone with the server, where the server is known to refuse
/// by hanging up: if there are suites in wide use in it.
fn deserves_another(job: &Job) -> bool {
    let is_search = job.purpose == Purpose::Search;
    is_search && job.attempts == 0 && job.suites.iter().any(|suite| is_widespread(*suite))
}

/// What is left to chance under suspicion; the same in each run, so that one can be repeated.
#[derive(Debug)]
struct Chance(StdRng);

impl Default for Chance {
    fn default() -> Self {
        Self(StdRng::seed_from_u64(0))
    }
}

impl Chance {
    /// How long to wait before a connection.
    fn pause(&mut self, prober: &Prober) -> Duration {
        let usual = (prober.gate().delay() * 2).clamp(LEAST_PAUSE, MOST_PAUSE);
        usual.mul_f64(self.0.random_range(0.5..1.5))
    }
}

fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Ended(ending) => format!("{ending} without an answer"),
        Trouble::Unclear(what) => what.clone(),
    }
}
