//! `φ(u) = erf(u/√2)`: every average in closed form.
//!
//! `φ' = √(2/π) e^{−u²/2}` is itself a Gaussian, so averaging over a Gaussian law completes a square: with
//! `Δ = det(I + Q) = (1 + Q_aa)(1 + Q_bb) − Q_ab²` and `(α, β) = (I + Q)⁻¹ E u`,
//! `E[φ'_a φ'_b] = (2/π) Δ^{−1/2} exp(−½ E uᵀ(I + Q)⁻¹E u)`. Further derivatives bring down factors; fewer integrate them:
//! once to an error function, twice to a bivariate normal probability.
//!
//! # References
//! * D. Saad, S. A. Solla, *On-line learning in soft committee machines*, Phys. Rev. E 52 (1995) 4225,
//!   doi:10.1103/PhysRevE.52.4225.
//! * M. Rattray, D. Saad, S. Amari, *Natural gradient descent for on-line learning*, Phys. Rev. Lett. 81 (1998) 5461,
//!   doi:10.1103/PhysRevLett.81.5461.

use super::bivariate_normal::dependence;
use super::normal::{density, erf_scaled};
use super::{PairLaw, PairMoments, UnitMoments};
use std::f64::consts::FRAC_2_PI;

pub(crate) fn unit(mean: f64, variance: f64) -> UnitMoments {
    let spread = 1.0 + variance;
    let scaled = mean / spread.sqrt();
    let slope = 2.0 * density(scaled) / spread.sqrt();
    UnitMoments {
        e0: erf_scaled(scaled),
        e1: slope,
        e2: -mean / spread * slope,
    }
}

pub(crate) fn pair(law: &PairLaw) -> PairMoments {
    let [one, other] = [
        unit(law.means[0], law.variances[0]),
        unit(law.means[1], law.variances[1]),
    ];
    let [mean_a, mean_b] = law.means;
    let [spread_a, spread_b] = law.variances.map(|q| 1.0 + q);
    let q = law.covariance;
    let delta = 1.0 + law.variances[0] + law.variances[1] + law.determinant;
    let alpha = (spread_b * mean_a - q * mean_b) / delta;
    let beta = (spread_a * mean_b - q * mean_a) / delta;
    let e11 = FRAC_2_PI / delta.sqrt() * (-0.5 * (mean_a * alpha + mean_b * beta)).exp();
    // given the Gaussian φ'_a, u_b has mean β Δ/(1 + Q_aa) and variance Δ/(1 + Q_aa) − 1
    let e10 = one.e1 * erf_scaled(beta * (delta / spread_a).sqrt());
    let e01 = other.e1 * erf_scaled(alpha * (delta / spread_b).sqrt());
    let product = spread_a * spread_b;
    let (h, k) = (mean_a / spread_a.sqrt(), mean_b / spread_b.sqrt());
    PairMoments {
        e00: one.e0 * other.e0 + 4.0 * dependence(h, k, q / product.sqrt(), delta / product),
        e01,
        e10,
        e11,
        e02: -(mean_b * e01 + q * e11) / spread_b,
        e20: -(mean_a * e10 + q * e11) / spread_a,
        e12: -beta * e11,
        e21: -alpha * e11,
        e22: (q / delta + alpha * beta) * e11,
        e13: (beta * beta - spread_a / delta) * e11,
        e31: (alpha * alpha - spread_b / delta) * e11,
    }
}
