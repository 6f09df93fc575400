//! The bar on stderr.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::survey::Step;

/// All bars of a run; draws nothing where nobody can see it.
pub(super) struct Progress {
    bars: MultiProgress,
}

/// The bar of one target.
pub(super) struct Line {
    bar: ProgressBar,
    label: String,
}

impl Progress {
    pub(super) fn new(visible: bool, _targets: usize) -> Self {
        let target = if visible {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    pub(super) fn line(&self, label: &str) -> Line {
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(format!("{label}: Envoy's own hello"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Line { bar, label: label.to_owned() }
    }

    /// Lets `print` write without a bar in its way; returns what went wrong, if anything did.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }

    pub(super) fn finish(&self) {
        // A bar that cannot be cleared is of no consequence.
        let _ = self.bars.clear();
    }
}

impl Line {
    pub(super) fn step(&self, step: Step) {
        if self.bar.is_hidden() {
            return;
        }
        let label = &self.label;
        self.bar.set_message(match step {
            Step::Suites(found) => format!("{label}: {found} suites accepted so far"),
            Step::Facts => format!("{label}: groups and certificates"),
            Step::Handshakes(done, all) => format!("{label}: handshake {done} of {all}"),
        });
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
