//! What an experiment is given.

use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Effort, Interrupt, Progress, Units};
use crate::HarnessError;

/// A table of the user's own and the column that is to be predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserData {
    /// A CSV file with a header line.
    pub path: PathBuf,
    /// The name of the column to predict.
    pub target: String,
}

/// What an experiment is given: a seed, how much to do, where to report progress, when to stop.
///
/// It can be shared among threads.
#[derive(Debug, Clone)]
pub struct Context {
    seed: u64,
    effort: Effort,
    progress: Progress,
    interrupt: Interrupt,
    data: Option<UserData>,
    units: Option<Units>,
}

impl Context {
    /// A context that reports to `progress` and stops when `interrupt` is raised.
    #[must_use]
    pub fn new(
        seed: u64,
        effort: Effort,
        progress: Progress,
        interrupt: Interrupt,
        data: Option<UserData>,
    ) -> Self {
        Self {
            seed,
            effort,
            progress,
            interrupt,
            data,
            units: None,
        }
    }

    /// Keeps the parts of the work that are done, so that an experiment that is stopped goes on where it was.
    #[must_use]
    pub fn with_units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }

    /// A part of the work, a function of the seed, the effort, the data and `key` alone: made, or taken from a run that was
    /// stopped. Its numbers keep their bits. Wall times in it are those of the run that made it.
    ///
    /// # Errors
    /// That of `make`; [`HarnessError::Write`] if the part cannot be kept.
    pub fn unit<T: Serialize + DeserializeOwned>(
        &self,
        key: impl AsRef<str>,
        make: impl FnOnce() -> Result<T, HarnessError>,
    ) -> Result<T, HarnessError> {
        match &self.units {
            Some(units) => units.get(key.as_ref(), make),
            None => make(),
        }
    }

    /// A context that reports nowhere and is never interrupted: for tests.
    #[must_use]
    pub fn quiet(seed: u64, effort: Effort) -> Self {
        Self::new(seed, effort, Progress::hidden(), Interrupt::new(), None)
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator for one purpose: generators of different `stream`s are independent, and one stream gives the same
    /// numbers whatever the others are used for.
    #[must_use]
    pub fn rng(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }

    /// How much work is wanted.
    #[must_use]
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The one of three values that belongs to the effort.
    pub fn pick<T>(&self, quick: T, default: T, full: T) -> T {
        self.effort.pick(quick, default, full)
    }

    /// Where to report progress.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The user's own data, if any were given.
    #[must_use]
    pub fn data(&self) -> Option<&UserData> {
        self.data.as_ref()
    }

    /// Whether the user wants to stop.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.interrupt.raised()
    }

    /// Goes on unless the user wants to stop: to be asked between steps that take long.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`] if the user wants to stop.
    pub fn check(&self) -> Result<(), HarnessError> {
        if self.interrupted() {
            Err(HarnessError::Interrupted)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let context = Context::quiet(7, Effort::Quick);
        let first = |stream| context.rng(stream).random::<u64>();
        assert_eq!(first(0), first(0));
        assert_ne!(first(0), first(1));
        assert_ne!(
            first(0),
            Context::quiet(8, Effort::Quick).rng(0).random::<u64>()
        );
    }

    #[test]
    fn an_interrupted_context_stops() {
        let interrupt = Interrupt::new();
        let context = Context::new(
            1,
            Effort::Quick,
            Progress::hidden(),
            interrupt.clone(),
            None,
        );
        assert!(context.check().is_ok());
        interrupt.raise();
        assert!(matches!(context.check(), Err(HarnessError::Interrupted)));
    }
}
