//! Showing how far an experiment has come.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines of one phase where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

/// A handle for reporting progress: a bar on a terminal, lines now and then elsewhere, or nothing. Clones report to the
/// same place, from any thread.
///
/// ```
/// use neuromanifold_harness::Progress;
///
/// let progress = Progress::hidden();
/// progress.begin("training", 3);
/// for seed in 0..3 {
///     progress.note(format!("seed {seed}"));
///     progress.advance(1);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Progress(Arc<Display>);

#[derive(Debug)]
enum Display {
    Hidden,
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

/// What was last said where there is no terminal.
#[derive(Debug, Default)]
struct Lines {
    experiment: String,
    phase: String,
    note: String,
    done: usize,
    total: usize,
    last: Option<Instant>,
}

impl Progress {
    /// Reports nowhere.
    #[must_use]
    pub fn hidden() -> Self {
        Self(Arc::new(Display::Hidden))
    }

    /// A bar on standard error if that is a terminal, lines on standard error otherwise.
    #[must_use]
    pub fn stderr() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
            .with_style(bar_style());
        let display = if bar.is_hidden() {
            Display::Lines(Mutex::default())
        } else {
            Display::Bar(bar)
        };
        Self(Arc::new(display))
    }

    /// A phase of so many steps begins; the one before is over.
    pub fn begin(&self, phase: impl Into<String>, steps: usize) {
        let phase = phase.into();
        match &*self.0 {
            Display::Hidden => {}
            Display::Bar(bar) => {
                bar.set_length(steps as u64);
                bar.set_position(0);
                bar.set_message(phase);
            }
            Display::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.note.clear();
                (lines.phase, lines.total, lines.done, lines.last) =
                    (phase, steps, 0, Some(Instant::now()));
                say(&format!("{}: {}", lines.experiment, lines.phase));
            }
        }
    }

    /// So many more steps of the phase are done.
    pub fn advance(&self, steps: usize) {
        match &*self.0 {
            Display::Hidden => {}
            Display::Bar(bar) => bar.inc(steps as u64),
            Display::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.done += steps;
                if lines.last.is_none_or(|last| last.elapsed() >= PAUSE) {
                    lines.last = Some(Instant::now());
                    say(&lines.sentence());
                }
            }
        }
    }

    /// Says what is being done at the moment.
    pub fn note(&self, note: impl Into<String>) {
        match &*self.0 {
            Display::Hidden => {}
            Display::Bar(bar) => bar.set_message(note.into()),
            Display::Lines(lines) => {
                lines.lock().unwrap_or_else(PoisonError::into_inner).note = note.into();
            }
        }
    }

    /// An experiment begins.
    pub(super) fn open(&self, experiment: &str, place: usize, of: usize) {
        match &*self.0 {
            Display::Hidden => {}
            Display::Bar(bar) => {
                bar.reset();
                bar.set_prefix(format!("[{place}/{of}] {experiment}"));
                bar.set_message("");
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            Display::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                *lines = Lines {
                    experiment: format!("[{place}/{of}] {experiment}"),
                    ..Lines::default()
                };
                say(&format!("{}: begins", lines.experiment));
            }
        }
    }

    /// An experiment is over, with a closing sentence that stays.
    pub(super) fn close(&self, sentence: &str) {
        match &*self.0 {
            Display::Hidden => {}
            Display::Bar(bar) => {
                bar.println(format!("{} {sentence}", bar.prefix()));
                bar.disable_steady_tick();
                bar.finish_and_clear();
            }
            Display::Lines(lines) => {
                let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                say(&format!("{}: {sentence}", lines.experiment));
            }
        }
    }
}

impl Lines {
    fn sentence(&self) -> String {
        let Self {
            experiment,
            phase,
            note,
            done,
            total,
            ..
        } = self;
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(", {note}")
        };
        format!("{experiment}: {phase} {done}/{total}{note}")
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix:.bold} {bar:24.cyan/dim} {pos}/{len} {elapsed:>4} {wide_msg:.dim}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("━━╌")
}

/// One line on standard error. Progress that cannot be shown is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
