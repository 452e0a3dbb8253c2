//! Laws of the exact divergence over a Gaussian population.

mod gaussian_case;

use gaussian_case::{SIGMOIDS, Shape, gaussian_case, input, network};
use neuromanifold_geometry::closed_form::{Averages, GaussianInput, Population};
use neuromanifold_geometry::faer::{Mat, MatRef, Side};
use neuromanifold_geometry::{Inverse, Metric};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn moved(theta: &[f64], along: &[f64], step: f64) -> Vec<f64> {
    theta.iter().zip(along).map(|(t, d)| t + step * d).collect()
}

/// The same function with one more unit, of no weight, in front: no longer close unit by unit.
fn with_an_idle_unit(net: &Mlp, theta: &[f64]) -> (Mlp, Vec<f64>) {
    let layers = net.layers();
    let (n, m, outputs) = (net.inputs(), layers[0].outputs(), net.outputs());
    let mut builder = Mlp::builder(n).layer(m + 1, layers[0].activation());
    if !layers[0].has_bias() {
        builder = builder.without_bias();
    }
    builder = builder.layer(outputs, Activation::Identity);
    if !layers[1].has_bias() {
        builder = builder.without_bias();
    }
    let mut wider = vec![0.3; n];
    wider.extend(&theta[layers[0].weights()]);
    if let Some(bias) = layers[0].bias() {
        wider.push(0.1);
        wider.extend(&theta[bias]);
    }
    for row in theta[layers[1].weights()].chunks_exact(m) {
        wider.push(0.0);
        wider.extend(row);
    }
    if let Some(bias) = layers[1].bias() {
        wider.extend(&theta[bias]);
    }
    (builder.build().expect("well posed"), wider)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// `D(θ : θ+dθ) = ½dθᵀG dθ + O(|dθ|³)`: the remainder falls as the cube.
    #[test]
    fn metric_is_the_second_order_of_the_divergence(case in gaussian_case(6)) {
        let population = Population::new(&case.net, &case.theta, &case.net, &case.input, &case.noise).unwrap();
        let direction = case.direction();
        let quadratic = 0.5 * case.fisher().norm_squared(&direction);
        let there = |s: f64| population.divergence(&moved(&case.theta, &direction, s)).unwrap();
        let cubic = |step: f64| 0.5 * (there(step) - there(-step)).abs();
        let order = (cubic(1e-2) / cubic(1e-3)).log10();
        // a cubic term that happens to vanish leaves rounding
        prop_assert!(order >= 2.95 || cubic(1e-3) < 1e-12 * 1e-6 * quadratic, "order {order}");
        // steps both ways have no cubic term, and two sizes of them no fourth-order term
        let even = |step: f64| 0.5 * (there(step) + there(-step)) / (step * step * quadratic) - 1.0;
        let ratio = (4.0 * even(2e-4) - even(4e-4)) / 3.0;
        prop_assert!(ratio.abs() < 1e-10, "D/(½dθᵀG dθ) − 1 = {ratio:e}");
    }

    #[test]
    fn gradient_is_the_derivative(case in gaussian_case(6), distance in prop::sample::select(vec![0.02, 0.1, 1.0])) {
        let direction = case.direction();
        let population = Population::new(&case.net, &case.theta, &case.net, &case.input, &case.noise).unwrap();
        let at = moved(&case.theta, &direction, distance);
        let mut gradient = vec![0.0; at.len()];
        let value = population.gradient(&at, &mut gradient).unwrap();
        prop_assert!((value - population.divergence(&at).unwrap()).abs() <= 1e-15 * value);
        let probe: Vec<f64> = (0..at.len()).map(|i| (1.7 * i as f64).cos() / (at.len() as f64).sqrt()).collect();
        let step = 1e-3;
        let there = |s: f64| population.divergence(&moved(&at, &probe, s * step)).unwrap();
        let difference = (8.0 * (there(1.0) - there(-1.0)) - (there(2.0) - there(-2.0))) / (12.0 * step);
        let exact: f64 = gradient.iter().zip(&probe).map(|(g, p)| g * p).sum();
        let size = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        prop_assert!((exact - difference).abs() < 1e-9 * (size + 1e-2), "{exact} {difference}");
    }

    /// The line integral and the difference of squares are the same number, where both apply.
    #[test]
    fn both_ways_agree(case in gaussian_case(6)) {
        let at = moved(&case.theta, &case.direction(), 0.1);
        let close = Population::new(&case.net, &case.theta, &case.net, &case.input, &case.noise).unwrap();
        let (wider, teacher) = with_an_idle_unit(&case.net, &case.theta);
        let apart = Population::new(&wider, &teacher, &case.net, &case.input, &case.noise).unwrap();
        let (mut one, mut other) = (vec![0.0; at.len()], vec![0.0; at.len()]);
        let (d, e) = (close.gradient(&at, &mut one).unwrap(), apart.gradient(&at, &mut other).unwrap());
        let scale = case.theta.iter().map(|t| t * t).sum::<f64>() / case.noise.sigma().powi(2);
        prop_assert!((d - e).abs() < 1e-14 * scale, "{d} {e}");
        for (a, b) in one.iter().zip(&other) {
            prop_assert!((a - b).abs() < 1e-13 * scale, "{a} {b}");
        }
    }

    #[test]
    fn symmetries_do_not_move_the_law(case in gaussian_case(6)) {
        // the first unit mirrored
        let mut mirrored = case.theta.clone();
        let layers = case.net.layers();
        prop_assume!(layers[0].activation() != Activation::Logistic);
        let mut flip = |range: std::ops::Range<usize>| mirrored[range].iter_mut().for_each(|t| *t = -*t);
        flip(layers[0].incoming(0));
        if let Some(bias) = layers[0].bias() {
            flip(bias.start..bias.start + 1);
        }
        for k in 0..case.net.outputs() {
            let v = layers[1].weights().start + k * layers[0].outputs();
            flip(v..v + 1);
        }
        let population = Population::new(&case.net, &case.theta, &case.net, &case.input, &case.noise).unwrap();
        let scale = case.theta.iter().map(|t| t * t).sum::<f64>() / case.noise.sigma().powi(2);
        prop_assert!(population.divergence(&mirrored).unwrap() < 1e-14 * scale);
    }
}

#[test]
fn equals_the_grid_in_input_space() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for activation in SIGMOIDS.into_iter().chain([Activation::Softplus]) {
        let (teacher, theta) = network([2, 2, 2], activation, [true, true], &mut rng);
        let (student, other) = network([2, 3, 2], activation, [true, false], &mut rng);
        let input = input(2, Shape::Full, true, &mut rng);
        let averages = Averages::quadrature(activation, 1e-11).unwrap();
        let noise = Gaussian::new(0.7).unwrap();
        let population =
            Population::with_averages(&teacher, &theta, &student, &input, &noise, &averages)
                .unwrap();
        let root = input.covariance().llt(Side::Lower).unwrap().L().to_owned();
        let (nodes, step) = (161, 17.0 / 160.0);
        let mut expected = 0.0;
        for index in 0..nodes * nodes {
            let z = [index / nodes, index % nodes].map(|i| -8.5 + step * i as f64);
            let weight = step * step * (-0.5 * (z[0] * z[0] + z[1] * z[1])).exp()
                / (2.0 * std::f64::consts::PI);
            let x = [0, 1].map(|i| input.mean()[i] + root[(i, 0)] * z[0] + root[(i, 1)] * z[1]);
            let x = MatRef::from_column_major_slice(&x, 2, 1);
            let gap: Mat<f64> =
                teacher.predict(&theta, x).unwrap() - student.predict(&other, x).unwrap();
            expected += weight * gap.squared_norm_l2() / (2.0 * 0.49);
        }
        let found = population.divergence(&other).unwrap();
        assert!(
            (found / expected - 1.0).abs() < 1e-11,
            "{activation}: {found} {expected}"
        );
        if let Ok(averages) = Averages::closed_form(activation) {
            let population =
                Population::with_averages(&teacher, &theta, &student, &input, &noise, &averages)
                    .unwrap();
            let found = population.divergence(&other).unwrap();
            let bound = if activation == Activation::Erf {
                1e-12
            } else {
                1e-6
            };
            assert!(
                (found / expected - 1.0).abs() < bound,
                "{activation}: {found} {expected}"
            );
        }
    }
}

/// Without noise the natural gradient flow `θ' = −G⁻¹∇D` has `D' = −2D` near the teacher, until θ is the teacher.
#[test]
fn natural_gradient_flow_runs_to_machine_precision() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for activation in SIGMOIDS {
        let (net, teacher) = network([12, 3, 1], activation, [true, true], &mut rng);
        let input = input(12, Shape::Full, true, &mut rng);
        let population = Population::new(&net, &teacher, &net, &input, &Gaussian::UNIT).unwrap();
        let mut theta: Vec<f64> = teacher
            .iter()
            .enumerate()
            .map(|(i, t)| t + 0.1 * (i as f64).sin())
            .collect();
        let (mut gradient, mut step) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
        let mut divergences = Vec::new();
        for _ in 0..60 {
            divergences.push(population.gradient(&theta, &mut gradient).unwrap());
            let fisher = neuromanifold_geometry::closed_form::GaussianInputFisher::new(
                &net,
                &theta,
                &input,
                &Gaussian::UNIT,
            )
            .unwrap();
            fisher.raise(&gradient, Inverse::Exact, &mut step).unwrap();
            theta = moved(&theta, &step, -0.5);
        }
        // steps of one half halve the distance: a quarter of the divergence
        let rate = divergences[30] / divergences[29];
        assert!((rate - 0.25).abs() < 1e-6, "{activation}: {rate}");
        let last = divergences[59];
        assert!(last < 1e-28, "{activation}: {last:e}");
        let largest = theta
            .iter()
            .zip(&teacher)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(largest < 1e-13, "{activation}: {largest:e}");
    }
}

#[test]
fn wide_and_narrow_networks_compare() {
    let teacher = Mlp::committee(3, 1, Activation::Erf).unwrap();
    let student = Mlp::committee(3, 2, Activation::Erf).unwrap();
    let input = GaussianInput::standard(3);
    let population = Population::new(
        &teacher,
        &[1.0, 0.5, -0.2, 2.0],
        &student,
        &input,
        &Gaussian::UNIT,
    )
    .unwrap();
    // the unit split in two
    let split = [1.0, 0.5, -0.2, 1.0, 0.5, -0.2, 0.7, 1.3];
    assert!(population.divergence(&split).unwrap() < 1e-15);
    let entropy = 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln();
    assert!((population.loss(&split).unwrap() - entropy).abs() < 1e-14);
}
