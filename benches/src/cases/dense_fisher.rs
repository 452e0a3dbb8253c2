//! P1: the Fisher matrix, from θ to all its entries.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use neuromanifold_geometry::DenseFisher;
use neuromanifold_model::OutputMap as _;

use crate::bench::Rate;
use crate::measurement::rounded;
use crate::problem::{DEEP, Law, P1057, Problem, Specification};
use crate::reference::{jacobian, norm, softmax};
use crate::timing::on_the_clock;
use crate::{Bench, BenchError, Repeats, repeat};

pub(super) fn shallow(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P1057, usize::MAX, Repeats::default())
}

/// Of the check only the first 64 rows, since the reference is slow.
pub(super) fn deep(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let repeats = Repeats {
        warm: 0,
        at_least: 3,
        budget: 20.0,
    };
    measure(case, bench, DEEP, 64, repeats)
}

fn measure(
    case: &str,
    bench: &mut Bench<'_>,
    of: Specification,
    rows: usize,
    repeats: Repeats,
) -> Result<(), BenchError> {
    let problem = Problem::load(of, bench.source)?;
    let batch = problem.batch()?;
    let fisher = || {
        let at = batch.linearize(problem.start())?;
        Ok::<_, BenchError>(DenseFisher::new(at.as_ref(), problem.likelihood())?)
    };
    let timing = repeat(&bench.settings, repeats, || on_the_clock(fisher))?;
    let matrix = fisher()?;
    let (error, size) = compared(matrix.matrix(), &problem, rows);
    let (p, columns) = (problem.start().len() as f64, columns(&problem));
    // JᵀHJ as a product of a matrix with its own transpose, of which one triangle is computed
    let work = Rate::Multiplications(columns * p * (p + 1.0) / 2.0);
    let line = bench
        .timed(case, "time", timing, ("ms", 1e3), work)
        .with("rel_err", rounded(error, 2))
        .with("check", rounded(size, 12));
    bench.emit(&line)
}

/// `rN`, the number of columns of `A` in `G = A Aᵀ`.
pub(super) fn columns(problem: &Problem) -> f64 {
    let rank = problem.likelihood().factor_rank(problem.net.outputs());
    (rank * problem.specification.examples) as f64
}

/// `|G − G_ref|/|G_ref|` over the first rows, and `|G|` over all, Frobenius.
fn compared(matrix: MatRef<'_, f64>, problem: &Problem, rows: usize) -> (f64, f64) {
    let rows = rows.min(matrix.nrows());
    let expected = first_rows(problem, rows);
    let found = matrix.subrows(0, rows);
    let error = (found - &expected).norm_l2() / expected.norm_l2();
    (error, matrix.norm_l2())
}

/// The first rows of `(1/N) Σ_s V_sᵀV_s` from Jacobians that are written down, with `V_s = J_s`, or for classes of
/// probabilities `q` with rows `√q_c (J_c − Σ_k q_k J_k)`.
pub(super) fn first_rows(problem: &Problem, rows: usize) -> Mat<f64> {
    const EXAMPLES: usize = 100;
    let (theta, widths) = (problem.start(), problem.specification.widths);
    let (p, k) = (theta.len(), problem.net.outputs());
    let mut total = Mat::zeros(rows, p);
    let mut block = vec![0.0; EXAMPLES * k * p];
    let weight = 1.0 / problem.specification.examples as f64;
    for inputs in problem.train.inputs.chunks(EXAMPLES * widths[0]) {
        let mut used = 0;
        for (x, one) in inputs
            .chunks_exact(widths[0])
            .zip(block.chunks_exact_mut(k * p))
        {
            let z = jacobian(widths, theta, x, one);
            if problem.specification.law == Law::Class {
                centre(&softmax(&z), one);
            }
            used += one.len();
        }
        let columns = MatRef::from_column_major_slice(&block[..used], p, used / p);
        let left = columns.subrows(0, rows);
        let par = Par::rayon(0);
        matmul(
            &mut total,
            Accum::Add,
            left,
            columns.transpose(),
            weight,
            par,
        );
    }
    total
}

fn centre(q: &[f64], jacobian: &mut [f64]) {
    let p = jacobian.len() / q.len();
    let mut mean = vec![0.0; p];
    for (q, row) in q.iter().zip(jacobian.chunks_exact(p)) {
        for (m, j) in mean.iter_mut().zip(row) {
            *m += q * j;
        }
    }
    for (q, row) in q.iter().zip(jacobian.chunks_exact_mut(p)) {
        for (j, m) in row.iter_mut().zip(&mean) {
            *j = q.sqrt() * (*j - m);
        }
    }
}

/// `|v|` and `|v − w|/|w|` of vectors, as keys of a line.
pub(super) fn vector_check(found: &[f64], expected: &[f64]) -> [(&'static str, f64); 2] {
    let error = crate::reference::relative_error(found, expected);
    [("rel_err", error), ("check", norm(found))]
}
