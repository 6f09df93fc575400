//! `cipher-test upstreams` against what Gloo and a real Envoy make of the same documents.

mod appearance;
mod envoy;
mod forms;
mod generated;
mod harm;
mod samples;
mod shape;
mod shapes;
mod ways;

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::binary::{Run, cipher_test};
use crate::support::scratch;

/// Documents in a file, for as long as this lives.
pub(crate) struct Documents {
    _directory: TempDir,
    pub(crate) file: PathBuf,
}

impl Documents {
    /// As kubectl prints several: one YAML stream.
    pub(crate) fn new(documents: &[Value]) -> Self {
        let texts: Vec<_> = documents
            .iter()
            .map(|document| serde_norway::to_string(document).expect("YAML"))
            .collect();
        Self::of(&texts.join("---\n"))
    }

    /// A file with this text.
    pub(crate) fn of(text: &str) -> Self {
        let directory = scratch("upstreams-");
        let file = directory.path().join("upstreams.yaml");
        std::fs::write(&file, text).expect("a file");
        Self { _directory: directory, file }
    }

    /// Runs `cipher-test upstreams` on the file.
    pub(crate) fn run(&self, args: &[String]) -> Run {
        let file = self.file.display().to_string();
        cipher_test(["upstreams".to_owned(), file].iter().chain(args))
    }
}

/// An Upstream with this spec.
pub(crate) fn upstream(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": name, "namespace": "gloo-system" },
        "spec": spec,
    })
}

/// The Settings that Gloo reads, with this default.
pub(crate) fn settings(parameters: Value) -> Value {
    json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Settings",
        "metadata": { "name": "default", "namespace": "gloo-system" },
        "spec": {
            "discoveryNamespace": "gloo-system",
            "upstreamOptions": { "sslParameters": parameters },
        },
    })
}

/// Words to arguments.
pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
