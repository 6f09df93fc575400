//! Around suites that a server fails on: the list in force without them.
//!
//! Such a server breaks off where it selects the suite, or already where it is offered, so that
//! no hello helps that only offers more than Envoy's own.

use super::attempt::attempt;
use super::dimension::{Dimension, SuiteChoice, Widening, usable_suites};
use super::handshake::{Checks, complete};
use super::obstacle::{Obstacle, Passage};
use super::settle::{Trial, a_hello_may_help};
use crate::envoy::ClientConfig;
use crate::probe::{ProbeError, Prober};
use crate::survey::Survey;
use crate::tls::{AlertDescription, CipherSuite, TlsVersion};

/// How many connections may have been opened before no other list is tried; what is found is proven
/// with two or three more.
const MOST_CONNECTIONS: u64 = 12;
/// How many lists may teach nothing before no other one is tried.
const MOST_SILENCES: u32 = 2;

/// A place to begin from without the suites that the server fails on.
pub(super) struct Omission {
    pub(super) start: Widening,
    /// Those suites, in Envoy's spelling.
    pub(super) failing: Vec<String>,
}

/// Finds the longest list of suites that the server takes, where it takes none with the list in
/// force in it. What the survey saw accepted is where to begin; of the list in force, what it did
/// not see accepted is then added, and left out if the hello fails with it.
pub(super) async fn find_omission(
    prober: &Prober,
    trial: &mut Trial,
    survey: &Survey,
    checks: &Checks,
) -> Option<Omission> {
    let obstacle = trial.own.result.as_ref().err()?;
    if trial.remedy.is_some() || !may_be_one_suite(obstacle) || lacks_groups(trial, survey) {
        return None;
    }
    let breaks_off = match obstacle {
        Obstacle::HandshakeFailed(_) => true,
        Obstacle::Unclear(_) => trial.has_start(),
        _ => false,
    };
    let is_unknown = knows_nothing(obstacle, survey) && prober.has_answered();
    let mut search = Search::new(prober, checks, trial.own.config.clone());
    let mut found = if breaks_off {
        search.around_what_breaks_off(survey).await
    } else {
        search.around_what_is_refused(survey).await
    };
    if found.is_none() && !breaks_off && is_unknown && !trial.searched_without_survey {
        trial.searched_without_survey = true;
        found = search.without_survey().await;
    }
    trial.settled &= found.is_some() || !search.is_spent();
    trial.wider.append(&mut search.failed);
    found
}

/// Whether the server failed without saying on what.
fn may_be_one_suite(obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Refused(alert) => !matches!(
            alert.description,
            AlertDescription::UNRECOGNIZED_NAME
                | AlertDescription::NO_APPLICATION_PROTOCOL
                | AlertDescription::PROTOCOL_VERSION
        ),
        Obstacle::Ended(_)
        | Obstacle::HandshakeFailed(_)
        | Obstacle::Unclear(ProbeError::Silence { .. }) => true,
        _ => false,
    }
}

/// Whether the survey saw nothing accepted that Envoy could be made to use, since all that it
/// offered was refused together with what the server fails on. A server that takes suites of
/// other kinds and refuses Envoy's by the alert for that is believed.
fn knows_nothing(obstacle: &Obstacle, survey: &Survey) -> bool {
    let is_plain = matches!(obstacle, Obstacle::Refused(alert) if matches!(
        alert.description,
        AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY
    ));
    !is_plain || survey.accepted().next().is_none()
}

/// Whether the server takes only groups that the release does not have, which no list helps.
fn lacks_groups(trial: &Trial, survey: &Survey) -> bool {
    let config = &trial.own.config;
    let curves = config.release.curves(config.build);
    survey.groups.as_ref().is_some_and(|groups| {
        let known = |group| curves.iter().any(|(_, known)| known == group);
        groups.complete && !groups.accepted.is_empty() && !groups.accepted.iter().any(known)
    })
}

/// Suites to begin with, and what else is changed.
struct Base {
    from: Widening,
    kept: Vec<CipherSuite>,
    /// Whether the server was just seen taking them.
    is_taken: bool,
}

/// Suites to add at once.
struct Part {
    suites: Vec<CipherSuite>,
    /// Whether the next part is the other half of the same suites.
    is_first: bool,
    /// Whether the server is known to fail with it.
    fails: bool,
}

impl Part {
    /// The second half first, as for a stack.
    fn halves(&self) -> [Self; 2] {
        let (first, second) = self.suites.split_at(self.suites.len().div_ceil(2));
        let half = |suites: &[CipherSuite], is_first| Self {
            suites: suites.to_vec(),
            is_first,
            fails: false,
        };
        [half(second, false), half(first, true)]
    }
}

/// The lists tried so far.
struct Search<'a> {
    prober: &'a Prober,
    checks: &'a Checks,
    config: ClientConfig,
    /// The suites of the list in force, in its order.
    in_force: Vec<CipherSuite>,
    /// The suites that the server selected and then broke off on.
    broken: Vec<CipherSuite>,
    /// How many connections had been opened before.
    opened_before: u64,
    silences: u32,
    has_budget: bool,
    /// What failed, as a trial keeps it.
    failed: Vec<(Vec<Dimension>, Result<Passage, Obstacle>)>,
}

impl<'a> Search<'a> {
    fn new(prober: &'a Prober, checks: &'a Checks, config: ClientConfig) -> Self {
        let usable = ClientConfig { cipher_suites: usable_suites(&config), ..config.clone() };
        let in_force = usable.offer().map(|offer| offer.cipher_suites).unwrap_or_default();
        let opened_before = prober.gate().connections_opened();
        let (silences, has_budget) = (0, true);
        let (broken, failed) = (Vec::new(), Vec::new());
        Self {
            prober,
            checks,
            config,
            in_force,
            broken,
            opened_before,
            silences,
            has_budget,
            failed,
        }
    }

    /// Leaves out what the server selects before it breaks off.
    async fn around_what_breaks_off(&mut self, survey: &Survey) -> Option<Omission> {
        let from = Widening::suites_alone();
        let mut list = self.in_force.clone();
        // That a handshake of the list in force fails is known.
        let selected = self.ask(&from, &list).await.ok()?.cipher_suite;
        self.leave_out(selected, &mut list)?;
        if self.sheds(&from, &mut list).await {
            return self.omission(&from, &list, &self.broken);
        }
        for base in self.bases(survey) {
            let Some((mut list, _)) = self.grow(&base).await else { continue };
            if self.sheds(&base.from, &mut list).await {
                return self.omission(&base.from, &list, &self.broken);
            }
        }
        None
    }

    async fn around_what_is_refused(&mut self, survey: &Survey) -> Option<Omission> {
        for base in self.bases(survey) {
            if let Some(found) = self.begin_with(base).await {
                return Some(found);
            }
        }
        let accepts_tls13 = survey.accepted().any(|(version, _)| version == TlsVersion::TLS13);
        let from = Widening::tls13_alone();
        let may_pass = accepts_tls13 && !self.in_force.is_empty() && !self.is_spent();
        let passes = may_pass && self.ask(&from, &[]).await.is_ok();
        let failing = self.names(&self.in_force);
        passes.then_some(Omission { start: from, failing })
    }

    async fn begin_with(&mut self, base: Base) -> Option<Omission> {
        let (mut list, failing) = self.grow(&base).await?;
        if list.iter().any(|suite| !self.in_force.contains(suite)) {
            self.improve(&base.from, &mut list).await;
        }
        self.omission(&base.from, &list, &failing)
    }

    /// Does without a suite that was only there to begin with, or takes a stronger one instead.
    async fn improve(&mut self, from: &Widening, list: &mut Vec<CipherSuite>) {
        let is_own = |suite: &CipherSuite| self.in_force.contains(suite);
        let mut better = self.config.release.sendable_suites(self.config.build);
        better.truncate(better.iter().position(|it| list.contains(it) && !is_own(it)).unwrap_or(0));
        better.retain(|suite| !is_own(suite));
        let own: Vec<_> = list.iter().filter(|suite| is_own(suite)).copied().collect();
        let tried = [own.clone(), better].concat();
        if tried.is_empty() || self.is_spent() {
            return;
        }
        if let Ok(passage) = self.ask(from, &tried).await {
            *list = self.ordered(&[&own[..], &[passage.cipher_suite]].concat());
        }
    }

    /// Tries the suites that are not in force, and then those that are, one at a time. The last
    /// come first, since what a server fails on is what it would rather select.
    async fn without_survey(&mut self) -> Option<Omission> {
        let mut others = self.config.release.sendable_suites(self.config.build);
        others.retain(|suite| !self.in_force.contains(suite));
        let mut lists = vec![others];
        lists.extend(self.in_force.iter().rev().map(|suite| vec![*suite]));
        lists.retain(|list| !list.is_empty());
        let from = Widening::suites_alone();
        for list in lists {
            if self.is_spent() {
                return None;
            }
            if let Ok(passage) = self.ask(&from, &list).await {
                let kept = vec![passage.cipher_suite];
                return self.begin_with(Base { from, kept, is_taken: true }).await;
            }
        }
        None
    }

    /// What the survey saw accepted, that which changes the least first: suites of the list in
    /// force or else the strongest other one, TLS 1.3, versions below the minimum, and all at once.
    fn bases(&self, survey: &Survey) -> Vec<Base> {
        let offer = self.config.offer();
        let offered = offer.as_ref().map(|offer| offer.versions()).unwrap_or_default();
        let accepted = |any_version: bool, suite: &CipherSuite| {
            let mut rows = survey.accepted().filter(|(version, _)| {
                (TlsVersion::TLS10..TlsVersion::TLS13).contains(version)
                    && (any_version || offered.contains(version))
            });
            !self.broken.contains(suite) && rows.any(|(_, accepted)| accepted == *suite)
        };
        let sendable = self.config.release.sendable_suites(self.config.build);
        let kept = |any_version: bool| -> Vec<CipherSuite> {
            let own = self.in_force.iter().filter(|suite| accepted(any_version, suite)).copied();
            let own: Vec<_> = own.collect();
            let strongest = || sendable.iter().find(|suite| accepted(any_version, suite)).copied();
            if own.is_empty() { Vec::from_iter(strongest()) } else { own }
        };
        let alone = Widening::suites_alone;
        let and = |part: Dimension, maximum| {
            let mut from = Widening { maximum, ..alone() };
            from.dimensions.insert(part);
            from
        };
        let most = Widening::most(TlsVersion::TLS12, &[Dimension::SignatureAlgorithms]);
        let (here, anywhere) = (kept(false), kept(true));
        let mut bases = Vec::new();
        if !here.is_empty() {
            bases.push(Base { from: alone(), kept: here.clone(), is_taken: false });
        }
        if survey.accepted().any(|(version, _)| version == TlsVersion::TLS13) {
            // TLS 1.3 does without the list, which has to be such that the server does not fail.
            let from = and(Dimension::MaximumVersion, TlsVersion::TLS13);
            bases.push(Base { from, kept: Vec::new(), is_taken: true });
        }
        if anywhere != here {
            let from = and(Dimension::MinimumVersion, TlsVersion::TLS12);
            bases.push(Base { from, kept: anywhere.clone(), is_taken: false });
        }
        if !anywhere.is_empty() {
            bases.push(Base { from: most, kept: anywhere, is_taken: false });
        }
        bases
    }

    /// Adds the other suites of the list in force, by halves where the server fails with all of
    /// them; returns the list that it takes, and the suites that it fails on.
    async fn grow(&mut self, base: &Base) -> Option<(Vec<CipherSuite>, Vec<CipherSuite>)> {
        let mut kept = base.kept.clone();
        if self.is_spent() || !base.is_taken && self.ask(&base.from, &kept).await.is_err() {
            return None;
        }
        let mut rest = self.in_force.clone();
        rest.retain(|suite| !kept.contains(suite) && !self.broken.contains(suite));
        let mut parts = vec![Part { suites: rest, is_first: false, fails: false }];
        let mut failing = Vec::new();
        while let Some(part) = parts.pop() {
            let is_known = part.fails && part.suites.len() == 1;
            if part.suites.is_empty() || (self.is_spent() && !is_known) {
                continue;
            }
            let more = self.ordered(&[&kept[..], &part.suites].concat());
            if !part.fails && !self.is_own(base, &more) && self.ask(&base.from, &more).await.is_ok()
            {
                kept = more;
                // Both halves together are what has failed already.
                if let Some(second) = parts.last_mut().filter(|_| part.is_first) {
                    second.fails = true;
                }
            } else if let [suite] = part.suites[..] {
                failing.push(suite);
            } else {
                parts.extend(part.halves());
            }
        }
        // With nothing to leave out, the server has changed its mind since.
        let differs = kept != self.in_force;
        (!kept.is_empty() && differs).then_some((kept, failing))
    }

    /// Whether that is Envoy's own hello, which is known to fail.
    fn is_own(&self, base: &Base, list: &[CipherSuite]) -> bool {
        base.from == Widening::suites_alone() && *list == self.in_force
    }

    /// Leaves out what the server selects before it breaks off, until a handshake completes.
    async fn sheds(&mut self, from: &Widening, list: &mut Vec<CipherSuite>) -> bool {
        while !list.is_empty() && !self.is_spent() {
            let Ok(passage) = self.ask(from, list).await else { return false };
            let config = self.start(from, list).apply(&self.config);
            match complete(self.prober, &config, &passage, self.checks).await {
                Err(obstacle) if a_hello_may_help(&obstacle) => self.note(from, obstacle),
                _ => return true,
            }
            if self.leave_out(passage.cipher_suite, list).is_none() {
                return false;
            }
        }
        false
    }

    fn leave_out(&mut self, suite: CipherSuite, list: &mut Vec<CipherSuite>) -> Option<()> {
        let place = list.iter().position(|other| *other == suite)?;
        self.broken.push(list.remove(place));
        Some(())
    }

    /// Sends the hello with this list.
    async fn ask(&mut self, from: &Widening, list: &[CipherSuite]) -> Result<Passage, ()> {
        let start = self.start(from, list);
        let result = attempt(self.prober, start.apply(&self.config)).await.result;
        result.map_err(|obstacle| self.note(from, obstacle))
    }

    fn note(&mut self, from: &Widening, obstacle: Obstacle) {
        self.has_budget &= !matches!(obstacle, Obstacle::Unclear(ProbeError::Budget));
        self.silences += u32::from(matches!(obstacle, Obstacle::Unclear(_)));
        self.failed.push((from.dimensions.iter().copied().collect(), Err(obstacle)));
    }

    /// Whether no other list is tried.
    fn is_spent(&self) -> bool {
        let opened = self.prober.gate().connections_opened() - self.opened_before;
        !self.has_budget || opened >= MOST_CONNECTIONS || self.silences > MOST_SILENCES
    }

    fn omission(
        &self,
        from: &Widening,
        list: &[CipherSuite],
        failing: &[CipherSuite],
    ) -> Option<Omission> {
        let left_out = || {
            let left_out = self.in_force.iter().filter(|suite| !list.contains(suite));
            left_out.copied().collect::<Vec<_>>()
        };
        // Which of them it was, there was no connection left for.
        let failing = if failing.is_empty() { left_out() } else { self.ordered(failing) };
        let start = self.start(from, list);
        (!failing.is_empty()).then(|| Omission { start, failing: self.names(&failing) })
    }

    /// In the order of the list in force, and others after it.
    fn ordered(&self, suites: &[CipherSuite]) -> Vec<CipherSuite> {
        let own = self.in_force.iter().filter(|suite| suites.contains(suite));
        let others = suites.iter().filter(|suite| !self.in_force.contains(suite));
        own.chain(others).copied().collect()
    }

    fn start(&self, from: &Widening, list: &[CipherSuite]) -> Widening {
        let suites = SuiteChoice::Only(self.entries(list));
        Widening { suites, ..from.clone() }
    }

    fn names(&self, suites: &[CipherSuite]) -> Vec<String> {
        let release = self.config.release;
        let names = suites.iter().filter_map(|suite| release.suite_name(*suite));
        names.map(str::to_owned).collect()
    }

    /// The list as it is written: with the entries of the list in force of which nothing is left
    /// out, such as `[A|B]`.
    fn entries(&self, list: &[CipherSuite]) -> Vec<String> {
        let release = self.config.release;
        let suites = |entry: &str| -> Option<Vec<CipherSuite>> {
            let names = entry.trim_matches(['[', ']']).split('|');
            names.map(|name| release.suite_named(name)).collect()
        };
        let mut entries = Vec::new();
        let mut rest = list.to_vec();
        for entry in usable_suites(&self.config) {
            let Some(suites) = suites(&entry) else { return self.names(list) };
            let kept: Vec<_> = suites.iter().filter(|it| rest.contains(it)).copied().collect();
            rest.retain(|suite| !kept.contains(suite));
            match kept == suites {
                true => entries.push(entry),
                false => entries.extend(self.names(&kept)),
            }
        }
        entries.extend(self.names(&rest));
        entries
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::envoy::{Build, Release};
    use crate::probe::{Ending, Gate, Limits};
    use crate::survey::{Preference, VersionSurvey};
    use crate::tls::Alert;

    fn prober() -> Prober {
        let doors = Arc::new(tokio::sync::Semaphore::new(64));
        let gate = Gate::new(1, Duration::ZERO, doors);
        let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        Prober::new(nobody, Arc::new(gate), Arc::new(Limits::default()))
    }

    fn config(list: &[&str]) -> ClientConfig {
        let cipher_suites = list.iter().map(|name| (*name).to_owned()).collect();
        ClientConfig { cipher_suites, ..ClientConfig::new(Release::NEWEST, Build::Standard) }
    }

    fn refused(description: AlertDescription) -> Obstacle {
        Obstacle::Refused(Alert { level: crate::tls::AlertLevel::FATAL, description })
    }

    #[test]
    fn what_is_kept_of_a_list_is_written_as_it_was() {
        const GCM: CipherSuite = CipherSuite(0xc02f);
        #[rustfmt::skip]
        let table: [(&[&str], &[&str]); 5] = [
            (&["[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]", "AES128-SHA"],
                &["ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA"]),
            (&["[AES128-SHA|AES256-SHA]", "ECDHE-RSA-AES128-GCM-SHA256"], &["[AES128-SHA|AES256-SHA]"]),
            (&["AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"], &["AES256-SHA", "AES128-SHA"]),
            (&["AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"], &["AES128-SHA"]),
            (&["ECDHE+AESGCM", "!ECDSA"], &["ECDHE-RSA-AES256-GCM-SHA384"]),
        ];
        let (prober, checks) = (prober(), Checks::default());
        for (list, expected) in table {
            let search = Search::new(&prober, &checks, config(list));
            let mut kept = search.in_force.clone();
            assert!(kept.contains(&GCM), "{list:?}");
            kept.retain(|suite| *suite != GCM);
            assert_eq!(search.entries(&kept), expected, "{list:?}");
            let offered = config(expected).offer().unwrap().cipher_suites;
            assert_eq!(offered, kept, "{list:?}");
        }
    }

    #[test]
    fn an_alert_that_names_its_cause_is_no_failing_suite() {
        let table = [
            (AlertDescription::HANDSHAKE_FAILURE, true),
            (AlertDescription::INTERNAL_ERROR, true),
            (AlertDescription::PROTOCOL_VERSION, false),
            (AlertDescription::UNRECOGNIZED_NAME, false),
            (AlertDescription::NO_APPLICATION_PROTOCOL, false),
        ];
        for (description, may_be) in table {
            assert_eq!(may_be_one_suite(&refused(description)), may_be, "{description}");
        }
        assert!(may_be_one_suite(&Obstacle::Ended(Ending::Reset)));
        assert!(!may_be_one_suite(&Obstacle::VersionTooLow(TlsVersion::TLS10)));
    }

    #[test]
    fn a_server_that_takes_other_suites_is_believed_its_handshake_failure() {
        let dhe = VersionSurvey {
            version: TlsVersion::TLS12,
            answers: Default::default(),
            accepted: vec![CipherSuite(0x0039)],
            preference: Preference::Unknown,
            order_proven: false,
        };
        let takes_dhe = Survey { versions: vec![dhe], ..Survey::default() };
        let plain = refused(AlertDescription::HANDSHAKE_FAILURE);
        assert!(!knows_nothing(&plain, &takes_dhe));
        assert!(knows_nothing(&plain, &Survey::default()));
        assert!(knows_nothing(&refused(AlertDescription::INTERNAL_ERROR), &takes_dhe));
    }
}
