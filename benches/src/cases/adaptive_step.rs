//! P4: adaptive natural gradient, one example a step.

use std::time::Instant;

use neuromanifold_mlp::OnBatch;
use neuromanifold_optim::{AdaptiveNaturalGradient, Objective, Optimizer as _, Rule, Schedule};

use crate::bench::Rate;
use crate::measurement::rounded;
use crate::problem::{P257, P1057, P4097, Problem, Specification};
use crate::reference::norm;
use crate::{Bench, BenchError, Repeats, Timing, repeat};

/// ε and η.
const RATE: f64 = 1e-3;

pub(super) fn p257(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P257, 2000)
}

pub(super) fn p1057(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P1057, 300)
}

pub(super) fn p4097(case: &'static str, bench: &mut Bench<'_>) -> Result<(), BenchError> {
    measure(case, bench, P4097, 20)
}

/// The first `steps` examples in the order of the file, from the identity. The first step, in which the estimate is
/// allocated, is off the clock.
fn measure(
    case: &str,
    bench: &mut Bench<'_>,
    of: Specification,
    steps: usize,
) -> Result<(), BenchError> {
    let problem = Problem::load(of, bench.source)?;
    let examples = |s: usize| &problem.train.inputs[s * of.widths[0]..][..of.widths[0]];
    let rate = Schedule::constant(RATE)?;
    let mut theta = problem.start().to_vec();
    let repeats = Repeats {
        warm: 1,
        at_least: 7,
        budget: 12.0,
    };
    let timing = repeat(&bench.settings, repeats, || {
        theta.copy_from_slice(problem.start());
        let mut optimizer = AdaptiveNaturalGradient::new(Rule::FirstOrder, rate, rate);
        let mut step = |s: usize| -> Result<(), BenchError> {
            let batch: OnBatch<'_> = problem.net.on_slice(examples(s))?;
            let target = &problem.train.targets[s..=s];
            let objective = Objective::new(&batch, problem.likelihood(), target)?;
            optimizer.step(&objective, &mut theta)?;
            Ok(())
        };
        step(0)?;
        let start = Instant::now();
        (1..steps).try_for_each(&mut step)?;
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
    let work = Rate::Bytes(8.0 * p * (p + 1.0) / 2.0);
    let line = bench
        .timed(case, "time_per_sample", timing, ("us", 1e6), work)
        .with("K", steps)
        .with("check", rounded(norm(&theta), 12));
    bench.emit(&line)
}
