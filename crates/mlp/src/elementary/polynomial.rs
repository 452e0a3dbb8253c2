//! Evaluation of polynomials with fused multiply-add.

/// Σᵢ cᵢ xⁱ, by Horner's rule for the even and for the odd powers.
///
/// Two chains of dependent operations, each half as long, cost one multiplication more than Horner's rule for
/// all powers and leave the processor half as long waiting.
#[inline(always)]
pub(super) fn evaluate<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    const { assert!(N >= 2) };
    let square = x * x;
    let mut left = N - 2;
    let mut low = coefficients[left];
    let mut high = coefficients[left + 1];
    while left >= 2 {
        left -= 2;
        low = low.mul_add(square, coefficients[left]);
        high = high.mul_add(square, coefficients[left + 1]);
    }
    let sum = high.mul_add(x, low);
    if left == 1 {
        sum.mul_add(x, coefficients[0])
    } else {
        sum
    }
}
