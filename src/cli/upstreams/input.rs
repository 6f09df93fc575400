//! Files and directories to documents.
#![expect(clippy::print_stderr, reason = "what cannot be read is told at once")]

use std::fs::File;
use std::io::{BufReader, stdin};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::gloo::{Document, Place, Settings, Upstream, read};

/// The name of standard input, on the command line and in messages.
pub(in crate::cli) const STDIN: &str = "-";
/// How deep directories are read.
const DEEPEST: usize = 32;

/// What the files hold that bears upon Upstreams.
#[derive(Debug, Default)]
pub(in crate::cli) struct Input {
    pub(in crate::cli) upstreams: Vec<UpstreamDocument>,
    pub(in crate::cli) settings: Vec<SettingsDocument>,
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
        if path.as_os_str() == STDIN {
            read("stdin", BufReader::new(stdin()), |found| input.take(found, namespace));
            continue;
        }
        match files_under(path) {
            Ok(paths) => paths.iter().for_each(|path| input.read_file(path, namespace)),
            Err(error) => input.complain(&format!("{}: {error}", path.display())),
        }
    }
    input
}

/// The file itself, or all of a directory that may hold resources, in order.
fn files_under(path: &Path) -> Result<Vec<PathBuf>, String> {
    let words = |error: &dyn std::fmt::Display| format!("it cannot be read: {}", plain(error));
    let metadata = std::fs::metadata(path).map_err(|error| words(&error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = walkdir::WalkDir::new(path)
        .max_depth(DEEPEST)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| words(&error))?;
        if entry.file_type().is_file() && may_hold_resources(entry.path()) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn may_hold_resources(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// An error without the number that Rust appends.
fn plain(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

impl Input {
    fn read_file(&mut self, path: &Path, namespace: &str) {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => read(&name, BufReader::new(file), |found| self.take(found, namespace)),
            Err(error) => self.complain(&format!("{name}: it cannot be read: {}", plain(&error))),
        }
    }

    fn take(&mut self, found: Result<Document, crate::gloo::DocumentError>, namespace: &str) {
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
            "Settings" if of_gloo => self.take_settings(document),
            "Service" => self.services.push(document),
            _ => self.others += 1,
        }
    }

    fn take_upstream(&mut self, document: Document, namespace: &str) {
        let Document { place, object } = document;
        match Upstream::read(&object) {
            Ok(mut upstream) => {
                if upstream.name.namespace.is_empty() {
                    namespace.clone_into(&mut upstream.name.namespace);
                }
                self.upstreams.push(UpstreamDocument { place, object, upstream });
            }
            Err(fault) => self.complain(&format!("{place}: {}{fault}", named(&object))),
        }
    }

    fn take_settings(&mut self, document: Document) {
        let Document { place, object } = document;
        match Settings::read(&object) {
            Ok(settings) => self.settings.push(SettingsDocument { place, settings }),
            Err(fault) => self.complain(&format!("{place}: {}{fault}", named(&object))),
        }
    }

    fn complain(&mut self, message: &str) {
        self.mistakes += 1;
        eprintln!("cipher-test: {message}");
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

/// `Upstream NAME: `, where the name can be read.
fn named(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    match (text("/kind"), text("/metadata/name")) {
        (Some(kind), Some(name)) if name.len() <= 253 => format!("{kind} {name}: "),
        _ => String::new(),
    }
}
