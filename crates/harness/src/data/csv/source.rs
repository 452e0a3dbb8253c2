use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::header::Layout;
use super::labels::Labels;
use super::rows::{Row, Rows};
use super::{Column, CsvError, CsvProblem, Delimiter, Header, field};
use crate::data::{DataError, Dataset, Task, TaskKind};

/// A table in a file, to be read as a data set: one column is the target, the others are inputs.
///
/// The file is read as a stream, row by row; only the numbers are kept. What is accepted: UTF-8
/// text with or without byte order mark, any line end, blank lines, fields in double quotes, spaces
/// around fields; compressed by gzip if the name ends in `.gz` or the content says so. Everything
/// that is not a finite number in every row is an error naming file, line and column: nothing is
/// filled in or skipped.
///
/// ```
/// use neuromanifold_harness::data::{CsvSource, TaskKind};
///
/// let table = "width;height;kind\n1.5;2;oak\n0.5;3;fir\n";
/// let data = CsvSource::new("trees.csv", "kind")
///     .task(TaskKind::Binary)
///     .read_from(table.as_bytes())?;
/// assert_eq!(data.class_names(), ["fir", "oak"]);
/// assert_eq!(data.targets(), [1.0, 0.0]);
///
/// let error = CsvSource::new("trees.csv", "heigth").read_from(table.as_bytes()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "trees.csv, line 1: there is no column `heigth` (did you mean `height`?); \
///      the columns are `width`, `height`, `kind`"
/// );
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CsvSource {
    file: PathBuf,
    name: String,
    targets: Vec<Column>,
    ignored: Vec<Column>,
    task: TaskKind,
    classes: Option<Vec<String>>,
    header: Header,
    delimiter: Delimiter,
}

impl CsvSource {
    /// A table with a header, in the file at this path, to be read as a regression on this column.
    ///
    /// The data set takes its name from the file.
    pub fn new(file: impl Into<PathBuf>, target: impl Into<Column>) -> Self {
        let file = file.into();
        let name = file
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        CsvSource {
            file,
            name,
            targets: vec![target.into()],
            ignored: Vec::new(),
            task: TaskKind::default(),
            classes: None,
            header: Header::default(),
            delimiter: Delimiter::default(),
        }
    }

    /// Names the data set.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a target to a regression, which has then one more output.
    #[must_use]
    pub fn and_target(mut self, target: impl Into<Column>) -> Self {
        self.targets.push(target.into());
        self
    }

    /// Leaves out a column, which may then hold anything.
    #[must_use]
    pub fn ignore(mut self, column: impl Into<Column>) -> Self {
        self.ignored.push(column.into());
        self
    }

    /// Says what is to be learnt; a regression, unless said otherwise.
    ///
    /// For the other tasks the target column holds labels: numbers or words. Their classes are in
    /// order of value if all are numbers, of text if not, and [`Dataset::class_names`] keeps which
    /// is which. Labels 0 … k−1, all of which occur, so become their own class index.
    #[must_use]
    pub fn task(mut self, task: TaskKind) -> Self {
        self.task = task;
        self
    }

    /// Fixes the classes and their order; any other label is then an error.
    ///
    /// For files that must agree on the classes although one may not have examples of all.
    #[must_use]
    pub fn class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.classes = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Says whether the first line names the columns.
    #[must_use]
    pub fn header(mut self, header: Header) -> Self {
        self.header = header;
        self
    }

    /// Says what stands between fields.
    #[must_use]
    pub fn delimiter(mut self, delimiter: Delimiter) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`DataError::Csv`] with file, line and column for everything that is wrong with it.
    pub fn read(&self) -> Result<Dataset, DataError> {
        let file = File::open(&self.file).map_err(|error| self.fail(CsvProblem::Open(error)))?;
        self.read_from(file)
    }

    /// Reads the table from something else than the file, whose name then only serves for messages
    /// (and for the ending `.gz`).
    ///
    /// # Errors
    /// [`DataError::Csv`] with file, line and column for everything that is wrong with it.
    pub fn read_from(&self, source: impl Read) -> Result<Dataset, DataError> {
        if self.task != TaskKind::Regression && self.targets.len() > 1 {
            let targets = self.targets.len();
            return Err(self
                .fail(CsvProblem::SeveralLabelColumns { targets })
                .into());
        }
        let mut rows = Rows::new(&self.file, source, self.delimiter)?;
        let first = rows
            .next_row()?
            .ok_or_else(|| self.fail(CsvProblem::Empty))?;
        let layout = Layout::new(&self.file, self.header, first, &self.targets, &self.ignored)?
            .named(&self.file, first.line)?;
        let mut table = Table::new(self, layout);
        if self.header == Header::Absent {
            table.push(first)?;
        }
        while let Some(row) = rows.next_row()? {
            table.push(row)?;
        }
        table.finish()
    }

    fn path(&self) -> &Path {
        &self.file
    }

    fn fail(&self, problem: CsvProblem) -> CsvError {
        CsvError::new(self.path(), problem)
    }
}

/// The numbers of the rows read so far.
struct Table<'a> {
    source: &'a CsvSource,
    layout: Layout,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    labels: Labels,
}

impl<'a> Table<'a> {
    fn new(source: &'a CsvSource, layout: Layout) -> Self {
        let labels = source
            .classes
            .as_deref()
            .map_or_else(Labels::default, Labels::given);
        Table {
            source,
            layout,
            inputs: Vec::new(),
            targets: Vec::new(),
            labels,
        }
    }

    fn push(&mut self, row: Row<'_>) -> Result<(), CsvError> {
        let Self {
            source,
            layout,
            inputs,
            targets,
            labels,
        } = self;
        let (source, layout) = (*source, &*layout);
        let (expected, found) = (layout.names.len(), row.fields.len());
        if found != expected {
            return Err(source
                .fail(CsvProblem::Ragged { expected, found })
                .on_line(row.line));
        }
        let at = |position: usize| {
            move |problem| {
                source
                    .fail(problem)
                    .on_line(row.line)
                    .in_column(&layout.names[position])
            }
        };
        for &position in &layout.inputs {
            inputs.push(field::number(&row.fields[position]).map_err(at(position))?);
        }
        for &position in &layout.targets {
            let bytes = &row.fields[position];
            let value = match source.task {
                TaskKind::Regression => field::number(bytes),
                TaskKind::Binary | TaskKind::Classification => {
                    labels.read(bytes).map(|label| label as f64)
                }
            };
            targets.push(value.map_err(at(position))?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Dataset, DataError> {
        if self.targets.is_empty() {
            return Err(self.source.fail(CsvProblem::NoRows).into());
        }
        let (class_names, class_of) = self.labels.sort();
        let task = match self.source.task {
            TaskKind::Regression => Task::Regression {
                outputs: self.layout.targets.len(),
            },
            kind => {
                self.targets
                    .iter_mut()
                    .for_each(|label| *label = class_of[*label as usize] as f64);
                let classes = class_names.len();
                let (expected, holds, task) = match kind {
                    TaskKind::Binary => ("two", classes == 2, Task::Binary),
                    _ => (
                        "at least two",
                        classes >= 2,
                        Task::Classification { classes },
                    ),
                };
                if !holds {
                    let problem = CsvProblem::ClassCount {
                        task: kind,
                        expected,
                        found: classes,
                    };
                    let column = &self.layout.names[self.layout.targets[0]];
                    return Err(self.source.fail(problem).in_column(column).into());
                }
                task
            }
        };
        let dimension = self.layout.inputs.len();
        Dataset::from_columns(
            &self.source.name,
            task,
            dimension,
            self.inputs,
            self.targets,
        )?
        .with_input_names(self.layout.names_of(&self.layout.inputs))?
        .with_target_names(self.layout.names_of(&self.layout.targets))?
        .with_class_names(class_names)
    }
}
