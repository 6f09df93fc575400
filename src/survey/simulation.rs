//! Compares strategies over models of servers, with virtual time and places; prints a table:
//! `cargo test --lib survey::simulation -- --nocapture`.
//!
//! A hello takes two round trips and a place; places grow as behind the gate on a far network.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fmt::Write as _;

use super::hello::{Subject, hello_sized_sets};
use super::search::{
    Distance, Job, SuiteSearch, Verdict, learn_from_newer_versions, next_job, next_rank,
};
use crate::probe::Outcome;
use crate::tls::{Alert, AlertDescription, AlertLevel, CipherSuite, TlsVersion};
use crate::wire::{Flight, ServerHello};

const FIRST_PLACES: usize = 5;
const MOST_PLACES: usize = 16;

/// A server: what it accepts under each version, in its order, and whose order decides.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    accepts: BTreeMap<TlsVersion, Vec<CipherSuite>>,
    choice: Choice,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Choice {
    Server,
    Client,
    /// The server's, but ChaCha20 where the client offers it first.
    ServerUnlessChacha,
}

impl Model {
    fn answer(&self, version: TlsVersion, offered: &[CipherSuite]) -> Option<CipherSuite> {
        let order = self.accepts.get(&version)?;
        let chacha =
            |suite: &CipherSuite| suite.iana_name().is_some_and(|name| name.contains("CHACHA20"));
        if self.choice == Choice::Client
            || self.choice == Choice::ServerUnlessChacha && offered.first().is_some_and(chacha)
        {
            if self.choice == Choice::Client {
                return offered.iter().find(|suite| order.contains(suite)).copied();
            }
            let first = order.iter().find(|suite| chacha(suite) && offered.contains(suite));
            if first.is_some() {
                return first.copied();
            }
        }
        order.iter().find(|suite| offered.contains(suite)).copied()
    }

    fn outcome(&self, version: TlsVersion, offered: &[CipherSuite]) -> Outcome {
        let alert = |description| Outcome::Refused(Alert { level: AlertLevel::FATAL, description });
        if !self.accepts.contains_key(&version) {
            return alert(match version {
                TlsVersion::SSL3 => AlertDescription::HANDSHAKE_FAILURE,
                _ => AlertDescription::PROTOCOL_VERSION,
            });
        }
        let Some(cipher_suite) = self.answer(version, offered) else {
            return alert(AlertDescription::HANDSHAKE_FAILURE);
        };
        let hello = ServerHello {
            version,
            retry: false,
            random: [0; 32],
            cipher_suite,
            compression_method: 0,
            group: None,
            alpn: None,
            extensions: Vec::new(),
        };
        Outcome::Selected(Box::new(Flight { server_hello: Some(hello), ..Flight::default() }))
    }

    fn pairs(&self) -> usize {
        self.accepts.values().map(Vec::len).sum()
    }
}

/// What asks: gives hellos and takes answers.
trait Strategy {
    type Ticket;
    fn next(&mut self) -> Option<(TlsVersion, Vec<CipherSuite>, Self::Ticket)>;
    fn take(&mut self, ticket: Self::Ticket, outcome: &Outcome, idle: usize);
}

/// What a strategy cost: connections and round trips.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Cost {
    connections: usize,
    round_trips: u32,
}

/// Runs a strategy against a model with growing places.
fn run<S: Strategy>(strategy: &mut S, model: &Model) -> Cost {
    let (mut now, mut connections, mut places) = (0, 0, FIRST_PLACES);
    let mut running: BinaryHeap<(Reverse<u32>, Reverse<usize>)> = BinaryHeap::new();
    let mut tickets = BTreeMap::new();
    loop {
        while running.len() < places
            && let Some((version, suites, ticket)) = strategy.next()
        {
            running.push((Reverse(now + 2), Reverse(connections)));
            tickets.insert(connections, (ticket, model.outcome(version, &suites)));
            connections += 1;
            assert!(connections < 20_000, "{}", model.name);
        }
        let Some((Reverse(end), Reverse(number))) = running.pop() else {
            return Cost { connections, round_trips: now };
        };
        now = end;
        // One for the connection that opened and one for the answer.
        places = (places + 2).min(MOST_PLACES);
        let (ticket, outcome) = tickets.remove(&number).unwrap();
        let idle = places - running.len();
        strategy.take(ticket, &outcome, idle);
    }
}

/// The project's own searches.
struct Searches(Vec<SuiteSearch>, bool, Distance);

impl Searches {
    fn new(distance: Distance, splits: bool) -> Self {
        let subject = Subject::default();
        let search = |version| SuiteSearch::new(&subject, version, distance);
        Self(TlsVersion::SURVEYED.map(search).into(), splits, distance)
    }
}

impl Strategy for Searches {
    type Ticket = (usize, Job);

    fn next(&mut self) -> Option<(TlsVersion, Vec<CipherSuite>, Self::Ticket)> {
        if next_rank(&self.0).is_none() {
            for search in self.0.iter_mut().filter(|search| search.is_idle()) {
                search.advance();
            }
        }
        let (index, job) = next_job(&mut self.0)?;
        Some((self.0[index].version, job.suites.clone(), (index, job)))
    }

    fn take(&mut self, (index, job): Self::Ticket, outcome: &Outcome, idle: usize) {
        let parts = if self.1 { idle } else { 1 };
        assert_eq!(self.0[index].record(job, outcome, parts), Verdict::Recorded);
        learn_from_newer_versions(&mut self.0);
        match self.2 {
            Distance::Far => self.0.iter_mut().for_each(SuiteSearch::plan),
            // Near, a stage ends when all its hellos are answered.
            Distance::Near if self.0[index].is_idle() => {
                self.0[index].advance();
            }
            Distance::Near => {}
        }
    }
}

/// How the others ask; none of them learns the server's order for sure.
#[derive(Clone, Copy, Debug)]
enum Other {
    /// One suite per connection.
    OneByOne,
    /// All that is left, until nothing is selected.
    Elimination { at_most: usize },
    /// A set that is taken is halved, both halves asked, until single suites are left.
    Halving,
}

struct OtherSearch(Other, VecDeque<(TlsVersion, Vec<CipherSuite>)>);

impl OtherSearch {
    fn new(other: Other) -> Self {
        let mut queue = VecDeque::new();
        for version in TlsVersion::SURVEYED {
            let is_asked =
                |suite: &CipherSuite| super::candidates::is_worth_asking(*suite, version);
            let suites: Vec<_> = CipherSuite::registered().filter(is_asked).collect();
            let sets = match other {
                Other::OneByOne => suites.iter().map(|suite| vec![*suite]).collect(),
                Other::Halving => hello_sized_sets(&Subject::default(), version, &suites),
                Other::Elimination { at_most } => {
                    suites.chunks(at_most).map(<[CipherSuite]>::to_vec).collect()
                }
            };
            queue.extend(sets.into_iter().map(|set| (version, set)));
        }
        Self(other, queue)
    }
}

impl Strategy for OtherSearch {
    type Ticket = (TlsVersion, Vec<CipherSuite>);

    fn next(&mut self) -> Option<(TlsVersion, Vec<CipherSuite>, Self::Ticket)> {
        let (version, suites) = self.1.pop_front()?;
        Some((version, suites.clone(), (version, suites)))
    }

    fn take(&mut self, (version, suites): Self::Ticket, outcome: &Outcome, _: usize) {
        let Outcome::Selected(flight) = outcome else { return };
        let selected = flight.server_hello.as_ref().unwrap().cipher_suite;
        let rest: Vec<_> = suites.into_iter().filter(|suite| *suite != selected).collect();
        let parts = match self.0 {
            Other::OneByOne => return,
            Other::Elimination { .. } => 1,
            Other::Halving => 2,
        };
        if !rest.is_empty() {
            let size = rest.len().div_ceil(parts);
            self.1.extend(rest.chunks(size).map(|part| (version, part.to_vec())));
        }
    }
}

fn suites(names: &[&str]) -> Vec<CipherSuite> {
    names.iter().map(|name| CipherSuite::from_openssl_name(name).unwrap()).collect()
}

const TLS13: [&str; 3] =
    ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

fn crossed(exchanges: &[&str], ciphers: &[&str]) -> Vec<CipherSuite> {
    let names = exchanges
        .iter()
        .flat_map(|exchange| ciphers.iter().map(move |cipher| format!("{exchange}{cipher}")));
    names.filter_map(|name| CipherSuite::from_openssl_name(&name)).collect()
}

fn model(
    name: &str,
    choice: Choice,
    tls12: Vec<CipherSuite>,
    tls13: &[&str],
    oldest: TlsVersion,
) -> Model {
    let mut accepts = BTreeMap::new();
    if !tls13.is_empty() {
        accepts.insert(TlsVersion::TLS13, suites(tls13));
    }
    for version in [TlsVersion::TLS11, TlsVersion::TLS10, TlsVersion::SSL3] {
        let defined = tls12.iter().filter(|suite| suite.is_defined_for(version)).copied();
        if version >= oldest {
            accepts.insert(version, defined.collect());
        }
    }
    accepts.insert(TlsVersion::TLS12, tls12);
    Model { name: name.to_owned(), accepts, choice }
}

/// Real stacks, and sets that no stack has.
fn models() -> Vec<Model> {
    const GCM: [&str; 3] = ["AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256"];
    const GCM_LIGHT: [&str; 3] = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"];
    const WIDE: [&str; 10] = [
        "AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "CHACHA20-POLY1305",
        "AES256-SHA384",
        "AES256-SHA256",
        "AES128-SHA256",
        "AES256-SHA",
        "AES128-SHA",
        "CAMELLIA256-SHA",
        "CAMELLIA128-SHA",
    ];
    const CBC: [&str; 5] =
        ["AES256-SHA384", "AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"];
    let (t10, t12) = (TlsVersion::TLS10, TlsVersion::TLS12);
    let eight = suites(&[
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-GCM-SHA384",
    ]);
    let each = |ciphers: &[&str]| -> Vec<CipherSuite> {
        let exchanges = ["ECDHE-RSA-", "DHE-RSA-"];
        ciphers.iter().flat_map(|cipher| crossed(&exchanges, &[cipher])).collect()
    };
    let mut openssl = each(&GCM);
    openssl.extend(each(&CBC));
    openssl.extend(crossed(&[""], &["AES256-GCM-SHA384", "AES128-GCM-SHA256"]));
    openssl.extend(crossed(&[""], &CBC[1..]));
    let both = crossed(&["ECDHE-ECDSA-", "ECDHE-RSA-"], &GCM_LIGHT);
    let go = suites(&[
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA",
    ]);
    let light = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"];
    use Choice::{Client, Server, ServerUnlessChacha};
    let mut models = vec![
        model("one suite", Server, eight[..1].to_vec(), &[], t12),
        model("RSA AES128-SHA only", Server, suites(&["AES128-SHA"]), &[], t10),
        model("nginx, eight suites", Server, eight.clone(), &TLS13, t12),
        model("nginx, client's order", Client, eight, &TLS13, t12),
        model("two keys, ChaCha first", ServerUnlessChacha, both, &TLS13, t12),
        model("Go", Server, go, &[light[0], light[1], TLS13[1]], t10),
        model("OpenSSL's default", Server, openssl.clone(), &TLS13, t12),
        model("OpenSSL's, client's order", Client, openssl.clone(), &TLS13, t10),
        model("47 pairs", Server, crossed(&["ECDHE-RSA-", "DHE-RSA-", ""], &WIDE), &TLS13, t10),
        model(
            "47 pairs, light first",
            Server,
            {
                let mut light = crossed(&["ECDHE-RSA-", "DHE-RSA-", ""], &WIDE);
                light.reverse();
                light
            },
            &TLS13,
            t10,
        ),
    ];
    // Sets that no stack has, in orders that none has: the same ones in each run.
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for size in [3, 10, 25] {
        let mut all: Vec<_> = CipherSuite::registered().filter(|it| !it.is_tls13()).collect();
        let chosen = (0..size).map(|_| all.swap_remove(random(all.len()))).collect();
        models.push(model(&format!("{size} random"), Server, chosen, &[], t12));
        let mut known = openssl.clone();
        let chosen: Vec<_> =
            (0..size.min(20)).map(|_| known.swap_remove(random(known.len()))).collect();
        models.push(model(&format!("{size} shuffled"), Server, chosen, &TLS13, t10));
    }
    models
}

fn cost_of(model: &Model, strategy: &str) -> Cost {
    match strategy {
        "kept, far" => run(&mut Searches::new(Distance::Far, false), model),
        "kept, near" => run(&mut Searches::new(Distance::Near, false), model),
        "split on accept" => run(&mut Searches::new(Distance::Near, true), model),
        "one by one" => run(&mut OtherSearch::new(Other::OneByOne), model),
        "elimination" => run(&mut OtherSearch::new(Other::Elimination { at_most: 64 }), model),
        "chunks of 8" => run(&mut OtherSearch::new(Other::Elimination { at_most: 8 }), model),
        "halving" => run(&mut OtherSearch::new(Other::Halving), model),
        _ => unreachable!(),
    }
}

const STRATEGIES: [&str; 7] = [
    "kept, far",
    "kept, near",
    "split on accept",
    "elimination",
    "chunks of 8",
    "halving",
    "one by one",
];

/// Models of real stacks in an order that some library or guide has.
const USUAL: [&str; 5] =
    ["nginx, eight suites", "OpenSSL's default", "OpenSSL's, client's order", "47 pairs", "Go"];

#[test]
#[expect(clippy::print_stdout, reason = "the table is what the comparison is for")]
fn the_kept_strategies_cost_less_than_others_that_prove_the_order() {
    let mut table = format!("{:28}{:>6}", "connections / round trips", "pairs");
    for name in STRATEGIES {
        let _ = write!(table, "{name:>17}");
    }
    let mut totals = BTreeMap::<&str, (usize, u32)>::new();
    for model in models() {
        let _ = write!(table, "\n{:28}{:>6}", model.name, model.pairs());
        for name in STRATEGIES {
            let Cost { connections, round_trips } = cost_of(&model, name);
            let _ = write!(table, "{:>17}", format!("{connections} / {round_trips}"));
            if name == "kept, near" && USUAL.contains(&model.name.as_str()) {
                let far = cost_of(&model, "kept, far");
                assert!(far.round_trips <= round_trips.min(20), "{}: {far:?}", model.name);
                let split = cost_of(&model, "split on accept");
                assert!(connections <= split.connections, "{}", model.name);
                assert!(far.round_trips <= split.round_trips, "{}", model.name);
            }
            let total = totals.entry(name).or_default();
            *total = (total.0 + connections, total.1 + round_trips);
        }
    }
    println!("{table}\n{totals:?}");
}

#[test]
fn the_far_search_finds_all_and_proves_the_order() {
    for model in models() {
        let mut searches = Searches::new(Distance::Far, false);
        run(&mut searches, &model);
        for search in searches.0 {
            let found = search.into_survey();
            let name = format!("{}, {}", model.name, found.version);
            let expected = model.accepts.get(&found.version).cloned().unwrap_or_default();
            assert_eq!(found.unclear(), 0, "{name}");
            assert!(found.order_proven, "{name}");
            let (mut got, mut wanted) = (found.accepted.clone(), expected);
            if model.choice == Choice::Client {
                got.sort_unstable();
                wanted.sort_unstable();
            }
            assert_eq!(got, wanted, "{name}");
        }
    }
}
