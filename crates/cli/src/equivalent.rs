use crate::data::{DataOptions, Inputs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::law::{Law, LawOptions};
use crate::network::{Architecture, Loaded, NetworkOptions, ToleranceOption};
use crate::output::{Output, Report};
use crate::page::{GOOD, NOTABLE, line, number, remark};
use clap::Args;
use neuromanifold_geometry::faer::MatRef;
use neuromanifold_geometry::quotient::{
    Equivalence, Symmetry, Witness, equivalent, equivalent_laws,
};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuromanifold equivalent net.safetensors small.safetensors --activation tanh
  neuromanifold equivalent a.safetensors b.safetensors --likelihood gaussian && echo same law

With one hidden layer this is decided from the weights, for all inputs. Deeper networks are compared on --data, or on
standard normal inputs: a difference is proof, and where there is none the answer is that it cannot be decided (status 4).";

/// Decide whether two networks are the same function, with the symmetry that shows it or an input that refutes it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Equivalent {
    /// One network, a safetensors file.
    #[arg(value_name = "A")]
    one: PathBuf,

    /// The other.
    #[arg(value_name = "B")]
    other: PathBuf,

    #[command(flatten)]
    options: NetworkOptions,

    #[command(flatten)]
    tolerance: ToleranceOption,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    law: LawOptions,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Comparison {
    one: Architecture,
    other: Architecture,
    /// Whether laws p(y|x) were compared (with --likelihood), or functions.
    law: Option<Law>,
    tolerance: f64,
    equivalent: bool,
    /// `weights`: decided for all inputs; `inputs`: refuted by one of those tried.
    decided_by: &'static str,
    /// An element of the symmetry group that takes the first to the second, where there is one.
    symmetry: Option<Symmetry>,
    /// An input where they differ.
    witness: Option<Witness>,
}

impl Equivalent {
    /// Compares, and shows what was found.
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        // --layers is about the network with these widths; two networks may have different ones
        let one = self.options.read(&self.one)?;
        let other = self.options.read(&self.other)?;
        let tolerance = (
            one.tolerance(self.tolerance)?,
            other.tolerance(self.tolerance)?,
        );
        let tolerance = if tolerance.0.relative() < tolerance.1.relative() {
            tolerance.1
        } else {
            tolerance.0
        };
        let law = (self.law.likelihood.is_some())
            .then(|| one.law(&self.law))
            .transpose()?;
        let data = self.data.read(&self.one, one.mlp().inputs())?;
        let decidable = [&one, &other].iter().all(|net| is_decidable(net));
        let (found, decided_by) = if decidable {
            let found = match &law {
                Some(law) => equivalent_laws(
                    one.pair(),
                    other.pair(),
                    law.likelihood().as_ref(),
                    tolerance,
                )?,
                None => equivalent(one.pair(), other.pair(), tolerance)?,
            };
            (found, "weights")
        } else {
            (
                by_evaluation(&one, &other, data, law, tolerance.relative())?,
                "inputs",
            )
        };
        let holds = found.holds();
        let (symmetry, witness) = match found {
            Equivalence::Equal { symmetry } => (symmetry, None),
            Equivalence::Different { witness } => (None, Some(witness)),
            _ => (None, None),
        };
        let comparison = Comparison {
            one: one.architecture(),
            other: other.architecture(),
            law,
            tolerance: tolerance.relative(),
            equivalent: holds,
            decided_by,
            symmetry,
            witness,
        };
        output.show("equivalent", &comparison)?;
        Ok(if holds { Exit::Success } else { Exit::No })
    }
}

fn is_decidable(net: &Loaded) -> bool {
    let layers = net.mlp().layers();
    let linear = layers
        .last()
        .is_some_and(|l| l.activation() == neuromanifold_mlp::Activation::Identity);
    layers.len() <= 2 && linear
}

/// Looks for an input where they differ by more than the tolerance; that is all one can do for deep networks.
fn by_evaluation(
    one: &Loaded,
    other: &Loaded,
    data: Option<Inputs>,
    law: Option<Law>,
    tolerance: f64,
) -> Result<Equivalence, Failure> {
    if one.mlp() == other.mlp() && one.theta() == other.theta() {
        return Ok(Equivalence::Equal { symmetry: None });
    }
    let inputs = data.unwrap_or_else(|| Inputs::drawn(one.mlp().inputs(), 1));
    let (z, w) = (
        one.mlp().predict(one.theta(), inputs.matrix())?,
        other.mlp().predict(other.theta(), inputs.matrix())?,
    );
    if z.nrows() != w.nrows() {
        return Err(neuromanifold_geometry::quotient::QuotientError::Signature {
            one: (one.mlp().inputs(), z.nrows()),
            other: (other.mlp().inputs(), w.nrows()),
        }
        .into());
    }
    let (mut worst, mut largest, mut size) = (0, 0.0, 1.0_f64);
    for s in 0..inputs.len() {
        for k in 0..z.nrows() {
            size = size.max(z[(k, s)].abs());
            let difference = (z[(k, s)] - w[(k, s)]).abs();
            if difference > largest {
                (worst, largest) = (s, difference);
            }
        }
    }
    let column = |matrix: MatRef<'_, f64>| matrix.col(worst).iter().copied().collect::<Vec<f64>>();
    let (input, first, second) = (
        column(inputs.matrix()),
        column(z.as_ref()),
        column(w.as_ref()),
    );
    let divergence = law.map(|law| law.likelihood().divergence(&first, &second));
    // rounding grows with depth, the tolerance is one of weights: ten times that in outputs is beyond doubt
    let decided = match divergence {
        Some(nats) => nats > tolerance,
        None => largest > 10.0 * tolerance * size,
    };
    if !decided {
        return Err(Failure::Undecided {
            largest,
            examples: inputs.len(),
            hidden_layers: one.mlp().layers().len() - 1,
        });
    }
    Ok(Equivalence::Different {
        witness: Witness {
            input,
            one: first,
            other: second,
            difference: largest,
            divergence,
        },
    })
}

impl Report for Comparison {
    fn write(&self, page: &mut dyn Write) -> io::Result<()> {
        for (label, net) in [("one", &self.one), ("other", &self.other)] {
            line(page, label, format!("{}: {net}", net.file))?;
        }
        let what = if self.law.is_some() {
            "law"
        } else {
            "function"
        };
        if self.equivalent {
            line(
                page,
                "answer",
                format!("{GOOD}the same {what}{GOOD:#}, for all inputs"),
            )?;
        } else {
            line(
                page,
                "answer",
                format!("{NOTABLE}not the same {what}{NOTABLE:#}"),
            )?;
        }
        match (&self.symmetry, &self.witness) {
            (Some(symmetry), _) => element(symmetry, page)?,
            (_, Some(witness)) => {
                line(page, "at the input", list(&witness.input))?;
                line(page, "outputs of one", list(&witness.one))?;
                line(page, "outputs of the other", list(&witness.other))?;
                line(page, "difference", number(witness.difference))?;
                if let Some(nats) = witness.divergence {
                    line(page, "divergence", format!("{} nats", number(nats)))?;
                }
            }
            _ if self.equivalent => {
                remark(
                    page,
                    "no symmetry takes one to the other: their widths differ, or units can be merged or removed",
                )?;
            }
            _ => {}
        }
        remark(
            page,
            format!(
                "weights within {:e} of max(1, |w|) count as equal",
                self.tolerance
            ),
        )
    }
}

/// What the symmetry does, layer by layer: a unit that stays where it is, as it is, is not named.
fn element(symmetry: &Symmetry, page: &mut dyn Write) -> io::Result<()> {
    for (index, layer) in symmetry.layers.iter().enumerate() {
        let mut moves = Vec::new();
        let pairs = layer.permutation.iter().zip(&layer.factors).enumerate();
        for (to, (from, factor)) in pairs {
            let same = (factor - 1.0).abs() <= 0.0;
            if to == *from && same {
                continue;
            }
            let how = if same {
                String::new()
            } else if (factor + 1.0).abs() <= 0.0 {
                ", flipped".to_owned()
            } else {
                format!(" × {}", number(*factor))
            };
            moves.push(format!("{from}→{to}{how}"));
        }
        let label = format!("hidden layer {index}");
        if moves.is_empty() {
            line(page, &label, "every unit as it is")?;
            continue;
        }
        let shown: Vec<String> = moves.iter().take(16).cloned().collect();
        let more = moves.len() - shown.len();
        let rest = if more > 0 {
            format!("; {more} more")
        } else {
            String::new()
        };
        line(page, &label, format!("{}{rest}", shown.join("; ")))?;
    }
    if symmetry.gauge.is_some() {
        line(page, "outputs", "all logits shifted alike")?;
    }
    Ok(())
}

fn list(values: &[f64]) -> String {
    let shown: Vec<String> = values.iter().take(8).map(|v| number(*v)).collect();
    if values.len() > 8 {
        format!(
            "{}, … ({} in all; --json has them)",
            shown.join(", "),
            values.len()
        )
    } else {
        shown.join(", ")
    }
}
