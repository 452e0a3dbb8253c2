use crate::{RankTolerance, RitzPairs};
use neuromanifold_model::{Dims, LikelihoodError, ModelError};

/// Why a metric could not be built or inverted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The model could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The likelihood does not fit the model's outputs or targets.
    #[error(transparent)]
    Likelihood(#[from] LikelihoodError),
    /// There are no parameters, outputs or examples.
    #[error("a metric needs parameters, outputs and examples; the map has {dims:?}")]
    Empty {
        /// Sizes of the map.
        dims: Dims,
    },
    /// A factor on the outputs was made for another batch or another map.
    #[error(
        "the output factor has {factor_examples} examples of {factor_outputs} outputs and the map {} of {}; \
         make the factor from the same linearization",
        dims.examples,
        dims.outputs
    )]
    Factor {
        /// `N` of the factor.
        factor_examples: usize,
        /// `K` of the factor.
        factor_outputs: usize,
        /// Sizes of the map.
        dims: Dims,
    },
    /// An activation or a covector of an affine layer is too large, or not a number, for products of them to be formed.
    #[error(
        "an activation, or a covector carried back to a layer, is {value:e}: too large to multiply, as products of four need \
         each to be finite and below {limit:e}; rescale inputs or likelihood, or use DenseFisher"
    )]
    Magnitude {
        /// The first such value.
        value: f64,
        /// The size that is not to be reached.
        limit: f64,
    },
    /// The affine layers that a map offers do not make up its parameters.
    #[error(
        "parameter {parameter} of {parameters} does not belong to exactly one affine layer of the map; \
         check::layerwise finds such mistakes in Linearization::layers"
    )]
    Layers {
        /// The first parameter that no layer has, or several, or that is beyond θ.
        parameter: usize,
        /// `P`, the length of θ.
        parameters: usize,
    },
    /// The representation is made of affine layers, and the map offers none.
    #[error(
        "{representation} is made of affine layers and the map offers none; implement Linearization::layers, \
         or use {remedy}, which need none"
    )]
    NoLayers {
        /// Which representation.
        representation: &'static str,
        /// What to use instead.
        remedy: &'static str,
    },
    /// `G + λI` has no Cholesky factor: a pivot is not larger than what rounding leaves of it.
    ///
    /// Raise λ, or take the pseudo-inverse ([`Inverse::Pseudo`](crate::Inverse::Pseudo)).
    #[error(
        "G + λI with λ = {lambda:e} is not numerically positive definite: pivot {pivot} of {dim} is {value:e}; \
         raise the damping or take the pseudo-inverse"
    )]
    NotPositiveDefinite {
        /// Index of the first bad pivot; rows before it are independent.
        pivot: usize,
        /// Its value.
        value: f64,
        /// Number of rows of the matrix.
        dim: usize,
        /// The damping λ that was not enough.
        lambda: f64,
    },
    /// `G⁻¹` was asked for where `G` has a null space.
    #[error(
        "the metric has rank {rank} of {dim} (to {tolerance}), so it has no inverse; \
         use damping or the pseudo-inverse"
    )]
    Singular {
        /// Numerical rank.
        rank: usize,
        /// Dimension.
        dim: usize,
        /// The tolerance behind that rank.
        tolerance: RankTolerance,
    },
    /// The damping is negative, zero where it must not be, or not finite.
    #[error("the damping λ is {lambda}; it must be positive and finite")]
    Damping {
        /// The value that came.
        lambda: f64,
    },
    /// A rank tolerance is negative or not finite.
    #[error("the rank tolerance is {value}; it must be finite and not negative")]
    Tolerance {
        /// The value that came.
        value: f64,
    },
    /// A matrix that should be a metric is not.
    #[error("entry ({row}, {column}) of the metric is {value}; its mirror image is {mirror}")]
    NotSymmetric {
        /// Row of the entry.
        row: usize,
        /// Column of the entry.
        column: usize,
        /// Its value.
        value: f64,
        /// Value across the diagonal.
        mirror: f64,
    },
    /// A vector or matrix contains NaN or infinity.
    #[error("entry {index} of the {what} is {value}; it must be finite")]
    NotFinite {
        /// What was being read or computed.
        what: Quantity,
        /// Where (column-major for a matrix).
        index: usize,
        /// The value found there.
        value: f64,
    },
    /// Conjugate gradients ran out of iterations; the best iterate is in the caller's buffer.
    #[error(
        "conjugate gradients stopped after {iterations} products at relative residual {residual} (asked: {tolerance})"
    )]
    DidNotConverge {
        /// Products with `G` used.
        iterations: usize,
        /// `|g − (G+λI)x| / |g|` reached, computed afresh.
        residual: f64,
        /// The residual asked for.
        tolerance: f64,
    },
    /// A direct solve came out, but does not solve the equation: λ, or the tolerance of a pseudo-inverse, is lost in the
    /// rounding of `G`.
    #[error(
        "the solve with λ = {lambda:e} left a relative residual of {residual:.1e}: rounding of G outweighs the damping or \
         tolerance; raise it"
    )]
    Inaccurate {
        /// `|g − (G+λI)x| / |g|`.
        residual: f64,
        /// The damping λ, 0 for a pseudo-inverse.
        lambda: f64,
    },
    /// A stopping rule asks for what cannot be reached.
    #[error("the tolerance of the iteration is {tolerance}; it must be positive and finite")]
    StoppingRule {
        /// The tolerance that came.
        tolerance: f64,
    },
    /// An estimate needs more samples than it was given.
    #[error("{draws} draws of y an example are too few; at least {at_least} are needed")]
    Draws {
        /// Draws asked for.
        draws: usize,
        /// The fewest that make sense.
        at_least: usize,
    },
    /// More eigenpairs were asked for than there are, or none.
    #[error("{asked} eigenpairs of a metric of dimension {dim}; between 1 and {dim} can be had")]
    Eigenpairs {
        /// Eigenpairs asked for.
        asked: usize,
        /// Dimension.
        dim: usize,
    },
    /// A Krylov basis is too small to hold what was asked for.
    #[error("a basis of {basis} vectors is too small; at least {at_least} are needed")]
    Basis {
        /// The most vectors that were allowed.
        basis: usize,
        /// The fewest that can work.
        at_least: usize,
    },
    /// Lanczos' iteration spent its products before all eigenpairs had converged.
    #[error(
        "{converged} of {wanted} eigenpairs converged to {tolerance:e} of the largest eigenvalue in {} products; \
         allow more products, a larger basis or a wider tolerance",
        best.products
    )]
    EigenpairsDidNotConverge {
        /// Eigenpairs within the tolerance.
        converged: usize,
        /// Eigenpairs needed: those asked for, and one more where its convergence would confirm them.
        wanted: usize,
        /// The residual asked for, relative to the largest eigenvalue.
        tolerance: f64,
        /// What there was at the end, with its residuals.
        best: Box<RitzPairs>,
    },
    /// A stochastic estimate needs more probe vectors than it was given.
    #[error(
        "{probes} probe vectors are too few; at least {at_least} are needed for a standard error"
    )]
    Probes {
        /// Probe vectors asked for.
        probes: usize,
        /// The fewest that make sense.
        at_least: usize,
    },
    /// The kernel that smooths a density has no width.
    #[error("the width of the kernel is {width}; it must be positive and finite")]
    KernelWidth {
        /// The width that came.
        width: f64,
    },
    /// A nullity cannot be that of this metric.
    #[error("a nullity of {nullity} in a space of dimension {dim}")]
    Nullity {
        /// The nullity that was claimed.
        nullity: usize,
        /// Dimension.
        dim: usize,
    },
    /// A matrix cannot be a metric.
    #[error("a metric is square and not empty; this matrix is {rows}×{columns}")]
    Shape {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// The eigenvalue iteration did not converge.
    #[error("the eigendecomposition of a {dim}×{dim} metric did not converge")]
    Eigen {
        /// Dimension.
        dim: usize,
    },
    /// This representation cannot compute that inverse.
    #[error("{representation} offers no such inverse: use {remedy}")]
    Unsupported {
        /// Which representation.
        representation: &'static str,
        /// What to use instead.
        remedy: &'static str,
    },
}

/// What a [`MetricError::NotFinite`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// The metric's matrix.
    Metric,
    /// A product of the metric with a vector.
    Product,
    /// The eigenvalues of the metric, ascending.
    Eigenvalues,
    /// A covector to be raised.
    Gradient,
    /// The result of raising one.
    Direction,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Metric => "metric",
            Self::Product => "product with the metric",
            Self::Eigenvalues => "list of eigenvalues",
            Self::Gradient => "gradient",
            Self::Direction => "direction",
        })
    }
}

impl MetricError {
    /// Passes if all values are finite.
    pub(crate) fn check_finite(what: Quantity, values: &[f64]) -> Result<(), Self> {
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Self::NotFinite {
                what,
                index,
                value: values[index],
            }),
            None => Ok(()),
        }
    }

    /// Passes if λ is finite and not negative.
    pub(crate) fn check_shift(lambda: f64) -> Result<(), Self> {
        if lambda >= 0.0 && lambda.is_finite() {
            Ok(())
        } else {
            Err(Self::Damping { lambda })
        }
    }

    /// Passes if λ is positive and finite.
    pub(crate) fn check_damping(lambda: f64) -> Result<(), Self> {
        if lambda > 0.0 && lambda.is_finite() {
            Ok(())
        } else {
            Err(Self::Damping { lambda })
        }
    }
}
