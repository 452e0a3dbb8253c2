//! Rounding to an integer k and building 2ᵏ, both without a branch or a conversion.
//!
//! Near 1.5·2⁵² the spacing of `f64` is one, so adding that constant rounds a small number to the nearest
//! integer and leaves the integer in the low bits of the sum. A bias added along with it makes those bits the
//! exponent field of the wanted power, ready to be shifted into place; the shift drops everything above.

const ROUND: f64 = 6_755_399_441_055_744.0;
const EXPONENT_BIAS: f64 = 1023.0;
const MANTISSA_BITS: u32 = 52;

/// ln 2 to 106 bits, as a sum of two numbers.
pub(super) const LN_2: [f64; 2] = [std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17];

/// The integer k nearest to `x·scale`, where 2ᵏ is a normal number: (k, 2ᵏ).
#[inline(always)]
pub(super) fn nearest(x: f64, scale: f64) -> (f64, f64) {
    const OFFSET: f64 = ROUND + EXPONENT_BIAS;
    let shifted = x.mul_add(scale, OFFSET);
    let power = f64::from_bits(shifted.to_bits() << MANTISSA_BITS);
    (shifted - OFFSET, power)
}

/// The integer k nearest to `x·scale`, |k| ≤ 2000, and two normal numbers whose product is 2ᵏ.
///
/// A factor 2ᵏ beyond the normal range, as in a subnormal result, has to be applied as `(y·p)·q`: the first
/// product is exact, so that the result is rounded once.
#[inline(always)]
pub(super) fn nearest_in_halves(x: f64, scale: f64) -> (f64, [f64; 2]) {
    const OFFSET: f64 = ROUND + 2.0 * EXPONENT_BIAS;
    const LOW_BITS: u64 = 0xfff;
    let shifted = x.mul_add(scale, OFFSET);
    let sum = shifted.to_bits() & LOW_BITS;
    let half = sum >> 1;
    let p = f64::from_bits(half << MANTISSA_BITS);
    let q = f64::from_bits((sum - half) << MANTISSA_BITS);
    (shifted - OFFSET, [p, q])
}

/// The smaller of `x` and `bound`; NaN stays NaN, unlike with [`f64::min`].
#[inline(always)]
pub(super) fn at_most(x: f64, bound: f64) -> f64 {
    if bound < x { bound } else { x }
}

/// The larger of `x` and `bound`; NaN stays NaN, unlike with [`f64::max`].
#[inline(always)]
pub(super) fn at_least(x: f64, bound: f64) -> f64 {
    if bound > x { bound } else { x }
}
