//! Diagonal and Kronecker metrics as preconditioners.

use neuromanifold_geometry::{DiagonalFisher, Inverse, KroneckerFisher, Metric, Preconditioner};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

/// What a preconditioner does is what the metric's own damped inverse does.
#[test]
fn damped_inverses_are_those_of_raise() {
    let net = Mlp::new(&[1, 2, 1], Activation::Tanh).unwrap();
    let theta = [0.5, -1.0, 0.1, 0.2, 0.7, 0.3, 0.0];
    let batch = net
        .on_slice(&[-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5])
        .unwrap();
    let at = batch.linearize(&theta).unwrap();
    let diagonal = DiagonalFisher::new(at.as_ref(), &Gaussian::UNIT).unwrap();
    let kronecker = KroneckerFisher::ekfac(at.as_ref(), &Gaussian::UNIT).unwrap();
    let g = [1.0, -0.5, 0.3, 2.0, 0.1, -1.0, 0.7];
    let cases: [(&dyn Metric, &dyn Preconditioner); 2] = [
        (&diagonal, &diagonal.damped(1e-2).unwrap()),
        (&kronecker, &kronecker.damped(1e-2).unwrap()),
    ];
    for (metric, inverse) in cases {
        let (mut expected, mut found) = ([0.0; 7], [0.0; 7]);
        metric
            .raise(&g, Inverse::damped(1e-2), &mut expected)
            .unwrap();
        inverse.precondition(&g, &mut found);
        for (a, b) in expected.iter().zip(found) {
            assert!((a - b).abs() <= 1e-14 * a.abs(), "{a} {b}");
        }
    }
    assert!(diagonal.damped(0.0).is_err() && kronecker.damped(f64::NAN).is_err());
}
