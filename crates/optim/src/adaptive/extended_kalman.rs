use super::Storage;
use super::inverse::InverseEstimate;
use super::observation::Observation;
use super::rule::{Blend, Rule};
use crate::step::advance;
use crate::uncertainty::Covariance;
use crate::{Objective, OptimError, Optimizer, Step};
use faer::Mat;
use neuromanifold_model::ModelError;

/// The extended Kalman filter on a constant θ: adaptive natural gradient, seen by a statistician.
///
/// θ has a Gaussian prior, `N(θ₀, π I)`, and each example sharpens it. At the outputs `z = z(θ)` the law of a target is
/// replaced by its second-order picture, with score `∂log p/∂z` and information `H = B Bᵀ`, and the model by its
/// first-order one:
///
/// ```text
/// P ← (1/φ)(P − P A (φ I + AᵀP A)⁻¹ AᵀP),      A = [J_sᵀ B_s],      θ ← θ + P Σ_s J_sᵀ ∂log p(y_s|z_s)/∂z
/// ```
///
/// With `φ = 1` nothing is forgotten, and for one example a step this is, digit by digit,
/// [`AdaptiveNaturalGradient`](crate::AdaptiveNaturalGradient) with `ε_t = η_t = 1/(t + 1)`, the Sherman–Morrison rule and
/// `Ĝ₀⁻¹ = π I`; then `P_t = Ĝ_t⁻¹/(t + 1)`. With `φ < 1` the filter fades: it is adaptive natural gradient whose rate tends
/// to `1 − φ`.
///
/// What the point of view adds is `P`: the [`covariance`](Self::covariance) of θ given the examples so far, hence error bars
/// of whatever the network says ([`posterior`](Self::posterior)). On a linear model with Gaussian noise it is exact; on a
/// curved one it is as good as the linearisations along the way were.
///
/// Cost and memory as those of adaptive natural gradient.
///
/// ```
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::{Gaussian, OutputMap};
/// use neuromanifold_optim::{ExtendedKalmanFilter, Objective, Optimizer};
///
/// let line = Mlp::new(&[1, 1], Activation::Identity)?; // z = θ₀ x + θ₁
/// let noise = Gaussian::new(0.1)?;
/// let mut filter = ExtendedKalmanFilter::new(1e6)?;
/// let mut theta = [0.0, 0.0];
/// for (x, y) in [(-1.0, 1.0), (0.0, 3.1), (1.0, 4.9)] {
///     let (x, y) = ([x], [y]);
///     let batch = line.on_slice(&x)?;
///     filter.step(&Objective::new(&batch, &noise, &y)?, &mut theta)?;
/// }
/// assert!((theta[0] - 1.95).abs() < 1e-6 && (theta[1] - 3.0).abs() < 1e-6);
///
/// // The standard errors of a regression line through (−1, 0, 1): σ/√2 for the slope, σ/√3 for the intercept.
/// let far = [10.0];
/// let batch = line.on_slice(&far)?;
/// let band = filter.posterior().expect("there were steps").band(batch.linearize(&theta)?.as_ref())?;
/// let expected = 0.1 * (100.0 / 2.0 + 1.0 / 3.0_f64).sqrt();
/// assert!((band.deviations()[0] / expected - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Y. Ollivier, *Online natural gradient as a Kalman filter*, Electronic Journal of Statistics 12 (2018), arXiv:1703.00209.
#[derive(Clone, Debug)]
pub struct ExtendedKalmanFilter {
    prior_variance: f64,
    fading: f64,
    storage: Storage,
    steps: u64,
    /// The examples that `P` stands for, the prior counted as one.
    weight: f64,
    covariance: Option<InverseEstimate>,
    observation: Observation,
}

impl ExtendedKalmanFilter {
    /// With the prior `N(θ₀, prior_variance·I)`, where θ₀ is the θ of the first step.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless the variance is positive and finite.
    pub fn new(prior_variance: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the variance of the prior",
            prior_variance,
            prior_variance > 0.0,
            "positive and finite",
        )?;
        Ok(Self {
            prior_variance,
            fading: 1.0,
            storage: Storage::Double,
            steps: 0,
            weight: 1.0,
            covariance: None,
            observation: Observation::default(),
        })
    }

    /// Multiplies the weight of all that was seen before by `φ` at each step.
    ///
    /// # Errors
    /// [`OptimError::Setting`] unless `0 < φ ≤ 1`.
    pub fn with_fading(mut self, fading: f64) -> Result<Self, OptimError> {
        OptimError::check_setting(
            "the fading of the memory",
            fading,
            fading > 0.0 && fading <= 1.0,
            "in (0, 1]",
        )?;
        self.fading = fading;
        Ok(self)
    }

    /// Stores the covariance in another way; in effect from the first step.
    #[must_use]
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// `P`, the covariance of θ given the examples so far, `P × P`, both triangles; `None` before the first step. Cost: a
    /// copy.
    #[must_use]
    pub fn covariance(&self) -> Option<Mat<f64>> {
        self.covariance.as_ref().map(InverseEstimate::to_dense)
    }

    /// [`covariance`](Self::covariance), ready for standard errors and bands.
    #[must_use]
    pub fn posterior(&self) -> Option<Covariance> {
        self.covariance().map(Covariance::from_matrix)
    }

    /// What later steps depend on.
    pub(super) fn memory(&self) -> (u64, f64, Option<&InverseEstimate>) {
        // Every field is named, so that a new one has to say here whether it is remembered.
        let Self {
            prior_variance: _,
            fading: _,
            storage: _,
            steps,
            weight,
            covariance,
            observation: _, // written before it is read in each step
        } = self;
        (*steps, *weight, covariance.as_ref())
    }

    pub(super) fn storage(&self) -> Storage {
        self.storage
    }

    /// The inverse of [`memory`](Self::memory).
    pub(super) fn go_on(&mut self, steps: u64, weight: f64, covariance: Option<InverseEstimate>) {
        (self.steps, self.weight, self.covariance) = (steps, weight, covariance);
    }

    fn step_with(
        &mut self,
        covariance: &mut InverseEstimate,
        objective: &Objective<'_>,
        theta: &mut [f64],
    ) -> Result<Step, OptimError> {
        let step = self.steps + 1;
        let examples = objective.dims().examples as f64;
        let blend = Blend {
            rule: Rule::ShermanMorrison,
            keep: self.fading,
            take: examples, // the columns of an observation are those of a mean
            directional: false,
            step,
        };
        let seen = &mut self.observation;
        {
            let linearization = objective.map().linearize(theta)?;
            seen.look(linearization.as_ref(), objective, covariance, &blend)?;
        }
        seen.scale_step(examples);
        advance(theta, &seen.tangent, step)?;
        covariance.update(seen.growth, &seen.weights, &seen.raised);
        self.steps = step;
        self.weight = self.fading * self.weight + examples;
        Ok(seen.report(examples / self.weight, self.weight))
    }
}

impl Optimizer for ExtendedKalmanFilter {
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError> {
        let dims = objective.dims();
        ModelError::check_parameters(theta, dims)?;
        let fresh = || {
            let (variance, storage) = (self.prior_variance, self.storage);
            InverseEstimate::identity(dims.parameters, variance, storage, super::DELAY)
        };
        let mut covariance = self.covariance.take().unwrap_or_else(fresh);
        let step = covariance
            .check_dim(dims.parameters)
            .and_then(|()| self.step_with(&mut covariance, objective, theta));
        self.covariance = (self.steps > 0).then_some(covariance);
        step
    }
}
