//! What tanh and the logistic function share: exp(−2x) through the tangent of a reduced argument.
//!
//! Write x = h + ½ m ln 2 with an integer m ≥ 0 and a small h, and let T = tanh h, s = 2⁻ᵐ. Then
//! exp(−2x) = s (1 − T)/(1 + T), and with D = (1 + s) + T (1 − s)
//!
//! tanh x = ((1 − s) + T (1 + s))/D, 1/(1 + exp(2x)) = s (1 − T)/D.
//!
//! An odd polynomial for T has half as many terms as one for the exponential; and for small x, where m = 0 and
//! D = 2, the first quotient is T itself.

use super::polynomial;
use super::power_of_two::LN_2;
use std::f64::consts::LOG2_E;

/// −m is the integer nearest to `(x − CENTRE)·SCALE`.
pub(super) const SCALE: f64 = -2.0 * LOG2_E;

/// The middle of the interval −0.087 < h < 0.26 of the reduced argument. It is not zero: the error of an h that
/// is the difference of larger numbers matters most where tanh x is small, so m = 0 is kept as long as possible.
pub(super) const CENTRE: f64 = 0.125 * LN_2[0];

/// The numbers from which both functions are formed.
pub(super) struct HalfAngle {
    /// T.
    tangent: f64,
    /// 1 + s.
    sum: f64,
    /// 1 − s.
    difference: f64,
    /// An approximation of 1/D.
    reciprocal: f64,
    /// The relative change of exp(−2x) by the bits of m ln 2 that h goes without.
    tail: f64,
}

impl HalfAngle {
    /// From x ≥ 0, −m and s.
    #[inline(always)]
    pub(super) fn new(x: f64, minus_m: f64, s: f64) -> Self {
        // Exact: a product of 11 and 53 bits, most of which cancel.
        let h = minus_m.mul_add(0.5 * LN_2[0], x);
        let square = h * h;
        let tangent = (h * square).mul_add(polynomial::evaluate(square, &P), h);
        let sum = 1.0 + s;
        let difference = 1.0 - s;
        Self {
            tangent,
            sum,
            difference,
            reciprocal: 1.0 / tangent.mul_add(difference, sum),
            tail: -LN_2[1] * minus_m,
        }
    }

    /// tanh x.
    ///
    /// The tail is left out: it grows with m while the slope of tanh falls with 2⁻ᵐ, and never comes to more
    /// than a fifth of an ulp.
    #[inline(always)]
    pub(super) fn tanh(&self) -> f64 {
        let (quotient, correction) = self.divide(self.difference, self.sum);
        quotient + correction
    }

    /// 1/(s (1 + exp(2x))).
    #[inline(always)]
    pub(super) fn decay(&self) -> f64 {
        let (quotient, correction) = self.divide(1.0, -1.0);
        quotient + quotient.mul_add(self.tail, correction)
    }

    /// (a + bT)/D as a quotient and a correction.
    ///
    /// Numerator, denominator and quotient are rounded. The correction takes these three errors back: it is a step of
    /// refinement by the residual a + bT − qD, whose terms are gathered so that next to nothing is lost.
    #[inline(always)]
    fn divide(&self, a: f64, b: f64) -> (f64, f64) {
        let quotient = self.tangent.mul_add(b, a) * self.reciprocal;
        let constant = quotient.mul_add(-self.sum, a);
        let linear = quotient.mul_add(-self.difference, b);
        let residual = self.tangent.mul_add(linear, constant);
        (quotient, residual * self.reciprocal)
    }
}

/// tanh h = h + h³ P(h²), minimax on |h| ≤ ⅜ ln 2 for the relative error, which is below 2⁻⁵⁶·⁸; found by the
/// exchange algorithm of Remez in multiple precision.
const P: [f64; 7] = [
    -0.333_333_333_333_324_3,
    0.133_333_333_329_914_65,
    -0.053_968_253_529_527_69,
    0.021_869_461_819_409_068,
    -0.008_862_363_734_558_983,
    0.003_576_429_094_998_664_6,
    -0.001_307_751_647_121_690_4,
];
