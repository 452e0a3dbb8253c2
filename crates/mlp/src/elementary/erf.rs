//! The error function.

use super::dispatch::{DifferentiableKernel, Kernel, map, map_with_derivative};
use super::exp::{Exp, scaled_exp_of_sum};
use super::polynomial;
use super::power_of_two::at_most;

/// `outᵢ = erf(xᵢ) = 2/√π ∫₀ˣ exp(−t²) dt`, within 2 ulp.
///
/// The sign of zero is kept. For the activation erf(u/√2) see [`erf_scaled`].
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let mut out = [0.0; 2];
/// neuromanifold_mlp::elementary::erf(&[-0.0, f64::INFINITY], &mut out);
/// assert!(out[0] == 0.0 && out[0].is_sign_negative());
/// assert_eq!(out[1], 1.0);
/// ```
#[track_caller]
pub fn erf(x: &[f64], out: &mut [f64]) {
    map::<Erf>(x, out);
}

/// `outᵢ = φ(uᵢ) = erf(uᵢ/√2)`, within 2 ulp: the sigmoid whose slope is a Gaussian of unit variance.
///
/// # Panics
/// If the slices differ in length.
#[track_caller]
pub fn erf_scaled(u: &[f64], out: &mut [f64]) {
    map::<ErfScaled>(u, out);
}

/// `valueᵢ = φ(uᵢ) = erf(uᵢ/√2)` and `derivativeᵢ = φ'(uᵢ) = √(2/π) exp(−uᵢ²/2)`.
///
/// The values have the same bits as those of [`erf_scaled`]. The derivative is within 2 ulp over the whole range,
/// down to its underflow at |u| = 38.6.
///
/// # Panics
/// If the slices differ in length.
///
/// # Examples
/// ```
/// let (mut value, mut derivative) = ([1.0], [0.0]);
/// neuromanifold_mlp::elementary::erf_scaled_with_derivative(&[0.0], &mut value, &mut derivative);
/// assert_eq!(value, [0.0]);
/// assert_eq!(derivative, [(2.0 / std::f64::consts::PI).sqrt()]);
/// ```
#[track_caller]
pub fn erf_scaled_with_derivative(u: &[f64], value: &mut [f64], derivative: &mut [f64]) {
    map_with_derivative::<ErfScaled>(u, value, derivative);
}

pub(super) struct Erf;

impl Kernel for Erf {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        let magnitude = at_most(x.abs(), ERF.saturation);
        let gaussian = Exp::value(-(magnitude * magnitude));
        ERF.evaluate(x, magnitude, gaussian)
    }
}

pub(super) struct ErfScaled;

impl Kernel for ErfScaled {
    #[inline(always)]
    fn value(u: f64) -> f64 {
        Self::value_and_derivative(u).0
    }
}

impl DifferentiableKernel for ErfScaled {
    #[inline(always)]
    fn value_and_derivative(u: f64) -> (f64, f64) {
        let magnitude = at_most(u.abs(), DERIVATIVE_UNDERFLOW);
        let square = magnitude * magnitude;
        // At |u| = 38 half an ulp of u² is 400 ulp of the exponential: what the square lost is passed along.
        let lost = magnitude.mul_add(magnitude, -square);
        let derivative = scaled_exp_of_sum(SQRT_2_OVER_PI, -0.5 * square, -0.5 * lost);
        let value = ERF_SCALED.evaluate(u, at_most(magnitude, ERF_SCALED.saturation), derivative);
        (value, derivative)
    }
}

/// √(2/π) to 106 bits, as a sum of two numbers.
const SQRT_2_OVER_PI: [f64; 2] = [0.797_884_560_802_865_4, -4.984_654_404_555_46e-17];
/// exp(−u²/2) rounds to 0 from here on.
const DERIVATIVE_UNDERFLOW: f64 = 39.0;

/// An odd function f that is an integral of a Gaussian γ: two approximations that meet at `boundary`.
///
/// Near zero, f(x) = x + x·N(x²). Beyond, f(x) = 1 − γ(x) F(t) with t = 1/(1 + rate·x): the exponential carries
/// the decay, and F varies little. Both are computed and one is chosen.
struct Sigmoid {
    boundary: f64,
    near: [f64; 12],
    rate: f64,
    far: [f64; 12],
    /// f rounds to 1 from here on.
    saturation: f64,
}

impl Sigmoid {
    #[inline(always)]
    fn evaluate(&self, x: f64, magnitude: f64, gaussian: f64) -> f64 {
        let near = magnitude.mul_add(
            polynomial::evaluate(magnitude * magnitude, &self.near),
            magnitude,
        );
        let t = 1.0 / magnitude.mul_add(self.rate, 1.0);
        let far = gaussian.mul_add(-polynomial::evaluate(t, &self.far), 1.0);
        let value = if magnitude < self.boundary { near } else { far };
        value.copysign(x)
    }
}

/// erf, with γ = exp(−x²). Both polynomials are minimax for the error relative to erf, which is below 2⁻⁵⁶·²
/// near and 2⁻⁵⁶·⁶ beyond; found by the exchange algorithm of Remez in multiple precision.
const ERF: Sigmoid = Sigmoid {
    boundary: 1.0,
    near: [
        0.128_379_167_095_512_6,
        -0.376_126_389_031_838_65,
        0.112_837_916_709_553_26,
        -0.026_866_170_644_604_316,
        0.005_223_977_616_754_273,
        -0.000_854_832_638_186_786_5,
        0.000_120_553_057_801_616_29,
        -1.492_492_619_334_491_2e-5,
        1.644_956_207_511_475_3e-6,
        -1.622_358_718_315_814_8e-7,
        1.378_075_655_676_227_6e-8,
        -7.901_760_147_130_791e-10,
    ],
    rate: 0.375,
    far: [
        -3.387_154_108_500_276e-5,
        0.212_193_112_757_690_12,
        0.206_486_169_134_787_9,
        0.220_829_523_190_394_12,
        0.094_780_076_338_503_8,
        0.260_418_019_544_635_95,
        -0.054_923_742_377_347_214,
        0.019_112_812_084_446_106,
        0.240_189_047_767_408_65,
        -0.334_270_990_607_017_15,
        0.164_596_882_871_193_06,
        -0.029_377_250_982_844_515,
    ],
    saturation: 6.0,
};

/// erf(u/√2), with γ its derivative. The errors are below 2⁻⁵⁵·⁹ near and 2⁻⁵⁷·⁴ beyond.
const ERF_SCALED: Sigmoid = Sigmoid {
    boundary: 1.4375,
    near: [
        -0.202_115_439_197_134_65,
        -0.132_980_760_133_809_86,
        0.019_947_114_020_046_83,
        -0.002_374_656_430_734_485_6,
        0.000_230_869_374_171_082_76,
        -1.888_930_958_743_094_2e-5,
        1.331_933_563_302_068_9e-6,
        -8.244_739_869_483_15e-8,
        4.542_442_262_919_744_5e-9,
        -2.236_353_318_630_278_7e-10,
        9.427_694_310_944_196e-12,
        -2.648_336_168_860_771e-13,
    ],
    rate: 0.257_812_5,
    far: [
        -5.682_556_181_829_421e-6,
        0.257_849_021_395_295_1,
        0.258_271_613_478_347_26,
        0.233_209_673_268_450_6,
        0.254_728_183_962_356_7,
        -0.029_087_536_766_508_67,
        0.587_193_053_723_174_3,
        -0.805_010_598_417_819_6,
        1.039_096_429_338_720_8,
        -0.809_055_042_100_104_7,
        0.315_447_874_510_053_74,
        -0.049_323_030_593_990_534,
    ],
    saturation: 8.5,
};
