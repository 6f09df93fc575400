//! Old and odd servers, one file a topic: against real servers where one can be told to be so,
//! and against relays and scripts where none can.

mod behaviour;
mod failing_suite;
mod grease;
mod hello_size;
mod identity;
mod post_quantum;
mod script;
mod ssl2;
mod unoffered;

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::binary::cipher_test;

/// What the command says of one address, as JSON: its endpoint.
fn endpoint(address: SocketAddr, more: &[&str]) -> Value {
    let target = address.to_string();
    let mut args = vec![target.as_str(), "--format=json", "--no-handshakes", "--answer-timeout=2s"];
    args.extend(more);
    let run = cipher_test(args);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    report["targets"][0]["endpoints"][0].clone()
}

/// The answer to one question about the server's behaviour, and how it is known.
fn fact(endpoint: &Value, name: &str) -> (String, String) {
    let mut fact = &endpoint["survey"]["behaviour"][name];
    if let Some(spoken) = fact.get("spoken") {
        fact = spoken;
    }
    let text = |name: &str| fact[name].as_str().unwrap_or_else(|| panic!("{endpoint}")).to_owned();
    (text("answer"), text("evidence_text"))
}

/// Version, suite and answer of each row that is not refused or left out.
fn rows(endpoint: &Value) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    for version in endpoint["survey"]["versions"].as_array().expect("versions") {
        for suite in version["suites"].as_array().expect("suites") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let answer = text(&suite["answer"]);
            if !["refused", "not-offered"].contains(&answer.as_str()) {
                rows.push((text(&version["version"]), text(&suite["iana_name"]), answer));
            }
        }
    }
    rows
}
