use crate::MetricError;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::cholesky::llt::solve::solve_in_place;
use faer::{ColMut, Mat, MatRef, Par};

/// `G + λI = L Lᵀ`, kept for any number of solves.
#[derive(Clone, Debug)]
pub struct Cholesky {
    factor: Mat<f64>,
}

impl Cholesky {
    /// Factors `matrix + λI`, of which only the lower triangle is read; `λ ≥ 0`.
    ///
    /// A pivot that is not larger than `P ε` times the diagonal entry it comes from is rounding noise: a solve through
    /// it would return a large and meaningless vector, so it is refused instead.
    ///
    /// Cost: `P³/3` multiplications.
    ///
    /// # Errors
    /// [`MetricError::NotPositiveDefinite`] with the pivot; [`MetricError::Damping`] for a negative or non-finite λ;
    /// [`MetricError::Shape`].
    pub fn new(matrix: MatRef<'_, f64>, lambda: f64) -> Result<Self, MetricError> {
        crate::symmetric::check_shape(matrix)?;
        if lambda.is_nan() || lambda < 0.0 || lambda.is_infinite() {
            return Err(MetricError::Damping { lambda });
        }
        let dim = matrix.nrows();
        let mut factor = matrix.to_owned();
        for i in 0..dim {
            factor[(i, i)] += lambda;
        }
        let diagonal: Vec<f64> = (0..dim).map(|i| factor[(i, i)]).collect();
        let refuse = |pivot: usize, value: f64| MetricError::NotPositiveDefinite {
            pivot,
            value,
            dim,
            lambda,
        };
        let par = parallelism(dim);
        let params = Default::default();
        let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(dim, par, params));
        let stack = MemStack::new(&mut memory);
        match cholesky_in_place(factor.as_mut(), Default::default(), par, stack, params) {
            Ok(_) => {}
            Err(LltError::NonPositivePivot { index }) => {
                return Err(refuse(index, factor[(index, index)].min(0.0)));
            }
        }
        for (i, own) in diagonal.iter().enumerate() {
            let pivot = factor[(i, i)] * factor[(i, i)];
            let trusted = pivot > dim as f64 * f64::EPSILON * own; // false for NaN
            if !trusted {
                return Err(refuse(i, pivot));
            }
        }
        Ok(Self { factor })
    }

    /// Number of rows.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.factor.nrows()
    }

    /// `x ← (G + λI)⁻¹ x` in place. Cost: `P²` multiplications.
    ///
    /// # Panics
    /// If `x` does not have length `P`.
    pub fn solve_in_place(&self, x: &mut [f64]) {
        solve_in_place(
            self.factor.as_ref(),
            ColMut::from_slice_mut(x).as_mat_mut(),
            Par::Seq,
            MemStack::new(&mut []),
        );
    }

    /// `log det(G + λI)`.
    #[must_use]
    pub fn log_determinant(&self) -> f64 {
        (0..self.dim())
            .map(|i| 2.0 * self.factor[(i, i)].ln())
            .sum()
    }
}

/// Two threads pay from a few hundred rows; faer's factorisations give the same bits with any number of them.
pub(crate) fn parallelism(dim: usize) -> Par {
    if dim < 256 { Par::Seq } else { Par::rayon(0) }
}
