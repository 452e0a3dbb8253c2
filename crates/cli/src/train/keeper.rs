//! When and where a run is kept.

use super::TrainFailure;
use neuromanifold_harness::training::{Checkpoint, Plan, Problem, Training, TrainingError};
use neuromanifold_io::atomic;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How often a checkpoint is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interval {
    Steps(u64),
    Time(Duration),
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected steps as 500 or a time as 30s, 5m or 1h, found {text:?}");
        let unit = match text.chars().last() {
            Some('s') => 1.0,
            Some('m') => 60.0,
            Some('h') => 3600.0,
            _ => {
                let steps = text.parse::<u64>().ok().filter(|steps| *steps > 0);
                return steps.map(Self::Steps).ok_or_else(wrong);
            }
        };
        let number = text[..text.len() - 1].parse::<f64>().map_err(|_| wrong())?;
        let time = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        Ok(Self::Time(time))
    }
}

/// Writes checkpoints of a run.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: PathBuf,
    every: Interval,
    last: (u64, Instant),
}

impl Keeper {
    pub(crate) fn new(path: PathBuf, every: Interval, steps: u64) -> Self {
        Self {
            path,
            every,
            last: (steps, Instant::now()),
        }
    }

    /// Writes one, if it is time.
    pub(crate) fn keep_if_due(&mut self, training: &Training<'_>) -> Result<(), TrainFailure> {
        let due = match self.every {
            Interval::Steps(steps) => training.steps() >= self.last.0.saturating_add(steps),
            Interval::Time(time) => self.last.1.elapsed() >= time,
        };
        if due { self.keep(training) } else { Ok(()) }
    }

    /// Writes one. That it was tried counts: a full disk is not asked again at every step.
    pub(crate) fn keep(&mut self, training: &Training<'_>) -> Result<(), TrainFailure> {
        self.last = (training.steps(), Instant::now());
        Ok(atomic::write(&self.path, training.checkpoint().to_bytes())?)
    }
}

/// The run that a file keeps, or none if there is no file.
pub(crate) fn taken_up<'p>(
    path: &Path,
    problem: &'p Problem,
    plan: &Plan,
) -> Result<Option<Training<'p>>, TrainFailure> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(TrainFailure::ReadCheckpoint {
                path: path.to_owned(),
                source,
            });
        }
    };
    let checkpoint = Checkpoint::from_bytes(&bytes).map_err(TrainingError::from);
    let taken = checkpoint.and_then(|kept| Training::resume(problem, plan, kept));
    taken.map(Some).map_err(|source| TrainFailure::Checkpoint {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Finds out before the work begins that a file could not be written in the end.
pub(crate) fn probe(path: &Path) -> Result<(), TrainFailure> {
    let fail = |source: io::Error| TrainFailure::Unwritable {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(fail(ErrorKind::IsADirectory.into())),
        Ok(there) if !there.is_file() => return Ok(()), // a device
        _ => {}
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let probe = folder.join(format!(".neuromanifold-{}-probe.tmp", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    made.and_then(|file| {
        drop(file);
        fs::remove_file(&probe)
    })
    .map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_steps_or_times() {
        let seconds = |s: f64| Ok(Interval::Time(Duration::from_secs_f64(s)));
        assert_eq!("500".parse(), Ok(Interval::Steps(500)));
        assert_eq!("0.5s".parse(), seconds(0.5));
        assert_eq!("5m".parse(), seconds(300.0));
        assert_eq!("1.5h".parse(), seconds(5400.0));
        for wrong in ["", "0", "s", "-3s", "nans", "1e400h", "5d", "½s"] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
    }
}
