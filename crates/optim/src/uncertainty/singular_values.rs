//! The covariance of an estimate without squaring the Jacobian.

use super::Covariance;
use super::covariance::Undetermined;
use crate::OptimError;
use crate::error::Quantity;
use faer::Mat;
use neuromanifold_geometry::{MetricError, OutputFactor, RankTolerance};
use neuromanifold_model::{Likelihood, Linearization};

/// Rows of the whitened Jacobian that are taken into the triangular factor at a time, at least.
const BLOCK: usize = 256;

impl Covariance {
    /// `Σ = (N G)⁺` from the singular values of the whitened Jacobian `Aᵀ`, `G = A Aᵀ`, whose squares are the eigenvalues of `G`.
    ///
    /// A metric that is written down has lost the eigenvalues below `1e-16` of the largest, and networks after training have
    /// some of those that matter: by [`of_estimate`](Covariance::of_estimate) the variance of their outputs is infinite even at the
    /// examples of the fit, where it is at most that of the noise. Singular values keep them down to `1e-32`.
    ///
    /// `examples` is the number `N` of independent examples, `tolerance` that below which a singular value counts as zero; a
    /// function counts as constant along those directions if less than the square root of the tolerance of its gradient lies
    /// there.
    ///
    /// Cost: about `2P²` multiplications for each of the `rN` rows of `Aᵀ` and some `20P³`; memory of a few `P²`, whatever `N`.
    ///
    /// ```
    /// use neuromanifold_geometry::RankTolerance;
    /// use neuromanifold_mlp::{Activation, Mlp};
    /// use neuromanifold_model::{Gaussian, OutputMap};
    /// use neuromanifold_optim::uncertainty::Covariance;
    ///
    /// // Inputs so far from zero that slope and intercept can hardly be told apart: eigenvalues 1 : 1e-20
    /// let line = Mlp::new(&[1, 1], Activation::Identity)?;
    /// let x = [1e5 - 1.0, 1e5 + 1.0];
    /// let batch = line.on_slice(&x)?;
    /// let at = batch.linearize(&[0.7, 0.1])?;
    /// let covariance =
    ///     Covariance::by_singular_values(at.as_ref(), &Gaussian::UNIT, 2, RankTolerance::rounding(2))?;
    /// // A line through two points is known there as well as they are.
    /// for deviation in covariance.band(at.as_ref())?.deviations() {
    ///     assert!((deviation - 1.0).abs() < 1e-4);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OptimError::Metric`]: an empty batch, a likelihood that does not fit, an invalid tolerance, a decomposition that
    /// does not converge. [`OptimError::NonFinite`] for derivatives that are not. [`OptimError::Setting`] for no examples.
    pub fn by_singular_values(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
        examples: usize,
        tolerance: RankTolerance,
    ) -> Result<Self, OptimError> {
        let count = examples as f64;
        OptimError::check_setting("the number of examples", count, examples > 0, "at least 1")?;
        let tolerance = tolerance.validate()?;
        let triangle = triangle(linearization, likelihood)?;
        let svd = triangle.svd().map_err(|_| {
            OptimError::from(MetricError::Eigen {
                dim: triangle.ncols(),
            })
        })?;
        let (values, axes) = (svd.S().column_vector(), svd.V());
        let threshold = tolerance.threshold(values[0]);
        let rows =
            likelihood.factor_rank(linearization.dims().outputs) * linearization.dims().examples;
        let rank = values
            .iter()
            .take_while(|s| **s > threshold)
            .count()
            .min(rows);
        let factor = Mat::from_fn(axes.nrows(), rank, |i, k| {
            axes[(i, k)] / (count.sqrt() * values[k])
        });
        let undetermined = (rank < axes.ncols()).then(|| Undetermined {
            basis: axes.get(.., rank..).to_owned(),
            tolerance: (threshold / values[0]).sqrt(),
        });
        Ok(Self::from_factor(factor, undetermined))
    }
}

/// `R ∈ R^{P×P}` with `RᵀR = A Aᵀ`.
fn triangle(
    linearization: &dyn Linearization,
    likelihood: &dyn Likelihood,
) -> Result<Mat<f64>, OptimError> {
    let factor = OutputFactor::fisher(linearization, likelihood)?;
    let (parameters, examples) = (
        linearization.dims().parameters,
        linearization.dims().examples,
    );
    let cotangents = factor.cotangents();
    let rank = cotangents.rank();
    let stride = (BLOCK.max(parameters) / rank.max(1)).clamp(1, examples);
    let mut triangle = Mat::zeros(parameters, parameters);
    let mut pulled = Mat::zeros(parameters, stride * rank);
    for start in (0..examples).step_by(stride) {
        let end = (start + stride).min(examples);
        let columns = (end - start) * rank;
        let mut pulled = pulled.as_mut().subcols_mut(0, columns);
        linearization.pullback(cotangents, start..end, pulled.as_mut());
        for column in pulled.as_ref().col_iter() {
            let finite = column.iter().all(|value| value.is_finite());
            if !finite {
                let gradient: Vec<f64> = column.iter().copied().collect();
                OptimError::check_finite(Quantity::Gradient, 0, &gradient)?;
            }
        }
        let stacked = Mat::from_fn(parameters + columns, parameters, |i, j| {
            if i < parameters {
                triangle[(i, j)]
            } else {
                pulled[(j, i - parameters)]
            }
        });
        triangle = stacked.qr().thin_R().to_owned();
    }
    Ok(triangle)
}
