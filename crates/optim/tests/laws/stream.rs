//! Endless streams of examples, and the matrices that an estimate of the inverse metric is compared with.

use crate::models::Case;
use faer::linalg::solvers::{DenseSolveCore, Llt};
use faer::{Mat, MatRef, Side};
use neuromanifold_geometry::DenseFisher;
use neuromanifold_model::{Likelihood, OutputMap};
use neuromanifold_optim::{Objective, OptimError, Optimizer};

pub(crate) fn fisher(map: &dyn OutputMap, likelihood: &dyn Likelihood, theta: &[f64]) -> Mat<f64> {
    let linearization = map.linearize(theta).unwrap();
    let fisher = DenseFisher::new(linearization.as_ref(), likelihood).unwrap();
    fisher.matrix().to_owned()
}

pub(crate) fn inverse(matrix: MatRef<'_, f64>) -> Mat<f64> {
    Llt::new(matrix, Side::Lower).unwrap().inverse()
}

pub(crate) fn smallest_eigenvalue(matrix: MatRef<'_, f64>) -> f64 {
    matrix.self_adjoint_eigenvalues(Side::Lower).unwrap()[0]
}

pub(crate) fn largest_eigenvalue(matrix: MatRef<'_, f64>) -> f64 {
    *matrix
        .self_adjoint_eigenvalues(Side::Lower)
        .unwrap()
        .last()
        .unwrap()
}

/// The batches of an endless stream, each of `size` examples.
pub(crate) fn batches(case: &Case, size: usize) -> impl Iterator<Item = (&[f64], &[f64])> {
    let width = case.likelihood.target_len(case.net.outputs());
    let inputs = case.inputs.chunks_exact(size * case.net.inputs());
    inputs.zip(case.targets.chunks_exact(size * width)).cycle()
}

/// So many steps on the stream of a case.
pub(crate) fn learn(
    optimizer: &mut dyn Optimizer,
    case: &Case,
    theta: &mut [f64],
    size: usize,
    steps: usize,
) -> Result<(), OptimError> {
    for (x, y) in batches(case, size).take(steps) {
        let batch = case.net.on_slice(x).unwrap();
        let objective = Objective::new(&batch, case.likelihood.as_ref(), y)?;
        optimizer.step(&objective, theta)?;
    }
    Ok(())
}
