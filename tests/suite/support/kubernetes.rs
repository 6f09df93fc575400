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

/// Where the schemas of Kubernetes itself are, as its OpenAPI document has them.
fn published(release: &str) -> std::path::PathBuf {
    let home = root().join(".lab/kubernetes-validate-1.37.0/kubernetes_validate");
    home.join(format!("kubernetes-json-schema/v{release}-local-strict/_definitions.json"))
}

/// What the schemas of a Kubernetes release have against an object of it, with no field that they
/// do not know.
pub(crate) fn published_faults(release: &str, object: &Value) -> Vec<String> {
    let text = std::fs::read_to_string(published(release)).unwrap_or_else(|error| {
        panic!("no schemas of Kubernetes {release}: {error}: run scripts/install-test-dependencies")
    });
    let text = text.replace("/api/_definitions.json#/$defs/", "#/$defs/");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    let api = object["apiVersion"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let wanted = json!({ "group": group, "kind": kind, "version": version });
    let definitions = schema["$defs"].as_object().expect("definitions");
    let is_it = |definition: &Value| definition["x-kubernetes-group-version-kind"][0] == wanted;
    let found = definitions.iter().find(|(_, definition)| is_it(definition));
    let (name, _) = found.unwrap_or_else(|| panic!("no schema of {api} {kind}"));
    let name = format!("#/$defs/{name}");
    let fields = schema.as_object_mut().expect("a schema");
    fields.remove("$id");
    fields.insert("$ref".to_owned(), name.into());
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let fault =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(object).map(fault).collect()
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
