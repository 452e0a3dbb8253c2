//! The metric of a 20-48-1 tanh network (P = 1057) on 10,000 Gaussian examples, and a damped natural gradient in either
//! representation.

use criterion::{Criterion, criterion_group, criterion_main};
use neuromanifold_geometry::faer::Mat;
use neuromanifold_geometry::{DenseFisher, GramFisher, Inverse, Metric, kullback_leibler};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A network, a parameter point and inputs that look random enough.
fn problem(widths: &[usize], examples: usize) -> (Mlp, Vec<f64>, Mat<f64>) {
    let net = Mlp::new(widths, Activation::Tanh).expect("positive widths");
    let theta = net.initialize(Initialization::LeCun, &mut ChaCha8Rng::seed_from_u64(1));
    let inputs = Mat::from_fn(widths[0], examples, |i, s| {
        1.7 * ((s * 31 + i * 17) as f64).sin()
    });
    (net, theta, inputs)
}

fn dense(criterion: &mut Criterion) {
    let (net, theta, inputs) = problem(&[20, 48, 1], 10_000);
    let batch = net.on(inputs.as_ref()).expect("inputs");
    let at = batch.linearize(&theta).expect("finite");
    let mut group = criterion.benchmark_group("20-48-1, N = 10000");
    group.sample_size(10);
    group.bench_function("dense Fisher", |b| {
        b.iter(|| DenseFisher::new(black_box(at.as_ref()), &Gaussian::UNIT).expect("a metric"));
    });
    let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).expect("a metric");
    let gradient = vec![1.0; theta.len()];
    let mut step = gradient.clone();
    group.bench_function("damped solve", |b| {
        b.iter(|| {
            let inverse = Inverse::damped(1e-3);
            fisher
                .raise(black_box(&gradient), inverse, &mut step)
                .expect("definite")
        });
    });
    let other: Vec<f64> = theta.iter().map(|t| t + 1e-3).collect();
    group.bench_function("divergence of two points", |b| {
        b.iter(|| kullback_leibler(&batch, &Gaussian::UNIT, &theta, black_box(&other)));
    });
    group.finish();
}

fn sample_space(criterion: &mut Criterion) {
    let (net, theta, inputs) = problem(&[38, 500, 1], 512);
    let batch = net.on(inputs.as_ref()).expect("inputs");
    let at = batch.linearize(&theta).expect("finite");
    let white = vec![0.1; 512];
    let mut step = vec![0.0; theta.len()];
    let mut group = criterion.benchmark_group("38-500-1, N = 512");
    group.sample_size(20);
    group.bench_function("sample-space natural gradient", |b| {
        b.iter(|| {
            let gram = GramFisher::new(black_box(at.as_ref()), &Gaussian::UNIT).expect("a metric");
            let inverse = Inverse::damped(1e-3);
            gram.raise_whitened(&white, inverse, &mut step)
                .expect("definite")
        });
    });
    group.finish();
}

criterion_group!(benches, dense, sample_space);
criterion_main!(benches);
