//! Exact geometry for Gaussian inputs.

mod averages;
mod bivariate_normal;
mod error;
mod error_function;
mod mixture;
mod moments;
mod normal;
mod rectifier;
mod trapezoid;

pub use averages::Averages;
pub use bivariate_normal::bivariate_normal;
pub use error::ClosedFormError;
pub use moments::{PairLaw, PairMoments, UnitMoments};
pub use trapezoid::{Jet, Quadrature, trapezoid, trapezoid_unit};
