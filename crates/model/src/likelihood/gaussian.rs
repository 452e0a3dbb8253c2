use super::{Likelihood, require_outputs};
use crate::{LikelihoodError, TargetDomain};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Additive Gaussian noise: `y = z + σ ε`, `ε ~ N(0, I_K)`, with a known noise level σ.
///
/// `−log p = |y − z|²/(2σ²) + K log(σ√2π)`, `D(z:z') = |z − z'|²/(2σ²)`, `H = I/σ²`, `B = I/σ`.
///
/// With it the Fisher metric of a model is `G = E[∇f ∇fᵀ]/σ²`. Some texts print `1/(4σ²)`; that metric is not the one
/// in `D(θ:θ+dθ) = ½ dθᵀG dθ`.
///
/// ```
/// use neuromanifold_model::{Gaussian, Likelihood};
///
/// let noise = Gaussian::new(0.5)?;
/// assert_eq!(noise.divergence(&[1.0, 0.0], &[0.0, 0.0]), 2.0);
/// # Ok::<(), neuromanifold_model::LikelihoodError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    sigma: f64,
}

impl Gaussian {
    /// Noise level one: losses are half squared errors up to a constant.
    pub const UNIT: Self = Self { sigma: 1.0 };

    /// Noise of standard deviation `sigma` on every output.
    ///
    /// # Errors
    /// [`LikelihoodError::Sigma`] unless `sigma` is positive and finite, with a square that neither over- nor underflows.
    pub fn new(sigma: f64) -> Result<Self, LikelihoodError> {
        if sigma > 0.0 && sigma.is_finite() && (sigma * sigma).is_normal() {
            Ok(Self { sigma })
        } else {
            Err(LikelihoodError::Sigma { sigma })
        }
    }

    /// The noise level σ.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.sigma
    }
}

impl Likelihood for Gaussian {
    fn target_len(&self, outputs: usize) -> usize {
        outputs
    }

    fn target_domain(&self, _outputs: usize) -> TargetDomain {
        TargetDomain::Finite
    }

    fn check_outputs(&self, outputs: usize) -> Result<(), LikelihoodError> {
        require_outputs("a Gaussian", 1, outputs)
    }

    fn negative_log_likelihood(&self, z: &[f64], y: &[f64]) -> f64 {
        let log_normaliser = self.sigma.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
        self.divergence(z, y) + z.len() as f64 * log_normaliser
    }

    fn score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        let precision = 1.0 / (self.sigma * self.sigma);
        for ((o, z), y) in out.iter_mut().zip(z).zip(y) {
            *o = precision * (y - z);
        }
    }

    fn sample(&self, z: &[f64], rng: &mut dyn Rng, y: &mut [f64]) {
        for (y, z) in y.iter_mut().zip(z) {
            let noise: f64 = StandardNormal.sample(rng);
            *y = z + self.sigma * noise;
        }
    }

    fn mean(&self, z: &[f64], out: &mut [f64]) {
        out.copy_from_slice(z);
    }

    fn divergence(&self, z: &[f64], other: &[f64]) -> f64 {
        let scaled = |(a, b): (&f64, &f64)| {
            let d = (a - b) / self.sigma;
            d * d
        };
        0.5 * z.iter().zip(other).map(scaled).sum::<f64>()
    }

    fn factor_rank(&self, outputs: usize) -> usize {
        outputs
    }

    fn factor(&self, z: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for k in 0..z.len() {
            out[k * z.len() + k] = 1.0 / self.sigma;
        }
    }

    fn whitened_score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        for ((o, z), y) in out.iter_mut().zip(z).zip(y) {
            *o = (y - z) / self.sigma;
        }
    }
}
