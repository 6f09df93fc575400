//! `--to`: what another release would negotiate with the endpoints of a dump.

use futures::stream::{self, StreamExt};

use super::{Item, Judge, Run, TARGETS_AT_ONCE};
use crate::cli::NO_ANSWER;
use crate::cli::args::StreamFormat;
use crate::cli::diagnose::Subject;
use crate::cli::output::print_text;
use crate::cli::upgrade::compare_subjects;
use crate::gloo::Platform;
use crate::gloo::config_dump::DumpedCluster;
use crate::remedy::Names;
use crate::report::config_dump::ClusterRecord;
use crate::report::json;
use crate::report::upgrade::{UpgradeDiagnosis, exit_code, render};

/// What was found, and for what.
pub(super) struct Comparison {
    to: Platform,
    format: StreamFormat,
    /// JSON is one document, so results wait for the last.
    kept: Vec<UpgradeDiagnosis>,
    codes: Vec<u8>,
    from: Option<Platform>,
    names: Names,
}

impl Comparison {
    pub(super) fn new(to: Platform, format: StreamFormat) -> Self {
        let names = Names::default();
        Self { to, format, kept: Vec::new(), codes: Vec::new(), from: None, names }
    }

    /// Tests every endpoint of a cluster with both releases, and shows what comes of it.
    ///
    /// # Errors
    ///
    /// If the result cannot be written.
    pub(super) async fn take(
        &mut self,
        run: &Run,
        judge: &mut Judge,
        item: Item,
    ) -> std::io::Result<()> {
        let Some(record) = judge.take(item) else { return Ok(()) };
        let from = Platform { gloo: None, envoy: judge.release };
        self.from = Some(from);
        let names = names(&record.cluster);
        for mut found in self.compare(run, &record).await {
            found.cluster = Some(record.cluster.name.clone());
            self.codes.push(exit_code(found.effect()));
            if self.format == StreamFormat::Json {
                self.kept.push(found);
                continue;
            }
            let text = render(&found, (from, self.to), &names, false);
            run.progress.suspend(|| print_text(&format!("{text}\n")))?;
        }
        Ok(())
    }

    /// Whether there was no cluster.
    pub(super) fn is_empty(&self) -> bool {
        self.from.is_none()
    }

    async fn compare(&self, run: &Run, record: &ClusterRecord) -> Vec<UpgradeDiagnosis> {
        let subjects = run.subjects(record).into_iter();
        let subjects = subjects.filter_map(|(_, _, subject)| subject.ok());
        stream::iter(subjects)
            .map(|older| async move {
                let mut newer: Subject = (*older).clone();
                newer.config.release = self.to.envoy;
                let found =
                    compare_subjects(&run.probing, *older, newer, &run.doors, &run.progress);
                let mut found = found.await;
                // It takes 100 kB an endpoint, and is not shown.
                let endpoints = &mut found.after.endpoints;
                endpoints.iter_mut().for_each(|endpoint| endpoint.survey = None);
                found
            })
            .buffered(TARGETS_AT_ONCE)
            .collect()
            .await
    }

    /// Writes what had to wait; returns the exit code. What was not `whole` was not compared to
    /// its end.
    ///
    /// # Errors
    ///
    /// If the result cannot be written.
    pub(super) fn finish(self, whole: bool) -> std::io::Result<u8> {
        let code = self.codes.iter().copied().max().unwrap_or(0);
        let code = if whole { code } else { NO_ANSWER };
        let from = self.from.unwrap_or(self.to);
        if self.format == StreamFormat::Json {
            print_text(&json::render_upgrade(&self.kept, (from, self.to), &self.names, code))?;
        } else if self.codes.is_empty() && whole {
            print_text("no endpoint that TLS is spoken to has a known address\n")?;
        }
        Ok(code)
    }
}

/// The Upstream that a cluster is made of, as far as its name tells: `NAME_NAMESPACE`.
fn names(cluster: &DumpedCluster) -> Names {
    let is_static = cluster.eds_service.is_none();
    match cluster.name.rsplit_once('_') {
        Some((upstream, namespace)) if !upstream.is_empty() && !namespace.is_empty() => Names {
            upstream: upstream.to_owned(),
            namespace: namespace.to_owned(),
            is_static,
            ..Names::default()
        },
        _ => Names { is_static, ..Names::default() },
    }
}
