//! The logistic function.

use super::dispatch::{DifferentiableKernel, Kernel, map, map_with_derivative};
use super::half_angle::{CENTRE, HalfAngle, SCALE};
use super::power_of_two::{at_most, nearest_in_halves};

/// `outᵢ = σ(xᵢ) = 1/(1 + exp(−xᵢ))`, within 2 ulp.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let mut out = [0.0; 3];
/// neuromanifold_mlp::elementary::logistic(&[0.0, f64::INFINITY, -700.0], &mut out);
/// assert_eq!(out[..2], [0.5, 1.0]);
/// assert!((out[2] / (-700.0_f64).exp() - 1.0).abs() < 1e-15);
/// ```
#[track_caller]
pub fn logistic(x: &[f64], out: &mut [f64]) {
    map::<Logistic>(x, out);
}

/// `valueᵢ = σ(xᵢ)` and `derivativeᵢ = σ(xᵢ) σ(−xᵢ)`, where σ is the [logistic](logistic()) function.
///
/// The values have the same bits as those of [`logistic()`]. The derivative is within 3 ulp over the whole range,
/// down to its underflow at |x| = 745.
///
/// # Panics
/// If the slices differ in length.
#[track_caller]
pub fn logistic_with_derivative(x: &[f64], value: &mut [f64], derivative: &mut [f64]) {
    map_with_derivative::<Logistic>(x, value, derivative);
}

pub(super) struct Logistic;

impl Kernel for Logistic {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        Self::value_and_derivative(x).0
    }
}

impl DifferentiableKernel for Logistic {
    /// With r = 1/(1 + exp |x|) ≤ ½, σ(x) is r on the left and 1 − r on the right; its derivative is r (1 − r).
    #[inline(always)]
    fn value_and_derivative(x: f64) -> (f64, f64) {
        let half = at_most(0.5 * x.abs(), UNDERFLOW);
        let (minus_m, [p, q]) = nearest_in_halves(half - CENTRE, SCALE);
        let decay = HalfAngle::new(half, minus_m, p * q).decay();
        let complement = (-decay * p).mul_add(q, 1.0);
        let value = if x < 0.0 { decay * p * q } else { complement };
        (value, decay * complement * p * q)
    }
}

/// exp(−2x) rounds to 0 from here on.
const UNDERFLOW: f64 = 373.0;
