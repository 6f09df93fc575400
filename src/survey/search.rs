//! Which suites a server accepts under one version: what to ask next, and what answers mean.
//!
//! Pure: takes outcomes and gives sets to offer, without a socket. RFC 5246 §7.4.1.2 and
//! §7.4.1.3; RFC 8446 §4.1.2 and §4.1.3.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use super::VersionSurvey;
use super::candidates::{
    KnownOrder, goes_with_rsa, is_in_general_use, is_widespread, is_worth_asking, search_order,
};
use super::evidence::{Answer, Evidence, HelloSize, NotOffered, Oddity};
use super::hello::{Subject, Tls13Share, hello_sized_sets, one_kind_sets};
use super::order::{Observation, Order, Preference, preference};
use super::rounds::Rounds;
use super::waver::RefusedHello;
use crate::probe::{Ending, Outcome, ProbeError};
use crate::tls::{Alert, AlertDescription, CipherSuite, KeyExchange, TlsVersion};
use crate::wire::Flight;

/// How many hellos must be refused for their version before no more are sent.
const VERSION_REFUSALS: usize = 2;
/// How many must be answered in another version, which something on the way may have changed.
const OTHER_VERSIONS: usize = 4;
/// A part smaller than this is not worth a connection of its own while others wait.
const SMALLEST_PART: usize = 6;
/// Members of refused sets that are asked alone, the ones most in use.
const SAMPLED: [CipherSuite; 6] = [
    CipherSuite(0xc02f),
    CipherSuite(0x002f),
    CipherSuite(0xc02b),
    CipherSuite(0x009c),
    CipherSuite(0xc013),
    CipherSuite(0x1301),
];
/// The one of them that servers with few suites leave out, and those with many accept.
const LEFT_OUT_BY_MANY: CipherSuite = CipherSuite(0x002f);
/// How many members are sampled under one version, and under one below TLS 1.2.
const SAMPLES: usize = 2;
const OLD_SAMPLES: usize = 1;

/// One hello to send: the suites to offer and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Job {
    pub(super) suites: Vec<CipherSuite>,
    pub(super) purpose: Purpose,
    pub(super) share: Tls13Share,
    /// How often it was asked in vain.
    pub(super) attempts: u32,
    /// How big its hello was when it was sent.
    pub(super) size: HelloSize,
    /// How soon it is wanted: 0 first.
    pub(super) rank: u8,
    /// The list that it is a question of, on a far network.
    pub(super) list: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// To find accepted suites.
    Search,
    /// To see whether a member of a refused set is refused alone.
    Sample,
    /// To learn the order of accepted suites.
    Order,
}

/// How far away the server is, which decides how it is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Distance {
    /// Connections cost more than round trips: sets stay whole, so that the answers give the
    /// server's order along the way.
    Near,
    /// Round trips cost more than connections: as many questions side by side as teach something.
    Far,
}

/// Suites that are asked for together on a far network, in the order that is supposed.
#[derive(Debug)]
struct List {
    suites: Vec<CipherSuite>,
    rank: u8,
    rounds: Rounds,
    order: KnownOrder,
    /// Questions that are queued or on their way.
    waiting: usize,
    /// Answers of this round that selected something, and how many suites they found.
    selected: usize,
    new: usize,
}

/// What stands between an answer and its meaning.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The answer is in the books.
    Recorded,
    /// The answer can be a refusal or trouble on the way.
    Doubtful(Job, Trouble),
}

/// An answer that says nothing by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    /// The connection ended without an answer.
    Ended(Ending),
    /// Nothing was learned, in words.
    Unclear(String),
}

/// The search under one version.
#[derive(Debug)]
pub(super) struct SuiteSearch {
    pub(super) version: TlsVersion,
    queue: VecDeque<Job>,
    stage: Stage,
    answers: BTreeMap<CipherSuite, Answer>,
    accepted: Vec<CipherSuite>,
    observations: Vec<Observation>,
    version_refusals: usize,
    /// The most suites that a hello was made for.
    largest_set: usize,
    /// How often the server answered with another version.
    other_versions: usize,
    is_spent: bool,
    distance: Distance,
    lists: Vec<List>,
    /// How many refusals of the version are enough.
    refusals_needed: usize,
    /// Whether the next newer version may still be refused, and this one with it.
    newer_is_open: bool,
    /// The order that the newest version below TLS 1.3 seems to have.
    order_of_newer: Option<KnownOrder>,
    /// Suites that TLS 1.2 has, in the order that it has, and whether more may come.
    expected: Vec<CipherSuite>,
    waits_for_tls12: bool,
    in_flight: usize,
    is_heard: bool,
    has_asked: bool,
    any_alert: bool,
    /// Whether the server answered with an older version.
    answers_older: bool,
    sampled: Vec<CipherSuite>,
    order_waiting: usize,
    order_rounds: usize,
    /// How many places of the order were not proven when it was last asked for.
    order_left: usize,
    shared_for_real: bool,
    refused_hellos: Vec<RefusedHello>,
    pub(super) oddities: Vec<Oddity>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Searching,
    RealShares,
    Sampling,
    Ordering(usize),
    Done,
}

impl SuiteSearch {
    pub(super) fn new(subject: &Subject, version: TlsVersion, distance: Distance) -> Self {
        let (offered, left_out): (Vec<_>, Vec<_>) =
            IN_SEARCH_ORDER.iter().copied().partition(|suite| is_worth_asking(*suite, version));
        // One chain of answers over the suites that go with an RSA certificate gives their whole
        // order for free.
        let first = offered.partition_point(|suite| goes_with_rsa(*suite));
        let mut sets = one_kind_sets(subject, version, &offered[..first]);
        sets.extend(hello_sized_sets(subject, version, &offered[first..]));
        let not_offered = Answer::NotOffered(NotOffered::NotDefined);
        let lists = match distance {
            Distance::Near => Vec::new(),
            Distance::Far => lists(subject, version, &offered),
        };
        let mut search = Self {
            version,
            largest_set: sets.iter().map(Vec::len).max().unwrap_or(1),
            other_versions: 0,
            queue: VecDeque::new(),
            stage: Stage::Searching,
            answers: left_out.into_iter().map(|suite| (suite, not_offered.clone())).collect(),
            accepted: Vec::new(),
            observations: Vec::new(),
            version_refusals: 0,
            is_spent: false,
            oddities: Vec::new(),
            distance,
            lists,
            // Few servers lack TLS 1.2, so that one more hello at once to those far away is
            // seldom in vain.
            refusals_needed: match (distance, version) {
                (Distance::Far, TlsVersion::TLS12) => VERSION_REFUSALS + 1,
                _ => VERSION_REFUSALS,
            },
            order_of_newer: None,
            expected: Vec::new(),
            waits_for_tls12: false,
            newer_is_open: version < TlsVersion::TLS11,
            in_flight: 0,
            is_heard: false,
            has_asked: false,
            any_alert: false,
            answers_older: false,
            sampled: Vec::new(),
            order_waiting: 0,
            order_rounds: 0,
            order_left: 0,
            shared_for_real: false,
            refused_hellos: Vec::new(),
        };
        match distance {
            Distance::Near => {
                search.queue = sets.into_iter().map(|set| Job::new(set, Purpose::Search)).collect();
            }
            Distance::Far => search.ask_for_whole_lists(),
        }
        search
    }

    /// Each list as a whole, turned round, so that a server which has the supposed order shows
    /// that it is its own.
    fn ask_for_whole_lists(&mut self) {
        for index in 0..self.lists.len() {
            let suites = self.lists[index].suites.iter().rev().copied().collect();
            self.queue_question(index, suites);
        }
    }

    fn queue_question(&mut self, index: usize, suites: Vec<CipherSuite>) {
        let list = &mut self.lists[index];
        list.waiting += 1;
        let job = Job::new(chacha_not_first(suites), Purpose::Search);
        self.queue.push_back(Job { list: Some(index), rank: list.rank, ..job });
    }

    /// The next hello to send, if there is one to send now.
    pub(super) fn next(&mut self) -> Option<Job> {
        self.next_rank()?;
        let first = (0..self.queue.len()).min_by_key(|index| self.queue[*index].rank)?;
        self.in_flight += 1;
        self.has_asked = true;
        self.queue.remove(first)
    }

    /// How soon the next hello is wanted, if there is one to send now. A version of which nothing
    /// is known yet is not asked for more often than it may refuse.
    pub(super) fn next_rank(&self) -> Option<u8> {
        // What becomes of the newer version may save all that follows the first question.
        if self.newer_is_open && self.accepted.is_empty() && self.has_asked {
            return None;
        }
        let enough = self.in_flight + self.version_refusals >= self.refusals_needed;
        if !self.is_heard && enough && self.in_flight > 0 {
            return None;
        }
        self.queue.iter().map(|job| job.rank).min()
    }

    /// Takes note of what became of the next newer version. One that is refused by an alert is a
    /// refusal of all versions up to it (RFC 5246 §E.1), so that one refusal, by whatever alert,
    /// confirms it for this one: SSL 3.0 has no alert protocol_version.
    pub(super) fn learn_of_newer(&mut self, newer: &Self) {
        self.order_of_newer =
            if newer.found() > 1 { Some(newer.likely_order()) } else { newer.order_of_newer };
        self.newer_is_open = !newer.is_heard && !newer.is_version_refused() && !newer.is_over();
        let by_alert = newer.is_version_refused() && !newer.answers_older;
        if by_alert && self.refusals_needed > 1 {
            self.refusals_needed = 1;
            self.version_refusals += usize::from(self.any_alert);
            self.drop_refused_version();
        }
    }

    /// Takes the suites that TLS 1.2 has for those that this version has, in the same order.
    fn learn_suites_of(&mut self, tls12: &Self) {
        let order = tls12.likely_order();
        let is_open = |suite: &&CipherSuite| {
            !tls12.answers.contains_key(suite) && !self.answers.contains_key(suite)
        };
        let mut in_use = tls12.lists.iter().filter(|list| list.rank < RARE);
        let may_grow = |list: &List| {
            let mut open = list.suites.iter().filter(is_open);
            // Between two rounds, what the server passed over is most likely refused.
            open.any(|suite| list.waiting > 0 || !tls12.was_passed_over(*suite, order))
        };
        self.waits_for_tls12 = tls12.found() > 0 && in_use.any(may_grow);
        if tls12.found() > self.expected.len() {
            self.expected = tls12.supposed_order().suites().to_vec();
        }
    }

    /// Whether the server selected a suite that comes after this one in the order that it seems to
    /// have, where both were offered.
    fn was_passed_over(&self, suite: CipherSuite, order: KnownOrder) -> bool {
        let place = order.place(suite);
        self.observations
            .iter()
            .any(|seen| order.place(seen.selected) > place && seen.offered.contains(&suite))
    }

    /// Whether nothing is on its way and nothing is queued, so that no more is to be learned soon.
    fn is_over(&self) -> bool {
        self.is_idle() && self.queue.is_empty()
    }

    /// Whether no hello is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether the server refuses the version as such.
    pub(super) fn is_version_refused(&self) -> bool {
        let is_other = self.other_versions >= OTHER_VERSIONS.min(self.refusals_needed * 2);
        self.accepted.is_empty() && (self.version_refusals >= self.refusals_needed || is_other)
    }

    /// The answers so far, as the survey of a version that is not done yet.
    pub(super) fn answered_so_far(&self) -> VersionSurvey {
        VersionSurvey {
            version: self.version,
            answers: self.answers.clone(),
            accepted: self.accepted.clone(),
            preference: Preference::Unknown,
            order_proven: false,
        }
    }

    /// Whether it is known if the server has this version, and what it makes of SRP.
    pub(super) fn is_nearly_done(&self) -> bool {
        let is_known = self.found() > 0 || self.is_version_refused() || self.is_over();
        let mut srp = IN_SEARCH_ORDER.iter().filter(|suite| is_srp(suite));
        is_known && srp.all(|suite| self.answers.contains_key(suite))
    }

    /// How many suites were found to be accepted.
    pub(super) fn found(&self) -> usize {
        self.accepted.len()
    }

    /// A suite that is known to be accepted.
    pub(super) fn known(&self) -> Option<CipherSuite> {
        self.accepted.first().copied()
    }

    /// Goes on to the next stage when all hellos of this one are answered. Returns whether there
    /// is something to ask again.
    pub(super) fn advance(&mut self) -> bool {
        if self.distance == Distance::Far {
            self.plan();
            return !self.queue.is_empty();
        }
        while self.queue.is_empty() && self.stage != Stage::Done {
            self.stage = match self.stage {
                Stage::Searching => self.begin_real_shares(),
                Stage::RealShares => self.begin_sampling(),
                Stage::Sampling => self.begin_ordering(0),
                Stage::Ordering(round) => self.begin_ordering(round + 1),
                Stage::Done => Stage::Done,
            };
        }
        !self.queue.is_empty()
    }

    /// Queues what the answers so far permit to ask next.
    pub(super) fn plan(&mut self) {
        if self.stage == Stage::Done || self.is_version_refused() {
            return;
        }
        for index in 0..self.lists.len() {
            // What TLS 1.2 has tells what to ask for under the older versions.
            let waits = self.waits_for_tls12 && self.found() > 0;
            if self.lists[index].waiting == 0 && !waits {
                self.plan_list(index);
            }
        }
        let busy = self.lists.iter().any(|list| list.waiting > 0 && list.rank < RARE);
        if !busy && self.order_waiting == 0 {
            self.plan_order();
        }
        let is_idle = self.queue.is_empty() && self.in_flight == 0;
        if is_idle && !self.shared_for_real {
            self.shared_for_real = true;
            self.begin_real_shares();
        }
    }

    fn plan_list(&mut self, index: usize) {
        let known = self.accepted.len();
        let list = &mut self.lists[index];
        list.rounds.learn(list.selected, list.new);
        (list.selected, list.new, list.rank) = (0, 0, list.rank.min(1));
        let open = |suite: &CipherSuite| !self.answers.contains_key(suite);
        let mut open: Vec<_> = list.suites.iter().copied().filter(open).collect();
        self.sample_list(index);
        if open.is_empty() {
            return;
        }
        let order = self.likely_order();
        let list = &mut self.lists[index];
        if list.order != order {
            list.order = order;
            list.rounds.suppose_another_order();
        }
        // Who accepts many suites accepts rare ones too, in their places.
        let few = known < MANY;
        open.sort_by_cached_key(|suite| (few && !is_in_general_use(*suite), order.place(*suite)));
        let expected: Vec<_> =
            self.expected.iter().copied().filter(|suite| open.contains(suite)).collect();
        let questions = if expected.is_empty() {
            self.lists[index].rounds.ask(&open)
        } else {
            open.retain(|suite| !expected.contains(suite));
            let suffixes = (0..expected.len()).map(|place| expected[place..].to_vec());
            suffixes.chain((!open.is_empty()).then_some(open)).collect()
        };
        for question in questions {
            self.queue_question(index, question);
        }
    }

    /// The known order that the answers contradict least.
    fn likely_order(&self) -> KnownOrder {
        let wrong = |order: &KnownOrder| {
            let before = |seen: &Observation| {
                let place = order.place(seen.selected);
                let others = seen.offered.iter().filter(|suite| self.accepted.contains(suite));
                others.filter(|suite| order.place(**suite) < place).count()
            };
            self.observations.iter().map(before).sum::<usize>()
        };
        // A server's favourite tells even before others are known to be accepted.
        let favourite = |order: &KnownOrder| {
            let first = self.observations.first();
            let place = first.map(|seen| (order.place(seen.selected), &seen.offered));
            place.map_or(0, |(place, offered)| {
                offered.iter().filter(|suite| order.place(**suite) < place).count()
            })
        };
        let fits = |order: &KnownOrder| {
            (wrong(order), favourite(order), self.order_of_newer != Some(*order))
        };
        KnownOrder::ALL.into_iter().min_by_key(fits).unwrap_or(KnownOrder::Strength)
    }

    fn sample_list(&mut self, index: usize) {
        let old = self.version < TlsVersion::TLS12;
        let most = match self.other_versions {
            0 if old => OLD_SAMPLES,
            0 => SAMPLES,
            _ => SAMPLED.len(),
        };
        let left = most.saturating_sub(self.sampled.len());
        let members = SAMPLED.iter().filter(|suite| self.lists[index].suites.contains(suite));
        let wanted = members.filter(|suite| {
            let foreign = suite.is_tls13() && self.version < TlsVersion::TLS13;
            let is_wanted = self.was_refused_in_a_set(**suite) || self.is_likely_refused(**suite);
            !foreign && !self.sampled.contains(suite) && is_wanted
        });
        let samples: Vec<_> = wanted.take(left).copied().collect();
        self.sampled.extend(&samples);
        for suite in samples {
            let job = Job::new(vec![suite], Purpose::Sample);
            self.queue.push_back(Job { rank: 2, ..job });
        }
    }

    /// Whether the set with which the suite is refused may well be on its way, so that it is asked
    /// alone beside that rather than after it.
    fn is_likely_refused(&self, suite: CipherSuite) -> bool {
        let few = (1..MANY).contains(&self.accepted.len());
        // The older versions have what TLS 1.2 has.
        let is_older = self.version < TlsVersion::TLS12;
        suite == LEFT_OUT_BY_MANY && few && !is_older && !self.answers.contains_key(&suite)
    }

    /// Asks for all places of the order at once that are not proven.
    fn plan_order(&mut self) {
        if self.accepted.len() < 2 || self.order_rounds > self.accepted.len() + 2 {
            return;
        }
        let order = self.supposed_order();
        let questions = match preference(&self.accepted, &self.observations) {
            Preference::Client => Vec::new(),
            Preference::Server => {
                let questions = order.open_questions();
                let is_near = questions.len() <= self.order_left / 2 || self.order_rounds < 2;
                self.order_left = questions.len();
                match is_near {
                    true => questions,
                    // A server with an order of its own: one question at a time wastes none.
                    false => order.open_question(self.strays()).into_iter().collect(),
                }
            }
            Preference::Unknown if self.order_rounds == 0 => {
                vec![order.suites().iter().rev().copied().collect()]
            }
            Preference::Unknown => Vec::new(),
        };
        self.order_rounds += 1;
        self.order_waiting = questions.len();
        for suites in questions {
            let job = Job::new(chacha_not_first(suites), Purpose::Order);
            self.queue.push_back(Job { rank: 1, ..job });
        }
    }

    fn supposed_order(&self) -> Order {
        let order = self.likely_order();
        let mut accepted = self.accepted.clone();
        accepted.sort_by_cached_key(|suite| order.place(*suite));
        Order::suppose(&accepted, &self.observations)
    }

    /// Takes note of an answer that came, whatever it was.
    fn note_arrival(&mut self, job: &Job, outcome: &Outcome) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let refuses_version = matches!(outcome, Outcome::Refused(alert)
            if alert.description == AlertDescription::PROTOCOL_VERSION);
        let answers_other_version = matches!(outcome, Outcome::Selected(flight)
            if flight.server_hello.as_ref().is_some_and(|hello| hello.version < self.version));
        self.is_heard |= !refuses_version && !answers_other_version;
        self.wait_no_longer_for(job);
        if let Some(list) = job.list.and_then(|index| self.lists.get_mut(index)) {
            list.selected += usize::from(matches!(outcome, Outcome::Selected(_)));
        }
    }

    /// Asks again with real key shares where an empty list may have been the reason.
    fn begin_real_shares(&mut self) -> Stage {
        let refused_by_alert = self.answers.values().any(|answer| {
            matches!(answer, Answer::Refused(Evidence::Alert { alert, .. })
                if *alert != AlertDescription::PROTOCOL_VERSION)
        });
        if self.version == TlsVersion::TLS13 && self.accepted.is_empty() && refused_by_alert {
            let suites = self.refused();
            let job = Job::new(suites, Purpose::Search);
            self.queue.push_back(Job { share: Tls13Share::Real, ..job });
        }
        Stage::RealShares
    }

    fn begin_sampling(&mut self) -> Stage {
        if !self.is_version_refused() {
            let mut samples = SAMPLED.to_vec();
            samples.retain(|suite| self.was_refused_in_a_set(*suite));
            let old = self.version < TlsVersion::TLS12;
            samples.truncate(match self.other_versions {
                0 if old => OLD_SAMPLES,
                0 => SAMPLES,
                _ => SAMPLED.len(),
            });
            let jobs = samples.into_iter().map(|suite| Job::new(vec![suite], Purpose::Sample));
            self.queue.extend(jobs);
        }
        Stage::Sampling
    }

    fn was_refused_in_a_set(&self, suite: CipherSuite) -> bool {
        match self.answers.get(&suite) {
            Some(Answer::Refused(
                Evidence::Alert { offered, .. }
                | Evidence::Ended { offered, .. }
                | Evidence::OtherVersion { offered, .. },
            )) => *offered > 1,
            _ => false,
        }
    }

    fn begin_ordering(&mut self, round: usize) -> Stage {
        if self.accepted.len() < 2 || round > self.accepted.len() {
            return Stage::Done;
        }
        let order = Order::suppose(&self.accepted, &self.observations);
        let question = match preference(&self.accepted, &self.observations) {
            Preference::Client => None,
            Preference::Server => order.open_question(self.strays()),
            Preference::Unknown if round == 0 => {
                Some(order.suites().iter().rev().copied().collect())
            }
            Preference::Unknown => None,
        };
        let Some(suites) = question else { return Stage::Done };
        self.queue.push_back(Job::new(suites, Purpose::Order));
        Stage::Ordering(round)
    }

    /// How many accepted suites were found outside the first set, and have to find their places
    /// in its order.
    fn strays(&self) -> usize {
        self.accepted.iter().filter(|suite| !goes_with_rsa(**suite)).count()
    }

    fn refused(&self) -> Vec<CipherSuite> {
        let refused =
            self.answers.iter().filter(|(_, answer)| matches!(answer, Answer::Refused(_)));
        refused.map(|(suite, _)| *suite).collect()
    }

    /// Takes the answer to a hello. `parts` is into how many sets what is left may be split.
    pub(super) fn record(&mut self, job: Job, outcome: &Outcome, parts: usize) -> Verdict {
        self.note_arrival(&job, outcome);
        match outcome {
            Outcome::Selected(flight) => self.record_selected(&job, flight, parts),
            Outcome::Refused(alert) => {
                self.record_alert(&job, *alert);
                Verdict::Recorded
            }
            Outcome::Ended(ending) => Verdict::Doubtful(job, Trouble::Ended(*ending)),
            Outcome::NotTls { protocol, .. } => {
                let what = format!("the answer is {protocol}");
                Verdict::Doubtful(job, Trouble::Unclear(what))
            }
            Outcome::Failed(ProbeError::Budget) => {
                self.record_not_asked(&job);
                Verdict::Recorded
            }
            Outcome::Failed(error) => Verdict::Doubtful(job, Trouble::Unclear(error.to_string())),
        }
    }

    fn record_alert(&mut self, job: &Job, alert: Alert) {
        if alert.description == AlertDescription::UNKNOWN_PSK_IDENTITY && self.find_asking(job) {
            return;
        }
        let evidence = Evidence::Alert { alert: alert.description, offered: job.suites.len() };
        self.record_refusal(job, &evidence);
        let Job { suites, share, .. } = job;
        self.refused_hellos.push(RefusedHello {
            version: self.version,
            suites: suites.clone(),
            share: *share,
            alert: alert.description,
        });
        self.any_alert = true;
        if alert.description == AlertDescription::PROTOCOL_VERSION || self.refusals_needed == 1 {
            self.count_version_refusal();
        }
    }

    /// The server has selected a suite that needs an identity: halves the set until that stands
    /// alone, since a refusal for the sake of one says nothing of the others. Returns whether
    /// there is such a suite in the set.
    fn find_asking(&mut self, job: &Job) -> bool {
        let (asking, rest): (Vec<_>, Vec<_>) =
            job.suites.iter().copied().partition(|suite| suite.asks_for_identity());
        if asking.is_empty() || job.purpose == Purpose::Order {
            return false;
        }
        if let [suite] = job.suites[..] {
            let alert = AlertDescription::UNKNOWN_PSK_IDENTITY;
            let evidence = Evidence::Alert { alert, offered: 1 };
            self.answers.insert(suite, Answer::AsksIdentity(evidence));
            return true;
        }
        let (first, second) = asking.split_at(asking.len().div_ceil(2));
        for part in [&rest[..], first, second] {
            if !part.is_empty() {
                let next = Job::new(part.to_vec(), Purpose::Search);
                let Job { share, rank, list, .. } = *job;
                let next = Job { share, rank, list, ..next };
                self.wait_for(&next);
                self.queue.push_back(next);
            }
        }
        true
    }

    /// Writes down that all suites of a hello are refused.
    pub(super) fn record_refusal(&mut self, job: &Job, evidence: &Evidence) {
        if job.purpose == Purpose::Order {
            return;
        }
        for suite in &job.suites {
            if !self.accepted.contains(suite) {
                self.answers.insert(*suite, Answer::Refused(evidence.clone()));
            }
        }
        let sampled = job.suites.iter().find(|suite| {
            job.purpose == Purpose::Search
                && self.sampled.contains(suite)
                && self.accepted.contains(suite)
        });
        if let Some(suite) = sampled.copied() {
            self.find_refused_for_others(suite);
        }
    }

    /// Writes down that nothing could be learned of the suites of a hello.
    pub(super) fn record_unclear(&mut self, job: &Job, what: &str) {
        if job.purpose != Purpose::Search {
            return;
        }
        for suite in &job.suites {
            if !self.accepted.contains(suite) {
                self.answers.insert(*suite, Answer::Unclear(what.to_owned()));
            }
        }
    }

    /// Writes down that the connections allowed were used up before the suites of a hello were
    /// asked for, and that nothing else will be.
    fn record_not_asked(&mut self, job: &Job) {
        self.queue.push_back(job.clone());
        for job in std::mem::take(&mut self.queue) {
            for suite in job.suites {
                self.answers.entry(suite).or_insert(Answer::NotOffered(NotOffered::Budget));
            }
        }
        self.stage = Stage::Done;
        self.is_spent = true;
    }

    /// Gives up what was not asked yet.
    pub(super) fn give_up(&mut self, what: &str) {
        while let Some(job) = self.queue.pop_front() {
            self.record_unclear(&job, what);
        }
        self.stage = Stage::Done;
    }

    fn count_version_refusal(&mut self) {
        self.version_refusals += 1;
        self.drop_refused_version();
    }

    fn drop_refused_version(&mut self) {
        if self.is_version_refused() {
            while let Some(job) = self.queue.pop_front() {
                self.record_refusal(&job, &Evidence::VersionRefused);
            }
        }
    }

    fn record_selected(&mut self, job: &Job, flight: &Flight, parts: usize) -> Verdict {
        let Some(hello) = &flight.server_hello else { return Verdict::Recorded };
        self.note_warnings(flight);
        if hello.version != self.version {
            return self.record_other_version(job, hello.version);
        }
        let suite = hello.cipher_suite;
        if !job.suites.contains(&suite) {
            let oddity = Oddity::UnofferedSuite { version: self.version, suite };
            self.note(oddity);
            let what = format!("the server selected {suite}, which was not offered");
            return Verdict::Doubtful(job.clone(), Trouble::Unclear(what));
        }
        self.observations.push(Observation { offered: job.suites.clone(), selected: suite });
        match job.purpose {
            Purpose::Order => {}
            Purpose::Search => {
                let is_new = !self.accepted.contains(&suite);
                if let Some(list) = job.list.and_then(|index| self.lists.get_mut(index)) {
                    list.new += usize::from(is_new);
                }
                self.accept(suite, selected(flight, job.suites.len()));
                if job.list.is_none() {
                    self.queue_rest(job, suite, parts);
                }
            }
            Purpose::Sample => {
                let was_refused = self.was_refused_in_a_set(suite);
                self.accept(suite, selected(flight, job.suites.len()));
                if was_refused {
                    self.find_refused_for_others(suite);
                }
            }
        }
        Verdict::Recorded
    }

    fn accept(&mut self, suite: CipherSuite, evidence: Evidence) {
        self.answers.insert(suite, Answer::Accepted(evidence));
        if self.accepted.contains(&suite) {
            return;
        }
        self.accepted.push(suite);
        if self.accepted.len() == 1 {
            self.ask_again_for_version();
        }
    }

    fn queue_rest(&mut self, job: &Job, selected: CipherSuite, parts: usize) {
        let rest: Vec<_> = job.suites.iter().copied().filter(|suite| *suite != selected).collect();
        if rest.is_empty() {
            return;
        }
        let parts = parts.min(rest.len() / SMALLEST_PART).max(1);
        // Ahead of the sets that nobody has begun: most of those fall with one hello, while each
        // accepted suite of this one is a round trip that the next has to wait for.
        for part in rest.chunks(rest.len().div_ceil(parts)).rev() {
            let next = Job::new(part.to_vec(), Purpose::Search);
            self.queue.push_front(Job { share: job.share, ..next });
        }
    }

    /// A server that refuses sets for the sake of one member, since this one it accepts alone, is
    /// asked for each widespread suite.
    fn find_refused_for_others(&mut self, accepted: CipherSuite) {
        self.note(Oddity::RefusedSetHasAcceptedMember { version: self.version, suite: accepted });
        let refused = self.refused();
        for suite in refused.into_iter().filter(|suite| is_widespread(*suite)) {
            // At once, since the deadline may come before the answer.
            let what = "refused in a set of which another member is accepted";
            self.answers.insert(suite, Answer::Unclear(what.to_owned()));
            self.queue.push_back(Job::new(vec![suite], Purpose::Search));
        }
    }

    fn record_other_version(&mut self, job: &Job, answered: TlsVersion) -> Verdict {
        if answered > self.version {
            self.note(Oddity::UnofferedVersion { asked: self.version, answered });
        }
        self.answers_older |= answered < self.version;
        // It speaks the version, so that this is no refusal of it.
        if answered < self.version && !self.accepted.is_empty() {
            let what = format!("the server answered {answered}, and {} before", self.version);
            return Verdict::Doubtful(job.clone(), Trouble::Unclear(what));
        }
        let evidence = Evidence::OtherVersion { answered, offered: job.suites.len() };
        self.record_refusal(job, &evidence);
        // A version above the offer says little about any suite.
        if answered < self.version {
            self.other_versions += 1;
            self.drop_refused_version();
        }
        Verdict::Recorded
    }

    /// What was refused for its version has to be asked again once a suite is accepted in it.
    fn ask_again_for_version(&mut self) {
        let of_version = |answer: &Answer| match answer {
            Answer::Refused(Evidence::OtherVersion { answered, .. }) => *answered < self.version,
            Answer::Refused(Evidence::VersionRefused) => true,
            _ => false,
        };
        let suites: Vec<_> = IN_SEARCH_ORDER
            .iter()
            .copied()
            .filter(|suite| self.answers.get(suite).is_some_and(of_version))
            .collect();
        (self.version_refusals, self.other_versions) = (0, 0);
        suites.iter().for_each(|suite| drop(self.answers.remove(suite)));
        // Far away, lists are asked for whatever in them has no answer.
        if self.distance == Distance::Far {
            return;
        }
        let sets = suites.chunks(self.largest_set).map(<[CipherSuite]>::to_vec);
        self.queue.extend(sets.map(|set| Job::new(set, Purpose::Search)));
    }

    /// Asks the same once more, before anything else.
    pub(super) fn ask_again(&mut self, job: Job) {
        self.wait_for(&job);
        self.queue.push_front(job);
    }

    /// Takes note that an answered hello is on its way once more, past the queue.
    pub(super) fn note_resent(&mut self, job: &Job) {
        self.in_flight += 1;
        self.wait_for(job);
    }

    /// Nothing more is planned for a list, or for the order, before this is answered.
    fn wait_for(&mut self, job: &Job) {
        if let Some(list) = job.list.and_then(|index| self.lists.get_mut(index)) {
            list.waiting += 1;
        }
        self.order_waiting += usize::from(job.purpose == Purpose::Order);
    }

    fn wait_no_longer_for(&mut self, job: &Job) {
        if let Some(list) = job.list.and_then(|index| self.lists.get_mut(index)) {
            list.waiting = list.waiting.saturating_sub(1);
        }
        if job.purpose == Purpose::Order {
            self.order_waiting = self.order_waiting.saturating_sub(1);
        }
    }

    /// Puts a job back in the queue, in hellos that fit the manner of `subject`.
    pub(super) fn requeue(&mut self, job: Job, subject: &Subject) {
        match job.purpose {
            Purpose::Search => {
                let sets = one_kind_sets(subject, self.version, &job.suites);
                let Job { share, rank, list, .. } = job;
                for set in sets.into_iter().rev() {
                    let next = Job::new(set, Purpose::Search);
                    self.ask_again(Job { share, rank, list, ..next });
                }
            }
            Purpose::Sample => self.queue.push_front(Job { attempts: 0, ..job }),
            Purpose::Order => {}
        }
    }

    /// The same for a job that was about to be sent.
    pub(super) fn put_back(&mut self, job: Job, subject: &Subject) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.wait_no_longer_for(&job);
        self.requeue(job, subject);
    }

    /// Cuts what is queued into hellos that fit the manner of `subject`.
    pub(super) fn refit(&mut self, subject: &Subject) {
        self.largest_set = self.largest_set.min(subject.manner.most_suites);
        for job in std::mem::take(&mut self.queue).into_iter().rev() {
            self.wait_no_longer_for(&job);
            self.requeue(job, subject);
        }
    }

    fn note_warnings(&mut self, flight: &Flight) {
        for warning in &flight.warnings {
            self.note(Oddity::Warning(warning.description));
        }
    }

    fn note(&mut self, oddity: Oddity) {
        if !self.oddities.contains(&oddity) {
            self.oddities.push(oddity);
        }
    }

    /// Writes down that refusals say nothing where hellos had to go without groups and schemes:
    /// only a key exchange with the certificate's RSA key needs neither.
    pub(super) fn doubt_bare_refusals(&mut self) {
        for (suite, answer) in &mut self.answers {
            if matches!(answer, Answer::Refused(_)) && suite.key_exchange() != KeyExchange::Rsa {
                let what = "the server answers only hellos without the groups that it would need";
                *answer = Answer::Unclear(what.to_owned());
            }
        }
    }

    /// The hellos that were refused by an alert.
    pub(super) fn take_refused_hellos(&mut self) -> Vec<RefusedHello> {
        std::mem::take(&mut self.refused_hellos)
    }

    /// What was found out.
    pub(super) fn into_survey(mut self) -> VersionSurvey {
        for suite in CipherSuite::registered() {
            let missing = || match self.is_spent {
                true => Answer::NotOffered(NotOffered::Budget),
                false => Answer::Unclear("not asked before the survey ended".to_owned()),
            };
            self.answers.entry(suite).or_insert_with(missing);
        }
        let preference = preference(&self.accepted, &self.observations);
        let known_order = self.supposed_order();
        let mut accepted = self.accepted;
        accepted.sort_by_cached_key(|suite| search_order(*suite));
        let order = match self.distance {
            Distance::Near => Order::suppose(&accepted, &self.observations),
            Distance::Far => known_order,
        };
        let order_proven = match preference {
            Preference::Server => order.open_question(0).is_none() && order.is_consistent(),
            Preference::Client => true,
            Preference::Unknown => accepted.len() < 2,
        };
        if preference == Preference::Server {
            accepted = order.suites().to_vec();
        }
        VersionSurvey {
            version: self.version,
            answers: self.answers,
            accepted,
            preference,
            order_proven,
        }
    }
}

impl Job {
    fn new(suites: Vec<CipherSuite>, purpose: Purpose) -> Self {
        let (share, size) = (Tls13Share::default(), HelloSize::default());
        Self { suites, purpose, share, attempts: 0, size, rank: 1, list: None }
    }
}

/// How soon the next hello of all searches is wanted.
pub(super) fn next_rank(searches: &[SuiteSearch]) -> Option<u8> {
    searches.iter().filter_map(SuiteSearch::next_rank).min()
}

/// What is wanted most; of the same rank, for the version that was asked least.
pub(super) fn next_job(searches: &mut [SuiteSearch]) -> Option<(usize, Job)> {
    let wanted = searches.iter().enumerate();
    let wanted = wanted.filter_map(|(index, search)| Some((search.next_rank()?, search, index)));
    let (.., index) = wanted.min_by_key(|(rank, search, _)| (*rank, search.in_flight))?;
    Some((index, searches[index].next()?))
}

/// Tells each search below TLS 1.2 what became of the next newer version.
pub(super) fn learn_from_newer_versions(searches: &mut [SuiteSearch]) {
    let legacy = searches.iter_mut().skip_while(|search| search.version > TlsVersion::TLS12);
    let mut legacy: Vec<_> = legacy.collect();
    if let Some((tls12, older)) = legacy.split_first_mut() {
        older.iter_mut().for_each(|search| search.learn_suites_of(tls12));
    }
    for index in 1..legacy.len() {
        let (newer, older) = legacy.split_at_mut(index);
        older[0].learn_of_newer(newer[index - 1]);
    }
}

/// Some servers prefer ChaCha20 where a client offers it first, which would hide their order.
fn chacha_not_first(mut suites: Vec<CipherSuite>) -> Vec<CipherSuite> {
    let is_chacha =
        |suite: &CipherSuite| suite.iana_name().is_some_and(|name| name.contains("CHACHA20"));
    if suites.first().is_some_and(is_chacha)
        && let Some(other) = suites.iter().position(|suite| !is_chacha(suite))
    {
        suites.swap(0, other);
    }
    suites
}

/// From how many suites on a server counts as one that accepts many.
const MANY: usize = 6;
/// The rank of lists that nobody waits for.
const RARE: u8 = 3;

/// Cuts what may be offered into lists: what goes with an RSA certificate, what goes with an ECDSA
/// certificate, and the rest.
fn lists(subject: &Subject, version: TlsVersion, offered: &[CipherSuite]) -> Vec<List> {
    let kind = |suite: &CipherSuite| match *suite {
        suite if suite.is_tls13() && !is_in_general_use(suite) => RARE,
        suite if goes_with_rsa(suite) && suite.is_defined_for(version) => 0u8,
        suite if is_widespread(suite) && suite.is_defined_for(version) => 1,
        _ => RARE,
    };
    let mut lists = Vec::new();
    let order = KnownOrder::Strength;
    for rank in 0..=RARE {
        let mut suites: Vec<_> =
            offered.iter().copied().filter(|suite| kind(suite) == rank).collect();
        if rank < RARE {
            suites.sort_by_cached_key(|suite| (!is_in_general_use(*suite), order.place(*suite)));
        } else {
            // What becomes of these decides what is asked last.
            suites.sort_by_key(|suite| !is_srp(suite));
        }
        let sets = match rank {
            RARE => hello_sized_sets(subject, version, &suites),
            _ => one_kind_sets(subject, version, &suites),
        };
        lists.extend(sets.into_iter().map(|suites| List {
            suites,
            rank,
            rounds: Rounds::default(),
            order,
            waiting: 0,
            selected: 0,
            new: 0,
        }));
    }
    lists
}

fn is_srp(suite: &CipherSuite) -> bool {
    suite.key_exchange() == KeyExchange::Srp
}

/// How a suite that a server has selected is known.
pub(super) fn selected(flight: &Flight, offered: usize) -> Evidence {
    let exchange = flight.server_key_exchange.clone().unwrap_or_default();
    let share = flight.server_hello.as_ref().and_then(|hello| hello.group);
    Evidence::Selected {
        offered,
        group: exchange.group.or(share),
        dh_bits: exchange.dh_bits,
        signature: exchange.signature,
        identity: flight
            .server_hello
            .as_ref()
            .is_some_and(|hello| hello.cipher_suite.asks_for_identity()),
    }
}

/// Every registered suite in the order of [`search_order`].
static IN_SEARCH_ORDER: LazyLock<Vec<CipherSuite>> = LazyLock::new(|| {
    let mut suites: Vec<_> = CipherSuite::registered().collect();
    suites.sort_by_cached_key(|suite| search_order(*suite));
    suites
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::AlertLevel;
    use crate::wire::ServerHello;

    const FAILURE: Outcome = Outcome::Refused(Alert {
        level: AlertLevel::FATAL,
        description: AlertDescription::HANDSHAKE_FAILURE,
    });

    fn selects(version: TlsVersion, suite: CipherSuite) -> Outcome {
        let hello = ServerHello {
            version,
            retry: false,
            random: [0; 32],
            cipher_suite: suite,
            compression_method: 0,
            group: None,
            alpn: None,
            extensions: Vec::new(),
        };
        Outcome::Selected(Box::new(Flight { server_hello: Some(hello), ..Flight::default() }))
    }

    /// Asks a model of a server until nothing is left to ask; returns the survey and the number
    /// of hellos.
    fn survey(
        version: TlsVersion,
        parts: usize,
        answer: impl Fn(&[CipherSuite]) -> Outcome,
    ) -> (VersionSurvey, usize) {
        survey_at(Distance::Near, version, parts, answer)
    }

    fn survey_at(
        distance: Distance,
        version: TlsVersion,
        parts: usize,
        answer: impl Fn(&[CipherSuite]) -> Outcome,
    ) -> (VersionSurvey, usize) {
        let mut search = SuiteSearch::new(&Subject::default(), version, distance);
        // There is none.
        search.newer_is_open = false;
        let mut hellos = 0;
        while search.advance() {
            while let Some(job) = search.next() {
                hellos += 1;
                assert!(hellos < 2000, "the search never ends");
                let outcome = answer(&job.suites);
                assert_eq!(search.record(job, &outcome, parts), Verdict::Recorded);
            }
        }
        (search.into_survey(), hellos)
    }

    fn server_with(
        version: TlsVersion,
        order: &[CipherSuite],
    ) -> impl Fn(&[CipherSuite]) -> Outcome {
        move |offered| {
            let chosen = order.iter().find(|suite| offered.contains(suite));
            chosen.map_or(FAILURE, |suite| selects(version, *suite))
        }
    }

    #[test]
    fn a_servers_list_is_found_in_its_order() {
        let order: Vec<_> = [0x0035, 0xc02f, 0x009f, 0xc014, 0x002f, 0x1337, 0xc0a1, 0x0005]
            .map(CipherSuite)
            .to_vec();
        let mut order = order;
        order.retain(|suite| suite.iana_name().is_some());
        for parts in 1..=6 {
            let version = TlsVersion::TLS12;
            let (found, hellos) = survey(version, parts, server_with(version, &order));
            assert_eq!(found.accepted, order, "{parts} parts");
            assert_eq!(found.preference, Preference::Server);
            assert!(found.order_proven);
            assert_eq!(found.answers.len(), CipherSuite::registered().count());
            assert!(hellos <= order.len() * 2 + 24, "{parts} parts: {hellos} hellos");
        }
    }

    #[test]
    fn a_server_that_follows_the_client_is_seen_as_one() {
        let has = [0xc02f, 0xc030, 0x002f].map(CipherSuite);
        let version = TlsVersion::TLS12;
        let (found, _) = survey(version, 3, |offered| {
            let chosen = offered.iter().find(|suite| has.contains(suite));
            chosen.map_or(FAILURE, |suite| selects(version, *suite))
        });
        assert_eq!(found.preference, Preference::Client);
        assert_eq!(found.accepted.len(), 3);
    }

    #[test]
    fn two_refusals_of_the_version_end_the_search() {
        let refusal = Outcome::Refused(Alert {
            level: AlertLevel::FATAL,
            description: AlertDescription::PROTOCOL_VERSION,
        });
        let (found, hellos) = survey(TlsVersion::TLS10, 1, |_| refusal.clone());
        assert!(found.accepted.is_empty());
        assert_eq!(hellos, 2);
        assert_eq!(found.unclear(), 0);
    }

    #[test]
    fn an_answer_in_a_lower_version_is_a_refusal() {
        let has = [CipherSuite(0x002f)];
        let answer = |_: &[CipherSuite]| selects(TlsVersion::TLS10, has[0]);
        let (found, hellos) = survey(TlsVersion::TLS11, 1, answer);
        assert!(found.accepted.is_empty());
        assert_eq!(hellos, 4);
    }

    #[test]
    fn a_server_that_fails_on_its_favourite_is_asked_for_members_alone() {
        let works = CipherSuite(0x002f);
        let version = TlsVersion::TLS12;
        let (found, _) = survey(version, 1, |offered| match offered {
            [suite] if *suite == works => selects(version, works),
            _ => FAILURE,
        });
        assert_eq!(found.accepted, [works]);
    }

    /// What a server that hangs up instead of refusing would otherwise be asked over and over.
    #[test]
    fn a_list_waits_for_what_is_asked_once_more() {
        type Again = fn(&mut SuiteSearch, Job);
        let again: [(&str, Again); 4] = [
            ("asked again", SuiteSearch::ask_again),
            ("sent again", |search, job| search.note_resent(&job)),
            ("cut anew", |search, job| search.requeue(job, &Subject::default())),
            ("cut anew in the queue", |search, job| {
                search.ask_again(job);
                search.refit(&Subject::default());
            }),
        ];
        for (how, again) in again {
            let version = TlsVersion::TLS10;
            let mut search = SuiteSearch::new(&Subject::default(), version, Distance::Far);
            let job = search.next().unwrap();
            let (list, offered) = (job.list.unwrap(), job.suites.len());
            let ended = Outcome::Ended(Ending::Closed);
            let Verdict::Doubtful(job, _) = search.record(job, &ended, 1) else { panic!("{how}") };
            again(&mut search, job.clone());
            search.plan();
            let same_list = |other: &&Job| other.list == Some(list);
            let asked: usize =
                search.queue.iter().filter(same_list).map(|job| job.suites.len()).sum();
            assert!([0, offered].contains(&asked), "{how}: {asked} suites of {offered}");
            let before = search.in_flight;
            // Once it is answered, nothing waits any more.
            search.queue.retain(|other| other.list != Some(list));
            assert_eq!(search.record(job, &FAILURE, 1), Verdict::Recorded, "{how}");
            assert_eq!(search.lists[list].waiting, 0, "{how}");
            assert_eq!(search.in_flight, before.saturating_sub(1), "{how}");
        }
    }

    #[test]
    fn suites_that_ask_for_an_identity_do_not_hide_others() {
        let unknown = Outcome::Refused(Alert {
            level: AlertLevel::FATAL,
            description: AlertDescription::UNKNOWN_PSK_IDENTITY,
        });
        let has = [0xc01d, 0x002f, 0xc020].map(CipherSuite);
        let version = TlsVersion::TLS12;
        let orders = [[0, 1, 2], [1, 0, 2], [2, 0, 1]];
        let both = orders
            .into_iter()
            .flat_map(|order| [Distance::Near, Distance::Far].map(|distance| (order, distance)));
        for (order, distance) in both {
            let order = order.map(|place: usize| has[place]);
            let (found, hellos) = survey_at(distance, version, 1, |offered| {
                match order.iter().find(|suite| offered.contains(suite)) {
                    Some(suite) if suite.asks_for_identity() => unknown.clone(),
                    Some(suite) => selects(version, *suite),
                    None => FAILURE,
                }
            });
            assert_eq!(found.accepted, [CipherSuite(0x002f)]);
            let asking = found
                .answers
                .iter()
                .filter(|(_, answer)| matches!(answer, Answer::AsksIdentity(_)));
            assert_eq!(asking.map(|(suite, _)| *suite).collect::<Vec<_>>(), [has[0], has[2]]);
            assert_eq!(found.unclear(), 0);
            assert!(hellos < 40, "{distance:?}: {hellos} hellos");
        }
    }

    #[test]
    fn a_version_above_the_offer_does_not_speak_for_all_suites() {
        let works = [CipherSuite(0x002f), CipherSuite(0xc02f)];
        let version = TlsVersion::TLS11;
        let (found, _) = survey(version, 1, |offered| match offered {
            [suite] if works.contains(suite) => selects(version, *suite),
            [_] => FAILURE,
            _ => selects(TlsVersion::TLS12, works[0]),
        });
        assert!(works.iter().all(|suite| found.accepted.contains(suite)));
    }

    #[test]
    fn an_empty_key_share_is_not_the_last_word() {
        let mut search = SuiteSearch::new(&Subject::default(), TlsVersion::TLS13, Distance::Near);
        let mut shares = Vec::new();
        while search.advance() {
            while let Some(job) = search.next() {
                shares.push(job.share);
                let _ = search.record(job, &FAILURE, 1);
            }
        }
        assert!(shares.contains(&Tls13Share::Real));
    }

    #[test]
    fn a_suite_that_was_not_offered_makes_no_row() {
        let mut search = SuiteSearch::new(&Subject::default(), TlsVersion::TLS12, Distance::Near);
        assert!(search.advance());
        let job = search.next().unwrap();
        let outcome = selects(TlsVersion::TLS12, CipherSuite(0xfefe));
        assert!(matches!(search.record(job, &outcome, 1), Verdict::Doubtful(..)));
        assert!(search.accepted.is_empty());
        assert_eq!(search.oddities.len(), 1);
    }
}
