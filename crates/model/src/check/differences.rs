//! Derivatives from differences.

/// Nodes and weights of the sixth-order central difference: truncation and rounding balance near `h = 1e-2`.
pub(super) const STENCIL: [(f64, f64); 6] = [
    (-3.0, -1.0 / 60.0),
    (-2.0, 9.0 / 60.0),
    (-1.0, -45.0 / 60.0),
    (1.0, 45.0 / 60.0),
    (2.0, -9.0 / 60.0),
    (3.0, 1.0 / 60.0),
];
pub(super) const STEP: f64 = 2e-3;

pub(super) fn central_difference(f: impl Fn(f64) -> f64) -> f64 {
    STENCIL
        .iter()
        .map(|(node, weight)| weight / STEP * f(node * STEP))
        .sum()
}

pub(super) fn shifted(point: &[f64], direction: &[f64], step: f64) -> Vec<f64> {
    point
        .iter()
        .zip(direction)
        .map(|(p, d)| p + step * d)
        .collect()
}
