//! Random networks and larger ones that compute exactly the same function.

use neuromanifold_geometry::quotient::SymmetryGroup;
use neuromanifold_mlp::{Activation, Mlp};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::HarnessError;

/// Activations whose redundancies the theory knows, apart from the identity, of which everything is one affine map.
pub(super) const ACTIVATIONS: [Activation; 5] = [
    Activation::Tanh,
    Activation::Erf,
    Activation::Logistic,
    Activation::Softplus,
    Activation::Relu,
];

/// An irreducible network and an inflated one.
#[derive(Debug)]
pub(super) struct Inflated {
    pub(super) small: (Mlp, Vec<f64>),
    pub(super) large: (Mlp, Vec<f64>),
}

/// Standard normal numbers.
pub(super) fn gaussians(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

struct Unit {
    incoming: Vec<f64>,
    bias: f64,
    outgoing: Vec<f64>,
}

/// `rank` random units, kept apart from each other and from zero, then one to five of: a split (`v = λv + (1−λ)v`), a unit
/// without outgoing weight, a constant unit made up for in the output bias; then a random permutation and signs.
pub(super) fn inflated(
    activation: Activation,
    inputs: usize,
    rank: usize,
    outputs: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Inflated, HarnessError> {
    let mut units: Vec<Unit> = Vec::new();
    while units.len() < rank {
        let outgoing = (0..outputs).map(|_| rng.random_range(0.5..1.5)).collect();
        let unit = apart(&units, activation, inputs, outgoing, rng);
        units.push(unit);
    }
    let mut constant = gaussians(outputs, rng);
    let small = assemble(&units, &constant, activation)?;
    for _ in 0..rng.random_range(1..=5) {
        match rng.random_range(0..3) {
            0 => {
                let split = rng.random_range(0..units.len());
                let share = rng.random_range(0.2..0.8);
                let rest = Unit {
                    incoming: units[split].incoming.clone(),
                    bias: units[split].bias,
                    outgoing: units[split]
                        .outgoing
                        .iter()
                        .map(|v| v * (1.0 - share))
                        .collect(),
                };
                units[split].outgoing.iter_mut().for_each(|v| *v *= share);
                units.push(rest);
            }
            1 => {
                let dead = apart(&units, activation, inputs, vec![0.0; outputs], rng);
                units.push(dead);
            }
            _ => {
                let (bias, outgoing) = (gaussians(1, rng)[0], gaussians(outputs, rng));
                let mut value = [0.0];
                activation.value(&[bias], &mut value);
                constant
                    .iter_mut()
                    .zip(&outgoing)
                    .for_each(|(c, v)| *c -= v * value[0]);
                units.push(Unit {
                    incoming: vec![0.0; inputs],
                    bias,
                    outgoing,
                });
            }
        }
    }
    let (net, theta) = assemble(&units, &constant, activation)?;
    let group = SymmetryGroup::of(&net);
    let theta = group.apply(&group.random(rng), &theta)?;
    Ok(Inflated {
        small,
        large: (net, theta),
    })
}

/// A random unit that numbers can tell from a constant and from each of the others (whose number is small): near an overlap the
/// smallest eigenvalue falls with the sixth power of the separation.
fn apart(
    units: &[Unit],
    activation: Activation,
    inputs: usize,
    outgoing: Vec<f64>,
    rng: &mut ChaCha8Rng,
) -> Unit {
    let mut clear = 0.7;
    loop {
        let unit = Unit {
            incoming: gaussians(inputs, rng),
            bias: 0.5 * gaussians(1, rng)[0],
            outgoing: outgoing.clone(),
        };
        let length = length(&unit);
        // the kink of a relu, or the bend of any unit, lies among the inputs
        let seen = length > 0.7 && unit.bias.abs() < 1.2 * length;
        let scaled = activation == Activation::Relu;
        let gap = |other: &Unit| {
            let of = |unit: &Unit| if scaled { self::length(unit) } else { 1.0 };
            separation((&unit, of(&unit)), (other, of(other)))
        };
        let needed = if scaled { 0.6 * clear } else { clear };
        if seen
            && units
                .iter()
                .all(|other| is_constant(other) || gap(other) > needed)
        {
            return unit;
        }
        clear *= 0.999; // in a crowd
    }
}

fn is_constant(unit: &Unit) -> bool {
    length(unit) < 1e-300
}

fn length(unit: &Unit) -> f64 {
    unit.incoming.iter().map(|w| w * w).sum::<f64>().sqrt()
}

/// Euclidean distance of `(w, b)` from `±(w', b')`, whichever is nearer, each divided by a length.
fn separation((one, size): (&Unit, f64), (other, other_size): (&Unit, f64)) -> f64 {
    let distance = |sign: f64| {
        let gap = |a: f64, b: f64| (a / size - sign * b / other_size).powi(2);
        let weights = one.incoming.iter().zip(&other.incoming);
        let squared: f64 = weights.map(|(a, b)| gap(*a, *b)).sum();
        (squared + gap(one.bias, other.bias)).sqrt()
    };
    distance(1.0).min(distance(-1.0))
}

fn assemble(
    units: &[Unit],
    constant: &[f64],
    activation: Activation,
) -> Result<(Mlp, Vec<f64>), HarnessError> {
    let net = Mlp::new(
        &[units[0].incoming.len(), units.len(), constant.len()],
        activation,
    )?;
    let mut theta: Vec<f64> = units
        .iter()
        .flat_map(|unit| unit.incoming.iter().copied())
        .collect();
    theta.extend(units.iter().map(|unit| unit.bias));
    for k in 0..constant.len() {
        theta.extend(units.iter().map(|unit| unit.outgoing[k]));
    }
    theta.extend(constant);
    Ok((net, theta))
}
