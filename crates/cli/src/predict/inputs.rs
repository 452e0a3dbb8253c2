use crate::data::{factor, is_table, read_inputs};
use crate::failure::Failure;
use crate::train::TrainFailure;
use crate::train::saved::{INPUTS, read_list};
use clap::Args;
use neuromanifold_harness::data::{Column, DataError, Delimiter, Header, InputColumns};
use neuromanifold_io::{Array, IoError, Network};
use std::path::{Path, PathBuf};

/// The arguments that say what the inputs are.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct InputOptions {
    /// Inputs, one example a row: CSV (also .tsv, .gz), npy, npz, or idx images (also .gz). Of a CSV file the columns that the
    /// network was trained on are taken, by name.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,

    /// Columns of a CSV file that are the inputs, in this order; or the array of an npz file [default: x, or the only one].
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    inputs: Vec<String>,

    /// Columns of a CSV file that are targets, and so no inputs.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    target: Vec<String>,

    /// The first line of a CSV file does not name the columns; they are column_0, column_1, ….
    #[arg(long)]
    no_header: bool,

    /// Multiply all inputs by a number or fraction, as 1/255 for the pixels of an image.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    scale: f64,
}

impl InputOptions {
    /// The inputs in a file, one example a row, as many as the network takes.
    pub(crate) fn read(
        &self,
        path: &Path,
        network: &Network,
        from: &Path,
    ) -> Result<Array, Failure> {
        let width = network.mlp.inputs();
        let array = if is_table(path) {
            let mut names = self.inputs.clone();
            if names.is_empty() {
                names = read_list(network, from, INPUTS, width)?.unwrap_or_default();
            }
            self.read_table(path, &names)?
        } else {
            let name = self.inputs.first().map(String::as_str);
            read_inputs(path, name, None)?
        };
        if array.features() != width {
            return Err(Failure::Width {
                data: path.to_owned(),
                found: array.features(),
                network: from.to_owned(),
                expected: width,
            });
        }
        let shape = array.shape().to_vec();
        let values = array.into_values();
        let values = values.into_iter().map(|value| value * self.scale).collect();
        Array::new(shape, values).map_err(|_| Failure::Scale { factor: self.scale })
    }

    fn read_table(&self, path: &Path, names: &[String]) -> Result<Array, TrainFailure> {
        let columns = |names: &[String]| -> Vec<Column> {
            names.iter().map(|name| name.as_str().into()).collect()
        };
        let (chosen, targets) = (columns(names), columns(&self.target));
        let chosen = (!chosen.is_empty()).then_some(&chosen[..]);
        let header = if self.no_header {
            Header::Absent
        } else {
            Header::Expected
        };
        let table = InputColumns::read(path, chosen, &targets, header, Delimiter::Detect)
            .map_err(|error| TrainFailure::Data(DataError::from(error)))?;
        let width = table.names().len();
        let values = table.into_values();
        let shape = vec![values.len() / width.max(1), width];
        Array::new(shape, values).map_err(|problem| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, problem);
            let path = path.to_owned();
            TrainFailure::File(IoError::Read { path, source })
        })
    }
}
