use super::Band;
use crate::OptimError;
use crate::error::Quantity;
use crate::step::dot;
use faer::linalg::matmul::matmul;
use faer::{Accum, ColRef, Mat, MatRef, Par};
use neuromanifold_geometry::{DenseFisher, Inverse, Metric};
use neuromanifold_model::{Cotangents, Linearization, ModelError};

/// A covariance `Σ ∈ R^{P×P}` of θ, with directions in which θ is not determined at all.
///
/// Memory: `P²` numbers.
#[derive(Clone, Debug)]
pub struct Covariance {
    matrix: Mat<f64>,
    /// `F` with `Σ = F Fᵀ`, where it is known: `|Fᵀg|²` keeps digits that `gᵀΣg` loses.
    factor: Option<Mat<f64>>,
    undetermined: Option<Undetermined>,
}

/// The null space of a metric.
#[derive(Clone, Debug)]
pub(super) struct Undetermined {
    /// Orthonormal columns.
    pub(super) basis: Mat<f64>,
    /// A covector with a larger part of its length than this along the basis is not zero on it.
    pub(super) tolerance: f64,
}

/// Columns of a Jacobian at a time.
const BLOCK: usize = 256;

impl Covariance {
    /// `Σ = (N G)⁻¹` in the sense of an [`Inverse`]: the Cramér–Rao bound, and asymptotically the covariance of the
    /// maximum-likelihood estimate from `examples` independent examples, if the model is right.
    ///
    /// `fisher` is the metric at the estimate, of the likelihood with its real noise (`Gaussian::new(s)` with
    /// `s² = Σ r²/(N − P)` where the noise has to be estimated too). For [`Inverse::Pseudo`] a function counts as constant along
    /// the null space if less than the square root of the relative tolerance of its gradient lies there.
    ///
    /// Cost: `P³` multiplications, or that of a spectrum for a pseudo-inverse.
    ///
    /// # Errors
    /// [`OptimError::Metric`]: a singular metric with [`Inverse::Exact`], an invalid damping or tolerance.
    /// [`OptimError::Setting`] for no examples.
    pub fn of_estimate(
        fisher: &DenseFisher,
        examples: usize,
        inverse: Inverse,
    ) -> Result<Self, OptimError> {
        let count = examples as f64;
        OptimError::check_setting("the number of examples", count, examples > 0, "at least 1")?;
        match inverse {
            Inverse::Exact => Self::by_cholesky(fisher, count, 0.0),
            Inverse::Damped { lambda } if lambda > 0.0 => Self::by_cholesky(fisher, count, lambda),
            Inverse::Pseudo { tolerance } => {
                let tolerance = tolerance.validate()?;
                let spectrum = fisher.spectrum()?;
                let null_space = spectrum.null_space(tolerance);
                let vectors = spectrum.eigenvectors().get(.., null_space.ncols()..);
                let values = &spectrum.eigenvalues()[null_space.ncols()..];
                let scaled = Mat::from_fn(vectors.nrows(), vectors.ncols(), |i, k| {
                    vectors[(i, k)] / (count * values[k]).sqrt()
                });
                let threshold = tolerance.threshold(spectrum.largest());
                let undetermined = (null_space.ncols() > 0).then(|| Undetermined {
                    basis: null_space.to_owned(),
                    tolerance: (threshold / spectrum.largest()).sqrt(),
                });
                Ok(Self::from_factor(scaled, undetermined))
            }
            other => Self::by_columns(fisher.dim(), count, |column| {
                let unit = column.to_vec();
                fisher.raise(&unit, other, column)?;
                Ok(())
            }),
        }
    }

    /// A covariance that was found in another way; symmetric.
    pub(crate) fn from_matrix(matrix: Mat<f64>) -> Self {
        Self {
            matrix,
            factor: None,
            undetermined: None,
        }
    }

    /// `Σ = F Fᵀ` on the complement of the null space.
    pub(super) fn from_factor(factor: Mat<f64>, undetermined: Option<Undetermined>) -> Self {
        Self {
            matrix: symmetric_product(factor.as_ref()),
            factor: Some(factor),
            undetermined,
        }
    }

    fn by_cholesky(fisher: &DenseFisher, count: f64, lambda: f64) -> Result<Self, OptimError> {
        let cholesky = fisher.cholesky(lambda)?;
        Self::by_columns(fisher.dim(), count, |column| {
            cholesky.solve_in_place(column);
            Ok(())
        })
    }

    /// From what an inverse makes of each unit vector.
    fn by_columns(
        dim: usize,
        count: f64,
        mut solve: impl FnMut(&mut [f64]) -> Result<(), OptimError>,
    ) -> Result<Self, OptimError> {
        let mut matrix = Mat::zeros(dim, dim);
        let mut column = vec![0.0; dim];
        for j in 0..dim {
            column.fill(0.0);
            column[j] = 1.0;
            solve(&mut column)?;
            for (i, value) in column.iter().enumerate().skip(j) {
                matrix[(i, j)] = value / count;
                matrix[(j, i)] = value / count;
            }
        }
        Ok(Self::from_matrix(matrix))
    }

    /// `P`.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.matrix.nrows()
    }

    /// `Σ`, both triangles. Where θ is not determined in some directions this is the part orthogonal to them.
    #[must_use]
    pub fn matrix(&self) -> MatRef<'_, f64> {
        self.matrix.as_ref()
    }

    /// How many directions of θ are not determined.
    #[must_use]
    pub fn undetermined(&self) -> usize {
        self.undetermined.as_ref().map_or(0, |u| u.basis.ncols())
    }

    /// `∇hᵀ Σ ∇h`: the variance of a function `h` of θ to first order, and the Cramér–Rao bound on that of any unbiased estimate
    /// of it; infinite if `h` changes in a direction that is not determined, NaN if the gradient is. Cost: `P²`.
    ///
    /// # Panics
    /// If `gradient` does not have length `P`.
    #[must_use]
    #[track_caller]
    pub fn variance(&self, gradient: &[f64]) -> f64 {
        assert_eq!(gradient.len(), self.dim(), "length of the gradient");
        if self.is_free(gradient) {
            return f64::INFINITY;
        }
        let along = |column: ColRef<'_, f64>| -> f64 {
            column.iter().zip(gradient).map(|(s, g)| s * g).sum()
        };
        if let Some(factor) = &self.factor {
            return factor.col_iter().map(|f| along(f).powi(2)).sum();
        }
        let columns = self.matrix.col_iter().zip(gradient);
        let variance: f64 = columns.map(|(column, g)| g * along(column)).sum();
        // below zero by rounding; NaN stays what it is
        if variance < 0.0 { 0.0 } else { variance }
    }

    /// The standard error of each parameter, `√Σ_ii`; infinite for those that data do not determine.
    #[must_use]
    pub fn standard_errors(&self) -> Vec<f64> {
        let mut unit = vec![0.0; self.dim()];
        let errors = (0..self.dim()).map(|i| {
            unit[i] = 1.0;
            let free = self.is_free(&unit);
            unit[i] = 0.0;
            if free {
                f64::INFINITY
            } else {
                self.matrix[(i, i)].max(0.0).sqrt()
            }
        });
        errors.collect()
    }

    /// The outputs of a network, at the examples of a linearisation at the estimate, with their standard deviations
    /// `√(J Σ Jᵀ)`. The examples need not be those of the fit.
    ///
    /// Cost: `P²·KN` multiplications.
    ///
    /// # Errors
    /// [`OptimError::Dimension`] for another number of parameters, [`OptimError::Model`] for outputs that are not finite,
    /// [`OptimError::NonFinite`] for derivatives of them, or variances, that are not.
    pub fn band(&self, linearization: &dyn Linearization) -> Result<Band, OptimError> {
        let dims = linearization.dims();
        if dims.parameters != self.dim() {
            return Err(OptimError::Dimension {
                expected: self.dim(),
                got: dims.parameters,
            });
        }
        ModelError::check_outputs(linearization.outputs(), dims)?;
        let (outputs, dim) = (dims.outputs, self.dim());
        let identity: Vec<f64> = (0..outputs * outputs * dims.examples)
            .map(|k| {
                if k / outputs % outputs == k % outputs {
                    1.0
                } else {
                    0.0
                }
            })
            .collect();
        let cotangents = Cotangents::new(&identity, outputs, outputs);
        let stride = (BLOCK / outputs).clamp(1, dims.examples);
        let mut rows = Mat::zeros(dim, stride * outputs);
        // Fᵀ J_sᵀ where Σ = F Fᵀ, else Σ J_sᵀ
        let sigma = match &self.factor {
            Some(factor) => factor.transpose(),
            None => self.matrix.as_ref(),
        };
        let mut spread = Mat::zeros(sigma.nrows(), stride * outputs);
        let mut deviations = Vec::with_capacity(dims.output_len());
        for start in (0..dims.examples).step_by(stride) {
            let end = (start + stride).min(dims.examples);
            let width = (end - start) * outputs;
            let mut rows = rows.as_mut().subcols_mut(0, width);
            let mut spread = spread.as_mut().subcols_mut(0, width);
            linearization.pullback(cotangents, start..end, rows.as_mut());
            let columns = rows.as_ref();
            matmul(
                spread.as_mut(),
                Accum::Replace,
                sigma,
                columns,
                1.0,
                Par::Seq,
            );
            for (row, spread) in rows.col_iter().zip(spread.col_iter()) {
                let gradient: Vec<f64> = row.iter().copied().collect();
                OptimError::check_finite(Quantity::Gradient, 0, &gradient)?;
                if self.is_free(&gradient) {
                    deviations.push(f64::INFINITY);
                    continue;
                }
                let variance: f64 = match self.factor {
                    Some(_) => spread.iter().map(|s| s * s).sum(),
                    None => spread.iter().zip(&gradient).map(|(s, g)| s * g).sum(),
                };
                OptimError::check_finite(Quantity::Metric, 0, &[variance])?;
                deviations.push(variance.max(0.0).sqrt());
            }
        }
        Ok(Band::new(linearization.outputs().to_vec(), deviations))
    }

    /// Whether a function with this gradient changes where θ is not determined.
    fn is_free(&self, gradient: &[f64]) -> bool {
        self.undetermined.as_ref().is_some_and(|undetermined| {
            let along: f64 = undetermined
                .basis
                .col_iter()
                .map(|u| u.iter().zip(gradient).map(|(u, g)| u * g).sum::<f64>())
                .map(|along| along * along)
                .sum();
            along.sqrt() > undetermined.tolerance * dot(gradient, gradient).sqrt()
        })
    }
}

/// `F Fᵀ`, symmetric to the bit.
fn symmetric_product(factor: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = factor * factor.transpose();
    for j in 1..product.ncols() {
        for i in 0..j {
            product[(i, j)] = product[(j, i)];
        }
    }
    product
}
