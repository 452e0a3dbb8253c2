use crate::diagonal::scatter;
use crate::layered::Covariances;
use crate::symmetric::check_entry;
use crate::{MetricError, Spectrum};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use neuromanifold_model::AffineLayer;

/// The block of one layer: two factors with their eigenvectors, and the diagonal in these.
#[derive(Clone, Debug)]
pub struct KroneckerBlock {
    layer: AffineLayer,
    pub(crate) inputs: Factor,
    pub(crate) units: Factor,
    /// `ñ × m`: the eigenvalue that belongs to `u_α ⊗ v_i`.
    eigenvalues: Mat<f64>,
    /// Whether the eigenvalues are the products of those of the factors.
    pub(crate) factored: bool,
}

/// A second moment with its eigenvectors.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    matrix: Mat<f64>,
    /// Of the matrix over the scale.
    pub(crate) spectrum: Spectrum,
    scale: f64,
}

impl KroneckerBlock {
    /// K-FAC's block from sums over the examples; those of the inputs are to be divided by their number, while the
    /// covectors carry it already.
    pub(crate) fn factored(
        layer: AffineLayer,
        sums: Covariances,
        share: f64,
    ) -> Result<Self, MetricError> {
        let Covariances { mut inputs, units } = sums;
        inputs.matrix *= faer::Scale(share);
        let scale = inputs.unit() * units.unit();
        let inputs = Factor::new(inputs.matrix, scale)?;
        let units = Factor::new(units.matrix, scale)?;
        let eigenvalues = Mat::from_fn(layer.fan_in(), layer.outputs, |i, unit| {
            inputs.eigenvalue(i) * units.eigenvalue(unit)
        });
        check_finite(&eigenvalues)?;
        Ok(Self {
            layer,
            inputs,
            units,
            eigenvalues,
            factored: true,
        })
    }

    /// Puts EK-FAC's second moments in the place of the products of eigenvalues.
    pub(crate) fn correct(&mut self, moments: Mat<f64>) -> Result<(), MetricError> {
        check_finite(&moments)?;
        self.eigenvalues = moments;
        self.factored = false;
        Ok(())
    }

    /// Which layer.
    #[must_use]
    pub fn layer(&self) -> AffineLayer {
        self.layer
    }

    /// `A = E[ããᵀ]`, `ñ × ñ`; with a bias the last entry of `ã` is 1.
    ///
    /// Where squares would leave the range of `f64` it is `A` times a power of two by which `S` is divided: the product of
    /// both is what it is.
    #[must_use]
    pub fn input_moment(&self) -> MatRef<'_, f64> {
        self.inputs.matrix.as_ref()
    }

    /// `S = E[δδᵀ]`, `m × m`.
    #[must_use]
    pub fn unit_moment(&self) -> MatRef<'_, f64> {
        self.units.matrix.as_ref()
    }

    /// The eigenvalues of the block, `ñ × m`: column α, row `i` belongs to `u_α ⊗ v_i`.
    #[must_use]
    pub fn eigenvalues(&self) -> MatRef<'_, f64> {
        self.eigenvalues.as_ref()
    }

    pub(crate) fn largest(&self) -> f64 {
        self.eigenvalues.norm_max()
    }

    /// What the factored damping adds to the eigenvalues of `A` and of `S`.
    pub(crate) fn factored_damping(&self, lambda: f64) -> (f64, f64) {
        let mean =
            |factor: &Factor| factor.scale * factor.spectrum.trace() / factor.matrix.nrows() as f64;
        let ratio = mean(&self.inputs) / mean(&self.units);
        // a layer that nothing reaches has no scale of its own
        let pi = if ratio > 0.0 && ratio.is_finite() {
            ratio.sqrt()
        } else {
            1.0
        };
        (pi * lambda.sqrt(), lambda.sqrt() / pi)
    }

    /// `V_Aᵀ [W b]ᵀ U_S` for this layer's part of a vector.
    pub(crate) fn coordinates(&self, vector: &[f64]) -> Mat<f64> {
        let layer = self.layer;
        let own = Mat::from_fn(layer.fan_in(), layer.outputs, |i, unit| {
            vector[layer.parameter(unit, i)]
        });
        let inputs = self.inputs.spectrum.eigenvectors().transpose();
        let half = product(inputs, own.as_ref());
        product(half.as_ref(), self.units.spectrum.eigenvectors())
    }

    /// Writes `U w(Λ) Uᵀ v` for this layer's part of a vector, with a weight for each axis.
    pub(crate) fn transform(
        &self,
        vector: &[f64],
        out: &mut [f64],
        weight: impl Fn(usize, usize) -> f64,
    ) {
        let mut coordinates = self.coordinates(vector);
        for unit in 0..coordinates.ncols() {
            for i in 0..coordinates.nrows() {
                coordinates[(i, unit)] *= weight(i, unit);
            }
        }
        let half = product(self.inputs.spectrum.eigenvectors(), coordinates.as_ref());
        let units = self.units.spectrum.eigenvectors().transpose();
        scatter(self.layer, &product(half.as_ref(), units), out);
    }

    /// Writes this layer's part of the diagonal.
    pub(crate) fn diagonal(&self, out: &mut [f64]) {
        let squared = |factor: &Factor| {
            let axes = factor.spectrum.eigenvectors();
            Mat::from_fn(axes.nrows(), axes.ncols(), |i, j| axes[(i, j)].powi(2))
        };
        let (inputs, units) = (squared(&self.inputs), squared(&self.units));
        let half = product(inputs.as_ref(), self.eigenvalues.as_ref());
        scatter(self.layer, &product(half.as_ref(), units.transpose()), out);
    }
}

impl Factor {
    /// Of `scale` times a matrix. Both factors have the same scale: the product of their units.
    fn new(mut matrix: Mat<f64>, scale: f64) -> Result<Self, MetricError> {
        let spectrum = Spectrum::new(matrix.as_ref())?;
        matrix *= faer::Scale(scale);
        Ok(Self {
            matrix,
            spectrum,
            scale,
        })
    }

    /// Clipped at zero, where those of a second moment end.
    pub(crate) fn eigenvalue(&self, index: usize) -> f64 {
        self.scale * self.spectrum.eigenvalues()[index].max(0.0)
    }
}

fn check_finite(matrix: &Mat<f64>) -> Result<(), MetricError> {
    for column in 0..matrix.ncols() {
        for row in 0..matrix.nrows() {
            check_entry(matrix.as_ref(), row, column)?;
        }
    }
    Ok(())
}

fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    let least = left.nrows().min(left.ncols()).min(right.ncols());
    // small products are slower on two threads, and matrix–vector products would round differently on them
    let par = if least < 128 { Par::Seq } else { Par::rayon(0) };
    matmul(product.as_mut(), Accum::Replace, left, right, 1.0, par);
    product
}
