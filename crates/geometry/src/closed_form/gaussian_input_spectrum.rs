use super::GaussianInputFisher;
use super::product::{add_product, product};
use super::unseen::add_kronecker;
use crate::{MetricError, RankTolerance, Spectrum};
use faer::{Mat, MatRef};

/// All eigenvalues of a [`GaussianInputFisher`], from two small matrices.
///
/// Weights that no unit sees meet `s² (M ∘ E[φ'φ'ᵀ]) ⊗ I`: `m` eigenvalues, each `n − r` times, where `s²` is the variance of the
/// inputs. What is left are the `m r + m + (m + 1) K` eigenvalues on what the units see, on biases and on outgoing weights.
///
/// ```
/// use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
/// use neuromanifold_geometry::RankTolerance;
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// // two units with the same weights in a hundred inputs: w₁ − w₂ along v, and v₁ − v₂, are not seen
/// let net = Mlp::committee(100, 2, Activation::Erf)?;
/// let mut theta = vec![0.1; net.parameters()];
/// theta[200..].copy_from_slice(&[1.0, 0.5]);
/// let fisher = GaussianInputFisher::new(&net, &theta, &GaussianInput::standard(100), &Gaussian::UNIT)?;
/// let spectrum = fisher.spectrum()?;
/// assert_eq!(spectrum.nullity(RankTolerance::rounding(fisher.reduced_dim())), 101);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianInputSpectrum<'a> {
    fisher: &'a GaussianInputFisher,
    /// On each direction that no unit sees, `m × m`.
    unseen: Spectrum,
    /// `n − r`.
    directions: usize,
    /// On the rest, in orthonormal coordinates: weights in the basis, unit after unit, biases, and the outputs one after the other.
    seen: Spectrum,
}

impl<'a> GaussianInputSpectrum<'a> {
    /// `scale` is what a unit of weight along an axis of the basis is in the whitened frame.
    pub(super) fn new(
        fisher: &'a GaussianInputFisher,
        scale: impl Fn(usize) -> f64,
    ) -> Result<Self, MetricError> {
        let directions = fisher.basis.nrows() - fisher.basis.ncols();
        // where nothing is unseen, no axis stands for the others
        let common = if directions > 0 { scale(0) } else { 1.0 };
        let slopes = fisher.coupling.unseen();
        let seen = on_seen(fisher, slopes.as_ref(), scale);
        Ok(Self {
            fisher,
            unseen: Spectrum::new((slopes * (common * common)).as_ref())?,
            directions,
            seen: Spectrum::new(seen.as_ref())?,
        })
    }

    /// Eigenvalues with their multiplicities, ascending, as computed: an exact zero shows as rounding noise of either sign.
    #[must_use]
    pub fn eigenvalues(&self) -> Vec<(f64, usize)> {
        let unseen = self.unseen.eigenvalues().iter();
        let unseen = unseen.map(|value| (*value, self.directions));
        let seen = self.seen.eigenvalues().iter().map(|value| (*value, 1));
        let mut all: Vec<(f64, usize)> =
            unseen.chain(seen).filter(|(_, times)| *times > 0).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }

    /// The largest eigenvalue.
    #[must_use]
    pub fn largest(&self) -> f64 {
        let unseen = if self.directions > 0 {
            self.unseen.largest()
        } else {
            0.0
        };
        unseen.max(self.seen.largest())
    }

    /// The sum of the eigenvalues.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.directions as f64 * self.unseen.trace() + self.seen.trace()
    }

    /// The number of eigenvalues that count as zero.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn nullity(&self, tolerance: RankTolerance) -> usize {
        let tolerance = self.absolute(tolerance);
        self.directions * self.unseen.nullity(tolerance) + self.seen.nullity(tolerance)
    }

    /// The number of eigenvalues that count as positive.
    ///
    /// # Panics
    /// If the tolerance is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn rank(&self, tolerance: RankTolerance) -> usize {
        self.fisher.frame.net.parameters() - self.nullity(tolerance)
    }

    /// `log det(G + λI) = Σ log(λ_i + λ)`, for `λ ≥ 0`.
    ///
    /// # Errors
    /// As [`Spectrum::log_determinant`].
    pub fn log_determinant(&self, lambda: f64) -> Result<f64, MetricError> {
        let unseen = match self.directions {
            0 => 0.0,
            directions => directions as f64 * self.unseen.log_determinant(lambda)?,
        };
        Ok(unseen + self.seen.log_determinant(lambda)?)
    }

    /// `Σ λ_i/(λ_i + γ)` for `γ > 0`: how many directions the metric sees above the level γ.
    ///
    /// # Errors
    /// [`MetricError::Damping`] unless γ is positive and finite.
    pub fn effective_dimension(&self, gamma: f64) -> Result<f64, MetricError> {
        let unseen = self.unseen.effective_dimension(gamma)?;
        Ok(self.directions as f64 * unseen + self.seen.effective_dimension(gamma)?)
    }

    /// `out ← G⁺ g`. Returns the rank that was used. Cost: `O(n m²)` and two products with the eigenvectors on what is seen.
    ///
    /// # Panics
    /// If a slice does not have the length of θ, or the tolerance is negative or not finite.
    #[track_caller]
    pub fn pseudo_inverse(
        &self,
        gradient: &[f64],
        tolerance: RankTolerance,
        out: &mut [f64],
    ) -> usize {
        self.apply(gradient, tolerance, |value| 1.0 / value, out);
        self.rank(tolerance)
    }

    /// `out ← U f(λ) Uᵀ g` over the eigenvalues that count as positive; the others are dropped.
    #[track_caller]
    pub(super) fn apply(
        &self,
        vector: &[f64],
        tolerance: RankTolerance,
        function: impl Fn(f64) -> f64,
        out: &mut [f64],
    ) {
        let basis = self.fisher.basis.as_ref();
        let Along { mut weights, rest } = self.fisher.along_axes(vector);
        let (m, r) = (weights.ncols(), basis.ncols());
        let tolerance = self.absolute(tolerance);
        let on_basis = product(basis.transpose(), weights.as_ref());
        let mut flat: Vec<f64> = on_basis
            .col_iter()
            .flat_map(|c| c.iter().copied())
            .collect();
        flat.extend(rest);
        let mut image = vec![0.0; flat.len()];
        self.seen.apply(&flat, tolerance, &function, &mut image);

        add_product(weights.as_mut(), -1.0, basis, on_basis.as_ref());
        let mut weights = product(
            weights.as_ref(),
            self.on_units(tolerance, function).as_ref(),
        );
        let on_basis = MatRef::from_column_major_slice(&image[..m * r], r, m);
        add_product(weights.as_mut(), 1.0, basis, on_basis);
        let rest = image.split_off(m * r);
        self.fisher.off_axes(Along { weights, rest }, out);
    }

    /// An orthonormal basis of the null space on what is seen, and on the units the projection on what is null for the directions
    /// that none of them sees.
    pub(super) fn null_spaces(&self, tolerance: RankTolerance) -> (MatRef<'_, f64>, Mat<f64>) {
        let tolerance = self.absolute(tolerance);
        let null = self.unseen.null_space(tolerance);
        (self.seen.null_space(tolerance), null * null.transpose())
    }

    /// `U f(λ) Uᵀ` on the units, for the directions that none of them sees.
    fn on_units(&self, tolerance: RankTolerance, function: impl Fn(f64) -> f64) -> Mat<f64> {
        let m = self.fisher.frame.units();
        let mut matrix = Mat::zeros(m, m);
        let mut unit = vec![0.0; m];
        for a in 0..m {
            unit[a] = 1.0;
            self.unseen
                .apply(&unit, tolerance, &function, matrix.col_as_slice_mut(a));
            unit[a] = 0.0;
        }
        matrix
    }

    /// A fraction of the largest eigenvalue of all.
    #[track_caller]
    fn absolute(&self, tolerance: RankTolerance) -> RankTolerance {
        RankTolerance::Absolute(tolerance.threshold(self.largest()))
    }
}

/// A vector on θ in orthonormal coordinates.
pub(super) struct Along {
    /// Along the axes of the inputs, `n × m`.
    pub(super) weights: Mat<f64>,
    /// Biases, then outgoing weights and constant of one output after the other, along the axes of the outputs.
    pub(super) rest: Vec<f64>,
}

impl GaussianInputFisher {
    #[track_caller]
    pub(super) fn along_axes(&self, vector: &[f64]) -> Along {
        let net = &self.frame.net;
        assert!(
            vector.len() == net.parameters(),
            "a vector of length {} in a space of dimension {}",
            vector.len(),
            net.parameters()
        );
        let (m, output) = (self.frame.units(), &net.layers()[1]);
        let rotated = |range| self.precision.rotated(&vector[range], false);
        let (outgoing, constant) = (rotated(output.weights()), output.bias().map(rotated));
        let mut rest = net.bias(vector, 0).unwrap_or_default().to_vec();
        for (k, row) in outgoing.chunks_exact(m).enumerate() {
            rest.extend(row);
            rest.extend(constant.as_ref().map(|constant| constant[k]));
        }
        Along {
            weights: self.frame.input.to_axes(net.weights(vector, 0).transpose()),
            rest,
        }
    }

    pub(super) fn off_axes(&self, vector: Along, out: &mut [f64]) {
        let m = self.frame.units();
        let hidden = if self.frame.hidden_bias() { m } else { 0 };
        let (biases, rest) = vector.rest.split_at(hidden);
        let each = rest.chunks_exact(m + usize::from(self.frame.output_bias()));
        let outgoing: Vec<f64> = each.clone().flat_map(|row| row[..m].to_vec()).collect();
        let constant: Vec<f64> = each.flat_map(|row| row[m..].to_vec()).collect();
        let back = |rows: &[f64]| self.precision.rotated(rows, true);
        let (outgoing, constant) = (back(&outgoing), back(&constant));
        self.frame
            .write(vector.weights, biases, &outgoing, &constant, out);
    }
}

/// The metric on what is seen, lower triangle.
fn on_seen(
    fisher: &GaussianInputFisher,
    slopes: MatRef<'_, f64>,
    scale: impl Fn(usize) -> f64,
) -> Mat<f64> {
    let seen = fisher.on_seen();
    let (m, r, dim) = (seen.units(), seen.rank(), seen.dim());
    let table = seen.values_and_slopes();
    let values = seen.values(0.0);
    let rows = values.nrows();
    let mut matrix = Mat::zeros(dim, dim);
    seen.add_slopes(&mut matrix);
    add_kronecker(slopes, r, matrix.as_mut());
    matrix.resize_with(
        dim + rows * seen.outputs(),
        dim + rows * seen.outputs(),
        |_, _| 0.0,
    );
    for (k, root) in seen.roots.iter().enumerate() {
        let start = dim + k * rows;
        for row in 0..rows {
            for column in 0..dim {
                let outgoing = seen.outgoing[k * m + seen.unit(column)];
                matrix[(start + row, column)] = root * outgoing * table[(row, column)];
            }
            for column in 0..rows {
                matrix[(start + row, start + column)] = root * root * values[(row, column)];
            }
        }
    }
    for column in 0..m * r {
        for row in column..matrix.nrows() {
            matrix[(row, column)] *= scale(column % r);
        }
    }
    for row in 0..m * r {
        for column in 0..=row {
            matrix[(row, column)] *= scale(row % r);
        }
    }
    matrix
}
