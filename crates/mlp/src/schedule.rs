use rayon::prelude::*;

/// Whether independent tasks are worth sharing with other threads.
///
/// Waking them takes some ten microseconds. The tasks are the same either way, so the choice changes no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// One task after the other, on the calling thread.
    Alone,
    /// All tasks at once, on the current pool of threads.
    Shared,
}

impl Schedule {
    /// For a number of floating-point operations that a matrix product takes.
    pub(crate) fn for_products(multiply_adds: usize) -> Self {
        Self::from_threshold(multiply_adds, 1 << 20)
    }

    /// For a number of entries that are computed or moved one by one.
    pub(crate) fn for_entries(count: usize) -> Self {
        Self::from_threshold(count, 1 << 18)
    }

    fn from_threshold(work: usize, worth_it: usize) -> Self {
        if work < worth_it {
            Self::Alone
        } else {
            Self::Shared
        }
    }

    /// Runs a task for each item.
    pub(crate) fn run<T: Send>(
        self,
        items: impl Iterator<Item = T>,
        task: impl Fn(T) + Sync + Send,
    ) {
        match self {
            Self::Alone => items.for_each(task),
            Self::Shared => items
                .collect::<Vec<_>>()
                .into_par_iter()
                .with_max_len(1)
                .for_each(task),
        }
    }

    /// Runs two tasks.
    pub(crate) fn join(self, first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
        match self {
            Self::Alone => {
                first();
                second();
            }
            Self::Shared => {
                rayon::join(first, second);
            }
        }
    }
}
