//! What is measured, one case a file.

mod adaptive_step;
mod dense_fisher;
mod natural_gradient_step;
mod spectrum;
mod training;

use crate::{Bench, BenchError};

/// A case: its name and what it times.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The name, the same as in the scripts for other libraries.
    pub name: &'static str,
    /// What is timed.
    pub what: &'static str,
    /// The optimisers that are compared, if that is what it does.
    pub optimizers: &'static [&'static str],
    pub(crate) run: fn(&'static str, &mut Bench<'_>) -> Result<(), BenchError>,
}

const fn case(
    name: &'static str,
    what: &'static str,
    run: fn(&'static str, &mut Bench<'_>) -> Result<(), BenchError>,
) -> Case {
    Case {
        name,
        what,
        optimizers: &[],
        run,
    }
}

const fn race(
    name: &'static str,
    what: &'static str,
    run: fn(&'static str, &mut Bench<'_>) -> Result<(), BenchError>,
) -> Case {
    Case {
        optimizers: &training::CONTENDERS,
        ..case(name, what, run)
    }
}

/// All cases, in the order in which they run.
pub const CASES: [Case; 16] = [
    case(
        "P1_p1057_N10000_f64",
        "dense Fisher matrix, 20-48-1, P = 1057, N = 10,000",
        dense_fisher::shallow,
    ),
    case(
        "P1_deep8970_N2000_f64",
        "dense Fisher matrix, 64-64-64-10 with ten classes, P = 8970, N = 2000",
        dense_fisher::deep,
    ),
    case(
        "P2_natgrad_p1057_N10000",
        "a natural-gradient step, λ = 1e-3, P = 1057, N = 10,000",
        natural_gradient_step::parameter_space,
    ),
    case(
        "P3_woodbury_p20001_N512",
        "a natural-gradient step in sample space, λ = 1e-3, P = 20,001, N = 512",
        natural_gradient_step::sample_space,
    ),
    case(
        "P4_ang_p257",
        "adaptive natural gradient, one example a step, P = 257",
        adaptive_step::p257,
    ),
    case(
        "P4_ang_p1057",
        "adaptive natural gradient, one example a step, P = 1057",
        adaptive_step::p1057,
    ),
    case(
        "P4_ang_p4097",
        "adaptive natural gradient, one example a step, P = 4097",
        adaptive_step::p4097,
    ),
    case(
        "P4_ang_p4097_f32",
        "the same with the estimate stored in f32",
        adaptive_step::p4097_single,
    ),
    race(
        "p5a",
        "training a student of a soft committee machine",
        training::teacher_student,
    ),
    race(
        "p5b",
        "training on the Mackey–Glass series",
        training::mackey_glass,
    ),
    race("p5c_diabetes", "training on diabetes", training::diabetes),
    race("p5c_digits", "training on digits", training::digits),
    case(
        "P6_eigh_p1057",
        "eigenvalues and eigenvectors of the Fisher matrix of P1",
        spectrum::eigenvectors,
    ),
    case(
        "P6_eigh_p1057_valuesonly",
        "its eigenvalues alone",
        spectrum::eigenvalues,
    ),
    case(
        "P6_ggnvp_deep8970",
        "a product with the Fisher matrix of the deep network",
        spectrum::product,
    ),
    case(
        "P6_lanczos20_deep8970",
        "its 20 largest eigenvalues, without the matrix",
        spectrum::lanczos,
    ),
];
