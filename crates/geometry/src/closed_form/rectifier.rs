//! `φ(u) = max(u, 0)`: the arc-cosine kernels, for means that need not be zero.
//!
//! `φ'` is a step and `φ''` Dirac's δ, so an average with `φ''` is a density at the kink, one with `φ'''` its slope, and all
//! follow from one bivariate normal probability by Stein's lemma. For zero means `E[φ'φ'] = (π − ϑ)/(2π)` and
//! `E[φφ] = |w_a||w_b|(sin ϑ + (π − ϑ) cos ϑ)/(2π)`, where ϑ is the angle between the weights.
//!
//! `e22`, `e31` and `e13` grow without bound as two units become parallel, though what they combine to in the metric
//! vanishes. Within an angle of 1e-8 the units are taken for parallel; at a larger angle ϑ the metric has an error of about
//! 1e-16/ϑ.
//!
//! # References
//! Y. Cho, L. K. Saul, *Kernel methods for deep learning*, NIPS 22 (2009).

use super::bivariate_normal::bivariate_normal;
use super::normal::{density, distribution};
use super::{PairLaw, PairMoments, UnitMoments};

/// The sine of the angle below which two units are parallel.
const PARALLEL: f64 = 1e-8;

pub(crate) fn unit(mean: f64, variance: f64) -> UnitMoments {
    let deviation = variance.sqrt();
    if deviation <= 0.0 {
        return UnitMoments {
            e0: mean.max(0.0),
            e1: step(mean),
            e2: 0.0,
        };
    }
    let scaled = mean / deviation;
    UnitMoments {
        e0: mean * distribution(scaled) + deviation * density(scaled),
        e1: distribution(scaled),
        e2: density(scaled) / deviation,
    }
}

pub(crate) fn pair(law: &PairLaw) -> PairMoments {
    let [a, b] = [0, 1].map(|i| unit(law.means[i], law.variances[i]));
    let [q_a, q_b] = law.variances;
    if q_a <= 0.0 || q_b <= 0.0 {
        // a unit that never changes is independent of every other
        let third = |own: UnitMoments, i: usize| {
            if law.variances[i] > 0.0 {
                -law.means[i] / law.variances[i] * own.e2
            } else {
                0.0
            }
        };
        return PairMoments {
            e00: a.e0 * b.e0,
            e01: a.e0 * b.e1,
            e10: a.e1 * b.e0,
            e11: a.e1 * b.e1,
            e02: a.e0 * b.e2,
            e20: a.e2 * b.e0,
            e12: a.e1 * b.e2,
            e21: a.e2 * b.e1,
            e13: a.e1 * third(b, 1),
            e31: third(a, 0) * b.e1,
            ..PairMoments::default()
        };
    }
    let [mean_a, mean_b] = law.means;
    let (q, [sd_a, sd_b]) = (law.covariance, law.variances.map(f64::sqrt));
    let (h, k, rho) = (
        mean_a / sd_a,
        mean_b / sd_b,
        (q / (sd_a * sd_b)).clamp(-1.0, 1.0),
    );
    let sine = (law.determinant / (q_a * q_b)).sqrt();
    let b_at_kink = AtKink::new(mean_b - q / q_a * mean_a, sd_b, sine);
    let a_at_kink = AtKink::new(mean_a - q / q_b * mean_b, sd_a, sine);
    let e11 = bivariate_normal(h, k, rho);
    let (e21, e12) = (a.e2 * b_at_kink.positive, b.e2 * a_at_kink.positive);
    let (e20, e02) = (a.e2 * b_at_kink.part, b.e2 * a_at_kink.part);
    let e22 = a.e2 * b_at_kink.density;
    let e10 = mean_b * e11 + q * e21 + q_b * e12;
    let e01 = mean_a * e11 + q * e12 + q_a * e21;
    PairMoments {
        e00: mean_a * e10 + q_a * e20 + q * e11,
        e01,
        e10,
        e11,
        e02,
        e20,
        e12,
        e21,
        e22,
        e13: -mean_b / q_b * e12 - q / q_b * e22,
        e31: -mean_a / q_a * e21 - q / q_a * e22,
    }
}

/// A pre-activation given that the other one is at its kink.
struct AtKink {
    /// `P(u > 0)`.
    positive: f64,
    /// `E[max(u, 0)]`.
    part: f64,
    /// Its density at 0; 0 for parallel units, where the terms it multiplies cancel.
    density: f64,
}

impl AtKink {
    fn new(mean: f64, deviation: f64, sine: f64) -> Self {
        let left = deviation * sine;
        if sine < PARALLEL {
            let on_kink = mean.abs() <= 4.0 * f64::EPSILON * deviation + left;
            return Self {
                positive: if on_kink { 0.5 } else { step(mean) },
                part: mean.max(0.0),
                density: 0.0,
            };
        }
        let scaled = mean / left;
        Self {
            positive: distribution(scaled),
            part: mean * distribution(scaled) + left * density(scaled),
            density: density(scaled) / left,
        }
    }
}

fn step(u: f64) -> f64 {
    if u > 0.0 { 1.0 } else { 0.0 }
}
