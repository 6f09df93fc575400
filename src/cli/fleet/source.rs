//! Targets from arguments and lists, as they come: nothing waits for the end of a list.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use super::plan::Plan;
use crate::cli::input::STDIN;
use crate::target::list::{LONGEST_LINE, LineError, Named, read_line};
use crate::target::{Fingerprint, Shard, Target};

/// How far reading runs ahead of testing: the whole of most lists, so that their number is known.
const AHEAD: usize = 1 << 16;
/// How many mistakes are told one by one.
const MISTAKES_TOLD: usize = 20;
/// How long a run that was stopped waits for the number of the targets.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is read next.
#[derive(Debug)]
pub(super) enum Item {
    Target(Target),
    /// What is wrong with an argument, a line or a file.
    Mistake(String),
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    /// Targets to test.
    pub(super) targets: usize,
    /// Targets that were named before.
    pub(super) duplicates: usize,
    /// Targets that an earlier run has tested.
    pub(super) done_before: usize,
    pub(super) mistakes: usize,
    /// Whether everything was read.
    pub(super) ended: bool,
}

/// Reads on a thread of its own, since stdin may be silent for as long as it likes.
#[derive(Debug)]
pub(super) struct Source {
    items: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    targets: AtomicUsize,
    duplicates: AtomicUsize,
    done_before: AtomicUsize,
    mistakes: AtomicUsize,
    ended: AtomicBool,
}

impl Source {
    /// Begins to read; `done` is left out.
    pub(super) fn start(plan: &Plan, done: HashSet<Fingerprint>) -> Self {
        let (sender, items) = mpsc::channel(AHEAD);
        let shared = Arc::new(Shared::default());
        let mut reader = Reader {
            allow_networks: plan.allow_networks,
            shard: plan.shard,
            seen: HashSet::new(),
            done,
            items: Some(sender),
            shared: Arc::clone(&shared),
        };
        let (arguments, lists) = (plan.arguments.clone(), plan.lists.clone());
        // Not joined: it may wait for stdin until the process ends.
        thread::spawn(move || reader.read_all(&arguments, &lists));
        Self { items, shared }
    }

    /// The next item; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Item> {
        self.items.recv().await
    }

    pub(super) fn counts(&self) -> Counts {
        let Shared { targets, duplicates, done_before, mistakes, ended } = &*self.shared;
        // First, so that nothing is added to the numbers after it.
        let ended = ended.load(Ordering::Acquire);
        let [targets, duplicates, done_before, mistakes] =
            [targets, duplicates, done_before, mistakes].map(|it| it.load(Ordering::Relaxed));
        Counts { targets, duplicates, done_before, mistakes, ended }
    }

    /// Hands out nothing more, and gives the lists a moment to be counted to their end.
    pub(super) async fn count_rest(&mut self) {
        self.items.close();
        while self.items.recv().await.is_some() {}
        let mut waited = Duration::ZERO;
        while !self.counts().ended && waited < PATIENCE {
            let step = Duration::from_millis(10);
            tokio::time::sleep(step).await;
            waited += step;
        }
    }
}

struct Reader {
    allow_networks: bool,
    shard: Option<Shard>,
    /// A million targets are some thirty megabytes.
    seen: HashSet<Fingerprint>,
    done: HashSet<Fingerprint>,
    /// None once nobody takes them.
    items: Option<mpsc::Sender<Item>>,
    shared: Arc<Shared>,
}

impl Reader {
    fn read_all(&mut self, arguments: &[String], lists: &[PathBuf]) {
        for argument in arguments {
            match argument.parse() {
                Ok(named) => self.named(named, ""),
                Err(error) => self.mistake(LineError::to_string(&error)),
            }
        }
        for path in lists {
            let name =
                if path.as_os_str() == STDIN { "stdin".into() } else { path.display().to_string() };
            if let Err(error) = self.read_list(path, &name) {
                let text = error.to_string();
                let words = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
                self.mistake(format!("cannot read {name}: {words}"));
            }
        }
        let mistakes = self.shared.mistakes.load(Ordering::Relaxed);
        if mistakes > MISTAKES_TOLD {
            let more = mistakes - MISTAKES_TOLD;
            self.send(Item::Mistake(format!("and {more} more mistakes like these")));
        }
        self.shared.ended.store(true, Ordering::Release);
        self.items = None;
    }

    fn read_list(&mut self, path: &PathBuf, name: &str) -> io::Result<()> {
        if path.as_os_str() == STDIN {
            return self.read_lines(&mut io::stdin().lock(), name);
        }
        self.read_lines(&mut BufReader::new(File::open(path)?), name)
    }

    fn read_lines(&mut self, lines: &mut impl BufRead, name: &str) -> io::Result<()> {
        let mut line = Vec::new();
        let mut number = 0_usize;
        while next_line(lines, &mut line)? {
            number += 1;
            match read_line(&line) {
                Ok(None) => {}
                Ok(Some(named)) => self.named(named, &format!("{name}:{number}: ")),
                Err(error) => self.mistake(format!("{name}:{number}: {error}")),
            }
        }
        Ok(())
    }

    fn named(&mut self, named: Named, place: &str) {
        match named {
            Named::Target(target) => self.target(target),
            Named::Network(network) if self.allow_networks => {
                network.targets().for_each(|target| self.target(target));
            }
            Named::Network(network) => self.mistake(format!(
                "{place}'{network}' is a network of {} addresses: --allow-cidr tests each of them",
                network.size()
            )),
        }
    }

    fn target(&mut self, target: Target) {
        let fingerprint = Fingerprint::of(&target);
        if self.shard.is_some_and(|shard| !shard.has(fingerprint)) {
            return;
        }
        if !self.seen.insert(fingerprint) {
            self.shared.duplicates.fetch_add(1, Ordering::Relaxed);
        } else if self.done.contains(&fingerprint) {
            self.shared.done_before.fetch_add(1, Ordering::Relaxed);
        } else {
            self.shared.targets.fetch_add(1, Ordering::Relaxed);
            self.send(Item::Target(target));
        }
    }

    fn mistake(&mut self, message: String) {
        let before = self.shared.mistakes.fetch_add(1, Ordering::Relaxed);
        if before < MISTAKES_TOLD {
            self.send(Item::Mistake(message));
        }
    }

    fn send(&mut self, item: Item) {
        if let Some(items) = &self.items
            && items.blocking_send(item).is_err()
        {
            // The run was stopped; what is left is only counted.
            self.items = None;
        }
    }
}

/// Reads a line without its end, of which not more is kept than tells that it is too long.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let bytes = match lines.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        if bytes.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let room = (LONGEST_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(end.is_some());
        lines.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come_and_bounded() {
        let long = "a".repeat(3 * LONGEST_LINE);
        let text = format!("one\n\n{long}\r\nlast");
        for capacity in [1, 2, 7, 8192] {
            let mut lines = BufReader::with_capacity(capacity, text.as_bytes());
            let mut line = Vec::new();
            let mut read = Vec::new();
            while next_line(&mut lines, &mut line).unwrap() {
                read.push(line.len());
            }
            assert_eq!(read, [3, 0, LONGEST_LINE + 1, 4], "{capacity}");
        }
    }

    async fn read(plan: Plan, done: &[&str]) -> (Vec<String>, Counts) {
        let done = done.iter().map(|text| Fingerprint::of(&text.parse().unwrap())).collect();
        let mut source = Source::start(&plan, done);
        let mut items = Vec::new();
        while let Some(item) = source.next().await {
            items.push(match item {
                Item::Target(target) => target.to_string(),
                Item::Mistake(message) => format!("! {message}"),
            });
        }
        (items, source.counts())
    }

    fn plan(arguments: &[&str]) -> Plan {
        Plan { arguments: arguments.iter().map(|it| (*it).to_owned()).collect(), ..Plan::default() }
    }

    #[tokio::test]
    async fn each_target_comes_once() {
        let given = ["a:1", "A.:1", "b:2", "https://c/x", "c:443", "nothing", "d:4"];
        let (items, counts) = read(plan(&given), &["B:2", "z:9"]).await;
        assert_eq!(items[..2], ["a:1", "c:443"]);
        assert!(items[2].starts_with("! 'nothing' has no port"), "{items:?}");
        assert_eq!(items[3..], ["d:4"]);
        let expected =
            Counts { targets: 3, duplicates: 2, done_before: 1, mistakes: 1, ended: true };
        assert_eq!(counts, expected);
    }

    #[tokio::test]
    async fn networks_are_taken_apart_only_if_asked_for() {
        let (items, _) = read(plan(&["10.0.0.0/30:443"]), &[]).await;
        assert_eq!(
            items,
            ["! '10.0.0.0/30:443' is a network of 4 addresses: --allow-cidr tests each of them"]
        );
        let asked = Plan { allow_networks: true, ..plan(&["10.0.0.0/30:443", "10.0.0.2:443"]) };
        let (items, counts) = read(asked, &[]).await;
        assert_eq!(items, ["10.0.0.0:443", "10.0.0.1:443", "10.0.0.2:443", "10.0.0.3:443"]);
        assert_eq!(counts.duplicates, 1);
    }

    #[tokio::test]
    async fn mistakes_are_told_up_to_a_number() {
        let given = vec!["x"; 50];
        let (items, counts) = read(plan(&given), &[]).await;
        assert_eq!(items.len(), MISTAKES_TOLD + 1);
        assert_eq!(items[MISTAKES_TOLD], "! and 30 more mistakes like these");
        assert_eq!(counts.mistakes, 50);
    }

    #[tokio::test]
    async fn shares_make_a_whole() {
        let given: Vec<_> = (1..200).map(|port| format!("host:{port}")).collect();
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        let mut all = Vec::new();
        for index in 0..3 {
            let shard = Shard::new(index, 3);
            all.extend(read(Plan { shard, ..plan(&given) }, &[]).await.0);
        }
        all.sort_unstable();
        let mut expected = read(plan(&given), &[]).await.0;
        expected.sort_unstable();
        assert_eq!(all, expected);
    }
}
