use super::damped_inverse::DampedInverse;
use super::levenberg_marquardt::Acceleration;
use super::momentum::{NaturalMomentum, minimum_on_plane};
use super::representation::Fisher;
use super::step_length::StepLength;
use crate::step::{dot, norm};
use crate::{Objective, OptimError};
use neuromanifold_geometry::{Inverse, MetricError};
use neuromanifold_model::{Linearization, ModelError};

/// Steps from one θ, with one metric: a direction, bent if asked for, and a point along it that is good enough.
///
/// Directions are in the frame of the damping, `φ = D^{½}θ`; so are the gradient and the linearisation.
pub(super) struct Search<'a, 'o> {
    pub(super) objective: &'a Objective<'o>,
    pub(super) linearization: &'a dyn Linearization,
    pub(super) fisher: &'a Fisher<'a>,
    pub(super) theta: &'a [f64],
    pub(super) gradient: &'a [f64],
    /// `D^{−½}`, where it is not the identity.
    pub(super) units: Option<&'a [f64]>,
    pub(super) learning_rate: f64,
    pub(super) acceleration: Acceleration,
    pub(super) momentum: NaturalMomentum,
    /// The step before, in θ; empty at the first.
    pub(super) previous: &'a [f64],
    pub(super) length: StepLength,
    /// Forward passes so far.
    pub(super) evaluations: usize,
    pub(super) trial: &'a mut Buffers,
}

/// What the last trial looked at; kept from step to step.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    /// δ, in the frame of the damping.
    pub(super) direction: Vec<f64>,
    /// θ + δ.
    pub(super) candidate: Vec<f64>,
    /// `d²θ/dt²` of the curve the step follows.
    bend: Vec<f64>,
    /// `Z(θ + δ)`.
    pub(super) outputs: Vec<f64>,
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
    /// A damped step, if it is worth taking.
    pub(super) fn attempt(&mut self, lambda: f64) -> Result<Trial, OptimError> {
        if !lambda.is_finite() {
            return Ok(Trial::Vanished); // even the shortest steps were refused
        }
        let inverse = match DampedInverse::new(self.fisher, self.linearization, lambda) {
            Ok(inverse) => inverse,
            Err(MetricError::NotPositiveDefinite { .. }) => return Ok(Trial::Worse),
            Err(error) => return Err(error.into()),
        };
        self.descend(&inverse, lambda);
        if !self.place(1.0) {
            return Ok(Trial::Vanished);
        }
        let quadratic = self.fisher.norm_squared(&self.trial.direction);
        let slope = -dot(self.gradient, &self.trial.direction);
        let predicted = slope - 0.5 * quadratic;
        // Exactly, the prediction is ½ δᵀGδ + λ|δ|²: if it does not come out positive, λ is too small for the solve.
        let promising = predicted > 0.0 && predicted.is_finite();
        if !promising || !self.accelerate(&inverse)? {
            return Ok(Trial::Worse);
        }
        self.along(slope, quadratic)
    }

    /// The direction in the sense of `inverse`, cut to the trust region; comes back with `−∇l·δ` and `δᵀGδ`.
    pub(super) fn point(&mut self, inverse: Inverse) -> Result<(f64, f64), OptimError> {
        if let Inverse::Damped { lambda } = inverse {
            let inverse = DampedInverse::new(self.fisher, self.linearization, lambda)?;
            self.descend(&inverse, lambda);
        } else {
            self.trial.direction.resize(self.theta.len(), 0.0);
            self.fisher
                .descend(self.gradient, inverse, &mut self.trial.direction)?;
            self.combine(0.0);
        }
        let quadratic = self.fisher.norm_squared(&self.trial.direction);
        let cap = self.length.cap(quadratic);
        self.scale(cap);
        let slope = -dot(self.gradient, &self.trial.direction);
        Ok((slope, cap * cap * quadratic))
    }

    pub(super) fn scale(&mut self, factor: f64) {
        if factor < 1.0 {
            for d in &mut self.trial.direction {
                *d *= factor;
            }
        }
    }

    /// The damped direction.
    fn descend(&mut self, inverse: &DampedInverse<'_>, lambda: f64) {
        self.trial.direction.resize(self.theta.len(), 0.0);
        inverse.descend(self.gradient, &mut self.trial.direction);
        if let NaturalMomentum::Spring(mu) = self.momentum
            && let Some(previous) = self.previous_in_frame()
        {
            let Buffers {
                direction,
                bend,
                moved,
                ..
            } = &mut *self.trial;
            moved.resize(self.objective.dims().output_len(), 0.0);
            bend.resize(direction.len(), 0.0);
            self.linearization.jvp(&previous, moved);
            inverse.pull_back(moved, bend);
            for ((d, p), b) in direction.iter_mut().zip(&previous).zip(bend) {
                *d += mu * (p - *b);
            }
        }
        self.combine(lambda);
    }

    /// Momentum in the plane of two directions, and the learning rate.
    fn combine(&mut self, lambda: f64) {
        let previous = match self.momentum {
            // a direct solve is the minimum already
            NaturalMomentum::Plane if self.fisher.is_operator() => self.previous_in_frame(),
            _ => None,
        };
        let direction = &mut self.trial.direction;
        if let Some(previous) = previous {
            let form = |a: &[f64], b: &[f64]| self.fisher.inner(a, b) + lambda * dot(a, b);
            let matrix = [
                form(direction, direction),
                form(direction, &previous),
                form(&previous, &previous),
            ];
            let slopes = [dot(self.gradient, direction), dot(self.gradient, &previous)];
            let [alpha, beta] = minimum_on_plane(matrix, slopes);
            for (d, p) in direction.iter_mut().zip(&previous) {
                *d = alpha * *d + beta * p;
            }
        }
        for d in direction {
            *d *= self.learning_rate;
        }
    }

    /// φ in the frame of the damping.
    fn previous_in_frame(&self) -> Option<Vec<f64>> {
        let previous = (!self.previous.is_empty()).then(|| self.previous.to_vec())?;
        let Some(units) = self.units else {
            return Some(previous);
        };
        Some(previous.iter().zip(units).map(|(p, u)| p / u).collect())
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
            direction,
            bend,
            outputs,
            moved,
            ..
        } = &mut *self.trial;
        moved.resize(outputs.len(), 0.0);
        self.linearization.jvp(direction, moved);
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
        bend.resize(direction.len(), 0.0);
        inverse.pull_back(moved, bend);
        let within = norm(bend) <= limit * norm(direction); // false for NaN
        for (d, b) in direction.iter_mut().zip(bend) {
            *d -= 0.5 * *b;
        }
        Ok(within)
    }

    /// `candidate ← θ + fraction·δ`; false if that is θ.
    #[allow(clippy::float_cmp)] // the question is whether any bit of θ changes
    pub(super) fn place(&mut self, fraction: f64) -> bool {
        let Buffers {
            direction,
            candidate,
            ..
        } = &mut *self.trial;
        candidate.clear();
        let moved = self.theta.iter().zip(direction);
        match self.units {
            None => candidate.extend(moved.map(|(t, d)| t + fraction * *d)),
            Some(units) => {
                candidate.extend(moved.zip(units).map(|((t, d), u)| t + fraction * *d * u));
            }
        }
        candidate != self.theta
    }

    /// Whether the model can be evaluated at the candidate.
    pub(super) fn evaluate_candidate(&mut self) -> Result<bool, OptimError> {
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
