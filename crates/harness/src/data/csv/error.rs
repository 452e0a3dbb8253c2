use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Column;
use super::edit_distance::closest;

/// How many column names an error message lists.
const LISTED_NAMES: usize = 20;

/// Where a CSV file is wrong, and how.
///
/// Displays as `table.csv, line 7, column `age`: …`, with as much of the place as is known.
#[derive(Debug)]
#[non_exhaustive]
pub struct CsvError {
    /// The file as it was given.
    pub file: PathBuf,
    /// The line, from 1, on which the row starts; `None` if the problem is not on a line.
    pub line: Option<u64>,
    /// The name of the column, or `#3` for the third of a header that is itself at fault.
    pub column: Option<String>,
    /// What is wrong there.
    pub problem: CsvProblem,
}

/// What is wrong with a CSV file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsvProblem {
    /// The file cannot be opened: missing, a directory, not permitted.
    #[error("cannot open the file: {0}")]
    Open(#[source] io::Error),
    /// Reading failed midway, or compressed data is damaged.
    #[error("cannot read on: {0}")]
    Read(#[source] io::Error),
    /// The file cannot be written.
    #[error("cannot write the file: {0}")]
    Write(#[source] io::Error),
    /// There is not a single row, not even a header.
    #[error("the file is empty")]
    Empty,
    /// There is a header and nothing below it.
    #[error("there is a header but no row of data")]
    NoRows,
    /// The first line, where names are expected, has numbers.
    #[error(
        "the first line has numbers where column names are expected: {first_row} (is there a header? say so, or that there is none)"
    )]
    NumericHeader {
        /// The start of the first line.
        first_row: String,
    },
    /// A column has no name.
    #[error("the column has no name")]
    UnnamedColumn,
    /// Two columns have the same name.
    #[error("the name is already that of column #{first}")]
    DuplicateColumn {
        /// The position of the earlier one, from 1.
        first: usize,
    },
    /// There is no such column.
    #[error(
        "there is no column {column}{}; the columns are {}",
        suggest(column, available),
        list(available)
    )]
    MissingColumn {
        /// The column asked for.
        column: Column,
        /// The names in the header.
        available: Vec<String>,
    },
    /// One column is asked for twice, as target or to be ignored.
    #[error("the column has two uses: as a target, or to be ignored, it can be named once")]
    RepeatedColumn,
    /// No column is left to serve as an input.
    #[error("no column is left as an input")]
    NoInputs,
    /// Classification has one target column.
    #[error("class labels come from one column, not {targets}")]
    SeveralLabelColumns {
        /// The number of target columns asked for.
        targets: usize,
    },
    /// A row is longer or shorter than the header.
    #[error("the row has {found} fields, but there are {expected} columns")]
    Ragged {
        /// The number of columns.
        expected: usize,
        /// The number of fields in the row.
        found: usize,
    },
    /// A row does not end: a quote is not closed, or this is no text file.
    #[error("the row is longer than {limit} bytes (a quote that is not closed?)")]
    LongRow {
        /// The greatest length allowed.
        limit: usize,
    },
    /// A field is empty.
    #[error("the field is empty")]
    EmptyField,
    /// A field is not a number.
    #[error("expected a number, found \"{field}\"")]
    NotANumber {
        /// The field, shortened if it is long.
        field: String,
    },
    /// A field is NaN or infinite, spelt out or by overflow.
    #[error("expected a finite number, found \"{field}\"")]
    NotFinite {
        /// The field, shortened if it is long.
        field: String,
    },
    /// A field is not UTF-8.
    #[error("the text is not UTF-8: \"{field}\"")]
    NotUtf8 {
        /// The field with the bytes in question escaped, shortened if it is long.
        field: String,
    },
    /// A label is not one of the class names that were given.
    #[error("the label \"{label}\" is not one of the classes {}", list(classes))]
    UnknownLabel {
        /// The label, shortened if it is long.
        label: String,
        /// The class names given.
        classes: Vec<String>,
    },
    /// The labels do not make a classification problem.
    #[error("{task} needs {expected} different labels, found {found}")]
    ClassCount {
        /// The task chosen.
        task: crate::data::TaskKind,
        /// `two` or `at least two`.
        expected: &'static str,
        /// The number of different labels.
        found: usize,
    },
}

impl CsvError {
    pub(super) fn new(file: &Path, problem: CsvProblem) -> Self {
        CsvError {
            file: file.to_owned(),
            line: None,
            column: None,
            problem,
        }
    }

    pub(super) fn on_line(self, line: u64) -> Self {
        CsvError {
            line: Some(line),
            ..self
        }
    }

    pub(super) fn in_column(self, name: impl Into<String>) -> Self {
        CsvError {
            column: Some(name.into()),
            ..self
        }
    }
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for CsvError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The problem's own text is part of ours already.
        std::error::Error::source(&self.problem)
    }
}

fn suggest(column: &Column, available: &[String]) -> String {
    let Column::Name(name) = column else {
        return String::new();
    };
    closest(name, available).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .take(LISTED_NAMES)
        .map(|name| format!("`{}`", super::field::shorten(name)))
        .collect();
    let rest = names.len().saturating_sub(LISTED_NAMES);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    quoted.join(", ") + &more
}
