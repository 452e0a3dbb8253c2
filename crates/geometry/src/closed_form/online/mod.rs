//! On-line learning of a soft committee machine, without simulating it.
//!
//! A student `Σ_i φ(J_i·x)` with `φ(u) = erf(u/√2)` learns from a teacher `Σ_n φ(B_n·x)`, plus noise of variance `s²`, one
//! fresh example `x ~ N(0, I_N)` at a time. With `N` inputs the weights have `K N` numbers, but what the student can do depends
//! only on the *order parameters*, the overlaps of weight vectors
//!
//! ```text
//! Q_ik = J_i·J_k        R_in = J_i·B_n        T_nm = B_n·B_m
//! ```
//!
//! For large `N` their fluctuations vanish, and with time `α = examples/N` they obey ordinary differential equations whose
//! right-hand sides are averages over a few Gaussian variables in closed form. What takes hours to simulate, and is blurred by
//! chance, is a curve of a few numbers here. [`SoftCommittee`] holds the equations, for stochastic gradient descent and for the
//! natural gradient; [`OrderParameters`] is the state, [`Trajectory`] a solution. [`StudentFisher`] is the student's metric on the
//! vectors themselves, for those who do simulate.
//!
//! ```
//! use neuromanifold_geometry::closed_form::online::{LearningRule, OrderParameters, SoftCommittee};
//! use neuromanifold_geometry::faer::{Mat, mat};
//!
//! let teacher = Mat::identity(2, 2);
//! let natural = SoftCommittee::new(teacher.as_ref(), 0.0, 0.1, LearningRule::NaturalGradient)?;
//! let start = OrderParameters::new(
//!     mat![[0.25, 0.0], [0.0, 0.25]].as_ref(),
//!     mat![[1e-2, 3e-3], [2e-3, 9e-3]].as_ref(),
//! )?;
//! let escape = natural.escape(&start, 1e-3, 100.0, 1e-8)?;
//! assert!(escape.is_some_and(|alpha| alpha < 70.0)); // gradient descent at its best rate needs 90
//!
//! // or all of it, at any time
//! let trajectory = natural.trajectory(&start, 100.0, 1e-8)?;
//! assert!(natural.generalization_error(&trajectory.at(10.0))? > 1e-2);
//! assert!(natural.generalization_error(&trajectory.last())? < 1e-4);
//! # Ok::<(), neuromanifold_geometry::closed_form::ClosedFormError>(())
//! ```
//!
//! # References
//! * D. Saad, S. A. Solla, *Exact solution for on-line learning in multilayer neural networks*, Phys. Rev. Lett. 74 (1995) 4337,
//!   doi:10.1103/PhysRevLett.74.4337; Phys. Rev. E 52 (1995) 4225, doi:10.1103/PhysRevE.52.4225.
//! * M. Rattray, D. Saad, S. Amari, *Natural gradient descent for on-line learning*, Phys. Rev. Lett. 81 (1998) 5461,
//!   doi:10.1103/PhysRevLett.81.5461.

mod committee;
mod dormand_prince;
mod integrals;
mod order_parameters;
mod student_fisher;
mod trajectory;

pub use committee::{LearningRule, SoftCommittee};
pub use order_parameters::OrderParameters;
pub use student_fisher::StudentFisher;
pub use trajectory::Trajectory;
