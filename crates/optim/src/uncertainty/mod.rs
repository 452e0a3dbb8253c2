//! How well data determine a fit: standard errors, error bars of what the network says, the Cramér–Rao bound.
//!
//! From `N` independent examples no unbiased estimator of θ has a smaller covariance than `(N G)⁻¹`, with the Fisher metric `G` of
//! one example (Cramér and Rao); the maximum-likelihood estimate reaches it as `N → ∞`. [`Covariance`] is that
//! matrix. What an outside observer can ask about is not θ, though, but functions of the network, and to first order their
//! variance is `∇hᵀ (N G)⁻¹ ∇h`: [`Covariance::variance`] of any function, [`Covariance::band`] of the outputs themselves,
//! `J Σ Jᵀ`.
//!
//! # On the singularities
//!
//! Where `G` is degenerate some directions of θ are not determined by any amount of data. With
//! [`Inverse::Pseudo`](neuromanifold_geometry::Inverse::Pseudo) the covariance is that on the quotient: functions that do not change in the
//! null directions have their Cramér–Rao variance, the same whichever of the equivalent θ one starts from, and functions that
//! do change, single parameters among them, have the variance `∞`. Where eigenvalues of `G` are small without being zero, as
//! after training they often are, [`Covariance::by_singular_values`] tells them apart from the Jacobian itself. Two hidden units that do the same are as good as the one
//! they amount to. (A unit with outgoing weight zero is not nothing: data can tell that the weight is small, and the band
//! has to allow for it.) With [`Inverse::Damped`](neuromanifold_geometry::Inverse::Damped) the covariance is that of a posterior
//! with the prior `N(θ, I/(λN))`: it depends on how the model is written in parameters.
//!
//! ```
//! use neuromanifold_geometry::{DenseFisher, Inverse};
//! use neuromanifold_mlp::{Activation, Mlp};
//! use neuromanifold_model::{Gaussian, OutputMap};
//! use neuromanifold_optim::uncertainty::Covariance;
//!
//! // The line through four points with noise of standard deviation 0.2
//! let line = Mlp::new(&[1, 1], Activation::Identity)?;
//! let batch = line.on_slice(&[-3.0, -1.0, 1.0, 3.0])?;
//! let fitted = [0.7, 0.1];
//! let fisher = DenseFisher::new(batch.linearize(&fitted)?.as_ref(), &Gaussian::new(0.2)?)?;
//! let covariance = Covariance::of_estimate(&fisher, 4, Inverse::Exact)?;
//! let errors = covariance.standard_errors();
//! assert!((errors[0] - 0.2 / 20.0_f64.sqrt()).abs() < 1e-15); // slope: σ/√Σ(x − x̄)²
//! assert!((errors[1] - 0.2 / 2.0).abs() < 1e-15); // intercept: σ/√N
//!
//! let new = line.on_slice(&[4.0])?;
//! let band = covariance.band(new.linearize(&fitted)?.as_ref())?;
//! let (low, high) = band.intervals(0.95)?[0]; // of the line at x = 4
//! assert!(low < 2.9 && 2.9 < high && high - low < 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # References
//! S. Amari, H. Nagaoka, *Methods of information geometry* (2000), chapter 4. C. R. Rao, *Information and the accuracy
//! attainable in the estimation of statistical parameters*, Bull. Calcutta Math. Soc. 37 (1945) 81–91.

mod band;
mod covariance;
mod normal;
mod singular_values;

pub use band::Band;
pub use covariance::Covariance;
pub use normal::normal_quantile;
