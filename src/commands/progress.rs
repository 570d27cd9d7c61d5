//! A progress bar on standard error; silent where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// One bar.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar called `what` for `total` steps.
    pub fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let style = ProgressStyle::with_template("{prefix:>14} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what.to_owned());
        Progress(bar)
    }

    /// There are so many steps in all.
    pub fn total(&self, total: u64) {
        self.0.set_length(total);
    }

    /// So many more steps are done.
    pub fn advance(&self, more: u64) {
        self.0.inc(more);
    }

    /// All is done; the bar goes.
    pub fn done(self) {
        self.0.finish_and_clear();
    }
}
