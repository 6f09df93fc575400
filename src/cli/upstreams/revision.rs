//! From the verdicts on the endpoints to one change for the Upstream, proven on all of them.

use super::input::{Input, UpstreamDocument};
use super::subject::Way;
use super::{ResourceFix, Run};
use crate::cli::diagnose::confirm;
use crate::gloo::{Context, Hop};
use crate::remedy::{
    Change, Conflict, Prefer, Resource, Revision, Subject, Wanted, revise, with_edits,
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
        match self.proven(document, context, diagnosis, &wanted).await {
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
        let revision = revise(subject, wanted, prefer).map_err(|reason| reason.to_string())?;
        self.prove(diagnosis, &revision).await?;
        Ok(revision)
    }

    /// Tries the configurations after the change where they are not those already proven.
    async fn prove(
        &self,
        diagnosis: &UpstreamDiagnosis,
        revision: &Revision,
    ) -> Result<(), String> {
        let unserved: Vec<_> = diagnosis.unserved.iter().map(|(name, _)| name).collect();
        let endpoints = revision.cluster.endpoints.iter().zip(&diagnosis.endpoints);
        for (endpoint, result) in endpoints {
            let EndpointDiagnosis::Tested(found) = result else { continue };
            let Some(tls) = &endpoint.tls else { continue };
            let is_proven = match found.summary() {
                Summary::Unclear => true,
                _ => proven_offer(found) == tls.config.offer().ok(),
            };
            if is_proven || unserved.contains(&&authority(endpoint)) {
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
        let mut seen: Vec<Revision> = Vec::new();
        for result in results.iter_mut() {
            let Some(revision) = &result.revision else { continue };
            if revision.resource != Resource::Service {
                continue;
            }
            let other = seen.iter().find(|other| other.name == revision.name);
            if other.is_some_and(|other| other.patch != revision.patch) {
                result.no_revision = Some(format!(
                    "another Upstream of Service {} needs another change of the same annotation",
                    revision.name
                ));
                result.revision = None;
            } else {
                seen.push(revision.clone());
            }
        }
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
            match self.proven(document, context, result, &wanted).await {
                Ok(revision) => self.set_revision(document, result, revision),
                Err(reason) => result.no_revision = Some(reason),
            }
        }
    }
}

fn settings_config(result: &UpstreamDiagnosis) -> Option<crate::envoy::ClientConfig> {
    let tls = result.cluster.endpoints.iter().find_map(|endpoint| endpoint.tls.as_ref())?;
    Some(tls.config.clone())
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
