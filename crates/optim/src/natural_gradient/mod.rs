//! Natural gradient with the metric of the current batch.

mod damped_inverse;
mod damping;
mod representation;
mod search;

pub use damping::{Acceleration, Damping, LevenbergMarquardt};
pub use representation::Representation;

use crate::error::Quantity;
use crate::step::{FirstOrder, advance};
use crate::{Objective, OptimError, Optimizer, Schedule, Step};
use damping::Lambda;
use neuromanifold_geometry::Inverse;
use neuromanifold_model::ModelError;
use representation::Fisher;
use search::{Buffers, Search, Trial};

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
    representation: Representation,
    learning_rate: Schedule,
    steps: u64,
    lambda: Option<Lambda>,
    first_order: FirstOrder,
    trial: Buffers,
}

impl NaturalGradient {
    /// Full steps, in the cheaper representation, with the inverse that `damping` says.
    ///
    /// # Errors
    /// [`OptimError::Metric`] for a λ that is not positive or a tolerance that is negative.
    pub fn new(damping: Damping) -> Result<Self, OptimError> {
        Ok(Self {
            damping: damping.validate()?,
            representation: Representation::Auto,
            learning_rate: Schedule::ONE,
            steps: 0,
            lambda: None,
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

    /// The step with a given inverse, without a look at where it leads.
    fn step_once(
        &mut self,
        objective: &Objective<'_>,
        theta: &mut [f64],
        inverse: Inverse,
    ) -> Result<Step, OptimError> {
        let t = self.steps + 1;
        let quadratic = {
            let linearization = objective.map().linearize(theta)?;
            let linearization = linearization.as_ref();
            self.first_order.evaluate(objective, linearization, t)?;
            let fisher = Fisher::new(linearization, objective, self.representation)?;
            self.trial.tangent.resize(theta.len(), 0.0);
            fisher.descend(&self.first_order.gradient, inverse, &mut self.trial.tangent)?;
            let eta = self.learning_rate.at(t);
            for d in &mut self.trial.tangent {
                *d *= eta;
            }
            fisher.norm_squared(&self.trial.tangent)
        };
        OptimError::check_finite(Quantity::Step, t, &[quadratic])?;
        advance(theta, &self.trial.tangent, t)?;
        self.steps = t;
        let mut step = self
            .first_order
            .report(&self.trial.tangent, self.learning_rate.at(t));
        step.predicted_decrease -= 0.5 * quadratic;
        step.divergence = Some(0.5 * quadratic);
        if let Inverse::Damped { lambda } = inverse {
            step.damping = Some(lambda);
        }
        Ok(step)
    }

    /// The step with the first λ, counting up from the present one, that reduces the objective.
    fn step_searching(
        &mut self,
        objective: &Objective<'_>,
        theta: &mut [f64],
        rule: LevenbergMarquardt,
    ) -> Result<Step, OptimError> {
        let t = self.steps + 1;
        let eta = self.learning_rate.at(t);
        let (found, lambda, evaluations) = {
            let linearization = objective.map().linearize(theta)?;
            let linearization = linearization.as_ref();
            self.first_order.evaluate(objective, linearization, t)?;
            let fisher = Fisher::new(linearization, objective, self.representation)?;
            let mean_eigenvalue = fisher.mean_eigenvalue();
            let gradient_norm = self.first_order.gradient_norm;
            let mut lambda = self
                .lambda
                .unwrap_or_else(|| Lambda::new(rule.first(mean_eigenvalue, gradient_norm)));
            let mut search = Search {
                objective,
                linearization,
                fisher: &fisher,
                theta,
                gradient: &self.first_order.gradient,
                learning_rate: eta,
                acceleration: rule.acceleration(),
                evaluations: 1,
                trial: &mut self.trial,
            };
            let found = loop {
                match search.attempt(lambda.value)? {
                    Trial::Better(gain) => break Some((gain, lambda.value)),
                    Trial::Vanished => break None,
                    Trial::Worse => lambda.raise(),
                }
            };
            if let Some((gain, _)) = found {
                lambda.accept(gain.ratio(), f64::EPSILON * mean_eigenvalue);
            }
            (found, lambda, search.evaluations)
        };
        let mut step = self.first_order.report(&self.trial.tangent, eta);
        step.evaluations = evaluations;
        match found {
            Some((gain, taken)) => {
                theta.copy_from_slice(&self.trial.candidate);
                self.lambda = Some(lambda);
                step.predicted_decrease = gain.predicted;
                step.actual_decrease = Some(gain.actual);
                step.divergence = Some(0.5 * gain.quadratic);
                step.damping = Some(taken);
            }
            None => {
                step.accepted = false;
                step.step_norm = 0.0;
                step.predicted_decrease = 0.0;
                step.actual_decrease = Some(0.0);
                step.divergence = Some(0.0);
                step.damping = self.lambda.map(|before| before.value);
            }
        }
        self.steps = t;
        Ok(step)
    }
}

impl Optimizer for NaturalGradient {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        ModelError::check_parameters(theta, objective.dims())?;
        match self.damping.inverse() {
            Ok(inverse) => self.step_once(objective, theta, inverse),
            Err(rule) => self.step_searching(objective, theta, rule),
        }
    }
}
