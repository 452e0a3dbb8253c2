//! A small regression whose geometry is exact: two erf units with biases on Gaussian inputs, a teacher of the same shape.

use faer::Mat;
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher, Population};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Cotangents, Gaussian, OutputMap as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::HarnessError;

/// Numbers in an input.
pub(super) const INPUTS: usize = 2;

/// θ*: `w_1`, `w_2`, `b`, `v`, `c`. The units are far apart and neither is close to zero, so G is well conditioned there.
const TRUTH: [f64; 9] = [1.5, 0.3, -0.4, 1.6, 0.3, -0.5, 1.5, -1.2, 0.2];

/// `y = f(x; θ*) + σ ξ` with `x ~ N(0, I)` and a 2-2-1 network of erf units.
#[derive(Debug)]
pub(super) struct Regression {
    pub(super) net: Mlp,
    pub(super) noise: Gaussian,
    input: GaussianInput,
    population: Population,
}

impl Regression {
    pub(super) fn new(sigma: f64) -> Result<Self, HarnessError> {
        let net = Mlp::new(&[INPUTS, 2, 1], Activation::Erf)?;
        let (input, noise) = (GaussianInput::standard(INPUTS), Gaussian::new(sigma)?);
        let population = Population::new(&net, &TRUTH, &net, &input, &noise)?;
        Ok(Self {
            net,
            noise,
            input,
            population,
        })
    }

    /// θ*.
    pub(super) fn truth(&self) -> &'static [f64] {
        &TRUTH
    }

    /// `P`.
    pub(super) fn dim(&self) -> usize {
        TRUTH.len()
    }

    /// G at θ for the whole population of inputs.
    pub(super) fn fisher(&self, theta: &[f64]) -> Result<GaussianInputFisher, HarnessError> {
        Ok(GaussianInputFisher::new(
            &self.net,
            theta,
            &self.input,
            &self.noise,
        )?)
    }

    /// `E[L(θ) − L(θ*)] = D(θ* : θ)`, over the whole population, in nats.
    pub(super) fn excess_loss(&self, theta: &[f64]) -> Result<f64, HarnessError> {
        Ok(self.population.divergence(theta)?)
    }

    /// An input.
    pub(super) fn input(rng: &mut ChaCha8Rng) -> [f64; INPUTS] {
        [(); INPUTS].map(|()| StandardNormal.sample(rng))
    }

    /// `f(x; θ*)`.
    pub(super) fn answer(&self, x: &[f64]) -> Result<f64, HarnessError> {
        let mut y = [0.0];
        self.net.on_slice(x)?.outputs(&TRUTH, &mut y)?;
        Ok(y[0])
    }

    /// An example.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> Result<([f64; INPUTS], f64), HarnessError> {
        let x = Self::input(rng);
        let noise: f64 = StandardNormal.sample(rng);
        Ok((x, self.answer(&x)? + self.noise.sigma() * noise))
    }

    /// `∇f/σ` at θ* on the nodes of a product rule for `N(0, I)`, one a column, and the weights of the nodes.
    ///
    /// The trapezoid rule on a line converges faster than any power for a smooth function times a Gaussian.
    pub(super) fn gradients(&self) -> Result<(Mat<f64>, Vec<f64>), HarnessError> {
        const HALF: i32 = 48;
        const STEP: f64 = 8.5 / HALF as f64;
        let nodes: Vec<f64> = (-HALF..=HALF).map(|k| STEP * f64::from(k)).collect();
        let density = |x: f64| STEP * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (mut inputs, mut weights) = (Vec::new(), Vec::new());
        for x in &nodes {
            for y in &nodes {
                inputs.extend([*x, *y]);
                weights.push(density(*x) * density(*y));
            }
        }
        let batch = self.net.on_slice(&inputs)?;
        let cotangents = vec![1.0 / self.noise.sigma(); weights.len()];
        let mut gradients = Mat::zeros(self.dim(), weights.len());
        batch.linearize(&TRUTH)?.pullback(
            Cotangents::new(&cotangents, 1, 1),
            0..weights.len(),
            gradients.as_mut(),
        );
        Ok((gradients, weights))
    }
}
