//! Reports that were kept as JSON, read back: whole documents as `--format json` writes them, and
//! lines of one target each as fleets write them, however large.
//!
//! One target at a time is in memory. What cannot be read is told with its line, and what follows
//! it is read on. Two readings give the same places, so that a first one can choose between
//! answers to the same question and a second one print what was chosen.

mod choice;
mod documents;
mod fit;
mod read;

pub use choice::{Choice, Place, Repeat};
pub use fit::fit_to_show;
pub use read::{Entry, StoredError, TARGET_LIMIT, read};

use std::io::{self, Write};

use super::json;
use super::v1::{Report, Summary, Target};

/// Writes one JSON document target by target, in the very bytes that it would have as a whole.
#[derive(Debug)]
pub struct JsonWriter<W> {
    out: W,
    targets: usize,
}

impl<W: Write> JsonWriter<W> {
    /// Begins a document; the worst summary and exit code have to be known by then.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn begin(mut out: W, worst: Summary, exit_code: u8) -> io::Result<Self> {
        let text = line(&Report { exit_code, ..Report::of(worst, Vec::new()) });
        // The list of targets is the last field, and empty.
        out.write_all(text.strip_suffix("]}\n").unwrap_or(&text).as_bytes())?;
        Ok(Self { out, targets: 0 })
    }

    /// Adds a target.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn add(&mut self, target: &Target) -> io::Result<()> {
        if self.targets > 0 {
            self.out.write_all(b",")?;
        }
        self.targets += 1;
        self.out.write_all(json::text(target).as_bytes())
    }

    /// Ends the document.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn end(mut self) -> io::Result<()> {
        self.out.write_all(b"]}\n")?;
        self.out.flush()
    }
}

/// A document as one line.
#[must_use]
pub fn line(report: &Report) -> String {
    json::text(report) + "\n"
}
