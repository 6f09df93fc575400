//! What the tests stand on: keys, real servers, real Envoys. Starts things and tells what
//! happened; asserts nothing.

pub(crate) mod binary;
pub(crate) mod client;
pub(crate) mod embedded;
pub(crate) mod envoy;
#[path = "../../../examples/fault-relay/relay/mod.rs"]
pub(crate) mod faults;
pub(crate) mod gloo;
pub(crate) mod hello;
pub(crate) mod keys;
pub(crate) mod kubernetes;
pub(crate) mod servers;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes a directory for one process, under cargo's own directory for tests.
pub(crate) fn scratch(prefix: &str) -> TempDir {
    let under = env!("CARGO_TARGET_TMPDIR");
    std::fs::create_dir_all(under).expect("cargo's directory for tests");
    tempfile::Builder::new().prefix(prefix).tempdir_in(under).expect("a scratch directory")
}

/// The directory for what this process makes once and keeps. Those of processes that are gone
/// are removed.
pub(crate) fn kept() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let under = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(under).expect("cargo's directory for tests");
        for entry in std::fs::read_dir(under).expect("a list").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(owner) = name.strip_prefix("kept-")
                && !Path::new("/proc").join(owner).exists()
            {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let directory = under.join(format!("kept-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        directory
    })
}

/// Finds an installed program, also where only root's search path looks.
///
/// # Panics
///
/// If it is not installed: a test is never skipped for that.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run scripts/install-test-dependencies"))
}

/// Runs `job` on every item, `at_once` at a time, and keeps the order.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    job: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, job(item)));
        }
    };
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|one| one.join().expect("a job that ends")).collect()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}
