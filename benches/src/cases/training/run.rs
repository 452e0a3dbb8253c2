//! One training run.

use std::ops::ControlFlow;

use neuromanifold_mlp::OnBatch;
use neuromanifold_model::OutputMap as _;
use neuromanifold_optim::{Objective, OptimError, Optimizer};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::contender::Contender;
use super::stopwatch::Stopwatch;
use crate::BenchError;
use crate::problem::{Examples, Law, Problem};

/// A problem with what training needs, made off the clock.
pub(super) struct Training<'a> {
    problem: &'a Problem,
    batch: OnBatch<'a>,
    test: Option<(OnBatch<'a>, &'a Examples)>,
    targets: &'a [f64],
}

/// What came of a run.
pub(super) struct Run {
    pub(super) watch: Stopwatch,
    /// The loss at the end: mean square error, or nats for classes.
    pub(super) loss: f64,
    /// Root mean square error over the standard deviation, or the share of wrong classes, on what was held out.
    pub(super) test_error: Option<f64>,
}

impl<'a> Training<'a> {
    pub(super) fn new(problem: &'a Problem, targets: &'a [f64]) -> Result<Self, BenchError> {
        let test = match &problem.test {
            Some(test) => Some((problem.net.on_slice(&test.inputs)?, test)),
            None => None,
        };
        Ok(Self {
            problem,
            batch: problem.batch()?,
            test,
            targets,
        })
    }

    pub(super) fn targets(&self) -> &'a [f64] {
        self.targets
    }

    pub(super) fn starts(&self) -> &'a [Vec<f64>] {
        &self.problem.starts
    }

    pub(super) fn law(&self) -> Law {
        self.problem.specification.law
    }

    /// Mean square error, or mean negative log-likelihood in nats for classes; NaN where the network has none.
    fn loss(&self, theta: &[f64]) -> f64 {
        let y = &self.problem.train.targets;
        match outputs(&self.batch, theta) {
            None => f64::NAN,
            Some(z) => match self.law() {
                Law::Number => square_error(&z, y),
                Law::Class => {
                    let law = self.problem.likelihood();
                    let examples = z.chunks_exact(self.problem.net.outputs()).zip(y.chunks(1));
                    let total: f64 = examples
                        .map(|(z, y)| law.negative_log_likelihood(z, y))
                        .sum();
                    total / y.len() as f64
                }
            },
        }
    }

    fn test_error(&self, theta: &[f64]) -> Option<f64> {
        let (batch, test) = self.test.as_ref()?;
        let z = outputs(batch, theta)?;
        let y = &test.targets;
        let count = y.len() as f64;
        Some(match self.law() {
            Law::Number => {
                let mean = y.iter().sum::<f64>() / count;
                let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count;
                (square_error(&z, y) / variance).sqrt()
            }
            Law::Class => {
                let examples = z.chunks_exact(self.problem.net.outputs()).zip(y);
                let wrong = examples.filter(|(z, y)| likeliest(z) != **y as usize);
                wrong.count() as f64 / count
            }
        })
    }
}

fn outputs(batch: &OnBatch<'_>, theta: &[f64]) -> Option<Vec<f64>> {
    let mut z = vec![0.0; batch.dims().output_len()];
    batch.outputs(theta, &mut z).ok().map(|()| z)
}

fn square_error(z: &[f64], y: &[f64]) -> f64 {
    let squares = z.iter().zip(y).map(|(z, y)| (z - y).powi(2));
    squares.sum::<f64>() / y.len() as f64
}

fn likeliest(z: &[f64]) -> usize {
    (0..z.len()).fold(0, |best, k| if z[k] > z[best] { k } else { best })
}

/// Steps until all targets are reached, time is up, or the optimiser gets no further.
///
/// # Errors
/// If the optimiser refuses its setting. A step that fails ends the run.
pub(super) fn train(
    contender: Contender,
    setting: Option<f64>,
    training: &Training<'_>,
    start: &[f64],
    mut watch: Stopwatch,
) -> Result<Run, OptimError> {
    let mut optimizer = contender.optimizer(setting)?;
    let mut theta = start.to_vec();
    match contender.batch() {
        None => whole_batch(optimizer.as_mut(), training, &mut theta, &mut watch)?,
        Some(size) => mini_batches(optimizer.as_mut(), training, size, &mut theta, &mut watch),
    }
    Ok(Run {
        loss: training.loss(&theta),
        test_error: training.test_error(&theta),
        watch,
    })
}

/// The loss is looked at after every step, off the clock.
fn whole_batch(
    optimizer: &mut dyn Optimizer,
    training: &Training<'_>,
    theta: &mut [f64],
    watch: &mut Stopwatch,
) -> Result<(), OptimError> {
    let problem = training.problem;
    let objective = Objective::new(
        &training.batch,
        problem.likelihood(),
        &problem.train.targets,
    )?;
    loop {
        let step = watch.run(1, || optimizer.step(&objective, theta));
        let moved = step.is_ok_and(|step| step.accepted || step.exploring);
        if !moved || watch.see(training.loss(theta)).is_break() {
            return Ok(());
        }
    }
}

/// The loss is looked at after every pass through the examples, off the clock. Another order in each pass.
fn mini_batches(
    optimizer: &mut dyn Optimizer,
    training: &Training<'_>,
    size: usize,
    theta: &mut [f64],
    watch: &mut Stopwatch,
) {
    let Examples { inputs, targets } = &training.problem.train;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let steps = targets.len().div_ceil(size) as u64;
    let n = training.problem.net.inputs();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    loop {
        let pass = watch.run(steps, || {
            order.shuffle(&mut rng);
            for chosen in order.chunks(size) {
                x.clear();
                y.clear();
                for &s in chosen {
                    x.extend_from_slice(&inputs[s * n..][..n]);
                    y.push(targets[s]);
                }
                if step(optimizer, training.problem, &x, &y, theta).is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        if pass.is_break() || watch.see(training.loss(theta)).is_break() {
            return;
        }
    }
}

fn step(
    optimizer: &mut dyn Optimizer,
    problem: &Problem,
    x: &[f64],
    y: &[f64],
    theta: &mut [f64],
) -> Result<(), BenchError> {
    let batch = problem.net.on_slice(x)?;
    let objective = Objective::new(&batch, problem.likelihood(), y)?;
    optimizer.step(&objective, theta)?;
    Ok(())
}
