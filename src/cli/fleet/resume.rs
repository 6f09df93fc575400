//! The file of an earlier run: what is in it is done.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::envoy::Release;
use crate::report::overview::Overview;
use crate::report::v1::{EnvoyClient, Severity, Summary, VERSION, Way};
use crate::target::{Fingerprint, Target};

/// The longest line that is read. One for a name with many addresses and all rows is a tenth.
const LONGEST_LINE: u64 = 64 << 20;
/// How every line begins; of one that was cut off, a part of this may be all there is.
const BEGINNING: &[u8] = br#"{"version":1,"tool":"cipher-test "#;

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// To be appended to; none if there is no file.
    pub(super) file: Option<File>,
    pub(super) targets: HashSet<Fingerprint>,
    pub(super) overview: Overview,
    /// The worst of all its lines.
    pub(super) exit_code: u8,
}

/// What is read of a line. More may stand there, since later releases may add to it.
#[derive(Deserialize)]
struct Line {
    version: u32,
    exit_code: u8,
    targets: Vec<Tested>,
}

#[derive(Deserialize)]
struct Tested {
    target: String,
    summary: Summary,
    envoy: Value,
    way: Option<Value>,
    unresolved: Option<IgnoredAny>,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    code: String,
    severity: Severity,
}

/// The Envoy that this run is about, for one target, and what lies between.
type Asks<'a> = &'a dyn Fn(&Target) -> (EnvoyClient, Option<Way>);

/// Opens the file to go on with, or a new one, and drops a last line that was cut off. `asks`
/// tells which Envoy this run is about, and by which way it asks.
///
/// # Errors
///
/// In words, if it cannot be read, is in use, or is something else; then nothing was changed.
pub(super) fn open(path: &Path, release: Release, asks: Asks<'_>) -> Result<Earlier, String> {
    let name = path.display();
    if path.exists() && !path.is_file() {
        return Err(format!("cannot go on with {name}: it is no file"));
    }
    let file = OpenOptions::new().read(true).append(true).create(true).open(path);
    let file = file.map_err(|error| format!("cannot open {name}: {}", plain(&error)))?;
    // Where there are no locks, two runs at once are the user's to avoid.
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(format!("cannot go on with {name}: another run writes to it"));
    }
    let mut earlier = Earlier::default();
    let whole = earlier
        .read(&file, release, asks)
        .map_err(|reason| format!("cannot go on with {name}: {reason}; nothing was changed"))?;
    let cannot = |error: io::Error| format!("cannot write to {name}: {}", plain(&error));
    if file.metadata().map_err(cannot)?.len() > whole {
        file.set_len(whole).map_err(cannot)?;
    }
    Ok(Earlier { file: Some(file), ..earlier })
}

impl Earlier {
    /// Reads all lines; returns how many bytes the whole ones have.
    fn read(&mut self, file: &File, release: Release, asks: Asks<'_>) -> Result<u64, String> {
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        let (mut number, mut whole) = (0_usize, 0);
        loop {
            line.clear();
            number += 1;
            let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            let count = read.map_err(|error| plain(&error))?;
            if count == 0 {
                return Ok(whole);
            }
            let foreign = || format!("line {number} is none of --format ndjson");
            if line.last() != Some(&b'\n') {
                return if is_cut_off(&line) { Ok(whole) } else { Err(foreign()) };
            }
            let line: Line = serde_json::from_slice(&line).map_err(|_| foreign())?;
            self.add(&line, release, asks).ok_or_else(foreign)??;
            whole += count as u64;
        }
    }

    /// Takes note of a line; `None` if it is none of ours.
    fn add(&mut self, line: &Line, release: Release, asks: Asks<'_>) -> Option<Result<(), String>> {
        if line.version != VERSION {
            return None;
        }
        for tested in &line.targets {
            let target: Target = tested.target.parse().ok()?;
            let for_release = tested.envoy.get("release")?.as_str()?;
            if for_release != release.to_string() {
                let words = format!("it is about Envoy {for_release}, not {release}");
                return Some(Err(words));
            }
            // Writing fails only on maps whose keys are no strings, and the shape has none.
            let (envoy, way) = asks(&target);
            if serde_json::to_value(envoy).ok().as_ref() != Some(&tested.envoy) {
                let words = format!("{target} was tested for an Envoy with other settings");
                return Some(Err(words));
            }
            // A proxy that was not found is no part of the line.
            let way = way.and_then(|way| serde_json::to_value(way).ok());
            if tested.unresolved.is_none() && way != tested.way {
                let words = format!("{target} was asked by another way (proxy, STARTTLS)");
                return Some(Err(words));
            }
            if self.targets.insert(Fingerprint::of(&target)) {
                self.overview.add(&tested.target, tested.summary, tested.causes());
            }
        }
        self.exit_code = self.exit_code.max(line.exit_code);
        Some(Ok(()))
    }
}

impl Tested {
    fn causes(&self) -> impl Iterator<Item = &str> {
        let unresolved = self.unresolved.as_ref().map(|_| "unresolved");
        let findings = self.endpoints.iter().flat_map(|endpoint| &endpoint.findings);
        let blocking = findings.filter(|finding| finding.severity == Severity::Blocking);
        unresolved.into_iter().chain(blocking.map(|finding| finding.code.as_str()))
    }
}

/// Whether an unfinished line can be the beginning of one of ours.
fn is_cut_off(line: &[u8]) -> bool {
    let length = line.len().min(BEGINNING.len());
    line[..length] == BEGINNING[..length]
}

fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(_: &Target) -> (EnvoyClient, Option<Way>) {
        let build = crate::envoy::Build::Standard;
        let config = crate::envoy::ClientConfig::new(Release::NEWEST, build);
        (EnvoyClient::from(&config), None)
    }

    fn line(target: &str, summary: &str, code: u8) -> String {
        let envoy = serde_json::to_string(&asks(&"a:1".parse().unwrap()).0).unwrap();
        format!(
            r#"{{"version":1,"tool":"cipher-test 0.1.0","summary":"{summary}","exit_code":{code},"targets":[{{"target":"{target}","summary":"{summary}","more":{{}},"envoy":{envoy},"endpoints":[{{"findings":[{{"code":"curves","severity":"blocking"}}]}}]}}]}}"#
        ) + "\n"
    }

    fn open_text(text: &[u8]) -> (Result<Earlier, String>, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.ndjson");
        std::fs::write(&path, text).unwrap();
        let earlier = open(&path, Release::NEWEST, &asks);
        (earlier, std::fs::read(&path).unwrap())
    }

    #[test]
    fn a_run_killed_at_any_byte_can_be_gone_on_with() {
        let lines = [line("a:1", "connects", 0), line("b:2", "needs-change", 1)];
        let text = lines.concat();
        for cut in 0..=text.len() {
            let (earlier, left) = open_text(&text.as_bytes()[..cut]);
            let earlier = earlier.unwrap_or_else(|error| panic!("{cut}: {error}"));
            let whole = [0, lines[0].len(), text.len()];
            let count = whole.iter().rposition(|end| *end <= cut).unwrap();
            assert_eq!(earlier.targets.len(), count, "{cut}");
            assert_eq!(left.len(), whole[count], "{cut}");
            assert_eq!(usize::from(earlier.exit_code), count.saturating_sub(1));
            assert_eq!(earlier.overview.targets(), count);
        }
    }

    #[test]
    fn what_is_no_file_of_ours_is_left_as_it_is() {
        let ours = line("a:1", "connects", 0);
        let other_release = ours.replace("1.40", "1.36");
        let other_settings = ours.replace("\"build\":\"standard\"", "\"build\":\"fips\"");
        let way = r#""way":{"starttls":"smtp"},"envoy":"#;
        let other_way = ours.replace("\"envoy\":", way);
        for (text, words) in [
            ("important\n".to_owned(), "line 1 is none of"),
            ("important".to_owned(), "line 1 is none of"),
            ("{}\n".to_owned(), "line 1 is none of"),
            ("\n".to_owned(), "line 1 is none of"),
            (format!("{ours}important\n"), "line 2 is none of"),
            (format!("{ours}important"), "line 2 is none of"),
            (ours.replace("\"version\":1", "\"version\":2"), "line 1 is none of"),
            (other_release, "it is about Envoy 1.36, not 1.40"),
            (other_way, "a:1 was asked by another way"),
            (other_settings, "a:1 was tested for an Envoy with other settings"),
        ] {
            let (earlier, left) = open_text(text.as_bytes());
            let error = earlier.err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(words) && error.ends_with("nothing was changed"), "{error}");
            assert_eq!(left, text.as_bytes());
        }
    }

    #[test]
    fn two_runs_do_not_share_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.ndjson");
        let first = open(&path, Release::NEWEST, &asks).unwrap();
        let error = open(&path, Release::NEWEST, &asks).unwrap_err();
        assert!(error.ends_with("another run writes to it"), "{error}");
        drop(first);
        assert!(open(&path, Release::NEWEST, &asks).is_ok());
        assert!(
            open(directory.path(), Release::NEWEST, &asks).unwrap_err().ends_with("it is no file")
        );
    }
}
