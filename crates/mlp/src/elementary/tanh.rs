//! The hyperbolic tangent.

use super::dispatch::{DifferentiableKernel, Kernel, map, map_with_derivative};
use super::half_angle::{CENTRE, HalfAngle, SCALE};
use super::power_of_two::{at_most, nearest, nearest_in_halves};

/// `outᵢ = tanh(xᵢ)`, within 2 ulp.
///
/// Where |xᵢ| is so small that tanh x rounds to x, it is x; the sign of zero is kept.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let mut out = [0.0; 2];
/// neuromanifold_mlp::elementary::tanh(&[1e-300, f64::NEG_INFINITY], &mut out);
/// assert_eq!(out, [1e-300, -1.0]);
/// ```
#[track_caller]
pub fn tanh(x: &[f64], out: &mut [f64]) {
    map::<Tanh>(x, out);
}

/// `valueᵢ = tanh(xᵢ)` and `derivativeᵢ = 1 − tanh²(xᵢ)`.
///
/// The values have the same bits as those of [`tanh()`]. The derivative is within 3 ulp over the whole range,
/// down to its underflow at |x| = 373; the difference of 1 and a square would be zero from |x| = 19.1 on.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let (mut value, mut derivative) = ([0.0], [0.0]);
/// neuromanifold_mlp::elementary::tanh_with_derivative(&[20.0], &mut value, &mut derivative);
/// assert_eq!(value, [1.0]);
/// assert!((derivative[0] / (4.0 * (-40.0_f64).exp()) - 1.0).abs() < 1e-15);
/// ```
#[track_caller]
pub fn tanh_with_derivative(x: &[f64], value: &mut [f64], derivative: &mut [f64]) {
    map_with_derivative::<Tanh>(x, value, derivative);
}

pub(super) struct Tanh;

impl Kernel for Tanh {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        let magnitude = at_most(x.abs(), SATURATION);
        let (minus_m, s) = nearest(magnitude - CENTRE, SCALE);
        HalfAngle::new(magnitude, minus_m, s).tanh().copysign(x)
    }
}

impl DifferentiableKernel for Tanh {
    /// 1 − tanh² x = 4r (1 − r) with r = 1/(1 + exp(2|x|)) ≤ ½, where nothing cancels.
    #[inline(always)]
    fn value_and_derivative(x: f64) -> (f64, f64) {
        let magnitude = at_most(x.abs(), DERIVATIVE_UNDERFLOW);
        let (minus_m, [p, q]) = nearest_in_halves(magnitude - CENTRE, SCALE);
        let half_angle = HalfAngle::new(magnitude, minus_m, p * q);
        let decay = half_angle.decay();
        let complement = (-decay * p).mul_add(q, 1.0);
        let value = half_angle.tanh().copysign(x);
        (value, 4.0 * decay * complement * p * q)
    }
}

/// tanh x rounds to 1 from here on.
const SATURATION: f64 = 20.0;
/// 1 − tanh² x rounds to 0 from here on.
const DERIVATIVE_UNDERFLOW: f64 = 374.0;
