//! `--from` and `--to`: the same Upstreams with two releases of Gloo or Envoy.

use std::net::SocketAddr;

use futures::future::join_all;
use futures::stream::{self, StreamExt};

use super::input::{Input, UpstreamDocument};
use super::revision::answers;
use super::subject::Way;
use super::{Run, TARGETS_AT_ONCE, tell, write};
use crate::cli::NO_ANSWER;
use crate::cli::args::Format;
use crate::cli::diagnose::{Depth, diagnose};
use crate::cli::output::print_text;
use crate::cli::progress::Progress;
use crate::cli::upgrade::known_addresses;
use crate::gloo::{Cluster, Context, Platform, translate};
use crate::report::json;
use crate::report::upgrade::{
    UpstreamUpgrade, exit_code, headline, render_upgrade_totals, render_upstream,
};
use crate::report::upstreams::{EndpointDiagnosis, UpstreamDiagnosis};

impl Run {
    pub(super) async fn upgrade(
        &self,
        input: &Input,
        releases: (Platform, Platform),
    ) -> Result<u8, String> {
        let settings = input.settings()?.map(|found| &found.settings);
        let before = self.context(releases.0, settings);
        let after = self.context(releases.1, settings);
        let progress = Progress::new(self.show_progress && self.probes);
        let mut results: Vec<UpstreamUpgrade> = stream::iter(&input.upstreams)
            .map(|document| self.compare(document, &before, &after, &progress))
            .buffered(TARGETS_AT_ONCE)
            .collect()
            .await;
        self.join_upgrades(input, &after, &mut results).await;
        for (document, result) in input.upstreams.iter().zip(&mut results) {
            result.works_before = self.works_before(document, &before, result).await;
        }
        progress.finish();
        self.finish_upgrade(input, &results, releases)
    }

    async fn compare(
        &self,
        document: &UpstreamDocument,
        before: &Context<'_>,
        after: &Context<'_>,
        progress: &Progress,
    ) -> UpstreamUpgrade {
        let older = translate(&document.upstream, before);
        let own_hellos = self.own_hellos(&older, progress).await;
        // Resolved once: both are to see the same addresses.
        let known = own_hellos.iter().map(resolved).collect::<Vec<_>>();
        let newer = self.diagnose(document, after, progress, &known).await;
        UpstreamUpgrade {
            before: UpstreamDiagnosis { cluster: older, endpoints: own_hellos, ..bare(&newer) },
            after: newer,
            works_before: None,
        }
    }

    async fn own_hellos(&self, cluster: &Cluster, progress: &Progress) -> Vec<EndpointDiagnosis> {
        join_all(cluster.endpoints.iter().map(|endpoint| async {
            match self.subject(endpoint) {
                Way::Nowhere(reason) => EndpointDiagnosis::NotTested(reason),
                Way::To(mut subject) => {
                    subject.depth = Depth::OwnHello;
                    let found = diagnose(&self.probing, *subject, &self.doors, progress).await;
                    EndpointDiagnosis::Tested(Box::new(found))
                }
            }
        }))
        .await
    }

    async fn join_upgrades(
        &self,
        input: &Input,
        context: &Context<'_>,
        results: &mut [UpstreamUpgrade],
    ) {
        let mut newer: Vec<_> = results.iter().map(|result| result.after.clone()).collect();
        self.join_revisions(input, context, &mut newer).await;
        for (result, joined) in results.iter_mut().zip(newer) {
            result.after = joined;
        }
    }

    /// Whether the change for the newer release may be made while the older one runs.
    async fn works_before(
        &self,
        document: &UpstreamDocument,
        before: &Context<'_>,
        result: &UpstreamUpgrade,
    ) -> Option<Result<(), String>> {
        let revision = result.after.revision.as_ref()?;
        let (wanted, _) = self.wanted(&result.after).ok()?;
        let older = match self.proven(document, before, &result.before, &wanted, answers).await {
            Ok(older) => older,
            Err(reason) => return Some(Err(reason)),
        };
        Some(match older.edits == revision.edits {
            true => Ok(()),
            false => Err("it would be another change".to_owned()),
        })
    }

    fn finish_upgrade(
        &self,
        input: &Input,
        results: &[UpstreamUpgrade],
        releases: (Platform, Platform),
    ) -> Result<u8, String> {
        let code = results.iter().map(|result| exit_code(result.effect())).max();
        let code = code.filter(|_| input.mistakes == 0).unwrap_or(NO_ANSWER);
        if self.write || self.fix.is_some() {
            for result in results {
                tell(&result.after.cluster.upstream, &headline(result.effect(), releases));
                if let Some(Err(reason)) = &result.works_before {
                    let name = &result.after.cluster.upstream;
                    tell(name, &format!("make the change with the upgrade, not before: {reason}"));
                }
            }
            let newer: Vec<_> = results.iter().map(|result| result.after.clone()).collect();
            if self.write {
                return Ok(write::write(input, &newer));
            }
            return printed(self.print(&newer, input.mistakes), code);
        }
        if matches!(self.format, Format::Json) {
            return printed(
                print_text(&json::render_upstream_upgrade(results, releases, code)),
                code,
            );
        }
        let mut text = String::new();
        for result in results {
            text += &render_upstream(result, releases, self.verbose);
            text += "\n";
        }
        text += &render_upgrade_totals(results);
        printed(print_text(&text), code)
    }
}

/// The addresses that an endpoint was found to have.
fn resolved(result: &EndpointDiagnosis) -> Option<Vec<SocketAddr>> {
    match result {
        EndpointDiagnosis::Tested(found) => known_addresses(found),
        EndpointDiagnosis::NotTested(_) => None,
    }
}

/// The place and origin of an Upstream, without what was found about it.
fn bare(of: &UpstreamDiagnosis) -> UpstreamDiagnosis {
    UpstreamDiagnosis {
        revision: None,
        no_revision: None,
        unserved: Vec::new(),
        document_after: None,
        ..of.clone()
    }
}

fn printed(result: std::io::Result<()>, code: u8) -> Result<u8, String> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the result: {error}"))
        }
        _ => Ok(code),
    }
}
