use crate::data::{is_table, read_inputs};
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

    /// The first line of a CSV file does not name the columns; they are column_0, column_1, ….
    #[arg(long)]
    no_header: bool,
}

impl InputOptions {
    /// The inputs in a file, one example a row, as many as the network takes.
    pub(crate) fn read(
        &self,
        path: &Path,
        network: &Network,
        from: &Path,
    ) -> Result<Array, TrainFailure> {
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
        if array.features() == width {
            return Ok(array);
        }
        Err(TrainFailure::Width {
            path: path.to_owned(),
            found: array.features(),
            expected: width,
        })
    }

    fn read_table(&self, path: &Path, names: &[String]) -> Result<Array, TrainFailure> {
        let chosen: Vec<Column> = names.iter().map(|name| name.as_str().into()).collect();
        let chosen = (!chosen.is_empty()).then_some(&chosen[..]);
        let header = if self.no_header {
            Header::Absent
        } else {
            Header::Expected
        };
        let table = InputColumns::read(path, chosen, &[], header, Delimiter::Detect)
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
