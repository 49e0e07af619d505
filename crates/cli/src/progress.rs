//! Progress of long work on a terminal; silent elsewhere.

use std::sync::Mutex;

use imports::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that shows bytes read, then rows written.
pub(crate) struct Bar {
    bar: Mutex<ProgressBar>,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Bar {
    /// A bar for people; `quiet` draws nothing.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
        Self { bar: Mutex::new(bar) }
    }

    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        // A poisoned bar is still a bar.
        act(&self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Counts finished pieces of a whole.
    pub(crate) fn count(&self, what: &str, done: u64, all: u64) {
        self.with(|bar| {
            bar.set_style(style("{msg} {bar:30} {human_pos}/{human_len}"));
            bar.set_message(what.to_owned());
            bar.set_length(all);
            bar.set_position(done);
        });
    }

    /// Counts steps without a known end.
    pub(crate) fn wait(&self, what: &str, done: u64) {
        self.with(|bar| {
            bar.set_style(style("{msg} {human_pos}"));
            bar.set_message(what.to_owned());
            bar.set_position(done);
        });
    }

    /// Counts bytes without a known end.
    pub(crate) fn bytes(&self, what: &str, done: u64) {
        self.with(|bar| {
            bar.set_style(style("{msg} {bytes} ({bytes_per_sec})"));
            bar.set_message(what.to_owned());
            bar.set_position(done);
        });
    }

    pub(crate) fn clear(&self) {
        self.with(ProgressBar::finish_and_clear);
    }
}

impl Progress for Bar {
    fn begin(&self, file: &str, bytes: u64) {
        self.with(|bar| {
            bar.set_style(style("reading {msg} {bar:30} {bytes}/{total_bytes} {eta}"));
            bar.set_message(file.to_owned());
            bar.set_length(bytes);
            bar.set_position(0);
        });
    }

    fn read(&self, bytes: u64) {
        self.with(|bar| bar.set_position(bytes));
    }

    fn writing(&self, rows: u64) {
        self.with(|bar| {
            bar.set_style(style("writing {bar:30} {human_pos}/{human_len} rows {eta}"));
            bar.set_length(rows);
            bar.set_position(0);
        });
    }

    fn wrote(&self, rows: u64) {
        self.with(|bar| bar.inc(rows));
    }
}
