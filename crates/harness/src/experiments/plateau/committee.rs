//! The soft committee machine `f(x) = Σ_i φ(w_i·x)`, `φ(u) = erf(u/√2)`, with outgoing weights held at one, on a batch.

use faer::{Mat, MatRef};
use neuromanifold_mlp::Activation;
use neuromanifold_model::{Dims, Linearization, ModelError, OutputMap};

/// The committee on a batch of inputs, one example after the other; θ holds the incoming weights, unit by unit.
#[derive(Debug)]
pub(super) struct SoftCommittee<'a> {
    pub(super) inputs: &'a [f64],
    pub(super) dimension: usize,
    pub(super) units: usize,
}

struct At<'a> {
    committee: &'a SoftCommittee<'a>,
    outputs: Vec<f64>,
    /// `φ'(w_i·x_s)`, example after example.
    slopes: Vec<f64>,
}

impl SoftCommittee<'_> {
    /// The output for the first input.
    pub(super) fn output(&self, weights: &[f64]) -> f64 {
        let x = &self.inputs[..self.dimension];
        let fields: Vec<f64> = weights
            .chunks_exact(self.dimension)
            .map(|w| dot(w, x))
            .collect();
        let mut values = vec![0.0; fields.len()];
        Activation::Erf.value(&fields, &mut values);
        values.iter().sum()
    }
}

impl OutputMap for SoftCommittee<'_> {
    fn dims(&self) -> Dims {
        Dims {
            parameters: self.units * self.dimension,
            outputs: 1,
            examples: self.inputs.len() / self.dimension,
        }
    }

    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        ModelError::check_parameters(theta, self.dims())?;
        let fields: Vec<f64> = (self.inputs.chunks_exact(self.dimension))
            .flat_map(|x| theta.chunks_exact(self.dimension).map(|w| dot(w, x)))
            .collect();
        let (mut values, mut slopes) = (vec![0.0; fields.len()], vec![0.0; fields.len()]);
        Activation::Erf.value_and_derivative(&fields, &mut values, &mut slopes);
        let outputs: Vec<f64> = values
            .chunks_exact(self.units)
            .map(|g| g.iter().sum())
            .collect();
        ModelError::check_outputs(&outputs, self.dims())?;
        Ok(Box::new(At {
            committee: self,
            outputs,
            slopes,
        }))
    }
}

impl Linearization for At<'_> {
    fn dims(&self) -> Dims {
        self.committee.dims()
    }

    fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        let SoftCommittee {
            inputs,
            dimension,
            units,
        } = *self.committee;
        let examples = inputs
            .chunks_exact(dimension)
            .zip(self.slopes.chunks_exact(units));
        for (o, (x, slopes)) in out.iter_mut().zip(examples) {
            let moved = tangent.chunks_exact(dimension).map(|w| dot(w, x));
            *o = moved.zip(slopes).map(|(m, s)| m * s).sum();
        }
    }

    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        let SoftCommittee {
            inputs,
            dimension,
            units,
        } = *self.committee;
        out.fill(0.0);
        let examples = inputs
            .chunks_exact(dimension)
            .zip(self.slopes.chunks_exact(units));
        for (u, (x, slopes)) in cotangent.iter().zip(examples) {
            for (w, s) in out.chunks_exact_mut(dimension).zip(slopes) {
                for (w, x) in w.iter_mut().zip(x) {
                    *w += u * s * x;
                }
            }
        }
    }
}

/// `w_i·w'_j` for all units of one set of weights against all of another.
pub(super) fn overlaps(one: &[f64], other: &[f64], dimension: usize) -> Mat<f64> {
    let rows = |weights: &'_ [f64]| weights.len() / dimension;
    let one = MatRef::from_row_major_slice(one, rows(one), dimension);
    let other = MatRef::from_row_major_slice(other, rows(other), dimension);
    one * other.transpose()
}

/// `a·b`, in eight sums at a time: one sum would wait for each addition.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = (a.remainder().iter())
        .zip(b.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a.zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    rest + lanes.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use neuromanifold_model::check;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    #[test]
    fn the_map_is_consistent() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let inputs: Vec<f64> = (0..55).map(|_| StandardNormal.sample(&mut rng)).collect();
        let committee = SoftCommittee {
            inputs: &inputs,
            dimension: 11,
            units: 2,
        };
        let weights: Vec<f64> = (0..22).map(|k| (1.7 * f64::from(k)).sin()).collect();
        check::finite_difference(&committee, &weights).unwrap();
        let at = committee.linearize(&weights).unwrap();
        assert!((committee.output(&weights) - at.outputs()[0]).abs() < 1e-15);
    }
}
