//! The optimisers that are compared, with the one number each is tuned by.

use neuromanifold_optim::{
    Acceleration, Adam, AdaptiveNaturalGradient, Damping, LevenbergMarquardt, Momentum,
    NaturalGradient, OptimError, Optimizer, Rule, Schedule, Sgd,
};

/// An optimiser of this workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    /// Natural gradient on all examples, as it comes: `NaturalGradient::auto`. Nothing is tuned.
    NaturalGradient,
    /// The same damping with straight steps, and no escape from stagnation.
    StraightNaturalGradient,
    /// Natural gradient on mini-batches of 32, λ = 0.1.
    MiniBatchNaturalGradient,
    /// Adaptive natural gradient, exact rule, mini-batches of 8; ε = 0.01.
    AdaptiveNaturalGradient,
    /// Adam on all examples.
    AdamFull,
    /// Adam on mini-batches of 256.
    AdamMiniBatch,
    /// Gradient descent with heavy-ball momentum 0.9 on mini-batches of 32.
    SgdMomentum,
}

/// ε of the adaptive method, the weight of the present batch in its average.
const FORGETTING: f64 = 0.01;
/// λ of the mini-batches.
const DAMPING: f64 = 0.1;

impl Contender {
    pub(super) const ALL: [Self; 7] = [
        Self::NaturalGradient,
        Self::StraightNaturalGradient,
        Self::MiniBatchNaturalGradient,
        Self::AdaptiveNaturalGradient,
        Self::AdamFull,
        Self::AdamMiniBatch,
        Self::SgdMomentum,
    ];

    pub(super) const NAMES: [&'static str; Self::ALL.len()] = [
        "natural_gradient_auto",
        "natural_gradient_lm_straight",
        "natural_gradient_b32",
        "adaptive_natural_gradient_b8",
        "adam_full",
        "adam_b256",
        "sgd_momentum_b32",
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// What the grid is a grid of.
    pub(super) fn setting(self) -> &'static str {
        "lr"
    }

    /// Learning rates to choose from; empty where nothing is tuned.
    pub(super) fn grid(self) -> &'static [f64] {
        match self {
            Self::NaturalGradient | Self::StraightNaturalGradient => &[],
            Self::AdamFull | Self::AdamMiniBatch => &[1e-3, 3e-3, 1e-2, 3e-2],
            Self::AdaptiveNaturalGradient | Self::SgdMomentum => &[1e-2, 3e-2, 1e-1, 3e-1],
            Self::MiniBatchNaturalGradient => &[3e-2, 1e-1, 3e-1, 1.0],
        }
    }

    /// Examples of a mini-batch; `None` for all of them.
    pub(super) fn batch(self) -> Option<usize> {
        match self {
            Self::NaturalGradient | Self::StraightNaturalGradient | Self::AdamFull => None,
            Self::AdaptiveNaturalGradient => Some(8),
            Self::AdamMiniBatch => Some(256),
            Self::MiniBatchNaturalGradient | Self::SgdMomentum => Some(32),
        }
    }

    /// The optimiser at a learning rate, 1 if there is none.
    pub(super) fn optimizer(
        self,
        learning_rate: Option<f64>,
    ) -> Result<Box<dyn Optimizer>, OptimError> {
        let rate = Schedule::constant(learning_rate.unwrap_or(1.0))?;
        Ok(match self {
            Self::NaturalGradient => Box::new(NaturalGradient::auto()),
            Self::StraightNaturalGradient => {
                let straight =
                    LevenbergMarquardt::default().with_acceleration(Acceleration::Off)?;
                Box::new(NaturalGradient::new(Damping::LevenbergMarquardt(straight))?)
            }
            Self::MiniBatchNaturalGradient => {
                Box::new(NaturalGradient::new(Damping::Fixed(DAMPING))?.with_learning_rate(rate))
            }
            Self::AdaptiveNaturalGradient => Box::new(AdaptiveNaturalGradient::new(
                Rule::ShermanMorrison,
                rate,
                Schedule::constant(FORGETTING)?,
            )),
            Self::AdamFull | Self::AdamMiniBatch => Box::new(Adam::new(rate)),
            Self::SgdMomentum => Box::new(Sgd::new(rate).with_momentum(Momentum::HeavyBall(0.9))?),
        })
    }
}
