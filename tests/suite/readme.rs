//! Every command that the README shows is run, and what it shows as output must come out.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::keys::{Leaf, leaf};

/// One command of the README, with the output shown below it.
struct Shown {
    command: String,
    output: Option<String>,
}

fn shown() -> Vec<Shown> {
    let text = include_str!("../../README.md");
    let mut shown = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let (kind, body) = block.split_once('\n').unwrap();
        match kind {
            "sh" => shown.extend(
                body.lines()
                    .filter(|line| !line.is_empty())
                    .map(|line| Shown { command: line.to_owned(), output: None }),
            ),
            "console" => {
                let (command, output) = body.split_once('\n').unwrap();
                let command = command.strip_prefix("$ ").unwrap().to_owned();
                shown.push(Shown { command, output: Some(output.to_owned()) });
            }
            _ => {}
        }
    }
    shown
}

/// A PATH with the command under test, and a kubectl that has a small cluster and a log, and takes
/// what it is given.
fn programs(port: u16) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("cipher-test");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cipher-test"), link).unwrap();
    let kubectl = directory.path().join("kubectl");
    let cluster = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/gloo/cluster.yaml");
    let secrets = directory.path().join("secrets.json");
    std::fs::write(&secrets, secret().to_string()).unwrap();
    let secrets = secrets.display();
    let text = format!(
        "#!/bin/sh\nif [ \"$2\" = secrets ]; then exec cat {secrets}; fi\n\
         if [ \"$1\" = get ]; then exec sed s/8443/{port}/ {cluster}; fi\n\
         if [ \"$1\" = logs ]; then echo 'TLS error: Secret is not supplied by SDS'; exit; fi\n\
         exec grep -Eq 'kind: Upstream|spec:'\n"
    );
    std::fs::write(&kubectl, text).unwrap();
    let mut permissions = std::fs::metadata(&kubectl).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&kubectl, permissions).unwrap();
    directory
}

/// A Secret with a client certificate.
fn secret() -> serde_json::Value {
    let client = leaf(Leaf::Client);
    let encoded = |path: &Path| openssl::base64::encode_block(&std::fs::read(path).unwrap());
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": { "name": "search-client", "namespace": "default" },
        "data": { "tls.crt": encoded(&client.certificate), "tls.key": encoded(&client.key) },
    })
}

/// A folder of resources as it may lie in a Git repository.
fn manifests(port: u16) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let upstream = format!(
        "apiVersion: gloo.solo.io/v1\nkind: Upstream\nmetadata:\n  name: payments # ours\n  \
         namespace: shop\nspec:\n  static:\n    useTls: true\n    hosts:\n    - addr: localhost\n      \
         port: {port}\n"
    );
    std::fs::write(directory.path().join("payments.yaml"), upstream).unwrap();
    directory
}

fn bash(programs: &Path, command: &str) -> Command {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).env("PATH", path).stdin(Stdio::null());
    bash
}

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(programs: &Path, command: &str, port: u16) -> Serving {
    let serving =
        Serving(bash(programs, &format!("exec {command}")).stderr(Stdio::null()).spawn().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{command} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    serving
}

#[test]
fn every_command_of_the_readme_works_as_shown() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let programs = programs(port);
    let manifests = manifests(port);
    let mut serving = None;
    let mut run = 0;
    for Shown { command, output } in shown() {
        if command == "scripts/test" {
            // It runs this very test; that it exists is what can be checked.
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test").is_file());
            continue;
        }
        // The build is what made this test; the arguments after it are run.
        let command = command.replace("cargo run --release --", "cipher-test");
        let command = command.replace("8443", &port.to_string());
        let command = command.replace("manifests/", &manifests.path().display().to_string());
        let command = command.replace("kept.json", &programs.path().join("kept").to_string_lossy());
        if command.contains("--serve") {
            serving = Some(serve(programs.path(), &command, port));
            continue;
        }
        let result = bash(programs.path(), &command).output().unwrap();
        let code = result.status.code().unwrap();
        let stderr = String::from_utf8_lossy(&result.stderr);
        assert!(code <= 1, "{command}: exit code {code}: {stderr}");
        if let Some(expected) = output {
            let stdout = String::from_utf8(result.stdout).unwrap();
            assert_eq!(stdout.replace(&port.to_string(), "8443"), expected, "{command}");
        }
        run += 1;
    }
    assert!(serving.is_some() && run >= 10, "{run} commands");
}
