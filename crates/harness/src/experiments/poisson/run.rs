//! One optimiser on one equation, from one start.

use std::time::{Duration, Instant};

use neuromanifold_model::Gaussian;
use neuromanifold_optim::{Adam, NaturalGradient, Objective, Optimizer, Schedule};

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::{Context, HarnessError, Lbfgs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    Natural,
    Lbfgs,
    Adam,
}

impl Contender {
    pub(super) const ALL: [Self; 3] = [Self::Natural, Self::Lbfgs, Self::Adam];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Natural => "natural gradient",
            Self::Lbfgs => "L-BFGS",
            Self::Adam => "Adam",
        }
    }

    fn optimizer(self) -> Result<Box<dyn Optimizer>, HarnessError> {
        Ok(match self {
            Self::Natural => Box::new(NaturalGradient::auto()),
            Self::Lbfgs => Box::new(Lbfgs::new(50)),
            Self::Adam => Box::new(Adam::new(Schedule::step_decay(3e-3, 0.5, 2000)?)),
        })
    }
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Steps(u64),
    Time(Duration),
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) seconds: Vec<f64>,
    pub(super) errors: Vec<f64>,
    pub(super) theta: Vec<f64>,
    pub(super) steps: u64,
}

impl Run {
    pub(super) fn error(&self) -> f64 {
        self.errors.last().copied().unwrap_or(f64::NAN)
    }

    pub(super) fn total(&self) -> f64 {
        self.seconds.last().copied().unwrap_or(f64::NAN)
    }

    /// The seconds after which the error was first seen at or below the goal; infinite if never.
    pub(super) fn seconds_to(&self, goal: f64) -> f64 {
        let seen = self.errors.iter().position(|error| *error <= goal);
        seen.map_or(f64::INFINITY, |at| self.seconds[at])
    }
}

/// The clock runs only while steps are taken; the error is looked at after each 5 % of steps, and at the end.
pub(super) fn run(
    contender: Contender,
    problem: &Problem,
    start: &[f64],
    end: End,
    context: &Context,
) -> Result<Run, HarnessError> {
    let targets = problem.equation.targets();
    let objective = Objective::new(&problem.equation, &Gaussian::UNIT, &targets)?;
    let mut optimizer = contender.optimizer()?;
    let mut theta = start.to_vec();
    let mut spent = Duration::ZERO;
    let mut run = Run {
        seconds: vec![0.0],
        errors: vec![problem.relative_error(start)?],
        theta: Vec::new(),
        steps: 0,
    };
    let mut next_look = 1;
    loop {
        let over = match end {
            End::Steps(steps) => run.steps >= steps,
            End::Time(time) => spent >= time,
        };
        let mut last = over;
        if !over {
            let clock = Instant::now();
            let step = optimizer.step(&objective, &mut theta)?;
            spent += clock.elapsed();
            run.steps += 1;
            last = !step.accepted && !step.exploring;
        }
        if last || run.steps >= next_look {
            context.check()?;
            next_look = run.steps + (run.steps / 20).max(1);
            run.seconds.push(spent.as_secs_f64());
            run.errors.push(problem.relative_error(&theta)?);
        }
        if last {
            run.theta = theta;
            return Ok(run);
        }
    }
}
