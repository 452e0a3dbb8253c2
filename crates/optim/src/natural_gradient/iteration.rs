use super::escape::misfit;
use super::levenberg_marquardt::{Acceleration, Lambda, LevenbergMarquardt};
use super::representation::Fisher;
use super::scaling::Rescaled;
use super::search::{Gain, Search, Trial};
use super::{Damping, NaturalGradient, NaturalMomentum, Scaling};
use crate::error::Quantity;
use crate::step::advance;
use crate::{Objective, OptimError, Step};
use neuromanifold_geometry::{Inverse, OutputFactor};
use neuromanifold_model::{Linearization, ModelError};
use std::borrow::Cow;

impl NaturalGradient {
    /// One step from θ, in place.
    pub(super) fn iterate(
        &mut self,
        objective: &Objective<'_>,
        theta: &mut [f64],
    ) -> Result<Step, OptimError> {
        let dims = objective.dims();
        ModelError::check_parameters(theta, dims)?;
        let t = self.steps + 1;
        let eta = self.learning_rate.at(t);
        let mut tangent = Vec::new();
        let (outcome, lambda, evaluations) = {
            let linearization = objective.map().linearize(theta)?;
            let linearization = linearization.as_ref();
            self.first_order.evaluate(objective, linearization, t)?;
            if self.watches_misfit {
                self.misfit = misfit(objective, linearization);
            }
            let factor = OutputFactor::fisher(linearization, objective.likelihood())?;
            let rescaled = match self.scaling {
                Scaling::Identity => None,
                Scaling::Diagonal { floor } => {
                    Some(Rescaled::by_diagonal(linearization, &factor, floor))
                }
            };
            let units = rescaled.as_ref().map(|r| r.units.as_slice());
            let frame = rescaled
                .as_ref()
                .map_or(linearization, |r| r as &dyn Linearization);
            let gradient = in_frame(&self.first_order.gradient, units);
            let damped = self.damping.is_damped();
            let representation = self.representation.resolve(frame, factor.rank(), damped);
            let fisher = Fisher::new(frame, objective, factor, representation, &gradient)?;
            let mut search = Search {
                objective,
                linearization: frame,
                fisher: &fisher,
                theta,
                gradient: &gradient,
                units,
                learning_rate: eta,
                acceleration: Acceleration::Off,
                momentum: self.momentum,
                previous: &self.previous,
                length: self.length,
                evaluations: 1,
                trial: &mut self.trial,
            };
            let mut lambda = self.lambda;
            let outcome = match self.damping.inverse() {
                Err(rule) => {
                    search.acceleration = rule.acceleration(representation, self.most_bent);
                    let norm = crate::step::norm(&gradient);
                    let first = || rule.first(&fisher, norm);
                    Self::search(rule, lambda.get_or_insert_with(first), &mut search)?
                }
                Ok(inverse) => {
                    let taken = match inverse {
                        Inverse::Damped { lambda } => Some(lambda),
                        _ => None,
                    };
                    let (slope, quadratic) = search.point(inverse)?;
                    OptimError::check_finite(Quantity::Step, t, &[quadratic])?;
                    match self
                        .length
                        .searches()
                        .then(|| search.along(slope, quadratic))
                    {
                        None => Outcome::Unseen(quadratic),
                        Some(trial) => match trial? {
                            Trial::Better(gain) => Outcome::Found(gain, taken),
                            Trial::Worse | Trial::Vanished => Outcome::Stuck,
                        },
                    }
                }
            };
            let evaluations = search.evaluations;
            tangent.extend(in_frame(&self.trial.direction, units).iter());
            (outcome, lambda, evaluations)
        };
        let mut step = self.first_order.report(&tangent, eta);
        step.evaluations = evaluations;
        match outcome {
            Outcome::Unseen(quadratic) => {
                advance(theta, &tangent, t)?;
                step.predicted_decrease -= 0.5 * quadratic;
                step.divergence = Some(0.5 * quadratic);
                if let Damping::Fixed(lambda) = self.damping {
                    step.damping = Some(lambda);
                }
            }
            Outcome::Found(gain, taken) => {
                theta.copy_from_slice(&self.trial.candidate);
                self.lambda = lambda;
                step.predicted_decrease = gain.predicted;
                step.actual_decrease = Some(gain.actual);
                step.divergence = Some(0.5 * gain.quadratic);
                step.damping = taken;
            }
            Outcome::Stuck => {
                step.accepted = false;
                step.step_norm = 0.0;
                step.predicted_decrease = 0.0;
                step.actual_decrease = Some(0.0);
                step.divergence = Some(0.0);
                step.damping = self.lambda.map(|before| before.value);
            }
        }
        if step.accepted && self.momentum != NaturalMomentum::None {
            self.previous = tangent;
        }
        self.steps = t;
        Ok(step)
    }

    /// What the first λ that leads to a better point found, counting up from the present one.
    fn search(
        rule: LevenbergMarquardt,
        lambda: &mut Lambda,
        search: &mut Search<'_, '_>,
    ) -> Result<Outcome, OptimError> {
        loop {
            match search.attempt(lambda.value)? {
                Trial::Vanished => return Ok(Outcome::Stuck),
                Trial::Worse => lambda.raise(rule),
                Trial::Better(gain) => {
                    let taken = lambda.value;
                    let floor = f64::EPSILON * search.fisher.mean_eigenvalue();
                    lambda.accept(rule, gain.ratio(), floor);
                    return Ok(Outcome::Found(gain, Some(taken)));
                }
            }
        }
    }
}

/// Where a step has led.
enum Outcome {
    /// Along δ, with this `δᵀGδ`, without a look.
    Unseen(f64),
    /// To a better point, with this λ.
    Found(Gain, Option<f64>),
    /// Nowhere: no point near θ is better.
    Stuck,
}

/// A covector from θ to the frame of the damping, or a vector back from there: both are multiplied with `D^{−½}`.
fn in_frame<'a>(vector: &'a [f64], units: Option<&[f64]>) -> Cow<'a, [f64]> {
    match units {
        None => Cow::Borrowed(vector),
        Some(units) => vector.iter().zip(units).map(|(v, u)| v * u).collect(),
    }
}
