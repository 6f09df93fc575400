//! The other forms of a change: the whole Upstream, the Settings default, and what kubectl makes of
//! them all.

use serde_json::{Value, json};

use super::envoy::{Batch, connect, describe};
use super::shape::{Expect, Kind, Patch, Shape};
use super::shapes;
use crate::support::envoy::{Release, connect_wired, merge};
use crate::support::in_parallel;
use crate::support::kubernetes::{faults, kubectl_merge};

const RELEASE: Release = Release::V1_36;

/// Runs every shape with one form of `--fix`; gives what is printed.
fn fixes(shapes: &[Shape], form: &str) -> Vec<String> {
    in_parallel(shapes, 3, |shape| {
        let run = shape.run(RELEASE, &["--fix", form, "--answer-timeout", "3s"]);
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty(), "{}", shape.name);
        run.stdout
    })
}

fn no_faults(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Applied as they are, they fit the CRD, Envoy connects, and the command says so too.
#[test]
fn whole_upstreams_fit_the_schema_and_connect() {
    let shapes = shapes::all();
    let printed = fixes(&shapes, "upstream");
    let mut batch = Batch::default();
    let mut wrong = Vec::new();
    let mut whole = Vec::new();
    for (shape, text) in shapes.iter().zip(&printed) {
        let is_expected = shape.expect == Expect::Patch(Kind::Upstream);
        let is_partial = matches!(shape.expect, Expect::PatchBut(..));
        if text.is_empty() == is_expected && !is_partial {
            wrong.push(format!("{}: {:?}, and printed is {text:?}", shape.name, shape.expect));
        }
        if text.is_empty() || is_partial {
            continue;
        }
        let document: Value = serde_norway::from_str(text).expect("YAML");
        wrong.extend(faults(&document).iter().map(|fault| format!("{}: {fault}", shape.name)));
        let places = batch.add(&document, &shape.world);
        whole.push((shape, document, places));
    }
    let outcomes = connect_wired(RELEASE, &batch.wirings);
    let codes = in_parallel(&whole, 3, |(shape, document, _)| {
        shape.run_with(document, RELEASE, &["--answer-timeout", "3s"])
    });
    for ((shape, document, places), run) in whole.iter().zip(codes) {
        if !connect(places, &outcomes).iter().all(|one| *one) {
            let said = describe(places, &outcomes);
            wrong.push(format!("{}: {document}: Envoy {said}", shape.name));
        }
        if run.code != Some(0) {
            wrong.push(format!("{}: {document}: {}{}", shape.name, run.stdout, run.stderr));
        }
    }
    no_faults(&wrong);
    assert!(whole.len() >= 24, "{} Upstreams", whole.len());
}

/// Where the default is asked for and given, a real Envoy connects with it.
#[test]
fn changes_of_the_settings_default_do_what_they_promise() {
    let groups = [shapes::servers_that_want_something, shapes::parameters_that_hurt, shapes::kinds];
    let shapes: Vec<_> = groups.iter().flat_map(|group| group()).collect();
    let printed = fixes(&shapes, "settings");
    let mut batch = Batch::default();
    let tried: Vec<_> = shapes
        .iter()
        .zip(&printed)
        .filter_map(|(shape, text)| Some((shape, Patch::all(text).into_iter().next()?)))
        .filter(|(_, patch)| patch.kind == Kind::Settings)
        .map(|(shape, patch)| {
            let (upstream, world) = shape.after(&patch);
            (shape, patch, batch.add(&upstream, &world))
        })
        .collect();
    let outcomes = connect_wired(RELEASE, &batch.wirings);
    let wrong: Vec<_> = tried
        .iter()
        .filter(|(.., places)| !connect(places, &outcomes).iter().all(|one| *one))
        .map(|(shape, patch, places)| {
            format!("{}: {}: Envoy {}", shape.name, patch.patch, describe(places, &outcomes))
        })
        .collect();
    no_faults(&wrong);
    let names: Vec<_> = tried.iter().map(|(shape, ..)| shape.name).collect();
    assert!(names.len() >= 12, "{names:?}");
}

/// The real `kubectl patch --local --type merge --patch-file`, on resources of each kind.
#[test]
fn kubectl_makes_of_patches_what_is_expected() {
    let groups = [shapes::kinds, shapes::several_hosts, shapes::names];
    let shapes: Vec<_> = groups.iter().flat_map(|group| group()).collect();
    let printed = fixes(&shapes, "patch");
    let mut kinds = Vec::new();
    for (shape, text) in shapes.iter().zip(&printed) {
        for patch in Patch::all(text) {
            let before = shape.subject_of(&patch);
            let mut expected = before.clone();
            merge(&mut expected, &patch.patch);
            let merged = kubectl_merge(&before, &patch.text);
            assert_eq!(merged, expected, "{}", shape.name);
            let metadata = &before["metadata"];
            assert_eq!(
                (&patch.name, &patch.namespace),
                (&text_of(&metadata["name"]), &text_of(&metadata["namespace"]))
            );
            match patch.kind {
                Kind::Upstream => {
                    assert_eq!(faults(&merged), Vec::<String>::new(), "{}", shape.name)
                }
                Kind::Service => assert_only_annotations_change(&before, &merged),
                Kind::Settings => assert_only_the_default_changes(&before, &merged),
            }
            kinds.push(patch.kind);
        }
    }
    for kind in [Kind::Upstream, Kind::Settings, Kind::Service] {
        let count = kinds.iter().filter(|other| **other == kind).count();
        assert!(count >= 2, "{count} patches of {kind:?}");
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Kubernetes has nothing but texts in annotations.
fn assert_only_annotations_change(before: &Value, after: &Value) {
    let annotations = after["metadata"]["annotations"].as_object().expect("annotations");
    assert!(annotations.values().all(Value::is_string), "{annotations:?}");
    let mut without = after.clone();
    without["metadata"]["annotations"] = before["metadata"]["annotations"].clone();
    assert_eq!(without, *before);
}

fn assert_only_the_default_changes(before: &Value, after: &Value) {
    let parameters = &after["spec"]["upstreamOptions"]["sslParameters"];
    let fields = parameters.as_object().expect("parameters").keys().map(String::as_str);
    let known = ["minimumProtocolVersion", "maximumProtocolVersion", "cipherSuites", "ecdhCurves"];
    assert!(fields.into_iter().all(|field| known.contains(&field)), "{parameters}");
    let mut without = after.clone();
    without["spec"]["upstreamOptions"] = before["spec"]["upstreamOptions"].clone();
    assert_eq!(without, *before);
    assert_ne!(*parameters, json!({}));
}
