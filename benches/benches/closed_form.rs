//! The exact natural-gradient step of one-hidden-layer networks on Gaussian inputs, from θ to `(G + λI)⁻¹g`, and the exact
//! loss with its gradient.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher, Population};
use neuromanifold_geometry::{ConjugateGradients, Inverse, Metric};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::Gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A network and two vectors of its parameters' length: a point and a gradient.
fn problem(inputs: usize, hidden: usize, activation: Activation) -> (Mlp, Vec<f64>, Vec<f64>) {
    let net = Mlp::new(&[inputs, hidden, 1], activation).expect("positive widths");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
    let gradient = net.initialize_with_biases(Initialization::LeCun, 1.0, &mut rng);
    (net, theta, gradient)
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact natural-gradient step");
    group.sample_size(20);
    for (inputs, hidden, activation) in [
        (1_000, 5, Activation::Erf),
        (10_000, 5, Activation::Erf),
        (10_000, 5, Activation::Tanh),
        (100_000, 5, Activation::Erf),
        (100_000, 10, Activation::Erf),
        (1_000, 20, Activation::Erf),
        (1_000, 20, Activation::Tanh),
    ] {
        let (net, theta, gradient) = problem(inputs, hidden, activation);
        let input = GaussianInput::standard(inputs);
        let mut step = vec![0.0; theta.len()];
        let name = BenchmarkId::from_parameter(format!("{activation}, n = {inputs}, m = {hidden}"));
        group.bench_function(name, |b| {
            b.iter(|| {
                GaussianInputFisher::new(&net, black_box(&theta), &input, &Gaussian::UNIT)
                    .expect("one hidden layer")
                    .raise(&gradient, Inverse::damped(1e-3), &mut step)
                    .expect("definite")
            });
        });
    }
    group.finish();
}

fn many_units(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("damped solve, n = 1000");
    group.sample_size(10);
    for hidden in [20, 30, 40] {
        let (net, theta, gradient) = problem(1_000, hidden, Activation::Erf);
        let input = GaussianInput::standard(1_000);
        let direct = GaussianInputFisher::new(&net, &theta, &input, &Gaussian::UNIT).expect("erf");
        let iterative = direct.clone().with_conjugate_gradients(ConjugateGradients {
            tolerance: 1e-8,
            max_products: 10_000,
        });
        let mut step = vec![0.0; theta.len()];
        for (name, fisher) in [("Cholesky", &direct), ("conjugate gradients", &iterative)] {
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| {
                    fisher
                        .raise(black_box(&gradient), Inverse::damped(1e-3), &mut step)
                        .expect("definite")
                });
            });
        }
    }
    group.finish();
}

fn population(criterion: &mut Criterion) {
    let (net, theta, other) = problem(1_000, 5, Activation::Erf);
    let input = GaussianInput::standard(1_000);
    let population = Population::new(&net, &theta, &net, &input, &Gaussian::UNIT).expect("erf");
    let near: Vec<f64> = theta.iter().map(|t| t + 1e-4).collect();
    let mut gradient = vec![0.0; theta.len()];
    let mut group = criterion.benchmark_group("exact loss and gradient, n = 1000, m = 5");
    for (name, at) in [("far", &other), ("near", &near)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                population
                    .gradient(black_box(at), &mut gradient)
                    .expect("erf")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, step, many_units, population);
criterion_main!(benches);
