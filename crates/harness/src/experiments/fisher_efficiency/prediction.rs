//! The second moments of an on-line estimate near θ*, step by step.

use faer::{Mat, MatRef};

use super::online::{Rate, Rule};
use crate::experiments::fourth_moments::FourthMoments;

/// On-line learning close to θ*, in coordinates `y` in which G is the identity.
///
/// There `f` is as good as linear, and a step is `y ← y − η M k (k·y − ξ)` with the gradient `k` of the example, its noise
/// `ξ ~ N(0, 1)`, and `M = I` for the natural gradient, `M = Λ` for the gradient. So the covariance obeys, exactly,
///
/// ```text
/// S ← S − η(M S + S M) + η² M (E[k kᵀ S k kᵀ] + I) M
/// ```
///
/// Without the term with four gradients, which is of higher order in `1/t`, this is the law that is to be seen: `S = I c²/((2c−1) t)`.
pub(super) struct Linearized<'a> {
    pub(super) moments: &'a FourthMoments,
    pub(super) eigenvalues: &'a [f64],
}

impl Linearized<'_> {
    /// `E[L − L*] = ½ tr S` in nats after so many steps, from `S = I/t₀`.
    pub(super) fn excess_loss(&self, rate: Rate, times: &[u64]) -> Vec<f64> {
        let dim = self.eigenvalues.len();
        let scales: Vec<f64> = match rate.rule {
            Rule::Natural => vec![1.0; dim],
            Rule::Gradient => self.eigenvalues.to_vec(),
        };
        let mut covariance = Mat::from_fn(dim, dim, |i, j| f64::from(i == j) / rate.offset);
        let (mut step, mut found) = (0, Vec::new());
        for time in times {
            while step < *time {
                step += 1;
                covariance = self.step(covariance.as_ref(), &scales, rate.at(step));
            }
            let trace: f64 = covariance.diagonal().column_vector().iter().sum();
            found.push(0.5 * trace);
        }
        found
    }

    fn step(&self, covariance: MatRef<'_, f64>, scales: &[f64], eta: f64) -> Mat<f64> {
        let spread = self.moments.apply(covariance);
        Mat::from_fn(scales.len(), scales.len(), |i, j| {
            let (a, b) = (eta * scales[i], eta * scales[j]);
            covariance[(i, j)] * (1.0 - a - b) + a * b * (spread[(i, j)] + f64::from(i == j))
        })
    }
}
