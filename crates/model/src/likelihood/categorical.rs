use super::{Likelihood, require_outputs, weighted_excess};
use crate::{LikelihoodError, TargetDomain};
use rand::{Rng, RngExt};

/// One of `K ≥ 2` classes: the outputs are logits, `p = softmax(z)`, the target is a class index as one `f64`.
///
/// `−log p = log Σ e^{z_k} − z_y`, `H = diag(p) − p pᵀ`, of rank `K − 1`. The factor has `K − 1` columns: of
/// `diag(√p) − p√pᵀ`, whose null vector is `√p`, the reflection that takes `√p` to the last axis keeps the others.
///
/// ```
/// use neuromanifold_model::{Categorical, Likelihood};
///
/// assert_eq!(Categorical.negative_log_likelihood(&[1000.0, 0.0, -1000.0], &[2.0]), 2000.0);
/// ```
///
/// # References
/// H. Park, S. Amari, K. Fukumizu, *Adaptive natural gradient learning algorithms for various stochastic models*,
/// Neural Networks 13 (2000) 755–764, doi:10.1016/S0893-6080(00)00051-4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categorical;

impl Likelihood for Categorical {
    fn target_len(&self, _outputs: usize) -> usize {
        1
    }

    fn target_domain(&self, outputs: usize) -> TargetDomain {
        TargetDomain::Class { classes: outputs }
    }

    fn check_outputs(&self, outputs: usize) -> Result<(), LikelihoodError> {
        require_outputs("a categorical law", 2, outputs)
    }

    fn negative_log_likelihood(&self, z: &[f64], y: &[f64]) -> f64 {
        let class = y[0] as usize;
        let largest = maximum(z);
        let rest = |keep: usize| {
            let others = z.iter().enumerate().filter(|(k, _)| *k != keep);
            others.map(|(_, z_k)| (z_k - largest).exp()).sum::<f64>()
        };
        if z[class] >= largest {
            rest(class).ln_1p() // full relative accuracy for a small loss
        } else {
            largest - z[class] + z.iter().map(|z_k| (z_k - largest).exp()).sum::<f64>().ln()
        }
    }

    fn score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        let class = y[0] as usize;
        softmax(z, out);
        let rest: f64 = (0..z.len()).filter(|k| *k != class).map(|k| out[k]).sum();
        for o in out.iter_mut() {
            *o = -*o;
        }
        out[class] = rest; // 1 − p_y without the cancellation
    }

    fn sample(&self, z: &[f64], rng: &mut dyn Rng, y: &mut [f64]) {
        let largest = maximum(z);
        let total: f64 = z.iter().map(|z_k| (z_k - largest).exp()).sum();
        let mut left = rng.random::<f64>() * total;
        let mut drawn = 0;
        for (k, z_k) in z.iter().enumerate() {
            let weight = (z_k - largest).exp();
            if weight > 0.0 {
                drawn = k; // the last class of positive weight catches the rounding of `left`
                if left < weight {
                    break;
                }
                left -= weight;
            }
        }
        y[0] = drawn as f64;
    }

    fn mean(&self, z: &[f64], out: &mut [f64]) {
        softmax(z, out);
    }

    /// With `δ = z' − z − E_p[z' − z]`, `D = log(1 + Σ p_k (e^{δ_k} − 1 − δ_k))`: no term is negative, so nothing
    /// cancels as `z' → z`.
    fn divergence(&self, z: &[f64], other: &[f64]) -> f64 {
        let largest = maximum(z);
        let weight = |k: usize| (z[k] - largest).exp();
        let classes = 0..z.len();
        let total: f64 = classes.clone().map(weight).sum();
        let shift = |k: usize| other[k] - z[k];
        let mean_shift = classes.clone().map(|k| weight(k) * shift(k)).sum::<f64>() / total;
        let direct = classes
            .clone()
            .map(|k| weighted_excess(z[k] - largest, shift(k) - mean_shift))
            .sum::<f64>()
            / total;
        if direct.is_finite() {
            return direct.ln_1p();
        }
        // Some e^δ overflows: log Σ p_k e^{δ_k} by its largest term.
        let exponent = |k: usize| z[k] - largest - total.ln() + shift(k) - mean_shift;
        let top = classes.clone().map(exponent).fold(f64::MIN, f64::max);
        let log_sum = top + classes.map(|k| (exponent(k) - top).exp()).sum::<f64>().ln();
        // logits whose differences overflow are infinitely far apart
        if log_sum.is_nan() {
            f64::INFINITY
        } else {
            log_sum.max(0.0)
        }
    }

    fn factor_rank(&self, outputs: usize) -> usize {
        outputs - 1
    }

    fn factor(&self, z: &[f64], out: &mut [f64]) {
        let classes = z.len();
        let last = classes - 1;
        let largest = maximum(z);
        let total: f64 = z.iter().map(|z_k| (z_k - largest).exp()).sum();
        // exponentials once a class: the matrix below has K² entries
        let probability: Vec<f64> = z.iter().map(|z| (z - largest).exp() / total).collect();
        let root = |k: usize| (0.5 * (z[k] - largest)).exp() / total.sqrt();
        let complement = |k: usize| {
            let others = (0..classes).filter(|j| *j != k);
            others.map(|j| probability[j]).sum::<f64>() // 1 − p_k
        };
        let weight = root(last) / (1.0 + root(last));
        let last_complement = complement(last);
        for (j, column) in out.chunks_exact_mut(classes).enumerate() {
            let (root, own) = (root(j), complement(j));
            for (entry, p) in column.iter_mut().zip(&probability) {
                *entry = -root * (p - weight * p);
            }
            column[j] = root * (own + weight * probability[j]);
            column[last] = -root * (probability[last] + weight * last_complement);
        }
    }

    fn whitened_score(&self, z: &[f64], y: &[f64], out: &mut [f64]) {
        let class = y[0] as usize;
        let last = z.len() - 1;
        let largest = maximum(z);
        let total: f64 = z.iter().map(|z_k| (z_k - largest).exp()).sum();
        let root = |k: usize| (0.5 * (z[k] - largest)).exp() / total.sqrt();
        // e_y/√p_y − √p, then the same reflection as the factor's.
        let plain = |k: usize| {
            if k == class {
                let others = (0..z.len()).filter(|j| *j != k);
                let complement = others.map(|j| (z[j] - largest).exp()).sum::<f64>() / total;
                // (1 − p)/√p
                (complement * total.sqrt() * (-0.5 * (z[k] - largest)).exp()).min(f64::MAX)
            } else {
                -root(k)
            }
        };
        let reflected = plain(last) / (1.0 + root(last));
        for (j, o) in out.iter_mut().enumerate() {
            *o = plain(j) - root(j) * reflected;
        }
    }
}

fn maximum(z: &[f64]) -> f64 {
    z.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn softmax(z: &[f64], out: &mut [f64]) {
    let largest = maximum(z);
    for (o, z_k) in out.iter_mut().zip(z) {
        *o = (z_k - largest).exp();
    }
    let total: f64 = out.iter().sum();
    for o in out.iter_mut() {
        *o /= total;
    }
}
