use super::TrainingError;
use crate::Lbfgs;
use crate::data::Task;
use crate::fnv::Fnv;
use neuromanifold_model::Dims;
use neuromanifold_optim::{
    Adam, AdaptiveNaturalGradient, Damping, ExtendedKalmanFilter, Momentum, NaturalGradient,
    OptimError, Optimizer, Resumable, Rule, Schedule, Sgd, State, WindUp,
};

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Natural gradient with everything found by itself and escapes from stagnation: [`NaturalGradient::auto`].
    Auto,
    /// Natural gradient with Levenberg–Marquardt damping, to the nearest minimum.
    Natural,
    /// Adaptive natural gradient: an estimate of the inverse metric that learns along.
    Adaptive,
    /// The extended Kalman filter on a constant θ.
    ExtendedKalman,
    /// Adam.
    Adam,
    /// Gradient descent with momentum 0.9.
    Sgd,
    /// L-BFGS. Its memory is not kept in a checkpoint: a run that is resumed begins a new one.
    Lbfgs,
}

impl Method {
    /// Whether each step needs all examples: its step control compares losses, which those of other examples would upset.
    #[must_use]
    pub fn is_whole_batch(self) -> bool {
        matches!(self, Self::Auto | Self::Natural | Self::Lbfgs)
    }

    /// Whether a run that is resumed is the run that never stopped, to the bit.
    #[must_use]
    pub fn resumes_to_the_bit(self) -> bool {
        self != Self::Lbfgs
    }

    /// Natural gradient where a step of it takes seconds at most, Adam where it would take longer.
    #[must_use]
    pub fn suited_to(dims: Dims) -> Self {
        /// Of parameters and outputs of all examples, up to which ten products with the metric are a matter of seconds.
        const PRODUCT: f64 = 5e8;
        let size = dims.parameters as f64 * dims.examples as f64;
        if size <= PRODUCT {
            Self::Auto
        } else {
            Self::Adam
        }
    }

    fn examples(self) -> usize {
        match self {
            Self::Auto | Self::Natural | Self::Lbfgs => usize::MAX,
            Self::Adaptive => 8,
            Self::ExtendedKalman => 1,
            Self::Adam | Self::Sgd => 32,
        }
    }

    fn learning_rate(self) -> f64 {
        match self {
            Self::Adaptive => 0.03,
            Self::Adam => 0.01,
            Self::Sgd => 0.03,
            Self::Auto | Self::Natural | Self::ExtendedKalman | Self::Lbfgs => 1.0,
        }
    }
}

/// How a run goes and when it ends. What is not set is chosen by the [`Method`].
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(super) method: Method,
    batch: Option<usize>,
    learning_rate: Option<f64>,
    pub(super) epochs: u64,
    pub(super) steps: u64,
    pub(super) patience: Option<u64>,
    pub(super) target: f64,
}

impl Plan {
    /// 500 epochs where a step takes all examples, 100 elsewhere.
    #[must_use]
    pub fn new(method: Method) -> Self {
        Self {
            method,
            batch: None,
            learning_rate: None,
            epochs: if method.is_whole_batch() { 500 } else { 100 },
            steps: u64::MAX,
            patience: None,
            target: f64::NEG_INFINITY,
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The last epoch.
    #[must_use]
    pub fn last_epoch(&self) -> u64 {
        self.epochs
    }

    /// So many passes over the training part at most. Learning rates that fall do so over this length.
    #[must_use]
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.epochs = epochs;
        self
    }

    /// So many steps at most.
    #[must_use]
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// Stops after so many epochs without a smaller loss on the validation part.
    #[must_use]
    pub fn patience(mut self, epochs: u64) -> Self {
        self.patience = Some(epochs.max(1));
        self
    }

    /// Stops at this loss, as [`Problem::loss`](super::Problem::loss) measures it on the validation part, or on the training
    /// part if there is none.
    #[must_use]
    pub fn target_loss(mut self, loss: f64) -> Self {
        self.target = loss;
        self
    }

    /// So many examples a step.
    ///
    /// # Errors
    /// [`TrainingError::Setting`] for none, or for a method that takes all of them.
    pub fn batch(mut self, examples: usize) -> Result<Self, TrainingError> {
        let value = examples as f64;
        check(
            "the number of examples of a step",
            value,
            examples > 0,
            "at least 1",
        )?;
        let own = !self.method.is_whole_batch();
        let expected = "left to the optimiser, each step of which takes all of them";
        check("the number of examples of a step", value, own, expected)?;
        self.batch = Some(examples);
        Ok(self)
    }

    /// With another learning rate: the first one, where they fall.
    ///
    /// # Errors
    /// [`TrainingError::Setting`] unless it is positive and finite, or for a method that has none.
    pub fn learning_rate(mut self, rate: f64) -> Result<Self, TrainingError> {
        check("the learning rate", rate, rate > 0.0, "positive and finite")?;
        let own = matches!(self.method, Method::Adaptive | Method::Adam | Method::Sgd);
        let expected = "left to the optimiser, which finds the length of a step itself";
        check("the learning rate", rate, own, expected)?;
        self.learning_rate = Some(rate);
        Ok(self)
    }

    /// Examples a step, out of `all`.
    #[must_use]
    pub fn examples(&self, all: usize) -> usize {
        let wanted = self.batch.unwrap_or(self.method.examples());
        wanted.clamp(1, all.max(1))
    }

    /// What the arithmetic of a run depends on. When it ends does not belong to it, unless learning rates fall until then.
    pub(super) fn fingerprint(&self, hash: Fnv, all: usize) -> Fnv {
        let rate = self.learning_rate.unwrap_or(self.method.learning_rate());
        let hash = hash.text(&format!("{:?}", self.method));
        let hash = hash.numbers(&[rate]).word(self.examples(all) as u64);
        match self.method {
            Method::Adam | Method::Sgd | Method::Adaptive => hash.word(self.epochs),
            _ => hash,
        }
    }

    /// The optimiser, for epochs of so many steps on this task.
    pub(super) fn optimizer(&self, per_epoch: u64, task: Task) -> Result<Driver, OptimError> {
        /// The share of the learning rate that is left at the end of a run.
        const FLOOR: f64 = 0.01;
        let rate = self.learning_rate.unwrap_or(self.method.learning_rate());
        let steps = self.epochs.saturating_mul(per_epoch).clamp(1, 1 << 53);
        let falling = |initial: f64| Schedule::cosine(initial, FLOOR * initial, steps);
        let optimizer: Box<dyn Resumable> = match self.method {
            Method::Auto => Box::new(NaturalGradient::auto()),
            Method::Natural => Box::new(NaturalGradient::new(Damping::levenberg_marquardt())?),
            Method::Adaptive => {
                // The metric has to be known better than the law is: classes that are told apart excite less and less.
                let wind_up = match task {
                    Task::Regression { .. } => WindUp::Leakage { lambda: 1e-3 },
                    Task::Binary | Task::Classification { .. } => WindUp::Leakage { lambda: 1e-2 },
                };
                let rule = Rule::ShermanMorrison;
                let adaptive = AdaptiveNaturalGradient::new(rule, falling(rate)?, falling(0.01)?);
                Box::new(adaptive.with_wind_up(wind_up)?)
            }
            Method::ExtendedKalman => Box::new(ExtendedKalmanFilter::new(1.0)?),
            Method::Adam => Box::new(Adam::new(falling(rate)?)),
            Method::Sgd => {
                let sgd = Sgd::new(falling(rate)?);
                Box::new(sgd.with_momentum(Momentum::HeavyBall(0.9))?)
            }
            Method::Lbfgs => return Ok(Driver::Forgetful(Box::new(Lbfgs::new(20)))),
        };
        Ok(Driver::Resumable(optimizer))
    }
}

fn check(
    name: &'static str,
    value: f64,
    valid: bool,
    expected: &'static str,
) -> Result<(), TrainingError> {
    if valid && value.is_finite() {
        return Ok(());
    }
    Err(TrainingError::Setting {
        name,
        value,
        expected,
    })
}

/// An optimiser whose state can be kept, or one for which that cannot be done.
pub(super) enum Driver {
    Resumable(Box<dyn Resumable>),
    Forgetful(Box<Lbfgs>),
}

impl Driver {
    pub(super) fn optimizer(&mut self) -> &mut dyn Optimizer {
        match self {
            Self::Resumable(optimizer) => optimizer.as_mut(),
            Self::Forgetful(optimizer) => optimizer.as_mut(),
        }
    }

    pub(super) fn state(&self) -> Option<State> {
        match self {
            Self::Resumable(optimizer) => Some(optimizer.state()),
            Self::Forgetful(_) => None,
        }
    }

    pub(super) fn restore(
        &mut self,
        state: Option<State>,
        parameters: usize,
    ) -> Result<(), TrainingError> {
        match (self, state) {
            (Self::Resumable(optimizer), Some(state)) => {
                optimizer.restore(state, parameters)?;
                Ok(())
            }
            (Self::Forgetful(_), None) => Ok(()),
            _ => Err(TrainingError::Contradiction {
                what: "whether there is a state of the optimiser does not go with the method",
            }),
        }
    }
}
