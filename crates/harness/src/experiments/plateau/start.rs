//! Where a student of two units starts, in overlaps and in weights.

use faer::{Mat, mat};
use neuromanifold_geometry::closed_form::online::OrderParameters;

use crate::HarnessError;

/// Hidden units of student and teacher.
pub(super) const UNITS: usize = 2;

/// `Q` and `R` of a student at the beginning; the teacher's vectors are orthonormal.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) overlaps: OrderParameters,
}

impl Start {
    /// `Q = ¼ I` and `R = r₀ (1, 0.3; 0.2, 0.9)`: almost symmetric under exchange of its units, so that it cannot tell which
    /// teacher unit either of them should learn.
    pub(super) fn near_symmetric(asymmetry: f64) -> Result<Self, HarnessError> {
        let r = mat![[1.0, 0.3], [0.2, 0.9]] * asymmetry;
        Self::new(&mat![[0.25, 0.0], [0.0, 0.25]], &r)
    }

    /// A student whose units have chosen: `R = (0.3, 0.05; 0.05, 0.2)`, and `Q = R Rᵀ + 0.16 I`.
    pub(super) fn decided() -> Result<Self, HarnessError> {
        let r = mat![[0.3, 0.05], [0.05, 0.2]];
        let q = &r * r.transpose() + Mat::<f64>::identity(UNITS, UNITS) * 0.16;
        Self::new(&q, &r)
    }

    /// A student whose units are alike: `Q = ¼ I`, all entries of `R` the same.
    pub(super) fn symmetric(overlap: f64) -> Result<Self, HarnessError> {
        Self::new(
            &mat![[0.25, 0.0], [0.0, 0.25]],
            &Mat::full(UNITS, UNITS, overlap),
        )
    }

    fn new(students: &Mat<f64>, overlaps: &Mat<f64>) -> Result<Self, HarnessError> {
        let overlaps = OrderParameters::new(students.as_ref(), overlaps.as_ref())?;
        Ok(Self { overlaps })
    }

    /// Weights of such a student. The inputs are isotropic, so it may as well lie along the first axes: those of the teacher,
    /// and two more for what they do not account for of `Q`.
    pub(super) fn weights(&self, dimension: usize) -> Vec<f64> {
        let (q, r) = (self.overlaps.students(), self.overlaps.overlaps());
        let rest = q - r * r.transpose();
        let first = rest[(0, 0)].sqrt();
        let cross = rest[(1, 0)] / first;
        let second = (rest[(1, 1)] - cross * cross).sqrt();
        let mut weights = vec![0.0; UNITS * dimension];
        weights[..4].copy_from_slice(&[r[(0, 0)], r[(0, 1)], first, 0.0]);
        weights[dimension..dimension + 4].copy_from_slice(&[r[(1, 0)], r[(1, 1)], cross, second]);
        weights
    }
}

/// Two orthonormal weight vectors.
pub(super) fn teacher(dimension: usize) -> Vec<f64> {
    let mut weights = vec![0.0; UNITS * dimension];
    weights[0] = 1.0;
    weights[dimension + 1] = 1.0;
    weights
}

#[cfg(test)]
mod tests {
    use super::super::committee::overlaps;
    use super::*;

    #[test]
    fn the_student_starts_with_the_stated_overlaps() {
        let dimension = 7;
        for start in [Start::near_symmetric(0.1), Start::decided()] {
            let start = start.unwrap();
            let student = start.weights(dimension);
            let q = overlaps(&student, &student, dimension);
            let r = overlaps(&student, &teacher(dimension), dimension);
            assert!((q - start.overlaps.students()).norm_max() < 1e-15);
            assert!((r - start.overlaps.overlaps()).norm_max() < 1e-15);
        }
    }
}
