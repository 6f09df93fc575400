//! From the verdicts on the endpoints to one change for the Upstream, proven on all of them.

use super::input::{Input, UpstreamDocument};
use super::subject::Way;
use super::{ResourceFix, Run};
use crate::cli::diagnose::confirm;
use crate::gloo::{Cluster, Context, Hop, ObjectName};
use crate::remedy::{
    Change, Conflict, Prefer, Resource, Revision, RevisionNote, Subject, Wanted, revise,
    same_but_for_offers, with_edits,
};
use crate::report::Diagnosis;
use crate::report::upstreams::{EndpointDiagnosis, UpstreamDiagnosis, authority};
use crate::verdict::Summary;

impl Run {
    /// Finds the change that an Upstream needs, if it needs one.
    pub(super) async fn add_revision(
        &self,
        document: &UpstreamDocument,
        context: &Context<'_>,
        diagnosis: &mut UpstreamDiagnosis,
    ) {
        let (wanted, unserved) = match self.wanted(diagnosis) {
            Ok(found) => found,
            Err(conflict) => {
                diagnosis.no_revision = Some(conflict.to_string());
                return;
            }
        };
        if wanted.is_empty() {
            diagnosis.no_revision = single_reason(diagnosis, &unserved);
            if diagnosis.no_revision.is_none() {
                diagnosis.unserved = unserved;
            }
            return;
        }
        diagnosis.unserved = unserved;
        match self.proven(document, context, diagnosis, &wanted, is_served).await {
            Ok(revision) => self.set_revision(document, diagnosis, revision),
            Err(reason) => diagnosis.no_revision = Some(reason),
        }
    }

    fn set_revision(
        &self,
        document: &UpstreamDocument,
        diagnosis: &mut UpstreamDiagnosis,
        revision: Revision,
    ) {
        diagnosis.document_after = (revision.resource == Resource::Upstream)
            .then(|| with_edits(&document.object, &revision.edits));
        diagnosis.no_revision = None;
        diagnosis.revision = Some(revision);
    }

    pub(super) async fn proven(
        &self,
        document: &UpstreamDocument,
        context: &Context<'_>,
        diagnosis: &UpstreamDiagnosis,
        wanted: &Wanted,
        counts: fn(&Diagnosis) -> bool,
    ) -> Result<Revision, String> {
        let subject = Subject {
            document: &document.object,
            upstream: &document.upstream,
            cluster: &diagnosis.cluster,
            context,
        };
        let prefer = match self.fix {
            Some(ResourceFix::Settings) => Prefer::Settings,
            _ => Prefer::Upstream,
        };
        let mut revision = revise(subject, wanted, prefer).map_err(|reason| reason.to_string())?;
        if wanted.secret.as_ref().is_some_and(|secret| !self.knows(secret)) {
            revision.notes.push(RevisionNote::SecretNotTried);
        }
        self.prove(diagnosis, &revision.cluster, counts).await?;
        Ok(revision)
    }

    /// Whether there is a certificate to show for a Secret.
    fn knows(&self, secret: &ObjectName) -> bool {
        self.credentials.identity.is_some() || self.secrets.get(secret).is_some()
    }

    /// Tries the configurations after a change where they are not those already proven, on the
    /// endpoints that `counts`.
    async fn prove(
        &self,
        diagnosis: &UpstreamDiagnosis,
        after: &Cluster,
        counts: fn(&Diagnosis) -> bool,
    ) -> Result<(), String> {
        let endpoints = diagnosis.cluster.endpoints.iter().zip(&after.endpoints);
        for ((before, endpoint), result) in endpoints.zip(&diagnosis.endpoints) {
            let EndpointDiagnosis::Tested(found) = result else { continue };
            let (Some(old), Some(tls)) = (&before.tls, &endpoint.tls) else { continue };
            let is_proven = proven_offer(found) == tls.config.offer().ok()
                && old.credentials == tls.credentials;
            if is_proven || !counts(found) {
                continue;
            }
            if let Way::To(subject) = self.subject(endpoint) {
                confirm(&self.probing, &subject, found, &self.doors).await?;
            }
        }
        Ok(())
    }

    /// What the endpoints need, and which of them nothing serves.
    pub(super) fn wanted(
        &self,
        diagnosis: &UpstreamDiagnosis,
    ) -> Result<(Wanted, Vec<(String, String)>), Conflict> {
        let mut wanted = Wanted::default();
        let mut unserved = Vec::new();
        let endpoints = diagnosis.cluster.endpoints.iter().zip(&diagnosis.endpoints);
        for (index, (endpoint, result)) in endpoints.enumerate() {
            let EndpointDiagnosis::Tested(found) = result else { continue };
            if matches!(found.summary(), Summary::Connects | Summary::Unclear) {
                continue;
            }
            let Some(change) = &found.change else {
                let reason = found.no_change.clone().unwrap_or_default();
                unserved.push((authority(endpoint), reason));
                continue;
            };
            let mut change = change.clone();
            if let Some(name) = change.sni.take() {
                wanted.server_names.push((index, name));
            }
            if needs_certificate(found) {
                wanted.secret.clone_from(&self.secret);
            }
            let before = match endpoint.hop {
                Hop::Server => &mut wanted.server,
                Hop::Proxy => &mut wanted.proxy,
            };
            *before = match *before == Change::default() {
                true => change,
                false => before.merge(&change, &found.config)?,
            };
        }
        Ok((wanted, unserved))
    }

    /// Several Upstreams may need a change of the same Settings or the same Service: then one
    /// that serves them all, or none.
    pub(super) async fn join_revisions(
        &self,
        input: &Input,
        context: &Context<'_>,
        results: &mut [UpstreamDiagnosis],
    ) {
        self.join_settings(input, context, results).await;
        refuse_rivals(results);
        for index in 0..results.len() {
            let Some(revision) = results[index].revision.clone() else { continue };
            if let Err(reason) = self.spares_others(input, context, results, &revision).await {
                results[index].revision = None;
                results[index].no_revision = Some(reason);
            }
        }
    }

    /// Whether the Upstreams that follow the same Settings or Service, and need no change, go on as
    /// they do.
    async fn spares_others(
        &self,
        input: &Input,
        context: &Context<'_>,
        results: &[UpstreamDiagnosis],
        revision: &Revision,
    ) -> Result<(), String> {
        for (document, other) in input.upstreams.iter().zip(results) {
            let subject = Subject {
                document: &document.object,
                upstream: &document.upstream,
                cluster: &other.cluster,
                context,
            };
            let after = match other.revision {
                None => revision.cluster_of(subject),
                Some(_) => None,
            };
            let Some(after) = after.filter(|after| after.endpoints != other.cluster.endpoints)
            else {
                continue;
            };
            let outcome = match same_but_for_offers(&other.cluster, &after) {
                true => self.prove(other, &after, connects).await,
                false => Err("it would change more than cipher suites and versions".to_owned()),
            };
            outcome.map_err(|reason| {
                let (kind, name) = (revision.resource.kind(), &revision.name);
                let other = &other.cluster.upstream;
                format!("a change of {kind} {name} would count for Upstream {other}, too: {reason}")
            })?;
        }
        Ok(())
    }

    async fn join_settings(
        &self,
        input: &Input,
        context: &Context<'_>,
        results: &mut [UpstreamDiagnosis],
    ) {
        let is_settings = |result: &UpstreamDiagnosis| {
            result.revision.as_ref().is_some_and(|it| it.resource == Resource::Settings)
        };
        let bound: Vec<usize> =
            (0..results.len()).filter(|index| is_settings(&results[*index])).collect();
        if bound.len() < 2 {
            return;
        }
        let mut joined: Result<Option<Wanted>, Conflict> = Ok(None);
        for index in &bound {
            let Ok((wanted, _)) = self.wanted(&results[*index]) else { continue };
            joined = joined.and_then(|before| match before {
                None => Ok(Some(wanted)),
                Some(before) => {
                    let config = settings_config(&results[*index]);
                    let server = match config {
                        Some(config) => before.server.merge(&wanted.server, &config)?,
                        None => before.server.clone(),
                    };
                    Ok(Some(Wanted { server, ..before }))
                }
            });
        }
        for index in bound {
            let document = &input.upstreams[index];
            let result = &mut results[index];
            result.revision = None;
            let wanted = match &joined {
                Ok(wanted) => wanted.clone().unwrap_or_default(),
                Err(conflict) => {
                    result.no_revision = Some(conflict.to_string());
                    continue;
                }
            };
            match self.proven(document, context, result, &wanted, is_served).await {
                Ok(revision) => self.set_revision(document, result, revision),
                Err(reason) => result.no_revision = Some(reason),
            }
        }
    }
}

/// Takes back the changes of one Service that differ, all of them: the last one would count.
fn refuse_rivals(results: &mut [UpstreamDiagnosis]) {
    let of_services: Vec<Revision> = results
        .iter()
        .filter_map(|result| result.revision.clone())
        .filter(|revision| revision.resource == Resource::Service)
        .collect();
    for result in results {
        let Some(revision) = &result.revision else { continue };
        let is_rival = |other: &&Revision| {
            revision.resource == Resource::Service
                && other.name == revision.name
                && other.patch != revision.patch
        };
        if of_services.iter().find(is_rival).is_some() {
            result.no_revision = Some(format!(
                "another Upstream of Service {} needs another change of the same annotation",
                revision.name
            ));
            result.revision = None;
        }
    }
}

fn settings_config(result: &UpstreamDiagnosis) -> Option<crate::envoy::ClientConfig> {
    let tls = result.cluster.endpoints.iter().find_map(|endpoint| endpoint.tls.as_ref())?;
    Some(tls.config.clone())
}

/// Whether a change is to serve the endpoint: nothing serves some, and of others it is unclear.
fn is_served(found: &Diagnosis) -> bool {
    connects(found) || found.change.is_some()
}

/// Whether it is known what any address of the endpoint makes of a hello.
pub(super) fn answers(found: &Diagnosis) -> bool {
    found.endpoints.iter().any(|it| it.verdict.summary != Summary::Unclear)
}

/// Whether Envoy connects to any address of the endpoint: what one does may not be taken away
/// because another cannot be reached.
fn connects(found: &Diagnosis) -> bool {
    found.endpoints.iter().any(|it| it.verdict.summary == Summary::Connects)
}

/// What the endpoint has been seen to take: its configuration as it is, or with its own change.
fn proven_offer(found: &Diagnosis) -> Option<crate::envoy::Offer> {
    let config = match &found.change {
        Some(change) => change.apply(&found.config),
        None if found.summary() == Summary::Connects => found.config.clone(),
        None => return None,
    };
    config.offer().ok()
}

fn needs_certificate(found: &Diagnosis) -> bool {
    use crate::verdict::Finding;
    let findings = found.endpoints.iter().flat_map(|endpoint| &endpoint.verdict.findings);
    findings.into_iter().any(|finding| matches!(finding, Finding::ClientCertificate { .. }))
}

/// Of a single endpoint, the reason needs no name before it.
fn single_reason(diagnosis: &UpstreamDiagnosis, unserved: &[(String, String)]) -> Option<String> {
    match unserved {
        [(_, reason)] if diagnosis.endpoints.len() == 1 => Some(reason.clone()),
        _ => None,
    }
}
