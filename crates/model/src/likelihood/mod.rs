//! Laws `p(y | z)` of a target given the outputs of the model.

mod bernoulli;
mod categorical;
mod gaussian;

pub use bernoulli::Bernoulli;
pub use categorical::Categorical;
pub use gaussian::Gaussian;

use crate::{LikelihoodError, TargetDomain};
use rand::Rng;
use std::fmt::Debug;

/// A law `p(y | z)` of one example's target given its `K` outputs `z`, with its information geometry in `z`.
///
/// All methods see one example at a time: `z` is a slice of length `K`, `y` one of length
/// [`target_len`](Self::target_len). Logarithms are natural, so everything is in nats.
///
/// The output Fisher matrix `H(z) = E_y[∇_z log p ∇_z log pᵀ] ∈ R^{K×K}` is given by a factor `B ∈ R^{K×r}`,
/// `H = B Bᵀ`, which needs no labels: the expectation is over the model's own law.
///
/// [`check::likelihood`](crate::check::likelihood) compares the pieces of a user's own likelihood with each other.
pub trait Likelihood: Sync + Debug {
    /// Numbers in the target of one example, for a model with `outputs` outputs.
    fn target_len(&self, outputs: usize) -> usize;

    /// Where each number of a target must lie.
    fn target_domain(&self, outputs: usize) -> TargetDomain;

    /// Passes if the law can be read off that many outputs.
    ///
    /// # Errors
    /// [`LikelihoodError::Outputs`].
    fn check_outputs(&self, outputs: usize) -> Result<(), LikelihoodError>;

    /// `−log p(y | z)` in nats.
    fn negative_log_likelihood(&self, z: &[f64], y: &[f64]) -> f64;

    /// `out ← ∇_z log p(y | z)`, length `K`: uphill in likelihood, so minus the gradient of the loss.
    fn score(&self, z: &[f64], y: &[f64], out: &mut [f64]);

    /// Draws `y ~ p(· | z)`.
    fn sample(&self, z: &[f64], rng: &mut dyn Rng, y: &mut [f64]);

    /// `out ← E[y | z]`: for class labels the probabilities of all `K` classes. Length `K`.
    fn mean(&self, z: &[f64], out: &mut [f64]);

    /// Kullback–Leibler divergence `D(p(·|z) : p(·|z'))` in nats, in closed form; never negative.
    ///
    /// Implementations here keep their relative accuracy as `z' → z`, where the textbook differences cancel.
    fn divergence(&self, z: &[f64], other: &[f64]) -> f64;

    /// `r`, the number of columns of the factor, for a model with `outputs` outputs.
    fn factor_rank(&self, outputs: usize) -> usize;

    /// `out ← B(z)`, column after column (length `K·r`), with `H(z) = B Bᵀ`.
    fn factor(&self, z: &[f64], out: &mut [f64]);

    /// `out ← w` with `B(z) w = ∇_z log p(y | z)`, length `r`: the score in the columns of the factor.
    ///
    /// The score lies in the range of `H`, so `w` exists. A solve in sample space starts from it without a
    /// cancellation. For discrete laws `|w| ≈ p(y|z)^{−½}`: it grows where the model is confidently wrong, and is held
    /// at `f64::MAX` where that overflows (and where `B` has underflowed, so that `B w` no longer is the score).
    fn whitened_score(&self, z: &[f64], y: &[f64], out: &mut [f64]);

    /// Passes if a batch of targets has the right length and every value lies in the domain.
    ///
    /// # Errors
    /// [`LikelihoodError::Outputs`], [`LikelihoodError::TargetCount`], [`LikelihoodError::Target`].
    fn check_targets(
        &self,
        outputs: usize,
        examples: usize,
        targets: &[f64],
    ) -> Result<(), LikelihoodError> {
        self.check_outputs(outputs)?;
        let width = self.target_len(outputs);
        if targets.len() != width * examples {
            return Err(LikelihoodError::TargetCount {
                examples,
                expected: width * examples,
                got: targets.len(),
            });
        }
        let expected = self.target_domain(outputs);
        match targets.iter().position(|y| !expected.contains(*y)) {
            Some(index) => Err(LikelihoodError::Target {
                index,
                example: index / width,
                value: targets[index],
                expected,
            }),
            None => Ok(()),
        }
    }
}

/// Passes if there is at least `at_least` outputs.
fn require_outputs(
    likelihood: &'static str,
    at_least: usize,
    got: usize,
) -> Result<(), LikelihoodError> {
    if got < at_least {
        return Err(LikelihoodError::Outputs {
            likelihood,
            at_least,
            got,
        });
    }
    Ok(())
}

/// `log(1 + eᵗ)` without overflow.
fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// `1/(1 + e^{−t})`, accurate in both tails.
fn logistic(t: f64) -> f64 {
    let e = (-t.abs()).exp();
    if t >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

/// `eᵗ − 1 − t ≥ 0` to full relative accuracy.
fn exp_excess(t: f64) -> f64 {
    if t.abs() > 0.25 {
        return t.exp_m1() - t;
    }
    // t²/2! + t³/3! + … + t¹²/12!: the rest is below 1e-17 of the sum for |t| ≤ ¼.
    let mut sum = 0.0;
    for k in (3..=12).rev() {
        sum = (1.0 + sum) * t / f64::from(k);
    }
    (1.0 + sum) * t * t / 2.0
}

/// `e^a (eᵗ − 1 − t)`, also where `e^a` underflows and `eᵗ` makes up for it.
fn weighted_excess(log_weight: f64, t: f64) -> f64 {
    if t > 30.0 {
        (log_weight + t).exp() - log_weight.exp() * (1.0 + t)
    } else {
        log_weight.exp() * exp_excess(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_excess_meets_its_series_at_the_joint_and_near_zero() {
        let direct = |t: f64| t.exp_m1() - t;
        for t in [0.25, -0.25, 0.2499, -0.2499] {
            let relative = (exp_excess(t) - direct(t)).abs() / direct(t);
            // the direct form loses log2(0.25 / 0.034) < 3 bits here
            assert!(relative < 2e-15, "{t}: {relative}");
        }
        let t = 1e-9;
        assert!((exp_excess(t) / (t * t / 2.0) - 1.0 - t / 3.0).abs() < 1e-15);
    }

    #[test]
    fn logistic_and_softplus_hold_in_the_tails() {
        for t in [-1000.0, -745.0, -30.0, 0.0, 30.0, 1000.0_f64] {
            assert!((logistic(t) + logistic(-t) - 1.0).abs() < 1e-15);
            assert!((softplus(t) - softplus(-t) - t).abs() <= 1e-15 * t.abs());
        }
        assert!((logistic(-700.0) / (-700.0_f64).exp() - 1.0).abs() < 1e-15);
    }
}
