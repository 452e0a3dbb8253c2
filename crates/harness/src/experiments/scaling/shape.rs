//! Networks and batches of chosen sizes.

use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::HarnessError;

/// Sizes of a network with tanh layers and of its batch. One output has Gaussian noise, several are classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Inputs, hidden widths, outputs.
    pub(super) widths: Vec<usize>,
    /// N.
    pub(super) examples: usize,
}

/// A network at a point, and the inputs of a batch.
pub(super) struct Point {
    pub(super) net: Mlp,
    pub(super) theta: Vec<f64>,
    pub(super) inputs: Vec<f64>,
}

impl Shape {
    /// K.
    pub(super) fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// r, the rank of the output Fisher matrix.
    pub(super) fn rank(&self) -> usize {
        self.likelihood().factor_rank(self.outputs())
    }

    pub(super) fn likelihood(&self) -> &'static dyn Likelihood {
        if self.outputs() == 1 {
            &Gaussian::UNIT
        } else {
            &Categorical
        }
    }

    /// `(n + 1, m)` for each layer: parameters of one unit, and units.
    pub(super) fn layers(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        self.widths
            .windows(2)
            .map(|pair| ((pair[0] + 1) as f64, pair[1] as f64))
    }

    /// P.
    pub(super) fn parameters(&self) -> f64 {
        self.layers().map(|(n, m)| n * m).sum()
    }

    /// Random inputs and parameters.
    pub(super) fn point(&self, rng: &mut ChaCha8Rng) -> Result<Point, HarnessError> {
        let net = Mlp::new(&self.widths, Activation::Tanh)?;
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.1, rng);
        let count = self.widths[0] * self.examples;
        let inputs = (0..count).map(|_| StandardNormal.sample(rng)).collect();
        Ok(Point { net, theta, inputs })
    }
}
