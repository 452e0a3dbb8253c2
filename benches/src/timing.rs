//! Timing something many times.

use std::time::{Duration, Instant};

use crate::{BenchError, Noise, Settings};

/// How often something is timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeats {
    /// Runs off the clock before the first.
    pub warm: usize,
    /// At least so many runs, unless the budget is spent.
    pub at_least: usize,
    /// Seconds after which three runs are enough, or one if `at_least` is one.
    pub budget: f64,
}

impl Default for Repeats {
    /// Two runs to warm up, at least seven, at most 20 seconds.
    fn default() -> Self {
        Self {
            warm: 2,
            at_least: 7,
            budget: 20.0,
        }
    }
}

/// Seconds after which `at_least` runs are enough.
const LONG_ENOUGH: f64 = 2.0;
/// Cores that others may use in a measurement that is not repeated.
const QUIET: f64 = 0.1;
/// Cores that others may use when a measurement begins.
const CALM: f64 = 0.15;

/// Seconds of one run: median, extremes, and what others did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The median.
    pub median: f64,
    /// The fastest run.
    pub min: f64,
    /// The slowest run.
    pub max: f64,
    /// How many runs there were.
    pub runs: usize,
    /// Cores that other processes kept busy.
    pub other_cpu: Option<f64>,
}

impl Timing {
    /// Median and extremes of a sample of seconds. NaN for an empty one.
    #[must_use]
    pub fn of(mut seconds: Vec<f64>, other_cpu: Option<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let runs = seconds.len();
        let at = |index: usize| seconds.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: f64::midpoint(at(runs.saturating_sub(1) / 2), at(runs / 2)),
            min: at(0),
            max: at(runs.saturating_sub(1)),
            runs,
            other_cpu,
        }
    }
}

/// Times `work`, which returns the seconds it wants to be counted: several runs, and all of them again, as often as
/// [`Settings::retries`] allows, while others disturb; the quietest counts.
///
/// # Errors
/// That of `work`.
pub fn repeat(
    settings: &Settings,
    repeats: Repeats,
    mut work: impl FnMut() -> Result<Duration, BenchError>,
) -> Result<Timing, BenchError> {
    for _ in 0..repeats.warm.min(settings.runs) {
        work()?;
    }
    let mut quietest: Option<Timing> = None;
    for _ in 0..=settings.retries {
        wait_for_quiet(settings.quiet_wait);
        let noise = Noise::begin();
        let start = Instant::now();
        let mut seconds = Vec::new();
        loop {
            seconds.push(work()?.as_secs_f64());
            let (runs, spent) = (seconds.len(), start.elapsed().as_secs_f64());
            let enough = runs >= repeats.at_least && spent > LONG_ENOUGH;
            let spent = spent > repeats.budget && runs >= repeats.at_least.min(3);
            if runs >= settings.runs || enough || spent {
                break;
            }
        }
        let timing = Timing::of(seconds, noise.other());
        let loudness = |timing: &Timing| timing.other_cpu.unwrap_or(0.0);
        if quietest.is_none_or(|before| loudness(&timing) < loudness(&before)) {
            quietest = Some(timing);
        }
        if loudness(&timing) < QUIET {
            break;
        }
    }
    Ok(quietest.unwrap_or_else(|| Timing::of(Vec::new(), None)))
}

/// The duration of a call.
pub(crate) fn on_the_clock<T>(
    work: impl FnOnce() -> Result<T, BenchError>,
) -> Result<Duration, BenchError> {
    let start = Instant::now();
    let result = work()?;
    let spent = start.elapsed();
    drop(std::hint::black_box(result)); // to give memory back is not part of the work
    Ok(spent)
}

/// Waits, up to so many seconds, until other processes are idle.
fn wait_for_quiet(seconds: f64) {
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        let noise = Noise::begin();
        std::thread::sleep(Duration::from_millis(500));
        if noise.other().is_none_or(|cores| cores < CALM) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_extremes() {
        let timing = Timing::of(vec![3.0, 1.0, 2.0, 10.0], None);
        assert!((timing.median - 2.5).abs() < 1e-15);
        assert!((timing.min - 1.0).abs() < 1e-15 && (timing.max - 10.0).abs() < 1e-15);
        assert!(Timing::of(Vec::new(), None).median.is_nan());
    }

    #[test]
    fn fast_work_is_repeated_fifty_times_and_what_fails_is_not_repeated() {
        let settings = Settings::default();
        let (mut calls, repeats) = (0, Repeats::default());
        let timing = repeat(&settings, repeats, || {
            calls += 1;
            Ok(Duration::from_millis(calls))
        });
        let timing = timing.expect("work that succeeds");
        assert_eq!((timing.runs, calls), (50, 52));
        assert!(
            (timing.min - 3e-3).abs() < 1e-12,
            "the warm-up is not counted"
        );
        let mut calls = 0;
        let failed = repeat(&settings, repeats, || {
            calls += 1;
            Err(BenchError::UnknownCase {
                filter: String::new(),
                known: Vec::new(),
            })
        });
        assert!(failed.is_err() && calls == 1);
    }
}
