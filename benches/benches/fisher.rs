//! The metric in its representations on three networks, beside the rate of a matrix product that bounds them.
//!
//! The product and the dense metrics report multiply-adds a second, counted as the fewest that the algorithm needs, so that
//! the fraction of the product's rate can be read off.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuromanifold_geometry::faer::linalg::matmul::matmul;
use neuromanifold_geometry::faer::{Accum, Mat, Par};
use neuromanifold_geometry::{
    BlockFisher, Blocks, ConjugateGradients, DenseFisher, FisherOperator, GramFisher, Inverse,
    Metric, kullback_leibler,
};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, OutputMap};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::time::Duration;

/// A network, a parameter point and inputs that look random enough.
fn problem(widths: &[usize], examples: usize) -> (Mlp, Vec<f64>, Mat<f64>) {
    let net = Mlp::new(widths, Activation::Tanh).expect("positive widths");
    let theta = net.initialize(Initialization::LeCun, &mut ChaCha8Rng::seed_from_u64(1));
    let inputs = Mat::from_fn(widths[0], examples, |i, s| {
        1.7 * ((s * 31 + i * 17) as f64).sin()
    });
    (net, theta, inputs)
}

/// Multiply-adds of the matrix products that make up a dense metric: pairs of units times pairs of inputs.
fn dense_work(net: &Mlp, examples: usize) -> u64 {
    let layers = net.layers();
    let sizes: Vec<(usize, usize)> = layers
        .iter()
        .map(|l| (l.outputs(), l.inputs() + usize::from(l.has_bias())))
        .collect();
    let mut sum = 0;
    for (index, (m, n)) in sizes.iter().enumerate() {
        sum += m * (m + 1) / 2 * (n * (n + 1) / 2);
        sum += sizes[..index]
            .iter()
            .map(|(p, q)| m * n * p * q)
            .sum::<usize>();
    }
    (sum * examples) as u64
}

/// The product that the first layer of 20-48-1 needs for a block of examples, on one thread and on all.
fn product(criterion: &mut Criterion) {
    let (rows, columns, depth) = (231, 1176, 272);
    let left = Mat::from_fn(depth, rows, |i, j| ((i * 7 + j) as f64).sin());
    let right = Mat::from_fn(depth, columns, |i, j| ((i * 3 + j) as f64).sin());
    let mut sums = Mat::zeros(rows, columns);
    let mut group = criterion.benchmark_group("product, 231×272 by 272×1176");
    group.throughput(Throughput::Elements((rows * columns * depth) as u64));
    for (name, par) in [("one thread", Par::Seq), ("all threads", Par::rayon(0))] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let left = black_box(left.transpose());
                matmul(sums.as_mut(), Accum::Add, left, &right, 1.0, par);
            });
        });
    }
    group.finish();
}

fn wide(criterion: &mut Criterion) {
    let (net, theta, inputs) = problem(&[20, 48, 1], 10_000);
    let batch = net.on(inputs.as_ref()).expect("inputs");
    let at = batch.linearize(&theta).expect("finite");
    let mut group = criterion.benchmark_group("20-48-1, N = 10000");
    group.sample_size(10);
    group.bench_function("natural-gradient step", |b| {
        let mut step = vec![0.0; theta.len()];
        b.iter(|| {
            let at = batch.linearize(black_box(&theta)).expect("finite");
            let residual: Vec<f64> = at.outputs().iter().map(|z| (z - 0.3) / 1e4).collect();
            let mut gradient = vec![0.0; theta.len()];
            at.vjp(&residual, &mut gradient);
            let fisher = DenseFisher::new(at.as_ref(), &Gaussian::UNIT).expect("a metric");
            let inverse = Inverse::damped(1e-3);
            fisher
                .raise(&gradient, inverse, &mut step)
                .expect("definite")
        });
    });
    for (name, blocks) in [
        ("layer by layer", Blocks::Layers),
        ("unit by unit", Blocks::Units),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                BlockFisher::new(black_box(at.as_ref()), &Gaussian::UNIT, blocks).expect("a metric")
            });
        });
    }
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
    group.throughput(Throughput::Elements(dense_work(&net, 10_000)));
    group.bench_function("dense Fisher", |b| {
        b.iter(|| DenseFisher::new(black_box(at.as_ref()), &Gaussian::UNIT).expect("a metric"));
    });
    group.finish();
}

/// Small enough for set-up to count.
fn small(criterion: &mut Criterion) {
    let (net, theta, inputs) = problem(&[4, 10, 1], 500);
    let batch = net.on(inputs.as_ref()).expect("inputs");
    let at = batch.linearize(&theta).expect("finite");
    criterion.bench_function("4-10-1, N = 500/dense Fisher", |b| {
        b.iter(|| DenseFisher::new(black_box(at.as_ref()), &Gaussian::UNIT).expect("a metric"));
    });
}

fn deep(criterion: &mut Criterion) {
    let (net, theta, inputs) = problem(&[64, 64, 64, 10], 2000);
    let batch = net.on(inputs.as_ref()).expect("inputs");
    let at = batch.linearize(&theta).expect("finite");
    let stopping = ConjugateGradients {
        tolerance: 1e-6,
        max_products: 100,
    };
    let operator = FisherOperator::new(at.as_ref(), &Categorical, stopping).expect("a metric");
    let tangents = vec![0.1; 8 * theta.len()];
    let mut lowered = tangents.clone();
    let mut group = criterion.benchmark_group("64-64-64-10 categorical, N = 2000");
    group.bench_function("operator, one vector", |b| {
        let (v, out) = (&tangents[..theta.len()], &mut lowered[..theta.len()]);
        b.iter(|| operator.lower(black_box(v), out));
    });
    group.bench_function("operator, eight vectors", |b| {
        b.iter(|| operator.lower_many(black_box(&tangents), &mut lowered));
    });
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .throughput(Throughput::Elements(dense_work(&net, 2000)));
    group.bench_function("dense Fisher", |b| {
        b.iter(|| DenseFisher::new(black_box(at.as_ref()), &Categorical).expect("a metric"));
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
    group.bench_function("Gram matrix", |b| {
        b.iter(|| GramFisher::new(black_box(at.as_ref()), &Gaussian::UNIT).expect("a metric"));
    });
    group.bench_function("sample-space natural gradient", |b| {
        b.iter(|| {
            let at = batch.linearize(black_box(&theta)).expect("finite");
            let gram = GramFisher::new(at.as_ref(), &Gaussian::UNIT).expect("a metric");
            let inverse = Inverse::damped(1e-3);
            gram.raise_whitened(&white, inverse, &mut step)
                .expect("definite")
        });
    });
    group.finish();
}

criterion_group!(benches, product, wide, small, deep, sample_space);
criterion_main!(benches);
