//! P6: eigenvalues, eigenvectors and matrix-free products.

use neuromanifold_geometry::{
    ConjugateGradients, DenseFisher, FisherOperator, Metric as _, Spectrum,
};
use neuromanifold_model::OutputMap as _;

use super::dense_fisher::vector_check;
use crate::bench::Rate;
use crate::measurement::rounded;
use crate::problem::{DEEP, P1057, Problem};
use crate::reference::{jacobian, softmax};
use crate::split_mix::normal;
use crate::timing::on_the_clock;
use crate::{Bench, BenchError, Repeats, Timing, repeat};

/// Floating-point operations of a symmetric eigendecomposition with vectors and without, in units of `P³`.
///
/// G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed. (2013), §8.3.
const WITH_VECTORS: f64 = 9.0;
const VALUES_ONLY: f64 = 4.0 / 3.0;
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
    let top = reference.last().copied().unwrap_or(f64::NAN);
    let error = found
        .iter()
        .zip(reference)
        .fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    let largest = found.last().copied().unwrap_or(f64::NAN);
    let work = Rate::Multiplications(0.5 * cubes * (found.len() as f64).powi(3));
    let line = bench
        .timed(case, "time", timing, ("ms", 1e3), work)
        .with("max_rel_to_top", rounded(error / top, 2))
        .with("top", rounded(largest, 10));
    bench.emit(&line)
}

/// `G v` without a matrix; the linearisation at θ is made once.
pub(super) fn product(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let problem = Problem::load(DEEP, bench.source)?;
    let batch = problem.batch()?;
    let at = batch.linearize(problem.start())?;
    let stopping = ConjugateGradients {
        tolerance: 1e-10,
        max_products: 0,
    };
    let operator = FisherOperator::new(at.as_ref(), problem.likelihood(), stopping)?;
    let vector = normal(VECTOR_SEED, operator.dim());
    let mut image = vec![0.0; operator.dim()];
    let timing = repeat(&bench.settings, Repeats::default(), || {
        on_the_clock(|| {
            operator.lower(&vector, &mut image);
            Ok(())
        })
    })?;
    let [error, size] = vector_check(&image, &formed_product(&problem, &vector));
    // two passes forward in one, and the same back
    let work = 4.0 * operator.dim() as f64 * problem.specification.examples as f64;
    let line = bench
        .timed(
            case,
            "time_per_product",
            timing,
            ("ms", 1e3),
            Rate::Multiplications(work),
        )
        .with(error.0, rounded(error.1, 2))
        .with(size.0, rounded(size.1, 12));
    bench.emit(&line)
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
