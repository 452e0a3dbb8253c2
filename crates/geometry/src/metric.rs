use crate::{MetricError, RankTolerance};
use faer::Mat;

/// A symmetric positive semidefinite form on the tangent space at θ, in nats: `D(θ:θ+dθ) = ½ dθᵀG dθ + O(|dθ|³)`.
///
/// One trait for every representation, from a full matrix to a product that is never written down. Lowering an index
/// turns a tangent vector into a covector, `v ↦ G v`; raising turns a covector such as `∇l` into a tangent vector such as
/// the natural gradient, `g ↦ G⁻¹ g`. Where `G` is degenerate, raising needs to be told what is meant: [`Inverse`].
pub trait Metric {
    /// `P`, the dimension of the tangent space.
    fn dim(&self) -> usize;

    /// `out ← G v`. Both slices have length `P`.
    fn lower(&self, tangent: &[f64], out: &mut [f64]);

    /// `G v` of several tangent vectors, one after the other in `tangents` as in `out`.
    ///
    /// The default makes one product after the other.
    ///
    /// # Panics
    /// If the lengths differ or are no multiple of `P`.
    fn lower_many(&self, tangents: &[f64], out: &mut [f64]) {
        let dim = self.dim();
        assert_vectors(dim, tangents, out);
        for (tangent, out) in tangents.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            self.lower(tangent, out);
        }
    }

    /// `out ← ` the chosen inverse applied to a covector `g`. Both slices have length `P`.
    ///
    /// The [`Solve`] that comes back says how well the equation is solved; a direct solve whose residual shows that nothing of it
    /// is left is [`MetricError::Inaccurate`].
    ///
    /// # Errors
    /// [`MetricError`], naming what stands in the way (a pivot, a rank, a residual); `out` is then unspecified unless the
    /// error says otherwise.
    fn raise(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError>;

    /// `vᵀG v`, twice the divergence of a short step `v`, in nats.
    fn norm_squared(&self, tangent: &[f64]) -> f64 {
        let mut lowered = vec![0.0; self.dim()];
        self.lower(tangent, &mut lowered);
        tangent.iter().zip(&lowered).map(|(v, g)| v * g).sum()
    }

    /// `uᵀG v`.
    fn inner(&self, one: &[f64], other: &[f64]) -> f64 {
        let mut lowered = vec![0.0; self.dim()];
        self.lower(other, &mut lowered);
        one.iter().zip(&lowered).map(|(v, g)| v * g).sum()
    }

    /// The whole matrix, `P × P`. The default makes `P` products.
    fn to_dense(&self) -> Mat<f64> {
        let dim = self.dim();
        let mut dense = Mat::zeros(dim, dim);
        let (mut unit, mut column) = (vec![0.0; dim], vec![0.0; dim]);
        for j in 0..dim {
            unit[j] = 1.0;
            self.lower(&unit, &mut column);
            unit[j] = 0.0;
            for (i, value) in column.iter().enumerate() {
                dense[(i, j)] = *value;
            }
        }
        dense
    }
}

/// Panics unless both slices are the same number of vectors of length `P`.
#[track_caller]
pub(crate) fn assert_vectors(dim: usize, tangents: &[f64], out: &[f64]) {
    assert!(
        tangents.len() == out.len() && tangents.len().is_multiple_of(dim.max(1)),
        "{} and {} numbers are not the same number of vectors of length {dim}",
        tangents.len(),
        out.len()
    );
}

/// What raising an index means where the metric is, or may be, degenerate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inverse {
    /// `G⁻¹ g`. A metric without a numerically trustworthy inverse is an error, never a large step.
    Exact,
    /// `(G + λI)⁻¹ g` with `λ > 0`, in nats per unit of θ squared.
    ///
    /// Well defined everywhere, but no longer invariant: it mixes in the Euclidean metric of the parameters.
    Damped {
        /// The damping λ.
        lambda: f64,
    },
    /// `G⁺ g`, the shortest `v` among those that minimise `|G v − g|`; eigenvalues below the tolerance are zero.
    ///
    /// On a singular point this is the natural gradient on the quotient, up to the choice of the Euclidean metric in
    /// the null directions, along which the law does not change.
    Pseudo {
        /// Which eigenvalues are zero.
        tolerance: RankTolerance,
    },
}

impl Inverse {
    /// λ, 0 where there is none.
    pub(crate) fn damping(self) -> f64 {
        match self {
            Self::Damped { lambda } => lambda,
            _ => 0.0,
        }
    }

    /// `(G + λI)⁻¹`.
    #[must_use]
    pub fn damped(lambda: f64) -> Self {
        Self::Damped { lambda }
    }

    /// `G⁺` with eigenvalues up to `fraction` of the largest taken for zero.
    #[must_use]
    pub fn pseudo(fraction: f64) -> Self {
        Self::Pseudo {
            tolerance: RankTolerance::Relative(fraction),
        }
    }
}

/// How well [`Metric::raise`] solved its equation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Solve {
    /// `|g − (G + λI)x| / |g|`, measured after the solve (with `g` projected on the range for a pseudo-inverse).
    pub relative_residual: f64,
    /// The number of eigenvalues that were inverted: `P` unless a pseudo-inverse dropped some.
    pub rank: usize,
    /// Products with `G` that an iterative solver used; 0 for a direct one.
    pub iterations: usize,
}

/// Passes if a direct solve has left a residual that rounding can explain; otherwise all digits of it are lost.
pub(crate) fn trusted(residual: f64, lambda: f64) -> Result<f64, MetricError> {
    /// A backward stable solve leaves a small multiple of `P ε`; this is far above it and far below useless.
    const LOST: f64 = 1e-3;
    if residual <= LOST {
        Ok(residual)
    } else {
        Err(MetricError::Inaccurate { residual, lambda })
    }
}

/// `|g − (G + λI)x| / |g|`, or `|(G + λI)x|` for `g = 0`.
pub(crate) fn relative_residual<M: Metric + ?Sized>(
    metric: &M,
    lambda: f64,
    gradient: &[f64],
    solution: &[f64],
) -> f64 {
    let mut image = vec![0.0; metric.dim()];
    metric.lower(solution, &mut image);
    for (image, x) in image.iter_mut().zip(solution) {
        *image += lambda * x;
    }
    relative_difference(gradient, &image)
}

/// `|g − h| / |g|`, or `|h|` for `g = 0`; without overflow or underflow of squares.
pub(crate) fn relative_difference(gradient: &[f64], image: &[f64]) -> f64 {
    let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let (mut error, mut size) = (0.0, 0.0);
    for (g, h) in gradient.iter().zip(image) {
        error += ((g - h) / unit).powi(2);
        size += (g / unit).powi(2);
    }
    if size > 0.0 {
        (error / size).sqrt()
    } else {
        error.sqrt()
    }
}
