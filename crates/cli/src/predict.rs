//! `neuromanifold predict`.

mod bars;
mod columns;
mod inputs;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::{LawName, LawOptions};
use crate::network::NetworkOptions;
use crate::output::{Output, Report};
use crate::place;
use crate::train::TrainFailure;
use bars::Bars;
use clap::Args;
use columns::Columns;
use inputs::InputOptions;
use neuromanifold_geometry::faer;
use neuromanifold_io::{Array, IoError, Precision, atomic, npy};
use neuromanifold_mlp::MlpError;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Computes what a network says of data, with error bars if wanted.
///
/// For real outputs, one column each; for classes, the likeliest and the probabilities of all. With --train-data there are
/// three more columns for each real output: the standard deviation of its estimate from so many examples, from the inverse of
/// the Fisher metric on them, and the interval that holds a new observation with probability --level, noise included. Directions
/// of the parameters that no data determine cost nothing where the output does not depend on them; where it does, its error
/// is infinite. The error bars are those of the model: they know nothing of what no network of this shape could fit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  neuromanifold predict concrete.safetensors --data new.csv
  neuromanifold predict concrete.safetensors --data new.csv --train-data concrete.csv \\
      --level 0.9 -o predicted.csv")]
pub(crate) struct Predict {
    /// The network, a safetensors file.
    #[arg(value_name = "NET")]
    network: PathBuf,

    #[command(flatten)]
    inputs: InputOptions,

    #[command(flatten)]
    options: NetworkOptions,

    /// The law that the outputs are parameters of; from the network's file, or gaussian if it does not say.
    #[arg(long, value_name = "LAW", help_heading = "Likelihood")]
    likelihood: Option<LawName>,

    /// The examples that the network was trained on, for error bars.
    #[arg(long, value_name = "FILE", help_heading = "Error bars")]
    train_data: Option<PathBuf>,

    /// Variance of the noise on each output, in its unit squared; from the network's file if it says.
    #[arg(
        long,
        value_name = "VARIANCE,…",
        value_delimiter = ',',
        requires = "train_data",
        help_heading = "Error bars"
    )]
    noise: Vec<f64>,

    /// Probability with which the interval is to hold a new observation.
    #[arg(
        long,
        value_name = "PROBABILITY",
        default_value_t = 0.95,
        help_heading = "Error bars"
    )]
    level: f64,

    /// Write to this file, csv or npy by its name, in place of standard output.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// What is shown where the predictions themselves go to a file.
#[derive(Debug, Serialize)]
struct Written {
    output: String,
    examples: usize,
    columns: Vec<String>,
}

impl Predict {
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let read = [&*self.network, &*self.inputs.data];
        let read = read.into_iter().chain(self.train_data.as_deref());
        place::apart(self.output.as_deref(), read)?;
        let columns = self.predict()?;
        let Some(path) = &self.output else {
            output.show("predict", &columns)?;
            return Ok(Exit::Success);
        };
        self.write(path, &columns)?;
        let written = Written {
            output: path.display().to_string(),
            examples: columns.rows(),
            columns: columns.names().to_vec(),
        };
        output.show("predict", &written)?;
        Ok(Exit::Success)
    }

    fn predict(&self) -> Result<Columns, Failure> {
        faer::set_global_parallelism(faer::Par::Seq);
        let loaded = self.options.read(&self.network)?;
        let law = loaded.law(&LawOptions {
            likelihood: self.likelihood,
            noise: None,
        })?;
        let network = loaded.network;
        let inputs = self
            .inputs
            .read(&self.inputs.data, &network, &self.network)?;
        let outputs = network
            .mlp
            .predict(&network.theta, inputs.examples())
            .map_err(fail)?;
        if law.name != LawName::Gaussian {
            if self.train_data.is_some() {
                return Err(TrainFailure::BarsOfClasses.into());
            }
            return Ok(Columns::of_classes(
                &network,
                &self.network,
                law.name,
                outputs.as_ref(),
            )?);
        }
        let bars = match &self.train_data {
            None => None,
            Some(path) => {
                let examples = self.inputs.read(path, &network, &self.network)?;
                let bars = Bars::new(&network, &self.network, &self.noise, &examples)?;
                Some(bars.at(&inputs, self.level)?)
            }
        };
        Ok(Columns::of_numbers(
            &network,
            &self.network,
            outputs.as_ref(),
            bars.as_deref(),
        )?)
    }

    fn write(&self, path: &std::path::Path, columns: &Columns) -> Result<(), TrainFailure> {
        let npy = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        if !npy {
            return Ok(atomic::write(path, columns.csv())?);
        }
        let shape = vec![columns.rows(), columns.names().len()];
        let array = Array::new(shape, columns.numbers()).map_err(|problem| IoError::Write {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidData, problem),
        })?;
        Ok(npy::write(path, &array, Precision::F64)?)
    }
}

/// A network that cannot be evaluated on inputs that were checked.
fn fail(error: MlpError) -> TrainFailure {
    TrainFailure::Training(error.into())
}

impl Report for Written {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        let columns = self.columns.join(", ");
        writeln!(page, "{}: {} rows of {columns}", self.output, self.examples)
    }
}
