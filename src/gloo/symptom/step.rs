//! The next command to run.

use super::subject::{Subject, is_address, is_name};
use super::{Explanation, Occurrences};
use crate::envoy::failure::Step;

/// How many commands one symptom gets, and for how many of its subjects.
const MOST: usize = 5;
const SUBJECTS: usize = 2;

/// The commands for one symptom, most useful first. Whatever of the input stands in one is a
/// name or an address, so that it can be pasted into a shell.
pub(super) fn commands(explanation: &Explanation) -> Vec<String> {
    let mut commands = Vec::new();
    for step in explanation.symptom.steps {
        for occurrences in explanation.occurrences.iter().take(SUBJECTS) {
            let command = command(*step, occurrences);
            let new = command.filter(|command| !commands.contains(command));
            if commands.len() < MOST {
                commands.extend(new);
            }
        }
    }
    if commands.is_empty() && explanation.symptom.steps.contains(&Step::Probe) {
        commands.push("cipher-test HOST:PORT".to_owned());
    }
    commands
}

fn command(step: Step, occurrences: &Occurrences) -> Option<String> {
    Some(match step {
        Step::Probe => return probe(occurrences),
        Step::Upstream | Step::ShowUpstream | Step::Service
            if let Some(service) = show_service(&occurrences.subject) =>
        {
            service
        }
        Step::Upstream => {
            format!("{} -o yaml | cipher-test upstreams -", get_upstream(&occurrences.subject))
        }
        Step::ShowUpstream => format!("{} -o yaml", get_upstream(&occurrences.subject)),
        Step::ProxyLog => {
            "kubectl logs -n gloo-system deploy/gateway-proxy | cipher-test explain".to_owned()
        }
        Step::ControlPlaneLog => {
            "kubectl logs -n gloo-system deploy/gloo | cipher-test explain".to_owned()
        }
        Step::Check => "glooctl check 2>&1 | cipher-test explain".to_owned(),
        Step::Secret => show_secret(occurrences),
        Step::ConfigDump => "glooctl proxy dump | cipher-test config-dump -".to_owned(),
        Step::Settings => {
            "kubectl get settings.gloo.solo.io default -n gloo-system -o yaml".to_owned()
        }
        Step::Service => "kubectl get services -A".to_owned(),
    })
}

/// A route that names a Service has no stored Upstream.
fn show_service(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Service { name, namespace: Some(namespace) }
            if is_name(name) && is_name(namespace) =>
        {
            Some(format!("kubectl get service {name} -n {namespace} -o yaml"))
        }
        _ => None,
    }
}

fn get_upstream(subject: &Subject) -> String {
    match subject {
        Subject::Upstream { name, namespace } | Subject::Resource { name, namespace }
            if is_name(name) && is_name(namespace) =>
        {
            format!("kubectl get upstreams.gloo.solo.io {name} -n {namespace}")
        }
        _ => "kubectl get upstreams.gloo.solo.io -A".to_owned(),
    }
}

/// None where no address is known.
fn probe(occurrences: &Occurrences) -> Option<String> {
    let known = match &occurrences.subject {
        Subject::Address { address } => Some(address),
        _ => occurrences.addresses.first(),
    };
    let address = known.filter(|address| is_address(address))?;
    // A log has the address that was dialled, not the server name that was sent.
    let dialled = address.parse::<std::net::SocketAddr>().is_ok();
    let name = if dialled { " --sni SERVER_NAME" } else { "" };
    Some(format!("cipher-test {address}{name}"))
}

/// Without a copy of the key on disk.
fn show_secret(occurrences: &Occurrences) -> String {
    match &occurrences.secret {
        Some((namespace, name)) if is_name(namespace) && is_name(name) => {
            format!("cipher-test secret <(kubectl get secret {name} -n {namespace} -o yaml)")
        }
        _ => "kubectl get secrets -A --field-selector type=kubernetes.io/tls".to_owned(),
    }
}
