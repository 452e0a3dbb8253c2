use super::csv::CsvError;

/// What is wrong with a data set, or with a request made of one.
///
/// Example indices count from 0, as in [`Dataset::example`](super::Dataset::example); lines of
/// files count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A CSV file cannot be read or written.
    #[error(transparent)]
    Csv(#[from] Box<CsvError>),

    /// An array has the wrong size.
    #[error("data set `{dataset}`: {quantity} should be {expected}, found {found}")]
    Shape {
        /// The data set.
        dataset: String,
        /// What was counted.
        quantity: &'static str,
        /// The count that fits the rest of the data set.
        expected: usize,
        /// The count that was given.
        found: usize,
    },

    /// An input or a target is NaN or infinite.
    #[error(
        "data set `{dataset}`, example {example}: `{variable}` is {value}, not a finite number"
    )]
    NotFinite {
        /// The data set.
        dataset: String,
        /// The name of the input or target.
        variable: String,
        /// The index of the example.
        example: usize,
        /// The offending value.
        value: f64,
    },

    /// A class index is as large as the number of classes, or larger.
    #[error(
        "data set `{dataset}`, example {example}: label {label} is not below the number of classes, {classes}"
    )]
    Label {
        /// The data set.
        dataset: String,
        /// The index of the example.
        example: usize,
        /// The offending label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },

    /// Classification needs at least two classes.
    #[error("data set `{dataset}`: classification needs at least two classes, found {classes}")]
    TooFewClasses {
        /// The data set.
        dataset: String,
        /// The number of classes.
        classes: usize,
    },

    /// Two variables or two classes share a name.
    #[error("data set `{dataset}`: the name `{name}` is given twice")]
    DuplicateName {
        /// The data set.
        dataset: String,
        /// The repeated name.
        name: String,
    },

    /// An operation needs at least one example.
    #[error("data set `{dataset}` has no examples")]
    NoExamples {
        /// The data set.
        dataset: String,
    },

    /// A part of a split would have no examples although a positive fraction was asked for.
    #[error("{examples} examples are too few: the {part} part would be empty")]
    EmptyPart {
        /// `training`, `validation` or `test`.
        part: &'static str,
        /// The number of examples to split.
        examples: usize,
    },

    /// Class labels have no mean and no standard deviation.
    #[error(
        "data set `{dataset}`: only the targets of a regression can be standardised, this is {task}"
    )]
    StandardizedLabels {
        /// The data set.
        dataset: String,
        /// Its task.
        task: super::Task,
    },

    /// A variable varies over more than the largest finite number, so its standard deviation cannot
    /// be represented.
    #[error(
        "data set `{dataset}`: `{variable}` runs from {least} to {greatest}, a range that overflows"
    )]
    Range {
        /// The data set.
        dataset: String,
        /// The name of the input or target.
        variable: String,
        /// Its least value.
        least: f64,
        /// Its greatest value.
        greatest: f64,
    },

    /// A parameter of a generator, a split or a batch size is out of bounds.
    #[error("{object}: `{parameter}` is {value}, but should be {requirement}")]
    Parameter {
        /// What was being constructed.
        object: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The value given.
        value: f64,
        /// What is required of it.
        requirement: &'static str,
    },

    /// A time series is too short for the window asked of it.
    #[error("the series has {available} values, the delay embedding needs {needed}")]
    ShortSeries {
        /// The number of values there are.
        available: usize,
        /// The number of values needed.
        needed: usize,
    },

    /// The solution of a differential equation has left the finite numbers.
    #[error("the solution is no longer finite at time {time}")]
    Diverged {
        /// The time of the first value that is not finite.
        time: f64,
    },

    /// No kind of task has this name.
    #[error("unknown task `{name}`: should be regression, binary or classification")]
    UnknownTask {
        /// The name given.
        name: String,
    },
}

impl From<CsvError> for DataError {
    fn from(error: CsvError) -> Self {
        DataError::Csv(Box::new(error))
    }
}
