//! Exact geometry for Gaussian inputs.

mod averages;
mod bivariate_normal;
mod coupling;
mod error;
mod error_function;
mod factor;
mod gaussian_input;
mod gaussian_input_fisher;
mod mixture;
mod moments;
mod normal;
mod population;
mod rectifier;
mod seen;
mod span;
mod trapezoid;
mod unseen;
mod whitened;

pub use averages::Averages;
pub use bivariate_normal::bivariate_normal;
pub use error::ClosedFormError;
pub use gaussian_input::GaussianInput;
pub use gaussian_input_fisher::GaussianInputFisher;
pub use moments::{PairLaw, PairMoments, UnitMoments};
pub use population::Population;
pub use trapezoid::{Jet, Quadrature, trapezoid, trapezoid_unit};
