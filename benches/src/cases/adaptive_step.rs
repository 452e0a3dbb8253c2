//! P4: adaptive natural gradient, one example a step.

use std::time::Instant;

use neuromanifold_mlp::OnBatch;
use neuromanifold_optim::{
    AdaptiveNaturalGradient, Objective, Optimizer as _, Rule, Schedule, Storage,
};

use crate::bench::Rate;
use crate::measurement::rounded;
use crate::problem::{P257, P1057, P4097, Problem, Specification};
use crate::reference::norm;
use crate::{Bench, BenchError, Repeats, Timing, repeat};

/// ε and η.
const RATE: f64 = 1e-3;

pub(super) fn p257(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P257, 2000, Storage::Double)
}

pub(super) fn p1057(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P1057, 300, Storage::Double)
}

pub(super) fn p4097(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P4097, 20, Storage::Double)
}

pub(super) fn p4097_single(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P4097, 20, Storage::Single)
}

/// Somebody who learns from the examples in the order of the file, from the identity.
struct Learner<'a> {
    problem: &'a Problem,
    optimizer: AdaptiveNaturalGradient,
    theta: Vec<f64>,
}

impl<'a> Learner<'a> {
    fn new(problem: &'a Problem, storage: Storage) -> Result<Self, BenchError> {
        let rate = Schedule::constant(RATE)?;
        Ok(Self {
            problem,
            optimizer: AdaptiveNaturalGradient::new(Rule::FirstOrder, rate, rate)
                .with_storage(storage),
            theta: problem.start().to_vec(),
        })
    }

    fn step(&mut self, example: usize) -> Result<(), BenchError> {
        let Problem { net, train, .. } = self.problem;
        let inputs = &train.inputs[example * net.inputs()..][..net.inputs()];
        let batch: OnBatch<'_> = net.on_slice(inputs)?;
        let target = &train.targets[example..=example];
        let objective = Objective::new(&batch, self.problem.likelihood(), target)?;
        self.optimizer.step(&objective, &mut self.theta)?;
        Ok(())
    }
}

/// The first step, in which the estimate is allocated, is off the clock.
fn measure(
    case: &str,
    bench: &mut Bench<'_>,
    of: Specification,
    steps: usize,
    storage: Storage,
) -> Result<(), BenchError> {
    let problem = Problem::load(of, bench.source)?;
    let repeats = Repeats {
        warm: 1,
        at_least: 7,
        budget: 12.0,
    };
    let mut last = Learner::new(&problem, storage)?;
    let timing = repeat(&bench.settings, repeats, || {
        last = Learner::new(&problem, storage)?;
        last.step(0)?;
        let start = Instant::now();
        (1..steps).try_for_each(|example| last.step(example))?;
        Ok(start.elapsed())
    })?;
    let a_step = 1.0 / (steps - 1) as f64;
    let timing = Timing {
        median: timing.median * a_step,
        min: timing.min * a_step,
        max: timing.max * a_step,
        ..timing
    };
    // one triangle of the estimate is read once
    let p = problem.start().len() as f64;
    let bytes = if storage == Storage::Single { 4.0 } else { 8.0 };
    let work = Rate::Bytes(bytes * p * (p + 1.0) / 2.0);
    let mut line = bench
        .timed(case, "time_per_sample", timing, ("us", 1e6), work)
        .with("K", steps)
        .with("check", rounded(norm(&last.theta), 12));
    if storage == Storage::Single {
        line = line.with("rel_err", rounded(error_of_single(&problem)?, 3));
    }
    bench.emit(&line)
}

/// By how much a direction by the estimate differs from the one by an estimate in double precision, after so many steps
/// that the estimate has been written several times.
fn error_of_single(problem: &Problem) -> Result<f64, BenchError> {
    const STEPS: usize = 200;
    let gradient = problem.start();
    let direction = |storage| -> Result<Vec<f64>, BenchError> {
        let mut learner = Learner::new(problem, storage)?;
        (0..STEPS).try_for_each(|example| learner.step(example))?;
        let mut direction = vec![0.0; gradient.len()];
        learner.optimizer.direction(gradient, &mut direction);
        Ok(direction)
    };
    let (rounded, exact) = (direction(Storage::Single)?, direction(Storage::Double)?);
    let difference: Vec<f64> = rounded.iter().zip(&exact).map(|(a, b)| a - b).collect();
    Ok(norm(&difference) / norm(&exact))
}
