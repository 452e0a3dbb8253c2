//! On-line learning of a two-unit teacher by a two-unit student, seen through the order parameters.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::committee::{SoftCommittee, generalisation_error, overlaps};
use super::learner::Learner;
use crate::{Context, HarnessError};

/// Hidden units of student and teacher.
pub(super) const UNITS: usize = 2;

/// One run: what there was to see at times `α = 0, 1, 2, …`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Trajectory {
    pub(super) alpha: Vec<f64>,
    pub(super) error: Vec<f64>,
    /// `R_11, R_12, R_21, R_22`.
    pub(super) teacher_overlaps: Vec<[f64; 4]>,
    /// `Q_11, Q_12, Q_22`.
    pub(super) student_overlaps: Vec<[f64; 3]>,
}

impl Trajectory {
    /// The first time at which the generalisation error is below a level, or infinity.
    pub(super) fn escape(&self, level: f64) -> f64 {
        let first = self.error.iter().position(|error| *error < level);
        first.map_or(f64::INFINITY, |k| self.alpha[k])
    }
}

/// Learns from `α_max·n` examples `y = f_teacher(x)`, `x ~ N(0, I_n)`, without noise.
pub(super) fn learn(
    learner: Learner,
    dimension: usize,
    asymmetry: f64,
    alpha_max: usize,
    context: &Context,
    rng: &mut ChaCha8Rng,
) -> Result<Trajectory, HarnessError> {
    let teacher = teacher(dimension);
    let mut weights = near_symmetric_student(dimension, asymmetry);
    let mut work = learner.begin(dimension, weights.len())?;
    let mut trajectory = Trajectory::default();
    let mut x = vec![0.0; dimension];
    for alpha in 0..=alpha_max {
        context.check()?;
        trajectory.record(alpha as f64, &weights, &teacher, dimension);
        for _ in 0..dimension {
            x.fill_with(|| StandardNormal.sample(rng));
            let committee = SoftCommittee {
                inputs: &x,
                dimension,
                units: UNITS,
            };
            let target = committee.output(&teacher);
            work.learn(&committee, target, &mut weights)?;
        }
    }
    Ok(trajectory)
}

impl Trajectory {
    fn record(&mut self, alpha: f64, weights: &[f64], teacher: &[f64], dimension: usize) {
        let r = overlaps(weights, teacher, dimension);
        let q = overlaps(weights, weights, dimension);
        self.alpha.push(alpha);
        self.error
            .push(generalisation_error(weights, teacher, dimension));
        self.teacher_overlaps
            .push([r[(0, 0)], r[(0, 1)], r[(1, 0)], r[(1, 1)]]);
        self.student_overlaps
            .push([q[(0, 0)], q[(0, 1)], q[(1, 1)]]);
    }
}

/// Two orthonormal weight vectors. The inputs are isotropic, so they may as well lie along axes.
fn teacher(dimension: usize) -> Vec<f64> {
    let mut weights = vec![0.0; UNITS * dimension];
    weights[0] = 1.0;
    weights[dimension + 1] = 1.0;
    weights
}

/// A student with `Q = ¼ I` and `R = r₀ (1, 0.3; 0.2, 0.9)`: almost symmetric under exchange of its units, so that it
/// cannot tell which teacher unit either of them should learn.
fn near_symmetric_student(dimension: usize, asymmetry: f64) -> Vec<f64> {
    let r = [[1.0, 0.3], [0.2, 0.9]].map(|row| row.map(|entry: f64| asymmetry * entry));
    // What the teacher's plane does not account for of Q, factored along the next two axes.
    let rest =
        |i: usize, k: usize| 0.25 * f64::from(i == k) - r[i][0] * r[k][0] - r[i][1] * r[k][1];
    let first = rest(0, 0).sqrt();
    let cross = rest(1, 0) / first;
    let mut weights = vec![0.0; UNITS * dimension];
    weights[..4].copy_from_slice(&[r[0][0], r[0][1], first, 0.0]);
    let second = (rest(1, 1) - cross * cross).sqrt();
    weights[dimension..dimension + 4].copy_from_slice(&[r[1][0], r[1][1], cross, second]);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_student_starts_with_the_stated_overlaps() {
        let (dimension, asymmetry) = (7, 0.1);
        let student = near_symmetric_student(dimension, asymmetry);
        let q = overlaps(&student, &student, dimension);
        let r = overlaps(&student, &teacher(dimension), dimension);
        for (i, k, expected) in [(0, 0, 0.25), (0, 1, 0.0), (1, 1, 0.25)] {
            assert!((q[(i, k)] - expected).abs() < 1e-15);
        }
        for (i, n, expected) in [(0, 0, 0.1), (0, 1, 0.03), (1, 0, 0.02), (1, 1, 0.09)] {
            assert!((r[(i, n)] - expected).abs() < 1e-15);
        }
    }
}
