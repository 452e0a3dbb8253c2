use crate::case::smooth_case;
use crate::definition::{WithoutLayers, at, same_as_its_matrix};
use neuromanifold_geometry::{DenseFisher, DiagonalFisher, Inverse, Metric, MetricError};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_diagonal_is_that_of_the_metric(case in smooth_case(), exponent in -4.0..1.0) {
        at(&case, |l| {
            let law = case.likelihood.as_ref();
            let dense = DenseFisher::new(l, law).unwrap();
            let size = dense.matrix().norm_max();
            let layered = DiagonalFisher::new(l, law).unwrap();
            let pulled_back = DiagonalFisher::new(&WithoutLayers(l), law).unwrap();
            for diagonal in [&layered, &pulled_back] {
                for (p, value) in diagonal.diagonal().iter().enumerate() {
                    prop_assert!((value - dense.matrix()[(p, p)]).abs() <= 1e-13 * size);
                }
                prop_assert!((diagonal.trace() - dense.trace()).abs() <= 1e-12 * dense.trace());
                same_as_its_matrix(diagonal, &case, exponent)?;
            }
            Ok(())
        })?;
    }
}

/// A parameter that no example uses, and one that all do.
#[test]
fn a_diagonal_with_a_zero_has_no_exact_inverse() {
    let net = Mlp::new(&[2, 1], Activation::Identity).unwrap();
    let batch = net.on_slice(&[1.0, 0.0, -2.0, 0.0]).unwrap();
    let l = batch.linearize(&[0.1, 0.2, 0.3]).unwrap();
    let diagonal = DiagonalFisher::new(l.as_ref(), &Gaussian::UNIT).unwrap();
    let mut out = [0.0; 3];
    let refused = diagonal.raise(&[1.0; 3], Inverse::Exact, &mut out);
    assert!(matches!(
        refused,
        Err(MetricError::Singular {
            rank: 2,
            dim: 3,
            ..
        })
    ));
    let solve = diagonal
        .raise(&[1.0; 3], Inverse::pseudo(1e-12), &mut out)
        .unwrap();
    assert_eq!(solve.rank, 2);
    assert!(
        (out[0] - 1.0 / 2.5).abs() < 1e-15 && out[1].abs() < 1e-300 && (out[2] - 1.0).abs() < 1e-15
    );
}
