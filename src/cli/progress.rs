//! The bar on stderr.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::survey::Step;

/// All bars of a run; draws nothing where nobody can see it.
pub(super) struct Progress {
    bars: MultiProgress,
    /// One bar for many targets, instead of one for each.
    whole: Option<ProgressBar>,
}

/// The bar of one target.
pub(super) struct Line {
    bar: ProgressBar,
    label: String,
}

impl Progress {
    pub(super) fn new(visible: bool) -> Self {
        let target = if visible {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bars: MultiProgress::with_draw_target(target), whole: None }
    }

    /// One bar for all targets, whose number may not be known yet.
    pub(super) fn whole(visible: bool) -> Self {
        let progress = Self::new(visible);
        let bar = progress.bars.add(ProgressBar::no_length());
        set_style(&bar, "{spinner} {pos} targets done, {per_sec}");
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { whole: Some(bar), ..progress }
    }

    /// Takes note that no more than `targets` come.
    pub(super) fn set_total(&self, targets: usize) {
        let Some(bar) = &self.whole else { return };
        if bar.length() == Some(targets as u64) {
            return;
        }
        set_style(bar, "{bar:30} {pos} of {len} targets, {per_sec}, {eta} left");
        bar.set_length(targets as u64);
    }

    /// Takes note that one more target is done.
    pub(super) fn count(&self) {
        if let Some(bar) = &self.whole {
            bar.inc(1);
        }
    }

    pub(super) fn line(&self, label: &str) -> Line {
        if self.whole.is_some() {
            return Line { bar: ProgressBar::hidden(), label: String::new() };
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        set_style(&bar, "{spinner} {msg}");
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

/// A template that cannot be read would leave the bar as it was.
fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
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
