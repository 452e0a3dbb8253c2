use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::DataError;

/// The soft committee machine f(x) = Σₖ φ(wₖ·x), the teacher of the theory of on-line learning.
///
/// # References
/// D. Saad and S. A. Solla, On-line learning in soft committee machines, Physical Review E 52 (1995)
/// 4225–4243, doi:10.1103/PhysRevE.52.4225.
#[derive(Debug, Clone)]
pub struct SoftCommittee {
    weights: Vec<f64>,
    inputs: usize,
    activation: fn(f64) -> f64,
}

impl SoftCommittee {
    /// A committee from its weights, one unit's n incoming weights after the other's.
    ///
    /// # Errors
    /// [`DataError::Parameter`] if there are no inputs, the number of weights is not a multiple of
    /// n, or a weight is not finite.
    pub fn new(
        weights: Vec<f64>,
        inputs: usize,
        activation: fn(f64) -> f64,
    ) -> Result<Self, DataError> {
        let (object, count) = ("SoftCommittee", weights.len() as f64);
        let refuse = |parameter, value, requirement| {
            Err(DataError::Parameter {
                object,
                parameter,
                value,
                requirement,
            })
        };
        if inputs == 0 {
            return refuse("inputs", 0.0, "at least 1");
        }
        if weights.is_empty() || !weights.len().is_multiple_of(inputs) {
            return refuse(
                "number of weights",
                count,
                "a positive multiple of the number of inputs",
            );
        }
        if let Some(&weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return refuse("weight", weight, "a finite number");
        }
        Ok(SoftCommittee {
            weights,
            inputs,
            activation,
        })
    }

    /// A committee of `units` with independent weights w ~ N(0, `norm`²/n), so that |wₖ| ≈ `norm`.
    ///
    /// # Errors
    /// [`DataError::Parameter`] if there are no units or no inputs, or the norm is not finite.
    pub fn random<R: Rng + ?Sized>(
        units: usize,
        inputs: usize,
        norm: f64,
        activation: fn(f64) -> f64,
        rng: &mut R,
    ) -> Result<Self, DataError> {
        let scale = norm / (inputs as f64).sqrt();
        let normal = |_| scale * rng.sample::<f64, _>(StandardNormal);
        Self::new(
            (0..units * inputs).map(normal).collect(),
            inputs,
            activation,
        )
    }

    /// The number of units.
    #[must_use]
    pub fn units(&self) -> usize {
        self.weights.len() / self.inputs
    }

    /// All weights, one unit's after the other's.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// f(x) = Σₖ φ(wₖ·x).
    ///
    /// # Panics
    /// If x does not have length n.
    #[must_use]
    #[track_caller]
    pub fn evaluate(&self, x: &[f64]) -> f64 {
        assert_eq!(
            x.len(),
            self.inputs,
            "x has another length than the incoming weights"
        );
        let field = |weights: &[f64]| weights.iter().zip(x).map(|(w, x)| w * x).sum();
        self.weights
            .chunks_exact(self.inputs)
            .map(|weights| (self.activation)(field(weights)))
            .sum()
    }
}
