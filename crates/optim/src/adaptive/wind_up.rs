use super::inverse::InverseEstimate;
use crate::OptimError;

/// What is done about directions that no example excites.
///
/// An average that forgets, `Ĝ ← (1−ε)Ĝ + ε A Aᵀ`, forgets in all directions and learns along `A` only. Along a direction
/// that stays unexcited, `Ĝ⁻¹` grows by `1/(1−ε)` a step: the estimate winds up, and when the direction is excited at last θ
/// leaps. With `ε_t = 1/(t + n₀)` the growth is no faster than `t`; with a constant ε it is exponential, and the
/// run ends with [`OptimError::NonFinite`] or [`OptimError::Indefinite`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum WindUp {
    /// Nothing is done.
    #[default]
    Unchecked,
    /// `Ĝ ← (1−ε)Ĝ + ε (A Aᵀ + λI)`, to first order in `εP`: the estimate of the inverse tends to `(G + λI)⁻¹`.
    ///
    /// Only `λP e_i e_iᵀ` is added in each step, with `i` running over all parameters in turn, so that it costs one column of
    /// `Ĝ⁻¹` and no pass over the matrix. No eigenvalue of `Ĝ⁻¹` is then larger, in the long run, than
    /// `((1−ε)^{−P} − 1)(1−ε)/(ε P λ)`, about `1/λ` for `εP ≪ 1`. The steps are those of a damped metric: bounded, not
    /// invariant under changes of parameters.
    Leakage {
        /// λ, in nats per unit of θ squared.
        lambda: f64,
    },
    /// Forgets along the columns that come in and nowhere else: `Ĝ ← Ĝ + ε (1 − 1/q) a aᵀ` with `q = aᵀĜ⁻¹a`.
    ///
    /// Along `a` that is what the average would do, `1/q ← (1−ε)/q + ε`, so the step of θ is unchanged; in directions conjugate
    /// to `a` the estimate stays as it is. Several columns are first rotated into conjugate ones. It does not depend
    /// on the parametrisation, but an example that excites a direction by next to nothing makes `Ĝ⁻¹` large there all the same:
    /// that is then the metric.
    ///
    /// Mind what it tends to: with one column a step, `E[a aᵀ/q] = E[a aᵀ]`, so `tr(Ĝ⁻¹G) = 1` where the average makes it `P`.
    /// One direction in `P` is forgotten at a step, so the memory is `P` times as long and `Ĝ⁻¹` that much smaller: `P` times the
    /// ε and η of the average correspond to it (`P/c` times with `c` columns). For Gaussian columns the limit is `P·G`; for
    /// columns whose lengths and directions depend on one another, as those of a network do, it is another metric.
    ///
    /// # References
    /// R. Kulhavý, *Restricted exponential forgetting in real-time identification*, Automatica 23 (1987) 589–600,
    /// doi:10.1016/0005-1098(87)90054-9.
    DirectionalForgetting,
    /// Forgets less, or not at all, where the mean eigenvalue `tr Ĝ⁻¹/P` would otherwise exceed a bound.
    ///
    /// No eigenvalue is then larger than `P` times the bound. It costs nothing, and while the bound is not reached nothing
    /// changes; once it is, all directions forget more slowly for the sake of one.
    Cap {
        /// The bound on `tr Ĝ⁻¹/P`.
        mean_eigenvalue: f64,
    },
}

impl WindUp {
    pub(super) fn validate(self) -> Result<Self, OptimError> {
        match self {
            Self::Leakage { lambda } => {
                positive("the leakage λ into the metric", lambda)?;
            }
            Self::Cap { mean_eigenvalue } => {
                let name = "the bound on the mean eigenvalue of the inverse metric";
                positive(name, mean_eigenvalue)?;
            }
            Self::Unchecked | Self::DirectionalForgetting => {}
        }
        Ok(self)
    }
}

fn positive(name: &'static str, value: f64) -> Result<(), OptimError> {
    OptimError::check_setting(name, value, value > 0.0, "positive and finite")
}

/// `growth`, reduced so that the trace of `growth·(Ĝ⁻¹ − X diag(weights) Xᵀ)` keeps below a bound, but never below 1: the cap
/// forgets less, it does not make up information.
pub(super) fn capped(
    growth: f64,
    largest: f64,
    estimate: &mut InverseEstimate,
    weights: &[f64],
    columns: &[f64],
) -> f64 {
    let mut trace = estimate.trace();
    for (x, weight) in columns.chunks_exact(estimate.dim()).zip(weights) {
        trace -= weight * crate::step::dot(x, x);
    }
    growth.min((largest / trace).max(1.0))
}

/// One entry of the diagonal of the metric that is to be made larger.
#[derive(Clone, Debug, Default)]
pub(super) struct Leak {
    /// The column of the inverse it is on.
    column: Vec<f64>,
    weight: f64,
}

impl Leak {
    /// For `Ĝ ← Ĝ + amount·e_i e_iᵀ`, after an update that is still to come.
    pub(super) fn prepare(
        &mut self,
        index: usize,
        amount: f64,
        estimate: &InverseEstimate,
        (growth, weights, columns): (f64, &[f64], &[f64]),
        step: u64,
    ) -> Result<(), OptimError> {
        let dim = estimate.dim();
        self.column.resize(dim, 0.0);
        estimate.column(index, &mut self.column);
        for (x, weight) in columns.chunks_exact(dim).zip(weights) {
            let along = weight * x[index];
            for (h, x) in self.column.iter_mut().zip(x) {
                *h -= along * x;
            }
        }
        for h in &mut self.column {
            *h *= growth;
        }
        let own = self.column[index];
        if own > 0.0 && own.is_finite() {
            self.weight = amount / (1.0 + amount * own);
            return Ok(());
        }
        Err(OptimError::Indefinite {
            step,
            quadratic_form: own,
        })
    }

    pub(super) fn apply(&self, estimate: &mut InverseEstimate) {
        estimate.update(1.0, &[self.weight], &self.column);
    }
}
