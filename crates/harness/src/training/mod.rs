//! Training a perceptron on a data set, in a way that can be stopped at any step and goes on to the bit.
//!
//! A [`Problem`] is the data, split and standardised, with a network and a likelihood. [`Training`] is a run on it: one
//! [`step`](Training::step) after the other, a look at the validation part after each epoch, and the best parameters so far. It
//! is a function of the problem and its [`Plan`] alone: the order of the examples comes from the seed and the number of the
//! epoch, and there is no clock in it. So a [`Checkpoint`], which holds all that later steps depend on, is enough to go on as if
//! nothing had happened, on the same machine: a run killed and resumed any number of times ends in the same bits.
//!
//! ```
//! use neuromanifold_harness::data::diabetes;
//! use neuromanifold_harness::training::{Checkpoint, Ending, Method, Plan, Problem, Training};
//! use neuromanifold_mlp::{Activation, Mlp};
//!
//! let net = Mlp::new(&[10, 3, 1], Activation::Tanh)?;
//! let problem = Problem::new(&diabetes()?, net, 0.2, 7)?;
//! let plan = Plan::new(Method::Natural).epochs(12);
//!
//! let mut training = Training::new(&problem, &plan)?;
//! while training.step()?.is_none() {}
//!
//! let mut first = Training::new(&problem, &plan)?;
//! for _ in 0..5 {
//!     first.step()?;
//! }
//! let bytes = first.checkpoint().to_bytes();
//! let mut second = Training::resume(&problem, &plan, Checkpoint::from_bytes(&bytes)?)?;
//! assert_eq!(second.steps(), 5);
//! while second.step()?.is_none() {}
//! assert_eq!(training.best().theta, second.best().theta);
//! assert_eq!(second.ending(), Some(Ending::Epochs));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod curve;
mod error;
mod plan;
mod problem;
mod run;
mod standardized;

pub use crate::sealed::SealError;
pub use checkpoint::Checkpoint;
pub use curve::{Curve, Look};
pub use error::TrainingError;
pub use plan::{Method, Plan};
pub use problem::{Part, Problem};
pub use run::{Best, Ending, Training};
pub use standardized::{on_raw_data, on_standardized_data};
