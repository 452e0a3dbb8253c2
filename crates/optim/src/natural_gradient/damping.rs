use crate::OptimError;
use neuromanifold_geometry::{Inverse, MetricError, RankTolerance};

/// What the inverse of the metric means where the metric is, or may be, degenerate. There is no hidden default.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Damping {
    /// `G⁻¹`. Where `G` has no trustworthy inverse the step is an error that names the pivot or the rank.
    None,
    /// `(G + λI)⁻¹` with this λ > 0, in nats per unit of θ squared.
    Fixed(f64),
    /// `(G + λI)⁻¹` with a λ that follows how well the model of the objective predicts it; steps that do not reduce
    /// the objective are not taken.
    LevenbergMarquardt(LevenbergMarquardt),
    /// `G⁺`: the shortest step among those that do the same to the outputs.
    Pseudo(RankTolerance),
}

impl Damping {
    /// Levenberg–Marquardt with the usual constants.
    #[must_use]
    pub fn levenberg_marquardt() -> Self {
        Self::LevenbergMarquardt(LevenbergMarquardt::default())
    }

    /// Passes if the number inside makes sense.
    pub(super) fn validate(self) -> Result<Self, OptimError> {
        match self {
            Self::Fixed(lambda) if !(lambda > 0.0 && lambda.is_finite()) => {
                Err(MetricError::Damping { lambda }.into())
            }
            Self::Pseudo(tolerance) => {
                tolerance.validate()?;
                Ok(self)
            }
            _ => Ok(self),
        }
    }

    /// The inverse to take, unless it has to be searched for.
    pub(super) fn inverse(self) -> Result<Inverse, LevenbergMarquardt> {
        match self {
            Self::None => Ok(Inverse::Exact),
            Self::Fixed(lambda) => Ok(Inverse::Damped { lambda }),
            Self::Pseudo(tolerance) => Ok(Inverse::Pseudo { tolerance }),
            Self::LevenbergMarquardt(rule) => Err(rule),
        }
    }
}

/// How the damping λ of a Levenberg–Marquardt step follows its success, and how the step is bent.
///
/// A step is judged by its gain ratio `ρ = (actual decrease)/(predicted decrease)`. If `ρ > 0` it is taken, and
/// `λ ← λ·max(1/3, 1 − (2ρ−1)³)`; else λ is multiplied by 2, 4, 8, … until a step is taken. Metric and gradient are
/// reused while that goes on.
///
/// The step follows the geodesic rather than its tangent ([`Acceleration`]), for one more forward pass a trial: on narrow
/// curved valleys that halves the number of steps, and it finds exact fits from more starting points.
///
/// # References
/// H. B. Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05, Technical University of Denmark (1999).
/// M. K. Transtrum, J. P. Sethna, *Improvements to the Levenberg–Marquardt algorithm for nonlinear least-squares
/// minimization* (2012), arXiv:1201.5885.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevenbergMarquardt {
    initial: f64,
    acceleration: Acceleration,
}

/// Whether a step is bent along the geodesic, `θ ← θ + δ + ½ θ̈` with `θ̈ = −(G + λI)⁻¹ Jᵀ H Z̈`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Acceleration {
    /// The straight step.
    Off,
    /// The bent step; one with `|θ̈|/|δ|` beyond this limit is not taken, and λ raised.
    UpTo(f64),
}

impl Default for LevenbergMarquardt {
    /// Starts from `λ = 10⁻³ tr G/P`, with acceleration up to 0.75.
    fn default() -> Self {
        Self {
            initial: 1e-3,
            acceleration: Acceleration::UpTo(0.75),
        }
    }
}

impl LevenbergMarquardt {
    /// Starts from `λ = initial·tr G/P`, a fraction of the mean eigenvalue.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `initial` is positive and finite.
    pub fn with_initial(mut self, initial: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the initial damping, relative to the mean eigenvalue,",
            initial,
            initial > 0.0,
            "positive and finite",
        )?;
        self.initial = initial;
        Ok(self)
    }

    /// With straight steps, or another limit on how far they are bent.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the limit is positive and finite.
    pub fn with_acceleration(mut self, acceleration: Acceleration) -> Result<Self, OptimError> {
        if let Acceleration::UpTo(limit) = acceleration {
            OptimError::check_setting(
                "the limit on the acceleration",
                limit,
                limit > 0.0,
                "positive and finite",
            )?;
        }
        self.acceleration = acceleration;
        Ok(self)
    }

    /// Whether steps are bent.
    pub(super) fn acceleration(self) -> Acceleration {
        self.acceleration
    }

    /// λ at the first step: the stated fraction of the mean eigenvalue, but no less than what keeps the step below 10⁴ where
    /// the metric has all but vanished (a saturated network).
    pub(super) fn first(self, mean_eigenvalue: f64, gradient_norm: f64) -> f64 {
        (self.initial * mean_eigenvalue)
            .max(1e-4 * gradient_norm * f64::from(mean_eigenvalue < 1e-12 * gradient_norm))
            .max(f64::MIN_POSITIVE)
    }
}

/// λ on its way: the state of [`LevenbergMarquardt`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lambda {
    pub(super) value: f64,
    growth: f64,
}

impl Lambda {
    pub(super) fn new(value: f64) -> Self {
        Self { value, growth: 2.0 }
    }

    /// After a step that was not taken.
    pub(super) fn raise(&mut self) {
        self.value *= self.growth;
        self.growth *= 2.0;
    }

    /// After a step with this gain ratio was taken. Below `floor`, λ no longer changes `G + λI`.
    pub(super) fn accept(&mut self, ratio: f64, floor: f64) {
        let shrink = (1.0 - (2.0 * ratio - 1.0).powi(3)).max(1.0 / 3.0);
        self.value = (self.value * shrink).max(floor).max(f64::MIN_POSITIVE);
        self.growth = 2.0;
    }
}
