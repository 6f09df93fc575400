//! The command itself, run as a user would run it.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// When a run that does not end is killed. No test waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a run of the command left behind.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The exit code; none if it was killed or died of a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Run {
    /// The lines on stderr.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        self.stderr.lines().collect()
    }

    /// The rows of the report's table of suites: version, suite and what Envoy makes of it.
    pub(crate) fn rows(&self) -> Vec<(String, String, String)> {
        let table = self.stdout.lines().skip_while(|line| !line.starts_with("  accepted "));
        let mut version = String::new();
        let mut rows = Vec::new();
        for line in table.skip(1).take_while(|line| !line.is_empty()) {
            let (label, rest) = line.split_at(line.len().min(14));
            if !label.trim().is_empty() {
                label.trim().clone_into(&mut version);
            }
            let (suite, usable) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
            let is_suite = suite.parse::<u32>().is_err() && !["none:", "asks"].contains(&suite);
            if is_suite {
                rows.push((version.clone(), suite.to_owned(), usable.trim().to_owned()));
            }
        }
        rows
    }
}

/// Runs the command with these arguments.
pub(crate) fn cipher_test<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    finish(command().args(args).spawn().expect("the command starts"))
}

/// The command, with nothing to read and everything it writes caught. Colours are left to it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-test"));
    command
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for the end of a run, or puts one to it.
pub(crate) fn finish(mut child: Child) -> Run {
    let begun = Instant::now();
    let stdout = child.stdout.take().map(catch);
    let stderr = child.stderr.take().map(catch);
    let status = wait(&mut child, begun);
    let took = begun.elapsed();
    let text = |caught: Option<JoinHandle<Vec<u8>>>| {
        let bytes = caught.map(|caught| caught.join().expect("a reader")).unwrap_or_default();
        String::from_utf8(bytes).expect("what is written is UTF-8")
    };
    Run {
        code: status.and_then(|status| status.code()),
        stdout: text(stdout),
        stderr: text(stderr),
        took,
    }
}

fn wait(child: &mut Child, begun: Instant) -> Option<ExitStatus> {
    while begun.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a child to ask") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn catch(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}
