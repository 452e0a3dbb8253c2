//! Optimisers that follow the geometry: natural gradient with the metric of the batch, adaptive natural gradient for
//! learning on line, and, to compare them with, gradient descent and Adam.
//!
//! What is made small is an [`Objective`], the mean negative log-likelihood `l(θ)` of a batch in nats: a model on its batch
//! (an [`OutputMap`](neuromanifold_model::OutputMap)), the law of its targets
//! (a [`Likelihood`](neuromanifold_model::Likelihood)), and the targets. Nothing here knows what the model is; the example
//! `your_own_model` fits one that is no network.
//!
//! # Why not the gradient
//!
//! `−∇l` is the direction in which `l` falls fastest for a step of given length `|dθ|`. But that length belongs to the
//! way the model happens to be written: rescale a weight and the direction changes. What does not change is how far the
//! *law* moves, `D(θ:θ+dθ) = ½ dθᵀG dθ` in nats, with the Fisher metric `G`. The direction of steepest descent in that
//! length is the natural gradient,
//!
//! ```text
//! θ ← θ − η G(θ)⁻¹ ∇l(θ)
//! ```
//!
//! and where the model is linear and the noise Gaussian, `G` is the Hessian and one step with `η = 1` is the whole way.
//! For a network it is Gauss–Newton, or Fisher scoring; far from the minimum it needs damping, and
//! [`NaturalGradient::auto`] finds the right one by itself, with the rest of the settings. That is the optimiser to try first
//! on anything small enough for it.
//!
//! # What a natural-gradient step is made of
//!
//! | part | choices |
//! |---|---|
//! | [`Representation`] of `G` | a matrix, in sample space, as a product, with K-FAC before it |
//! | [`Damping`] `(G + λD)⁻¹` | none, fixed, [`LevenbergMarquardt`] with a [`GainRule`], pseudo-inverse |
//! | [`Scaling`] `D` | identity, diagonal of `G` |
//! | [`Acceleration`] | straight, along the geodesic |
//! | [`NaturalMomentum`] | none, SPRING, minimum on a plane |
//! | [`StepLength`] | full, trust region in nats, Armijo, geometric grid |
//! | [`Escape`] from stagnation | none, basin hopping |
//!
//! Each is chosen on its own, and each says what it promises.
//!
//! # Which optimiser
//!
//! | | a step costs, beyond a pass forward and one back | right for |
//! |---|---|---|
//! | [`NaturalGradient`], `P ≤ rN` | `P²·rN/2 + P³/3` a trial | fits to many digits; `P` up to some thousands |
//! | [`NaturalGradient`], `P > rN` | `P·(rN)²/2 + (rN)³/3` a trial | the same, with more parameters than data |
//! | [`AdaptiveNaturalGradient`], [`ExtendedKalmanFilter`] | `P²·(3 r b + 1)/2` | examples that come one by one, or in batches of `b` |
//! | [`NaturalGradient`], by products | `4PN` a product, some 10 a trial, 3 after K-FAC | where both are too large |
//! | [`Adam`] | `P` | what is too large for the others, to few digits |
//! | [`Sgd`] | `P` | a baseline; the theory of learning curves |
//!
//! `P` parameters, `N` examples, `r` the rank of the likelihood's output Fisher matrix (1 for one output).
//!
//! Every optimiser implements [`Optimizer`]: one [`step`](Optimizer::step) on an objective, which may be another mini-batch
//! each time, reported in a [`Step`]. An error (a NaN, a metric without an inverse) leaves θ and the optimiser as they were.
//! [`fit()`] takes steps until a [`Stopping`] rule is met. A [`Resumable`] one can be put down between two steps and go on later, to
//! the bit.
//!
//! # Example
//!
//! A student with three hidden units learns a teacher of the same shape, to the last digit:
//!
//! ```
//! use neuromanifold_mlp::{Activation, Initialization, Mlp};
//! use neuromanifold_model::{Gaussian, OutputMap};
//! use neuromanifold_optim::{fit, NaturalGradient, Objective, Stopping};
//! use rand::{RngExt, SeedableRng};
//! use std::ops::ControlFlow;
//!
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let net = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
//! let inputs: Vec<f64> = (0..400).map(|_| rng.random_range(-2.0..2.0)).collect();
//! let batch = net.on_slice(&inputs)?; // 200 examples
//!
//! let teacher = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
//! let mut targets = vec![0.0; 200];
//! batch.outputs(&teacher, &mut targets)?;
//!
//! let objective = Objective::new(&batch, &Gaussian::UNIT, &targets)?;
//! let mut student = net.initialize(Initialization::LeCun, &mut rng);
//! let mut optimizer = NaturalGradient::auto();
//! let stopping = Stopping::after(100).at_predicted_decrease(1e-22);
//! let report = fit(&mut optimizer, &objective, &mut student, &stopping, |t, step, _| {
//!     // print!("{t} {}", step.loss);
//!     ControlFlow::Continue(())
//! })?;
//!
//! let mut outputs = vec![0.0; 200];
//! batch.outputs(&student, &mut outputs)?;
//! let worst = outputs.iter().zip(&targets).map(|(z, y)| (z - y).abs()).fold(0.0, f64::max);
//! assert!(worst < 1e-10, "{worst} after {} steps", report.steps);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # References
//! S. Amari, *Natural gradient works efficiently in learning*, Neural Computation 10 (1998) 251–276,
//! doi:10.1162/089976698300017746. J. Martens, *New insights and perspectives on the natural gradient method*, JMLR 21
//! (2020), arXiv:1412.1193.

mod error;
mod objective;
mod schedule;
mod state;
mod step;

mod adam;
mod adaptive;
mod natural_gradient;
mod sgd;

mod fit;

pub mod uncertainty;

pub use adam::Adam;
pub use adaptive::{AdaptiveNaturalGradient, ExtendedKalmanFilter, Rule, Storage, WindUp};
pub use error::{OptimError, Quantity};
pub use fit::{Reason, Report, Stopping, fit};
pub use natural_gradient::{
    Acceleration, Damping, Escape, GainRule, LevenbergMarquardt, NaturalGradient, NaturalMomentum,
    Representation, Scaling, StepLength,
};
pub use objective::Objective;
pub use schedule::Schedule;
pub use sgd::{Momentum, Sgd};
pub use state::{Resumable, State, StateError};
pub use step::{Optimizer, Step};
