//! Multilayer perceptrons as output maps: layers, activations, batched linearisation.
//!
//! # A perceptron is a map of its parameters
//!
//! A multilayer perceptron with widths `n, m_1, …, m_L = K` sends an input `a_0 = x ∈ R^n` through layers
//!
//! ```text
//! z_l = W_l a_{l−1} + b_l        W_l ∈ R^{m_l × m_{l−1}}
//! a_l = φ_l(z_l)                 entry by entry, l = 1, …, L
//! ```
//!
//! and returns `a_L`, as a rule with `φ_L` the identity. Training never moves `x`; it moves the weights. So here the
//! perceptron *on a batch* is a map `θ ↦ Z(θ) ∈ R^{K×N}` of all its parameters, with the inputs inside: an [`OutputMap`]. An
//! [`Mlp`] is only the architecture; [`Mlp::on`] puts it on a batch; [`OutputMap::linearize`] runs the forward pass at one
//! θ and answers every first-order question about that point from what it kept.
//!
//! ```
//! use neuromanifold_mlp::{Activation, Initialization, Mlp};
//! use neuromanifold_model::{OutputMap, check};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let mlp = Mlp::new(&[2, 8, 1], Activation::Tanh)?;
//! let theta = mlp.initialize(Initialization::LeCun, &mut ChaCha8Rng::seed_from_u64(0));
//!
//! // Three examples of two inputs, one after the other.
//! let batch = mlp.on_slice(&[0.0, 1.0, 1.0, 0.0, 0.5, -0.5])?;
//! let here = batch.linearize(&theta)?;
//! assert_eq!(here.outputs().len(), 3);
//!
//! // The gradient of the half squared error against targets y is Jᵀ(z − y).
//! let residual: Vec<f64> = here.outputs().iter().zip([1.0, 1.0, 0.0]).map(|(z, y)| z - y).collect();
//! let mut gradient = vec![0.0; mlp.parameters()];
//! here.vjp(&residual, &mut gradient);
//!
//! assert!(check::finite_difference(&batch, &theta)?.relative_error < 1e-8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! θ is one flat slice: for each layer `W_l` row by row, then `b_l`. The incoming weights `w_α` of a unit are contiguous.
//! PyTorch lists the parameters of a chain of linear layers in the same order, so a `state_dict` laid end to end is a θ.
//! [`Layer`] says where each piece lies, and [`Mlp::weights`] and [`Mlp::bias`] view a θ as matrices and vectors.
//!
//! One example is one column, of the inputs (`n × N`) and of the outputs (`K × N`).
//!
//! # The linearisation, and what it costs
//!
//! With `P` parameters, `N` examples and `M = Σ_l m_l` units:
//!
//! | | what | multiply-adds |
//! |---|---|---|
//! | `linearize` | `Z(θ)`; keeps `a_l` and `φ'(z_l)`, `2M` numbers an example | `N P` |
//! | `outputs` | `Z(θ)`; keeps nothing | `N P` |
//! | `jvp` | `J v`: the forward pass differentiated along `v` | `2 N P` |
//! | `vjp` | `Jᵀu`: backpropagation | `2 N P` |
//! | `pullback` | `J_sᵀ c_{s,j}`, `r` of them an example | `2 r N P`, and as many numbers written |
//! | `gram` | all inner products of the pulled-back columns | `(rN)² M / 2 + N² M / 2` instead of `(rN)² P / 2` |
//!
//! The last line is why a perceptron overrides the default of [`Linearization::gram`]: backpropagated to a layer, the column
//! of an example is an outer product `δ ⊗ [a; 1]`, and inner products of outer products factor,
//! `⟨δ ⊗ [a; 1], δ' ⊗ [a'; 1]⟩ = (δ·δ')(a·a' + 1)`.
//!
//! Batches are worked through in panels of 64 to 256 examples that stay in the cache from the inputs to the outputs,
//! each layer as one matrix product; large batches share their panels among the threads of the current `rayon` pool. A
//! single example takes a path of its own without set-up cost, for on-line learning. Results do not depend on the number
//! of threads, to the last bit.
//!
//! # References
//! * D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating errors*, Nature 323
//!   (1986), [doi:10.1038/323533a0](https://doi.org/10.1038/323533a0).
//! * B. A. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6 (1994),
//!   [doi:10.1162/neco.1994.6.1.147](https://doi.org/10.1162/neco.1994.6.1.147): the pass behind `jvp`.
//! * S. Amari, *Natural gradient works efficiently in learning*, Neural Computation 10 (1998),
//!   [doi:10.1162/089976698300017746](https://doi.org/10.1162/089976698300017746): why one wants `J`.
//!
//! [`OutputMap`]: neuromanifold_model::OutputMap
//! [`OutputMap::linearize`]: neuromanifold_model::OutputMap::linearize
//! [`Linearization::gram`]: neuromanifold_model::Linearization::gram

mod error;

mod activation;
mod layer;

mod builder;
mod initialization;
mod perceptron;

mod batch;
mod linearization;

mod backward;
mod forward;
mod gram;
mod layerwise;
mod pullback;
mod tangent;

mod finite;
mod mirror;
mod panel;
mod product;
mod rows;
mod schedule;
mod scratch;

pub mod elementary;

pub use activation::Activation;
pub use batch::OnBatch;
pub use builder::MlpBuilder;
pub use error::MlpError;
pub use initialization::Initialization;
pub use layer::Layer;
pub use perceptron::Mlp;
