//! Time of the elementary functions on slices in the first-level cache, beside the standard library's.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use neuromanifold_mlp::elementary::{
    erf, erf_scaled, erf_scaled_with_derivative, exp, logistic, logistic_with_derivative, softplus,
    softplus_with_derivative, tanh, tanh_with_derivative,
};
use std::hint::black_box;

type Value = fn(&[f64], &mut [f64]);
type ValueWithDerivative = fn(&[f64], &mut [f64], &mut [f64]);

const LENGTHS: [usize; 3] = [10, 100, 1000];

const VALUES: [(&str, Value); 9] = [
    ("exp", exp),
    ("tanh", tanh),
    ("erf", erf),
    ("erf_scaled", erf_scaled),
    ("logistic", logistic),
    ("softplus", softplus),
    ("exp/std", |x, out| each(x, out, f64::exp)),
    ("tanh/std", |x, out| each(x, out, f64::tanh)),
    ("erf/libm", |x, out| each(x, out, libm::erf)),
];

const DERIVATIVES: [(&str, ValueWithDerivative); 4] = [
    ("tanh_with_derivative", tanh_with_derivative),
    ("erf_scaled_with_derivative", erf_scaled_with_derivative),
    ("logistic_with_derivative", logistic_with_derivative),
    ("softplus_with_derivative", softplus_with_derivative),
];

fn each(x: &[f64], out: &mut [f64], function: impl Fn(f64) -> f64) {
    for (x, out) in x.iter().zip(out) {
        *out = function(*x);
    }
}

/// Spread over [−4, 4) in an order without pattern, so that branches of scalar code are not predicted.
fn arguments(length: usize) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..length)
        .map(|i| 8.0 * (i as f64 * golden).fract() - 4.0)
        .collect()
}

fn values(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("elementary");
    for length in LENGTHS {
        let x = arguments(length);
        let mut out = vec![0.0; length];
        group.throughput(Throughput::Elements(length as u64));
        for (name, function) in VALUES {
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| function(black_box(&x), black_box(&mut out)));
            });
        }
    }
}

fn derivatives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("elementary");
    for length in LENGTHS {
        let x = arguments(length);
        let (mut value, mut derivative) = (vec![0.0; length], vec![0.0; length]);
        group.throughput(Throughput::Elements(length as u64));
        for (name, function) in DERIVATIVES {
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| {
                    function(
                        black_box(&x),
                        black_box(&mut value),
                        black_box(&mut derivative),
                    )
                });
            });
        }
    }
}

criterion_group!(benches, values, derivatives);
criterion_main!(benches);
