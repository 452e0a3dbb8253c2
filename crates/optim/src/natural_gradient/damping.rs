use super::LevenbergMarquardt;
use crate::OptimError;
use neuromanifold_geometry::{Inverse, MetricError, RankTolerance};

/// What the inverse of the metric means where the metric is, or may be, degenerate. There is no hidden default.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Damping {
    /// `G⁻¹`. Where `G` has no trustworthy inverse the step is an error that names the pivot or the rank.
    None,
    /// `(G + λD)⁻¹` with this λ > 0, in nats per unit of θ squared (`D = I`, or what [`Scaling`](super::Scaling) says).
    Fixed(f64),
    /// `(G + λD)⁻¹` with a λ that follows how well the model of the objective predicts it; steps that do not reduce
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

    /// Whether there is a λ > 0.
    pub(super) fn is_damped(self) -> bool {
        matches!(self, Self::Fixed(_) | Self::LevenbergMarquardt(_))
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
