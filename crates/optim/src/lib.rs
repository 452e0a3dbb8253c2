//! Optimisers that follow the geometry: sgd, adam, natural and adaptive natural gradient.

mod error;
mod objective;
mod schedule;
mod step;

mod adam;
mod adaptive;
mod natural_gradient;
mod sgd;

mod fit;

pub use adam::Adam;
pub use adaptive::{AdaptiveNaturalGradient, Rule};
pub use error::{OptimError, Quantity};
pub use fit::{Reason, Report, Stopping, fit};
pub use natural_gradient::{
    Acceleration, Damping, LevenbergMarquardt, NaturalGradient, Representation,
};
pub use objective::Objective;
pub use schedule::Schedule;
pub use sgd::{Momentum, Sgd};
pub use step::{Optimizer, Step};
