//! `cipher-test config-dump`: a dump in, each cluster as Envoy has it out, while it is read.

mod judge;
mod output;
mod subject;
mod upgrade;

use std::io::{Read, stdin};
use std::ops::ControlFlow;
use std::path::Path;

use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;

use super::args::{ConfigDump, ReportOptions};
use super::diagnose::{Depth, Subject, diagnose};
use super::doors::Doors;
use super::input::STDIN;
use super::progress::Progress;
use super::settings::{Probing, choose_color, object_name};
use super::upstreams::input;
use super::{NO_ANSWER, TARGETS_AT_ONCE};
use crate::gloo::Platform;
use crate::gloo::config_dump::{self, DumpError, Item};
use crate::probe::ProbeError;
use crate::report::Diagnosis;
use crate::report::config_dump::{ClusterRecord, Probe};
use crate::trial::Obstacle;
use crate::verdict::Summary;
use judge::Judge;
use output::Output;
use upgrade::Comparison;

/// How many clusters wait between the reader and the rest: memory for them is not to grow.
const CLUSTERS_AHEAD: usize = 8;

/// What a run is told about tests.
struct Run {
    probes: bool,
    probing: Probing,
    server_names: Vec<String>,
    doors: Doors,
    progress: Progress,
}

pub(super) async fn run(mut args: ConfigDump) -> Result<u8, String> {
    choose_color(args.color);
    args.envoy = args.envoy.or(args.from.map(|from| from.envoy));
    if args.upstreams.iter().chain([&args.file]).filter(|file| is_stdin(file)).count() > 1 {
        return Err("- stands for stdin, which can be read only once".to_owned());
    }
    let run = Run::from_args(&args)?;
    let namespace = object_name("--namespace", &args.namespace)?;
    let documents = input::read_all(&args.upstreams, &namespace);
    let mistakes = documents.mistakes;
    let mut judge = Judge::new(&args, documents)?;
    let mut output = Output::new(args.format, run.probes);
    let (sender, mut receiver) = mpsc::channel(CLUSTERS_AHEAD);
    let reading = {
        let (file, wanted) = (args.file.clone(), args.cluster.clone());
        tokio::task::spawn_blocking(move || read(&file, &wanted, &sender))
    };
    if let Some(to) = args.to {
        let compared = run.compare(to, &args, &mut judge, &mut receiver).await;
        receiver.close();
        let result = reading.await.map_err(|error| format!("reading has failed: {error}"))?;
        run.progress.finish();
        let whole = result.is_ok() && judge.faulty == 0;
        let has_missed = compared.as_ref().is_ok_and(Comparison::is_empty) && whole;
        let has_missed = has_missed && !args.cluster.is_empty();
        let code = compared.and_then(|comparison| comparison.finish(whole && !has_missed));
        if let Err(error) = &result {
            tell!("cipher-test: {}: {}", shown(&args.file), explain(error));
        } else if has_missed {
            return Err(no_such_cluster(&args));
        }
        return match code {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(format!("cannot write the result: {error}"))
            }
            Ok(code) => Ok(code),
            Err(_) => Ok(NO_ANSWER),
        };
    }
    let items = stream::poll_fn(|context| receiver.poll_recv(context));
    let mut records = items
        .filter_map(|item| std::future::ready(judge.take(item)))
        .map(|record| run.test(record))
        .buffered(if run.probes { TARGETS_AT_ONCE } else { 1 });
    while let Some(record) = records.next().await {
        if run.progress.suspend(|| output.add(&record)).is_break() {
            break;
        }
    }
    drop(records);
    // A reader that still waits to hand on learns from this that nobody listens.
    receiver.close();
    let result = reading.await.map_err(|error| format!("reading has failed: {error}"))?;
    run.progress.finish();
    let is_whole = result.is_ok();
    let is_unread = !is_whole || mistakes > 0 || judge.faulty > 0;
    let is_missed = output.is_empty() && !args.cluster.is_empty();
    output.finish(&judge, is_whole, is_unread || is_missed)?;
    if let Err(error) = &result {
        tell!("cipher-test: {}: {}", shown(&args.file), explain(error));
    } else if output.is_empty() && judge.faulty == 0 && !args.cluster.is_empty() {
        return Err(no_such_cluster(&args));
    }
    Ok(output.exit_code())
}

fn no_such_cluster(args: &ConfigDump) -> String {
    format!("{}: no cluster has '{}' in its name", shown(&args.file), args.cluster.join("' or '"))
}

/// An error without the number that Rust appends.
fn explain(error: &DumpError) -> String {
    match error {
        DumpError::Io(error) => {
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
            format!("it cannot be read: {words}")
        }
        error => error.to_string(),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

fn shown(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() }
}

fn read(file: &Path, wanted: &[String], sender: &mpsc::Sender<Item>) -> Result<(), DumpError> {
    let input: Box<dyn Read> = match is_stdin(file) {
        true => Box::new(stdin()),
        false => Box::new(std::fs::File::open(file).map_err(DumpError::Io)?),
    };
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    config_dump::read(input, is_wanted, |item| match sender.blocking_send(item) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })
}

impl Run {
    fn from_args(args: &ConfigDump) -> Result<Self, String> {
        let report = ReportOptions {
            format: super::args::Format::Text,
            verbose: false,
            color: args.color,
            no_progress: args.no_progress,
        };
        let probing = Probing::from_args(&args.probing, &report, false)?;
        Ok(Self {
            probes: args.probe,
            server_names: args.try_sni.clone(),
            doors: Doors::new(&probing.limits),
            progress: Progress::new(probing.show_progress && args.probe),
            probing,
        })
    }

    async fn compare(
        &self,
        to: Platform,
        args: &ConfigDump,
        judge: &mut Judge,
        items: &mut mpsc::Receiver<Item>,
    ) -> std::io::Result<Comparison> {
        let mut comparison = Comparison::new(to, args.format);
        while let Some(item) = items.recv().await {
            comparison.take(self, judge, item).await?;
        }
        Ok(comparison)
    }

    /// Tests every endpoint of a cluster that is spoken to in TLS.
    async fn test(&self, mut record: ClusterRecord) -> ClusterRecord {
        if !self.probes {
            return record;
        }
        let subjects = self.subjects(&record);
        record.probes = stream::iter(subjects)
            .map(|(endpoint, has_certificate, subject)| async move {
                let result = match subject {
                    Ok(subject) => Ok(Box::new(self.diagnose(*subject).await)),
                    Err(reason) => Err(reason),
                };
                Probe { endpoint, result, has_certificate }
            })
            .buffered(TARGETS_AT_ONCE)
            .collect()
            .await;
        record
    }
    /// One hello where Envoy connects, and all that helps where it does not.
    async fn diagnose(&self, subject: Subject) -> Diagnosis {
        let ask = |subject| diagnose(&self.probing, subject, &self.doors, &self.progress);
        let found = ask(subject.clone()).await;
        if !is_blocked(&found) {
            return found;
        }
        let mut found = ask(Subject { depth: Depth::All, ..subject }).await;
        // It takes 100 kB an endpoint, and is not shown.
        found.endpoints.iter_mut().for_each(|endpoint| endpoint.survey = None);
        found
    }
}

/// Whether there is a server that does not let Envoy through.
fn is_blocked(diagnosis: &Diagnosis) -> bool {
    diagnosis.endpoints.iter().any(|endpoint| match &endpoint.trial.own.result {
        Ok(_) => endpoint.verdict.summary != Summary::Connects,
        Err(Obstacle::Unclear(
            ProbeError::Connect(_) | ProbeError::ConnectTimeout(_) | ProbeError::Tunnel(_),
        )) => false,
        Err(_) => true,
    })
}
