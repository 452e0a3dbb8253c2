use crate::error::Quantity;
use crate::{MetricError, RankTolerance};
use faer::diag::{Diag, DiagRef};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, MatMut, MatRef, Par};

/// All eigenvalues and eigenvectors of a metric: `G = U diag(λ) Uᵀ`, eigenvalues ascending.
///
/// Everything that needs a decision about rank takes a [`RankTolerance`].
#[derive(Clone, Debug)]
pub struct Spectrum {
    eigenvalues: Vec<f64>,
    eigenvectors: Mat<f64>,
}

impl Spectrum {
    /// Decomposes a symmetric matrix, of which only the lower triangle is read. Cost: about `9P³` multiplications.
    ///
    /// Runs on one thread: the same bits on every machine with the same instruction set.
    ///
    /// # Errors
    /// [`MetricError::Shape`], [`MetricError::NotFinite`], [`MetricError::Eigen`].
    pub fn new(matrix: MatRef<'_, f64>) -> Result<Self, MetricError> {
        check_lower(matrix)?;
        let dim = matrix.nrows();
        let mut eigenvectors = Mat::zeros(dim, dim);
        let mut eigenvalues: Diag<f64> = Diag::zeros(dim);
        decompose(matrix, &mut eigenvalues, Some(eigenvectors.as_mut()))?;
        Ok(Self {
            eigenvalues: entries(eigenvalues.as_ref()),
            eigenvectors,
        })
    }

    /// The eigenvalues alone, ascending. Cost: about `4/3 P³` multiplications.
    ///
    /// # Errors
    /// As [`Spectrum::new`].
    pub fn eigenvalues_of(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, MetricError> {
        check_lower(matrix)?;
        let dim = matrix.nrows();
        let mut eigenvalues: Diag<f64> = Diag::zeros(dim);
        decompose(matrix, &mut eigenvalues, None)?;
        Ok(entries(eigenvalues.as_ref()))
    }

    /// The eigenvalues, ascending, as computed: an exact zero shows as rounding noise of either sign.
    #[must_use]
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The orthonormal eigenvectors, one a column, in the order of the eigenvalues.
    #[must_use]
    pub fn eigenvectors(&self) -> MatRef<'_, f64> {
        self.eigenvectors.as_ref()
    }

    /// The largest eigenvalue.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.eigenvalues.last().copied().unwrap_or(0.0)
    }

    /// The number of eigenvalues that count as zero.
    #[must_use]
    pub fn nullity(&self, tolerance: RankTolerance) -> usize {
        let threshold = tolerance.threshold(self.largest());
        self.eigenvalues
            .partition_point(|value| *value <= threshold)
    }

    /// The number of eigenvalues that count as positive.
    #[must_use]
    pub fn rank(&self, tolerance: RankTolerance) -> usize {
        self.eigenvalues.len() - self.nullity(tolerance)
    }

    /// An orthonormal basis of the null space, `P × nullity`.
    #[must_use]
    pub fn null_space(&self, tolerance: RankTolerance) -> MatRef<'_, f64> {
        self.eigenvectors.get(.., ..self.nullity(tolerance))
    }

    /// How clear the rank is: the smallest eigenvalue that counts as positive over the largest magnitude that counts as
    /// zero. Infinite where nothing counts as zero or the zeros are exact; near one, the rank is a matter of taste.
    #[must_use]
    pub fn gap(&self, tolerance: RankTolerance) -> f64 {
        let (zeros, rest) = self.eigenvalues.split_at(self.nullity(tolerance));
        let noise = zeros.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        match rest.first() {
            Some(smallest) if noise > 0.0 => smallest / noise,
            Some(_) => f64::INFINITY,
            None => 0.0,
        }
    }

    /// `out ← G⁺ g`. Returns the rank that was used. Cost: `2·P·rank` multiplications.
    ///
    /// # Panics
    /// If a slice does not have length `P`.
    #[track_caller]
    pub fn pseudo_inverse(
        &self,
        gradient: &[f64],
        tolerance: RankTolerance,
        out: &mut [f64],
    ) -> usize {
        self.apply(gradient, tolerance, |value| 1.0 / value, out)
    }

    /// `out ← U f(λ) Uᵀ g` over the eigenvalues that count as positive; the others are dropped. Returns the rank.
    ///
    /// # Panics
    /// If a slice does not have length `P`.
    #[track_caller]
    pub fn apply(
        &self,
        vector: &[f64],
        tolerance: RankTolerance,
        function: impl Fn(f64) -> f64,
        out: &mut [f64],
    ) -> usize {
        let dim = self.eigenvalues.len();
        assert!(
            vector.len() == dim && out.len() == dim,
            "vectors of lengths {} and {} in a space of dimension {dim}",
            vector.len(),
            out.len()
        );
        let nullity = self.nullity(tolerance);
        out.fill(0.0);
        for k in nullity..dim {
            let axis = self.eigenvectors.col(k);
            let along: f64 = axis.iter().zip(vector).map(|(u, g)| u * g).sum();
            let weight = function(self.eigenvalues[k]) * along;
            for (o, u) in out.iter_mut().zip(axis.iter()) {
                *o += weight * u;
            }
        }
        dim - nullity
    }
}

/// Passes if the lower triangle is finite.
fn check_lower(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    crate::dense::check_shape(matrix)?;
    let dim = matrix.nrows();
    for column in 0..dim {
        for row in column..dim {
            let value = matrix[(row, column)];
            if !value.is_finite() {
                return Err(MetricError::NotFinite {
                    what: Quantity::Metric,
                    index: column * dim + row,
                    value,
                });
            }
        }
    }
    Ok(())
}

fn decompose(
    matrix: MatRef<'_, f64>,
    eigenvalues: &mut Diag<f64>,
    eigenvectors: Option<MatMut<'_, f64>>,
) -> Result<(), MetricError> {
    let dim = matrix.nrows();
    let wanted = match eigenvectors {
        Some(_) => ComputeEigenvectors::Yes,
        None => ComputeEigenvectors::No,
    };
    let params = Default::default();
    let scratch = self_adjoint_evd_scratch::<f64>(dim, wanted, Par::Seq, params);
    let mut memory = MemBuffer::new(scratch);
    self_adjoint_evd(
        matrix,
        eigenvalues.as_mut(),
        eigenvectors,
        Par::Seq,
        MemStack::new(&mut memory),
        params,
    )
    .map_err(|_| MetricError::Eigen { dim })
}

fn entries(diagonal: DiagRef<'_, f64>) -> Vec<f64> {
    diagonal.column_vector().iter().copied().collect()
}
