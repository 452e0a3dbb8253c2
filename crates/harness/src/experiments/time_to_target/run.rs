//! One optimiser on one problem, from one start, until the last goal or the end of its time.

use std::time::{Duration, Instant};

use neuromanifold_optim::{Adam, Momentum, NaturalGradient, Objective, Optimizer, Schedule, Sgd};

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::{Context, HarnessError, Lbfgs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    Natural,
    Lbfgs,
    Adam,
    Sgd,
}

impl Contender {
    pub(super) const ALL: [Self; 4] = [Self::Natural, Self::Lbfgs, Self::Adam, Self::Sgd];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Natural => "natural gradient",
            Self::Lbfgs => "L-BFGS",
            Self::Adam => "Adam",
            Self::Sgd => "sgd with momentum",
        }
    }

    fn optimizer(self) -> Result<Box<dyn Optimizer>, HarnessError> {
        Ok(match self {
            Self::Natural => Box::new(NaturalGradient::auto()),
            Self::Lbfgs => Box::new(Lbfgs::new(50)),
            Self::Adam => Box::new(Adam::new(Schedule::constant(0.03)?)),
            Self::Sgd => {
                let sgd = Sgd::new(Schedule::constant(0.05)?);
                Box::new(sgd.with_momentum(Momentum::Nesterov(0.9))?)
            }
        })
    }
}

/// When each goal was reached.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// Seconds and steps to each goal; none where it was not reached.
    pub(super) reached: Vec<Option<(f64, u64)>>,
    pub(super) seconds: f64,
    /// Seconds and losses along the way.
    pub(super) curve: Vec<(f64, f64)>,
}

/// Natural gradient ends after its steps, the others after `time`. The clock runs only while steps are taken; the loss is looked
/// at after every step of natural gradient and L-BFGS, and every tenth of the others.
pub(super) fn run(
    contender: Contender,
    problem: &Problem,
    start: &[f64],
    time: Option<Duration>,
    context: &Context,
) -> Result<Run, HarnessError> {
    let batch = problem.net.on_slice(&problem.inputs)?;
    let objective = Objective::new(&batch, problem.likelihood.as_ref(), &problem.targets)?;
    let mut optimizer = contender.optimizer()?;
    let mut theta = start.to_vec();
    let every = match contender {
        Contender::Natural | Contender::Lbfgs => 1,
        Contender::Adam | Contender::Sgd => 10,
    };
    let mut spent = Duration::ZERO;
    let mut run = Run {
        reached: vec![None; problem.goals.len()],
        seconds: 0.0,
        curve: Vec::new(),
    };
    for t in 1.. {
        let clock = Instant::now();
        let step = optimizer.step(&objective, &mut theta)?;
        spent += clock.elapsed();
        run.seconds = spent.as_secs_f64();
        let over = match time {
            Some(time) => spent >= time,
            None => t >= problem.steps,
        };
        let stuck = !step.accepted && !step.exploring;
        if t % every != 0 && !over && !stuck {
            continue;
        }
        context.check()?;
        let loss = problem.loss(&objective, &theta)?;
        run.curve.push((run.seconds, loss));
        for (reached, goal) in run.reached.iter_mut().zip(&problem.goals) {
            if reached.is_none() && loss <= *goal {
                *reached = Some((run.seconds, t));
            }
        }
        if over || stuck || run.reached.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(run)
}
