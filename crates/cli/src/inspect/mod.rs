//! `neuromanifold inspect`: what a network is, how degenerate, and how far from being smaller.

mod causes;
mod eigenvalues;
mod layers;
mod matrix_free;
mod page;
mod plot;
mod report;
mod unseen;

use crate::data::{DataOptions, Inputs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::LawOptions;
use crate::network::{NetworkOptions, ToleranceOption};
use crate::output::Output;
use crate::place;
use crate::progress::Progress;
use clap::{Args, ValueEnum};
use report::{DataSummary, Inspection, Measured};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold inspect net.safetensors --activation tanh
  neuromanifold inspect net.safetensors --activation tanh --data train.csv --target y \\
      --plot spectrum.svg

Without --data, what needs no inputs is exact, and what does is answered for standard normal inputs: the metric in closed
form where there is one (one hidden layer, Gaussian noise), distances in nats on a sample.";

/// Tell what a network is: why its metric is singular, unit by unit; rank and spectrum; how far smaller networks are.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// The network, a safetensors file.
    #[arg(value_name = "NET")]
    network: PathBuf,

    #[command(flatten)]
    options: NetworkOptions,

    #[command(flatten)]
    tolerance: ToleranceOption,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    law: LawOptions,

    /// Write the spectrum as a picture, SVG.
    #[arg(long, value_name = "FILE.svg", help_heading = "Metric")]
    plot: Option<PathBuf>,

    /// How eigenvalues are found.
    #[arg(
        long,
        value_name = "HOW",
        default_value = "auto",
        help_heading = "Metric"
    )]
    method: MethodChoice,

    /// γ in the effective dimension Σ λ/(λ + γ) [default: 1/N, or 1e-3 without data].
    #[arg(long, value_name = "GAMMA", help_heading = "Metric")]
    gamma: Option<f64>,

    /// Seed of the random vectors and inputs.
    #[arg(long, value_name = "S", default_value_t = 1, help_heading = "Metric")]
    seed: u64,
}

/// How eigenvalues are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MethodChoice {
    /// All of them where a matrix of that size is quick, else estimated from products.
    Auto,
    /// All of them, whatever it takes.
    Exact,
    /// From products with the metric: a few exactly, sums over all estimated.
    MatrixFree,
}

impl Inspect {
    /// Inspects, and shows what was found.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        if let Some(gamma) = self.gamma.filter(|g| !(*g > 0.0 && g.is_finite())) {
            return Err(Failure::Gamma { gamma });
        }
        let read = [&*self.network]
            .into_iter()
            .chain(self.data.data.as_deref());
        place::apart(self.plot.as_deref(), read)?;
        let progress = Progress::new(output);
        progress.begin("reading");
        let net = self.options.read(&self.network)?;
        let law = net.law(&self.law)?;
        let likelihood = law.likelihood();
        let tolerance = net.tolerance(self.tolerance)?;
        let width = net.mlp().inputs();
        let read = self.data.read(&self.network, width)?;
        let given = read.is_some();
        let inputs = read.unwrap_or_else(|| Inputs::drawn(width, self.seed));

        progress.begin("causes and distances, unit by unit");
        let degeneracy = causes::find(net.pair(), &inputs, likelihood.as_ref(), tolerance)?;
        let gamma = match (self.gamma, given) {
            (Some(gamma), _) => gamma,
            (None, true) => 1.0 / inputs.len() as f64,
            (None, false) => 1e-3,
        };
        let question = Measured {
            net: net.mlp(),
            theta: net.theta(),
            likelihood: likelihood.as_ref(),
            inputs: &inputs,
            gamma,
            seed: self.seed,
            progress: &progress,
        };
        let exact = match self.method {
            MethodChoice::Exact => true,
            MethodChoice::MatrixFree => false,
            MethodChoice::Auto => eigenvalues::is_quick(&question),
        };
        let closed_form = match (given, law.gaussian()) {
            (false, Some(noise)) if exact => {
                progress.begin("metric for Gaussian inputs");
                eigenvalues::closed_form(&question, &noise)
            }
            _ => None,
        };
        let metric = match closed_form {
            Some(metric) => metric,
            None if exact => {
                progress.begin("metric and its eigenvalues");
                eigenvalues::all(&question, &degeneracy)?
            }
            None => matrix_free::estimate(&question)?,
        };
        progress.begin("layer by layer");
        let layers = layers::of(&question)?;
        let unseen = given.then(|| unseen::directions(&question)).transpose()?;
        drop(progress);

        let inspection = Inspection {
            network: net.architecture(),
            likelihood: law,
            data: DataSummary {
                source: inputs.source.clone(),
                examples: inputs.len(),
                standard_normal: !given,
            },
            degeneracy,
            unseen,
            metric,
            layers,
            plot: self.plot.as_ref().map(|p| p.display().to_string()),
        };
        if let Some(path) = &self.plot {
            neuromanifold_io::atomic::write(path, plot::spectrum(&inspection))?;
        }
        output.show("inspect", &inspection)?;
        Ok(Exit::Success)
    }
}
