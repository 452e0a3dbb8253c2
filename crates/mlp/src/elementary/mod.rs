//! Elementary functions of slices: exp, tanh, erf, logistic, softplus, and the derivatives a perceptron needs.
//!
//! Activations are the one part of a small network that matrix products do not cover, and the scalar functions
//! of the standard library would dominate its cost. The functions here are loops over branch-free kernels,
//! compiled for several instruction sets and dispatched at run time; on long slices they are five to ten times as
//! fast. Each function writes to slices of its caller; those that end in `_with_derivative` write the derivative
//! as well, which shares most of the work.
//!
//! # Accuracy
//! Errors are measured in units in the last place (ulp) of the exact result. The largest found in millions of
//! arguments (dense grids, random bit patterns, the neighbourhoods of all thresholds), over the whole range
//! with its subnormal numbers:
//!
//! | function | value | derivative |
//! |---|---|---|
//! | [`exp()`] | 1.1 | |
//! | [`tanh()`] | 1.4 | 2.4 |
//! | [`erf()`] | 1.4 | |
//! | [`erf_scaled`] | 1.6 | 1.1 |
//! | [`logistic()`] | 1.5 | 2.3 |
//! | [`softplus()`] | 1.8 | 1.5 |
//!
//! Derivatives keep this *relative* accuracy far into saturation, where differences such as 1 − tanh² of a
//! rounded tanh have no correct digit left. NaN gives NaN, infinities give the limits, and the odd functions
//! are odd to the bit, zero included.
//!
//! # Reproducibility
//! The bits of a result depend on its argument alone: not on its place in the slice, not on the instruction set
//! (all kernels are made of correctly rounded operations, fused multiply-add among them). On a processor
//! without fused multiply-add the results are the same but slow.
//!
//! # References
//! - W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980: argument reduction in two
//!   steps.
//! - W. J. Cody, Rational Chebyshev approximations for the error function, *Math. Comp.* 23 (1969),
//!   doi:10.1090/S0025-5718-1969-0247736-4.
//! - J.-M. Muller, *Elementary Functions: Algorithms and Implementation*, 3rd edition, 2016,
//!   doi:10.1007/978-1-4899-7983-4: minimax polynomials, error analysis.

mod dispatch;
mod erf;
mod exp;
mod half_angle;
mod logistic;
mod polynomial;
mod power_of_two;
mod softplus;
mod tanh;

pub use erf::{erf, erf_scaled, erf_scaled_with_derivative};
pub use exp::exp;
pub use logistic::{logistic, logistic_with_derivative};
pub use softplus::{softplus, softplus_with_derivative};
pub use tanh::{tanh, tanh_with_derivative};
