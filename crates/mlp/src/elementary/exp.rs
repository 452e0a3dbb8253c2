//! The exponential function.

use super::dispatch::{Kernel, map};
use super::polynomial;
use super::power_of_two::{LN_2, at_least, at_most, nearest_in_halves};
use std::f64::consts::LOG2_E;

/// `outᵢ = exp(xᵢ)`, within 2 ulp.
///
/// Subnormal results are rounded once; above 709.78… the result is infinite, below −745.13… zero.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let mut out = [0.0; 3];
/// neuromanifold_mlp::elementary::exp(&[0.0, f64::NEG_INFINITY, 1000.0], &mut out);
/// assert_eq!(out, [1.0, 0.0, f64::INFINITY]);
/// ```
#[track_caller]
pub fn exp(x: &[f64], out: &mut [f64]) {
    map::<Exp>(x, out);
}

pub(super) struct Exp;

impl Kernel for Exp {
    /// exp x = 2ᵏ exp r with k the integer nearest to x/ln 2 and r = x − k ln 2, so |r| ≤ ½ ln 2.
    #[inline(always)]
    fn value(x: f64) -> f64 {
        let x = at_least(at_most(x, OVERFLOW), UNDERFLOW);
        let (k, [p, q]) = nearest_in_halves(x, LOG2_E);
        // The first difference is exact: a product of 11 and 53 bits, most of which cancel.
        let r = k.mul_add(-LN_2[1], k.mul_add(-LN_2[0], x));
        (1.0 + expm1_reduced(r)) * p * q
    }
}

/// `scale·exp(x + tail)` for x ≤ 0 and a tail of at most an ulp of x; `scale` is a sum of two numbers near 1.
#[inline(always)]
pub(super) fn scaled_exp_of_sum(scale: [f64; 2], x: f64, tail: f64) -> f64 {
    let x = at_least(x, UNDERFLOW);
    let (k, [p, q]) = nearest_in_halves(x, LOG2_E);
    let r = k.mul_add(-LN_2[0], x) + k.mul_add(-LN_2[1], tail);
    (scale[0] + expm1_reduced(r).mul_add(scale[0], scale[1])) * p * q
}

/// Beyond these the result is ∞ or 0 whatever the argument.
const OVERFLOW: f64 = 710.0;
const UNDERFLOW: f64 = -746.0;

/// exp r − 1 = r + r² Q(r).
#[inline(always)]
fn expm1_reduced(r: f64) -> f64 {
    (r * r).mul_add(polynomial::evaluate(r, &Q), r)
}

/// Minimax on |r| ≤ ½ ln 2 for the error relative to exp r, which is below 2⁻⁵⁷·⁸; found by the exchange
/// algorithm of Remez in multiple precision.
const Q: [f64; 10] = [
    0.500_000_000_000_001_1,
    0.166_666_666_666_664_4,
    0.041_666_666_666_525_8,
    0.008_333_333_333_472_111,
    0.001_388_888_894_486_686_1,
    0.000_198_412_695_640_444_8,
    2.480_149_173_153_359_6e-5,
    2.755_752_700_437_069_3e-6,
    2.763_076_398_494_079_5e-7,
    2.502_136_533_474_559_4e-8,
];
