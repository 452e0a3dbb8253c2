//! Laws of the closed-form Fisher metric.

mod gaussian_case;

use gaussian_case::{Case, Shape, gaussian_case, input, network, normals};
use neuromanifold_geometry::closed_form::{Averages, GaussianInput, GaussianInputFisher};
use neuromanifold_geometry::faer::linalg::solvers::Solve as _;
use neuromanifold_geometry::faer::{Mat, MatRef, Side};
use neuromanifold_geometry::{ConjugateGradients, DenseFisher, Inverse, Metric};
use neuromanifold_mlp::Activation;
use neuromanifold_model::{Gaussian, OutputMap};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// `Σ_s weight_s Σ_k ∇f_k(x_s) ∇f_k(x_s)ᵀ/σ²`, from the derivatives of the network itself.
fn on_sample(case: &Case, points: &Mat<f64>, weights: &[f64]) -> Mat<f64> {
    let (dim, outputs) = (case.net.parameters(), case.net.outputs());
    let batch = case.net.on(points.as_ref()).unwrap();
    let at = batch.linearize(&case.theta).unwrap();
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
    let root = input.covariance().llt(Side::Lower).unwrap().L().to_owned();
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

#[test]
fn agrees_with_a_monte_carlo_sample() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (net, theta) = network([6, 3, 1], Activation::Tanh, [true, true], &mut rng);
    let input = input(6, Shape::Full, true, &mut rng);
    let noise = Gaussian::UNIT;
    let exact = GaussianInputFisher::new(&net, &theta, &input, &noise)
        .unwrap()
        .to_dense();
    let root = input.covariance().llt(Side::Lower).unwrap().L().to_owned();
    let mut previous = f64::INFINITY;
    for examples in [4_000, 64_000] {
        let z = normals(6 * examples, &mut rng);
        let mut points = &root * MatRef::from_column_major_slice(&z, 6, examples);
        for column in points.col_iter_mut() {
            for (x, mean) in column.iter_mut().zip(input.mean()) {
                *x += mean;
            }
        }
        let batch = net.on(points.as_ref()).unwrap();
        let sampled = DenseFisher::new(batch.linearize(&theta).unwrap().as_ref(), &noise).unwrap();
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
