use crate::symmetric::check_lower;
use crate::{MetricError, RankTolerance};
use faer::diag::{Diag, DiagRef};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, MatMut, MatRef, Par};

/// All eigenvalues and eigenvectors of a metric: `G = U diag(λ) Uᵀ`, eigenvalues ascending.
///
/// Everything that needs a decision about rank takes a [`RankTolerance`]; an invalid one (negative or NaN) is a caller's
/// bug and panics instead of making up a rank.
#[derive(Clone, Debug)]
pub struct Spectrum {
    eigenvalues: Vec<f64>,
    eigenvectors: Mat<f64>,
}

impl Spectrum {
    /// Decomposes a symmetric matrix, of which only the lower triangle is read. Cost: about `9P³` multiplications.
    ///
    /// The same bits with any number of threads.
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

    /// The sum of the eigenvalues.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.eigenvalues.iter().sum()
    }

    /// `log det(G + λI) = Σ log(λ_i + λ)`, for `λ ≥ 0`. Eigenvalues are clipped at zero, where a metric's end.
    ///
    /// # Errors
    /// [`MetricError::Damping`] for a negative or non-finite λ; [`MetricError::NotPositiveDefinite`] where the smallest
    /// `λ_i + λ` is not larger than the rounding of the largest eigenvalue, so that its logarithm would be noise.
    ///
    /// ```
    /// use neuromanifold_geometry::{Spectrum, faer::mat};
    ///
    /// let spectrum = Spectrum::new(mat![[2.0, 1.0], [1.0, 2.0]].as_ref())?; // eigenvalues 1 and 3
    /// assert!((spectrum.log_determinant(0.5)? - (1.5f64 * 3.5).ln()).abs() < 1e-14);
    /// assert!((spectrum.effective_dimension(1.0)? - (1.0 / 2.0 + 3.0 / 4.0)).abs() < 1e-14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_determinant(&self, lambda: f64) -> Result<f64, MetricError> {
        MetricError::check_shift(lambda)?;
        let dim = self.eigenvalues.len();
        let noise = RankTolerance::rounding(dim).threshold(self.largest().max(0.0));
        let mut sum = 0.0;
        for (pivot, eigenvalue) in self.eigenvalues.iter().enumerate() {
            let value = eigenvalue.max(0.0) + lambda;
            let trusted = value > noise; // false for NaN
            if !trusted {
                return Err(MetricError::NotPositiveDefinite {
                    pivot,
                    value,
                    dim,
                    lambda,
                });
            }
            sum += value.ln();
        }
        Ok(sum)
    }

    /// `Σ λ_i/(λ_i + γ)` for `γ > 0`: how many directions the metric sees above the level γ. Between 0 and the rank.
    ///
    /// In Bayesian terms the number of parameters that data determine against a prior of precision γ (both per example).
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless γ is positive and finite.
    ///
    /// # References
    /// D. MacKay, *Bayesian interpolation*, Neural Computation 4 (1992) 415–447, doi:10.1162/neco.1992.4.3.415.
    pub fn effective_dimension(&self, gamma: f64) -> Result<f64, MetricError> {
        MetricError::check_damping(gamma)?;
        let seen = |value: &f64| value.max(0.0) / (value.max(0.0) + gamma);
        Ok(self.eigenvalues.iter().map(seen).sum())
    }

    /// The number of eigenvalues that count as zero.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn nullity(&self, tolerance: RankTolerance) -> usize {
        let threshold = tolerance.threshold(self.largest());
        self.eigenvalues
            .partition_point(|value| *value <= threshold)
    }

    /// The number of eigenvalues that count as positive.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn rank(&self, tolerance: RankTolerance) -> usize {
        self.eigenvalues.len() - self.nullity(tolerance)
    }

    /// An orthonormal basis of the null space, `P × nullity`.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn null_space(&self, tolerance: RankTolerance) -> MatRef<'_, f64> {
        self.eigenvectors.get(.., ..self.nullity(tolerance))
    }

    /// How clear the rank is: the smallest eigenvalue that counts as positive over the largest magnitude that counts as
    /// zero. Infinite where nothing counts as zero or the zeros are exact; near one, the rank is a matter of taste.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
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
    /// If a slice does not have length `P`, or the tolerance is negative or not finite.
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
    /// If a slice does not have length `P`, or the tolerance is negative or not finite.
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

/// Reduction to tridiagonal form, its eigendecomposition by divide and conquer, and the way back.
///
/// Only the first of the three rounds differently with the *number* that it is given for its threads, so that number is
/// fixed; the pool behind it may have any size.
fn decompose(
    matrix: MatRef<'_, f64>,
    eigenvalues: &mut Diag<f64>,
    eigenvectors: Option<MatMut<'_, f64>>,
) -> Result<(), MetricError> {
    let dim = matrix.nrows();
    let lanes = if dim < 256 { Par::Seq } else { Par::rayon(2) };
    let wanted = match eigenvectors {
        Some(_) => ComputeEigenvectors::Yes,
        None => ComputeEigenvectors::No,
    };
    let params = Default::default();
    let scratch = self_adjoint_evd_scratch::<f64>(dim, wanted, lanes, params);
    let mut memory = MemBuffer::new(scratch);
    self_adjoint_evd(
        matrix,
        eigenvalues.as_mut(),
        eigenvectors,
        lanes,
        MemStack::new(&mut memory),
        params,
    )
    .map_err(|_| MetricError::Eigen { dim })
}

fn entries(diagonal: DiagRef<'_, f64>) -> Vec<f64> {
    diagonal.column_vector().iter().copied().collect()
}
