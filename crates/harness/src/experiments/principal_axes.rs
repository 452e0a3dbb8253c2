//! Coordinates in which a metric is the identity.

use faer::{Mat, MatRef};
use neuromanifold_geometry::{MetricError, Spectrum};

/// `y = Λ^½Eᵀ dθ` for `G = E Λ Eᵀ`, so that `|y|² = dθᵀG dθ`: lengths and covariances then look as the metric sees them.
#[derive(Debug)]
pub(super) struct PrincipalAxes {
    spectrum: Spectrum,
    /// `Λ^½`.
    scales: Vec<f64>,
}

impl PrincipalAxes {
    /// Of a metric without null directions.
    pub(super) fn new(metric: MatRef<'_, f64>) -> Result<Self, MetricError> {
        let spectrum = Spectrum::new(metric)?;
        let scales = spectrum.eigenvalues().iter().map(|l| l.sqrt()).collect();
        Ok(Self { spectrum, scales })
    }

    /// Λ, ascending.
    pub(super) fn eigenvalues(&self) -> &[f64] {
        self.spectrum.eigenvalues()
    }

    /// The coordinates of a tangent vector.
    pub(super) fn coordinates(&self, tangent: &[f64]) -> Vec<f64> {
        let along = self.spectrum.eigenvectors().col_iter().zip(&self.scales);
        along
            .map(|(axis, scale)| scale * axis.iter().zip(tangent).map(|(e, t)| e * t).sum::<f64>())
            .collect()
    }

    /// The tangent vector with these coordinates.
    pub(super) fn tangent(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut tangent = vec![0.0; coordinates.len()];
        let along = self.spectrum.eigenvectors().col_iter().zip(&self.scales);
        for ((axis, scale), y) in along.zip(coordinates) {
            for (t, e) in tangent.iter_mut().zip(axis.iter()) {
                *t += y / scale * e;
            }
        }
        tangent
    }

    /// Covectors, one a column, in these coordinates: `Λ^{−½}Eᵀ g`, of the length of `G⁻¹g`.
    pub(super) fn covectors(&self, gradients: MatRef<'_, f64>) -> Mat<f64> {
        let mut turned = self.spectrum.eigenvectors().transpose() * gradients;
        for (row, scale) in turned.row_iter_mut().zip(&self.scales) {
            row.iter_mut().for_each(|g| *g /= scale);
        }
        turned
    }

    /// An estimate of `G⁻¹` in these coordinates, in which `G⁻¹` is the identity.
    pub(super) fn inverse_metric(&self, estimate: MatRef<'_, f64>) -> Mat<f64> {
        let axes = self.spectrum.eigenvectors();
        let turned = axes.transpose() * estimate * axes;
        Mat::from_fn(turned.nrows(), turned.ncols(), |i, j| {
            self.scales[i] * turned[(i, j)] * self.scales[j]
        })
    }

    /// `|Ĝ⁻¹G − I|/√P`, the root mean square of its entries in these coordinates: the relative error of an estimate of `G⁻¹`.
    ///
    /// The norm is that of an operator on tangent vectors whose lengths are measured by G, so it depends on no parametrisation.
    pub(super) fn relative_error(&self, estimate: MatRef<'_, f64>) -> f64 {
        let mut error = self.inverse_metric(estimate);
        for i in 0..error.nrows() {
            error[(i, i)] -= 1.0;
        }
        error.norm_l2() / (error.nrows() as f64).sqrt()
    }
}
