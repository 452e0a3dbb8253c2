//! Writing a smaller network and measuring what it is apart from the original, after its numbers were rounded to the file's.

use crate::data::{DataOptions, Inputs};
use crate::failure::Failure;
use crate::law::{Law, LawName, Origin};
use crate::network::{Architecture, Loaded};
use crate::page::{line, number};
use crate::place;
use clap::Args;
use neuromanifold_geometry::quotient::{Difference, Probe};
use neuromanifold_io::{LikelihoodKind, Network, ReadOptions};
use neuromanifold_mlp::Mlp;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The arguments that say where to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Result")]
pub(crate) struct Destination {
    /// Where to write the network, a safetensors file that PyTorch loads, in the precision of NET.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Allow OUT to be NET itself, which is then replaced.
    #[arg(long)]
    force: bool,
}

/// What was written, and how far it is from the original.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    pub(crate) network: Architecture,
    /// Hidden units before and after, layer by layer.
    pub(crate) widths: Vec<(usize, usize)>,
    /// The difference as the file has it, all roundings included.
    pub(crate) difference: Measure,
    /// What the rounding to the precision of the file alone has changed.
    pub(crate) rounding: Measure,
}

/// How far two networks are apart on the inputs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Measure {
    /// The largest difference of an output.
    pub(crate) largest: f64,
    /// √(mean over examples of Σ over outputs of the squared difference).
    pub(crate) root_mean_square: f64,
    /// The mean divergence in nats.
    pub(crate) nats: f64,
}

impl From<Difference> for Measure {
    fn from(difference: Difference) -> Self {
        Self {
            largest: difference.largest,
            root_mean_square: difference.root_mean_square,
            nats: difference.divergence,
        }
    }
}

impl Destination {
    /// Passes unless the result would replace the data, or the input unasked. To be called before anything long.
    pub(crate) fn check(&self, input: &Path, data: &DataOptions) -> Result<(), Failure> {
        if place::same(&self.output, input) && !self.force {
            return Err(Failure::Overwrite {
                path: self.output.clone(),
            });
        }
        place::apart([&*self.output], data.data.as_deref())
    }

    /// Writes, reads back what was written, and measures that.
    pub(crate) fn write(
        &self,
        original: &Loaded,
        (mlp, theta): (&Mlp, &[f64]),
        law: Law,
        inputs: &Inputs,
    ) -> Result<Written, Failure> {
        let mut network = original
            .network
            .with_parameters(mlp.clone(), theta.to_vec())?;
        if law.origin == Origin::Arguments {
            network.likelihood = Some(kind(law));
        }
        let bytes = network.to_bytes()?;
        let stored = Network::from_bytes(&bytes, &self.output, &ReadOptions::new())?;
        let likelihood = law.likelihood();
        let probe = Probe {
            inputs: inputs.matrix(),
            likelihood: likelihood.as_ref(),
        };
        let as_stored = (&stored.mlp, &stored.theta[..]);
        let difference = probe.difference(original.pair(), as_stored)?.into();
        let rounding = probe.difference((mlp, theta), as_stored)?.into();
        neuromanifold_io::atomic::write(&self.output, bytes)?;
        let hidden = |mlp: &Mlp| -> Vec<usize> {
            let layers = mlp.layers();
            layers[..layers.len() - 1]
                .iter()
                .map(|l| l.outputs())
                .collect()
        };
        let (before, after) = (hidden(original.mlp()), hidden(mlp));
        Ok(Written {
            network: Architecture::of(&self.output, mlp, stored.precision),
            // a layer of which nothing is left is gone
            widths: (before.into_iter().enumerate())
                .map(|(layer, units)| (units, after.get(layer).copied().unwrap_or(0)))
                .collect(),
            difference,
            rounding,
        })
    }
}

fn kind(law: Law) -> LikelihoodKind {
    match (law.name, law.gaussian()) {
        (LawName::Bernoulli, _) => LikelihoodKind::Bernoulli,
        (LawName::Categorical, _) => LikelihoodKind::Categorical,
        (LawName::Gaussian, noise) => {
            LikelihoodKind::Gaussian(noise.unwrap_or(neuromanifold_model::Gaussian::UNIT))
        }
    }
}

impl Written {
    /// The lines that all commands that write a network have.
    pub(crate) fn lines(&self, page: &mut dyn Write, inputs: &str) -> io::Result<()> {
        line(
            page,
            "written",
            format!("{}: {}", self.network.file, self.network),
        )?;
        let widths: Vec<String> = (self.widths.iter())
            .map(|(before, after)| format!("{before} → {after}"))
            .collect();
        line(page, "hidden units", widths.join(", "))?;
        line(page, "measured on", inputs)?;
        line(page, "largest difference", number(self.difference.largest))?;
        line(
            page,
            "divergence",
            format!("{} nats", number(self.difference.nats)),
        )?;
        if self.rounding.largest > 0.0 {
            let label = format!("by rounding to {}", self.network.precision);
            line(page, &label, number(self.rounding.largest))?;
        }
        Ok(())
    }
}
