//! What goes to stdout.

use std::io;

use serde_json::{Map, Value};

use super::{Run, tell, tell_unproven};
use crate::cli::args::{Format, ResourceFix};
use crate::cli::output::print_text;
use crate::remedy::{Resource, Revision, yaml};
use crate::report::json;
use crate::report::upstreams::{UpstreamDiagnosis, remarks, render, render_totals};

impl Run {
    pub(super) fn print(&self, results: &[UpstreamDiagnosis], unreadable: usize) -> io::Result<()> {
        if let Some(fix) = self.fix {
            return print_text(&fixes(fix, results));
        }
        if matches!(self.format, Format::Json) {
            return print_text(&json::render_upstreams(results, self.platform, unreadable));
        }
        for result in results {
            print_text(&format!("{}\n", render(result, self.verbose)))?;
        }
        let summaries: Vec<_> = results.iter().map(UpstreamDiagnosis::summary).collect();
        print_text(&render_totals(&summaries, self.platform, unreadable))
    }
}

/// The changes alone, each resource once; what has none is told on stderr.
fn fixes(fix: ResourceFix, results: &[UpstreamDiagnosis]) -> String {
    let mut printed: Vec<&Revision> = Vec::new();
    let mut text = String::new();
    for result in results {
        explain(fix, result);
        let Some(revision) = &result.revision else { continue };
        if printed.iter().any(|other| is_same(other, revision)) {
            continue;
        }
        let Some(piece) = one(fix, result, revision) else { continue };
        if !printed.is_empty() && fix != ResourceFix::Kubectl {
            text += "---\n";
        }
        text += &piece;
        printed.push(revision);
    }
    text
}

fn is_same(one: &Revision, other: &Revision) -> bool {
    one.resource == other.resource && one.name == other.name && one.patch == other.patch
}

fn one(fix: ResourceFix, result: &UpstreamDiagnosis, revision: &Revision) -> Option<String> {
    match fix {
        ResourceFix::Kubectl => Some(format!("{}\n", revision.kubectl_command())),
        ResourceFix::Settings | ResourceFix::Patch => {
            Some(format!("{}{}", address_line(revision), yaml(&revision.patch)))
        }
        ResourceFix::Upstream => Some(yaml(&applicable(result.document_after.as_ref()?))),
    }
}

/// A merge patch does not say what it is for.
fn address_line(revision: &Revision) -> String {
    let (kind, name) = (revision.resource.kubectl_name(), &revision.name);
    format!(
        "# kubectl patch {kind} {} -n {} --type merge --patch-file\n",
        name.name, name.namespace
    )
}

/// An object without what the API server sets.
fn applicable(document: &Value) -> Value {
    const SET_BY_SERVER: [&str; 6] =
        ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];
    let mut document = document.clone();
    if let Value::Object(fields) = &mut document {
        fields.shift_remove("status");
    }
    if let Some(Value::Object(metadata)) = document.get_mut("metadata") {
        SET_BY_SERVER.iter().for_each(|field| {
            metadata.shift_remove(*field);
        });
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    if document.get("metadata").is_some_and(is_empty) {
        document.as_object_mut().map(|fields| fields.shift_remove("metadata"));
    }
    document
}

/// What stands below the change in the report.
fn caution(result: &UpstreamDiagnosis, revision: &Revision) {
    let name = &result.cluster.upstream;
    tell_unproven(result);
    for note in remarks(result, revision) {
        tell(name, &format!("note: {note}"));
    }
}

fn explain(fix: ResourceFix, result: &UpstreamDiagnosis) {
    let name = &result.cluster.upstream;
    for (endpoint, reason) in &result.unserved {
        tell(name, &format!("nothing serves {endpoint}: {reason}"));
    }
    match (&result.revision, &result.no_revision, result.summary().exit_code()) {
        (Some(revision), _, _) => {
            if fix == ResourceFix::Upstream && revision.resource != Resource::Upstream {
                let kind = revision.resource.kind();
                tell(name, &format!("the change is one of {kind} {}", revision.name));
            }
            caution(result, revision);
        }
        (None, Some(reason), _) => tell(name, &format!("no patch: {reason}")),
        (None, None, 0) => tell(name, "no patch is needed"),
        (None, None, 1) if result.unserved.is_empty() => {
            tell(name, "no patch can be given: see cipher-test upstreams without --fix");
        }
        (None, None, 1) => {}
        (None, None, _) => tell(name, "unclear: see cipher-test upstreams without --fix"),
    }
}
