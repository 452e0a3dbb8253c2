//! Averages of products of `φ(u) = erf(u/√2)`, `φ'` and `u` over up to four Gaussian variables of zero mean and covariance `C`.
//!
//! References: D. Saad, S. A. Solla, Phys. Rev. E 52 (1995) 4225, appendix, doi:10.1103/PhysRevE.52.4225.

use faer::MatRef;
use std::f64::consts::{FRAC_2_PI, PI};

/// `E[φ(u_i) φ(u_j)]`.
pub(super) fn two(c: MatRef<'_, f64>, i: usize, j: usize) -> f64 {
    let spread = ((1.0 + c[(i, i)]) * (1.0 + c[(j, j)])).sqrt();
    FRAC_2_PI * (c[(i, j)] / spread).asin()
}

/// `E[φ'(u_i) φ'(u_j)]`.
pub(super) fn slopes(c: MatRef<'_, f64>, i: usize, j: usize) -> f64 {
    FRAC_2_PI / determinant(c, i, j).sqrt()
}

/// `E[φ'(u_i) u_n φ(u_j)]`.
pub(super) fn three(c: MatRef<'_, f64>, i: usize, n: usize, j: usize) -> f64 {
    let spread = 1.0 + c[(i, i)];
    let numerator = c[(n, j)] * spread - c[(i, n)] * c[(i, j)];
    FRAC_2_PI * numerator / (determinant(c, i, j).sqrt() * spread)
}

/// `E[φ'(u_a) φ'(u_b) φ(u_i) φ(u_j)]`.
pub(super) fn four(c: MatRef<'_, f64>, [a, b]: [usize; 2], [i, j]: [usize; 2]) -> f64 {
    let (spread_a, spread_b, q) = (1.0 + c[(a, a)], 1.0 + c[(b, b)], c[(a, b)]);
    let outer = determinant(c, a, b);
    // the covariance of u_i and u_j under the Gaussian weight φ'(u_a) φ'(u_b), times the determinant
    let tilted = |k: usize, l: usize| {
        outer * c[(k, l)] - c[(b, k)] * c[(b, l)] * spread_a - c[(a, k)] * c[(a, l)] * spread_b
            + q * (c[(a, k)] * c[(b, l)] + c[(a, l)] * c[(b, k)])
    };
    let spread = ((outer + tilted(i, i)) * (outer + tilted(j, j))).sqrt();
    let sine = (tilted(i, j) / spread).clamp(-1.0, 1.0);
    4.0 / (PI * PI) / outer.sqrt() * sine.asin()
}

/// `(1 + C_ii)(1 + C_jj) − C_ij²`.
pub(super) fn determinant(c: MatRef<'_, f64>, i: usize, j: usize) -> f64 {
    (1.0 + c[(i, i)]) * (1.0 + c[(j, j)]) - c[(i, j)] * c[(i, j)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::{Mat, mat};

    /// Against the formulas of Saad and Solla, written out term by term, with 30 digits.
    #[test]
    fn values() {
        let a = mat![
            [0.6, -0.3, 0.2, 0.5],
            [0.1, 0.7, -0.4, 0.2],
            [0.3, 0.2, 0.8, -0.1],
            [-0.2, 0.4, 0.1, 0.5]
        ];
        let c: Mat<f64> = &a * a.transpose();
        let c = c.as_ref();
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        };
        close(three(c, 0, 1, 2), -0.055_757_781_824_471_35);
        close(four(c, [0, 1], [2, 3]), 0.011_407_670_114_521_267);
        close(four(c, [0, 0], [1, 1]), 0.107_878_255_933_507_3);
    }
}
