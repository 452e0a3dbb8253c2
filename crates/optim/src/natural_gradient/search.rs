use super::damped_inverse::DampedInverse;
use super::damping::Acceleration;
use super::representation::Fisher;
use crate::step::{dot, norm};
use crate::{Objective, OptimError};
use neuromanifold_geometry::MetricError;
use neuromanifold_model::{Linearization, ModelError};

/// Damped steps from one θ, with one metric, tried until one reduces the objective.
pub(super) struct Search<'a, 'o> {
    pub(super) objective: &'a Objective<'o>,
    pub(super) linearization: &'a dyn Linearization,
    pub(super) fisher: &'a Fisher<'a>,
    pub(super) theta: &'a [f64],
    pub(super) gradient: &'a [f64],
    pub(super) learning_rate: f64,
    pub(super) acceleration: Acceleration,
    /// Forward passes so far.
    pub(super) evaluations: usize,
    pub(super) trial: &'a mut Buffers,
}

/// What the last trial looked at; kept from step to step.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    /// δ.
    pub(super) tangent: Vec<f64>,
    /// θ + δ.
    pub(super) candidate: Vec<f64>,
    /// `d²θ/dt²` of the curve the step follows.
    bend: Vec<f64>,
    /// `Z(θ + δ)`.
    outputs: Vec<f64>,
    /// `J δ`, then `d²Z/dt²`.
    moved: Vec<f64>,
}

/// What came of a trial.
pub(super) enum Trial {
    /// The objective fell.
    Better(Gain),
    /// It did not, or λ is so small that there is no telling: no factor, a point outside the domain of the model, a step
    /// along which the model is far from linear.
    Worse,
    /// `θ + δ = θ` in `f64`: no λ will help.
    Vanished,
}

/// Decreases of the objective in nats, both positive, and `δᵀGδ`.
#[derive(Clone, Copy)]
pub(super) struct Gain {
    pub(super) predicted: f64,
    pub(super) actual: f64,
    pub(super) quadratic: f64,
}

impl Gain {
    /// ρ.
    pub(super) fn ratio(&self) -> f64 {
        self.actual / self.predicted
    }
}

impl Search<'_, '_> {
    pub(super) fn attempt(&mut self, lambda: f64) -> Result<Trial, OptimError> {
        if !lambda.is_finite() {
            return Ok(Trial::Vanished); // even the shortest steps were refused
        }
        let inverse = match DampedInverse::new(self.fisher, self.linearization, lambda) {
            Ok(inverse) => inverse,
            Err(MetricError::NotPositiveDefinite { .. }) => return Ok(Trial::Worse),
            Err(error) => return Err(error.into()),
        };
        self.trial.tangent.resize(self.theta.len(), 0.0);
        inverse.descend(self.gradient, &mut self.trial.tangent);
        for d in &mut self.trial.tangent {
            *d *= self.learning_rate;
        }
        if !self.place(1.0) {
            return Ok(Trial::Vanished);
        }
        let quadratic = self.fisher.norm_squared(&self.trial.tangent);
        let predicted = -dot(self.gradient, &self.trial.tangent) - 0.5 * quadratic;
        // Exactly, the prediction is ½ δᵀGδ + λ|δ|²: if it does not come out positive, λ is too small for the solve.
        let promising = predicted > 0.0 && predicted.is_finite();
        if !promising || !self.accelerate(&inverse)? {
            return Ok(Trial::Worse);
        }
        if !self.place(1.0) {
            return Ok(Trial::Vanished);
        }
        if !self.evaluate_candidate()? {
            return Ok(Trial::Worse);
        }
        let before = self.linearization.outputs();
        let actual = self.objective.decrease(before, &self.trial.outputs);
        // A gain that is nothing beside the prediction says that the model of the objective is no model here.
        Ok(if actual > 1e-4 * predicted {
            Trial::Better(Gain {
                predicted,
                actual,
                quadratic,
            })
        } else {
            Trial::Worse // also for NaN
        })
    }

    /// Bends the straight step δ so that the outputs, not the parameters, move straight: `δ ← δ + ½θ̈` with
    /// `θ̈ = −(G + λI)⁻¹ Jᵀ H Z̈`, and `Z̈` the second derivative of the outputs along δ by a difference quotient.
    ///
    /// False if the bend is too large against δ, so that the expansion in δ is not to be trusted.
    fn accelerate(&mut self, inverse: &DampedInverse<'_>) -> Result<bool, OptimError> {
        /// Where along δ to look: shorter loses digits in the difference, longer lets in the third derivative.
        const AHEAD: f64 = 0.3;
        /// A difference below this many units of rounding tells nothing about the second derivative.
        const NOISE: f64 = 1e3;
        let Acceleration::UpTo(limit) = self.acceleration else {
            return Ok(true);
        };
        if !self.place(AHEAD) {
            return Ok(true);
        }
        if !self.evaluate_candidate()? {
            return Ok(false);
        }
        let Buffers {
            tangent,
            bend,
            outputs,
            moved,
            ..
        } = &mut *self.trial;
        moved.resize(outputs.len(), 0.0);
        self.linearization.jvp(tangent, moved);
        let before = self.linearization.outputs();
        for ((m, z), ahead) in moved.iter_mut().zip(before).zip(outputs.iter()) {
            *m = (ahead - z) - AHEAD * *m;
        }
        if norm(moved) <= NOISE * f64::EPSILON * norm(outputs) {
            return Ok(true);
        }
        for m in moved.iter_mut() {
            *m *= 2.0 / (AHEAD * AHEAD);
        }
        bend.resize(tangent.len(), 0.0);
        inverse.pull_back(moved, bend);
        let within = norm(bend) <= limit * norm(tangent); // false for NaN
        for (d, b) in tangent.iter_mut().zip(bend) {
            *d -= 0.5 * *b;
        }
        Ok(within)
    }

    /// `candidate ← θ + fraction·δ`; false if that is θ.
    #[allow(clippy::float_cmp)] // the question is whether any bit of θ changes
    fn place(&mut self, fraction: f64) -> bool {
        let Buffers {
            tangent, candidate, ..
        } = &mut *self.trial;
        candidate.clear();
        let moved = self.theta.iter().zip(tangent);
        candidate.extend(moved.map(|(t, d)| t + fraction * *d));
        candidate != self.theta
    }

    /// Whether the model can be evaluated at the candidate.
    fn evaluate_candidate(&mut self) -> Result<bool, OptimError> {
        let dims = self.objective.dims();
        let Buffers {
            candidate, outputs, ..
        } = &mut *self.trial;
        if ModelError::check_parameters(candidate, dims).is_err() {
            return Ok(false);
        }
        outputs.resize(dims.output_len(), 0.0);
        self.evaluations += 1;
        match self.objective.map().outputs(candidate, outputs) {
            Ok(()) => Ok(ModelError::check_outputs(outputs, dims).is_ok()),
            Err(error @ ModelError::ParameterCount { .. }) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }
}
