use super::{Likelihood, logistic, require_outputs, softplus, weighted_excess};
use crate::{LikelihoodError, TargetDomain};
use rand::{Rng, RngExt};

/// Independent yes/no targets: output `k` is the logit of `y_k ∈ {0, 1}`, `p_k = 1/(1 + e^{−z_k})`.
///
/// `−log p = Σ log(1 + e^{z_k}) − y_k z_k`, `H = diag(p_k(1 − p_k))`. Every quantity is evaluated without forming
/// `1 − p`, so it keeps its relative accuracy in both tails (logits of ±1000 are fine).
///
/// ```
/// use neuromanifold_model::{Bernoulli, Likelihood};
///
/// assert_eq!(Bernoulli.negative_log_likelihood(&[-1000.0], &[1.0]), 1000.0);
/// assert_eq!(Bernoulli.divergence(&[-1000.0], &[1000.0]), 1000.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bernoulli;

impl Likelihood for Bernoulli {
    fn target_len(&self, outputs: usize) -> usize {
        outputs
    }

    fn target_domain(&self, _outputs: usize) -> TargetDomain {
        TargetDomain::Binary
    }

    fn check_outputs(&self, outputs: usize) -> Result<(), LikelihoodError> {
        require_outputs("a Bernoulli law", 1, outputs)
    }

    fn negative_log_likelihood(&self, z: &[f64], y: &[f64]) -> f64 {
        let surprise = |(z, y): (&f64, &f64)| softplus(if *y > 0.5 { -z } else { *z });
        z.iter().zip(y).map(surprise).sum()
    }

    fn score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        for ((o, z), y) in out.iter_mut().zip(z).zip(y) {
            *o = if *y > 0.5 {
                logistic(-z)
            } else {
                -logistic(*z)
            };
        }
    }

    fn sample(&self, z: &[f64], rng: &mut dyn Rng, y: &mut [f64]) {
        for (y, z) in y.iter_mut().zip(z) {
            *y = f64::from(rng.random::<f64>() < logistic(*z));
        }
    }

    fn mean(&self, z: &[f64], out: &mut [f64]) {
        for (o, z) in out.iter_mut().zip(z) {
            *o = logistic(*z);
        }
    }

    fn divergence(&self, z: &[f64], other: &[f64]) -> f64 {
        let one = |(z, other): (&f64, &f64)| logit_divergence(*z, *other);
        z.iter().zip(other).map(one).sum()
    }

    fn factor_rank(&self, outputs: usize) -> usize {
        outputs
    }

    fn factor(&self, z: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (k, z_k) in z.iter().enumerate() {
            // √(p(1−p)) = e^{−|z|/2}/(1 + e^{−|z|})
            out[k * z.len() + k] = (-0.5 * z_k.abs()).exp() / (1.0 + (-z_k.abs()).exp());
        }
    }

    fn whitened_score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        for ((o, z), y) in out.iter_mut().zip(z).zip(y) {
            // (y − p)/√(p(1−p)) = √((1−p)/p) for y = 1
            *o = if *y > 0.5 {
                (-0.5 * z).exp().min(f64::MAX)
            } else {
                -(0.5 * z).exp().min(f64::MAX)
            };
        }
    }
}

/// `D` of two Bernoulli laws with logits `z` and `z'`, for `d = z' − z`.
///
/// `D = log(1 + p(e^{(1−p)d} − 1 − (1−p)d) + (1−p)(e^{−pd} − 1 + pd))`: all terms are non-negative, so nothing cancels
/// as `d → 0`. It is the two-class case of the identity used for the categorical law.
fn logit_divergence(z: f64, other: f64) -> f64 {
    let d = other - z;
    let (p, q) = (logistic(z), logistic(-z));
    let direct = weighted_excess(-softplus(-z), q * d) + weighted_excess(-softplus(z), -p * d);
    if direct.is_finite() {
        return direct.ln_1p();
    }
    // |d| > 700: one law is saturated against the other, nothing cancels here.
    let cross = if z > 0.0 {
        softplus(-other) - softplus(-z) + q * d
    } else {
        softplus(other) - softplus(z) - p * d
    };
    // logits whose difference overflows are infinitely far apart
    if cross.is_nan() {
        f64::INFINITY
    } else {
        cross.max(0.0)
    }
}
