//! Exact geometry for Gaussian inputs: metric, natural gradient, divergence and loss without a sample.
//!
//! Elsewhere in this crate an average over inputs is a sum over a batch. If the law of the inputs is known to be Gaussian,
//! `x ~ N(μ, C)`, and the network has one hidden layer, `f(x) = c + Σ_a v_a φ(w_a·x + b_a)`, all averages can be taken exactly,
//! and the metric turns out to have so much structure that a natural gradient costs no more than a few products of the weight
//! matrix with itself. This page explains how; what it takes is calculus.
//!
//! # A hidden unit sees one number
//!
//! Unit `a` sees `x` only through its pre-activation `u_a = w_a·x + b_a`, and a linear function of a Gaussian is Gaussian. So any
//! average of a product of functions of two units, such as `E[φ(u_a) φ(u_b)]`, is an integral over a *plane*, whatever the number
//! of inputs, and depends on five numbers: two means, two variances and a covariance ([`PairLaw`]).
//!
//! The metric also holds averages with inputs in them, such as `E[φ'(u_a) φ'(u_b) x xᵀ]`. Stein's lemma, `E[z g(z)] = E[∇g(z)]` for
//! standard normal `z` (integrate by parts), removes them: an input in front becomes a derivative inside, times the weight
//! through which the input enters. What remains are eleven averages `E[φ⁽ⁱ⁾(u_a) φ⁽ʲ⁾(u_b)]` for each pair of units
//! ([`PairMoments`]), for instance
//!
//! ```text
//! E[φ'_a φ'_b zzᵀ] = E[φ'φ'] I + E[φ'''φ'] w_a w_aᵀ + E[φ''φ''] (w_a w_bᵀ + w_b w_aᵀ) + E[φ'φ'''] w_b w_bᵀ
//! ```
//!
//! [`Averages`] says how they are computed: in closed form for erf, through a mixture of eight erfs for tanh and the logistic
//! function, through the arc-cosine kernels for rectifiers, and by the [trapezoid rule](trapezoid()) for anything smooth.
//!
//! # Most weights are not seen
//!
//! Read the formula again: apart from the multiple of the identity, everything lies in the span of the weights. Let `r ≤ m` be
//! the dimension of that span among the `n` inputs. A change of the weights *within* the span, of biases or of outgoing weights
//! mixes with all others of the kind: a dense system of about `m r + m` unknowns. A change *orthogonal* to it meets
//! `(v_a v_b E[φ'_a φ'_b]) ⊗ I`: one `m × m` matrix, the same for all `n − r` directions. So
//!
//! ```text
//! natural gradient:  O(n m²)  +  (m r + m)³/3,        not  (n m)³/3
//! ```
//!
//! That is linear in the number of inputs, at a fixed number of units, and grows as `m⁶` in that of units;
//! [conjugate gradients](GaussianInputFisher::with_conjugate_gradients) replace the cube for many of them. [`GaussianInputFisher`]
//! is a [`Metric`](crate::Metric) like any other; [`GaussianInputCholesky`] keeps its factors for many solves, and
//! [`GaussianInputSpectrum`] has its eigenvalues, of which all but a few hundred come in `m` bundles of `n − r` each. The outgoing weights are eliminated before the dense system, which makes its
//! size, and the cost of its solution, independent of the number of outputs.
//!
//! Means and covariances come in by a change of coordinates: `x = μ + E diag(s) z` with the axes `E` of `C`. Damping stays what
//! it is everywhere in this crate, `λI` in the coordinates of θ, and no approximation is made for it.
//!
//! # The loss itself
//!
//! For targets from a teacher with the same activation the loss is an average of the same kind. [`Population`] gives the
//! divergence between two networks, its gradient and the loss, with neither sample nor noise of one: the metric can be checked
//! against `D(θ:θ+dθ) = ½dθᵀG dθ` to ten digits, and a noise-free natural-gradient flow can be followed until θ is the teacher.
//!
//! # What it is not for
//!
//! Real inputs are not Gaussian, deep networks have pre-activations that are not, and likelihoods other than Gaussian noise put
//! a function of the outputs into every average. For those draw or take a batch, and use
//! [`DenseFisher`](crate::DenseFisher), [`GramFisher`](crate::GramFisher) or [`FisherOperator`](crate::FisherOperator); the errors
//! of this module ([`ClosedFormError`]) say so.
//!
//! Where it is only almost true, the closed form can still *precondition* the metric of the data: fit a law to the inputs
//! ([`GaussianInput::of_sample`]), let the average output Fisher matrix stand for the noise
//! ([`GaussianInputFisher::with_precision`]), and give [`GaussianInputCholesky`] to a `FisherOperator`. The solution is that of the
//! data's own metric, whatever the fit. It pays for many inputs and little damping; for a few hundred parameters a `DenseFisher` is
//! faster.
//!
//! # Example
//!
//! ```
//! use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher, Population};
//! use neuromanifold_geometry::{Inverse, Metric};
//! use neuromanifold_mlp::{Activation, Mlp};
//! use neuromanifold_model::Gaussian;
//!
//! let net = Mlp::new(&[3, 2, 1], Activation::Erf)?;
//! let teacher = [0.9, -0.3, 0.4, 0.1, 0.8, -0.6, 0.2, -0.1, 1.2, -0.7, 0.3];
//! let (input, noise) = (GaussianInput::standard(3), Gaussian::UNIT);
//! let population = Population::new(&net, &teacher, &net, &input, &noise)?;
//!
//! let mut theta = teacher.map(|t| t + 0.05);
//! let (mut gradient, mut step) = ([0.0; 11], [0.0; 11]);
//! for _ in 0..12 {
//!     population.gradient(&theta, &mut gradient)?;
//!     let fisher = GaussianInputFisher::new(&net, &theta, &input, &noise)?;
//!     fisher.raise(&gradient, Inverse::Exact, &mut step)?;
//!     theta.iter_mut().zip(step).for_each(|(t, s)| *t -= s);
//! }
//! assert!(population.divergence(&theta)? < 1e-28);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # References
//! * H. H. Yang, S. Amari, *Complexity issues in natural gradient descent method for training multilayer perceptrons*, Neural
//!   Computation 10 (1998) 2137–2157, doi:10.1162/089976698300017007.
//! * C. M. Stein, *Estimation of the mean of a multivariate normal distribution*, Annals of Statistics 9 (1981) 1135–1151,
//!   doi:10.1214/aos/1176345632.
//! * D. Saad, S. A. Solla, *On-line learning in soft committee machines*, Phys. Rev. E 52 (1995) 4225,
//!   doi:10.1103/PhysRevE.52.4225.

mod error;

mod bivariate_normal;
mod normal;

mod averages;
mod error_function;
mod mixture;
mod moments;
mod rectifier;
mod trapezoid;

mod gaussian_input;
mod output_precision;
mod shrinkage;
mod whitened;

mod coupling;
mod factor;
mod iterative;
mod line;
mod output_blocks;
mod product;
mod seen;
mod seen_cholesky;
mod span;
mod unseen;

mod gaussian_input_cholesky;
mod gaussian_input_fisher;
mod gaussian_input_metric;
mod gaussian_input_spectrum;
mod population;
mod pseudo_inverse;

pub mod online;

pub use averages::Averages;
pub use bivariate_normal::bivariate_normal;
pub use error::ClosedFormError;
pub use gaussian_input::GaussianInput;
pub use gaussian_input_cholesky::GaussianInputCholesky;
pub use gaussian_input_fisher::GaussianInputFisher;
pub use gaussian_input_spectrum::GaussianInputSpectrum;
pub use moments::{PairLaw, PairMoments, UnitMoments};
pub use population::Population;
pub use shrinkage::Shrinkage;
pub use trapezoid::{Jet, Quadrature, trapezoid, trapezoid_unit};
