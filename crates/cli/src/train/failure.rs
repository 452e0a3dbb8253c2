use crate::exit::Exit;
use crate::failure::advice_for_file;
use neuromanifold_harness::data::DataError;
use neuromanifold_harness::training::TrainingError;
use neuromanifold_io::IoError;
use std::io;
use std::path::PathBuf;

/// Why a network was not trained, or its training stopped, or it cannot predict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrainFailure {
    /// A file of data is not what it should be.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] IoError),
    /// Data and network do not go together, or a setting makes no sense.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// Targets in a file of their own, and not as many as inputs.
    #[error("there are {inputs} examples, and targets for {targets}")]
    Targets {
        /// N of the inputs.
        inputs: usize,
        /// N of the targets.
        targets: usize,
    },
    /// Arrays that would have to be joined.
    #[error("--target names {found} arrays, and all targets must be in one")]
    SeveralArrays {
        /// How many.
        found: usize,
    },
    /// A class that is no whole number.
    #[error("example {example}: {value} is not the number of a class: 0, 1, 2, …")]
    Label {
        /// Counted from 0.
        example: usize,
        /// What stands there.
        value: f64,
    },
    /// A file would be overwritten that may be the only trace of a long run.
    #[error("there is a checkpoint at {} already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A checkpoint that cannot be gone on from.
    #[error("{}: {source}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<TrainingError>,
    },
    /// A checkpoint that cannot be read.
    #[error("{}: cannot read the checkpoint: {source}", path.display())]
    ReadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The optimiser could not go on; what it had found before is saved.
    #[error("training broke down after {steps} steps: {source}")]
    Broke {
        /// Steps that were taken.
        steps: u64,
        /// Why.
        source: Box<TrainingError>,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot listen to Ctrl-C: {0}")]
    Signals(#[from] ctrlc::Error),
    /// Error bars are for regressions.
    #[error("error bars are standard deviations of real outputs; this network tells classes apart")]
    BarsOfClasses,
    /// The noise of a regression is not known, or not that of so many outputs.
    #[error("{}: error bars need the variance of the noise on each of {outputs} outputs", path.display())]
    Noise {
        /// The file of the network.
        path: PathBuf,
        /// How many.
        outputs: usize,
    },
    /// The covariance would be too large.
    #[error(
        "error bars need a matrix of {parameters} × {parameters} numbers; {limit} × {limit} is the most"
    )]
    TooLarge {
        /// P.
        parameters: usize,
        /// The largest P.
        limit: usize,
    },
    /// The metadata of the network do not say what they should.
    #[error("{}: the metadata `{key}` are {text:?}; they should be {expected}", path.display())]
    Metadata {
        /// The file of the network.
        path: PathBuf,
        /// Which.
        key: &'static str,
        /// What they are.
        text: String,
        /// What they should be.
        expected: &'static str,
    },
}

impl TrainFailure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } | Self::Unwritable { .. } | Self::File(IoError::Write { .. }) => {
                Exit::Output
            }
            Self::Training(TrainingError::Setting { .. }) | Self::SeveralArrays { .. } => {
                Exit::Usage
            }
            Self::Broke { .. } | Self::Signals(_) | Self::BarsOfClasses | Self::TooLarge { .. } => {
                Exit::Unanswerable
            }
            _ => Exit::Input,
        }
    }

    pub(crate) fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exists { .. } => "give --resume to go on from it, or remove it to begin anew",
            Self::Unwritable { .. } | Self::File(IoError::Write { .. }) => {
                "give a path in a folder that exists and may be written to, on a disk with room; the checkpoint, if there is \
                 one, is as it was"
            }
            Self::File(error) => return advice_for_file(error),
            Self::Checkpoint { source, .. } => match source.as_ref() {
                TrainingError::OtherRun { .. } => {
                    "give the arguments of the run it is of, or another file for --checkpoint"
                }
                _ => "remove it to begin anew",
            },
            Self::Training(TrainingError::Inputs { .. } | TrainingError::Outputs { .. }) => {
                "the first of --layers is the number of inputs, the last that of outputs; --task says whether targets are \
                 numbers or classes"
            }
            Self::SeveralArrays { .. } => {
                "join them as columns: numpy.column_stack; of a CSV file several columns may be named"
            }
            Self::Noise { .. } => {
                "give them with --noise; a network that was trained here has them in its file"
            }
            Self::Broke { .. } => {
                "the best parameters before are where -o says; a smaller --learning-rate may go further"
            }
            _ => return None,
        })
    }
}
