use crate::data::{DataOptions, Inputs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::{Law, LawOptions};
use crate::network::{Architecture, NetworkOptions, ToleranceOption};
use crate::output::{Output, Report};
use crate::page::{GOOD, line, number, remark};
use crate::smaller::{Destination, Written};
use clap::Args;
use neuromanifold_geometry::quotient::{Probe, reduce};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold reduce net.safetensors --activation tanh -o small.safetensors
  neuromanifold reduce net.safetensors --activation tanh --tolerance 1e-4 --data test.csv \\
      --target y -o small.safetensors

In PyTorch: net.load_state_dict(safetensors.torch.load_file('small.safetensors')), with the widths that are printed.";

/// Write the smallest network that computes exactly the same function; for deep ones, what can be saved layer by layer.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reduce {
    /// The network, a safetensors file.
    #[arg(value_name = "NET")]
    network: PathBuf,

    #[command(flatten)]
    destination: Destination,

    #[command(flatten)]
    options: NetworkOptions,

    #[command(flatten)]
    tolerance: ToleranceOption,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    law: LawOptions,
}

/// What became of it.
#[derive(Debug, Serialize)]
struct Reduced {
    original: Architecture,
    likelihood: Law,
    tolerance: f64,
    /// The most that a weight was moved to count as equal to another; 0 if all equalities were exact.
    tolerance_used: f64,
    inputs: String,
    examples: usize,
    #[serde(flatten)]
    written: Written,
}

impl Reduce {
    /// Reduces, writes and measures.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        self.destination.check(&self.network, &self.data)?;
        let net = self.options.read(&self.network)?;
        let law = net.law(&self.law)?;
        let tolerance = net.tolerance(self.tolerance)?;
        let inputs = match self.data.read(&self.network, net.mlp().inputs())? {
            Some(inputs) => inputs,
            None => Inputs::drawn(net.mlp().inputs(), 1),
        };
        let likelihood = law.likelihood();
        let probe = Probe {
            inputs: inputs.matrix(),
            likelihood: likelihood.as_ref(),
        };
        let reduction = reduce(net.mlp(), net.theta(), &probe, tolerance)?;
        let small = (&reduction.net, &reduction.theta[..]);
        let written = self.destination.write(&net, small, law, &inputs)?;
        output.show(
            "reduce",
            &Reduced {
                original: net.architecture(),
                likelihood: law,
                tolerance: tolerance.relative(),
                tolerance_used: reduction.rounded,
                inputs: inputs.source.clone(),
                examples: inputs.len(),
                written,
            },
        )?;
        Ok(Exit::Success)
    }
}

impl Report for Reduced {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        line(
            page,
            "network",
            format!("{}: {}", self.original.file, self.original),
        )?;
        let inputs = format!("{} examples from {}", self.examples, self.inputs);
        self.written.lines(page, &inputs)?;
        let saved: usize = self
            .written
            .widths
            .iter()
            .map(|(before, after)| before - after)
            .sum();
        if saved == 0 {
            writeln!(page, "{GOOD}nothing to save: no unit is redundant{GOOD:#}")?;
        }
        let used = if self.tolerance_used > 0.0 {
            format!("used for up to {}", number(self.tolerance_used))
        } else {
            "not needed".to_owned()
        };
        remark(
            page,
            format!(
                "weights within {:e} of max(1, |w|) count as equal; {used}",
                self.tolerance
            ),
        )
    }
}
