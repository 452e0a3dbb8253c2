//! Networks put together unit by unit, for the tests of the quotient.

#![allow(dead_code)] // each test crate uses a part of it

use neuromanifold_geometry::quotient::{CanonicalForm, QuotientError, Tolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::OutputMap;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub(crate) const ALL: [Activation; 6] = [
    Activation::Tanh,
    Activation::Erf,
    Activation::Logistic,
    Activation::Relu,
    Activation::Softplus,
    Activation::Identity,
];

pub(crate) fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

fn shallow_net(
    inputs: usize,
    hidden: usize,
    outputs: usize,
    activation: Activation,
    hidden_bias: bool,
    output_bias: bool,
) -> Mlp {
    let mut builder = Mlp::builder(inputs).layer(hidden, activation);
    if !hidden_bias {
        builder = builder.without_bias();
    }
    builder = builder.layer(outputs, Activation::Identity);
    if !output_bias {
        builder = builder.without_bias();
    }
    builder.build().expect("positive widths")
}

/// A unit: `w`, `b`, `v`.
pub(crate) type Unit = (Vec<f64>, f64, Vec<f64>);

/// A network with both biases from units.
pub(crate) fn assemble(units: &[Unit], c: &[f64], activation: Activation) -> (Mlp, Vec<f64>) {
    assemble_with(units, c, activation, true, true)
}

/// A network from units; `c` is dropped if there is no output bias.
pub(crate) fn assemble_with(
    units: &[Unit],
    c: &[f64],
    activation: Activation,
    hidden_bias: bool,
    output_bias: bool,
) -> (Mlp, Vec<f64>) {
    let (inputs, outputs) = (units[0].0.len(), c.len());
    let net = shallow_net(
        inputs,
        units.len(),
        outputs,
        activation,
        hidden_bias,
        output_bias,
    );
    let mut theta: Vec<f64> = units.iter().flat_map(|u| u.0.clone()).collect();
    if hidden_bias {
        theta.extend(units.iter().map(|u| u.1));
    }
    for k in 0..outputs {
        theta.extend(units.iter().map(|u| u.2[k]));
    }
    if output_bias {
        theta.extend(c);
    }
    (net, theta)
}

pub(crate) fn evaluate(net: &Mlp, theta: &[f64], points: &[f64]) -> Vec<f64> {
    let batch = net.on_slice(points).expect("inputs");
    let mut z = vec![0.0; batch.dims().output_len()];
    batch.outputs(theta, &mut z).expect("finite");
    z
}

pub(crate) fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
}

/// The canonical representative, where nothing is to be measured.
pub(crate) fn representative(
    net: &Mlp,
    theta: &[f64],
    tolerance: Tolerance,
) -> Result<(Mlp, Vec<f64>), QuotientError> {
    CanonicalForm::of(net, theta, tolerance)?.network()
}
