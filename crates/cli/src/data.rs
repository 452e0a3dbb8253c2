use crate::failure::Failure;
use clap::{Args, ValueEnum};
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_harness::data::{Column, Delimiter, Header, InputColumns};
use neuromanifold_io::npz::{Npz, NpzProblem};
use neuromanifold_io::{Array, IoError, read_array};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, StandardNormal};
use std::path::{Path, PathBuf};

/// The arguments that say what the inputs are.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataOptions {
    /// Inputs, one example a row: CSV (also .tsv, .gz), npy, npz, or idx images (also .gz).
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Columns of a CSV file that are the inputs, in this order [default: all but the targets]; or the array of an npz file [default: x, or the only one].
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(crate) inputs: Vec<String>,

    /// Columns of a CSV file that are targets, and so no inputs.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(crate) target: Vec<String>,

    /// Whether the first line of a CSV file names the columns; without names they are column_0, column_1, ….
    #[arg(long, value_name = "WHETHER", default_value = "expected")]
    pub(crate) header: HeaderChoice,

    /// Multiply all inputs by a number or fraction, as 1/255 for the pixels of an image.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    pub(crate) scale: f64,

    /// Use the first N examples only.
    #[arg(long, value_name = "N")]
    pub(crate) examples: Option<usize>,
}

/// Whether the first line of a table names its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeaderChoice {
    /// It does; numbers among the names are refused.
    Expected,
    /// It does, and names may be numbers.
    Present,
    /// It does not.
    Absent,
}

/// N examples of n inputs.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    values: Vec<f64>,
    width: usize,
    /// Where they come from, in words.
    pub(crate) source: String,
}

impl DataOptions {
    /// The inputs for a network of a certain width, if there is a file of data.
    pub(crate) fn read(&self, network: &Path, width: usize) -> Result<Option<Inputs>, Failure> {
        self.data
            .as_deref()
            .map(|data| self.read_file(data, network, width))
            .transpose()
    }

    /// The same where there has to be one.
    pub(crate) fn required(&self, network: &Path, width: usize) -> Result<Inputs, Failure> {
        self.read(network, width)?.ok_or(Failure::NoData)
    }

    fn read_file(&self, data: &Path, network: &Path, expected: usize) -> Result<Inputs, Failure> {
        let (mut values, found) = if is_table(data) {
            let named = |names: &[String]| -> Vec<Column> {
                names.iter().map(|n| Column::from(n.as_str())).collect()
            };
            let (chosen, targets) = (named(&self.inputs), named(&self.target));
            let header = match self.header {
                HeaderChoice::Expected => Header::Expected,
                HeaderChoice::Present => Header::Present,
                HeaderChoice::Absent => Header::Absent,
            };
            let chosen = (!chosen.is_empty()).then_some(&chosen[..]);
            let table = InputColumns::read(data, chosen, &targets, header, Delimiter::Detect)?;
            let width = table.names().len();
            (table.into_values(), width)
        } else {
            let array = read_inputs(data, self.inputs.first().map(String::as_str), None)?;
            // a plain vector is N examples of one input
            let width = array.features();
            (array.into_values(), width)
        };
        if found != expected {
            return Err(Failure::Width {
                data: data.to_owned(),
                found,
                network: network.to_owned(),
                expected,
            });
        }
        if let Some(examples) = self.examples {
            values.truncate(examples.saturating_mul(found));
        }
        for value in &mut values {
            *value *= self.scale;
            if !value.is_finite() {
                return Err(Failure::Scale { factor: self.scale });
            }
        }
        if values.is_empty() {
            return Err(Failure::NoExamples);
        }
        Ok(Inputs {
            values,
            width: found,
            source: data.display().to_string(),
        })
    }
}

/// Examples of standard normal inputs where there are no data.
const DRAWN: usize = 1000;

impl Inputs {
    /// Standard normal ones, for want of data.
    pub(crate) fn drawn(width: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = StandardNormal.sample_iter(&mut rng).take(width * DRAWN);
        Self {
            values: values.collect(),
            width,
            source: "standard normal inputs".to_owned(),
        }
    }

    /// X, `n × N`.
    pub(crate) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.width, self.len())
    }

    /// N.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// At most so many of the examples, evenly spread over all.
    pub(crate) fn at_most(&self, examples: usize) -> Self {
        let (all, kept) = (self.len(), examples.clamp(1, self.len()));
        let chosen = (0..kept).map(|i| i * all / kept);
        Self {
            values: chosen
                .flat_map(|s| &self.values[s * self.width..(s + 1) * self.width])
                .copied()
                .collect(),
            width: self.width,
            source: self.source.clone(),
        }
    }
}

/// Reads inputs that are no table. Of an npz file the array of that name; without one `x`, or the only one beside the targets.
pub(crate) fn read_inputs(
    path: &Path,
    name: Option<&str>,
    targets: Option<&str>,
) -> Result<Array, IoError> {
    if name.is_some() || !is_archive(path) {
        return read_array(path, name);
    }
    let mut archive = Npz::open(path)?;
    let others = || {
        archive
            .names()
            .iter()
            .filter(|n| Some(n.as_str()) != targets)
    };
    let usual = others().find(|n| *n == "x");
    let only = others().next().filter(|_| others().count() == 1);
    match usual.or(only).cloned() {
        Some(name) => archive.array(&name),
        None => Err(IoError::Npz {
            path: path.to_owned(),
            problem: Box::new(NpzProblem::NotOneArray {
                available: archive.names().to_vec(),
            }),
        }),
    }
}

/// Whether the name is that of an archive of arrays.
pub(crate) fn is_archive(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("npz"))
}

/// Whether the name is that of a text table.
pub(crate) fn is_table(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".txt"].iter().any(|e| name.ends_with(e))
}

/// A number, or a fraction of two.
pub(crate) fn factor(text: &str) -> Result<f64, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .map_err(|_| format!("expected a number or a fraction as 1/255, found {text:?}"))
    };
    let value = match text.split_once('/') {
        Some((above, below)) => number(above)? / number(below)?,
        None => number(text)?,
    };
    if value.is_finite() && value.abs() > 0.0 {
        Ok(value)
    } else {
        Err(format!("{text} is not a finite number other than zero"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_may_be_fractions() {
        assert!((factor("1/255").unwrap() - 1.0 / 255.0).abs() < 1e-18);
        assert!((factor("-2.5e-1").unwrap() + 0.25).abs() < 1e-18);
        for wrong in ["", "1/0", "0", "nan", "inf", "1/2/3", "a"] {
            assert!(factor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_of_the_examples_is_spread_over_all() {
        let inputs = Inputs {
            values: (0..20).map(f64::from).collect(),
            width: 2,
            source: String::new(),
        };
        let part = inputs.at_most(5);
        assert_eq!(part.len(), 5);
        assert_eq!(
            part.matrix().col(4).iter().copied().collect::<Vec<_>>(),
            [16.0, 17.0]
        );
        assert_eq!(inputs.at_most(100).len(), 10);
        assert_eq!(inputs.at_most(0).len(), 1);
    }

    #[test]
    fn names_of_tables() {
        for table in ["a.csv", "A.CSV.GZ", "x.tsv"] {
            assert!(is_table(Path::new(table)));
        }
        assert!(!is_table(Path::new("csv.npy")));
    }
}
