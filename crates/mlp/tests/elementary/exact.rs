//! The functions under test and their derivatives in double-double arithmetic.

use crate::double_double::{DoubleDouble, Scaled};

const ONE: DoubleDouble = DoubleDouble::ONE;

pub(crate) fn exp(x: f64) -> Scaled {
    DoubleDouble::from(x).exp()
}

/// (1 − e)/(1 + e) with e = exp(−2|x|), or a series where that cancels.
pub(crate) fn tanh(x: f64) -> Scaled {
    let argument = DoubleDouble::from(x);
    Scaled::unscaled(if x.abs() < 1e-6 {
        let square = argument * argument;
        let third = square / DoubleDouble::from(3.0);
        argument * (ONE - third + square * third / DoubleDouble::from(2.5))
    } else {
        let e = exp(-2.0 * x.abs()).collapse();
        let magnitude = (ONE - e) / (ONE + e);
        if x < 0.0 { -magnitude } else { magnitude }
    })
}

pub(crate) fn tanh_derivative(x: f64) -> Scaled {
    let quarter = logistic_derivative(2.0 * x);
    Scaled {
        exponent: quarter.exponent + 2,
        ..quarter
    }
}

/// 1/(1 + e) or e/(1 + e) with e = exp(−|x|).
pub(crate) fn logistic(x: f64) -> Scaled {
    let e = exp(-x.abs());
    let denominator = ONE + e.collapse();
    if x < 0.0 {
        Scaled {
            mantissa: e.mantissa / denominator,
            ..e
        }
    } else {
        Scaled::unscaled(ONE / denominator)
    }
}

pub(crate) fn logistic_derivative(x: f64) -> Scaled {
    let e = exp(-x.abs());
    let denominator = ONE + e.collapse();
    Scaled {
        mantissa: e.mantissa / (denominator * denominator),
        ..e
    }
}

/// max(x, 0) + ln(1 + e) with e = exp(−|x|).
pub(crate) fn softplus(x: f64) -> Scaled {
    let e = exp(-x.abs());
    let logarithm = if e.exponent < -30 {
        let e1 = e.collapse();
        let factor = ONE - e1 / DoubleDouble::from(2.0) + e1 * e1 / DoubleDouble::from(3.0);
        Scaled {
            mantissa: e.mantissa * factor,
            ..e
        }
    } else {
        // A step of Newton's method for the exponential.
        let e1 = e.collapse();
        let guess = libm::log1p(e1.hi);
        let step = (ONE + e1) * exp(-guess).collapse() - ONE;
        Scaled::unscaled(DoubleDouble::from(guess) + step)
    };
    if x < 0.0 {
        logarithm
    } else {
        Scaled::unscaled(DoubleDouble::from(x) + logarithm.collapse())
    }
}

/// √(2/π) exp(−u²/2).
pub(crate) fn erf_scaled_derivative(u: f64) -> Scaled {
    const SQRT_2_OVER_PI: DoubleDouble =
        DoubleDouble::new(0.797_884_560_802_865_4, -4.984_654_404_555_46e-17);
    let gaussian = DoubleDouble::product(u, -0.5 * u).exp();
    Scaled {
        mantissa: gaussian.mantissa * SQRT_2_OVER_PI,
        ..gaussian
    }
}

/// erf(u/√2), the argument to double-double precision, the function to that of `libm` (one ulp).
pub(crate) fn erf_scaled(u: f64) -> Scaled {
    const SQRT_HALF: DoubleDouble =
        DoubleDouble::new(std::f64::consts::FRAC_1_SQRT_2, -4.833_646_656_726_457e-17);
    let argument = DoubleDouble::from(u) * SQRT_HALF;
    let slope = std::f64::consts::FRAC_2_SQRT_PI * libm::exp(-argument.hi * argument.hi);
    Scaled::unscaled(DoubleDouble::new(
        libm::erf(argument.hi),
        slope * argument.lo,
    ))
}

#[test]
fn known_digits() {
    // The exact values to 200 bits, cut into two numbers.
    let cases = [
        (exp(1.0), std::f64::consts::E, 1.445_646_891_729_250_2e-16),
        (
            tanh(1.0),
            0.761_594_155_955_764_9,
            3.709_021_448_216_492_4e-17,
        ),
        (
            tanh(1e-7),
            9.999_999_999_999_966e-8,
            -2.461_088_312_120_884_7e-24,
        ),
        (
            logistic(2.0),
            0.880_797_077_977_882_4,
            1.854_510_724_108_246_2e-17,
        ),
        (
            logistic_derivative(-3.0),
            0.045_176_659_730_912_13,
            2.263_322_055_850_906_6e-18,
        ),
        (
            softplus(0.0),
            std::f64::consts::LN_2,
            2.319_046_813_846_299_6e-17,
        ),
        (
            softplus(-25.0),
            1.388_794_386_486_758_3e-11,
            -1.668_961_899_137_117_1e-28,
        ),
    ];
    for (computed, hi, lo) in cases {
        let error = computed.collapse() - DoubleDouble::new(hi, lo);
        assert!(
            error.hi.abs() < 1e-27 * hi,
            "{computed:?} against {hi} + {lo}"
        );
    }
}
