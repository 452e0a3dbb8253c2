use crate::error::Quantity;
use crate::metric::{relative_difference, relative_residual, trusted};
use crate::operator::Opaque;
use crate::symmetric::check_diagonal;
use crate::{Cholesky, Inverse, Metric, MetricError, OutputFactor, RankTolerance, Solve, Spectrum};
use faer::Mat;
use neuromanifold_model::{Likelihood, Linearization};

/// The Fisher metric seen from the examples: `G = A Aᵀ` through `K = AᵀA ∈ R^{rN×rN}`, for fewer columns than
/// parameters.
///
/// `G` and `K` share their positive eigenvalues, and `(A Aᵀ + λI)⁻¹ A = A (AᵀA + λI)⁻¹`, so a damped or minimum-norm
/// solve costs one factorisation of size `rN`, however many parameters there are. Known as the kernel, NTK or minSR
/// form.
///
/// Memory: `(rN)²` numbers. Cost: that of the map's [`gram`](Linearization::gram), `(rN)³/3` for a damped solve.
///
/// # References
/// A. Chen, M. Heyl, *Empowering deep neural quantum states through efficient optimization*, Nature Physics 20 (2024),
/// doi:10.1038/s41567-024-02566-1.
#[derive(Debug)]
pub struct GramFisher<'a> {
    linearization: Opaque<'a>,
    factor: OutputFactor,
    gram: Mat<f64>,
}

impl<'a> GramFisher<'a> {
    /// The true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Likelihood`], [`MetricError::NotFinite`].
    pub fn new(
        linearization: &'a dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::from_factor(linearization, factor)
    }

    /// `G = A Aᵀ` for any columns on the outputs.
    ///
    /// # Errors
    /// [`MetricError::Factor`] if the factor was made for another batch or map;
    /// [`MetricError::NotFinite`].
    pub fn from_factor(
        linearization: &'a dyn Linearization,
        factor: OutputFactor,
    ) -> Result<Self, MetricError> {
        factor.check(linearization.dims())?;
        let columns = linearization.dims().examples * factor.rank();
        let mut gram = Mat::zeros(columns, columns);
        linearization.gram(factor.cotangents(), gram.as_mut());
        check_diagonal(gram.as_ref())?;
        Ok(Self {
            linearization: Opaque(linearization),
            factor,
            gram,
        })
    }

    /// `K = AᵀA`, `rN × rN`.
    #[must_use]
    pub fn gram(&self) -> faer::MatRef<'_, f64> {
        self.gram.as_ref()
    }

    /// `rN`, the number of columns of `A`.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.gram.nrows()
    }

    /// Raises the gradient `(1/N) Σ_s J_sᵀ B_s w_s`, given by its coordinates `w` in the columns of the factor (length
    /// `rN`): `out ← A (K + λI)⁻¹ w/√N`, or with `K⁺` for a pseudo-inverse.
    ///
    /// With the whitened scores of a likelihood for `w` it is the natural gradient of the log-likelihood. Unlike
    /// [`raise`](Metric::raise), which must subtract two long vectors, it loses no digits at small λ, and a
    /// pseudo-inverse here works on singular values, not their squares.
    ///
    /// # Errors
    /// As [`raise`](Metric::raise).
    ///
    /// # Panics
    /// If `whitened` or `out` has a wrong length.
    pub fn raise_whitened(
        &self,
        whitened: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, whitened)?;
        let scale = 1.0 / (self.linearization.0.dims().examples as f64).sqrt();
        let right: Vec<f64> = whitened.iter().map(|w| w * scale).collect();
        let mut dual = right.clone();
        let (lambda, rank) = match inverse {
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                Cholesky::new(self.gram.as_ref(), lambda)?.solve_in_place(&mut dual);
                (lambda, self.dim())
            }
            Inverse::Exact => (0.0, self.minimum_norm(&right, None, &mut dual)?),
            Inverse::Pseudo { tolerance } => {
                (0.0, self.minimum_norm(&right, Some(tolerance), &mut dual)?)
            }
        };
        self.combine(&dual, out);
        MetricError::check_finite(Quantity::Direction, out)?;
        // (K + λI) dual = w: the residual in sample space, which is the one the solve controls.
        let image = |i: usize| -> f64 {
            let row = self.gram.col(i); // symmetric
            row.iter().zip(&dual).map(|(k, d)| k * d).sum::<f64>() + lambda * dual[i]
        };
        let images: Vec<f64> = (0..right.len()).map(image).collect();
        Ok(Solve {
            relative_residual: relative_difference(&right, &images),
            rank,
            iterations: 0,
        })
    }

    /// `dual ← K⁺ right`; with no tolerance given, full rank `P` is demanded to rounding.
    fn minimum_norm(
        &self,
        right: &[f64],
        tolerance: Option<RankTolerance>,
        dual: &mut [f64],
    ) -> Result<usize, MetricError> {
        let spectrum = Spectrum::new(self.gram.as_ref())?;
        let rank = spectrum.pseudo_inverse(right, self.tolerance(tolerance)?, dual);
        self.demand_full_rank(tolerance, rank)?;
        Ok(rank)
    }

    fn tolerance(&self, asked: Option<RankTolerance>) -> Result<RankTolerance, MetricError> {
        asked
            .unwrap_or(RankTolerance::rounding(self.columns()))
            .validate()
    }

    fn demand_full_rank(
        &self,
        asked: Option<RankTolerance>,
        rank: usize,
    ) -> Result<(), MetricError> {
        if asked.is_none() && rank < self.dim() {
            return Err(MetricError::Singular {
                rank,
                dim: self.dim(),
                tolerance: RankTolerance::rounding(self.columns()),
            });
        }
        Ok(())
    }

    /// `out ← A d = Jᵀ B d`.
    fn combine(&self, dual: &[f64], out: &mut [f64]) {
        let mut cotangent = vec![0.0; self.linearization.0.dims().output_len()];
        self.factor.apply(dual, &mut cotangent);
        self.linearization.0.vjp(&cotangent, out);
    }

    /// `white ← Aᵀ v = Bᵀ J v`.
    fn project(&self, tangent: &[f64], white: &mut [f64]) {
        let mut moved = vec![0.0; self.linearization.0.dims().output_len()];
        self.linearization.0.jvp(tangent, &mut moved);
        self.factor.apply_transpose(&moved, white);
    }
}

impl Metric for GramFisher<'_> {
    fn dim(&self) -> usize {
        self.linearization.0.dims().parameters
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let mut white = vec![0.0; self.columns()];
        self.project(tangent, &mut white);
        self.combine(&white, out);
    }

    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        let mut white = vec![0.0; self.columns()];
        self.project(tangent, &mut white);
        white.iter().map(|w| w * w).sum()
    }

    /// Damped: `(g − A (K + λI)⁻¹ Aᵀg)/λ`. Pseudo-inverse: `A (K⁺)² Aᵀ g`.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let mut white = vec![0.0; self.columns()];
        self.project(gradient, &mut white);
        let (residual, rank) = match inverse {
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                Cholesky::new(self.gram.as_ref(), lambda)?.solve_in_place(&mut white);
                self.combine(&white, out);
                for (o, g) in out.iter_mut().zip(gradient) {
                    *o = (g - *o) / lambda;
                }
                let residual = relative_residual(self, lambda, gradient, out);
                (residual, self.dim())
            }
            Inverse::Exact | Inverse::Pseudo { .. } => {
                let asked = match inverse {
                    Inverse::Pseudo { tolerance } => Some(tolerance),
                    _ => None,
                };
                let spectrum = Spectrum::new(self.gram.as_ref())?;
                let tolerance = self.tolerance(asked)?;
                let mut dual = vec![0.0; white.len()];
                spectrum.apply(&white, tolerance, |value| 1.0 / value, &mut dual);
                let mut projected = vec![0.0; gradient.len()];
                self.combine(&dual, &mut projected); // A K⁺ Aᵀ g: g on the range
                let rank = spectrum.apply(&white, tolerance, |v| 1.0 / (v * v), &mut dual);
                self.demand_full_rank(asked, rank)?;
                self.combine(&dual, out);
                (relative_residual(self, 0.0, &projected, out), rank)
            }
        };
        MetricError::check_finite(Quantity::Direction, out)?;
        Ok(Solve {
            relative_residual: trusted(residual, inverse.damping())?,
            rank,
            iterations: 0,
        })
    }
}
