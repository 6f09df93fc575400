//! An Envoy with any bootstrap, for what its admin interface tells.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Release;
use super::process::http;
use crate::support::scratch;

/// How long Envoy may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

const ASSIGNMENT: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

/// An Envoy that runs until this is dropped.
pub(crate) struct Running {
    child: Child,
    directory: TempDir,
    admin: SocketAddr,
}

impl Running {
    /// Starts an Envoy with the clusters of a bootstrap and those of CDS. `endpoints` are served
    /// by EDS, each under its own path, which is `PATH/NAME.json` in `cds`.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    pub(crate) fn start(release: Release, fixed: &[Value], cds: &[Value], eds: &[Value]) -> Self {
        let directory = scratch("envoy-");
        let path = directory.path();
        let at = |text: String| text.replace("PATH", &path.display().to_string());
        let write = |name: &str, value: Value| {
            std::fs::write(path.join(name), at(value.to_string())).expect("a file");
        };
        write("cds.json", json!({ "resources": cds }));
        for assignment in eds {
            let name = assignment["cluster_name"].as_str().expect("a name");
            let mut resource = assignment.clone();
            resource["@type"] = ASSIGNMENT.into();
            write(&format!("{name}.json"), json!({ "resources": [resource] }));
        }
        write("bootstrap.json", bootstrap(fixed));
        let child = start(release, path);
        let mut running = Self { child, directory, admin: SocketAddr::from(([127, 0, 0, 1], 0)) };
        running.wait_until_ready();
        running
    }

    /// What the admin interface answers to `GET path`.
    pub(crate) fn get(&self, path: &str) -> String {
        http(self.admin, "GET", path).expect("an answer")
    }

    /// What Envoy has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn wait_until_ready(&mut self) {
        let (began, path) = (Instant::now(), self.directory.path().join("admin"));
        while began.elapsed() < START {
            if let Some(status) = self.child.try_wait().expect("a child to ask") {
                panic!("Envoy ends with {status}; it says:\n{}", self.log());
            }
            let address = std::fs::read_to_string(&path).ok();
            if let Some(admin) = address.and_then(|text| text.trim().parse().ok()) {
                self.admin = admin;
                if http(admin, "GET", "/ready").is_some_and(|body| body.contains("LIVE")) {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("Envoy is not ready after {START:?}; it says:\n{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bootstrap(fixed: &[Value]) -> Value {
    json!({
        "node": { "id": "test", "cluster": "test" },
        "admin": { "address": {
            "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "dynamic_resources": { "cds_config": {
            "resource_api_version": "V3", "path_config_source": { "path": "PATH/cds.json" } } },
        "static_resources": { "clusters": fixed },
    })
}

fn start(release: Release, directory: &Path) -> Child {
    let log = File::create(directory.join("log")).expect("a log file");
    Command::new(release.program())
        .arg("-c")
        .arg(directory.join("bootstrap.json"))
        .args(["--disable-hot-restart", "-l", "warning", "--concurrency", "1"])
        .arg("--admin-address-path")
        .arg(directory.join("admin"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("Envoy starts")
}
