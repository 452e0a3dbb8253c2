use crate::cholesky::parallelism;
use crate::error::Quantity;
use crate::layered::{self, Partition};
use crate::metric::{assert_vectors, relative_residual, trusted};
use crate::mirror::mirror;
use crate::outer_products::sum_of_outer_products;
use crate::symmetric::{check_diagonal, check_symmetric};
use crate::{Cholesky, Inverse, Metric, MetricError, OutputFactor, Solve, Spectrum};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef};
use neuromanifold_model::{Dims, Likelihood, Linearization};

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
            sum_of_outer_products(linearization, factor, &mut matrix);
        }
        mirror(matrix.as_mut());
        check_diagonal(matrix.as_ref())?;
        Ok(Self { matrix })
    }

    /// Takes a symmetric matrix for a metric.
    ///
    /// # Errors
    /// [`MetricError::Shape`], [`MetricError::NotSymmetric`] beyond rounding, [`MetricError::NotFinite`]. That it is
    /// semidefinite is taken on trust.
    pub fn from_matrix(matrix: MatRef<'_, f64>) -> Result<Self, MetricError> {
        check_symmetric(matrix)?;
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

/// Whether there is enough to do for the layers to be looked at one by one.
fn worthwhile(dims: Dims, rank: usize) -> bool {
    const MULTIPLY_ADDS: usize = 1 << 24;
    let columns = dims.examples.saturating_mul(rank);
    let entries = dims.parameters.saturating_mul(dims.parameters) / 2;
    entries.saturating_mul(columns) >= MULTIPLY_ADDS
}
