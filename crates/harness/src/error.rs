//! What can go wrong outside the mathematics: files, names, data, interruption.

use std::path::PathBuf;

use neuromanifold_geometry::MetricError;
use neuromanifold_geometry::closed_form::ClosedFormError;
use neuromanifold_geometry::quotient::QuotientError;
use neuromanifold_mlp::MlpError;
use neuromanifold_model::{LikelihoodError, ModelError};
use neuromanifold_optim::OptimError;

use crate::data::DataError;

/// Why an experiment, its files or its report could not be produced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// A file or directory under the output directory could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The path that was to be written.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The path that was to be read.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A record could not be turned into JSON.
    #[error("cannot encode {} as JSON: {source}", path.display())]
    Encode {
        /// The file it was meant for.
        path: PathBuf,
        /// What the encoder answered.
        source: serde_json::Error,
    },
    /// An experiment was asked for by a name that none has.
    #[error("no experiment is called `{name}`; known are: {}", known.join(", "))]
    UnknownExperiment {
        /// The name that was asked for.
        name: String,
        /// The names that exist, in the order of the registry.
        known: Vec<String>,
    },
    /// Data were given to a run in which no experiment takes them.
    #[error("none of the chosen experiments takes data of your own; these do: {}", takers.join(", "))]
    DataNotTaken {
        /// The experiments that take data.
        takers: Vec<String>,
    },
    /// Data are missing or wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A closed form for Gaussian inputs, or the theory of on-line learning, was not to be had.
    #[error(transparent)]
    ClosedForm(#[from] ClosedFormError),
    /// A network could not be made or put on a batch.
    #[error(transparent)]
    Mlp(#[from] MlpError),
    /// A model could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A likelihood was refused.
    #[error(transparent)]
    Likelihood(#[from] LikelihoodError),
    /// A metric could not be built or inverted.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A network could not be analysed in the quotient.
    #[error(transparent)]
    Quotient(#[from] QuotientError),
    /// An optimiser could not take a step.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// A pool of threads for timing could not be made.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// What the pool answered.
        source: rayon::ThreadPoolBuildError,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}
