//! Random networks, batches, likelihoods and points: what the laws of this crate are quantified over.

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Smooth activations: at the kink of a relu the divergence has no third-order expansion.
pub(crate) const SMOOTH: [Activation; 4] = [
    Activation::Tanh,
    Activation::Erf,
    Activation::Logistic,
    Activation::Softplus,
];

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) net: Mlp,
    pub(crate) inputs: Vec<f64>,
    pub(crate) theta: Vec<f64>,
    pub(crate) likelihood: Box<dyn Likelihood>,
    pub(crate) seed: u64,
}

impl Case {
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

prop_compose! {
    /// One to three layers, any smooth activation, biases or not, the three likelihoods, up to twelve examples.
    pub(crate) fn smooth_case()(
        inputs in 1..4usize,
        hidden in prop::collection::vec((1..5usize, 0..4usize), 0..3),
        outputs in 1..4usize,
        biases: bool,
        law in 0..3usize,
        sigma in 0.3..2.0,
        examples in 1..13usize,
        seed: u64,
    ) -> Case {
        let outputs = if law == 2 { outputs + 1 } else { outputs };
        let mut builder = Mlp::builder(inputs);
        let layers = hidden.into_iter().map(|(width, activation)| (width, SMOOTH[activation]));
        for (width, activation) in layers.chain([(outputs, Activation::Identity)]) {
            builder = builder.layer(width, activation);
            if !biases {
                builder = builder.without_bias();
            }
        }
        let net = builder.build().expect("positive widths");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let theta = net.initialize(Initialization::LeCun, &mut rng)
            .into_iter().map(|t| { let e: f64 = StandardNormal.sample(&mut rng); t + 0.3 * e }).collect();
        let likelihood: Box<dyn Likelihood> = match law {
            0 => Box::new(Gaussian::new(sigma).expect("positive")),
            1 => Box::new(Bernoulli),
            _ => Box::new(Categorical),
        };
        Case { inputs: normals(inputs * examples, &mut rng), net, theta, likelihood, seed }
    }
}
