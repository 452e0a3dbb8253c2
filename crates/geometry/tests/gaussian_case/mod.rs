//! Random networks with one hidden layer and random Gaussian inputs.

use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Activations with a closed form and a nondegenerate metric.
pub(crate) const SIGMOIDS: [Activation; 3] =
    [Activation::Erf, Activation::Tanh, Activation::Logistic];

/// The shape of a covariance.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Standard,
    Isotropic,
    Diagonal,
    Full,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) net: Mlp,
    pub(crate) theta: Vec<f64>,
    pub(crate) input: GaussianInput,
    pub(crate) noise: Gaussian,
    pub(crate) seed: u64,
}

impl Case {
    pub(crate) fn fisher(&self) -> GaussianInputFisher {
        GaussianInputFisher::new(&self.net, &self.theta, &self.input, &self.noise)
            .expect("one hidden layer")
    }

    pub(crate) fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed ^ 0x9E37)
    }

    /// A unit tangent vector.
    pub(crate) fn direction(&self) -> Vec<f64> {
        let mut v = normals(self.theta.len(), &mut self.rng());
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
        v
    }
}

pub(crate) fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

/// A network `n-m-K` with weights of norm about one.
pub(crate) fn network(
    widths: [usize; 3],
    activation: Activation,
    biases: [bool; 2],
    rng: &mut ChaCha8Rng,
) -> (Mlp, Vec<f64>) {
    let mut builder = Mlp::builder(widths[0]).layer(widths[1], activation);
    if !biases[0] {
        builder = builder.without_bias();
    }
    builder = builder.layer(widths[2], Activation::Identity);
    if !biases[1] {
        builder = builder.without_bias();
    }
    let net = builder.build().expect("positive widths");
    let mut theta = normals(net.parameters(), rng);
    for weight in &mut theta[net.layers()[0].weights()] {
        *weight *= 1.2 / (widths[0] as f64).sqrt();
    }
    (net, theta)
}

pub(crate) fn input(
    inputs: usize,
    shape: Shape,
    moved: bool,
    rng: &mut ChaCha8Rng,
) -> GaussianInput {
    let mean: Vec<f64> = normals(inputs, rng).iter().map(|z| 0.5 * z).collect();
    let variances: Vec<f64> = normals(inputs, rng)
        .iter()
        .map(|z| (0.5 * z).exp())
        .collect();
    let root = Mat::from_fn(inputs, inputs, |_, _| {
        let z: f64 = StandardNormal.sample(rng);
        z / (inputs as f64).sqrt()
    });
    let input = match shape {
        Shape::Standard => GaussianInput::standard(inputs),
        Shape::Isotropic => GaussianInput::isotropic(inputs, 0.6).expect("positive"),
        Shape::Diagonal => GaussianInput::diagonal(&variances).expect("positive"),
        Shape::Full => {
            let covariance = &root * root.transpose() + 0.3 * Mat::<f64>::identity(inputs, inputs);
            GaussianInput::full(covariance.as_ref()).expect("positive definite")
        }
    };
    if moved {
        input.with_mean(&mean).expect("as many")
    } else {
        input
    }
}

prop_compose! {
    pub(crate) fn gaussian_case(widest: usize)(
        inputs in 1..=widest,
        hidden in 1..5usize,
        outputs in 1..4usize,
        activation in 0..3usize,
        biases: [bool; 2],
        shape in prop::sample::select(vec![Shape::Standard, Shape::Isotropic, Shape::Diagonal, Shape::Full]),
        moved: bool,
        sigma in 0.3..2.0,
        seed: u64,
    ) -> Case {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (net, theta) = network([inputs, hidden, outputs], SIGMOIDS[activation], biases, &mut rng);
        let input = input(inputs, shape, moved, &mut rng);
        let noise = Gaussian::new(sigma).expect("positive");
        Case { net, theta, input, noise, seed }
    }
}
