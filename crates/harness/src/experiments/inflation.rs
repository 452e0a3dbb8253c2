//! Random networks and larger ones that compute exactly the same function.

use neuromanifold_geometry::quotient::SymmetryGroup;
use neuromanifold_mlp::{Activation, Mlp};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::HarnessError;

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
        let unit = Unit {
            incoming: gaussians(inputs, rng),
            bias: 0.5 * gaussians(1, rng)[0],
            outgoing: (0..outputs).map(|_| rng.random_range(0.5..1.5)).collect(),
        };
        let apart = units.iter().all(|other| separation(&unit, other) > 0.7);
        if apart && length(&unit) > 0.7 {
            units.push(unit);
        }
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
            1 => units.push(Unit {
                incoming: gaussians(inputs, rng),
                bias: gaussians(1, rng)[0],
                outgoing: vec![0.0; outputs],
            }),
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

fn length(unit: &Unit) -> f64 {
    unit.incoming.iter().map(|w| w * w).sum::<f64>().sqrt()
}

/// Euclidean distance of `(w, b)` from `±(w', b')`, whichever is nearer.
fn separation(one: &Unit, other: &Unit) -> f64 {
    let distance = |sign: f64| {
        let weights = one.incoming.iter().zip(&other.incoming);
        let squared: f64 = weights.map(|(a, b)| (a - sign * b).powi(2)).sum();
        (squared + (one.bias - sign * other.bias).powi(2)).sqrt()
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
