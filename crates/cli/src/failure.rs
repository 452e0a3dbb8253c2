use crate::exit::Exit;
use crate::law::LawName;
use crate::memory::size;
use crate::train::TrainFailure;
use anstyle::{AnsiColor, Style};
use neuromanifold_geometry::MetricError;
use neuromanifold_geometry::closed_form::ClosedFormError;
use neuromanifold_geometry::quotient::QuotientError;
use neuromanifold_harness::data::CsvError;
use neuromanifold_io::{ArrayProblem, IoError, NetworkProblem};
use neuromanifold_mlp::MlpError;
use neuromanifold_model::{LikelihoodError, ModelError};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say it
pub(crate) enum Failure {
    #[error(transparent)]
    Train(#[from] TrainFailure),
    #[error(transparent)]
    File(Box<IoError>),
    #[error(transparent)]
    Table(#[from] CsvError),
    #[error("{} has {found} inputs an example, but {} takes {expected}", data.display(), network.display())]
    Width {
        data: PathBuf,
        found: usize,
        network: PathBuf,
        expected: usize,
    },
    #[error("an input times {factor} is not a finite number")]
    Scale { factor: f64 },
    #[error("this needs inputs, and there is no --data")]
    NoData,
    #[error("--budget {nats}: it must be finite and not negative")]
    Budget { nats: f64 },
    #[error("--examples 0 leaves no example")]
    NoExamples,
    #[error("--noise is the variance of Gaussian noise, and the likelihood is {}", format!("{law:?}").to_lowercase())]
    NoiseWithoutGaussian { law: LawName },
    #[error("a noise variance of {variance}: it must be positive and finite")]
    Noise { variance: f64 },
    #[error("--gamma {gamma}: it must be positive and finite")]
    Gamma { gamma: f64 },
    #[error("the outputs of {} cannot be read as this law", path.display())]
    LawOfOutputs {
        path: PathBuf,
        source: LikelihoodError,
    },
    #[error("the network cannot be taken apart")]
    Quotient(#[source] Box<QuotientError>),
    #[error("the metric cannot be computed")]
    Metric(#[source] Box<MetricError>),
    #[error("the metric for Gaussian inputs cannot be computed")]
    ClosedForm(#[source] Box<ClosedFormError>),
    #[error("the network cannot be evaluated")]
    Mlp(#[source] Box<MlpError>),
    #[error("the network cannot be evaluated on these inputs")]
    Model(#[source] Box<ModelError>),
    #[error("the result is not a network that can be written")]
    Network(#[source] Box<NetworkProblem>),
    #[error("the result is not an array that can be written")]
    Array(#[source] Box<ArrayProblem>),
    #[error(
        "no difference larger than {largest:e} was found on {examples} inputs, and whether networks with {hidden_layers} \
         hidden layers are one function cannot be decided"
    )]
    Undecided {
        largest: f64,
        examples: usize,
        hidden_layers: usize,
    },
    #[error("{what} needs {}, and {} can be had", size(*needed), size(u128::from(*available)))]
    Memory {
        what: &'static str,
        needed: u128,
        available: u64,
        instead: &'static str,
    },
    #[error("{} is the input itself", path.display())]
    Overwrite { path: PathBuf },
    #[error("{}: what is written is {expected}, and another format is promised by the name", path.display())]
    Extension {
        path: PathBuf,
        expected: &'static str,
    },
    #[error("{} is read by this command, or written twice", path.display())]
    Replace { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

/// Errors of libraries are boxed, so that a failure stays small.
macro_rules! boxed {
    ($($variant:ident: $error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })+
    };
}

boxed!(
    File: IoError,
    Quotient: QuotientError,
    Metric: MetricError,
    ClosedForm: ClosedFormError,
    Mlp: MlpError,
    Model: ModelError,
    Network: NetworkProblem,
    Array: ArrayProblem
);

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

impl Failure {
    /// The status to leave with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Train(failure) => failure.exit(),
            Self::Write { .. } | Self::Print(_) | Self::Network(_) | Self::Array(_) => Exit::Output,
            Self::NoData
            | Self::NoExamples
            | Self::NoiseWithoutGaussian { .. }
            | Self::Noise { .. }
            | Self::Gamma { .. }
            | Self::Budget { .. }
            | Self::Overwrite { .. }
            | Self::Replace { .. }
            | Self::Extension { .. } => Exit::Usage,
            Self::File(error) => match **error {
                IoError::Write { .. } => Exit::Output,
                _ => Exit::Input,
            },
            Self::Quotient(error) => match **error {
                QuotientError::Tolerance { .. } | QuotientError::Budget { .. } => Exit::Usage,
                QuotientError::Signature { .. } => Exit::Input,
                _ => Exit::Unanswerable,
            },
            Self::Table(_)
            | Self::Width { .. }
            | Self::Scale { .. }
            | Self::LawOfOutputs { .. } => Exit::Input,
            Self::Metric(_)
            | Self::ClosedForm(_)
            | Self::Mlp(_)
            | Self::Model(_)
            | Self::Undecided { .. }
            | Self::Memory { .. } => Exit::Unanswerable,
        }
    }

    /// What to do about it, where something can be done.
    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::File(error) => return advice_for_file(error),
            Self::Table(_) => {
                "choose the columns with --inputs, leave others out with --target; --header absent for a file without names"
            }
            Self::Train(failure) => return failure.advice(),
            Self::Width { .. } => {
                "choose columns with --inputs a,b,c or leave the target out with --target y; or give the network's own data"
            }
            Self::NoData => "give a file with --data, one example a row",
            Self::NoiseWithoutGaussian { .. } => "leave --noise away",
            Self::LawOfOutputs { .. } => {
                "choose --likelihood: bernoulli is for one output, categorical for two or more, gaussian for any number"
            }
            Self::Undecided { .. } => {
                "give --data with the inputs that matter: equality on them is what can be measured"
            }
            Self::Quotient(error) => match **error {
                QuotientError::NotShallow { .. } => {
                    "`reduce`, `compress` and `inspect` go through deep networks layer by layer"
                }
                _ => return None,
            },
            Self::Memory { instead, .. } => instead,
            Self::Overwrite { .. } => "give another file with -o, or --force to replace the input",
            Self::Extension { .. } => "name it .npy, or .npz for --representation blocks",
            Self::Replace { .. } => "give a file of its own for what is written",
            Self::Write { .. } => "give a path in a folder that exists and may be written to",
            _ => return None,
        })
    }

    /// Tells what happened, what caused it, and what to do.
    pub(crate) fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{RED}error:{RED:#} {self}")?;
        let mut told = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // some errors repeat their source
            if !told.contains(&text) {
                writeln!(out, "  because: {text}")?;
            }
            told = text;
            cause = error.source();
        }
        if let Some(advice) = self.advice() {
            writeln!(out, "{CYAN}what to do:{CYAN:#} {advice}")?;
        }
        Ok(())
    }
}

/// What to do about a file.
pub(crate) fn advice_for_file(error: &IoError) -> Option<&'static str> {
    Some(match error {
        IoError::Network { problem, .. } => match **problem {
            NetworkProblem::UnknownActivation { .. } => "say it with --activation tanh",
            NetworkProblem::Widths { .. } => "leave --layers away to take the widths of the file",
            NetworkProblem::Activation { .. } => "leave --activation away to take that of the file",
            NetworkProblem::SeveralNetworks { .. } | NetworkProblem::NoSuchPrefix { .. } => {
                "choose one with --prefix"
            }
            NetworkProblem::UnknownOrder { .. } => "name them in order with --modules first,second",
            _ => return None,
        },
        IoError::Safetensors { .. } => {
            "save networks with safetensors.torch.save_file(net.state_dict(), path); a .pt file is a pickle, not safetensors"
        }
        IoError::UnknownFormat { .. } => {
            "name the file .csv, .npy, .npz or .idx (or -ubyte), with .gz if compressed"
        }
        IoError::Npz { .. } => "choose the array with --inputs NAME",
        IoError::NoNamedArrays { .. } => "leave --inputs away",
        IoError::Write { .. } => "give a path in a folder that exists and may be written to",
        _ => return None,
    })
}
