use super::canonical::is_odd;
use super::equivalence::Closeness;
use super::ray::largest;
use super::{LayerSymmetry, Shallow, Symmetry, SymmetryGroup, Unit};
use neuromanifold_mlp::{Activation, Mlp};

/// An element of the symmetry group that takes one parameter point to another of the same network, if unit-by-unit matching
/// finds one. What is returned has been applied, and hit its target.
pub(crate) fn symmetry_between(
    one: (&Mlp, &[f64]),
    other: (&Mlp, &[f64]),
    shallow: (&Shallow, &Shallow),
    closeness: Closeness,
) -> Option<Symmetry> {
    let (from, to) = shallow;
    if one.0 != other.0 || from.units.is_empty() || one.0.layers().len() < 2 {
        return None;
    }
    let mut free = vec![true; from.units.len()];
    let (mut permutation, mut factors) = (Vec::new(), Vec::new());
    for target in &to.units {
        let candidate = |unit: usize| {
            let factor = factor_between(from, &from.units[unit], target, closeness)?;
            free[unit].then_some((unit, factor))
        };
        let (unit, factor) = (0..from.units.len()).find_map(candidate)?;
        free[unit] = false;
        permutation.push(unit);
        factors.push(factor);
    }
    let layer = LayerSymmetry {
        permutation,
        factors,
    };
    let symmetry = Symmetry {
        layers: vec![layer],
    };
    let image = SymmetryGroup::of(one.0).apply(&symmetry, one.1).ok()?;
    let image = Shallow::new(one.0, &image).ok()?;
    let hit = image.units.iter().zip(&to.units).all(|(unit, target)| {
        near(&unit.ray(), &target.ray(), 1.0, closeness)
            && near(&unit.outgoing, &target.outgoing, 1.0, closeness)
    });
    let constants = image.constant.iter().zip(&to.constant).enumerate();
    let constants = constants.map(|(k, (a, b))| {
        let passed: f64 = from.units.iter().map(|unit| unit.outgoing[k].abs()).sum();
        (a - b).abs() <= closeness.of_sum(from.constant[k].abs() + passed)
    });
    (hit && constants.into_iter().all(|near| near)).then_some(symmetry)
}

/// The factor `s` with `s (w, b) = (w', b')` and the outgoing weights to match, if the activation allows one.
fn factor_between(
    network: &Shallow,
    unit: &Unit,
    target: &Unit,
    closeness: Closeness,
) -> Option<f64> {
    let activation = network.activation;
    let (from, to) = (unit.ray(), target.ray());
    // a unit with (w, b) = 0 shows its factor in the outgoing weights only
    let ratio = || {
        let incoming = largest(&to) / largest(&from);
        let outgoing = largest(&unit.outgoing) / largest(&target.outgoing);
        [incoming, outgoing]
            .into_iter()
            .find(|r| r.is_finite() && *r > 0.0)
    };
    let candidates: Vec<f64> = match activation {
        Activation::Tanh | Activation::Erf => vec![1.0, -1.0],
        // 1 − φ(u) needs an output bias for the 1
        Activation::Logistic if network.output_bias => vec![1.0, -1.0],
        Activation::Relu => std::iter::once(1.0).chain(ratio()).collect(),
        Activation::Identity => {
            let both = ratio().into_iter().flat_map(|r| [r, -r]);
            std::iter::once(1.0).chain(both).collect()
        }
        _ => vec![1.0],
    };
    candidates.into_iter().find(|factor| {
        let outgoing = if is_odd(activation) {
            *factor
        } else {
            1.0 / factor
        };
        near(&from, &to, *factor, closeness)
            && near(&unit.outgoing, &target.outgoing, outgoing, closeness)
    })
}

/// `factor · a = b`, at the scale of `b`.
fn near(a: &[f64], b: &[f64], factor: f64, closeness: Closeness) -> bool {
    let allowed = closeness.of_ray(largest(b));
    let mut pairs = a.iter().zip(b);
    pairs.all(|(a, b)| (factor * a - b).abs() <= allowed)
}
