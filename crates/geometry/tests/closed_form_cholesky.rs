//! Laws of the factored metric, of noise that outputs share, and of laws fitted to samples.

mod gaussian_case;

use gaussian_case::{Case, Shape, gaussian_case, input, network, normals};
use neuromanifold_geometry::closed_form::{
    ClosedFormError, GaussianInput, GaussianInputFisher, Shrinkage,
};
use neuromanifold_geometry::faer::{Mat, MatRef, mat};
use neuromanifold_geometry::{
    Cholesky, ConjugateGradients, Inverse, Metric, MetricError, Preconditioner, Spectrum,
};
use neuromanifold_mlp::Activation;
use neuromanifold_model::Gaussian;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let gap = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    (gap / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

/// A random symmetric positive semidefinite matrix of some rank.
fn semidefinite(dim: usize, rank: usize, rng: &mut ChaCha8Rng) -> Mat<f64> {
    let z = normals(dim * rank, rng);
    let root = MatRef::from_column_major_slice(&z, dim, rank);
    root * root.transpose()
}

/// `E[Jᵀ H J]` from the metrics of `J` alone: with `H = Σ h e eᵀ`, that of the network with the one output `e·f`, each mapped to θ.
fn by_outputs(case: &Case, precision: &Mat<f64>) -> Mat<f64> {
    let spectrum = Spectrum::new(precision.as_ref()).expect("symmetric");
    let dim = case.theta.len();
    let (outputs, m) = (case.net.outputs(), case.net.layers()[0].outputs());
    let mut sum = Mat::zeros(dim, dim);
    for (k, h) in spectrum.eigenvalues().iter().enumerate() {
        let axis: Vec<f64> = (0..outputs)
            .map(|l| spectrum.eigenvectors()[(l, k)])
            .collect();
        let layers = case.net.layers();
        let mut rng = case.rng();
        let biases = [layers[0].has_bias(), layers[1].has_bias()];
        let (single, _) = network(
            [case.net.inputs(), m, 1],
            layers[0].activation(),
            biases,
            &mut rng,
        );
        let before = layers[1].weights().start;
        // θ of the single-output network is R θ
        let project = Mat::from_fn(single.parameters(), dim, |i, j| {
            if i < before {
                return f64::from(i == j);
            }
            let row = j.wrapping_sub(before);
            if j >= before && row < outputs * m {
                return if row % m == i - before {
                    axis[row / m]
                } else {
                    0.0
                };
            }
            if j >= before && i == before + m {
                return axis[row - outputs * m];
            }
            0.0
        });
        let theta = &project * MatRef::from_column_major_slice(&case.theta, dim, 1);
        let theta: Vec<f64> = (0..single.parameters()).map(|i| theta[(i, 0)]).collect();
        let own = GaussianInputFisher::new(&single, &theta, &case.input, &Gaussian::UNIT)
            .expect("one hidden layer")
            .to_dense();
        sum += *h * (project.transpose() * own * &project);
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// One factor for solves, determinant and conditioning; the dense factor is the oracle.
    #[test]
    fn factor_is_the_dense_one(case in gaussian_case(7), exponent in -5.0..0.0f64) {
        let fisher = case.fisher();
        let dense = fisher.to_dense();
        let trace: f64 = (0..dense.nrows()).map(|i| dense[(i, i)]).sum();
        let lambda = 10f64.powf(exponent) * trace;
        let (factor, oracle) = (fisher.cholesky(lambda).unwrap(), Cholesky::new(dense.as_ref(), lambda).unwrap());
        let gap = factor.log_determinant() - oracle.log_determinant();
        prop_assert!(gap.abs() < 1e-8 * dense.nrows() as f64, "log det is off by {gap:e}");
        let gradient = case.direction();
        let (mut one, mut other) = (vec![0.0; gradient.len()], vec![0.0; gradient.len()]);
        factor.precondition(&gradient, &mut one);
        oracle.precondition(&gradient, &mut other);
        prop_assert!(distance(&one, &other) < 1e-9, "{}", distance(&one, &other));
    }

    /// Noise that the outputs share, of full rank and not.
    #[test]
    fn shared_noise_is_a_sum_over_its_axes(case in gaussian_case(6), missing in 0..2usize) {
        let outputs = case.net.outputs();
        let rank = (outputs - missing.min(outputs - 1)).max(1);
        let precision = semidefinite(outputs, rank, &mut case.rng());
        let fisher = GaussianInputFisher::with_precision(&case.net, &case.theta, &case.input, precision.as_ref()).unwrap();
        let dense = fisher.to_dense();
        let expected = by_outputs(&case, &precision);
        let error = (&dense - &expected).norm_max() / expected.norm_max();
        prop_assert!(error < 1e-12, "{error:e}");

        let trace: f64 = (0..dense.nrows()).map(|i| dense[(i, i)]).sum();
        let lambda = 1e-3 * trace;
        let oracle = Cholesky::new(expected.as_ref(), lambda).unwrap();
        let gap = fisher.cholesky(lambda).unwrap().log_determinant() - oracle.log_determinant();
        prop_assert!(gap.abs() < 1e-9 * dense.nrows() as f64, "log det is off by {gap:e}");
        let gradient = case.direction();
        let (mut one, mut other) = (vec![0.0; gradient.len()], vec![0.0; gradient.len()]);
        oracle.precondition(&gradient, &mut other);
        fisher.raise(&gradient, Inverse::damped(lambda), &mut one).unwrap();
        prop_assert!(distance(&one, &other) < 1e-9, "{}", distance(&one, &other));
        let stopping = ConjugateGradients { tolerance: 1e-11, max_products: 1000 };
        fisher.clone().with_conjugate_gradients(stopping).raise(&gradient, Inverse::damped(lambda), &mut one).unwrap();
        prop_assert!(distance(&one, &other) < 1e-6, "{}", distance(&one, &other));
        if rank < outputs {
            let refused = fisher.raise(&gradient, Inverse::Exact, &mut one);
            prop_assert!(matches!(refused, Err(MetricError::NotPositiveDefinite { .. })), "{refused:?}");
        }
    }
}

#[test]
fn a_precision_that_is_none_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (net, theta) = network([3, 2, 2], Activation::Erf, [true, true], &mut rng);
    let input = GaussianInput::standard(3);
    let build = |precision: &Mat<f64>| {
        GaussianInputFisher::with_precision(&net, &theta, &input, precision.as_ref())
    };
    assert!(matches!(
        build(&mat![[1.0, 2.0], [2.0, 1.0]]),
        Err(ClosedFormError::IndefinitePrecision { index: 0, .. })
    ));
    assert!(matches!(
        build(&mat![[1.0, 0.1], [0.0, 1.0]]),
        Err(ClosedFormError::NotSymmetric { .. })
    ));
    assert!(matches!(
        build(&mat![[1.0]]),
        Err(ClosedFormError::Inputs {
            expected: 2,
            got: 1,
            ..
        })
    ));
    assert!(matches!(
        build(&mat![[1.0, f64::NAN], [f64::NAN, 1.0]]),
        Err(ClosedFormError::NotFinite { .. })
    ));
}

#[test]
fn a_law_fitted_to_a_sample() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let law = input(5, Shape::Full, true, &mut rng);
    let mut previous = f64::INFINITY;
    for examples in [20, 2_000, 200_000] {
        let points = law.draw(examples, &mut rng);
        let weight = Shrinkage::LedoitWolf.weight(points.as_ref()).unwrap();
        assert!(
            weight > 0.0 && weight * (examples as f64) < 50.0,
            "{weight}"
        );
        let fitted = GaussianInput::of_sample(points.as_ref(), Shrinkage::LedoitWolf).unwrap();
        let error = (fitted.covariance() - law.covariance()).norm_l2();
        assert!(
            error < previous && error < 12.0 / (examples as f64).sqrt(),
            "{error}"
        );
        previous = error;
        let moved = fitted
            .mean()
            .iter()
            .zip(law.mean())
            .map(|(a, b)| (a - b).powi(2));
        assert!(moved.sum::<f64>().sqrt() < 8.0 / (examples as f64).sqrt());
    }
    // fewer examples than inputs: singular without shrinkage
    let few = mat![[1.0, 2.0, 0.5], [2.0, 1.0, 1.0], [3.0, 5.0, 3.5]];
    let few = few.as_ref();
    assert!(matches!(
        GaussianInput::of_sample(few, Shrinkage::None),
        Err(ClosedFormError::NotPositiveDefinite { .. })
    ));
    assert!(GaussianInput::of_sample(few, Shrinkage::LedoitWolf).is_ok());
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(
            GaussianInput::of_sample(few, Shrinkage::Weight(bad)),
            Err(ClosedFormError::OutOfRange { .. })
        ));
    }
    assert!(matches!(
        GaussianInput::of_sample(Mat::zeros(3, 0).as_ref(), Shrinkage::None),
        Err(ClosedFormError::EmptySample)
    ));
    assert!(matches!(
        GaussianInput::of_sample(Mat::zeros(3, 4).as_ref(), Shrinkage::LedoitWolf),
        Err(ClosedFormError::NotPositiveDefinite { .. })
    ));
    assert!(matches!(
        GaussianInput::of_sample(mat![[1.0, f64::NAN]].as_ref(), Shrinkage::None),
        Err(ClosedFormError::NotFinite { index: 1, .. })
    ));
}

/// The weight of a sample small enough to do by hand: ±1 on each axis of the plane, once, and twice ±2 on the first.
#[test]
fn the_ledoit_wolf_weight_by_hand() {
    let sample = mat![
        [1.0, -1.0, 0.0, 0.0, 2.0, -2.0],
        [0.0, 0.0, 1.0, -1.0, 0.0, 0.0]
    ];
    // S = diag(10, 2)/6; |S|² = 104/36; Σ|x|⁴ = 36; b² = (36/6 − 104/36)/6; d² = 104/36 − 2·1 = 32/36
    let expected = (6.0 - 104.0 / 36.0) / 6.0 / (32.0 / 36.0);
    let weight = Shrinkage::LedoitWolf.weight(sample.as_ref()).unwrap();
    assert!((weight - expected).abs() < 1e-14, "{weight} {expected}");
}
