use neuromanifold_geometry::{
    DenseFisher, GramFisher, Inverse, Metric, MetricError, OutputFactor, Solve,
};
use neuromanifold_model::{Cotangents, Dims, Linearization};

use crate::Objective;
use crate::step::{dot, norm};

/// In which space the equation for the natural gradient is solved. All give the same step up to rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Representation {
    /// [`Dense`](Self::Dense) if `P ≤ rN`, else [`SampleSpace`](Self::SampleSpace).
    ///
    /// The first costs `P²·rN/2 + P³/3` multiplications, the second `P·(rN)²/2 + (rN)³/3`; their difference is
    /// `(rN − P)` times something positive.
    #[default]
    Auto,
    /// `G` as a `P × P` matrix.
    Dense,
    /// `K = AᵀA` as an `rN × rN` matrix, with `G = A Aᵀ`.
    SampleSpace,
}

impl Representation {
    fn resolve(self, dims: Dims, rank: usize) -> Self {
        match self {
            Self::Auto if dims.parameters <= rank * dims.examples => Self::Dense,
            Self::Auto => Self::SampleSpace,
            chosen => chosen,
        }
    }
}

/// The Fisher metric at one θ in the chosen representation, and what to raise with it.
#[derive(Debug)]
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
}

impl<'a> Fisher<'a> {
    pub(super) fn new(
        linearization: &'a dyn Linearization,
        objective: &Objective<'_>,
        representation: Representation,
    ) -> Result<Self, MetricError> {
        let factor = OutputFactor::fisher(linearization, objective.likelihood())?;
        let dims = linearization.dims();
        if representation.resolve(dims, factor.rank()) == Representation::Dense {
            return Ok(Self::Dense {
                fisher: DenseFisher::from_factor(linearization, &factor)?,
                factor,
            });
        }
        let whitened = whitened_scores(linearization, objective, factor.cotangents());
        Ok(Self::SampleSpace {
            gram: GramFisher::from_factor(linearization, factor.clone())?,
            factor,
            whitened,
        })
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
        };
        for o in out {
            *o = -*o;
        }
        Ok(solve)
    }

    /// `vᵀG v`.
    pub(super) fn norm_squared(&self, tangent: &[f64]) -> f64 {
        match self {
            Self::Dense { fisher, .. } => fisher.norm_squared(tangent),
            Self::SampleSpace { gram, .. } => gram.norm_squared(tangent),
        }
    }

    /// `tr G / P`, the mean eigenvalue. `tr G = tr K`.
    pub(super) fn mean_eigenvalue(&self) -> f64 {
        match self {
            Self::Dense { fisher, .. } => fisher.trace() / fisher.dim() as f64,
            Self::SampleSpace { gram, .. } => {
                let matrix = gram.gram();
                let trace: f64 = (0..gram.columns()).map(|i| matrix[(i, i)]).sum();
                trace / gram.dim() as f64
            }
        }
    }
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
