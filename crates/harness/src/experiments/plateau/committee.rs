//! The soft committee machine `f(x) = Σ_i φ(w_i·x)`, `φ(u) = erf(u/√2)`, with outgoing weights held at one.
//!
//! Its geometry for inputs `x ~ N(0, I_n)` is known in closed form, so on-line learning can be watched through the overlaps
//! `Q_ij = w_i·w_j` and `R_ij = w_i·b_j` with a teacher's weights `b_j`.

use std::f64::consts::PI;

use faer::Mat;
use neuromanifold_geometry::{Cholesky, DenseFisher, Inverse, Metric, MetricError};
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
    let row = |weights: &[f64], i: usize| weights[i * dimension..(i + 1) * dimension].to_vec();
    Mat::from_fn(one.len() / dimension, other.len() / dimension, |i, j| {
        dot(&row(one, i), &row(other, j))
    })
}

/// `½ E[(f(x) − f_teacher(x))²]` for `x ~ N(0, I)`: sums of `(2/π) asin(C_ij/√((1+C_ii)(1+C_jj)))` over pairs of units
/// (Saad and Solla 1995, eq. 5).
pub(super) fn generalisation_error(student: &[f64], teacher: &[f64], dimension: usize) -> f64 {
    let q = overlaps(student, student, dimension);
    let r = overlaps(student, teacher, dimension);
    let t = overlaps(teacher, teacher, dimension);
    let pair = |c: f64, a: f64, b: f64| (c / ((1.0 + a) * (1.0 + b)).sqrt()).asin() / PI;
    let (k, m) = (r.nrows(), r.ncols());
    let mut error = 0.0;
    for i in 0..k {
        for j in 0..k {
            error += pair(q[(i, j)], q[(i, i)], q[(j, j)]);
        }
        for n in 0..m {
            error -= 2.0 * pair(r[(i, n)], q[(i, i)], t[(n, n)]);
        }
    }
    for n in 0..m {
        for l in 0..m {
            error += pair(t[(n, l)], t[(n, n)], t[(l, l)]);
        }
    }
    error.max(0.0) // a difference of equal terms at a perfect student
}

/// The Fisher metric for `x ~ N(0, I)` and unit noise: for units `a`, `b` with `Δ = (1+Q_aa)(1+Q_bb) − Q_ab²` the block
/// `(2/π)Δ^{−½} {I − Δ⁻¹[(1+Q_bb) w_a w_aᵀ + (1+Q_aa) w_b w_bᵀ − Q_ab(w_a w_bᵀ + w_b w_aᵀ)]}`
/// (Rattray, Saad and Amari 1998).
pub(super) fn fisher(weights: &[f64], dimension: usize) -> Mat<f64> {
    let q = overlaps(weights, weights, dimension);
    Mat::from_fn(weights.len(), weights.len(), |row, column| {
        let (a, i) = (row / dimension, row % dimension);
        let (b, j) = (column / dimension, column % dimension);
        let (qa, qb, qab) = (1.0 + q[(a, a)], 1.0 + q[(b, b)], q[(a, b)]);
        let delta = qa * qb - qab * qab;
        let (wa, wb) = (
            |k: usize| weights[a * dimension + k],
            |k: usize| weights[b * dimension + k],
        );
        let bracket =
            qb * wa(i) * wa(j) + qa * wb(i) * wb(j) - qab * (wa(i) * wb(j) + wb(i) * wa(j));
        2.0 / PI / delta.sqrt() * (f64::from(i == j) - bracket / delta)
    })
}

/// `out ← G⁻¹ g` without a matrix that grows with the inputs.
///
/// `G` differs from `A ⊗ I`, `A_ab = (2/π)Δ_ab^{−½}`, only inside the span of the weight vectors. In an orthonormal basis of
/// the span it is the same closed form on small vectors; on the complement `A` (`m × m`) is all there is (Yang and Amari
/// 1998). Cost: `O(n m²)` and a dense solve of size `m²`.
pub(super) fn natural_direction(
    weights: &[f64],
    gradient: &[f64],
    dimension: usize,
    out: &mut [f64],
) -> Result<(), MetricError> {
    let units = weights.len() / dimension;
    let basis = orthonormal(weights, dimension);
    let rank = basis.len() / dimension;
    let inside = |vectors: &[f64]| -> Vec<f64> {
        let rows = vectors.chunks_exact(dimension);
        rows.flat_map(|v| basis.chunks_exact(dimension).map(move |u| dot(u, v)))
            .collect()
    };
    let (small_weights, small_gradient) = (inside(weights), inside(gradient));
    let mut small = vec![0.0; units * rank];
    let metric = DenseFisher::from_matrix(fisher(&small_weights, rank).as_ref())?;
    metric.raise(&small_gradient, Inverse::Exact, &mut small)?;

    let q = overlaps(weights, weights, dimension);
    let coupling = Mat::from_fn(units, units, |a, b| {
        let delta = (1.0 + q[(a, a)]) * (1.0 + q[(b, b)]) - q[(a, b)] * q[(a, b)];
        2.0 / PI / delta.sqrt()
    });
    let coupling = Cholesky::new(coupling.as_ref(), 0.0)?;
    let mut across = vec![0.0; units];
    for i in 0..dimension {
        for (a, value) in across.iter_mut().enumerate() {
            let along = (0..rank).map(|r| small_gradient[a * rank + r] * basis[r * dimension + i]);
            *value = gradient[a * dimension + i] - along.sum::<f64>();
        }
        coupling.solve_in_place(&mut across);
        for (a, value) in across.iter().enumerate() {
            let along = (0..rank).map(|r| small[a * rank + r] * basis[r * dimension + i]);
            out[a * dimension + i] = value + along.sum::<f64>();
        }
    }
    Ok(())
}

/// An orthonormal basis of the span of some vectors, by Gram–Schmidt, twice; dependent vectors add nothing.
fn orthonormal(vectors: &[f64], dimension: usize) -> Vec<f64> {
    let mut basis: Vec<f64> = Vec::new();
    for vector in vectors.chunks_exact(dimension) {
        let mut rest = vector.to_vec();
        for _ in 0..2 {
            for u in basis.chunks_exact(dimension) {
                let along = dot(u, &rest);
                rest.iter_mut().zip(u).for_each(|(r, u)| *r -= along * u);
            }
        }
        let norm = dot(&rest, &rest).sqrt();
        if norm > 1e-12 * dot(vector, vector).sqrt() {
            basis.extend(rest.iter().map(|r| r / norm));
        }
    }
    basis
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use neuromanifold_model::{Gaussian, check};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    const STUDENT: [f64; 6] = [0.7, -0.4, 0.2, 0.1, 0.9, -0.6];
    const TEACHER: [f64; 6] = [1.0, 0.0, 0.3, -0.2, 0.8, 0.5];

    fn gaussian_inputs(examples: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..3 * examples)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect()
    }

    fn on(inputs: &[f64]) -> SoftCommittee<'_> {
        SoftCommittee {
            inputs,
            dimension: 3,
            units: 2,
        }
    }

    #[test]
    fn the_map_is_consistent() {
        check::finite_difference(&on(&gaussian_inputs(5)), &STUDENT).unwrap();
    }

    #[test]
    fn the_structured_direction_is_the_dense_one() {
        let weights: Vec<f64> = (0..14).map(|k| (1.7 * f64::from(k)).sin()).collect();
        let gradient: Vec<f64> = (0..14).map(|k| (0.9 * f64::from(k)).cos()).collect();
        let (mut dense, mut structured) = ([0.0; 14], [0.0; 14]);
        let metric = DenseFisher::from_matrix(fisher(&weights, 7).as_ref()).unwrap();
        metric.raise(&gradient, Inverse::Exact, &mut dense).unwrap();
        natural_direction(&weights, &gradient, 7, &mut structured).unwrap();
        for (d, s) in dense.iter().zip(&structured) {
            assert!((d - s).abs() < 1e-12, "{d} {s}");
        }
    }

    #[test]
    fn closed_forms_are_what_sampling_finds() {
        let inputs = gaussian_inputs(40_000);
        let committee = on(&inputs);
        let at = committee.linearize(&STUDENT).unwrap();
        let sampled = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
        // entries have a spread of about ½: five standard errors of the mean of 40 000
        let error = (sampled.matrix() - fisher(&STUDENT, 3)).norm_max();
        assert!(error < 0.0125, "{error}");

        let teacher = committee.linearize(&TEACHER).unwrap();
        let squares = at
            .outputs()
            .iter()
            .zip(teacher.outputs())
            .map(|(a, b)| 0.5 * (a - b).powi(2));
        let mean = squares.sum::<f64>() / 40_000.0;
        let exact = generalisation_error(&STUDENT, &TEACHER, 3);
        assert!((mean / exact - 1.0).abs() < 0.05, "{mean} {exact}");
        assert!(generalisation_error(&TEACHER, &TEACHER, 3) < 1e-15);
    }
}
