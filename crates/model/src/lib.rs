//! What a statistical model on a batch is.
//!
//! A *model* here is a parametric family of conditional laws `p(y | x; θ)`, cut in two where the cut costs least:
//!
//! * an [`OutputMap`] `θ ↦ Z(θ) ∈ R^{K×N}`: the model *together with its batch* of `N` examples. Nobody downstream
//!   ever sees an input; a perceptron on images, an exponential decay and the residuals of a differential equation
//!   all look the same.
//! * a [`Likelihood`] `p(y | z)` that reads one column of `Z` as the natural location of a law for `y`:
//!   [`Gaussian`], [`Bernoulli`], [`Categorical`], or a user's own.
//!
//! The information geometry of the family needs just two things of the map: products with its Jacobian
//! `J = ∂Z/∂θ ∈ R^{KN×P}` and with the transpose. [`OutputMap::linearize`] runs the forward pass once at a point and
//! keeps what those products need; the result, a [`Linearization`], never owes anyone the matrix `J` itself.
//!
//! Implementing the one required method of [`OutputMap`] and the four of [`Linearization`] buys the Fisher metric, the
//! divergences, every diagnostic and every optimiser of this workspace. [`check`] tells whether they were implemented
//! correctly.
//!
//! # Symbols
//!
//! The same names are used in all crates, in code, documentation and figures.
//!
//! | symbol | name in code | meaning |
//! |---|---|---|
//! | θ | `theta` | parameters, one flat slice of length `P` |
//! | dθ, v | `tangent` | a tangent vector at θ, length `P` |
//! | ∇l, g | `gradient` | a covector at θ, length `P` |
//! | u | `cotangent` | a covector on the outputs, length `K·N` |
//! | P, K, N | [`Dims`] | numbers of parameters, outputs of one example, examples |
//! | Z, z | `outputs`, `z` | all outputs (`K×N`, one example a column), those of one example |
//! | y | `target` | what was observed for one example |
//! | J | | Jacobian `∂Z/∂θ`, rows ordered as the entries of `Z` |
//! | H(z) = B Bᵀ | `factor` | Fisher matrix of `p(y|z)` in `z`, and its factor `B ∈ R^{K×r}` |
//! | G | `fisher` | Fisher metric `(1/N) Σ_s J_sᵀ H(z_s) J_s`, a mean over examples, in nats |
//! | D(θ:θ') | `divergence` | Kullback–Leibler divergence, the mean over the batch, in nats |
//!
//! One example is one **column**: `Z` is stored column by column, so a row-major `N×K` array of another program has the
//! same bytes.
//!
//! # Example
//!
//! The line `z = θ₀ + θ₁ x` on a batch of three points:
//!
//! ```
//! use neuromanifold_model::{check, Dims, Linearization, ModelError, OutputMap};
//!
//! struct Line { x: Vec<f64> }
//! struct LineAt<'a> { x: &'a [f64], z: Vec<f64> }
//!
//! impl OutputMap for Line {
//!     fn dims(&self) -> Dims {
//!         Dims { parameters: 2, outputs: 1, examples: self.x.len() }
//!     }
//!     fn linearize<'a>(&'a self, theta: &'a [f64]) -> Result<Box<dyn Linearization + 'a>, ModelError> {
//!         let z = self.x.iter().map(|x| theta[0] + theta[1] * x).collect();
//!         Ok(Box::new(LineAt { x: &self.x, z }))
//!     }
//! }
//! impl Linearization for LineAt<'_> {
//!     fn dims(&self) -> Dims {
//!         Dims { parameters: 2, outputs: 1, examples: self.x.len() }
//!     }
//!     fn outputs(&self) -> &[f64] { &self.z }
//!     fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
//!         for (o, x) in out.iter_mut().zip(self.x) { *o = tangent[0] + tangent[1] * x; }
//!     }
//!     fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
//!         out[0] = cotangent.iter().sum();
//!         out[1] = cotangent.iter().zip(self.x).map(|(u, x)| u * x).sum();
//!     }
//! }
//!
//! let line = Line { x: vec![-1.0, 0.5, 2.0] };
//! let report = check::finite_difference(&line, &[0.3, -0.7])?;
//! assert!(report.relative_error < 1e-8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dims;
mod error;
mod output_map;

pub mod check;
mod cotangents;
mod layerwise;
mod likelihood;
mod linearization;

pub use cotangents::Cotangents;
pub use dims::Dims;
pub use error::{LikelihoodError, ModelError, TargetDomain};
pub use layerwise::{AffineLayer, Layerwise};
pub use likelihood::{Bernoulli, Categorical, Gaussian, Likelihood};
pub use linearization::Linearization;
pub use output_map::OutputMap;

/// The linear-algebra library whose matrix views appear in this crate's signatures.
pub use faer;
/// The randomness traits that appear in this crate's signatures.
pub use rand;
