use std::fmt;
use std::str::FromStr;

/// What is to be learnt from a data set, and so which likelihood p(y|z) its targets are meant for.
///
/// | task | likelihood | model outputs K | target of one example |
/// |---|---|---|---|
/// | [`Regression`](Task::Regression) | Gaussian | numbers per example | K numbers |
/// | [`Binary`](Task::Binary) | Bernoulli, logit output | 1 | one number, 0 or 1 |
/// | [`Classification`](Task::Classification) | categorical, softmax output | `classes` | one number, the class index 0 … `classes` − 1 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Real targets, `outputs` of them per example.
    Regression {
        /// K, the numbers per example; at least 1.
        outputs: usize,
    },
    /// Two classes, written 0 and 1.
    Binary,
    /// Classes written as an index.
    Classification {
        /// The number of classes; at least 2.
        classes: usize,
    },
}

impl Task {
    /// K, the number of outputs z a model for this task has.
    #[must_use]
    pub fn outputs(self) -> usize {
        match self {
            Task::Regression { outputs } => outputs,
            Task::Binary => 1,
            Task::Classification { classes } => classes,
        }
    }

    /// The numbers that one example's target takes in the flat array of targets: K for regression,
    /// 1 for labels.
    #[must_use]
    pub fn targets_per_example(self) -> usize {
        match self {
            Task::Regression { outputs } => outputs,
            Task::Binary | Task::Classification { .. } => 1,
        }
    }

    /// The number of classes, or `None` for regression.
    #[must_use]
    pub fn classes(self) -> Option<usize> {
        match self {
            Task::Regression { .. } => None,
            Task::Binary => Some(2),
            Task::Classification { classes } => Some(classes),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Task::Regression { outputs: 1 } => write!(f, "regression"),
            Task::Regression { outputs } => write!(f, "regression with {outputs} outputs"),
            Task::Binary => write!(f, "binary classification"),
            Task::Classification { classes } => write!(f, "classification into {classes} classes"),
        }
    }
}

/// The kind of a [`Task`], for a reader that is yet to see how many outputs or classes there are.
///
/// Parses from `regression`, `binary` or `classification`, for use on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TaskKind {
    /// The target columns hold numbers.
    #[default]
    Regression,
    /// The target column holds exactly two different labels.
    Binary,
    /// The target column holds two or more different labels.
    Classification,
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskKind::Regression => "regression",
            TaskKind::Binary => "binary",
            TaskKind::Classification => "classification",
        })
    }
}

impl FromStr for TaskKind {
    type Err = super::DataError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [
            TaskKind::Regression,
            TaskKind::Binary,
            TaskKind::Classification,
        ]
        .into_iter()
        .find(|kind| kind.to_string() == name)
        .ok_or_else(|| super::DataError::UnknownTask {
            name: name.to_owned(),
        })
    }
}
