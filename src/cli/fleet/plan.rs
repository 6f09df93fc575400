//! What a run is to test, and how much of it at once.

use std::path::PathBuf;

use crate::cli::args::{Args, FleetOptions, Format};
use crate::cli::settings::Settings;
use crate::target::{Shard, Target};

/// What Kubernetes tells each Pod of an Indexed Job, from 0.
const INDEX: &str = "JOB_COMPLETION_INDEX";

/// The targets of a run, as the flags have them.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Plan {
    pub(super) arguments: Vec<String>,
    pub(super) lists: Vec<PathBuf>,
    pub(super) allow_networks: bool,
    pub(super) concurrency: usize,
    pub(super) resume: Option<PathBuf>,
    pub(super) shard: Option<Shard>,
    pub(super) quiet: bool,
}

impl Plan {
    pub(in crate::cli) fn from_args(args: &Args) -> Result<Self, String> {
        let options = &args.fleet;
        if args.targets.is_empty() && options.lists.is_empty() {
            return Err("no target: write HOST:PORT, for example example.com:443".to_owned());
        }
        Ok(Self {
            arguments: args.targets.clone(),
            lists: options.lists.clone(),
            allow_networks: options.allow_cidr,
            concurrency: options.concurrency.into(),
            resume: options.resume.clone(),
            shard: shard(options, std::env::var(INDEX).ok().as_deref())?,
            quiet: options.quiet,
        })
    }

    /// One target, and nothing else.
    pub(in crate::cli) fn of_one(target: &Target) -> Self {
        Self { arguments: vec![target.to_string()], concurrency: 1, ..Self::default() }
    }

    /// Whether it may have so many targets.
    pub(super) fn is_large(&self, targets: usize) -> bool {
        !self.lists.is_empty() || self.allow_networks || self.arguments.len() >= targets
    }

    /// How many targets can be tested at once, as far as is known before they are read.
    pub(super) fn at_once(&self) -> usize {
        match self.is_large(self.concurrency) {
            true => self.concurrency,
            false => self.arguments.len().max(1),
        }
    }

    /// # Errors
    ///
    /// In words, if the form of the report is none that a run can go on with.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), String> {
        match settings.format {
            Format::Ndjson => Ok(()),
            _ if self.resume.is_none() => Ok(()),
            _ => Err("--resume goes on with lines: add --format ndjson".to_owned()),
        }
    }
}

/// The share of the targets that the flags, or Kubernetes, leave to this process.
fn shard(options: &FleetOptions, index: Option<&str>) -> Result<Option<Shard>, String> {
    let Some(count) = options.shards else { return Ok(options.shard) };
    let Some(text) = index else {
        return Err(format!("--shards needs {INDEX}, which is not set: write --shard K/N instead"));
    };
    let index = text.parse().map_err(|_| format!("{INDEX} '{text}' is no number"))?;
    let shard = Shard::new(index, count);
    shard
        .map(Some)
        .ok_or_else(|| format!("{INDEX} is {index}, which --shards {count} does not have"))
}
