//! Adaptive natural gradient: an estimate of the inverse metric that is updated, never inverted.

mod extended_kalman;
mod inverse;
mod observation;
mod panel;
mod rule;
mod slab;
mod state;
mod storage;
mod symmetric;
mod team;
mod tile;
mod waiting;
mod wind_up;

pub use extended_kalman::ExtendedKalmanFilter;
pub use rule::Rule;
pub(crate) use state::Kept;
pub use storage::Storage;
pub use wind_up::WindUp;

use crate::step::advance;
use crate::{Objective, OptimError, Optimizer, Schedule, Step};
use faer::Mat;
use inverse::InverseEstimate;
use neuromanifold_model::ModelError;
use observation::Observation;
use rule::Blend;
use wind_up::{Leak, capped};

/// Natural gradient with an estimate of the inverse metric that learns along: `θ ← θ − η_t Ĝ_t⁻¹ ∇l(θ)`.
///
/// ```text
/// Ĝ_t = (1 − ε_t) Ĝ_{t−1} + ε_t A_t A_tᵀ,        A_t A_tᵀ = (1/b) Σ_s J_sᵀ H(z_s) J_s at θ_{t−1}
/// ```
///
/// is an average over the examples seen, so the metric is known from all of them though each step sees only one, or a
/// mini-batch of `b`. `Ĝ_t⁻¹` is updated directly, by a [`Rule`], with `r b` columns; then θ takes its step. The columns
/// come from the model and the likelihood, not from the targets, so this is the true Fisher metric, for any likelihood.
///
/// The estimate starts as a multiple of the identity. With `ε_t = η_t = 1/(t + n₀)` and the exact rule the method is, on a
/// linear model, recursive least squares, and on any model the extended Kalman filter: θ₀ is the mean of a Gaussian prior
/// and `Ĝ₀⁻¹/n₀` its covariance.
///
/// Two cautions. `Ĝ` averages over past θ, so it must forget faster than θ moves: `ε ≫ η` for constant rates. And in a
/// direction that no example excites, `Ĝ⁻¹` grows by `1/(1−ε)` a step, unless [`WindUp`] is dealt with.
///
/// Cost: `P²(3 r b + 1)/2` multiplications and one pass over `P²/2` numbers, beyond one linearisation. A step on one
/// output of one example reuses its buffers. Memory: `P²/2` numbers, or half of that with [`Storage::Single`]. Large
/// estimates are read by several threads, and the result does not depend on how many.
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
/// use neuromanifold_optim::{AdaptiveNaturalGradient, Objective, Optimizer, Rule, Schedule};
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?; // z = θ₀ x + θ₁
/// let rate = Schedule::inverse_time(1.0, 1.0)?;
/// let mut optimizer =
///     AdaptiveNaturalGradient::new(Rule::ShermanMorrison, rate, rate).with_initial_inverse(1e6)?;
/// let mut theta = [0.0, 0.0];
/// for (x, y) in [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)] {
///     let (x, y) = ([x], [y]); // one example at a time, from a weak prior
///     let batch = line.on_slice(&x)?;
///     optimizer.step(&Objective::new(&batch, &Gaussian::UNIT, &y)?, &mut theta)?;
/// }
/// assert!((theta[0] - 2.0).abs() < 1e-5 && (theta[1] - 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// S. Amari, H. Park, K. Fukumizu, Neural Computation 12 (2000) 1399–1409, doi:10.1162/089976600300015420. H. Park,
/// S. Amari, K. Fukumizu, *Adaptive natural gradient learning algorithms for various stochastic models*, Neural Networks
/// 13 (2000) 755–764, doi:10.1016/S0893-6080(00)00051-4. Y. Ollivier, *Online natural gradient as a Kalman filter*
/// (2018), arXiv:1703.00209.
#[derive(Clone, Debug)]
pub struct AdaptiveNaturalGradient {
    rule: Rule,
    learning_rate: Schedule,
    forgetting: Schedule,
    initial_inverse: f64,
    storage: Storage,
    delay: usize,
    wind_up: WindUp,
    steps: u64,
    estimate: Option<InverseEstimate>,
    observation: Observation,
    leak: Leak,
}

/// Columns that wait by default. Writing the estimate costs as much time as reading it and is shared by those that come
/// together; those that wait have to be read too.
const DELAY: usize = 32;

impl AdaptiveNaturalGradient {
    /// With `η_t` for θ and `ε_t` for the estimate, which starts as the identity.
    ///
    /// `ε_t` must lie strictly between 0 and 1 at every step; [`Schedule::inverse_time`]`(1, n₀)` does so for `n₀ > 0`.
    #[must_use]
    pub fn new(rule: Rule, learning_rate: Schedule, forgetting: Schedule) -> Self {
        Self {
            rule,
            learning_rate,
            forgetting,
            initial_inverse: 1.0,
            storage: Storage::Double,
            delay: DELAY,
            wind_up: WindUp::Unchecked,
            steps: 0,
            estimate: None,
            observation: Observation::default(),
            leak: Leak::default(),
        }
    }

    /// Starts from `Ĝ₀⁻¹ = scale·I`.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the scale is positive and finite.
    pub fn with_initial_inverse(mut self, scale: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the scale of the initial inverse metric",
            scale,
            scale > 0.0,
            "positive and finite",
        )?;
        self.initial_inverse = scale;
        Ok(self)
    }

    /// Stores the estimate in another way; in effect from the first step.
    #[must_use]
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Lets `columns` columns of updates wait before they are written into the estimate; in effect from the first step.
    ///
    /// That changes nothing but the speed and the last digits. By default 32 wait; with 1, or 0, none does for longer than
    /// a step.
    #[must_use]
    pub fn with_delay(mut self, columns: usize) -> Self {
        self.delay = columns.max(1);
        self
    }

    /// Does something about directions that no example excites.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the number inside is positive and finite.
    pub fn with_wind_up(mut self, wind_up: WindUp) -> Result<Self, OptimError> {
        self.wind_up = wind_up.validate()?;
        Ok(self)
    }

    /// The estimate `Ĝ⁻¹`, `P × P`, both triangles; `None` before the first step. Cost: a copy.
    #[must_use]
    pub fn inverse(&self) -> Option<Mat<f64>> {
        self.estimate.as_ref().map(InverseEstimate::to_dense)
    }

    /// `out ← Ĝ⁻¹ g` with the present estimate; before the first step its initial value. Cost: `P²` multiplications.
    ///
    /// # Panics
    /// If a slice does not have length `P`, or, before the first step, if they are not equally long.
    #[track_caller]
    pub fn direction(&self, gradient: &[f64], out: &mut [f64]) {
        assert_eq!(gradient.len(), out.len(), "room for the direction");
        match &self.estimate {
            Some(estimate) => estimate.product(gradient, out),
            None => {
                for (o, g) in out.iter_mut().zip(gradient) {
                    *o = self.initial_inverse * g;
                }
            }
        }
    }

    /// `ε_t`.
    fn epsilon(&self, t: u64) -> Result<f64, OptimError> {
        let epsilon = self.forgetting.at(t);
        if epsilon > 0.0 && epsilon < 1.0 {
            return Ok(epsilon);
        }
        Err(OptimError::Forgetting { step: t, epsilon })
    }

    fn step_with(
        &mut self,
        estimate: &mut InverseEstimate,
        objective: &Objective<'_>,
        theta: &mut [f64],
    ) -> Result<Step, OptimError> {
        let t = self.steps + 1;
        let epsilon = self.epsilon(t)?;
        let blend = Blend {
            rule: self.rule,
            keep: 1.0 - epsilon,
            take: epsilon,
            directional: self.wind_up == WindUp::DirectionalForgetting,
            step: t,
        };
        let seen = &mut self.observation;
        {
            let linearization = objective.map().linearize(theta)?;
            seen.look(linearization.as_ref(), objective, estimate, &blend)?;
        }
        let dim = estimate.dim();
        match self.wind_up {
            WindUp::Cap { mean_eigenvalue } => {
                let largest = mean_eigenvalue * dim as f64;
                let growth = capped(seen.growth, largest, estimate, &seen.weights, &seen.raised);
                seen.limit_growth(growth);
            }
            WindUp::Leakage { lambda } => {
                let update = (seen.growth, &seen.weights[..], &seen.raised[..]);
                let index = ((t - 1) % dim as u64) as usize;
                let amount = epsilon * lambda * dim as f64;
                self.leak.prepare(index, amount, estimate, update, t)?;
            }
            WindUp::Unchecked | WindUp::DirectionalForgetting => {}
        }
        let eta = self.learning_rate.at(t);
        seen.scale_step(eta);
        advance(theta, &seen.tangent, t)?;
        estimate.update(seen.growth, &seen.weights, &seen.raised);
        if matches!(self.wind_up, WindUp::Leakage { .. }) {
            self.leak.apply(estimate);
        }
        self.steps = t;
        Ok(seen.report(eta, 1.0))
    }
}

impl Optimizer for AdaptiveNaturalGradient {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let dims = objective.dims();
        ModelError::check_parameters(theta, dims)?;
        let fresh = || {
            let (scale, storage) = (self.initial_inverse, self.storage);
            InverseEstimate::identity(dims.parameters, scale, storage, self.delay)
        };
        // Taken out for the length of the step; kept once there was a step that it is the outcome of.
        let mut estimate = self.estimate.take().unwrap_or_else(fresh);
        let step = estimate
            .check_dim(dims.parameters)
            .and_then(|()| self.step_with(&mut estimate, objective, theta));
        self.estimate = (self.steps > 0).then_some(estimate);
        step
    }
}
