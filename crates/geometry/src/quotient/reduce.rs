use super::canonical::is_odd;
use super::layers::Layers;
use super::ray::{Rays, largest};
use super::{CanonicalForm, Difference, Probe, QuotientError, Shallow, Tolerance, Unit};
use neuromanifold_mlp::{Activation, Mlp};

/// A smaller network that computes the same function.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reduction {
    /// The architecture.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::notation::as_text"))]
    pub net: Mlp,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// Hidden units before and after, layer by layer.
    pub widths: Vec<(usize, usize)>,
    /// What the tolerance was used for, at most, as in [`CanonicalForm::rounded`]; 0 if all equalities were exact.
    pub rounded: f64,
    /// The tolerance.
    pub tolerance: Tolerance,
    /// How far the two are apart on the probe: rounding, unless the tolerance was used.
    pub difference: Difference,
}

impl Reduction {
    /// Hidden units that were saved.
    #[must_use]
    pub fn saved(&self) -> usize {
        self.widths
            .iter()
            .map(|(before, after)| before - after)
            .sum()
    }
}

/// The smallest network that computes exactly the same function, for one hidden layer; for a deep one, what can be saved
/// layer by layer.
///
/// Constant units are folded into the biases behind them (added if absent), units on one ray are merged, units without
/// effect are dropped. With one hidden layer of tanh, erf or logistic units the result has as few units as any equivalent
/// network. For relu and softplus, where opposite rays differ by an affine function, `φ(u) − φ(−u) = u`, the better of two rewritings is
/// taken: units merged in each orientation, or all turned to one, with the affine part that this leaves written as up to two units a
/// dimension. With `R` rays that do not cancel, the first has at most `2R` units and the second `R` and those of the affine part, so the
/// result is smallest wherever it has `R`. It need not be otherwise: which choice of orientations leaves no affine part,
/// `Σ ± v_j (w_j, b_j) = …`, is a subset-sum problem, and is not searched. Deep networks are gone through from the input until nothing
/// changes: each step is exact, but no theorem says that nothing else could be saved.
///
/// # Errors
/// As [`Shallow::new`], except for depth and output activation; those of the [`Probe`].
///
/// ```
/// use neuromanifold_geometry::quotient::{reduce, Probe, Tolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// let net = Mlp::new(&[1, 3, 1], Activation::Tanh)?;
/// let theta = [2.0, -2.0, 0.0, 0.5, -0.5, 1.0, 1.0, 3.0, 5.0, 0.0]; // two opposite units, one constant
/// let inputs = [-1.0, 0.0, 1.0, 2.0];
/// let probe = Probe {
///     inputs: neuromanifold_geometry::faer::MatRef::from_column_major_slice(&inputs, 1, 4),
///     likelihood: &Gaussian::UNIT,
/// };
/// let reduction = reduce(&net, &theta, &probe, Tolerance::EXACT)?;
/// assert_eq!(reduction.widths, [(3, 1)]);
/// assert!(reduction.difference.largest < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reduce(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    tolerance: Tolerance,
) -> Result<Reduction, QuotientError> {
    let mut layers = Layers::new(net, theta)?;
    let before: Vec<usize> = (0..layers.hidden()).map(|l| layers.width(l)).collect();
    let mut rounded: f64 = 0.0;
    loop {
        let total = |layers: &Layers| (0..layers.hidden()).map(|l| layers.width(l)).sum::<usize>();
        let units = total(&layers);
        for layer in 0..layers.hidden() {
            let (smaller, moved) = reduce_slice(&layers.slice(layer), tolerance);
            rounded = rounded.max(moved);
            layers.replace(layer, &smaller);
        }
        if total(&layers) == units {
            break;
        }
    }
    let widths = before
        .iter()
        .enumerate()
        .map(|(l, before)| (*before, layers.width(l)))
        .collect();
    let (small, small_theta) = layers.network()?;
    let difference = probe.difference((net, theta), (&small, &small_theta))?;
    Ok(Reduction {
        net: small,
        theta: small_theta,
        widths,
        rounded,
        tolerance,
        difference,
    })
}

/// The smaller of two exact rewritings of one hidden layer, and what the tolerance moved.
fn reduce_slice(slice: &Shallow, tolerance: Tolerance) -> (Shallow, f64) {
    let form = CanonicalForm::of_shallow(slice, tolerance);
    let canonical = form.shallow();
    let merged = merge(slice, tolerance);
    let best = if canonical.units.len() <= merged.units.len() {
        canonical
    } else {
        merged
    };
    if best.units.len() < slice.units.len() {
        (best, form.rounded())
    } else {
        (slice.clone(), 0.0) // nothing to save: keep the weights as they are
    }
}

/// Merges units ray by ray and orientation by orientation, so that no affine part is split off, and folds constants.
fn merge(slice: &Shallow, tolerance: Tolerance) -> Shallow {
    let mut merged = slice.clone();
    merged.units.clear();
    let rays = Rays::of(slice, tolerance);
    for unit in rays.constants.iter().map(|u| &slice.units[*u]) {
        let value = slice.value(unit.bias);
        for (c, v) in merged.constant.iter_mut().zip(&unit.outgoing) {
            *c += v * value;
        }
    }
    merged
        .units
        .extend(rays.linear.iter().map(|u| slice.units[*u].clone()));
    for ray in &rays.rays {
        let splits = slice.splits_affine_part();
        for orientation in [1.0, -1.0] {
            // odd units all go to the positive orientation
            let own = |sign: f64| !splits || sign * orientation > 0.0;
            let members: Vec<_> = ray.members.iter().filter(|m| own(m.sign)).collect();
            if members.is_empty() || (!splits && orientation < 0.0) {
                continue;
            }
            let mut outgoing = vec![0.0; merged.constant.len()];
            let mut size: f64 = 0.0;
            for member in members {
                let v = &slice.units[member.unit].outgoing;
                size = size.max(member.scale * largest(v));
                let turned = !splits && member.sign < 0.0;
                for (k, v) in v.iter().enumerate() {
                    let weight = if turned && is_odd(slice.activation) {
                        -1.0
                    } else {
                        1.0
                    };
                    outgoing[k] += weight * member.scale * v;
                    if turned && slice.activation == Activation::Logistic {
                        merged.constant[k] += v;
                    }
                }
            }
            if !tolerance.vanishes(&outgoing, size, ray.reach(slice.activation)) {
                let turn = if splits { orientation } else { 1.0 };
                let (incoming, bias) = ray.direction.split_at(slice.inputs);
                merged.units.push(Unit {
                    incoming: incoming.iter().map(|w| turn * w).collect(),
                    bias: turn * bias[0],
                    outgoing,
                });
            }
        }
    }
    merged.output_bias = slice.output_bias || merged.constant.iter().any(|c| c.abs() > 0.0);
    merged
}
