use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A bar on standard error while something takes long; none where that is not a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of no length yet.
    pub(crate) fn new(output: &Output) -> Self {
        let target = if output.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// A phase of unknown length begins.
    pub(crate) fn begin(&self, phase: &str) {
        self.0
            .set_style(style("{spinner:.cyan} {msg} {elapsed:.dim}"));
        self.0.set_message(phase.to_owned());
    }

    /// A phase of so many steps begins.
    pub(crate) fn begin_steps(&self, phase: &str, steps: usize) {
        self.0.set_style(style(
            "{spinner:.cyan} {msg} {bar:24.cyan/dim} {pos}/{len} {elapsed:.dim}",
        ));
        self.0.set_length(steps as u64);
        self.0.set_position(0);
        self.0.set_message(phase.to_owned());
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━━╌")
}
