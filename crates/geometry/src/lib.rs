//! The information geometry of a statistical model on a batch.
//!
//! Two parameter points are as far apart as the laws they predict can be told apart. The Kullback–Leibler divergence
//! measures that in nats:
//!
//! ```text
//! D(θ : θ') = (1/N) Σ_s ∫ p(y|x_s;θ) log [p(y|x_s;θ) / p(y|x_s;θ')] dy
//! ```
//!
//! ([`kullback_leibler`]). It vanishes for `θ' = θ`, where it is smallest, so for a short step it is a quadratic form,
//!
//! ```text
//! D(θ : θ+dθ) = ½ dθᵀ G(θ) dθ + O(|dθ|³),     G = (1/N) Σ_s J_sᵀ H(z_s) J_s
//! ```
//!
//! and `G` is the Fisher metric. `J_s = ∂z_s/∂θ` comes from the model, `H(z) = E_y[∇_z log p ∇_z log pᵀ]` from the
//! likelihood: `I/σ²` for Gaussian noise, so `G = E[∇f ∇fᵀ]/σ²`. The distance depends on the laws only, not on how they
//! are written in parameters; so does the direction `G⁻¹∇l` in which the loss falls fastest per nat, the natural gradient.
//!
//! `G` is semidefinite, not definite: if moving θ in a direction does not change any prediction, `G` does not see it.
//! That happens exactly on the singularities of the model, so nothing here hides it. [`Metric::raise`] must be told what
//! an inverse means ([`Inverse`]), every rank names its [`RankTolerance`], and [`Inverse::Exact`] on a singular metric is an
//! error that names the pivot.
//!
//! # Representations
//!
//! | type | keeps | exact | a damped solve costs | right for |
//! |---|---|---|---|---|
//! | [`DenseFisher`] | `P²` numbers | yes | at most `P²rN/2`, with layers about half of `P²N/2`, `+ P³/3` | `P ≲ rN`, spectra, many solves |
//! | [`GramFisher`] | `(rN)²` numbers | yes | gram + `(rN)³/3` | `P > rN` |
//! | [`FisherOperator`] | `O(P + KN)` numbers | yes | two passes an iteration | neither matrix fits |
//! | [`BlockFisher`] | `Σ_b P_b²` numbers | blocks of layers or units | `Σ_b P_b³/3` | narrow layers |
//! | [`KroneckerFisher::ekfac`] | `O(Σ_l ñ_l² + m_l²)` numbers | blocks of layers, nearest in its axes | `2 Σ_l (ñ_l² m_l + ñ_l m_l²)` | wide layers, many steps from one batch |
//! | [`KroneckerFisher::kfac`] | the same | blocks of layers where `δ` and `a` are independent | the same | a comparison with the above |
//! | [`DiagonalFisher`] | `P` numbers | its diagonal | `P` | a scale for each parameter |
//!
//! All of them take an [`OutputFactor`], which decides *which* Fisher matrix it is: the true one (the default), a
//! Monte-Carlo estimate, or the empirical one. The last is not the Fisher metric: it is built from the observed targets, so
//! it agrees only where the model is right and data are many. Far from a fit it weights examples by the size of their
//! gradients; near one its weights are squared residuals, it vanishes where the metric does not, and preconditioning with
//! it does the opposite of what it is meant to (Kunstner et al. 2019). Where it is wanted, it has to be named:
//! [`OutputFactor::empirical`].
//!
//! # Eigenvalues
//!
//! [`Spectrum`] has all of them, with rank, null space, trace, determinant and effective dimension; [`Lanczos`] finds a few at
//! one end from products alone, and [`SpectralDensity`] estimates sums over all of them and their density, with the null space
//! as an atom.
//!
//! # Example
//!
//! ```
//! use neuromanifold_geometry::{kullback_leibler, DenseFisher, Metric, RankTolerance};
//! use neuromanifold_mlp::{Activation, Mlp};
//! use neuromanifold_model::{Gaussian, OutputMap};
//!
//! let noise = Gaussian::new(0.1)?;
//! let net = Mlp::committee(1, 2, Activation::Tanh)?;
//! let batch = net.on_slice(&[-1.0, -0.3, 0.4, 1.1, 2.0])?;
//!
//! // Two hidden units with the same incoming weight: only v₁ + v₂ matters, so one direction is null, and so is w₁ − w₂
//! // weighted by v: the metric has rank 2 of 4.
//! let theta = [0.8, 0.8, 1.0, -0.4];
//! let fisher = DenseFisher::new(batch.linearize(&theta)?.as_ref(), &noise)?;
//! assert_eq!(fisher.spectrum()?.rank(RankTolerance::rounding(4)), 2);
//!
//! let along = [0.0, 0.0, 0.3, -0.3];
//! assert!(fisher.norm_squared(&along) < 1e-12);
//! let moved: Vec<f64> = theta.iter().zip(along).map(|(t, d)| t + d).collect();
//! assert!(kullback_leibler(&batch, &noise, &theta, &moved)? < 1e-28);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # References
//! S. Amari, *Natural gradient works efficiently in learning*, Neural Computation 10 (1998) 251–276,
//! doi:10.1162/089976698300017746; F. Kunstner, L. Balles, P. Hennig, *Limitations of the empirical Fisher approximation for
//! natural gradient descent*, NeurIPS 2019, arXiv:1905.12558.

mod binary_unit;
mod block;
mod block_cholesky;
mod cholesky;
pub mod closed_form;
mod conjugate_gradients;
mod damped_axes;
mod dense;
mod diagonal;
mod divergence;
mod error;
mod factored_damping;
mod gauss_rule;
mod gram;
mod kronecker;
mod kronecker_block;
mod krylov;
mod lanczos;
mod layered;
mod metric;
mod mirror;
mod operator;
mod outer_products;
mod output_factor;
pub mod quotient;
mod rank_tolerance;
mod ritz;
mod spectral_density;
mod spectrum;
mod symmetric;

pub use block::{BlockFisher, Blocks};
pub use block_cholesky::BlockCholesky;
pub use cholesky::Cholesky;
pub use conjugate_gradients::{ConjugateGradients, Preconditioner};
pub use damped_axes::{DampedDiagonal, DampedKronecker};
pub use dense::DenseFisher;
pub use diagonal::DiagonalFisher;
pub use divergence::{Estimate, kullback_leibler, kullback_leibler_monte_carlo};
pub use error::{MetricError, Quantity};
pub use gram::GramFisher;
pub use kronecker::KroneckerFisher;
pub use kronecker_block::KroneckerBlock;
pub use lanczos::{Copies, End, Lanczos};
pub use metric::{Inverse, Metric, Solve};
pub use operator::FisherOperator;
pub use output_factor::OutputFactor;
pub use rank_tolerance::RankTolerance;
pub use ritz::RitzPairs;
pub use spectral_density::{Kernel, SpectralDensity};
pub use spectrum::Spectrum;

/// The linear-algebra library whose matrices appear in this crate's signatures.
pub use faer;
