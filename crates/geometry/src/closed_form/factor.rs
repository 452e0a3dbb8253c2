use crate::MetricError;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Mat, MatMut, MatRef, Par};

/// `A = L Lᵀ` of a symmetric positive definite matrix, with solves for many right-hand sides and half solves.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    lower: Mat<f64>,
}

impl Factor {
    /// Factors a matrix of which the lower triangle is read. Pivots that are rounding noise are refused; `lambda` is only quoted.
    pub(crate) fn new(matrix: MatRef<'_, f64>, lambda: f64) -> Result<Self, MetricError> {
        let dim = matrix.nrows();
        let mut lower = matrix.to_owned();
        let par = if dim < 256 { Par::Seq } else { Par::rayon(0) };
        let params = Default::default();
        let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(dim, par, params));
        let stack = MemStack::new(&mut memory);
        let refuse = |pivot: usize, value: f64| MetricError::NotPositiveDefinite {
            pivot,
            value,
            dim,
            lambda,
        };
        if let Err(LltError::NonPositivePivot { index }) =
            cholesky_in_place(lower.as_mut(), Default::default(), par, stack, params)
        {
            return Err(refuse(index, lower[(index, index)].min(0.0)));
        }
        for i in 0..dim {
            let pivot = lower[(i, i)] * lower[(i, i)];
            let trusted = pivot > dim as f64 * f64::EPSILON * matrix[(i, i)]; // false for NaN
            if !trusted {
                return Err(refuse(i, pivot));
            }
        }
        Ok(Self { lower })
    }

    /// `X ← L⁻¹ X`.
    pub(crate) fn half_solve(&self, columns: MatMut<'_, f64>) {
        solve_lower_triangular_in_place(self.lower.as_ref(), columns, Par::Seq);
    }

    /// `X ← A⁻¹ X`.
    pub(crate) fn solve(&self, mut columns: MatMut<'_, f64>) {
        self.half_solve(columns.as_mut());
        solve_upper_triangular_in_place(self.lower.transpose(), columns, Par::Seq);
    }

    /// `log det A`.
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.lower.nrows())
            .map(|i| 2.0 * self.lower[(i, i)].ln())
            .sum()
    }
}
