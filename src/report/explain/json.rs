//! Explanations as JSON, in the shape of [`v1`](super::v1).

use super::v1::Explanations;
use crate::gloo::symptom::Explained;
use crate::report::json::text;

/// Renders what was seen as one JSON document on one line. Same input, same bytes.
#[must_use]
pub fn render(explained: &Explained) -> String {
    text(&Explanations::from(explained)) + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::explain::sample;
    use crate::report::schema::{Shape, schema};

    #[test]
    fn the_document_is_as_the_schema_says() {
        let text = render(&sample::explained());
        let document: Value = serde_json::from_str(&text).unwrap();
        let schema: Value = serde_json::from_str(&schema(Shape::Explanations)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&document), "{document:#}");
        let strict: Explanations = serde_json::from_str(&text).unwrap();
        assert_eq!(strict.version, 1);

        let first = &document["symptoms"][0];
        assert_eq!((&first["code"], &first["count"]), (&json!("hello-refused"), &json!(2)));
        assert_eq!(
            first["occurrences"][0]["subject"],
            json!({ "kind": "upstream", "name": "orders", "namespace": "shop" })
        );
        assert_eq!(first["occurrences"][0]["last_seen"], "2026-11-23T02:29:10Z");
        assert_eq!(first["errors"][0]["alert"]["name"], "handshake_failure");
        assert_eq!(document["unknown_lines"], 1);
    }

    #[test]
    fn an_unknown_error_is_decoded() {
        let document: Value = serde_json::from_str(&render(&sample::explained())).unwrap();
        let symptoms = document["symptoms"].as_array().unwrap();
        let unknown = symptoms.iter().find(|one| one["code"] == "alert-received").unwrap();
        assert_eq!(
            unknown["errors"],
            json!([{ "number": 268_436_547, "library": 16, "library_name": "SSL routines",
                     "reason": 1091, "alert": { "number": 91 } }])
        );
        assert_eq!(unknown["occurrences"][0]["subject"], json!({ "kind": "unknown" }));
    }
}
