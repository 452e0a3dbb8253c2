//! P2 and P3: a damped natural-gradient step, from θ to θ.

use faer::linalg::solvers::{Llt, Solve as _};
use faer::{Mat, MatRef, Side};
use neuromanifold_optim::{Damping, NaturalGradient, Objective, Optimizer as _};

use super::dense_fisher::vector_check;
use crate::bench::Rate;
use crate::problem::{P1057, P20001, Problem, Specification};
use crate::reference::jacobian;
use crate::timing::on_the_clock;
use crate::{Bench, BenchError, Repeats, repeat};

/// λ.
const LAMBDA: f64 = 1e-3;

/// `P²N/2` multiplications for `G` and `P³/6` for its Cholesky factor.
pub(super) fn parameter_space(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let work = |p: f64, n: f64, _: &[usize]| p * p * n / 2.0 + p.powi(3) / 6.0;
    measure(case, bench, P1057, work)
}

/// `N²/2` inner products of activations and of derivatives in each layer for `K`, `N³/6` multiplications for its Cholesky
/// factor, and three passes through the network.
pub(super) fn sample_space(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    let work = |p: f64, n: f64, widths: &[usize]| {
        let layers = widths.windows(2).map(|pair| (pair[0] + pair[1]) as f64);
        n * n / 2.0 * layers.sum::<f64>() + n.powi(3) / 6.0 + 3.0 * n * p
    };
    measure(case, bench, P20001, work)
}

fn measure(
    case: &str,
    bench: &mut Bench<'_>,
    of: Specification,
    work: fn(f64, f64, &[usize]) -> f64,
) -> Result<(), BenchError> {
    let problem = Problem::load(of, bench.source)?;
    let batch = problem.batch()?;
    let objective = Objective::new(&batch, problem.likelihood(), &problem.train.targets)?;
    let mut optimizer = NaturalGradient::new(Damping::Fixed(LAMBDA))?;
    let mut theta = problem.start().to_vec();
    let timing = repeat(&bench.settings, Repeats::default(), || {
        on_the_clock(|| {
            theta.copy_from_slice(problem.start());
            Ok(optimizer.step(&objective, &mut theta)?)
        })
    })?;
    let step: Vec<f64> = theta
        .iter()
        .zip(problem.start())
        .map(|(new, old)| new - old)
        .collect();
    let check = vector_check(&step, &formed_step(&problem));
    let parameters = problem.start().len() as f64;
    let work = Rate::Multiplications(work(parameters, of.examples as f64, of.widths));
    let line = bench
        .timed(case, "time_per_step", timing, ("ms", 1e3), work)
        .checked(check);
    bench.emit(&line)
}

/// The step from a Jacobian that is written down: `−(JᵀJ/N + λI)⁻¹ Jᵀr/N`, or `−Jᵀ(JJᵀ/N + λI)⁻¹ r/N` where there are
/// more parameters than examples. NaN if there is no Cholesky factor.
fn formed_step(problem: &Problem) -> Vec<f64> {
    let (theta, widths) = (problem.start(), problem.specification.widths);
    let (p, n) = (theta.len(), problem.specification.examples);
    let mut columns = vec![0.0; p * n];
    let residuals: Vec<f64> = problem
        .train
        .inputs
        .chunks_exact(widths[0])
        .zip(columns.chunks_exact_mut(p))
        .zip(&problem.train.targets)
        .map(|((x, row), y)| jacobian(widths, theta, x, row)[0] - y)
        .collect();
    let transposed = MatRef::from_column_major_slice(&columns, p, n); // Jᵀ
    let residual = Mat::from_fn(n, 1, |s, _| -residuals[s] / n as f64);
    let few = p <= n;
    let product: Mat<f64> = if few {
        transposed * transposed.transpose()
    } else {
        transposed.transpose() * transposed
    };
    let damped = Mat::from_fn(product.nrows(), product.ncols(), |i, j| {
        product[(i, j)] / n as f64 + if i == j { LAMBDA } else { 0.0 }
    });
    let Ok(factor) = Llt::new(damped.as_ref(), Side::Lower) else {
        return vec![f64::NAN; p];
    };
    let step: Mat<f64> = if few {
        factor.solve(transposed * residual)
    } else {
        transposed * factor.solve(residual)
    };
    step.col(0).iter().copied().collect()
}
