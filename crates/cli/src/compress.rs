use crate::data::DataOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::{Law, LawOptions};
use crate::network::{Architecture, NetworkOptions};
use crate::output::{Output, Report};
use crate::page::{heading, line, number, remark, table};
use crate::progress::Progress;
use crate::smaller::{Destination, Written};
use clap::Args;
use neuromanifold_geometry::quotient::{Absorbed, CompressionStep, Probe, compress};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold compress net.safetensors --activation tanh --data train.csv --target y \\
      --budget 0.01 -o small.safetensors
  neuromanifold compress mnist.safetensors --activation relu --likelihood categorical \\
      --data t10k-images-idx3-ubyte.gz --scale 1/255 --budget 0.001 -o small.safetensors

The budget is the mean divergence D(p : p') between what the two networks predict on the data, in nats. With Gaussian noise
that is the mean squared difference of the outputs over 2σ², so it depends on --noise.";

/// Write the smallest network that is found within a budget of nats of the given one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Compress {
    /// The network, a safetensors file.
    #[arg(value_name = "NET")]
    network: PathBuf,

    /// How far the result may be from the original on the data, in nats.
    #[arg(long, value_name = "NATS")]
    budget: f64,

    #[command(flatten)]
    destination: Destination,

    #[command(flatten)]
    options: NetworkOptions,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    law: LawOptions,
}

/// What became of it.
#[derive(Debug, Serialize)]
struct Compressed {
    original: Architecture,
    likelihood: Law,
    budget: f64,
    inputs: String,
    examples: usize,
    #[serde(flatten)]
    written: Written,
    /// The curve of size against divergence, beyond the budget too.
    path: Vec<StepSummary>,
    /// How many steps of it the result has taken.
    taken: usize,
}

/// One unit less.
#[derive(Debug, Serialize)]
struct StepSummary {
    layer: usize,
    unit: usize,
    /// `nobody`, `constant`, `unit` or `merged`.
    absorbed_by: &'static str,
    /// The other unit, if there is one.
    other: Option<usize>,
    /// Hidden units left.
    units: usize,
    nats: f64,
}

impl Compress {
    /// Compresses, writes and measures.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        if !(self.budget >= 0.0 && self.budget.is_finite()) {
            return Err(Failure::Budget { nats: self.budget });
        }
        self.destination.check(&self.network, &self.data)?;
        let progress = Progress::new(output);
        progress.begin("reading");
        let net = self.options.read(&self.network)?;
        let law = net.law(&self.law)?;
        let inputs = self.data.required(&self.network, net.mlp().inputs())?;
        let likelihood = law.likelihood();
        let probe = Probe {
            inputs: inputs.matrix(),
            likelihood: likelihood.as_ref(),
        };
        progress.begin("removing and merging units");
        let compression = compress(net.mlp(), net.theta(), &probe, self.budget)?;
        let small = (&compression.net, &compression.theta[..]);
        let written = self.destination.write(&net, small, law, &inputs)?;
        drop(progress);
        output.show(
            "compress",
            &Compressed {
                original: net.architecture(),
                likelihood: law,
                budget: self.budget,
                inputs: inputs.source.clone(),
                examples: inputs.len(),
                written,
                path: compression.path.iter().map(StepSummary::of).collect(),
                taken: compression.taken,
            },
        )?;
        Ok(Exit::Success)
    }
}

impl StepSummary {
    fn of(step: &CompressionStep) -> Self {
        let (absorbed_by, other) = match step.absorbed {
            Absorbed::Nobody => ("nobody", None),
            Absorbed::Constant => ("constant", None),
            Absorbed::Unit(other) => ("unit", Some(other)),
            Absorbed::Merged(other) => ("merged", Some(other)),
            _ => ("other", None),
        };
        Self {
            layer: step.layer,
            unit: step.unit,
            absorbed_by,
            other,
            units: step.units,
            nats: step.difference.divergence,
        }
    }
}

impl Report for Compressed {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        line(
            page,
            "network",
            format!("{}: {}", self.original.file, self.original),
        )?;
        line(page, "likelihood", self.likelihood)?;
        let inputs = format!("{} examples from {}", self.examples, self.inputs);
        self.written.lines(page, &inputs)?;
        line(page, "budget", format!("{} nats", number(self.budget)))?;
        heading(page, "What fewer units cost")?;
        let around = self.taken.saturating_sub(6)..(self.taken + 4).min(self.path.len());
        let rows = self.path[around.clone()]
            .iter()
            .enumerate()
            .map(|(i, step)| {
                let taken = if around.start + i < self.taken {
                    "taken"
                } else {
                    ""
                };
                vec![step.units.to_string(), number(step.nats), taken.to_owned()]
            });
        table(page, &["hidden units", "nats", ""], &[2], rows)?;
        if around.len() < self.path.len() {
            remark(
                page,
                format!(
                    "{} of {} steps; --json has all",
                    around.len(),
                    self.path.len()
                ),
            )?;
        }
        Ok(())
    }
}
