//! The metric of a student's vectors: a block of the closed-form metric of the network, solved without a matrix.

use neuromanifold_geometry::closed_form::online::StudentFisher;
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::{DenseFisher, Inverse, Metric, MetricError};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use proptest::prelude::*;

/// The block of the incoming weights, with outgoing weights one.
fn block(vectors: &[f64], students: usize) -> DenseFisher {
    let inputs = vectors.len() / students;
    let net = Mlp::committee(inputs, students, Activation::Erf).expect("a committee");
    let theta = [vectors, &vec![1.0; students]].concat();
    let input = GaussianInput::standard(inputs);
    let whole =
        GaussianInputFisher::new(&net, &theta, &input, &Gaussian::UNIT).expect("a committee");
    let dense = whole.to_dense();
    let size = vectors.len();
    DenseFisher::from_matrix(dense.as_ref().submatrix(0, 0, size, size)).expect("a committee")
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (difference / b.iter().copied().map(square).sum::<f64>()).sqrt()
}

fn students() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>)> {
    (1_usize..5, 1_usize..8).prop_flat_map(|(students, more)| {
        let size = students * (students + more);
        let numbers = |range| prop::collection::vec(range, size);
        (Just(students), numbers(-1.0..1.0), numbers(-1.0..1.0))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_a_block_of_the_network_s((students, vectors, v) in students()) {
        let fisher = StudentFisher::new(&vectors, students);
        let dense = block(&vectors, students);
        let (mut found, mut expected) = (v.clone(), v.clone());
        fisher.lower(&v, &mut found);
        dense.lower(&v, &mut expected);
        prop_assert!(distance(&found, &expected) < 1e-12);
        // damping bounds the condition number by a thousand or so: random vectors may be nearly parallel
        let inverse = Inverse::damped(1e-3);
        let solve = fisher.raise(&v, inverse, &mut found).unwrap();
        prop_assert!(solve.relative_residual < 1e-11);
        dense.raise(&v, inverse, &mut expected).unwrap();
        prop_assert!(distance(&found, &expected) < 1e-10);
    }
}

#[test]
fn exact_inverse() {
    let vectors: Vec<f64> = (0..60).map(|k| (1.7 * f64::from(k)).sin()).collect();
    let gradient: Vec<f64> = (0..60).map(|k| (0.9 * f64::from(k)).cos()).collect();
    let (mut found, mut expected) = ([0.0; 60], [0.0; 60]);
    let dense = block(&vectors, 3);
    dense
        .raise(&gradient, Inverse::Exact, &mut expected)
        .unwrap();
    let fisher = StudentFisher::new(&vectors, 3);
    fisher.raise(&gradient, Inverse::Exact, &mut found).unwrap();
    assert!(distance(&found, &expected) < 1e-12);
}

#[test]
fn refusals() {
    let mut vectors = vec![0.0; 20];
    vectors[..10].copy_from_slice(&[0.5; 10]);
    vectors[10..].copy_from_slice(&[0.5; 10]);
    let fisher = StudentFisher::new(&vectors, 2);
    let gradient: Vec<f64> = (0..20).map(|k| f64::from(k).cos()).collect();
    let mut out = vec![0.0; 20];
    let refused = fisher.raise(&gradient, Inverse::Exact, &mut out);
    assert!(refused.is_err(), "two students are one: {refused:?}");
    assert!(
        fisher
            .raise(&gradient, Inverse::damped(1e-3), &mut out)
            .is_ok()
    );
    let pseudo = fisher.raise(&gradient, Inverse::pseudo(1e-8), &mut out);
    assert!(matches!(pseudo, Err(MetricError::Unsupported { .. })));
    let nothing = fisher.raise(&[f64::NAN; 20], Inverse::Exact, &mut out);
    assert!(matches!(nothing, Err(MetricError::NotFinite { .. })));
    let negative = fisher.raise(&gradient, Inverse::damped(-1.0), &mut out);
    assert!(matches!(negative, Err(MetricError::Damping { .. })));
}
