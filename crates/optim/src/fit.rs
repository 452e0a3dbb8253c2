use crate::{Objective, OptimError, Optimizer, Step};
use std::ops::ControlFlow;

/// When [`fit`] stops. Whatever is not set does not stop it, except for the number of steps. While an optimiser explores
/// ([`Step::exploring`]), θ waits, and only the number of steps counts.
///
/// There is no clock in this crate; a limit on time, like any rule of one's own, is a [`ControlFlow::Break`] of the observer:
/// `|_, _, _| if started.elapsed() > limit { Break(()) } else { Continue(()) }`.
///
/// ```
/// use neuromanifold_optim::Stopping;
///
/// let stopping = Stopping::after(500).at_predicted_decrease(1e-20);
/// # let _ = stopping;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopping {
    max_steps: u64,
    loss: f64,
    gradient_norm: f64,
    predicted_decrease: f64,
    relative_decrease: f64,
}

impl Stopping {
    /// After so many steps.
    #[must_use]
    pub fn after(max_steps: u64) -> Self {
        Self {
            max_steps,
            loss: f64::NEG_INFINITY,
            gradient_norm: f64::NEG_INFINITY,
            predicted_decrease: f64::NEG_INFINITY,
            relative_decrease: f64::NEG_INFINITY,
        }
    }

    /// Also as soon as the loss at the beginning of a step is at most this, in nats.
    #[must_use]
    pub fn at_loss(mut self, nats: f64) -> Self {
        self.loss = nats;
        self
    }

    /// Also as soon as `|∇l|` at the beginning of a step is at most this.
    #[must_use]
    pub fn at_gradient_norm(mut self, norm: f64) -> Self {
        self.gradient_norm = norm;
        self
    }

    /// Also after a step that was predicted to gain no more than this, in nats.
    ///
    /// For natural-gradient steps this is the one rule that means the same in every parametrisation. Where an exact fit
    /// exists, the excess of the loss over its minimum is about this large.
    #[must_use]
    pub fn at_predicted_decrease(mut self, nats: f64) -> Self {
        self.predicted_decrease = nats;
        self
    }

    /// Also after a step that gained no more than this fraction of the magnitude of the loss. Looks only at steps that
    /// report their actual decrease.
    #[must_use]
    pub fn at_relative_decrease(mut self, fraction: f64) -> Self {
        self.relative_decrease = fraction;
        self
    }

    fn reason(&self, steps: u64, step: &Step) -> Option<Reason> {
        if step.exploring {
            return (steps >= self.max_steps).then_some(Reason::Steps);
        }
        let gained_little = step
            .actual_decrease
            .is_some_and(|gain| gain <= self.relative_decrease * step.loss.abs());
        if step.loss <= self.loss {
            Some(Reason::Loss)
        } else if step.gradient_norm <= self.gradient_norm {
            Some(Reason::GradientNorm)
        } else if !step.accepted {
            Some(Reason::NoDescent)
        } else if step.predicted_decrease <= self.predicted_decrease {
            Some(Reason::PredictedDecrease)
        } else if gained_little {
            Some(Reason::RelativeDecrease)
        } else if steps >= self.max_steps {
            Some(Reason::Steps)
        } else {
            None
        }
    }
}

/// Why [`fit`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The loss is small enough.
    Loss,
    /// The gradient is small enough.
    GradientNorm,
    /// The last step promised too little.
    PredictedDecrease,
    /// The last step gained too little.
    RelativeDecrease,
    /// No step of any length reduces the loss: a minimum to the precision of `f64`.
    NoDescent,
    /// All steps are taken.
    Steps,
    /// The caller's own word.
    Caller,
}

/// How a run of [`fit`] ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Why it stopped.
    pub reason: Reason,
    /// Steps taken.
    pub steps: u64,
    /// The loss at the end, in nats.
    pub loss: f64,
    /// `|∇l|` at the beginning of the last step.
    pub gradient_norm: f64,
    /// Forward passes spent.
    pub evaluations: usize,
}

/// Steps on one objective until a [`Stopping`] rule, or the caller, says stop.
///
/// `observe` sees the number of each step, what it did, and θ after it; [`ControlFlow::Break`] ends the run.
///
/// # Errors
/// That of the first step that fails; θ is then where the step before it left it.
pub fn fit(
    optimizer: &mut dyn Optimizer,
    objective: &Objective<'_>,
    theta: &mut [f64],
    stopping: &Stopping,
    mut observe: impl FnMut(u64, &Step, &[f64]) -> ControlFlow<()>,
) -> Result<Report, OptimError> {
    let mut report = Report {
        reason: Reason::Steps,
        steps: 0,
        loss: f64::NAN,
        gradient_norm: f64::NAN,
        evaluations: 1,
    };
    while report.steps < stopping.max_steps {
        let step = optimizer.step(objective, theta)?;
        report.steps += 1;
        report.gradient_norm = step.gradient_norm;
        report.evaluations += step.evaluations;
        if observe(report.steps, &step, theta).is_break() {
            report.reason = Reason::Caller;
            break;
        }
        if let Some(reason) = stopping.reason(report.steps, &step) {
            report.reason = reason;
            break;
        }
    }
    report.loss = objective.loss(theta)?;
    Ok(report)
}
