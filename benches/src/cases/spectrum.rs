//! P6: eigenvalues, eigenvectors and matrix-free products.

use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, FisherOperator, Lanczos, Metric as _, RitzPairs, Spectrum,
};
use neuromanifold_model::OutputMap as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::dense_fisher::vector_check;
use crate::bench::Rate;
use crate::measurement::rounded;
use crate::problem::{DEEP, P1057, Problem};
use crate::reference::{jacobian, softmax};
use crate::split_mix::normal;
use crate::timing::on_the_clock;
use crate::{Bench, BenchError, Measurement, Repeats, Timing, repeat};

/// Floating-point operations of a symmetric eigendecomposition with vectors and without, in units of `P³`.
///
/// G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed. (2013), §8.3.
const WITH_VECTORS: f64 = 9.0;
const VALUES_ONLY: f64 = 4.0 / 3.0;
/// Eigenvalues that are searched for.
const PAIRS: usize = 20;
/// Nothing is solved.
const NEVER: ConjugateGradients = ConjugateGradients {
    tolerance: 1e-10,
    max_products: 0,
};
/// Seed of the vector that is multiplied.
const VECTOR_SEED: u64 = 7;

pub(super) fn eigenvectors(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let fisher = shallow_fisher(bench)?;
    let repeats = Repeats::default();
    let timing = repeat(&bench.settings, repeats, || {
        on_the_clock(|| Ok(fisher.spectrum()?))
    })?;
    let found = fisher.spectrum()?.eigenvalues().to_vec();
    let reference = Spectrum::eigenvalues_of(fisher.matrix())?;
    report(case, bench, timing, WITH_VECTORS, &found, &reference)
}

pub(super) fn eigenvalues(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let fisher = shallow_fisher(bench)?;
    let repeats = Repeats::default();
    let timing = repeat(&bench.settings, repeats, || {
        on_the_clock(|| Ok(Spectrum::eigenvalues_of(fisher.matrix())?))
    })?;
    let found = Spectrum::eigenvalues_of(fisher.matrix())?;
    let reference = fisher.spectrum()?.eigenvalues().to_vec();
    report(case, bench, timing, VALUES_ONLY, &found, &reference)
}

fn shallow_fisher(bench: &Bench<'_>) -> Result<DenseFisher, BenchError> {
    let problem = Problem::load(P1057, bench.source)?;
    let batch = problem.batch()?;
    let at = batch.linearize(problem.start())?;
    Ok(DenseFisher::new(at.as_ref(), problem.likelihood())?)
}

/// Compares with the eigenvalues by the other of the two algorithms.
fn report(
    case: &str,
    bench: &mut Bench<'_>,
    timing: Timing,
    cubes: f64,
    found: &[f64],
    reference: &[f64],
) -> Result<(), BenchError> {
    let work = Rate::Multiplications(0.5 * cubes * (found.len() as f64).powi(3));
    let line = bench.timed(case, "time", timing, ("ms", 1e3), work);
    bench.emit(&compared(line, found, reference))
}

/// With the largest deviation from eigenvalues found otherwise, relative to the largest of them, and that one.
fn compared(line: Measurement, found: &[f64], reference: &[f64]) -> Measurement {
    let largest = |values: &[f64]| values.iter().copied().fold(f64::NAN, f64::max);
    let error = found
        .iter()
        .zip(reference)
        .fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    line.with("max_rel_to_top", rounded(error / largest(reference), 2))
        .with("top", rounded(largest(found), 10))
}

/// `G v` without a matrix; the linearisation at θ is made once.
pub(super) fn product(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let problem = Problem::load(DEEP, bench.source)?;
    let batch = problem.batch()?;
    let at = batch.linearize(problem.start())?;
    let operator = FisherOperator::new(at.as_ref(), problem.likelihood(), NEVER)?;
    let vector = normal(VECTOR_SEED, operator.dim());
    let mut image = vec![0.0; operator.dim()];
    let timing = repeat(&bench.settings, Repeats::default(), || {
        on_the_clock(|| {
            operator.lower(&vector, &mut image);
            Ok(())
        })
    })?;
    let check = vector_check(&image, &formed_product(&problem, &vector));
    let work = Rate::Multiplications(product_work(&problem));
    let line = bench
        .timed(case, "time_per_product", timing, ("ms", 1e3), work)
        .checked(check);
    bench.emit(&line)
}

/// The 20 largest eigenvalues of the deep network without a matrix. Compared with those from another random vector, to a
/// residual ten thousand times smaller.
pub(super) fn lanczos(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let problem = Problem::load(DEEP, bench.source)?;
    let batch = problem.batch()?;
    let at = batch.linearize(problem.start())?;
    let operator = FisherOperator::new(at.as_ref(), problem.likelihood(), NEVER)?;
    let search = |lanczos: Lanczos, seed: u64| -> Result<RitzPairs, BenchError> {
        Ok(lanczos.run(&operator, &mut ChaCha8Rng::seed_from_u64(seed))?)
    };
    let lanczos = Lanczos::largest(PAIRS);
    let timing = repeat(&bench.settings, Repeats::default(), || {
        on_the_clock(|| search(lanczos, VECTOR_SEED))
    })?;
    let found = search(lanczos, VECTOR_SEED)?;
    let tight = Lanczos {
        tolerance: 1e-12,
        ..lanczos
    };
    let reference = search(tight, VECTOR_SEED + 1)?;
    let products = found.products as f64 * product_work(&problem);
    let line = bench.timed(
        case,
        "time",
        timing,
        ("ms", 1e3),
        Rate::Multiplications(products),
    );
    let line = compared(line, &found.eigenvalues, &reference.eigenvalues);
    bench.emit(&line.with("matvecs", found.products))
}

/// Two passes forward in one, and the same back.
fn product_work(problem: &Problem) -> f64 {
    4.0 * (problem.start().len() * problem.specification.examples) as f64
}

/// `(1/N) Σ_s J_sᵀ (diag q − q qᵀ) J_s v` with Jacobians that are written down.
fn formed_product(problem: &Problem, vector: &[f64]) -> Vec<f64> {
    let (theta, widths) = (problem.start(), problem.specification.widths);
    let (p, k) = (theta.len(), problem.net.outputs());
    let mut total = vec![0.0; p];
    let mut rows = vec![0.0; p * k];
    let weight = 1.0 / problem.specification.examples as f64;
    for x in problem.train.inputs.chunks_exact(widths[0]) {
        let q = softmax(&jacobian(widths, theta, x, &mut rows));
        let along = |row: &[f64]| row.iter().zip(vector).map(|(j, v)| j * v).sum();
        let moved: Vec<f64> = rows.chunks_exact(p).map(along).collect();
        let mean: f64 = q.iter().zip(&moved).map(|(q, u)| q * u).sum();
        for ((row, q), u) in rows.chunks_exact(p).zip(&q).zip(&moved) {
            let pull = weight * q * (u - mean);
            for (t, j) in total.iter_mut().zip(row) {
                *t += pull * j;
            }
        }
    }
    total
}
