//! The main job on one target or on ten thousand: read, tested side by side, reported and
//! forgotten.

mod descriptors;
mod order;
mod pace;
mod plan;
mod resume;
mod signals;
mod source;

use std::io;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::NO_ANSWER;
use super::args::Format;
use super::diagnose::diagnose;
use super::doors::Doors;
use super::output::{Printer, print_text};
use super::progress::Progress;
use super::settings::{Probing, Settings};
use crate::probe::{Gate, Way};
use crate::report::Diagnosis;
use crate::report::overview::Overview;
use crate::report::v1::{self, EnvoyClient};
use crate::target::Target;
use crate::verdict::Severity;
use order::Order;
use pace::Pace;
pub(super) use plan::Plan;
use resume::Earlier;
use signals::Signals;
use source::{Item, Source};

/// From how many targets on one bar stands for all.
const TARGETS_FOR_ONE_BAR: usize = 9;

/// How a run ended.
#[derive(Debug)]
enum End {
    /// All targets are done.
    Done,
    /// A signal came.
    Stopped,
    /// Nothing more can be written.
    Unwritable(io::Error),
}

/// Tests every target of the plan; returns the exit code.
pub(super) async fn run(settings: &Settings, plan: Plan) -> Result<u8, String> {
    plan.check(settings)?;
    let earlier = match &plan.resume {
        Some(path) => resume::open(path, settings.release(), &|target| {
            let subject = settings.subject(target.clone());
            let gateway = settings.probing.gateway.as_ref();
            let dialled = subject.dial.as_ref().unwrap_or(&subject.target);
            let proxy = gateway.and_then(|gateway| gateway.proxy_named_for(dialled));
            let way = Way { proxy: proxy.cloned(), ..subject.way };
            (EnvoyClient::from(&subject.config), v1::Way::new(&way))
        })?,
        None => Earlier::default(),
    };
    let signals = Signals::new().map_err(|error| format!("cannot wait for signals: {error}"))?;
    // Room for what each server gets at once; those that are given more share what is left.
    let per_host = settings.probing.limits.connections_per_host.min(Gate::FIRST_WIDTH);
    let bound = descriptors::bound(&plan, per_host);
    if let Some(note) = &bound.note {
        complain(note);
    }
    let mut probing = settings.probing.clone();
    probing.limits.connections = bound.connections;
    let doors = Doors::with_lookups(&probing.limits, bound.lookups);
    let progress = if plan.is_large(TARGETS_FOR_ONE_BAR) {
        Progress::whole(probing.show_progress)
    } else {
        Progress::new(probing.show_progress)
    };
    let Earlier { file, targets: done, overview, exit_code } = earlier;
    let mut fleet = Fleet {
        settings,
        probing: &probing,
        doors: &doors,
        progress: &progress,
        printer: Printer::new(settings).to(file),
        order: Order::new(bound.concurrency),
        overview,
        exit_code,
        tested: 0,
        begun: Instant::now(),
    };
    let source = Source::start(&plan, done);
    fleet.run(source, signals, &plan, bound.concurrency).await
}

/// All targets of the plan at once, for what compares them; and how many mistakes it has.
pub(super) async fn gather(plan: Plan) -> Result<(Vec<Target>, usize), String> {
    let mut source = Source::start(&plan, std::collections::HashSet::new());
    let mut targets = Vec::new();
    while let Some(item) = source.next().await {
        match item {
            Item::Target(target) => targets.push(target),
            Item::Mistake(message) => complain(&message),
        }
    }
    let counts = source.counts();
    tell_counts(&counts);
    if targets.is_empty() && counts.mistakes == 0 {
        return Err("no target: the lists hold none".to_owned());
    }
    Ok((targets, counts.mistakes))
}

struct Fleet<'a> {
    settings: &'a Settings,
    probing: &'a Probing,
    doors: &'a Doors,
    progress: &'a Progress,
    printer: Printer<'a>,
    order: Order<Diagnosis>,
    overview: Overview,
    exit_code: u8,
    tested: usize,
    begun: Instant,
}

impl Fleet<'_> {
    async fn run(
        &mut self,
        mut source: Source,
        mut signals: Signals,
        plan: &Plan,
        concurrency: usize,
    ) -> Result<u8, String> {
        let mut end = self.test_all(&mut source, &mut signals, concurrency).await;
        if matches!(end, End::Stopped) {
            // What is done and waits for its turn is known, and so is the number of the others.
            for diagnosis in self.order.rest() {
                end = self.print(diagnosis).map_or(end, End::Unwritable);
            }
            source.count_rest().await;
        }
        self.progress.finish();
        if !matches!(end, End::Unwritable(_)) {
            let is_whole = matches!(end, End::Done) && source.counts().mistakes == 0;
            let nothing = self.overview.targets() == 0 && plan.shard.is_none();
            let code = if is_whole && !nothing { self.exit_code } else { NO_ANSWER };
            end = self.printer.finish(code).map_or(end, End::Unwritable);
        }
        self.report(end, &source, plan)
    }

    async fn test_all(
        &mut self,
        source: &mut Source,
        signals: &mut Signals,
        concurrency: usize,
    ) -> End {
        let (probing, doors, progress) = (self.probing, self.doors, self.progress);
        let settings = self.settings;
        let mut running = FuturesUnordered::new();
        let mut pace = Pace::new(concurrency);
        let mut more = true;
        while more || !running.is_empty() {
            let room = more && running.len() < pace.width() && self.order.has_room();
            tokio::select! {
                biased;
                () = signals.wait() => return End::Stopped,
                () = pace.tick() => {
                    let counts = source.counts();
                    if counts.ended {
                        progress.set_total(counts.targets);
                    }
                }
                Some((number, diagnosis)) = running.next(), if !running.is_empty() => {
                    if let Some(error) = self.take(number, diagnosis) {
                        return End::Unwritable(error);
                    }
                }
                item = source.next(), if room => match item {
                    Some(Item::Target(target)) => {
                        let number = self.order.number();
                        let subject = settings.subject(target);
                        running.push(async move {
                            (number, diagnose(probing, subject, doors, progress).await)
                        });
                    }
                    Some(Item::Mistake(message)) => progress.suspend(|| complain(&message)),
                    None => more = false,
                },
            }
        }
        End::Done
    }

    /// Takes a result; returns what went wrong in writing, if anything did.
    fn take(&mut self, number: usize, diagnosis: Diagnosis) -> Option<io::Error> {
        self.tested += 1;
        self.exit_code = self.exit_code.max(diagnosis.exit_code());
        let target = diagnosis.target.to_string();
        self.overview.add(&target, diagnosis.summary().into(), causes(&diagnosis));
        self.progress.count();
        if self.printer.takes_any_order() {
            return self.print(diagnosis);
        }
        self.order.put(number, diagnosis);
        while let Some(diagnosis) = self.order.take() {
            if let Some(error) = self.print(diagnosis) {
                return Some(error);
            }
        }
        None
    }

    fn print(&mut self, diagnosis: Diagnosis) -> Option<io::Error> {
        let Self { printer, progress, .. } = self;
        progress.suspend(|| printer.add(diagnosis))
    }

    /// The words and the exit code at the end.
    fn report(&self, end: End, source: &Source, plan: &Plan) -> Result<u8, String> {
        let counts = source.counts();
        match end {
            // Whoever has read enough wants to hear nothing more, but what was not tested is not
            // known to be well.
            End::Unwritable(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                let is_done = counts.ended && self.tested == counts.targets;
                return Ok(if is_done { self.exit_code } else { NO_ANSWER });
            }
            End::Unwritable(error) => return Err(format!("cannot write the result: {error}")),
            End::Done | End::Stopped => {}
        }
        tell_counts(&counts);
        let nothing = self.overview.targets() == 0 && plan.shard.is_none();
        if nothing && counts.mistakes == 0 && matches!(end, End::Done) {
            return Err("no target: the lists hold none".to_owned());
        }
        let unread = self.summarise(plan);
        if matches!(end, End::Stopped) {
            let (left, all) = (counts.targets - self.tested, counts.targets);
            let more = if counts.ended { "" } else { " or more" };
            complain(&format!("stopped: {left} of {all}{more} targets were not tested"));
            return Ok(NO_ANSWER);
        }
        if counts.mistakes > 0 && !unread {
            return Ok(NO_ANSWER);
        }
        Ok(self.exit_code)
    }

    /// Prints the table of many targets; returns whether nobody reads it.
    fn summarise(&self, plan: &Plan) -> bool {
        let (settings, targets) = (self.settings, self.overview.targets());
        if plan.quiet || targets < 2 || settings.fix.is_some() {
            return false;
        }
        match settings.format {
            Format::Text => print_text(&format!("\n{}", self.overview.render())).is_err(),
            Format::Json | Format::Ndjson => {
                // The colours were chosen for stdout.
                colored::control::set_override(false);
                self.print_summary();
                false
            }
            Format::Classic => false,
        }
    }

    fn print_summary(&self) {
        let took = self.begun.elapsed();
        let rate = self.tested as f64 / took.as_secs_f64().max(0.001);
        tell!(
            "{}\n{} tested in {:.1} s, {rate:.1} a second",
            self.overview.render(),
            self.tested,
            took.as_secs_f64()
        );
    }
}

/// The codes of what keeps Envoy from a target.
fn causes(diagnosis: &Diagnosis) -> impl Iterator<Item = &'static str> {
    let unresolved = diagnosis.unresolved.as_ref().map(|_| "unresolved");
    let findings = diagnosis.endpoints.iter().flat_map(|endpoint| &endpoint.verdict.findings);
    let blocking = findings.filter(|finding| finding.severity() == Severity::Blocking);
    unresolved.into_iter().chain(blocking.map(crate::verdict::Finding::code))
}

/// What became of lines that are no targets of this run.
fn tell_counts(counts: &source::Counts) {
    let lines = [
        (counts.duplicates, "named more than once: tested once"),
        (counts.done_before, "in the file to go on with: not tested again"),
    ];
    for (count, words) in lines {
        match count {
            0 => {}
            1 => complain(&format!("1 target is {words}")),
            count => complain(&format!("{count} targets are {words}")),
        }
    }
}

fn complain(message: &str) {
    tell!("cipher-test: {message}");
}
