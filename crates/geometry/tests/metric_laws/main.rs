//! What a Fisher metric is, and that every representation is the same one.

#[path = "../case/mod.rs"]
mod case;
mod representations;
mod requests;
mod values;

use case::Case;
use neuromanifold_geometry::{ConjugateGradients, DenseFisher};
use neuromanifold_model::{Linearization, OutputMap};

const STOPPING: ConjugateGradients = ConjugateGradients {
    tolerance: 1e-11,
    max_products: 2000,
};

/// Runs a check on the linearisation of a case.
fn at<T>(case: &Case, check: impl FnOnce(&dyn Linearization) -> T) -> T {
    let batch = case.net.on_slice(&case.inputs).expect("a valid batch");
    let linearization = batch.linearize(&case.theta).expect("finite outputs");
    check(linearization.as_ref())
}

fn dense(case: &Case) -> DenseFisher {
    at(case, |l| DenseFisher::new(l, case.likelihood.as_ref())).expect("a metric")
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}
