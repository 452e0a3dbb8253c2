//! The softplus function.

use super::dispatch::{DifferentiableKernel, Kernel, map, map_with_derivative};
use super::exp::Exp;
use super::logistic::Logistic;
use super::polynomial;
use super::power_of_two::at_least;

/// `outᵢ = ln(1 + exp(xᵢ))`, within 2 ulp.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let mut out = [0.0; 2];
/// neuromanifold_mlp::elementary::softplus(&[1000.0, f64::NEG_INFINITY], &mut out);
/// assert_eq!(out, [1000.0, 0.0]);
/// ```
#[track_caller]
pub fn softplus(x: &[f64], out: &mut [f64]) {
    map::<Softplus>(x, out);
}

/// `valueᵢ = ln(1 + exp(xᵢ))` and `derivativeᵢ`, the [logistic](super::logistic()) function of xᵢ.
///
/// Both have the same bits as those of the separate functions.
///
/// # Panics
/// If the slices differ in length.
#[track_caller]
pub fn softplus_with_derivative(x: &[f64], value: &mut [f64], derivative: &mut [f64]) {
    map_with_derivative::<Softplus>(x, value, derivative);
}

pub(super) struct Softplus;

impl Kernel for Softplus {
    /// ln(1 + exp x) = max(x, 0) + ln(1 + exp(−|x|)).
    #[inline(always)]
    fn value(x: f64) -> f64 {
        at_least(x, 0.0) + ln_1p_of_exponential(Exp::value(-x.abs()))
    }
}

impl DifferentiableKernel for Softplus {
    #[inline(always)]
    fn value_and_derivative(x: f64) -> (f64, f64) {
        (Self::value(x), Logistic::value(x))
    }
}

/// ln(1 + e) for 0 ≤ e ≤ 1.
///
/// With u = e/(2 + e) ≤ ⅓ it is 2 artanh u = 2u + u³ P(u²). As 2u = e − eu, the rounding of the quotient only
/// enters through what is subtracted from e.
#[inline(always)]
fn ln_1p_of_exponential(e: f64) -> f64 {
    let u = e / (2.0 + e);
    let u_squared = u * u;
    let correction = u_squared.mul_add(-polynomial::evaluate(u_squared, &P), e);
    u.mul_add(-correction, e)
}

/// Minimax on 0 ≤ u ≤ ⅓ for the error relative to artanh u, which is below 2⁻⁵⁸·³; found by the exchange
/// algorithm of Remez in multiple precision.
const P: [f64; 10] = [
    0.666_666_666_666_663_1,
    0.400_000_000_001_562_05,
    0.285_714_285_479_587_6,
    0.222_222_239_642_422_35,
    0.181_817_440_933_041_59,
    0.153_865_567_254_256_76,
    0.133_010_116_732_309_84,
    0.121_058_092_349_304_91,
    0.083_412_261_325_287_83,
    0.170_166_224_558_292_72,
];
