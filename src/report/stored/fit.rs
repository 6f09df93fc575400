//! What a file says, made fit for a terminal and for a shell: nobody knows who wrote it.

use serde_json::Value;

use crate::gloo::is_name;
use crate::remedy::{kubectl_patch, yaml};
use crate::report::v1::{Remedy, Target};
use crate::trial::{printable, steers};

/// The target fit to be shown: commands and YAML are made anew from the data in it rather than
/// taken over, and whatever would steer a terminal is escaped.
#[must_use]
pub fn fit_to_show(mut target: Target) -> Target {
    if let Some(remedy) = target.remedy.take() {
        target.remedy = made_anew(&remedy);
        if target.remedy.is_none() {
            target.no_remedy = Some("what the report says of one cannot be used".to_owned());
        }
    }
    // What was made anew is printable already, and has lines that must stay.
    let remedy = target.remedy.take();
    let mut shown = if has_steering(&target) { without_steering(&target) } else { target };
    shown.remedy = remedy;
    shown
}

/// The same remedy from its patch and its Upstream, if they are such.
fn made_anew(remedy: &Remedy) -> Option<Remedy> {
    let upstream: Value = serde_norway::from_str(&remedy.upstream_yaml).ok()?;
    let name = |field: &str| {
        let name = upstream["metadata"][field].as_str()?;
        is_name(name).then_some(name)
    };
    let patch = Value::Object(remedy.merge_patch.clone());
    let anew = Remedy {
        upstream_yaml: yaml(&upstream),
        merge_patch_yaml: yaml(&patch),
        kubectl_command: kubectl_patch(name("name")?, name("namespace")?, &patch),
        oldest_envoy: remedy.oldest_envoy.as_deref().map(printable),
        ..remedy.clone()
    };
    let texts = [&anew.upstream_yaml, &anew.merge_patch_yaml, &anew.kubectl_command];
    let clean = |text: &&String| !text.chars().any(|c| c != '\n' && steers(c));
    (texts.iter().all(clean) && !anew.kubectl_command.contains('\n')).then_some(anew)
}

fn has_steering(target: &Target) -> bool {
    // JSON escapes some of them, and leaves the others.
    let text = serde_json::to_string(target).unwrap_or_default();
    text.contains('\\') || text.chars().any(steers)
}

fn without_steering(target: &Target) -> Target {
    let Ok(mut value) = serde_json::to_value(target) else { return target.clone() };
    escape(&mut value);
    // Strings have changed and nothing else, so it reads back.
    serde_json::from_value(value).unwrap_or_else(|_| target.clone())
}

fn escape(value: &mut Value) {
    match value {
        Value::String(text) => *text = printable(text),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scenario;
    use crate::remedy::Names;
    use crate::report::sample::diagnose;

    #[tokio::test]
    async fn what_we_wrote_ourselves_stays_as_it_is() {
        for scenario in Scenario::ALL {
            let target = Target::new(&diagnose(scenario).await, &Names::default());
            assert_eq!(fit_to_show(target.clone()), target, "{scenario:?}");
        }
    }

    #[tokio::test]
    async fn what_would_steer_a_terminal_is_escaped() {
        let mut target = Target::new(&diagnose(Scenario::Legacy).await, &Names::default());
        target.endpoints[0].findings[0].message = "\u{1b}[2J\u{9b}1m\u{202e}x\nexit".to_owned();
        let shown = fit_to_show(target);
        let expected = "\\u{1b}[2J\\u{9b}1m\\u{202e}x\\nexit";
        assert_eq!(shown.endpoints[0].findings[0].message, expected);
    }

    #[tokio::test]
    async fn commands_are_made_from_the_patch_and_never_taken_over() {
        let target = Target::new(&diagnose(Scenario::Legacy).await, &Names::default());
        let remedy = target.remedy.clone().unwrap();
        let mut harmful = target.clone();
        let changed = harmful.remedy.as_mut().unwrap();
        "rm -rf /".clone_into(&mut changed.kubectl_command);
        "rm: all".clone_into(&mut changed.merge_patch_yaml);
        assert_eq!(fit_to_show(harmful).remedy, Some(remedy.clone()));

        let mut harmful = target;
        let yaml = remedy.upstream_yaml.replace("my-upstream", "'x; rm -rf /'");
        harmful.remedy.as_mut().unwrap().upstream_yaml = yaml;
        let shown = fit_to_show(harmful);
        assert_eq!(shown.remedy, None);
        assert!(shown.no_remedy.is_some());
    }
}
