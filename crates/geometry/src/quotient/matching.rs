use super::closeness::Closeness;
use super::ray::largest;
use super::reflection::{Reflection, is_homogeneous, outgoing_divisor};
use super::{Gauge, LayerSymmetry, Shallow, Symmetry, SymmetryGroup, Tolerance, gauge};
use neuromanifold_mlp::Mlp;

/// Looks for a symmetry between two points of one network that are known to compute the same, unit by unit.
pub(crate) struct Matching<'a> {
    pub(crate) from: &'a Shallow,
    pub(crate) to: &'a Shallow,
    /// Whether a common shift of the outputs does not matter.
    pub(crate) gauge: bool,
    pub(crate) closeness: Closeness,
}

/// What is compared of a unit.
struct Sides {
    /// `(w, b)`.
    ray: Vec<f64>,
    /// `v`, relative to the last output if there is a gauge.
    outgoing: Vec<f64>,
    /// The largest entry of `(w, b)`.
    ray_size: f64,
    /// The largest entry of `v`, as it is and relative to the last output.
    size: f64,
    outgoing_size: f64,
}

impl Matching<'_> {
    /// An element that takes one parameter point to the other. What is returned has been applied, and hit its target.
    pub(crate) fn symmetry(
        &self,
        one: (&Mlp, &[f64]),
        other: (&Mlp, &[f64]),
        tolerance: Tolerance,
    ) -> Option<Symmetry> {
        if one.0 != other.0 {
            return None;
        }
        let group = SymmetryGroup {
            gauge: self.gauge,
            ..SymmetryGroup::of(one.0).within(tolerance)
        };
        let layers = if group.hidden_layers() == 0 {
            Vec::new()
        } else {
            vec![self.layer()?]
        };
        let mut symmetry = Symmetry::of_layers(layers);
        let before = group.apply(&symmetry, one.1).ok()?;
        if self.gauge {
            symmetry.gauge = Some(shift(one.0, &before, other.1));
        }
        let image = group.apply(&symmetry, one.1).ok()?;
        self.hits(one.0, [&before, &image, other.1])
            .then_some(symmetry)
    }

    /// Every unit of the target takes the first free unit that fits; one that fits without a flip if there is one, so that as
    /// few flips as possible have to cancel. Which of several equal units it takes makes no difference to what is left.
    fn layer(&self) -> Option<LayerSymmetry> {
        let (from, to) = (self.sides(self.from), self.sides(self.to));
        let mut free = vec![true; from.len()];
        let (mut permutation, mut factors) = (Vec::new(), Vec::new());
        for target in &to {
            let (unit, factor) = [1.0, -1.0].into_iter().find_map(|sign| {
                (0..from.len())
                    .filter(|unit| free[*unit])
                    .find_map(|unit| Some((unit, self.factor(&from[unit], target, sign)?)))
            })?;
            free[unit] = false;
            permutation.push(unit);
            factors.push(factor);
        }
        Some(LayerSymmetry {
            permutation,
            factors,
        })
    }

    fn sides(&self, shallow: &Shallow) -> Vec<Sides> {
        let sides = shallow.units.iter().map(|unit| {
            let mut outgoing = unit.outgoing.clone();
            if self.gauge {
                gauge::refer_to_last(&mut outgoing);
            }
            let ray = unit.ray();
            Sides {
                ray_size: largest(&ray),
                size: largest(&unit.outgoing),
                outgoing_size: largest(&outgoing),
                ray,
                outgoing,
            }
        });
        sides.collect()
    }

    /// The factor of the given sign with `s (w, b) = (w', b')` and the outgoing weights to match, if the activation allows one.
    fn factor(&self, unit: &Sides, target: &Sides, sign: f64) -> Option<f64> {
        let activation = self.from.activation;
        if sign < 0.0 && Reflection::of(activation) == Reflection::Absent {
            return None;
        }
        // a unit with (w, b) = 0 shows its factor in the outgoing weights only
        let ratios = [
            target.ray_size / unit.ray_size,
            unit.outgoing_size / target.outgoing_size,
        ];
        let ratio = (ratios.into_iter())
            .find(|r| r.is_finite() && *r > 0.0)
            .filter(|_| is_homogeneous(activation));
        let mut sizes = std::iter::once(1.0).chain(ratio);
        sizes.find_map(|size| {
            let factor = sign * size;
            let divisor = outgoing_divisor(activation, factor);
            let ray = self.closeness.of_ray(target.ray_size);
            let outgoing = target.size.max(unit.size / divisor.abs());
            let fits = near(&unit.ray, &target.ray, factor, ray)
                && near(
                    &unit.outgoing,
                    &target.outgoing,
                    1.0 / divisor,
                    self.closeness.of_sum(outgoing),
                );
            fits.then_some(factor)
        })
    }

    /// Whether the image, with what it was before the shift, is the target.
    fn hits(&self, net: &Mlp, [before, image, target]: [&[f64]; 3]) -> bool {
        let output = &net.layers()[net.layers().len() - 1];
        let size = |p: usize| before[p].abs().max(image[p].abs()).max(target[p].abs());
        // (w, b) of a unit is one vector, and was compared as such when the unit was matched
        let incoming = net.layers()[..net.layers().len() - 1].iter().all(|layer| {
            (0..layer.outputs()).all(|unit| {
                let bias = layer.bias().map(|bias| bias.start + unit);
                let entries = || layer.incoming(unit).chain(bias);
                let allowed = self
                    .closeness
                    .of_ray(entries().map(size).fold(0.0, f64::max));
                entries().all(|p| (image[p] - target[p]).abs() <= allowed)
            })
        });
        let outgoing = (0..output.inputs()).all(|unit| {
            let entries = || (0..output.outputs()).map(|k| output.incoming(k).start + unit);
            // a shift is a mean over the outputs, and rounds like the largest of them
            let shifted = if self.gauge {
                entries().map(size).fold(0.0, f64::max)
            } else {
                0.0
            };
            let allowed = |p: usize| self.closeness.of_sum(size(p).max(shifted));
            entries().all(|p| (image[p] - target[p]).abs() <= allowed(p))
        });
        // what passed through the constants: with a gauge the mean over all outputs did
        let passed = self.from.units.iter();
        let passed = passed.map(|unit| largest(&unit.outgoing) * unit.bias.abs().max(1.0));
        let passed = passed.sum::<f64>() + largest(&self.from.constant);
        let bias = || output.bias().into_iter().flatten();
        let shifted = if self.gauge {
            bias().map(size).fold(0.0, f64::max)
        } else {
            0.0
        };
        let allowed = |p: usize| self.closeness.of_sum(size(p).max(shifted) + passed);
        incoming && outgoing && bias().all(|p| (image[p] - target[p]).abs() <= allowed(p))
    }
}

/// The shift that takes the outgoing weights of one point to those of another that differs by a shift: the mean over the outputs.
fn shift(net: &Mlp, from: &[f64], to: &[f64]) -> Gauge {
    let output = &net.layers()[net.layers().len() - 1];
    let outputs = output.outputs();
    let mean = |parameters: &mut dyn Iterator<Item = usize>| {
        parameters.map(|p| to[p] - from[p]).sum::<f64>() / outputs as f64
    };
    let weights = (0..output.inputs())
        .map(|unit| mean(&mut (0..outputs).map(|k| output.incoming(k).start + unit)));
    Gauge {
        weights: weights.collect(),
        bias: output.bias().map_or(0.0, |mut bias| mean(&mut bias)),
    }
}

/// `factor · a = b`, entry by entry.
fn near(a: &[f64], b: &[f64], factor: f64, allowed: f64) -> bool {
    let mut pairs = a.iter().zip(b);
    pairs.all(|(a, b)| (factor * a - b).abs() <= allowed)
}
