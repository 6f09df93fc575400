//! What goes to stdout, cluster by cluster.

use std::io;
use std::ops::ControlFlow;

use super::judge::Judge;
use crate::cli::NO_ANSWER;
use crate::cli::args::StreamFormat;
use crate::cli::output::print_text;
use crate::report::config_dump::{
    ClusterRecord, Totals, render, render_head, render_missing, render_totals,
};
use crate::report::json;
use crate::report::v1::VERSION;
use crate::report::v1::config_dump::{ConfigDumpReport, DumpedCluster, MissingCluster};

/// How much text waits to be written where nobody waits for each line.
const AHEAD: usize = 64 << 10;

/// Writes records as they come.
pub(super) struct Output {
    format: StreamFormat,
    at_once: bool,
    waiting: String,
    totals: Totals,
    exit_code: u8,
    /// What went wrong on stdout.
    error: Option<io::Error>,
}

impl Output {
    pub(super) fn new(format: StreamFormat, at_once: bool) -> Self {
        Self {
            format,
            at_once,
            waiting: String::new(),
            totals: Totals::default(),
            exit_code: 0,
            error: None,
        }
    }

    /// Takes the next record; breaks when nobody reads any more.
    pub(super) fn add(&mut self, record: &ClusterRecord) -> ControlFlow<()> {
        self.exit_code = self.exit_code.max(record.exit_code());
        match self.format {
            StreamFormat::Text => {
                if self.totals.clusters == 0 {
                    self.waiting += &render_head();
                }
                self.waiting += &render(record);
            }
            StreamFormat::Json => {
                let separator = if self.totals.clusters == 0 { HEAD_END } else { "," };
                if self.totals.clusters == 0 {
                    self.waiting += &head();
                }
                self.waiting += separator;
                let cluster = DumpedCluster::from(record);
                self.waiting += &json::text(&cluster);
            }
        }
        self.totals.add(record);
        if self.at_once || self.waiting.len() > AHEAD {
            self.flush();
        }
        match self.error {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = print_text(&self.waiting).err();
        }
        self.waiting.clear();
    }

    /// 0 all is well, 1 differences, missing clusters or blocked endpoints, 2 no answer.
    pub(super) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.totals.clusters + self.totals.missing == 0
    }

    /// Writes what stands behind the clusters. What a dump that is not `whole` lacks, nobody
    /// knows; `unread` says that the run has no answer for all that was given to it.
    pub(super) fn finish(
        &mut self,
        judge: &Judge,
        whole: bool,
        unread: bool,
    ) -> Result<(), String> {
        let missing: Vec<_> = judge.missing().filter(|_| whole).collect();
        let missed = u8::from(!missing.is_empty());
        self.exit_code = if unread { NO_ANSWER } else { self.exit_code.max(missed) };
        self.totals.missing = missing.len();
        self.totals.unreadable = judge.faulty;
        let dumped = judge.dumped.as_ref().map(ToString::to_string);
        match self.format {
            StreamFormat::Text => {
                missing.iter().for_each(|missing| self.waiting += &render_missing(missing));
                if self.totals.clusters + missing.len() > 0 {
                    self.waiting += &render_totals(&self.totals, dumped.as_deref(), judge.release);
                }
            }
            StreamFormat::Json => {
                if self.totals.clusters == 0 {
                    self.waiting += &head();
                    self.waiting += HEAD_END;
                }
                let report = ConfigDumpReport {
                    missing: missing.iter().map(MissingCluster::from).collect(),
                    dumped_envoy: dumped,
                    envoy: judge.release.to_string(),
                    totals: self.totals.into(),
                    exit_code: self.exit_code,
                    ..empty()
                };
                let text = json::text(&report);
                let tail = text.split_once(HEAD_END).map_or("", |(_, tail)| tail);
                self.waiting += tail;
                self.waiting.push('\n');
            }
        }
        self.flush();
        match self.error.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("cannot write the result: {error}"))
            }
            _ => Ok(()),
        }
    }
}

/// Where the clusters begin in the document.
const HEAD_END: &str = "\"clusters\":[";

/// The document up to its clusters.
fn head() -> String {
    let text = json::text(&empty());
    text.split_once(HEAD_END).map(|(head, _)| head.to_owned()).unwrap_or_default()
}

fn empty() -> ConfigDumpReport {
    ConfigDumpReport {
        version: VERSION,
        tool: concat!("cipher-test ", env!("CARGO_PKG_VERSION")).to_owned(),
        clusters: Vec::new(),
        missing: Vec::new(),
        dumped_envoy: None,
        envoy: String::new(),
        totals: Totals::default().into(),
        exit_code: 0,
    }
}
