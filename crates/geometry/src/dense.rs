use crate::cholesky::parallelism;
use crate::error::Quantity;
use crate::layered::{self, Partition};
use crate::metric::{assert_vectors, relative_residual, trusted};
use crate::mirror::mirror;
use crate::{Cholesky, Inverse, Metric, MetricError, OutputFactor, Solve, Spectrum};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use neuromanifold_model::{Dims, Likelihood, Linearization};
use rayon::prelude::*;
use std::ops::Range;

/// The Fisher metric as a full matrix, `G = (1/N) Σ_s J_sᵀ H(z_s) J_s ∈ R^{P×P}`.
///
/// Right where `P` is at most a few thousand and everything is wanted: eigenvalues, null space, many solves. The
/// Jacobian is never held.
///
/// Memory: `P²` numbers, and a few MiB. Cost, in multiplications: for a map that offers its affine layers
/// ([`layers`](Linearization::layers)), with `m_l` units of `n_l` parameters each,
///
/// ```text
/// N Σ_l m_l(m_l+1)/2 · n_l(n_l+1)/2  +  N Σ_{l>l'} m_l m_l' n_l n_l'
/// ```
///
/// by exchange of units and of inputs within a layer, whatever the rank `r` of the likelihood's output Fisher matrix: a
/// quarter of `P²N` for one wide layer, a half for many. For any other map, and where all of it is quick, `P²·rN/2`. Then
/// `P³/3` for a damped solve, about `9P³` for a spectrum.
///
/// ```
/// use neuromanifold_geometry::{DenseFisher, Inverse, Metric};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
///
/// let net = Mlp::new(&[1, 2, 1], Activation::Tanh)?;
/// let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
/// let batch = net.on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])?;
/// let fisher = DenseFisher::new(batch.linearize(&theta)?.as_ref(), &Gaussian::UNIT)?;
///
/// let gradient = [1.0; 7];
/// let mut natural = [0.0; 7];
/// let solve = fisher.raise(&gradient, Inverse::damped(1e-3), &mut natural)?;
/// assert!(solve.relative_residual < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DenseFisher {
    matrix: Mat<f64>,
}

impl DenseFisher {
    /// The true Fisher metric of a likelihood at a linearised map.
    ///
    /// # Errors
    /// [`MetricError::Empty`], [`MetricError::Likelihood`], [`MetricError::Layers`], [`MetricError::NotFinite`].
    pub fn new(
        linearization: &dyn Linearization,
        likelihood: &dyn Likelihood,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, likelihood)?;
        Self::from_factor(linearization, &factor)
    }

    /// `G = A Aᵀ` for any columns on the outputs: the true, Monte-Carlo or empirical Fisher, according to the
    /// [`OutputFactor`].
    ///
    /// # Errors
    /// [`MetricError::Factor`] if the factor was made for another batch or map;
    /// [`MetricError::NotFinite`] if a pulled-back column is not finite; [`MetricError::Layers`].
    pub fn from_factor(
        linearization: &dyn Linearization,
        factor: &OutputFactor,
    ) -> Result<Self, MetricError> {
        let dims = linearization.dims();
        factor.check(dims)?;
        let mut matrix = Mat::zeros(dims.parameters, dims.parameters);
        let assembled = match linearization.layers() {
            Some(layers) if worthwhile(dims, factor.rank()) => {
                let partition = Partition::new(layers, dims.parameters)?;
                layered::assemble(layers, &partition, factor.cotangents(), matrix.as_mut())
            }
            _ => None,
        };
        if assembled.is_none() {
            multiply_columns(linearization, factor, &mut matrix);
        }
        mirror(matrix.as_mut());
        let fisher = Self { matrix };
        fisher.check_diagonal()?;
        Ok(fisher)
    }

    /// Takes a symmetric matrix for a metric.
    ///
    /// # Errors
    /// [`MetricError::Shape`], [`MetricError::NotSymmetric`] beyond rounding, [`MetricError::NotFinite`]. That it is
    /// semidefinite is taken on trust.
    pub fn from_matrix(matrix: MatRef<'_, f64>) -> Result<Self, MetricError> {
        let dim = matrix.nrows();
        check_shape(matrix)?;
        let scale = 1e-12 * matrix.norm_max();
        for column in 0..matrix.ncols() {
            for row in 0..dim {
                let value = matrix[(row, column)];
                if !value.is_finite() {
                    return Err(MetricError::NotFinite {
                        what: Quantity::Metric,
                        index: column * dim + row,
                        value,
                    });
                }
                let mirror = matrix[(column, row)];
                if mirror.is_nan() || (value - mirror).abs() > scale {
                    return Err(MetricError::NotSymmetric {
                        row,
                        column,
                        value,
                        mirror,
                    });
                }
            }
        }
        Ok(Self {
            matrix: matrix.to_owned(),
        })
    }

    /// The matrix, both triangles.
    #[must_use]
    pub fn matrix(&self) -> MatRef<'_, f64> {
        self.matrix.as_ref()
    }

    /// The Cholesky factor of `G + λI`, for several solves. `λ` may be 0.
    ///
    /// # Errors
    /// [`MetricError::NotPositiveDefinite`]; [`MetricError::Damping`] for a negative or non-finite λ.
    pub fn cholesky(&self, lambda: f64) -> Result<Cholesky, MetricError> {
        Cholesky::new(self.matrix.as_ref(), lambda)
    }

    /// All eigenvalues and eigenvectors: rank, null space, pseudo-inverse.
    ///
    /// # Errors
    /// [`MetricError::Eigen`] if the iteration fails.
    pub fn spectrum(&self) -> Result<Spectrum, MetricError> {
        Spectrum::new(self.matrix.as_ref())
    }

    /// The sum of the eigenvalues, in nats per unit of θ squared.
    #[must_use]
    pub fn trace(&self) -> f64 {
        (0..self.dim()).map(|i| self.matrix[(i, i)]).sum()
    }

    /// A diagonal entry bounds its row, so a non-finite column shows there.
    fn check_diagonal(&self) -> Result<(), MetricError> {
        for i in 0..self.dim() {
            let value = self.matrix[(i, i)];
            if !value.is_finite() {
                return Err(MetricError::NotFinite {
                    what: Quantity::Metric,
                    index: i * self.dim() + i,
                    value,
                });
            }
        }
        Ok(())
    }
}

impl Metric for DenseFisher {
    fn dim(&self) -> usize {
        self.matrix.nrows()
    }

    fn lower(&self, tangent: &[f64], out: &mut [f64]) {
        let dim = self.dim();
        assert!(
            tangent.len() == dim && out.len() == dim,
            "vectors of lengths {} and {} in a space of dimension {dim}",
            tangent.len(),
            out.len()
        );
        out.fill(0.0);
        for (column, weight) in tangent.iter().enumerate() {
            for (o, entry) in out.iter_mut().zip(self.matrix.col_as_slice(column)) {
                *o += weight * entry;
            }
        }
    }

    /// One matrix product.
    fn lower_many(&self, tangents: &[f64], out: &mut [f64]) {
        let dim = self.dim();
        assert_vectors(dim, tangents, out);
        let count = tangents.len() / dim;
        if count == 1 {
            return self.lower(tangents, out); // the parallel product with one vector rounds differently with each pool
        }
        matmul(
            MatMut::from_column_major_slice_mut(out, dim, count),
            Accum::Replace,
            &self.matrix,
            MatRef::from_column_major_slice(tangents, dim, count),
            1.0,
            parallelism(dim),
        );
    }

    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        MetricError::check_finite(Quantity::Gradient, gradient)?;
        let dim = self.dim();
        let (lambda, rank, residual_of) = match inverse {
            Inverse::Exact => {
                out.copy_from_slice(gradient);
                self.cholesky(0.0)?.solve_in_place(out);
                (0.0, dim, None)
            }
            Inverse::Damped { lambda } => {
                MetricError::check_damping(lambda)?;
                out.copy_from_slice(gradient);
                self.cholesky(lambda)?.solve_in_place(out);
                (lambda, dim, None)
            }
            Inverse::Pseudo { tolerance } => {
                let spectrum = self.spectrum()?;
                let mut projected = vec![0.0; dim];
                spectrum.apply(gradient, tolerance.validate()?, |_| 1.0, &mut projected);
                let rank = spectrum.pseudo_inverse(gradient, tolerance, out);
                (0.0, rank, Some(projected))
            }
        };
        MetricError::check_finite(Quantity::Direction, out)?;
        let right_hand_side = residual_of.as_deref().unwrap_or(gradient);
        Ok(Solve {
            relative_residual: trusted(
                relative_residual(self, lambda, right_hand_side, out),
                lambda,
            )?,
            rank,
            iterations: 0,
        })
    }

    fn to_dense(&self) -> Mat<f64> {
        self.matrix.clone()
    }
}

/// Passes if a matrix is square and not empty.
pub(crate) fn check_shape(matrix: MatRef<'_, f64>) -> Result<(), MetricError> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    if rows == columns && rows > 0 {
        Ok(())
    } else {
        Err(MetricError::Shape { rows, columns })
    }
}

/// Whether there is enough to do for the layers to be looked at one by one.
fn worthwhile(dims: Dims, rank: usize) -> bool {
    const MULTIPLY_ADDS: usize = 1 << 24;
    let columns = dims.examples.saturating_mul(rank);
    let entries = dims.parameters.saturating_mul(dims.parameters) / 2;
    entries.saturating_mul(columns) >= MULTIPLY_ADDS
}

/// The lower triangle of `A Aᵀ` for any map: columns are pulled back in blocks of examples, and never held.
///
/// A product of few rows does not fill two threads, so the examples are cut in lanes, whose sums are added in order.
fn multiply_columns(
    linearization: &dyn Linearization,
    factor: &OutputFactor,
    matrix: &mut Mat<f64>,
) {
    let dims = linearization.dims();
    let lanes = lanes(dims, factor.rank());
    let boundary = |lane: usize| lane * dims.examples / lanes;
    if lanes == 1 {
        return sum_columns(linearization, factor, 0..dims.examples, matrix);
    }
    let sums: Vec<Mat<f64>> = (0..lanes)
        .into_par_iter()
        .map(|lane| {
            let mut sum = Mat::zeros(dims.parameters, dims.parameters);
            let own = boundary(lane)..boundary(lane + 1);
            sum_columns(linearization, factor, own, &mut sum);
            sum
        })
        .collect();
    for sum in &sums {
        *matrix += sum;
    }
}

/// Into how many sums the examples are cut: a function of sizes only, so that no bit depends on the number of threads.
fn lanes(dims: Dims, rank: usize) -> usize {
    const MULTIPLY_ADDS: usize = 1 << 19;
    const MOST: usize = 8;
    if parallelism(dims.parameters) != Par::Seq {
        return 1;
    }
    let columns = dims.examples.saturating_mul(rank);
    let work = (dims.parameters * dims.parameters / 2).saturating_mul(columns);
    (work / MULTIPLY_ADDS)
        .clamp(1, MOST)
        .min(dims.examples.max(1))
}

/// The sum over a range of examples, in place of what was there.
fn sum_columns(
    linearization: &dyn Linearization,
    factor: &OutputFactor,
    examples: Range<usize>,
    matrix: &mut Mat<f64>,
) {
    let dims = linearization.dims();
    let stride = block_examples(dims.parameters, factor.rank()).min(examples.len().max(1));
    let mut block = Mat::zeros(dims.parameters, stride * factor.rank());
    let mut accum = Accum::Replace;
    for start in examples.clone().step_by(stride) {
        let end = (start + stride).min(examples.end);
        let width = (end - start) * factor.rank();
        let columns = block.as_mut().subcols_mut(0, width);
        linearization.pullback(factor.cotangents(), start..end, columns);
        let columns = block.as_ref().subcols(0, width);
        triangular_matmul(
            matrix.as_mut(),
            BlockStructure::TriangularLower,
            accum,
            columns,
            BlockStructure::Rectangular,
            columns.transpose(),
            BlockStructure::Rectangular,
            1.0,
            parallelism(dims.parameters),
        );
        accum = Accum::Add;
    }
}

/// Examples in one block of columns: 2 MiB of them, so that a block stays in the second-level cache while it is
/// multiplied with itself, but never fewer than 128 columns, below which the product would be bound by memory.
fn block_examples(parameters: usize, rank: usize) -> usize {
    let columns = ((1 << 18) / parameters).max(128);
    columns.div_ceil(rank)
}
