use super::TrainFailure;
use crate::data::{is_archive, is_table, read_inputs};
use clap::{Args, ValueEnum};
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_harness::data::{
    Column, CsvError, CsvProblem, CsvSource, DataError, Dataset, Header, Task, TaskKind,
};
use neuromanifold_io::{Array, read_array};
use std::path::{Path, PathBuf};

/// The arguments that say what the examples are.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct ExampleOptions {
    /// Examples, one a row: CSV (also .tsv, .gz), npz, or inputs alone as npy or idx images (also .gz).
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,

    /// What is to be predicted: columns of a CSV file, the array of an npz file, or a file of its own (npy, idx).
    #[arg(long, value_name = "TARGET,…", value_delimiter = ',', required = true)]
    pub(crate) target: Vec<String>,

    /// Columns of a CSV file that are left out; all others are inputs.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,

    /// The array of an npz file that holds the inputs [default: x, or the only one beside the targets].
    #[arg(long, value_name = "ARRAY")]
    pub(crate) inputs: Option<String>,

    /// Whether targets are numbers or classes. By default words, labels in an idx file and one target of a network with several
    /// outputs are classes.
    #[arg(long, value_name = "TASK", default_value = "auto")]
    pub(crate) task: TaskChoice,

    /// The first line of a CSV file does not name the columns; they are column_0, column_1, ….
    #[arg(long)]
    pub(crate) no_header: bool,

    /// Use the first N examples only.
    #[arg(long, value_name = "N")]
    pub(crate) examples: Option<usize>,
}

/// What targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskChoice {
    /// What they look like.
    Auto,
    /// Numbers.
    Regression,
    /// Labels, numbers or words.
    Classification,
}

impl ExampleOptions {
    /// The examples, for a network with so many outputs.
    pub(crate) fn read(&self, outputs: usize) -> Result<Dataset, TrainFailure> {
        let data = if is_table(&self.data) {
            self.read_table(outputs)?
        } else {
            self.read_arrays(outputs)?
        };
        match self.examples {
            Some(few) if few < data.len() => Ok(data.select(&(0..few).collect::<Vec<_>>())),
            _ => Ok(data),
        }
    }

    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let apart = !is_table(&self.data) && !is_archive(&self.data);
        let targets = self.target.iter().filter(move |_| apart).map(Path::new);
        [&*self.data].into_iter().chain(targets)
    }

    /// With one output two classes are told apart by its sign.
    fn classes(outputs: usize) -> TaskKind {
        if outputs == 1 {
            TaskKind::Binary
        } else {
            TaskKind::Classification
        }
    }

    fn read_table(&self, outputs: usize) -> Result<Dataset, TrainFailure> {
        let mut targets = self.target.iter().map(|name| Column::from(name.as_str()));
        let first = targets.next().unwrap_or_else(|| Column::from(""));
        let mut source = CsvSource::new(&self.data, first);
        for target in targets {
            source = source.and_target(target);
        }
        for column in &self.ignore {
            source = source.ignore(column.as_str());
        }
        if self.no_header {
            source = source.header(Header::Absent);
        }
        let one = self.target.len() == 1;
        let kind = match self.task {
            TaskChoice::Classification => Self::classes(outputs),
            TaskChoice::Auto if one && outputs > 1 => TaskKind::Classification,
            TaskChoice::Auto | TaskChoice::Regression => TaskKind::Regression,
        };
        match source.clone().task(kind).read() {
            Err(DataError::Csv(error))
                if self.task == TaskChoice::Auto && one && self.is_word(&error) =>
            {
                Ok(source.task(Self::classes(outputs)).read()?)
            }
            read => Ok(read?),
        }
    }

    /// Whether all that is wrong is a word for a target.
    fn is_word(&self, error: &CsvError) -> bool {
        matches!(error.problem, CsvProblem::NotANumber { .. })
            && error.column.as_ref() == self.target.first()
    }

    fn read_arrays(&self, outputs: usize) -> Result<Dataset, TrainFailure> {
        let [target] = &self.target[..] else {
            return Err(TrainFailure::SeveralArrays {
                found: self.target.len(),
            });
        };
        let (inputs, targets, labels) = if is_archive(&self.data) {
            let inputs = read_inputs(&self.data, self.inputs.as_deref(), Some(target))?;
            (inputs, read_array(&self.data, Some(target))?, false)
        } else {
            let labels = target.contains("idx");
            (
                read_array(&self.data, None)?,
                read_array(target, None)?,
                labels,
            )
        };
        if inputs.len() != targets.len() {
            return Err(TrainFailure::Targets {
                inputs: inputs.len(),
                targets: targets.len(),
            });
        }
        let classes = match self.task {
            TaskChoice::Classification => true,
            TaskChoice::Auto => targets.features() == 1 && (labels || outputs > 1),
            TaskChoice::Regression => false,
        };
        let name = self.data.display().to_string();
        if !classes {
            let targets = targets.examples();
            return Ok(Dataset::regression(name, inputs.examples(), targets)?);
        }
        classified(&name, inputs.examples(), &targets, outputs)
    }
}

/// Labels 0, 1, 2, … as classes; as many as the network has outputs, for a file need not have examples of all.
fn classified(
    name: &str,
    inputs: MatRef<'_, f64>,
    targets: &Array,
    outputs: usize,
) -> Result<Dataset, TrainFailure> {
    let mut labels = Vec::with_capacity(targets.len());
    for (example, &value) in targets.values().iter().enumerate() {
        let whole = value >= 0.0 && value < 2f64.powi(53) && value.fract().abs() <= 0.0;
        if !whole {
            return Err(TrainFailure::Label { example, value });
        }
        labels.push(value as usize);
    }
    if outputs == 1 {
        let mut flags = Vec::with_capacity(labels.len());
        for (example, label) in labels.into_iter().enumerate() {
            if label > 1 {
                let value = label as f64;
                return Err(TrainFailure::Label { example, value });
            }
            flags.push(label == 1);
        }
        return Ok(Dataset::binary(name, inputs, &flags)?);
    }
    let most = labels.iter().max().map_or(0, |most| most.saturating_add(1));
    Ok(Dataset::classification(
        name,
        inputs,
        &labels,
        outputs.max(most),
    )?)
}

/// The words for the classes or the targets.
pub(crate) fn is_regression(task: Task) -> bool {
    matches!(task, Task::Regression { .. })
}
