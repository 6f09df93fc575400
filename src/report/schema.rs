//! The JSON Schemas of the reports.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::v1::Report;
use super::v1::config_dump::ConfigDumpReport;

/// The JSON Schema (2020-12) of [`json`](super::json), indented, with a newline at its end.
#[must_use]
pub fn schema() -> String {
    schema_of::<Report>()
}

/// The JSON Schema of the report on a config dump, in the same form.
#[must_use]
pub fn config_dump_schema() -> String {
    schema_of::<ConfigDumpReport>()
}

fn schema_of<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    // Alternate formatting of a JSON value indents it.
    format!("{:#}\n", schema.to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set in the environment, makes the test write the golden copy instead of comparing it.
    const UPDATE: &str = "UPDATE_SCHEMA";
    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/report/");

    /// Every schema with the name of its golden copy.
    fn published() -> [(&'static str, String); 2] {
        [("schema-v1.json", schema()), ("schema-config-dump-v1.json", config_dump_schema())]
    }

    #[test]
    fn schema_is_the_published_one() {
        for (name, schema) in published() {
            let path = format!("{GOLDEN}{name}");
            if std::env::var_os(UPDATE).is_some() {
                std::fs::write(&path, &schema).unwrap();
            }
            let golden = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                golden == schema,
                "the schema differs from fixtures/report/{name}. Readers depend on it: if the \
                 change is meant and only adds, run `{UPDATE}=1 cargo test --lib report::schema` \
                 and commit the file"
            );
        }
    }

    #[test]
    fn schema_is_a_valid_one() {
        for (_, schema) in published() {
            let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert!(jsonschema::meta::is_valid(&schema));
        }
    }

    /// A field without a doc comment would be one without a description.
    #[test]
    fn everything_is_closed_and_described() {
        fn check(place: &str, value: &serde_json::Value) {
            let Some(object) = value.as_object() else { return };
            if let Some(properties) = object.get("properties").and_then(|it| it.as_object()) {
                assert_eq!(object.get("additionalProperties"), Some(&false.into()), "{place}");
                for (name, property) in properties {
                    let tag = property.get("const").is_some();
                    let described = property.get("description").is_some();
                    assert!(tag || described, "{place}/{name} has no description");
                }
            }
            for (name, inner) in object {
                check(&format!("{place}/{name}"), inner);
                for (index, item) in inner.as_array().into_iter().flatten().enumerate() {
                    check(&format!("{place}/{name}/{index}"), item);
                }
            }
        }
        for (name, schema) in published() {
            check(name, &serde_json::from_str(&schema).unwrap());
        }
    }
}
