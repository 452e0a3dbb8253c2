//! The exact natural gradient without a matrix of all parameters: linear in the number of inputs.

mod dense;
mod report;
mod step;
mod warm;

use self::dense::Dense;
use self::step::Timed;
use self::warm::WarmHeap;
use crate::{Context, Experiment, HarnessError, Record, Source};

/// `linear-time`: the exact damped natural-gradient step of one hidden layer on Gaussian inputs against the number of inputs.
///
/// Times are those of the processor on one thread, the fastest of several rounds through all
/// networks; where a fit does not hold, rounds are added, and if they still differ from each other, nothing is claimed of it.
#[derive(Debug)]
pub struct LinearTime;

/// Hidden units m.
const UNITS: [usize; 3] = [5, 10, 20];
/// λ.
const DAMPING: f64 = 1e-3;

impl Experiment for LinearTime {
    fn name(&self) -> &'static str {
        "linear-time"
    }

    fn title(&self) -> &'static str {
        "The exact natural gradient in linear time"
    }

    fn question(&self) -> &'static str {
        "What does an exact natural-gradient step cost for one hidden layer and Gaussian inputs, where the metric has 10^{12} entries?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "H. H. Yang, S. Amari",
                1998,
                "Complexity issues in natural gradient descent method for training multilayer perceptrons",
                "Neural Computation 10(8), 2137–2157",
            )
            .doi("10.1162/089976698300017007"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let inputs: &[usize] = context.pick(
            &[1_000, 5_000, 20_000, 50_000, 100_000],
            &[1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000],
            &[
                1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
            ],
        );
        let mut steps = Vec::new();
        for units in UNITS {
            for &inputs in inputs {
                steps.push(Timed::new(inputs, units));
            }
        }
        let mut dense = Dense::sizes(context);
        // One thread, by its own clock, which stands still while others have the processor.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|source| HarnessError::Thread { source })?;
        pool.install(|| time(&mut steps, &mut dense, context))?;
        let mut record = Record::new();
        report::write(&mut record, &steps, &dense);
        Ok(record)
    }
}

/// Rounds through all networks, so that a busy minute spoils one time of each and not all of one; then a few more where the
/// fit does not hold.
fn time(steps: &mut [Timed], dense: &mut [Dense], context: &Context) -> Result<(), HarnessError> {
    let rounds = context.pick(3, 7, 15);
    let more = context.pick(20, 20, 30);
    let largest = steps.iter().map(Timed::parameters).fold(0.0, f64::max);
    // θ, g, the step, and a dozen arrays of the size of the weights
    let heap = WarmHeap::of(16 * 8 * largest as usize);
    context
        .progress()
        .begin("timing", rounds * (steps.len() + dense.len()));
    for _ in 0..rounds {
        for step in &mut *steps {
            step.round(context)?;
            context.progress().advance(1);
        }
        for dense in &mut *dense {
            dense.round(context)?;
            context.progress().advance(1);
        }
    }
    for _ in 0..more {
        for units in UNITS {
            if report::exponent(steps, units) > report::LINEAR {
                for step in steps.iter_mut().filter(|step| step.units == units) {
                    step.round(context)?;
                }
            }
        }
    }
    drop(heap);
    Ok(())
}
