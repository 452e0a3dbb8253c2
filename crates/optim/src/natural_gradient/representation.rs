use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, GramFisher, Inverse, KroneckerFisher, Metric, MetricError,
    OutputFactor, Solve,
};
use neuromanifold_model::{Cotangents, Layerwise, Linearization};

use crate::Objective;
use crate::step::{dot, norm};

/// In which space the equation for the natural gradient is solved. The first three give the same step up to rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Representation {
    /// Whichever needs the fewest multiplications for a step:
    ///
    /// | | |
    /// |---|---|
    /// | [`Dense`](Self::Dense) | `P²·rN/2 + P³/3` |
    /// | [`SampleSpace`](Self::SampleSpace) | `P·(rN)²/2 + (rN)³/3` |
    /// | [`MatrixFree`](Self::MatrixFree) | `4PN` a product, of which a direct solve is worth 250 |
    ///
    /// The last only where there is a damping λ > 0, and with [`ConjugateGradients`] to a relative residual of 0.3, in at most 10 products: direct
    /// solves end at the precision of `f64`, so they are given up only where they cost much more. If the map offers its affine layers,
    /// of `m_l` units with `n_l` parameters each, then preconditioned by K-FAC ([`KroneckerFree`](Self::KroneckerFree)) in at most 3
    /// products, unless `N Σ_l (n_l² + r m_l²) + 10 Σ_l (n_l³ + m_l³)` is more than what 8 products cost.
    #[default]
    Auto,
    /// `G` as a `P × P` matrix.
    Dense,
    /// `K = AᵀA` as an `rN × rN` matrix, with `G = A Aᵀ`.
    SampleSpace,
    /// `G` as a product, and a solve by conjugate gradients that stops as told, be it before the equation is solved: every
    /// iterate is a direction of descent. Needs a damping λ > 0.
    MatrixFree(ConjugateGradients),
    /// The same, with K-FAC at the same λ as the preconditioner: one pass over the batch and the eigenvectors of two small matrices a
    /// layer, `O(Σ_l ñ_l³ + m_l³)`, once a step. For maps that offer their affine layers.
    KroneckerFree(ConjugateGradients),
}

impl Representation {
    /// What [`Auto`](Self::Auto) stands for.
    pub(super) fn resolve(
        self,
        linearization: &dyn Linearization,
        rank: usize,
        damped: bool,
    ) -> Self {
        /// Products with `G` that a direct solve, with all its digits, is worth.
        const WORTH: f64 = 250.0;
        /// Products that K-FAC as a preconditioner saves in a step, at the least.
        const SAVED: f64 = 8.0;
        let Self::Auto = self else { return self };
        let dims = linearization.dims();
        let (p, n) = (dims.parameters as f64, dims.examples as f64);
        let columns = rank as f64 * n;
        let dense = p * p * columns / 2.0 + p.powi(3) / 3.0;
        let sample_space = p * columns * columns / 2.0 + columns.powi(3) / 3.0;
        let product = 4.0 * p * n;
        if damped && WORTH * product < dense.min(sample_space) {
            let stopping = |max_products| ConjugateGradients {
                tolerance: 0.3,
                max_products,
            };
            match linearization.layers() {
                Some(layers) if kronecker_cost(layers, n, rank as f64) < SAVED * product => {
                    Self::KroneckerFree(stopping(3))
                }
                _ => Self::MatrixFree(stopping(10)),
            }
        } else if p <= columns {
            Self::Dense
        } else {
            Self::SampleSpace
        }
    }
}

/// The Fisher metric at one θ in the chosen representation, and what to raise with it.
pub(super) enum Fisher<'a> {
    Dense {
        fisher: DenseFisher,
        factor: OutputFactor,
    },
    SampleSpace {
        gram: GramFisher<'a>,
        factor: OutputFactor,
        /// The scores in the columns of the factor, if nothing is lost by starting from them.
        whitened: Option<Vec<f64>>,
    },
    Operator {
        linearization: &'a dyn Linearization,
        factor: OutputFactor,
        stopping: ConjugateGradients,
        /// The preconditioner, if there is one.
        kronecker: Option<KroneckerFisher>,
        /// `gᵀGg/gᵀg` at the gradient.
        rayleigh: f64,
    },
}

impl<'a> Fisher<'a> {
    /// `representation` is not [`Representation::Auto`].
    pub(super) fn new(
        linearization: &'a dyn Linearization,
        objective: &Objective<'_>,
        factor: OutputFactor,
        representation: Representation,
        gradient: &[f64],
    ) -> Result<Self, MetricError> {
        match representation {
            Representation::MatrixFree(stopping) | Representation::KroneckerFree(stopping) => {
                let kronecker = match representation {
                    Representation::MatrixFree(_) => None,
                    _ => Some(KroneckerFisher::kfac_from_factor(linearization, &factor)?),
                };
                let mut operator = Self::Operator {
                    linearization,
                    factor,
                    stopping,
                    kronecker,
                    rayleigh: 0.0,
                };
                let along = operator.norm_squared(gradient) / dot(gradient, gradient);
                if let Self::Operator { rayleigh, .. } = &mut operator {
                    *rayleigh = if along.is_finite() { along } else { 0.0 };
                }
                Ok(operator)
            }
            Representation::SampleSpace => {
                let whitened = whitened_scores(linearization, objective, factor.cotangents());
                Ok(Self::SampleSpace {
                    gram: GramFisher::from_factor(linearization, factor.clone())?,
                    factor,
                    whitened,
                })
            }
            Representation::Dense | Representation::Auto => Ok(Self::Dense {
                fisher: DenseFisher::from_factor(linearization, &factor)?,
                factor,
            }),
        }
    }

    /// `out ← −G⁻¹ ∇l` in the sense of `inverse`.
    pub(super) fn descend(
        &self,
        gradient: &[f64],
        inverse: Inverse,
        out: &mut [f64],
    ) -> Result<Solve, MetricError> {
        let solve = match self {
            Self::Dense { fisher, .. } => fisher.raise(gradient, inverse, out)?,
            Self::SampleSpace {
                gram,
                whitened: Some(scores),
                ..
            } => return gram.raise_whitened(scores, inverse, out), // scores point uphill in likelihood
            Self::SampleSpace { gram, .. } => gram.raise(gradient, inverse, out)?,
            Self::Operator { .. } => {
                return Err(MetricError::Unsupported {
                    representation: "a Fisher matrix given by products",
                    remedy: "a damping λ > 0, or another representation",
                });
            }
        };
        for o in out {
            *o = -*o;
        }
        Ok(solve)
    }

    /// Whether equations are solved by conjugate gradients.
    pub(super) fn is_operator(&self) -> bool {
        matches!(self, Self::Operator { .. })
    }

    /// `out ← G v` for an operator.
    pub(super) fn lower_by_products(&self, tangent: &[f64], out: &mut [f64]) {
        if let Self::Operator {
            linearization,
            factor,
            ..
        } = self
        {
            let (mut moved, white) = whitened_motion(*linearization, factor, tangent);
            factor.apply(&white, &mut moved);
            linearization.vjp(&moved, out);
        }
    }

    /// `uᵀG v`.
    pub(super) fn inner(&self, one: &[f64], other: &[f64]) -> f64 {
        match self {
            Self::Dense { fisher, .. } => fisher.inner(one, other),
            Self::SampleSpace { gram, .. } => gram.inner(one, other),
            Self::Operator {
                linearization,
                factor,
                ..
            } => {
                let one = whitened_motion(*linearization, factor, one).1;
                dot(&one, &whitened_motion(*linearization, factor, other).1)
            }
        }
    }

    /// `vᵀG v`.
    pub(super) fn norm_squared(&self, tangent: &[f64]) -> f64 {
        match self {
            Self::Dense { fisher, .. } => fisher.norm_squared(tangent),
            Self::SampleSpace { gram, .. } => gram.norm_squared(tangent),
            Self::Operator {
                linearization,
                factor,
                ..
            } => {
                let white = whitened_motion(*linearization, factor, tangent).1;
                dot(&white, &white)
            }
        }
    }

    /// `tr G / P`, the mean eigenvalue, with `tr G = tr K`; for an operator, what `G` does to the gradient.
    pub(super) fn mean_eigenvalue(&self) -> f64 {
        match self {
            Self::Dense { fisher, .. } => fisher.trace() / fisher.dim() as f64,
            Self::SampleSpace { gram, .. } => {
                let matrix = gram.gram();
                let trace: f64 = (0..gram.columns()).map(|i| matrix[(i, i)]).sum();
                trace / gram.dim() as f64
            }
            Self::Operator { rayleigh, .. } => *rayleigh,
        }
    }
}

/// Multiplications for K-FAC's two factors of every layer and their eigenvectors.
fn kronecker_cost(layers: &dyn Layerwise, examples: f64, rank: f64) -> f64 {
    let of_layer = |index| {
        let layer = layers.layer(index);
        let (n, m) = (layer.fan_in() as f64, layer.outputs as f64);
        examples * (n * n + rank * m * m) + 10.0 * (n.powi(3) + m.powi(3))
    };
    (0..layers.depth()).map(of_layer).sum()
}

/// `J v` and `BᵀJ v`.
fn whitened_motion(
    linearization: &dyn Linearization,
    factor: &OutputFactor,
    tangent: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let dims = linearization.dims();
    let mut moved = vec![0.0; dims.output_len()];
    let mut white = vec![0.0; factor.rank() * dims.examples];
    linearization.jvp(tangent, &mut moved);
    factor.apply_transpose(&moved, &mut white);
    (moved, white)
}

/// The scores of all examples in the columns of the factor, `B w = score`, unless in one of them large terms cancel.
///
/// For Gaussian noise `B = I/σ`, and for one logit `B` is a number: nothing cancels. But a class of probability `p` that
/// was observed all the same can have `|w| ≈ p^{−½}` along columns of order one, whose sum is of order one as well. The
/// solve `(K + λI)⁻¹w` would then carry rounding errors in proportion to `|w|` into every other example. Up to a factor of
/// 10³ is let pass: it leaves more digits than subtracting long vectors at small λ does.
fn whitened_scores(
    linearization: &dyn Linearization,
    objective: &Objective<'_>,
    factor: Cotangents<'_>,
) -> Option<Vec<f64>> {
    const TOLERATED: f64 = 1e3;
    let dims = linearization.dims();
    let likelihood = objective.likelihood();
    let rank = factor.rank();
    let mut whitened = vec![0.0; rank * dims.examples];
    let mut score = vec![0.0; dims.outputs];
    let (mut largest_terms, mut largest_score) = (0.0_f64, 0.0_f64);
    let unscaled = (dims.examples as f64).sqrt(); // the factor carries 1/√N
    let columns = factor.values().chunks_exact(dims.outputs * rank);
    let examples = objective.examples(linearization.outputs());
    for (((z, y), b), w) in examples.zip(columns).zip(whitened.chunks_exact_mut(rank)) {
        likelihood.whitened_score(z, y, w);
        likelihood.score(z, y, &mut score);
        let column_norms = b.chunks_exact(dims.outputs).map(norm);
        let terms: f64 = column_norms
            .zip(&*w)
            .map(|(b, w)| unscaled * b * w.abs())
            .sum();
        // Where `B` has underflowed, its columns no longer make up the score; and squares of `w` must stay finite.
        if terms < 0.5 * norm(&score) || !dot(w, w).is_finite() {
            return None;
        }
        largest_terms = largest_terms.max(terms);
        largest_score = largest_score.max(norm(&score));
    }
    (largest_terms <= TOLERATED * largest_score).then_some(whitened)
}
