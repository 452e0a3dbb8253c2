//! What a step costs, counted rather than timed, so that the number of steps of a run is a function of the problem alone.
//!
//! The constants are what one core of 2024 does; another machine has other wall times, but the same runs.

use super::contender::{Contender, Setting};
use super::problem::Problem;

/// Nominal seconds of a step that are the same for every size.
const OVERHEAD: f64 = 2e-6;
/// Nominal seconds for a unit of one example, forward and back.
const UNIT: f64 = 3.5e-9;
/// Nominal seconds for a weight of one example, forward and back.
const WEIGHT: f64 = 0.5e-9;
/// Multiplications that a nominal second does in products of large matrices.
const MULTIPLICATIONS: f64 = 50e9;
/// The dimension at which products of matrices have half that speed.
const SMALL: f64 = 400.0;
/// Nominal seconds for reading or writing an entry of a matrix.
const ENTRY: f64 = 0.3e-9;
/// Passes of a step that searches for its damping, on average: gradient, trial and the curvature of the path.
const PASSES: f64 = 2.7;

/// Steps of a run of so many nominal seconds on so many training examples; at least four.
pub(super) fn steps(
    problem: &Problem,
    contender: Contender,
    setting: Setting,
    all: usize,
    seconds: f64,
) -> usize {
    ((seconds / step(problem, contender, setting.batch.examples(all))) as usize).max(4)
}

/// Nominal seconds of one step of a contender on a batch.
pub(super) fn step(problem: &Problem, contender: Contender, batch: usize) -> f64 {
    let parameters = problem.net.parameters() as f64;
    let rank = problem.likelihood.factor_rank(problem.net.outputs()) as f64;
    let columns = rank * batch as f64;
    let products =
        |multiplications: f64| multiplications * (1.0 + SMALL / parameters) / MULTIPLICATIONS;
    let passes = pass(problem, batch);
    match contender {
        Contender::Momentum | Contender::Adam => OVERHEAD + passes,
        Contender::Natural => {
            let small = parameters.min(columns);
            OVERHEAD
                + PASSES * passes
                + products(parameters * columns * small / 2.0 + small.powi(3) / 5.0)
        }
        Contender::Adaptive | Contender::AdaptiveFirstOrder => {
            // one column needs one product of a matrix and a vector; more of them one of matrices
            let update = if columns > 1.0 {
                products(2.0 * parameters.powi(2) * columns)
            } else {
                0.0
            };
            OVERHEAD + passes + update + ENTRY * parameters.powi(2)
        }
    }
}

/// How many times the nominal seconds of a small problem a problem is given: more where passes take long.
pub(super) fn allowance(problem: &Problem) -> f64 {
    (pass(problem, problem.parts.train.len()) / 2e-4).clamp(1.0, 3.0)
}

fn pass(problem: &Problem, batch: usize) -> f64 {
    let units: usize = problem
        .net
        .layers()
        .iter()
        .map(|layer| layer.outputs())
        .sum();
    batch as f64 * (UNIT * units as f64 + WEIGHT * problem.net.parameters() as f64)
}
