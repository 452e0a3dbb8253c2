use neuromanifold_geometry::MetricError;
use neuromanifold_model::{Dims, LikelihoodError, ModelError};

/// Why an optimiser could not be set up or could not take a step.
///
/// An error of a step leaves θ, and the state of the optimiser, as they were before it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// The model could not be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The likelihood does not fit the model's outputs or the targets.
    #[error(transparent)]
    Likelihood(#[from] LikelihoodError),
    /// The metric could not be built or inverted.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// There is nothing to learn from.
    #[error("an objective needs parameters, outputs and examples; the map has {dims:?}")]
    Empty {
        /// Sizes of the map.
        dims: Dims,
    },
    /// An optimiser that remembers something about one model was given another.
    #[error("the optimiser has learnt about {expected} parameters; this model has {got}")]
    Dimension {
        /// `P` of the steps before.
        expected: usize,
        /// `P` of this step.
        got: usize,
    },
    /// NaN or infinity turned up.
    #[error("the {what} at step {step} is {value}; it must be finite")]
    NonFinite {
        /// What was being computed.
        what: Quantity,
        /// The step, counted from 1; 0 where an objective was evaluated outside of a run.
        step: u64,
        /// The value found.
        value: f64,
    },
    /// The first-order rule is about to make its estimate of the inverse metric indefinite.
    ///
    /// `(1+ε)Ĝ⁻¹ − εĜ⁻¹aaᵀĜ⁻¹` is positive definite exactly if `aᵀĜ⁻¹a < (1+ε)/ε`. Take a smaller ε, or
    /// [`Rule::ShermanMorrison`](crate::Rule::ShermanMorrison), which has no such limit.
    #[error(
        "the first-order rule loses positive definiteness at step {step}: aᵀĜ⁻¹a = {quadratic_form} has reached \
         (1+ε)/ε = {limit} with ε = {epsilon}; take a smaller ε or the Sherman–Morrison rule"
    )]
    PositiveDefinitenessLost {
        /// The step that was not taken, counted from 1.
        step: u64,
        /// `aᵀĜ⁻¹a`; for a batch the largest eigenvalue of `AᵀĜ⁻¹A`.
        quadratic_form: f64,
        /// `(1+ε)/ε`.
        limit: f64,
        /// `ε_t` of that step.
        epsilon: f64,
    },
    /// Rounding has made the estimate of the inverse metric indefinite: its scale spans more than `f64` resolves.
    #[error(
        "rounding has made the estimate of the inverse metric indefinite at step {step}: aᵀĜ⁻¹a = {quadratic_form}; \
         start from a smaller inverse"
    )]
    Indefinite {
        /// The step that was not taken, counted from 1.
        step: u64,
        /// `aᵀĜ⁻¹a`; for a batch the smallest eigenvalue of `AᵀĜ⁻¹A`.
        quadratic_form: f64,
    },
    /// `ε_t` is no weight of an average.
    #[error(
        "the forgetting factor at step {step} is ε = {epsilon}; it must lie strictly between 0 and 1"
    )]
    Forgetting {
        /// The step that was not taken, counted from 1.
        step: u64,
        /// What the schedule gave.
        epsilon: f64,
    },
    /// A number in the configuration of an optimiser, a schedule or a stopping rule makes no sense.
    #[error("{name} is {value}; it must be {expected}")]
    Setting {
        /// Which number.
        name: &'static str,
        /// The value that came.
        value: f64,
        /// The range in which it must lie.
        expected: &'static str,
    },
}

/// What an [`OptimError::NonFinite`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// The objective.
    Loss,
    /// Its derivative.
    Gradient,
    /// The square of one of its entries.
    SquaredGradient,
    /// The squared length of a column in the metric.
    Metric,
    /// What was to be added to θ.
    Step,
    /// θ after the step.
    Parameter,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Gradient => "gradient",
            Self::SquaredGradient => "square of the gradient",
            Self::Metric => "metric",
            Self::Step => "step",
            Self::Parameter => "parameter after the step",
        })
    }
}

impl OptimError {
    /// Passes if all values are finite.
    pub(crate) fn check_finite(what: Quantity, step: u64, values: &[f64]) -> Result<(), Self> {
        // Quick when all is well, which almost always it is: no early exit.
        if values.iter().fold(true, |ok, v| ok & v.is_finite()) {
            return Ok(());
        }
        match values.iter().find(|v| !v.is_finite()) {
            Some(&value) => Err(Self::NonFinite { what, step, value }),
            None => Ok(()),
        }
    }

    /// Passes if a number of the configuration is in its range.
    pub(crate) fn check_setting(
        name: &'static str,
        value: f64,
        valid: bool,
        expected: &'static str,
    ) -> Result<(), Self> {
        if valid && value.is_finite() {
            return Ok(());
        }
        Err(Self::Setting {
            name,
            value,
            expected,
        })
    }
}
