//! The ways of learning that are compared, one example a step.

use neuromanifold_geometry::closed_form::online::StudentFisher;
use neuromanifold_geometry::{Inverse, Metric};
use neuromanifold_model::Gaussian;
use neuromanifold_optim::{AdaptiveNaturalGradient, Objective, Optimizer, Rule, Schedule, Sgd};

use super::committee::SoftCommittee;
use crate::HarnessError;

/// A way of learning; rates are in units of `1/n`, so that time is `α = steps/n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Learner {
    /// Along the gradient.
    Gradient { eta: f64 },
    /// Along `G⁻¹∇l` with the exact Fisher metric of the input distribution at every step.
    Natural { eta: f64 },
    /// Along `Ĝ⁻¹∇l` with the estimate that is updated by one example a step, weight `ε`.
    Adaptive { eta: f64, epsilon: f64 },
}

/// A learner at work on inputs of one dimension.
pub(super) enum Work {
    Gradient(Sgd),
    Natural {
        rate: f64,
        gradient: Vec<f64>,
        step: Vec<f64>,
    },
    Adaptive(Box<AdaptiveNaturalGradient>),
}

impl Learner {
    /// What figures and tables call it.
    pub(super) fn label(self) -> String {
        match self {
            Self::Gradient { eta } => format!("gradient, η = {eta}"),
            Self::Natural { eta } => format!("natural gradient, η = {eta}"),
            Self::Adaptive { eta, epsilon } => format!("adaptive, η = {eta}, ε = {epsilon}/n"),
        }
    }

    pub(super) fn begin(self, dimension: usize, parameters: usize) -> Result<Work, HarnessError> {
        let n = dimension as f64;
        Ok(match self {
            Self::Gradient { eta } => Work::Gradient(Sgd::new(Schedule::constant(eta / n)?)),
            Self::Natural { eta } => Work::Natural {
                rate: eta / n,
                gradient: vec![0.0; parameters],
                step: vec![0.0; parameters],
            },
            Self::Adaptive { eta, epsilon } => {
                Work::Adaptive(Box::new(AdaptiveNaturalGradient::new(
                    Rule::ShermanMorrison,
                    Schedule::constant(eta / n)?,
                    Schedule::constant(epsilon / n)?,
                )))
            }
        })
    }
}

impl Work {
    /// One example: `weights` move.
    pub(super) fn learn(
        &mut self,
        committee: &SoftCommittee<'_>,
        target: f64,
        weights: &mut [f64],
    ) -> Result<(), HarnessError> {
        let targets = [target];
        let objective = Objective::new(committee, &Gaussian::UNIT, &targets)?;
        match self {
            Self::Gradient(optimizer) => {
                optimizer.step(&objective, weights)?;
            }
            Self::Adaptive(optimizer) => {
                optimizer.step(&objective, weights)?;
            }
            Self::Natural {
                rate,
                gradient,
                step,
            } => {
                objective.gradient(weights, gradient)?;
                StudentFisher::new(weights, committee.units).raise(
                    gradient,
                    Inverse::Exact,
                    step,
                )?;
                for (w, s) in weights.iter_mut().zip(step) {
                    *w -= *rate * *s;
                }
            }
        }
        Ok(())
    }
}
