//! Vectorised elementary functions against `libm` and against double-double arithmetic, over their whole range.

mod arguments;
mod double_double;
mod exact;

use arguments::{half_angle, reduction, sweep};
use double_double::Scaled;
use neuromanifold_mlp::elementary::{
    erf, erf_scaled, erf_scaled_with_derivative, exp, logistic, logistic_with_derivative, softplus,
    softplus_with_derivative, tanh, tanh_with_derivative,
};
use proptest::prelude::*;
use std::f64::consts::LN_2;

type Value = fn(&[f64], &mut [f64]);
type ValueWithDerivative = fn(&[f64], &mut [f64], &mut [f64]);

const PAIRS: [(Value, ValueWithDerivative); 4] = [
    (tanh, tanh_with_derivative),
    (erf_scaled, erf_scaled_with_derivative),
    (logistic, logistic_with_derivative),
    (softplus, softplus_with_derivative),
];
const ALL: [Value; 6] = [exp, tanh, erf, erf_scaled, logistic, softplus];

fn values(function: Value, x: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.len()];
    function(x, &mut out);
    out
}

fn derivatives(function: ValueWithDerivative, x: &[f64]) -> Vec<f64> {
    let (mut value, mut derivative) = (vec![f64::NAN; x.len()], vec![f64::NAN; x.len()]);
    function(x, &mut value, &mut derivative);
    derivative
}

/// How many floating-point numbers lie between two, plus one; zero for two NaN.
fn steps(a: f64, b: f64) -> u64 {
    let place = |x: f64| {
        let magnitude = (x.to_bits() & !(1 << 63)) as i64;
        if x.is_sign_negative() {
            -magnitude
        } else {
            magnitude
        }
    };
    if a.is_nan() && b.is_nan() {
        0
    } else {
        place(a).abs_diff(place(b))
    }
}

#[track_caller]
fn assert_close_to_libm(function: Value, libm: fn(f64) -> f64, x: &[f64], bound: u64) {
    let computed = values(function, x);
    for (x, y) in x.iter().zip(computed) {
        let distance = steps(y, libm(*x));
        assert!(
            distance <= bound,
            "{distance} steps from libm at {x:e}: {y:e}"
        );
    }
}

/// Checks the arguments on which the exact result is computed; elsewhere the functions are saturated.
#[track_caller]
fn assert_ulps(computed: &[f64], exact: fn(f64) -> Scaled, x: &[f64], reach: f64, bound: f64) {
    for (x, y) in x.iter().zip(computed).filter(|(x, _)| x.abs() <= reach) {
        let error = exact(*x).ulps_from(*y);
        assert!(error <= bound, "error of {error} ulp at {x:e}: {y:e}");
    }
}

#[test]
fn exp_on_its_whole_range() {
    let limits = [
        709.782_712_893_384,
        708.396_418_532_264_1,
        745.133_219_101_941_1,
        710.0,
        746.0,
    ];
    let x = sweep(
        750.0,
        limits.into_iter().chain(reduction(0.5 * LN_2, LN_2, 750.0)),
    );
    assert_close_to_libm(exp, libm::exp, &x, 1);
    let finite: Vec<f64> = x.into_iter().filter(|x| *x < limits[0]).collect();
    assert_ulps(&values(exp, &finite), exact::exp, &finite, 800.0, 1.1);
}

#[test]
fn tanh_on_its_whole_range() {
    let x = sweep(
        21.0,
        [18.282, 19.061_547, 20.0]
            .into_iter()
            .chain(half_angle(21.0)),
    );
    assert_close_to_libm(tanh, libm::tanh, &x, 2);
    assert_ulps(&values(tanh, &x), exact::tanh, &x, 400.0, 1.5);

    let x = sweep(
        375.0,
        [20.0, 354.891, 372.5, 374.0]
            .into_iter()
            .chain(half_angle(375.0)),
    );
    let derivative = derivatives(tanh_with_derivative, &x);
    assert_ulps(&derivative, exact::tanh_derivative, &x, 400.0, 2.5);
}

#[test]
fn erf_on_its_whole_range() {
    let squares = reduction(0.5 * LN_2, LN_2, 36.0);
    let x = sweep(
        6.5,
        [1.0, 5.863_584_748_755, 6.0]
            .into_iter()
            .chain(squares.map(f64::sqrt)),
    );
    assert_close_to_libm(erf, libm::erf, &x, 2);
}

#[test]
fn erf_scaled_on_its_whole_range() {
    let squares = reduction(LN_2, 2.0 * LN_2, 1500.0);
    let limits = [1.4375, 8.292_361, 8.5, 37.640_308, 38.604_068, 39.0];
    let x = sweep(40.0, limits.into_iter().chain(squares.map(f64::sqrt)));
    // One ulp of these is the oracle's, which is libm.
    assert_ulps(&values(erf_scaled, &x), exact::erf_scaled, &x, 40.0, 2.5);
    let derivative = derivatives(erf_scaled_with_derivative, &x);
    assert_ulps(&derivative, exact::erf_scaled_derivative, &x, 40.0, 1.2);
}

#[test]
fn logistic_on_its_whole_range() {
    let limits = [
        36.736_8,
        708.396_418_532_264_1,
        745.133_219_101_941_1,
        746.0,
    ];
    let x = sweep(
        750.0,
        limits
            .into_iter()
            .chain(half_angle(375.0).map(|half| 2.0 * half)),
    );
    assert_ulps(&values(logistic, &x), exact::logistic, &x, 800.0, 1.5);
    let derivative = derivatives(logistic_with_derivative, &x);
    assert_ulps(&derivative, exact::logistic_derivative, &x, 800.0, 2.5);
}

#[test]
fn softplus_on_its_whole_range() {
    let limits = [
        36.736_8,
        708.396_418_532_264_1,
        745.133_219_101_941_1,
        746.0,
    ];
    let x = sweep(
        750.0,
        limits.into_iter().chain(reduction(0.5 * LN_2, LN_2, 750.0)),
    );
    assert_ulps(&values(softplus, &x), exact::softplus, &x, 800.0, 1.8);
    let derivative = derivatives(softplus_with_derivative, &x);
    assert_eq!(bits(&derivative), bits(&values(logistic, &x)));
}

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn limits_and_zeros() {
    const INFINITY: f64 = f64::INFINITY;
    let x = [-INFINITY, -f64::MAX, -0.0, 0.0, f64::MAX, INFINITY];
    let expected: [(Value, [f64; 6]); 6] = [
        (exp, [0.0, 0.0, 1.0, 1.0, INFINITY, INFINITY]),
        (tanh, [-1.0, -1.0, -0.0, 0.0, 1.0, 1.0]),
        (erf, [-1.0, -1.0, -0.0, 0.0, 1.0, 1.0]),
        (erf_scaled, [-1.0, -1.0, -0.0, 0.0, 1.0, 1.0]),
        (logistic, [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]),
        (softplus, [0.0, 0.0, LN_2, LN_2, f64::MAX, INFINITY]),
    ];
    for (function, expected) in expected {
        assert_eq!(bits(&values(function, &x)), bits(&expected), "{expected:?}");
    }
    let slopes: [(ValueWithDerivative, [f64; 6]); 3] = [
        (tanh_with_derivative, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]),
        (
            erf_scaled_with_derivative,
            [
                0.0,
                0.0,
                0.797_884_560_802_865_4,
                0.797_884_560_802_865_4,
                0.0,
                0.0,
            ],
        ),
        (logistic_with_derivative, [0.0, 0.0, 0.25, 0.25, 0.0, 0.0]),
    ];
    for (function, expected) in slopes {
        assert_eq!(
            bits(&derivatives(function, &x)),
            bits(&expected),
            "{expected:?}"
        );
    }
}

#[test]
fn nan_stays_nan() {
    // Quiet and signalling, both signs, every bit of the payload set.
    let patterns = [
        0x7ff8 << 48,
        0xfff8 << 48,
        u64::MAX,
        u64::MAX >> 1,
        (0x7ff << 52) | 1,
    ];
    let x = patterns.map(f64::from_bits);
    for function in ALL {
        assert!(values(function, &x).iter().all(|y| y.is_nan()));
    }
    for (_, function) in PAIRS {
        assert!(derivatives(function, &x).iter().all(|y| y.is_nan()));
    }
}

proptest! {
    #[test]
    fn place_in_the_slice_does_not_matter(x in prop::collection::vec(any::<f64>(), 0..40), cut in 0..40_usize) {
        let cut = cut.min(x.len());
        for function in ALL {
            let whole = values(function, &x);
            let (left, right) = (values(function, &x[..cut]), values(function, &x[cut..]));
            prop_assert_eq!(bits(&whole), bits(&[left, right].concat()));
        }
    }

    #[test]
    fn values_do_not_depend_on_the_derivative(x in prop::collection::vec(-40.0..40.0, 1..20)) {
        for (function, with_derivative) in PAIRS {
            let (mut value, mut derivative) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            with_derivative(&x, &mut value, &mut derivative);
            prop_assert_eq!(bits(&value), bits(&values(function, &x)));
        }
    }

    #[test]
    fn symmetries_hold_to_the_bit(x in any::<f64>()) {
        for function in [tanh, erf, erf_scaled] {
            let y = values(function, &[x, -x]);
            prop_assert_eq!(y[0].to_bits(), (-y[1]).to_bits());
        }
        for function in [tanh_with_derivative, erf_scaled_with_derivative, logistic_with_derivative] {
            let slope = derivatives(function, &[x, -x]);
            prop_assert_eq!(slope[0].to_bits(), slope[1].to_bits());
        }
    }
}

#[test]
#[should_panic(expected = "slices differ in length: 3 arguments, 2 elements of out")]
fn lengths_must_agree() {
    tanh(&[0.0; 3], &mut [0.0; 2]);
}

#[test]
#[should_panic(expected = "slices differ in length: 1 arguments, 2 elements of derivative")]
fn lengths_of_derivatives_must_agree() {
    tanh_with_derivative(&[0.0], &mut [0.0], &mut [0.0; 2]);
}
