//! Null directions by their causes and strata nearby: for one hidden layer from the network as it is, for a deep one from each
//! hidden layer with the affine map behind it, as a network of its own.

use super::report::{CauseSummary, DegeneracySummary, Near, UnitSummary};
use crate::data::Inputs;
use crate::failure::Failure;
use crate::page;
use neuromanifold_geometry::faer::{Mat, MatRef};
use neuromanifold_geometry::quotient::{
    AnalyticNullSpace, Cause, CriticalSubspace, Probe, Stratum, Tolerance, nearest_subspaces,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, Likelihood};

/// Multiplications that measuring the distances of all units in nats may take.
const WORK: usize = 4_000_000_000;

/// Finds the causes, and for each unit the nearest strata.
pub(crate) fn find(
    (net, theta): (&Mlp, &[f64]),
    inputs: &Inputs,
    likelihood: &dyn Likelihood,
    tolerance: Tolerance,
) -> Result<DegeneracySummary, Failure> {
    let hidden = net.layers().len() - 1;
    let widest = (net.layers().iter()).fold(1, |m, l| m.max(l.inputs() + l.outputs()));
    let units: usize = net.layers()[..hidden].iter().map(|l| l.outputs()).sum();
    let per_stratum = if hidden == 1 {
        4 * widest
    } else {
        net.parameters()
    };
    let inputs = inputs.at_most((WORK / (3 * units.max(1) * per_stratum)).max(50));
    let probe = Probe {
        inputs: inputs.matrix(),
        likelihood,
    };
    let mut summary = DegeneracySummary {
        tolerance: tolerance.relative(),
        nullity: 0,
        complete: hidden <= 1,
        causes: Vec::new(),
        units: Vec::new(),
        examples: inputs.len(),
        gauge: 0,
    };
    if hidden == 0 {
        let null = AnalyticNullSpace::of_likelihood(net, theta, likelihood, tolerance)?;
        summary.nullity = null.nullity();
        summary.add(0, &null, Vec::new());
        return Ok(summary);
    }
    // directions of layers l and l + 1, and of l + 2 and l + 3, have no parameter in common
    let mut alternate = [0, 0];
    for layer in 0..hidden {
        let slice = Slice::new(net, layer)?;
        let own = &theta[slice.parameters.clone()];
        let last = layer + 1 == hidden && is_linear(net);
        let law: &dyn Likelihood = if last { likelihood } else { &Gaussian::UNIT };
        let null = AnalyticNullSpace::of_likelihood(&slice.net, own, law, tolerance)?;
        alternate[layer % 2] += null.nullity();
        let strata = if hidden == 1 && last {
            nearest_subspaces(net, theta, &probe)?
        } else {
            slice.nearest((net, theta), &probe, layer)?
        };
        summary.add(layer, &null, strata);
    }
    summary.nullity = alternate[0].max(alternate[1]);
    Ok(summary)
}

fn is_linear(net: &Mlp) -> bool {
    (net.layers().last()).is_some_and(|layer| layer.activation() == Activation::Identity)
}

/// A hidden layer and the affine map behind it.
struct Slice {
    net: Mlp,
    parameters: std::ops::Range<usize>,
}

impl Slice {
    fn new(net: &Mlp, layer: usize) -> Result<Self, Failure> {
        let (hidden, behind) = (&net.layers()[layer], &net.layers()[layer + 1]);
        let mut builder =
            Mlp::builder(hidden.inputs()).layer(hidden.outputs(), hidden.activation());
        if !hidden.has_bias() {
            builder = builder.without_bias();
        }
        builder = builder.layer(behind.outputs(), Activation::Identity);
        if !behind.has_bias() {
            builder = builder.without_bias();
        }
        Ok(Self {
            net: builder.build()?,
            parameters: hidden.parameters().start..behind.parameters().end,
        })
    }

    /// The nearest strata of each unit of the layer, with distances in nats measured at the outputs of the whole network.
    fn nearest(
        &self,
        (net, theta): (&Mlp, &[f64]),
        probe: &Probe<'_>,
        layer: usize,
    ) -> Result<Vec<Vec<CriticalSubspace>>, Failure> {
        let signals = signals(net, theta, layer, probe.inputs)?;
        let own = &theta[self.parameters.clone()];
        let inner = Probe {
            inputs: signals.as_ref(),
            likelihood: &Gaussian::UNIT,
        };
        let mut strata = nearest_subspaces(&self.net, own, &inner)?;
        let mut moved = theta.to_vec();
        for subspace in strata.iter_mut().flatten() {
            for (parameter, value) in &subspace.nearest {
                moved[self.parameters.start + parameter] = *value;
            }
            let difference = probe.difference((net, theta), (net, &moved))?;
            subspace.divergence = difference.divergence;
            for (parameter, _) in &subspace.nearest {
                let place = self.parameters.start + parameter;
                moved[place] = theta[place];
            }
        }
        Ok(strata)
    }
}

/// What goes into a layer.
fn signals(
    net: &Mlp,
    theta: &[f64],
    layer: usize,
    inputs: MatRef<'_, f64>,
) -> Result<Mat<f64>, Failure> {
    if layer == 0 {
        return Ok(inputs.to_owned());
    }
    let before = &net.layers()[..layer];
    let front = before.iter().fold(Mlp::builder(net.inputs()), |b, l| {
        let b = b.layer(l.outputs(), l.activation());
        if l.has_bias() { b } else { b.without_bias() }
    });
    let end = before[layer - 1].parameters().end;
    Ok(front.build()?.predict(&theta[..end], inputs)?)
}

impl DegeneracySummary {
    fn add(&mut self, layer: usize, null: &AnalyticNullSpace, strata: Vec<Vec<CriticalSubspace>>) {
        let causes = null.causes();
        let mut units: Vec<UnitSummary> = (strata.into_iter().enumerate())
            .map(|(unit, around)| UnitSummary {
                layer,
                unit,
                null_directions: 0,
                causes: Vec::new(),
                nearest: (around.iter())
                    .min_by(|a, b| {
                        (a.divergence.total_cmp(&b.divergence))
                            .then(a.distance.total_cmp(&b.distance))
                    })
                    .map(Near::of),
            })
            .collect();
        for (cause, directions) in causes {
            let index = self.causes.len();
            for unit in cause.units() {
                if let Some(unit) = units.get_mut(*unit) {
                    unit.causes.push(index);
                    unit.null_directions += directions;
                }
            }
            if matches!(cause, Cause::Gauge { .. }) {
                self.gauge += directions;
            }
            self.causes.push(CauseSummary {
                layer,
                cause: match cause {
                    Cause::Elimination { .. } => "elimination",
                    Cause::Constant { .. } => "constant",
                    Cause::Overlap { .. } => "overlap",
                    Cause::Scaling { .. } => "scaling",
                    Cause::Affine { .. } => "affine",
                    Cause::Gauge { .. } => "gauge",
                    _ => "other",
                },
                units: cause.units().to_vec(),
                null_directions: directions,
                text: cause.to_string(),
            });
        }
        self.units.extend(units);
    }
}

impl Near {
    fn of(subspace: &CriticalSubspace) -> Self {
        let (stratum, units, text) = match &subspace.stratum {
            Stratum::Elimination { unit } => ("elimination", vec![*unit], "without it".to_owned()),
            Stratum::Constant { unit } => ("constant", vec![*unit], "constant".to_owned()),
            Stratum::Overlap { units, signs } => {
                let mirrored = signs.iter().any(|sign| *sign < 0.0);
                let how = if mirrored { "mirrored " } else { "" };
                (
                    "overlap",
                    units.clone(),
                    format!("{how}overlap of {}", page::units(units)),
                )
            }
            Stratum::OppositeRays { units, opposite } => {
                let text = format!(
                    "{} opposite to {}",
                    page::units(units),
                    page::units(opposite)
                );
                ("opposite_rays", [&units[..], opposite].concat(), text)
            }
            Stratum::Scaling { unit } => ("scaling", vec![*unit], "rescaled".to_owned()),
            other => ("other", Vec::new(), other.to_string()),
        };
        Self {
            stratum,
            units,
            distance: subspace.distance,
            nats: subspace.divergence,
            text,
        }
    }
}
