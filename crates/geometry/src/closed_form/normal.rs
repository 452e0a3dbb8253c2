//! The normal law of one variable.

use neuromanifold_mlp::elementary;
use std::f64::consts::PI;

/// `e^{−x²/2}/√(2π)`.
pub(crate) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// `erf(x/√2) = 2Φ(x) − 1`, with full relative accuracy.
pub(crate) fn erf_scaled(x: f64) -> f64 {
    let mut value = [0.0];
    elementary::erf_scaled(&[x], &mut value);
    value[0]
}

/// `Φ(x) = P(z ≤ x)`, to an absolute error of one rounding.
pub(crate) fn distribution(x: f64) -> f64 {
    0.5 + 0.5 * erf_scaled(x)
}
