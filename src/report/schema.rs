//! The JSON Schemas of all that is written as JSON.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::explain::v1::Explanations;
use super::v1::config_dump::ConfigDumpReport;
use super::v1::{Report, SecretsReport, UpgradeReport, UpstreamsReport, UpstreamsUpgradeReport};

/// What is written as JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// What was found about targets.
    Report,
    /// What was found about Upstreams.
    Upstreams,
    /// What an upgrade does to targets.
    Upgrade,
    /// What an upgrade does to Upstreams.
    UpstreamsUpgrade,
    /// What was found about Secrets.
    Secrets,
    /// What errors of Envoy and Gloo mean.
    Explanations,
    /// What a running Envoy has.
    ConfigDump,
}

/// The JSON Schema (2020-12) of a shape, indented, with a newline at its end.
#[must_use]
pub fn schema(shape: Shape) -> String {
    match shape {
        Shape::Report => of::<Report>(),
        Shape::Upstreams => of::<UpstreamsReport>(),
        Shape::Upgrade => of::<UpgradeReport>(),
        Shape::UpstreamsUpgrade => of::<UpstreamsUpgradeReport>(),
        Shape::Secrets => of::<SecretsReport>(),
        Shape::Explanations => of::<Explanations>(),
        Shape::ConfigDump => of::<ConfigDumpReport>(),
    }
}

fn of<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    // Alternate formatting of a JSON value indents it.
    format!("{:#}\n", schema.to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set in the environment, makes the test write the golden copy instead of comparing it.
    const UPDATE: &str = "UPDATE_SCHEMA";
    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/report");

    /// Each shape with the file of its golden copy.
    const ALL: [(Shape, &str); 7] = [
        (Shape::Report, "schema-v1.json"),
        (Shape::Upstreams, "schema-upstreams-v1.json"),
        (Shape::Upgrade, "schema-upgrade-v1.json"),
        (Shape::UpstreamsUpgrade, "schema-upstreams-upgrade-v1.json"),
        (Shape::Secrets, "schema-secrets-v1.json"),
        (Shape::Explanations, "schema-explain-v1.json"),
        (Shape::ConfigDump, "schema-config-dump-v1.json"),
    ];

    #[test]
    fn schemas_are_the_published_ones() {
        for (shape, file) in ALL {
            let schema = schema(shape);
            let path = format!("{GOLDEN}/{file}");
            if std::env::var_os(UPDATE).is_some() {
                std::fs::write(&path, &schema).unwrap();
            }
            let golden = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                golden == schema,
                "the schema differs from fixtures/report/{file}. Readers depend on it: if the \
                 change is meant and only adds, run `{UPDATE}=1 cargo test --lib report::schema` \
                 and commit the file"
            );
        }
    }

    #[test]
    fn schemas_are_valid_ones() {
        for (shape, _) in ALL {
            let schema: serde_json::Value = serde_json::from_str(&schema(shape)).unwrap();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert!(jsonschema::meta::is_valid(&schema), "{shape:?}");
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
        for (shape, file) in ALL {
            check(file, &serde_json::from_str(&schema(shape)).unwrap());
        }
    }
}
