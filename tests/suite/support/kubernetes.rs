//! What Kubernetes would say of an object, and kubectl make of a patch.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::{program, root, scratch};

/// The schema of an Upstream, from the CRD that Gloo installs.
fn schema() -> &'static Validator {
    static MADE: OnceLock<Validator> = OnceLock::new();
    MADE.get_or_init(|| {
        let path = root().join("fixtures/gloo/upstream-crd.yaml");
        let text = std::fs::read_to_string(path).expect("the fixture");
        let crd: Value = serde_norway::from_str(&text).expect("YAML");
        let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        for (field, kind) in [("apiVersion", "string"), ("kind", "string")] {
            schema["properties"][field] = json!({ "type": kind });
        }
        let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        // Kubernetes checks these itself, for every kind.
        schema["properties"]["metadata"] = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "namespace": { "type": "string" },
                "labels": texts,
                "annotations": texts,
                "creationTimestamp": { "type": "string" },
                "generation": { "type": "integer" },
                "resourceVersion": { "type": "string" },
                "uid": { "type": "string" },
            },
        });
        strict(&mut schema);
        jsonschema::validator_for(&schema).expect("a schema")
    })
}

/// Turns a structural schema of Kubernetes into a JSON Schema that forbids what Kubernetes would
/// drop.
fn strict(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    let set = |fields: &Map<String, Value>, name: &str| fields.get(name) == Some(&json!(true));
    if set(fields, "x-kubernetes-int-or-string") {
        fields.insert("type".into(), json!(["integer", "string"]));
    }
    if set(fields, "nullable")
        && let Some(kind) = fields.get("type").cloned()
    {
        let mut kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind]);
        kinds.push(json!("null"));
        fields.insert("type".into(), kinds.into());
    }
    let is_object = fields.get("type") == Some(&json!("object"));
    let is_open = fields.contains_key("additionalProperties")
        || set(fields, "x-kubernetes-preserve-unknown-fields");
    if is_object && !is_open {
        fields.insert("additionalProperties".into(), json!(false));
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(strict);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(inner) {
            strict(inner);
        }
    }
}

/// What the schema has against a document.
pub(crate) fn faults(document: &Value) -> Vec<String> {
    let fault =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    schema().iter_errors(document).map(fault).collect()
}

/// What kubectl makes of a merge patch, without a server.
pub(crate) fn kubectl_merge(before: &Value, patch: &str) -> Value {
    let directory = scratch("kubectl-");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let output = Command::new(program("kubectl"))
        .env("KUBECONFIG", "/dev/null")
        .env("HOME", directory.path())
        .args(["patch", "--local", "--type", "merge", "-o", "json", "-f"])
        .arg(file("before.json", &before.to_string()))
        .arg("--patch-file")
        .arg(file("patch.yaml", patch))
        .stdin(Stdio::null())
        .output()
        .expect("kubectl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
