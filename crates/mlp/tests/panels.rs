//! Batches that are cut into panels and shared between threads: nothing is lost, and the bits do not depend on threads.

#![allow(clippy::unwrap_used)] // clippy exempts tests from this lint, but not what they call

use faer::Mat;
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Cotangents, OutputMap};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

/// Enough work for `Jᵀu` to be summed in several parts: each covector counts once.
#[test]
fn sums_over_many_panels_are_complete() {
    let mlp = Mlp::new(&[20, 48, 16, 2], Activation::Tanh).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let theta = mlp.initialize(Initialization::LeCun, &mut rng);
    let inputs = Mat::from_fn(20, 1001, |_, _| StandardNormal.sample(&mut rng));
    let batch = mlp.on(inputs.as_ref()).unwrap();
    let dims = batch.dims();
    let at = batch.linearize(&theta).unwrap();
    let u: Vec<f64> = StandardNormal
        .sample_iter(&mut rng)
        .take(dims.output_len())
        .collect();
    let mut summed = vec![0.0; dims.parameters];
    at.vjp(&u, &mut summed);
    let mut pulled = Mat::zeros(dims.parameters, dims.examples);
    at.pullback(
        Cotangents::new(&u, dims.outputs, 1),
        0..dims.examples,
        pulled.as_mut(),
    );
    for (parameter, summed) in summed.iter().enumerate() {
        let row = pulled.row(parameter);
        let expected: f64 = row.iter().sum();
        let magnitude: f64 = row.iter().map(|x| x.abs()).sum();
        // A thousand terms, each rounded once or twice.
        assert!(
            (summed - expected).abs() <= 1e-13 * magnitude,
            "parameter {parameter}"
        );
    }
}

/// Outputs, `Jv`, `Jᵀu`, pull-back and inner products, in one list of bits.
fn everything(mlp: &Mlp, examples: usize, pulled_back: usize) -> Vec<u64> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let theta = mlp.initialize_with_biases(Initialization::Glorot, 0.1, &mut rng);
    let inputs = Mat::from_fn(mlp.inputs(), examples, |_, _| {
        StandardNormal.sample(&mut rng)
    });
    let batch = mlp.on(inputs.as_ref()).unwrap();
    let dims = batch.dims();
    let at = batch.linearize(&theta).unwrap();
    let mut normals =
        |length: usize| -> Vec<f64> { StandardNormal.sample_iter(&mut rng).take(length).collect() };
    let (v, u) = (normals(dims.parameters), normals(dims.output_len()));
    let (mut jv, mut ju, mut z) = (u.clone(), v.clone(), u.clone());
    at.jvp(&v, &mut jv);
    at.vjp(&u, &mut ju);
    batch.outputs(&theta, &mut z).unwrap();
    let cotangents = Cotangents::new(&u, dims.outputs, 1);
    let mut pulled = Mat::zeros(dims.parameters, pulled_back);
    at.pullback(cotangents, 0..pulled_back, pulled.as_mut());
    let mut gram = Mat::zeros(dims.examples, dims.examples);
    at.gram(cotangents, gram.as_mut());
    let matrices = [&pulled, &gram].map(|m| {
        m.col_iter()
            .flat_map(|c| c.iter().copied().collect::<Vec<_>>())
            .collect::<Vec<f64>>()
    });
    [at.outputs(), &z, &jv, &ju, &matrices[0], &matrices[1]]
        .concat()
        .into_iter()
        .map(f64::to_bits)
        .collect()
}

fn assert_independent_of_threads(mlp: &Mlp, examples: usize, pulled_back: usize) {
    let with = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| everything(mlp, examples, pulled_back))
    };
    let alone = with(1);
    for threads in [2, 8] {
        let differing = alone
            .iter()
            .zip(with(threads))
            .filter(|(a, b)| *a != b)
            .count();
        assert_eq!(
            differing, 0,
            "{mlp}, {examples} examples, {threads} threads"
        );
    }
}

#[test]
fn many_panels() {
    let mlp = Mlp::new(&[20, 48, 16, 2], Activation::Tanh).unwrap();
    assert_independent_of_threads(&mlp, 1001, 300);
}

#[test]
fn one_panel_of_a_wide_network() {
    let mlp = Mlp::new(&[300, 400, 1], Activation::Logistic).unwrap();
    assert_independent_of_threads(&mlp, 64, 16);
}

/// One output and many inputs: the products are matrix–vector products, which faer would split by threads.
#[test]
fn one_panel_of_a_tall_input() {
    let mlp = Mlp::new(&[20_000, 1], Activation::Tanh).unwrap();
    assert_independent_of_threads(&mlp, 64, 2);
}
