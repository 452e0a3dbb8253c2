//! Natural gradient with the metric of the current batch.

mod conjugate_gradients;
mod damped_inverse;
mod damping;
mod levenberg_marquardt;
mod momentum;
mod representation;
mod scaling;
mod search;
mod step_length;

pub use damping::Damping;
pub use levenberg_marquardt::{Acceleration, GainRule, LevenbergMarquardt};
pub use momentum::NaturalMomentum;
pub use representation::Representation;
pub use scaling::Scaling;
pub use step_length::StepLength;

use crate::error::Quantity;
use crate::step::{FirstOrder, advance};
use crate::{Objective, OptimError, Optimizer, Schedule, Step};
use levenberg_marquardt::Lambda;
use neuromanifold_geometry::{Inverse, OutputFactor};
use neuromanifold_model::{Linearization, ModelError};
use representation::Fisher;
use scaling::Rescaled;
use search::{Buffers, Gain, Search, Trial};
use std::borrow::Cow;

/// Natural gradient descent: `θ ← θ − η_t G(θ)⁻¹ ∇l(θ)` with the Fisher metric of the batch itself.
///
/// For Gaussian noise a full step is a Gauss–Newton step, and with
/// [`Damping::LevenbergMarquardt`] this is the Levenberg–Marquardt method; for the other likelihoods it is Fisher scoring.
///
/// Cost of a step: one linearisation, the metric, and one factorisation a trial; see [`Representation`].
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
/// use neuromanifold_optim::{Damping, NaturalGradient, Objective, Optimizer};
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?; // z = θ₀ x + θ₁
/// let batch = line.on_slice(&[-1.0, 0.0, 1.0, 2.0])?;
/// let objective = Objective::new(&batch, &Gaussian::UNIT, &[0.0, 1.0, 2.0, 3.0])?;
/// let mut theta = [-10.0, 10.0];
/// let step = NaturalGradient::new(Damping::None)?.step(&objective, &mut theta)?;
/// // the metric of a linear model is the Hessian of its loss, so one step ends at the minimum
/// assert!((theta[0] - 1.0).abs() < 1e-12 && (theta[1] - 1.0).abs() < 1e-12);
/// assert!((step.predicted_decrease - objective.decrease(
///     &[20.0, 10.0, 0.0, -10.0], &[0.0, 1.0, 2.0, 3.0])).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// S. Amari, *Natural gradient works efficiently in learning*, Neural Computation 10 (1998) 251–276,
/// doi:10.1162/089976698300017746. J. Martens, *New insights and perspectives on the natural gradient method*, JMLR 21
/// (2020), arXiv:1412.1193.
#[derive(Clone, Debug)]
pub struct NaturalGradient {
    damping: Damping,
    scaling: Scaling,
    representation: Representation,
    momentum: NaturalMomentum,
    length: StepLength,
    learning_rate: Schedule,
    steps: u64,
    lambda: Option<Lambda>,
    previous: Vec<f64>,
    first_order: FirstOrder,
    trial: Buffers,
}

impl NaturalGradient {
    /// Full steps, in the cheapest representation, with the inverse that `damping` says.
    ///
    /// # Errors
    /// [`OptimError::Metric`] for a λ that is not positive or a tolerance that is negative.
    pub fn new(damping: Damping) -> Result<Self, OptimError> {
        Ok(Self {
            damping: damping.validate()?,
            scaling: Scaling::Identity,
            representation: Representation::Auto,
            momentum: NaturalMomentum::None,
            length: StepLength::FULL,
            learning_rate: Schedule::ONE,
            steps: 0,
            lambda: None,
            previous: Vec::new(),
            first_order: FirstOrder::default(),
            trial: Buffers::default(),
        })
    }

    /// With a learning rate other than 1.
    #[must_use]
    pub fn with_learning_rate(mut self, learning_rate: Schedule) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// In this representation, whatever it costs.
    #[must_use]
    pub fn with_representation(mut self, representation: Representation) -> Self {
        self.representation = representation;
        self
    }

    /// With another rule for how far to go along the direction.
    ///
    /// A rule that looks at the objective leaves θ where it is (`accepted = false`) if no length will do; with
    /// [`Damping::LevenbergMarquardt`] λ is raised instead, until one will.
    #[must_use]
    pub fn with_step_length(mut self, length: StepLength) -> Self {
        self.length = length;
        self
    }

    /// With a memory of the step before.
    ///
    /// # Errors
    /// [`OptimError::Setting`] for a μ outside [0, 1], or [`NaturalMomentum::Spring`] without a damping λ > 0.
    pub fn with_momentum(mut self, momentum: NaturalMomentum) -> Result<Self, OptimError> {
        self.momentum = momentum.validate(self.damping.is_damped())?;
        Ok(self)
    }

    /// With the damping `λD` in another frame.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the floor is positive and finite.
    pub fn with_scaling(mut self, scaling: Scaling) -> Result<Self, OptimError> {
        if let Scaling::Diagonal { floor } = scaling {
            let positive = floor > 0.0;
            OptimError::check_setting(
                "the floor of the scaling",
                floor,
                positive,
                "positive and finite",
            )?;
        }
        self.scaling = scaling;
        Ok(self)
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

impl Optimizer for NaturalGradient {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let dims = objective.dims();
        ModelError::check_parameters(theta, dims)?;
        let t = self.steps + 1;
        let eta = self.learning_rate.at(t);
        let mut tangent = Vec::new();
        let (outcome, lambda, evaluations) = {
            let linearization = objective.map().linearize(theta)?;
            let linearization = linearization.as_ref();
            self.first_order.evaluate(objective, linearization, t)?;
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
            let representation = self.representation.resolve(dims, factor.rank(), damped);
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
                    search.acceleration = rule.acceleration();
                    let norm = crate::step::norm(&gradient);
                    let first = || rule.first(fisher.mean_eigenvalue(), norm);
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
}

/// A covector from θ to the frame of the damping, or a vector back from there: both are multiplied with `D^{−½}`.
fn in_frame<'a>(vector: &'a [f64], units: Option<&[f64]>) -> Cow<'a, [f64]> {
    match units {
        None => Cow::Borrowed(vector),
        Some(units) => vector.iter().zip(units).map(|(v, u)| v * u).collect(),
    }
}
