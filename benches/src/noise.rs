//! What other processes do while something is timed.

use std::fs;
use std::time::Instant;

/// Ticks of the counters under `/proc` in a second; the same on every Linux.
const TICKS: f64 = 100.0;

/// A look at the processors, to be compared with a later one.
///
/// Reads `/proc`; where there is none it knows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    start: Instant,
    busy: Option<(f64, f64)>,
}

impl Noise {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            start: Instant::now(),
            busy: busy(),
        }
    }

    /// How many cores *other* processes have kept busy since then, on average, to two decimals.
    #[must_use]
    pub fn other(&self) -> Option<f64> {
        let ((all, own), (all_before, own_before)) = busy().zip(self.busy)?;
        let seconds = self.start.elapsed().as_secs_f64().max(1e-9);
        let cores = ((all - all_before) - (own - own_before)) / seconds;
        Some((100.0 * cores.max(0.0)).round() / 100.0)
    }
}

/// Seconds for which all processors together have been busy, and of these our own.
fn busy() -> Option<(f64, f64)> {
    let all = fs::read_to_string("/proc/stat").ok()?;
    let own = fs::read_to_string("/proc/self/stat").ok()?;
    let all: Vec<f64> = numbers(all.lines().next()?.strip_prefix("cpu ")?);
    let idle = all.get(3)? + all.get(4)?;
    let total: f64 = all.iter().take(8).sum();
    // The name of the process, in brackets, may hold spaces; user and system time are fields 14 and 15 of the line.
    let own = numbers(own.rsplit_once(')')?.1.split_once(char::is_alphabetic)?.1);
    let own = own.get(10)? + own.get(11)?;
    Some(((total - idle) / TICKS, own / TICKS))
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}
