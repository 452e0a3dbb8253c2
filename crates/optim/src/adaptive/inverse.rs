use super::rule::Update;
use super::symmetric::{Symmetric, deflate};
use faer::{Mat, MatMut, MatRef};

/// The estimate `Ĝ⁻¹ ∈ R^{P×P}`, kept as `s (S − V Vᵀ)`.
///
/// A factor in front of the whole matrix changes only `s`. The columns of an update wait in `V` until [`PENDING`] of them
/// can be subtracted from `S` in one matrix product. `S`, of which only the lower triangle is stored, is thus read once a
/// step and written once in `PENDING` steps; and since there is no other triangle, symmetry cannot be lost.
#[derive(Clone, Debug)]
pub(super) struct InverseEstimate {
    scale: f64,
    matrix: Symmetric,
    /// Column after column.
    pending: Vec<f64>,
}

/// Columns that wait. Taking one in costs `P²/2` multiplications whatever their number; writing all of `S` costs as much
/// time again, and is shared by those that come together.
const PENDING: usize = 16;

/// Within this range the factor `s` cannot drive the entries of `S` out of that of `f64`.
const SCALES: std::ops::Range<f64> = 1e-50..1e50;

impl InverseEstimate {
    /// `scale·I`.
    pub(super) fn identity(dim: usize, scale: f64) -> Self {
        Self {
            scale,
            matrix: Symmetric::identity(dim),
            pending: Vec::with_capacity(PENDING * dim),
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.matrix.dim()
    }

    /// `out ← Ĝ⁻¹ x`.
    pub(super) fn apply(&self, x: &[f64], out: &mut [f64]) {
        self.matrix.apply(x, out);
        deflate(&self.pending, x, out);
        for o in out {
            *o *= self.scale;
        }
    }

    /// `out ← Ĝ⁻¹ A`.
    pub(super) fn apply_columns(&self, columns: MatRef<'_, f64>, mut out: MatMut<'_, f64>) {
        self.matrix.apply_columns(columns, out.as_mut());
        let dim = self.dim();
        let pending = MatRef::from_column_major_slice(&self.pending, dim, self.pending.len() / dim);
        let along = pending.transpose() * columns;
        out -= pending * along;
        out *= faer::Scale(self.scale);
    }

    /// `Ĝ⁻¹ ← growth·(Ĝ⁻¹ − weight·X Xᵀ)`, for `X` given column after column.
    pub(super) fn update(&mut self, update: Update, columns: &[f64]) {
        let size = (update.weight / self.scale).sqrt();
        self.pending.extend(columns.iter().map(|x| size * x));
        self.scale *= update.growth;
        if self.pending.len() >= PENDING * self.dim() {
            self.matrix.subtract(&self.pending);
            self.pending.clear();
            if !SCALES.contains(&self.scale) {
                self.matrix.scale(self.scale);
                self.scale = 1.0;
            }
        }
    }

    /// The whole matrix.
    pub(super) fn to_dense(&self) -> Mat<f64> {
        let mut settled = self.matrix.clone();
        settled.subtract(&self.pending);
        Mat::from_fn(self.dim(), self.dim(), |i, j| {
            self.scale * settled.lower(i.max(j), i.min(j))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over many flushes and far out of the range of the factor, against the same updates of a full matrix.
    #[test]
    fn growing_and_shrinking_beyond_the_range_of_the_factor_changes_no_digit_that_counts() {
        let dim = 3;
        for growth in [1e-4, 1e4] {
            let mut estimate = InverseEstimate::identity(dim, 1.0);
            let mut full: Mat<f64> = Mat::identity(dim, dim);
            let mut size: f64 = 1.0;
            for t in 0..40_u32 {
                let x: Vec<f64> = (0..3)
                    .map(|i| 0.3 * size.sqrt() * f64::from(3 * t + i).sin())
                    .collect();
                let weight = 0.7;
                estimate.update(Update { growth, weight }, &x);
                full = Mat::from_fn(dim, dim, |i, j| {
                    growth * (full[(i, j)] - weight * x[i] * x[j])
                });
                size *= growth;
                let got = estimate.to_dense();
                let scale = full.norm_max();
                assert!(scale.is_normal());
                assert!(
                    (&got - &full).norm_max() <= 1e-12 * scale,
                    "{got:?} {full:?}"
                );
            }
        }
    }
}
