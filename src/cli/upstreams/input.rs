//! Documents to what bears upon Upstreams.

use std::path::PathBuf;

use serde_json::Value;

use crate::cli::input::{STDIN, read_path, read_stdin};
use crate::gloo::{
    Document, DocumentError, ObjectName, Place, Secret, Secrets, Settings, Upstream, is_name,
};
use crate::trial::printable;

/// What the files hold that bears upon Upstreams.
#[derive(Debug, Default)]
pub(in crate::cli) struct Input {
    pub(in crate::cli) upstreams: Vec<UpstreamDocument>,
    pub(in crate::cli) settings: Vec<SettingsDocument>,
    /// Secrets, to show and to verify with.
    pub(in crate::cli) secrets: Secrets,
    /// Services, to write annotations to.
    pub(in crate::cli) services: Vec<Document>,
    /// How many documents are of kinds that say nothing here.
    pub(in crate::cli) others: usize,
    /// How many could not be read.
    pub(in crate::cli) mistakes: usize,
}

/// An Upstream, and the document that it was read from.
#[derive(Debug)]
pub(in crate::cli) struct UpstreamDocument {
    pub(in crate::cli) place: Place,
    pub(in crate::cli) object: Value,
    pub(in crate::cli) upstream: Upstream,
}

/// Settings, and where they were read.
#[derive(Debug)]
pub(in crate::cli) struct SettingsDocument {
    pub(in crate::cli) place: Place,
    pub(in crate::cli) settings: Settings,
}

/// Reads all files; says on stderr what cannot be read, and goes on.
pub(in crate::cli) fn read_all(files: &[PathBuf], namespace: &str) -> Input {
    let mut input = Input::default();
    for path in files {
        let result = match path.as_os_str() == STDIN {
            true => read_stdin(|found| input.take(found, namespace)),
            false => read_path(path, |found| input.take(found, namespace)),
        };
        if let Err(message) = result {
            input.complain(&message);
        }
    }
    input
}

impl Input {
    fn take(&mut self, found: Result<Document, DocumentError>, namespace: &str) {
        let document = match found {
            Ok(document) => document,
            Err(error) => return self.complain(&error.to_string()),
        };
        let kind = document.object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let of_gloo = document
            .object
            .get("apiVersion")
            .and_then(Value::as_str)
            .is_none_or(|version| version.starts_with("gloo.solo.io/"));
        match kind {
            "Upstream" if of_gloo => self.take_upstream(document, namespace),
            "Settings" if of_gloo => self.take_settings(document, namespace),
            "Secret" if Secret::is_one(&document.object) => self.take_secret(document, namespace),
            "Service" => self.services.push(document),
            _ => self.others += 1,
        }
    }

    fn take_upstream(&mut self, document: Document, namespace: &str) {
        let Document { place, object } = document;
        match Upstream::read(&object) {
            Ok(mut upstream) => {
                place_in(&mut upstream.name, namespace);
                self.upstreams.push(UpstreamDocument { place, object, upstream });
            }
            Err(fault) => self.complain(&format!("{place}: {}{fault}", named(&object))),
        }
    }

    fn take_secret(&mut self, document: Document, namespace: &str) {
        let Document { place, mut object } = document;
        match Secret::take(&mut object) {
            Ok(mut secret) => {
                place_in(&mut secret.name, namespace);
                self.secrets.add(secret);
            }
            Err(fault) => self.complain(&format!("{place}: Secret: {fault}")),
        }
    }

    fn take_settings(&mut self, document: Document, namespace: &str) {
        let Document { place, object } = document;
        match Settings::read(&object) {
            Ok(mut settings) => {
                place_in(&mut settings.name, namespace);
                self.settings.push(SettingsDocument { place, settings });
            }
            Err(fault) => self.complain(&format!("{place}: {}{fault}", named(&object))),
        }
    }

    fn complain(&mut self, message: &str) {
        self.mistakes += 1;
        tell!("cipher-test: {}", printable(message));
    }

    /// The Settings that count: the ones called `default`, or the only ones.
    pub(in crate::cli) fn settings(&self) -> Result<Option<&SettingsDocument>, String> {
        let named = self.settings.iter().find(|found| found.settings.name.name == "default");
        match (named, self.settings.as_slice()) {
            (Some(found), _) | (None, [found]) => Ok(Some(found)),
            (None, []) => Ok(None),
            (None, several) => Err(format!(
                "there are {} Settings, and none is called default: give one of them",
                several.len()
            )),
        }
    }
}

/// Where kubectl puts what names no namespace.
fn place_in(name: &mut ObjectName, namespace: &str) {
    if name.namespace.is_empty() {
        namespace.clone_into(&mut name.namespace);
    }
}

/// `Upstream NAME: `, where the name can be read.
fn named(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    match (text("/kind"), text("/metadata/name")) {
        (Some(kind), Some(name)) if is_name(name) => format!("{kind} {name}: "),
        _ => String::new(),
    }
}
