//! What can go wrong in a measurement.

use std::path::PathBuf;

use neuromanifold_geometry::MetricError;
use neuromanifold_harness::data::DataError;
use neuromanifold_mlp::MlpError;
use neuromanifold_model::ModelError;
use neuromanifold_optim::OptimError;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A filter chooses no case.
    #[error("`{filter}` chooses no case; known are: {}", known.join(", "))]
    UnknownCase {
        /// The filter as it was given.
        filter: String,
        /// The names of all cases.
        known: Vec<String>,
    },
    /// The directory of the data cannot be listed.
    #[error("cannot read the directory {} of the data: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A file is missing, cannot be read, or is not what its header promises.
    #[error("cannot read {}, expected {expected}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What the operating system or the parser answered.
        source: std::io::Error,
    },
    /// An array has the wrong shape, order or type of numbers.
    #[error("{} holds {found}, expected {expected}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What the file holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// An entry is no number that the problem can have.
    #[error("entry {index} of {} is {value}, expected {expected}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Index in the flat array.
        index: usize,
        /// The value found there.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A file of results cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A pool of threads cannot be made.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the pool answered.
        source: rayon::ThreadPoolBuildError,
    },
    /// A data set could not be generated.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network could not be put on its batch.
    #[error(transparent)]
    Mlp(#[from] MlpError),
    /// A model could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A metric could not be built or inverted.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// An optimiser could not take a step.
    #[error(transparent)]
    Optim(#[from] OptimError),
}

impl BenchError {
    /// Whether it is the algorithm under measurement that failed, so that the other cases are still worth measuring.
    #[must_use]
    pub fn concerns_one_case(&self) -> bool {
        matches!(self, Self::Model(_) | Self::Metric(_) | Self::Optim(_))
    }
}
