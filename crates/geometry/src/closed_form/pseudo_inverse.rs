//! `G⁺`, the natural gradient on the quotient, where the metric is degenerate.
//!
//! For inputs of one variance `G` is two small matrices in orthonormal coordinates, and their eigenvectors do. Otherwise `G = FᵀG̃F`
//! with the diagonal change of scale `F` between θ and the frame in which inputs are standard normal, and
//!
//! ```text
//! G⁺ = Π F⁻¹ G̃⁺ F⁻ᵀ Π
//! ```
//!
//! with the orthogonal projection `Π` off the null space of `G`, which is `F⁻¹` of that of `G̃`. (`F⁻¹G̃⁺F⁻ᵀ` is *an* inverse on the
//! range, and `Π` makes it the symmetric one.)

use super::GaussianInputFisher;
use super::gaussian_input_spectrum::{Along, GaussianInputSpectrum};
use super::product::{add_product, product};
use super::span::orthonormal_basis;
use crate::error::Quantity;
use crate::metric::{relative_residual, trusted};
use crate::{MetricError, RankTolerance, Solve};
use faer::{Mat, MatRef};

/// `out ← G⁺ g`.
pub(super) fn pseudo_inverse(
    fisher: &GaussianInputFisher,
    gradient: &[f64],
    tolerance: RankTolerance,
    out: &mut [f64],
) -> Result<Solve, MetricError> {
    let mut seen = vec![0.0; gradient.len()];
    let rank = if fisher.has_spectrum() {
        let spectrum = fisher.spectrum()?;
        spectrum.apply(gradient, tolerance, |_| 1.0, &mut seen);
        spectrum.pseudo_inverse(gradient, tolerance, out)
    } else {
        let spectrum = fisher.whitened_spectrum()?;
        let null = NullSpace::new(fisher, &spectrum, tolerance);
        null.project_off(fisher, gradient, &mut seen);
        let mut image = vec![0.0; gradient.len()];
        spectrum.pseudo_inverse(&unscaled(fisher, &seen), tolerance, &mut image);
        null.project_off(fisher, &unscaled(fisher, &image), out);
        spectrum.rank(tolerance)
    };
    MetricError::check_finite(Quantity::Direction, out)?;
    let residual = relative_residual(fisher, 0.0, &seen, out);
    Ok(Solve {
        relative_residual: trusted(residual, 0.0)?,
        rank,
        iterations: 0,
    })
}

/// `F⁻¹v` or, as `F` is diagonal, `F⁻ᵀv`: weights along each axis divided by its deviation.
fn unscaled(fisher: &GaussianInputFisher, vector: &[f64]) -> Vec<f64> {
    let mut along = fisher.along_axes(vector);
    for column in along.weights.col_iter_mut() {
        for (axis, weight) in column.iter_mut().enumerate() {
            *weight /= fisher.frame.input.deviation(axis);
        }
    }
    let mut out = vec![0.0; vector.len()];
    fisher.off_axes(along, &mut out);
    out
}

/// The null space of `G` for inputs of different variance.
///
/// It is spanned by weights `x ⊗ q` for which `s ∘ x` is orthogonal to all that is seen and `q` is null for such directions, and by
/// the null vectors on what is seen, whose weights are `U y/s`. What of the latter is orthogonal to the former lies in the columns
/// of `U/s` and of `s ∘ U`.
struct NullSpace {
    /// Orthonormal basis of `s ∘ U`, `n × r`.
    seen: Mat<f64>,
    /// The projection on all `q`, `m × m`.
    units: Mat<f64>,
    /// Orthonormal basis of `U/s` and `s ∘ U`.
    axes: Mat<f64>,
    /// Orthonormal, in coordinates of `axes` unit after unit, and of the rest.
    vectors: Mat<f64>,
}

impl NullSpace {
    fn new(
        fisher: &GaussianInputFisher,
        spectrum: &GaussianInputSpectrum<'_>,
        tolerance: RankTolerance,
    ) -> Self {
        let basis = fisher.basis.as_ref();
        let (n, r, m) = (basis.nrows(), basis.ncols(), fisher.frame.units());
        let deviation = |axis: usize| fisher.frame.input.deviation(axis);
        let shrunk = Mat::from_fn(n, r, |i, j| basis[(i, j)] / deviation(i));
        let stretched = Mat::from_fn(n, r, |i, j| basis[(i, j)] * deviation(i));
        let both = Mat::from_fn(n, 2 * r, |i, j| {
            if j < r {
                shrunk[(i, j)]
            } else {
                stretched[(i, j - r)]
            }
        });
        let (null, units) = spectrum.null_spaces(tolerance);
        let mut space = Self {
            seen: orthonormal_basis(stretched.as_ref()),
            units,
            axes: orthonormal_basis(both.as_ref()),
            vectors: Mat::zeros(0, 0),
        };
        let columns: Vec<Vec<f64>> = null
            .col_iter()
            .map(|column| {
                let column: Vec<f64> = column.iter().copied().collect();
                let on_basis = MatRef::from_column_major_slice(&column[..m * r], r, m);
                let mut weights = product(shrunk.as_ref(), on_basis);
                space.remove_unseen(&mut weights);
                space.flat(&weights, &column[m * r..])
            })
            .collect();
        let size = space.axes.ncols() * m + null.nrows() - m * r;
        let columns = Mat::from_fn(size, columns.len(), |i, j| columns[j][i]);
        space.vectors = orthonormal_basis(columns.as_ref());
        space
    }

    /// `out ← Π v`.
    fn project_off(&self, fisher: &GaussianInputFisher, vector: &[f64], out: &mut [f64]) {
        let Along {
            mut weights,
            mut rest,
        } = fisher.along_axes(vector);
        self.remove_unseen(&mut weights);
        let flat = self.flat(&weights, &rest);
        let flat = MatRef::from_column_major_slice(&flat, flat.len(), 1);
        let null = product(
            self.vectors.as_ref(),
            product(self.vectors.transpose(), flat).as_ref(),
        );
        let null = null.col_as_slice(0);
        let m = weights.ncols();
        let (on_axes, on_rest) = null.split_at(self.axes.ncols() * m);
        let on_axes = MatRef::from_column_major_slice(on_axes, self.axes.ncols(), m);
        add_product(weights.as_mut(), -1.0, self.axes.as_ref(), on_axes);
        rest.iter_mut().zip(on_rest).for_each(|(x, n)| *x -= n);
        fisher.off_axes(Along { weights, rest }, out);
    }

    /// Takes off weights all that no unit sees.
    fn remove_unseen(&self, weights: &mut Mat<f64>) {
        let null = product(weights.as_ref(), self.units.as_ref());
        let kept = product(self.seen.transpose(), null.as_ref());
        add_product(weights.as_mut(), 1.0, self.seen.as_ref(), kept.as_ref());
        *weights -= null;
    }

    fn flat(&self, weights: &Mat<f64>, rest: &[f64]) -> Vec<f64> {
        let on_axes = product(self.axes.transpose(), weights.as_ref());
        let weights = on_axes.col_iter().flat_map(|column| column.iter().copied());
        weights.chain(rest.iter().copied()).collect()
    }
}
