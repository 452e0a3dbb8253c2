//! Laws of the closed-form Fisher metric.

mod gaussian_case;

use gaussian_case::{Case, Shape, gaussian_case, input, network, normals};
use neuromanifold_geometry::closed_form::{Averages, GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::faer::linalg::solvers::Solve as _;
use neuromanifold_geometry::faer::{Mat, MatRef, Side};
use neuromanifold_geometry::{ConjugateGradients, DenseFisher, Inverse, Metric, MetricError};
use neuromanifold_mlp::Activation;
use neuromanifold_model::{Gaussian, OutputMap};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// `Σ_s weight_s Σ_k ∇f_k(x_s) ∇f_k(x_s)ᵀ/σ²`, from the derivatives of the network itself.
fn on_sample(case: &Case, points: &Mat<f64>, weights: &[f64]) -> Mat<f64> {
    let (dim, outputs) = (case.net.parameters(), case.net.outputs());
    let batch = case.net.on(points.as_ref()).expect("well posed");
    let at = batch.linearize(&case.theta).expect("well posed");
    let mut identity = vec![0.0; outputs * outputs * points.ncols()];
    for (index, one) in identity.iter_mut().enumerate() {
        let within = index % (outputs * outputs);
        *one = f64::from(within / outputs == within % outputs);
    }
    let mut jacobian = Mat::zeros(dim, outputs * points.ncols());
    let cotangents = neuromanifold_model::Cotangents::new(&identity, outputs, outputs);
    at.pullback(cotangents, 0..points.ncols(), jacobian.as_mut());
    let scaled = Mat::from_fn(dim, jacobian.ncols(), |i, s| {
        jacobian[(i, s)] * weights[s / outputs]
    });
    let variance = case.noise.sigma().powi(2);
    (scaled * jacobian.transpose()) * (1.0 / variance)
}

/// Tensor trapezoid rule in input space, and its weights.
fn grid(input: &GaussianInput, nodes: usize) -> (Mat<f64>, Vec<f64>) {
    let n = input.inputs();
    let root = input
        .covariance()
        .llt(Side::Lower)
        .expect("well posed")
        .L()
        .to_owned();
    let step = 17.0 / (nodes - 1) as f64;
    let (mut points, mut weights) = (Vec::new(), Vec::new());
    for index in 0..nodes.pow(n as u32) {
        let z: Vec<f64> = (0..n)
            .map(|i| -8.5 + step * (index / nodes.pow(i as u32) % nodes) as f64)
            .collect();
        let density = |z: &f64| step * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        weights.push(z.iter().map(density).product());
        for i in 0..n {
            points.push(input.mean()[i] + (0..=i).map(|j| root[(i, j)] * z[j]).sum::<f64>());
        }
    }
    (
        MatRef::from_column_major_slice(&points, n, weights.len()).to_owned(),
        weights,
    )
}

fn difference(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_max() / b.norm_max()
}

#[test]
fn equals_the_grid_in_input_space() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (activation, bound) in [
        (Activation::Erf, 1e-13),
        (Activation::Tanh, 3e-7), // the mixture is another function
        (Activation::Logistic, 3e-7),
        (Activation::Identity, 1e-13),
    ] {
        for shape in [
            Shape::Standard,
            Shape::Isotropic,
            Shape::Diagonal,
            Shape::Full,
        ] {
            for biases in [[true, true], [false, true], [true, false], [false, false]] {
                let (net, theta) = network([2, 3, 2], activation, biases, &mut rng);
                let input = input(2, shape, biases[0] != biases[1], &mut rng);
                let noise = Gaussian::new(0.7).unwrap();
                let case = Case {
                    net,
                    theta,
                    input,
                    noise,
                    seed: 0,
                };
                let (points, weights) = grid(&case.input, 161);
                let expected = on_sample(&case, &points, &weights);
                let error = difference(&case.fisher().to_dense(), &expected);
                assert!(
                    error < bound,
                    "{activation} {shape:?} {biases:?}: {error:e}"
                );
                if activation == Activation::Tanh {
                    let averages = Averages::quadrature(activation, 1e-11).unwrap();
                    let fisher = GaussianInputFisher::with_averages(
                        &case.net,
                        &case.theta,
                        &case.input,
                        &noise,
                        &averages,
                    );
                    let error = difference(&fisher.unwrap().to_dense(), &expected);
                    assert!(error < 1e-11, "quadrature, {shape:?} {biases:?}: {error:e}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn symmetric_and_semidefinite(case in gaussian_case(6)) {
        let dense = case.fisher().to_dense();
        prop_assert!(difference(&dense.transpose().to_owned(), &dense) < 1e-13);
        let values = dense.self_adjoint_eigenvalues(Side::Lower).unwrap();
        prop_assert!(values[0] > -1e-13 * values[values.len() - 1], "{}", values[0]);
    }

    /// The structured solve is the dense one, with the same damping, at a condition number of 1e5.
    #[test]
    fn damped_solve_is_the_dense_one(case in gaussian_case(8)) {
        let fisher = case.fisher();
        let dense = fisher.to_dense();
        let values = dense.self_adjoint_eigenvalues(Side::Lower).unwrap();
        let lambda = 1e-5 * values[values.len() - 1];
        let gradient = case.direction();
        let damped = &dense + lambda * Mat::<f64>::identity(dense.nrows(), dense.nrows());
        let mut expected = Mat::from_fn(gradient.len(), 1, |i, _| gradient[i]);
        damped.llt(Side::Lower).unwrap().solve_in_place(expected.as_mut());
        let mut direct = vec![0.0; gradient.len()];
        let solve = fisher.raise(&gradient, Inverse::damped(lambda), &mut direct).unwrap();
        prop_assert!(solve.relative_residual < 1e-10, "{}", solve.relative_residual);
        let found = Mat::from_fn(gradient.len(), 1, |i, _| direct[i]);
        prop_assert!(difference(&found, &expected) < 1e-9, "{}", difference(&found, &expected));

        // conjugate gradients stop where rounding does, at a residual of 1e-10: the condition number of it in the solution
        let stopping = ConjugateGradients { tolerance: 1e-10, max_products: 2000 };
        let mut iterated = vec![0.0; gradient.len()];
        fisher.with_conjugate_gradients(stopping)
            .raise(&gradient, Inverse::damped(lambda), &mut iterated).unwrap();
        let found = Mat::from_fn(gradient.len(), 1, |i, _| iterated[i]);
        prop_assert!(difference(&found, &expected) < 1e-4, "{}", difference(&found, &expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Rotating the inputs and the incoming weights together changes nothing, damped solves included.
    #[test]
    fn invariant_under_rotations_of_the_inputs(case in gaussian_case(6)) {
        let n = case.net.inputs();
        let square = Mat::from_fn(n, n, |i, j| ((3 * i + 7 * j * j) as f64).sin() + f64::from(i == j));
        let rotation = square.qr().compute_Q();
        let rotate = |theta: &[f64]| {
            let mut rotated = theta.to_vec();
            let turned = case.net.weights(theta, 0) * rotation.transpose();
            case.net.weights_mut(&mut rotated, 0).copy_from(turned);
            rotated
        };
        let covariance = &rotation * case.input.covariance() * rotation.transpose();
        let mean = &rotation * MatRef::from_column_major_slice(case.input.mean(), n, 1);
        let mean: Vec<f64> = (0..n).map(|i| mean[(i, 0)]).collect();
        let turned = Case {
            theta: rotate(&case.theta),
            input: GaussianInput::full(covariance.as_ref()).unwrap().with_mean(&mean).unwrap(),
            ..case.clone()
        };
        let (v, mut here, mut there) = (case.direction(), vec![0.0; case.theta.len()], vec![0.0; case.theta.len()]);
        let scale = case.fisher().norm_squared(&v);
        prop_assert!((turned.fisher().norm_squared(&rotate(&v)) / scale - 1.0).abs() < 1e-11);
        case.fisher().raise(&v, Inverse::damped(1e-2), &mut here).unwrap();
        turned.fisher().raise(&rotate(&v), Inverse::damped(1e-2), &mut there).unwrap();
        for (a, b) in rotate(&here).iter().zip(&there) {
            prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    /// `x = μ + L z` is a change of coordinates of θ: `w ↦ Lᵀw`, `b ↦ b + w·μ`.
    #[test]
    fn covariant_under_whitening(case in gaussian_case(6)) {
        let moved = case.input.mean().iter().any(|m| m.abs() > 0.0);
        prop_assume!(case.net.layers()[0].has_bias() || !moved);
        let root = case.input.covariance().llt(Side::Lower).unwrap().L().to_owned();
        let whiten = |theta: &[f64]| {
            let mut white = theta.to_vec();
            let weights = case.net.weights(theta, 0);
            case.net.weights_mut(&mut white, 0).copy_from(weights * &root);
            let shift = weights * MatRef::from_column_major_slice(case.input.mean(), case.net.inputs(), 1);
            if let Some(bias) = case.net.bias_mut(&mut white, 0) {
                for (a, b) in bias.iter_mut().enumerate() {
                    *b += shift[(a, 0)];
                }
            }
            white
        };
        let white = Case {
            theta: whiten(&case.theta),
            input: GaussianInput::standard(case.net.inputs()),
            ..case.clone()
        };
        let v = case.direction();
        let ratio = case.fisher().norm_squared(&v) / white.fisher().norm_squared(&whiten(&v));
        prop_assert!((ratio - 1.0).abs() < 1e-11, "{ratio}");
    }
}

/// Units that are nearly or exactly parallel, without weights, or more than there are inputs.
#[test]
fn degenerate_units_are_no_trouble() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (net, regular) = network([3, 5, 1], Activation::Erf, [true, true], &mut rng);
    let (wide, spare) = network([12, 5, 1], Activation::Erf, [true, true], &mut rng);
    for gap in [1e-2, 1e-5, 1e-8, 1e-12, 0.0] {
        for (net, regular) in [(&net, &regular), (&wide, &spare)] {
            let mut theta = regular.clone();
            let n = net.inputs();
            for i in 0..n {
                let base = net.weights(regular, 0)[(0, i)];
                let mut weights = net.weights_mut(&mut theta, 0);
                weights[(1, i)] = base + gap * (i as f64).cos();
                weights[(2, i)] = -3.0 * base;
                weights[(3, i)] = 0.0;
            }
            let noise = Gaussian::UNIT;
            let fisher =
                GaussianInputFisher::new(net, &theta, &GaussianInput::standard(n), &noise).unwrap();
            if n == 12 {
                assert_eq!(fisher.rank(), if gap > 1e-13 { 3 } else { 2 });
            } else if (1e-9..1e-4).contains(&gap) {
                let case = Case {
                    net: net.clone(),
                    theta,
                    input: GaussianInput::standard(3),
                    noise,
                    seed: 0,
                };
                let (points, weights) = grid(&case.input, 61);
                let error = difference(&fisher.to_dense(), &on_sample(&case, &points, &weights));
                assert!(error < 1e-12, "gap {gap:e}: {error:e}");
            }
            let gradient: Vec<f64> = (0..net.parameters()).map(|i| (i as f64).sin()).collect();
            let mut step = vec![0.0; gradient.len()];
            let solve = fisher
                .raise(&gradient, Inverse::damped(1e-6), &mut step)
                .unwrap();
            assert!(
                solve.relative_residual < 1e-9,
                "gap {gap:e}: {}",
                solve.relative_residual
            );
            if gap < 1e-7 {
                let singular = fisher.raise(&gradient, Inverse::Exact, &mut step);
                assert!(
                    matches!(singular, Err(MetricError::NotPositiveDefinite { .. })),
                    "{singular:?}"
                );
            }
        }
    }
}

#[test]
fn agrees_with_a_monte_carlo_sample() {
    for activation in [Activation::Tanh, Activation::Relu] {
        sample(activation);
    }
}

fn sample(activation: Activation) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (net, theta) = network([6, 3, 1], activation, [true, true], &mut rng);
    let input = input(6, Shape::Full, true, &mut rng);
    let noise = Gaussian::UNIT;
    let exact = GaussianInputFisher::new(&net, &theta, &input, &noise)
        .expect("well posed")
        .to_dense();
    let root = input
        .covariance()
        .llt(Side::Lower)
        .expect("well posed")
        .L()
        .to_owned();
    let mut previous = f64::INFINITY;
    for examples in [4_000, 64_000] {
        let z = normals(6 * examples, &mut rng);
        let mut points = &root * MatRef::from_column_major_slice(&z, 6, examples);
        for column in points.col_iter_mut() {
            for (x, mean) in column.iter_mut().zip(input.mean()) {
                *x += mean;
            }
        }
        let batch = net.on(points.as_ref()).expect("well posed");
        let sampled = DenseFisher::new(
            batch.linearize(&theta).expect("well posed").as_ref(),
            &noise,
        )
        .expect("well posed");
        let error = (sampled.matrix() - &exact).norm_l2() / exact.norm_l2();
        // the entries have heavy tails: their standard deviations are a few times themselves
        assert!(
            error < 6.0 / (examples as f64).sqrt(),
            "{examples}: {error}"
        );
        assert!(
            error < 0.5 * previous,
            "16 times the sample, a quarter of the error"
        );
        previous = error;
    }
}
