use super::SealError;
use crate::data::DataError;
use neuromanifold_mlp::MlpError;
use neuromanifold_model::{LikelihoodError, ModelError};
use neuromanifold_optim::{OptimError, StateError};

/// Why a network cannot be trained, or its training cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The network has another number of inputs than the data.
    #[error("the network has {network} inputs; the data have {data}")]
    Inputs {
        /// Those of the network.
        network: usize,
        /// Those of the data.
        data: usize,
    },
    /// The network has another number of outputs than the targets ask for.
    #[error("the network has {network} outputs; {task} asks for {expected}")]
    Outputs {
        /// Those of the network.
        network: usize,
        /// Those that the task asks for.
        expected: usize,
        /// The task.
        task: crate::data::Task,
    },
    /// Without biases a network cannot shift its inputs and outputs as standardisation does.
    #[error("layer {layer} of the network has no biases; the first and the last layer need them")]
    NoBias {
        /// Counted from 0.
        layer: usize,
    },
    /// The last layer is not linear, so that its outputs cannot be brought to the unit of the targets.
    #[error("the last layer of the network is not linear")]
    NotLinear,
    /// A weight for data in their own units is not finite.
    #[error(
        "parameter {index} of the network for data in their own units is {value}: the units are too extreme"
    )]
    Unit {
        /// Its place in θ.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A setting makes no sense.
    #[error("{name} is {value}; it must be {expected}")]
    Setting {
        /// Which.
        name: &'static str,
        /// The value that came.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// The checkpoint is that of another run.
    #[error(
        "the checkpoint is of a run with other data, another network or other settings (its fingerprint is {found:016x}, \
         that of this run {expected:016x})"
    )]
    OtherRun {
        /// The fingerprint of this run.
        expected: u64,
        /// That in the checkpoint.
        found: u64,
    },
    /// The checkpoint is none that a run could go on from.
    #[error("the checkpoint contradicts itself: {what}")]
    Contradiction {
        /// What cannot be.
        what: &'static str,
    },
    /// The checkpoint cannot be read.
    #[error("there is no checkpoint to go on from: {0}")]
    Checkpoint(#[from] SealError),
    /// The state of the optimiser in the checkpoint is none that it could go on from.
    #[error(transparent)]
    State(#[from] StateError),
    /// The data are wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network cannot be put on the data.
    #[error(transparent)]
    Mlp(#[from] MlpError),
    /// The network cannot be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The likelihood does not fit.
    #[error(transparent)]
    Likelihood(#[from] LikelihoodError),
    /// The optimiser cannot take a step.
    #[error(transparent)]
    Optim(#[from] OptimError),
}
