//! How a server behaves beyond its choice of suites: what it has of the protections that came
//! after the versions themselves, and what it makes of numbers that it cannot know.
//!
//! What passes by in the answers to the suites is not asked again. The rest takes one hello for
//! compression and the extensions up to TLS 1.2, one for GREASE, one for the fallback, one for
//! SSL 2.0, and more only where one of them is not answered: a fact is a 'no' only if the same
//! hello without the matter in question is answered.

use std::fmt;

use super::hello::{Subject, fallback_hello, legacy_feature_hello, modern_hello, plain_hello};
use super::{Survey, VersionSurvey};
use crate::probe::{Ending, Outcome, Prober, Ssl2Outcome};
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};
use crate::wire::{Flight, ServerHello, Ssl2Answer, Ssl2Cipher};

/// The answer to a yes-or-no question, each with how it is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Yes.
    Yes(String),
    /// No.
    No(String),
    /// It could not be learned; what happened.
    Unclear(String),
    /// The question does not arise; why.
    NotAsked(String),
}

impl Default for Fact {
    fn default() -> Self {
        Self::Unclear("not asked before the survey ended".to_owned())
    }
}

impl Fact {
    /// How it is known, or why it is not.
    #[must_use]
    pub fn evidence(&self) -> &str {
        match self {
            Self::Yes(text) | Self::No(text) | Self::Unclear(text) | Self::NotAsked(text) => text,
        }
    }

    /// The answer alone, in words.
    #[must_use]
    pub fn answer(&self) -> &'static str {
        match self {
            Self::Yes(_) => "yes",
            Self::No(_) => "no",
            Self::Unclear(_) => "unclear",
            Self::NotAsked(_) => "not asked",
        }
    }

    /// Whether it is known to be so.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }

    /// Whether it is known not to be so.
    #[must_use]
    pub fn is_no(&self) -> bool {
        matches!(self, Self::No(_))
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.answer(), self.evidence())
    }
}

/// What is known of a server's behaviour.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Behaviour {
    /// Whether it selects DEFLATE (RFC 3749), which the attack CRIME takes.
    pub compression: Fact,
    /// Whether it ties renegotiations to their first handshake (RFC 5746).
    pub secure_renegotiation: Fact,
    /// Whether it ties the master secret to the handshake (RFC 7627).
    pub extended_master_secret: Fact,
    /// Whether it gives session tickets up to TLS 1.2 (RFC 5077).
    pub session_tickets: Fact,
    /// Whether it refuses a needless fallback to a lower version (TLS_FALLBACK_SCSV, RFC 7507).
    pub fallback_scsv: Fact,
    /// Whether its random says that a version below TLS 1.3 was negotiated although it speaks
    /// TLS 1.3 (RFC 8446 §4.1.3).
    pub downgrade_sentinel: Fact,
    /// Whether it ignores suites, groups, extensions and versions that nobody has assigned
    /// (GREASE, RFC 8701).
    pub grease: Fact,
    /// Whether it answers a hello for a version above all that it knows with one that it knows
    /// (RFC 5246 §E.1).
    pub version_tolerance: Fact,
    /// Whether it speaks SSL 2.0 (RFC 6176).
    pub ssl2: Ssl2,
}

/// Whether a server speaks SSL 2.0, and with what.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssl2 {
    /// Whether it does.
    pub spoken: Fact,
    /// The cipher kinds that it takes.
    pub ciphers: Vec<Ssl2Cipher>,
    /// Its certificate in DER.
    pub certificate: Option<Vec<u8>>,
}

/// What the answers to suites show along the way.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// Whether renegotiation_info came, in answers that could carry it.
    renegotiation: Marks,
    /// Whether the random is marked, in answers below TLS 1.3.
    sentinel: Marks,
}

#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    with: usize,
    without: usize,
}

impl Marks {
    fn count(&mut self, mark: bool) {
        if mark { self.with += 1 } else { self.without += 1 }
    }

    fn fact(self, what: &str) -> Fact {
        match (self.with, self.without) {
            (0, 0) => Fact::Unclear("no answer that could show it came".to_owned()),
            (with, 0) => Fact::Yes(format!("{what} in {}", of_answers(with, with))),
            (with, without) => Fact::No(format!("{what} in {}", of_answers(with, with + without))),
        }
    }
}

fn of_answers(with: usize, all: usize) -> String {
    match (with, all) {
        (with, all) if with == all => "every answer".to_owned(),
        (0, _) => "no answer".to_owned(),
        (with, all) => format!("{with} of {all} answers"),
    }
}

const EXTENDED_MASTER_SECRET: u16 = 0x0017;
const SESSION_TICKET: u16 = 0x0023;
const RENEGOTIATION_INFO: u16 = 0xff01;

impl Passing {
    /// Hellos for suites offer secure renegotiation by its suite number (RFC 5746 §3.4).
    pub(super) fn look_at(&mut self, flight: &Flight) {
        let Some(hello) = &flight.server_hello else { return };
        if !(TlsVersion::TLS10..TlsVersion::TLS13).contains(&hello.version) {
            return;
        }
        self.renegotiation.count(hello.extensions.contains(&RENEGOTIATION_INFO));
        self.sentinel.count(is_marked(hello));
    }
}

/// `DOWNGRD`, then 1 from TLS 1.3 to 1.2, or 0 to an older version.
fn is_marked(hello: &ServerHello) -> bool {
    hello.random[24..31] == *b"DOWNGRD" && hello.random[31] <= 1
}

/// Finds out what an answer up to TLS 1.2 shows that did not pass by; SSL 2.0 is asked by
/// [`ask_last`](super::ask_last).
pub(super) async fn survey_legacy_features(
    prober: &Prober,
    subject: &Subject,
    survey: &Survey,
) -> Behaviour {
    Asker { prober, subject, survey }.legacy_features().await
}

/// Whether the server ignores GREASE. Yes and no are known by an answer to a suite that it took.
pub(super) async fn survey_grease(prober: &Prober, subject: &Subject, survey: &Survey) -> Fact {
    Asker { prober, subject, survey }.grease().await
}

/// Whether the server refuses a needless fallback, for which all its versions must be known.
pub(super) async fn survey_fallback(prober: &Prober, subject: &Subject, survey: &Survey) -> Fact {
    Asker { prober, subject, survey }.fallback().await
}

impl Behaviour {
    /// Adds what the answers to suites have shown along the way.
    pub(super) fn add_passing(&mut self, survey: &Survey, passing: &Passing) {
        let renegotiation = || passing.renegotiation.fact("renegotiation_info");
        self.secure_renegotiation = if_legacy(survey, renegotiation);
        self.downgrade_sentinel = sentinel(survey, passing);
    }
}

/// The versions that the server has, newest first.
fn versions(survey: &Survey) -> impl Iterator<Item = &VersionSurvey> {
    survey.versions.iter().filter(|version| !version.accepted.is_empty())
}

/// The newest version from TLS 1.0 to 1.2 that the server has, with some of its suites.
fn newest_legacy(survey: &Survey) -> Option<(TlsVersion, Vec<CipherSuite>)> {
    let legacy = |version: &&VersionSurvey| {
        (TlsVersion::TLS10..TlsVersion::TLS13).contains(&version.version)
    };
    versions(survey).find(legacy).map(|found| (found.version, some_suites(found)))
}

fn if_legacy(survey: &Survey, fact: impl FnOnce() -> Fact) -> Fact {
    if newest_legacy(survey).is_some() { fact() } else { none_legacy() }
}

fn sentinel(survey: &Survey, passing: &Passing) -> Fact {
    let speaks_tls13 = versions(survey).any(|version| version.version == TlsVersion::TLS13);
    if !speaks_tls13 {
        return Fact::NotAsked("the server does not speak TLSv1.3".to_owned());
    }
    if_legacy(survey, || passing.sentinel.fact("the mark of RFC 8446"))
}

struct Asker<'a> {
    prober: &'a Prober,
    subject: &'a Subject,
    survey: &'a Survey,
}

/// What a hello of which one matter is in question came to.
enum Reaction {
    /// It was answered.
    Answered(Box<ServerHello>),
    /// It is not, where the same hello without that matter is; how.
    Intolerant(String),
    /// Nothing was learned.
    Unclear(String),
}

impl Asker<'_> {
    /// One hello for all that a ServerHello up to TLS 1.2 shows, under a version that nobody
    /// knows: TLS 1.3 is not to be had by it, so that compression may be offered.
    async fn legacy_features(&self) -> Behaviour {
        let Some((version, suites)) = newest_legacy(self.survey) else {
            return Behaviour {
                compression: none_legacy(),
                extended_master_secret: none_legacy(),
                session_tickets: none_legacy(),
                version_tolerance: none_legacy(),
                ..Behaviour::default()
            };
        };
        let hello = |claimed, compression| {
            legacy_feature_hello(self.subject, claimed, &suites, compression)
        };
        let (tolerance, answer) =
            match self.react(&hello(TlsVersion::TLS13, true), &hello(version, true)).await {
                Reaction::Answered(answer) if answer.version < TlsVersion::TLS13 => {
                    let how = format!("answers {} to a hello for 0x0304", answer.version);
                    (Fact::Yes(how), Some(answer))
                }
                Reaction::Answered(answer) => {
                    let how = format!("answers {} without supported_versions", answer.version);
                    (Fact::No(how), None)
                }
                Reaction::Intolerant(how) => (Fact::No(how), None),
                Reaction::Unclear(how) => (Fact::Unclear(how), None),
            };
        let answer = match answer {
            Some(answer) => Ok(answer),
            None => match self.react(&hello(version, true), &hello(version, false)).await {
                Reaction::Answered(answer) => Ok(answer),
                Reaction::Intolerant(how) => {
                    let compression = Fact::No(format!("{how} where DEFLATE is offered"));
                    return Behaviour {
                        compression,
                        version_tolerance: tolerance,
                        ..unclear(&how)
                    };
                }
                Reaction::Unclear(how) => Err(how),
            },
        };
        match answer {
            Ok(answer) => Behaviour { version_tolerance: tolerance, ..read_features(&answer) },
            Err(how) => Behaviour { version_tolerance: tolerance, ..unclear(&how) },
        }
    }

    /// A hello with values of GREASE wherever a browser puts them, for every version at once.
    async fn grease(&self) -> Fact {
        let Some(newest) = versions(self.survey).next() else { return Fact::default() };
        if newest.version < TlsVersion::TLS10 {
            return Fact::NotAsked("SSLv3 has no extensions".to_owned());
        }
        let mut suites = some_suites(newest);
        suites.truncate(GREASE_SUITES);
        let hello = |grease| modern_hello(self.subject, newest.version, &suites, grease);
        match self.react(&hello(true), &hello(false)).await {
            Reaction::Answered(answer) if suites.contains(&answer.cipher_suite) => {
                Fact::Yes("answers a hello with GREASE values as one without".to_owned())
            }
            Reaction::Answered(answer) => {
                Fact::No(format!("selects {}, a value of GREASE", answer.cipher_suite))
            }
            Reaction::Intolerant(how) => Fact::No(format!("{how} on GREASE values alone")),
            Reaction::Unclear(how) => Fact::Unclear(how),
        }
    }

    /// A hello for the second newest version that says it is a fallback.
    async fn fallback(&self) -> Fact {
        let versions: Vec<_> = versions(self.survey).collect();
        let lower = versions.iter().skip(1).find(|version| version.version >= TlsVersion::TLS10);
        let (Some(newest), Some(lower)) = (versions.first(), lower) else {
            return Fact::NotAsked("it has only one version that can carry it".to_owned());
        };
        let (newest, version) = (newest.version, lower.version);
        let hello = fallback_hello(self.subject, version, &some_suites(lower));
        let step = format!("a fallback from {newest} to {version}");
        match self.prober.ask(&hello).await {
            Outcome::Selected(_) => return Fact::No(format!("takes {step}")),
            Outcome::Refused(alert)
                if alert.description == AlertDescription::INAPPROPRIATE_FALLBACK =>
            {
                return Fact::Yes(format!("{alert} to {step}"));
            }
            Outcome::Refused(alert) => return Fact::Unclear(format!("{alert} to {step}")),
            _ => {}
        }
        // There are servers that hang up instead of any alert.
        let without = plain_hello(self.subject, version, &some_suites(lower));
        match self.react(&hello, &without).await {
            Reaction::Answered(_) => Fact::No(format!("takes {step}")),
            Reaction::Intolerant(how) => Fact::Yes(format!("{how} on {step} alone")),
            Reaction::Unclear(how) => Fact::Unclear(how),
        }
    }

    /// Sends `hello`, and where it is not answered, `without` the matter in question, then
    /// `hello` once more: only what fails twice around an answer is intolerance.
    async fn react(
        &self,
        hello: &crate::wire::ClientHello,
        without: &crate::wire::ClientHello,
    ) -> Reaction {
        let mut how = String::new();
        for round in 0..2 {
            let outcome = self.prober.ask(hello).await;
            if let Some(answer) = answer(&outcome) {
                return Reaction::Answered(answer);
            }
            how = words(&outcome);
            if round == 0 {
                let control = self.prober.ask(without).await;
                if answer(&control).is_none() {
                    let control = words(&control);
                    return Reaction::Unclear(format!("{how}, and to the plain hello {control}"));
                }
            }
        }
        Reaction::Intolerant(how)
    }
}

/// How many suites go with a hello that is large already.
const GREASE_SUITES: usize = 8;

fn some_suites(survey: &VersionSurvey) -> Vec<CipherSuite> {
    const MOST: usize = 16;
    let mut suites = survey.accepted.clone();
    suites.truncate(MOST);
    suites
}

fn none_legacy() -> Fact {
    Fact::NotAsked("the server speaks none of TLSv1.0 to TLSv1.2".to_owned())
}

fn read_features(answer: &ServerHello) -> Behaviour {
    let extension = |number, name: &str| {
        if answer.extensions.contains(&number) {
            Fact::Yes(format!("{name} in the answer to a hello that offers it"))
        } else {
            Fact::No(format!("no {name} in the answer to a hello that offers it"))
        }
    };
    let compression = match answer.compression_method {
        0 => Fact::No("selects none where DEFLATE is offered".to_owned()),
        1 => Fact::Yes("selects DEFLATE".to_owned()),
        other => Fact::Yes(format!("selects method {other}, which was not offered")),
    };
    Behaviour {
        compression,
        extended_master_secret: extension(EXTENDED_MASTER_SECRET, "extended_master_secret"),
        session_tickets: extension(SESSION_TICKET, "session_ticket"),
        ..Behaviour::default()
    }
}

fn unclear(how: &str) -> Behaviour {
    let fact = || Fact::Unclear(how.to_owned());
    Behaviour {
        compression: fact(),
        extended_master_secret: fact(),
        session_tickets: fact(),
        ..Behaviour::default()
    }
}

fn answer(outcome: &Outcome) -> Option<Box<ServerHello>> {
    let Outcome::Selected(flight) = outcome else { return None };
    flight.server_hello.clone().map(Box::new)
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Selected(_) => "an answer".to_owned(),
        Outcome::Refused(alert) => alert.to_string(),
        Outcome::Ended(ending) => ending.to_string(),
        Outcome::NotTls { protocol, .. } => format!("the answer is {protocol}"),
        Outcome::Failed(error) => error.to_string(),
    }
}

/// Asks whether the server speaks SSL 2.0; `known` is what it is known to accept.
pub(super) async fn ask_ssl2(
    prober: &Prober,
    subject: &Subject,
    known: Option<(TlsVersion, CipherSuite)>,
) -> Ssl2 {
    let spoken = match prober.ask_ssl2().await {
        Ssl2Outcome::Answered(Ssl2Answer::Hello(hello)) => {
            let how = format!("a SERVER-HELLO with {} cipher kinds", hello.ciphers.len());
            let certificate = (!hello.certificate.is_empty()).then_some(hello.certificate);
            return Ssl2 { spoken: Fact::Yes(how), ciphers: hello.ciphers, certificate };
        }
        Ssl2Outcome::Answered(Ssl2Answer::Error(code)) => {
            Fact::Yes(format!("an ERROR message of SSL 2.0, code {code}"))
        }
        Ssl2Outcome::Answered(Ssl2Answer::Alert(alert)) => Fact::No(alert.to_string()),
        Ssl2Outcome::Answered(Ssl2Answer::Other) => {
            Fact::No("the answer is not SSL 2.0".to_owned())
        }
        Ssl2Outcome::Ended(ending) => after_ending(prober, subject, known, ending).await,
        Ssl2Outcome::Failed(error) => Fact::Unclear(error.to_string()),
    };
    Ssl2 { spoken, ..Ssl2::default() }
}

/// Hanging up is a refusal where the server is there for others.
async fn after_ending(
    prober: &Prober,
    subject: &Subject,
    known: Option<(TlsVersion, CipherSuite)>,
    ending: Ending,
) -> Fact {
    let Some((version, suite)) = known else {
        return Fact::Unclear(ending.to_string());
    };
    match prober.ask(&plain_hello(subject, version, &[suite])).await {
        Outcome::Selected(_) => Fact::No(format!("{ending} while a control succeeds")),
        _ => Fact::Unclear(format!("{ending}, and so it is for a control")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: TlsVersion, extensions: &[u16], compression_method: u8) -> ServerHello {
        ServerHello {
            version,
            retry: false,
            random: [7; 32],
            cipher_suite: CipherSuite(0xc02f),
            compression_method,
            group: None,
            alpn: None,
            extensions: extensions.to_vec(),
        }
    }

    fn flight(hello: ServerHello) -> Flight {
        Flight { server_hello: Some(hello), ..Flight::default() }
    }

    #[test]
    fn features_are_read_from_the_server_hello() {
        let all = read_features(&hello(TlsVersion::TLS12, &[0x17, 0x23], 1));
        let facts = [&all.compression, &all.extended_master_secret, &all.session_tickets];
        assert!(facts.iter().all(|fact| fact.is_yes()), "{all:?}");
        let none = read_features(&hello(TlsVersion::TLS12, &[], 0));
        let facts = [&none.compression, &none.extended_master_secret, &none.session_tickets];
        assert!(facts.iter().all(|fact| fact.is_no()), "{none:?}");
    }

    #[test]
    fn one_answer_without_a_mark_is_a_no() {
        let mut passing = Passing::default();
        assert!(matches!(passing.renegotiation.fact("x"), Fact::Unclear(_)));
        passing.look_at(&flight(hello(TlsVersion::TLS12, &[0xff01], 0)));
        passing.look_at(&flight(hello(TlsVersion::TLS13, &[], 0)));
        passing.look_at(&flight(hello(TlsVersion::SSL3, &[], 0)));
        assert_eq!(passing.renegotiation.fact("x"), Fact::Yes("x in every answer".to_owned()));
        passing.look_at(&flight(hello(TlsVersion::TLS11, &[], 0)));
        assert_eq!(passing.renegotiation.fact("x"), Fact::No("x in 1 of 2 answers".to_owned()));
    }

    #[test]
    fn the_sentinel_is_the_one_of_rfc_8446() {
        #[rustfmt::skip]
        let table = [(*b"DOWNGRD\x01", true), (*b"DOWNGRD\x00", true), (*b"DOWNGRD\x02", false), (*b"DOWNGRE\x01", false)];
        for (end, marked) in table {
            let mut hello = hello(TlsVersion::TLS12, &[], 0);
            hello.random[24..].copy_from_slice(&end);
            assert_eq!(is_marked(&hello), marked, "{end:?}");
        }
    }
}
