//! Small networks against values from elsewhere: these pin the layout of θ, the activations and the conventions.

use faer::mat;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::OutputMap;

/// `θ = (W₁ = [1 2; 3 4], b₁ = [10 20], W₂ = [5 6], b₂ = 7)` at `x = (1, −1)`, by hand: `h = (9, 19)`, `f = 166`.
#[test]
#[allow(clippy::float_cmp)] // small integers
fn layout_is_weights_row_by_row_then_bias() {
    let theta = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 5.0, 6.0, 7.0];
    let mlp = Mlp::new(&[2, 2, 1], Activation::Relu).unwrap();
    assert_eq!(mlp.weights(&theta, 0), mat![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(mlp.bias(&theta, 0), Some(&[10.0, 20.0][..]));
    assert_eq!(mlp.weights(&theta, 1), mat![[5.0, 6.0]]);
    assert_eq!(mlp.bias(&theta, 1), Some(&[7.0][..]));
    assert_eq!(mlp.layers()[0].incoming(1), 2..4);

    let batch = mlp.on_slice(&[1.0, -1.0]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let mut gradient = [0.0; 9];
    at.vjp(&[1.0], &mut gradient);
    assert_eq!(at.outputs(), [166.0]);
    let expected = [5.0, -5.0, 6.0, -6.0, 5.0, 6.0, 9.0, 19.0, 1.0];
    assert_eq!(gradient, expected);
}

/// The same without biases: `f(x) = Σ v_α φ(w_α·x)`; the first unit is off.
#[test]
#[allow(clippy::float_cmp)] // small integers
fn committee_has_no_biases() {
    let mlp = Mlp::committee(2, 2, Activation::Relu).unwrap();
    let theta = [1.0, 2.0, 3.0, -4.0, 5.0, 6.0];
    let batch = mlp.on_slice(&[1.0, -1.0]).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let mut gradient = [0.0; 6];
    at.vjp(&[1.0], &mut gradient);
    assert_eq!(at.outputs(), [42.0]);
    assert_eq!(gradient, [0.0, 0.0, 6.0, -6.0, 0.0, 7.0]);
}

/// 2-3-2 with erf units, in forty digits with mpmath:
///
/// ```python
/// theta = [mpf((7 * i) % 11 - 5) / 10 for i in range(17)]
/// W1, b1, W2, b2 = theta[0:6], theta[6:9], theta[9:15], theta[15:17]
/// a = [erf((W1[2*i]*x[0] + W1[2*i+1]*x[1] + b1[i]) / sqrt(2)) for i in range(3)]
/// f = [sum(W2[3*k+i]*a[i] for i in range(3)) + b2[k] for k in range(2)]
/// ```
///
/// at `x = (1/2, −1)` and `(2, 1/4)`; the gradient is that of `Σ u f` with `u = (1, −2)` and `(1/2, 3)`.
#[test]
fn erf_network_agrees_with_forty_digits() {
    let theta: Vec<f64> = (0..17).map(|i| f64::from(7 * i % 11 - 5) / 10.0).collect();
    let mlp = Mlp::new(&[2, 3, 2], Activation::Erf).unwrap();
    let inputs = mat![[0.5, 2.0], [-1.0, 0.25]];
    let batch = mlp.on(inputs.as_ref()).unwrap();
    let at = batch.linearize(&theta).unwrap();
    let mut gradient = [0.0; 17];
    at.vjp(&[1.0, -2.0, 0.5, 3.0], &mut gradient);
    assert_close(
        at.outputs(),
        &[
            0.153_124_898_785_334_27,
            -0.237_615_575_273_750_88,
            0.104_706_069_088_681_6,
            -0.448_541_253_792_498_3,
        ],
    );
    assert_close(
        &gradient,
        &[
            0.988_987_173_648_675_3,
            0.208_292_728_451_221_76,
            -0.898_793_798_927_292_5,
            -0.324_779_909_209_433_83,
            1.323_028_705_386_377_8,
            1.435_418_564_350_357_5,
            0.434_726_999_710_123,
            -0.299_445_828_162_336_4,
            -0.234_984_454_020_030_1,
            -0.248_717_924_888_398_55,
            -0.559_835_645_346_247_7,
            -0.148_219_492_523_139_74,
            -1.173_286_655_916_432,
            0.252_936_243_921_336_8,
            -0.570_296_061_724_879_1,
            1.5,
            1.0,
        ],
    );
}

/// Within a few roundings of numbers of order one.
fn assert_close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= 4.0 * f64::EPSILON,
            "entry {index}: {got} instead of {expected}"
        );
    }
}
