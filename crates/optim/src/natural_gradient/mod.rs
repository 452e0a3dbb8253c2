//! Natural gradient with the metric of the current batch.

mod damped_inverse;
mod damping;
mod escape;
mod iteration;
mod levenberg_marquardt;
mod line_search;
mod momentum;
mod representation;
mod scaling;
mod search;
mod state;
mod step_length;

pub use damping::Damping;
pub use escape::Escape;
pub use levenberg_marquardt::{Acceleration, GainRule, LevenbergMarquardt};
pub use momentum::NaturalMomentum;
pub use representation::Representation;
pub use scaling::Scaling;
pub(crate) use state::Memory;
pub use step_length::StepLength;

use crate::step::FirstOrder;
use crate::{Objective, OptimError, Optimizer, Schedule, Step};
use escape::Exploration;
use levenberg_marquardt::Lambda;
use neuromanifold_model::ModelError;
use search::Buffers;

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
    escape: Option<Exploration>,
    lambda: Option<Lambda>,
    previous: Vec<f64>,
    first_order: FirstOrder,
    /// What [`Escape`] watches, at the point of the last step.
    misfit: f64,
    watches_misfit: bool,
    /// No step is bent farther than this, whatever the rule of the damping allows.
    most_bent: f64,
    trial: Buffers,
}

impl NaturalGradient {
    /// Full steps, in the cheapest representation, with the inverse that `damping` says.
    ///
    /// # Errors
    /// [`OptimError::Metric`] for a λ that is not positive or a tolerance that is negative.
    pub fn new(damping: Damping) -> Result<Self, OptimError> {
        Ok(Self::with_validated(damping.validate()?))
    }

    fn with_validated(damping: Damping) -> Self {
        Self {
            damping,
            scaling: Scaling::Identity,
            representation: Representation::Auto,
            momentum: NaturalMomentum::None,
            length: StepLength::FULL,
            learning_rate: Schedule::ONE,
            steps: 0,
            escape: None,
            lambda: None,
            previous: Vec::new(),
            first_order: FirstOrder::default(),
            misfit: f64::NAN,
            watches_misfit: false,
            most_bent: f64::INFINITY,
            trial: Buffers::default(),
        }
    }

    /// What to try first, on anything: needs no tuning.
    ///
    /// - The representation with the fewest multiplications ([`Representation::Auto`]).
    /// - Levenberg–Marquardt damping with the usual constants, so that a bad start, a singular metric and points where the model
    ///   cannot be evaluated cost a few trials and no more.
    /// - Steps bent along the geodesic where a solve is cheap, momentum on a plane where it stops early.
    /// - [`Escape`] from stagnation with its default settings: what is left of the steps is spent on looking for a better
    ///   minimum.
    ///
    /// It is made for one objective, not for mini-batches that change from step to step.
    ///
    /// ```
    /// use neuromanifold_mlp::{Activation, Initialization, Mlp};
    /// use neuromanifold_model::Gaussian;
    /// use neuromanifold_optim::{NaturalGradient, Objective, Stopping, fit};
    /// use rand::SeedableRng;
    /// use std::ops::ControlFlow;
    ///
    /// let net = Mlp::new(&[1, 8, 1], Activation::Tanh)?;
    /// let inputs: Vec<f64> = (0..100).map(|i| f64::from(i) / 99.0).collect();
    /// let targets: Vec<f64> = inputs.iter().map(|x| (6.0 * x).sin()).collect();
    /// let batch = net.on_slice(&inputs)?;
    /// let objective = Objective::new(&batch, &Gaussian::UNIT, &targets)?;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let mut theta = net.initialize(Initialization::LeCun, &mut rng);
    /// let best = 0.5 * std::f64::consts::TAU.ln(); // an exact fit
    /// let stopping = Stopping::after(200).at_loss(best + 1e-9);
    /// let go_on = |_, _: &_, _: &_| ControlFlow::Continue(());
    /// let report = fit(&mut NaturalGradient::auto(), &objective, &mut theta, &stopping, go_on)?;
    /// assert!(report.loss - best <= 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn auto() -> Self {
        let mut auto = Self::with_validated(Damping::LevenbergMarquardt(LevenbergMarquardt::AUTO));
        auto.momentum = NaturalMomentum::Plane;
        auto.with_escape(Escape::default())
    }

    /// With a way out of stagnation.
    #[must_use]
    pub fn with_escape(mut self, escape: Escape) -> Self {
        self.escape = Some(Exploration::new(escape));
        self.watches_misfit = true;
        self
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
}

impl Optimizer for NaturalGradient {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        ModelError::check_parameters(theta, objective.dims())?;
        match self.escape.take() {
            None => self.iterate(objective, theta),
            Some(mut escape) => {
                let step = escape.step(self, objective, theta);
                self.escape = Some(escape);
                step
            }
        }
    }
}
