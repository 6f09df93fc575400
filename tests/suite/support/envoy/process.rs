//! The running Envoy: start it, send a request through each listener, read what it counted.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::bootstrap::bootstrap;
use super::outcome::Outcome;
use super::wiring::Wiring;
use super::{AT_ONCE, Release};
use crate::support::{in_parallel, scratch};

/// How long Envoy may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long one request may take: more than the cluster's connect timeout and the route's.
const REQUEST: Duration = Duration::from_secs(6);

/// How long counters may take to come to rest, and how long they must then rest. A client
/// certificate refused at TLS 1.3 is counted one round trip after the handshake.
const SETTLE: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_millis(250);

pub(super) struct Process {
    child: Child,
    directory: TempDir,
    admin: SocketAddr,
}

impl Process {
    /// Starts an Envoy and waits until it serves.
    ///
    /// # Errors
    ///
    /// What Envoy says where it rejects its configuration.
    pub(super) fn start(release: Release, wirings: &[Wiring]) -> Result<Self, String> {
        let directory = scratch("envoy-");
        let mut command = command(release, wirings, directory.path());
        let log = File::create(directory.path().join("log")).expect("a log file");
        let address_path = directory.path().join("admin");
        let child = command
            .args(["--concurrency", "1", "--file-flush-interval-msec", "50"])
            .arg("--admin-address-path")
            .arg(&address_path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Envoy starts");
        let admin = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self { child, directory, admin };
        if process.wait_until_ready(&address_path) { Ok(process) } else { Err(process.log()) }
    }

    fn wait_until_ready(&mut self, address_path: &Path) -> bool {
        let began = Instant::now();
        while began.elapsed() < START {
            if self.child.try_wait().expect("a child to ask").is_some() {
                return false;
            }
            let address = std::fs::read_to_string(address_path).ok();
            if let Some(admin) = address.and_then(|text| text.trim().parse().ok()) {
                self.admin = admin;
                if http(admin, "GET", "/ready").is_some_and(|body| body.contains("LIVE")) {
                    return true;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("Envoy is not ready after {START:?}; it says:\n{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Sends a request to every upstream, waits for the counters to rest, and stops.
    pub(super) fn outcomes(mut self, count: usize) -> Vec<Outcome> {
        let ports = self.listeners(count);
        let bodies = in_parallel(&ports, AT_ONCE, |address| request(*address));

        let mut outcomes = self.counters(count);
        let (began, mut changed) = (Instant::now(), Instant::now());
        while began.elapsed() < SETTLE
            && (changed.elapsed() < REST || !outcomes.iter().all(Outcome::decided))
        {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.counters(count);
            if now != outcomes {
                (outcomes, changed) = (now, Instant::now());
            }
        }
        http(self.admin, "POST", "/quitquitquit");
        let _ = self.child.wait();
        self.read_access_log(&mut outcomes);
        for (outcome, body) in outcomes.iter_mut().zip(bodies) {
            outcome.body = body;
        }
        outcomes
    }

    /// The address of each listener, in order.
    fn listeners(&self, count: usize) -> Vec<SocketAddr> {
        let text = http(self.admin, "GET", "/listeners?format=json").expect("Envoy's listeners");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let mut addresses = vec![self.admin; count];
        for entry in list["listener_statuses"].as_array().expect("a list") {
            // Others are listeners within a wiring.
            let Ok(index) = entry["name"].as_str().unwrap().parse::<usize>() else { continue };
            let port = entry["local_address"]["socket_address"]["port_value"].as_u64().unwrap();
            addresses[index].set_port(u16::try_from(port).expect("a port"));
        }
        addresses
    }

    fn counters(&self, count: usize) -> Vec<Outcome> {
        let path = "/stats?format=json&usedonly&type=Counters&filter=%5Ecluster%5C.u";
        let text = http(self.admin, "GET", path).expect("Envoy's counters");
        let stats: Value = serde_json::from_str(&text).expect("JSON");
        let mut outcomes = vec![Outcome::default(); count];
        for stat in stats["stats"].as_array().into_iter().flatten() {
            let name = stat["name"].as_str().and_then(|name| name.strip_prefix("cluster.u"));
            if let Some((cluster, counter)) = name.and_then(|name| name.split_once('.'))
                && let Some(outcome) = cluster.parse().ok().and_then(|i: usize| outcomes.get_mut(i))
            {
                outcome.count(counter, stat["value"].as_u64().unwrap_or_default());
            }
        }
        outcomes
    }

    fn read_access_log(&self, outcomes: &mut [Outcome]) {
        let text =
            std::fs::read_to_string(self.directory.path().join("access")).unwrap_or_default();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let index = line["upstream"].as_str().and_then(|index| index.parse::<usize>().ok());
            if let Some(outcome) = index.and_then(|index| outcomes.get_mut(index)) {
                outcome.log(&line);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn validate(release: Release, wirings: &[Wiring]) -> Result<(), String> {
    let directory = scratch("envoy-");
    let output = command(release, wirings, directory.path())
        .args(["--mode", "validate"])
        .output()
        .expect("Envoy runs");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn command(release: Release, wirings: &[Wiring], directory: &Path) -> Command {
    let file = directory.join("bootstrap.json");
    let text = bootstrap(wirings, &directory.join("access")).to_string();
    std::fs::write(&file, text).expect("a bootstrap file");
    let mut command = Command::new(release.program());
    command.arg("-c").arg(file).args(["--disable-hot-restart", "-l", "critical"]);
    command
}

/// Sends one request, after which the server is to close, and reads until the end. Gives the body
/// of the response.
fn request(address: SocketAddr) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    let mut answer = Vec::new();
    let _ = stream.set_read_timeout(Some(REQUEST));
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let _ = stream.read_to_end(&mut answer);
    let _ = stream.shutdown(Shutdown::Both);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())
}

/// One request to the admin interface; gives the body.
pub(super) fn http(admin: SocketAddr, method: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(REQUEST)).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Some(unchunk(body));
    }
    Some(body.to_owned())
}

/// Takes chunked encoding away.
fn unchunk(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        text.push_str(chunk);
        body = rest[size..].trim_start_matches("\r\n");
    }
    text
}
