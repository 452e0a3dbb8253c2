//! One run: an optimiser on a problem, watched at steps that grow geometrically.

use std::time::Instant;

use neuromanifold_mlp::{Initialization, OnBatch};
use neuromanifold_optim::{Objective, OptimError, Optimizer, Step};
use rand_chacha::ChaCha8Rng;

use super::contender::{Contender, Setting};
use super::observation::Observer;
use super::problem::Problem;
use super::run::{Ending, Run};
use crate::data::{Batches, Dataset, Parts};
use crate::{Context, HarnessError};

/// Streams of the generators for initial parameters and for the order of mini-batches; a problem's and a seed's own are
/// added.
const INITIAL: u64 = 10_000;
const ORDER: u64 = 20_000;
/// Seeds of one problem.
const SEEDS: u64 = 100;
/// Standard deviation of the initial biases.
const BIASES: f64 = 0.1;

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) problem: &'a Problem,
    /// Where the problem stands in the report: runs of different problems have different random numbers.
    pub(super) place: u64,
    pub(super) parts: &'a Parts,
    pub(super) contender: Contender,
    pub(super) setting: Setting,
    pub(super) steps: usize,
    /// Contenders start from the same θ and see batches in the same order for the same seed.
    pub(super) seed: u64,
    pub(super) watched: Watched,
}

/// What is measured on the way; the rest is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    Everything,
    Validation,
    Training,
}

impl Watched {
    /// The next step at which a run is looked at: a factor on, the smaller the finer the curve is to be drawn.
    fn following(self, step: usize) -> usize {
        let points_a_doubling = if self == Self::Everything { 6.0 } else { 3.0 };
        let factor = f64::exp2(1.0 / points_a_doubling);
        ((step as f64 * factor).round() as usize).max(step + 1)
    }
}

/// The plan for each of so many seeds, from that of the plan on, one run at a time, so that none slows another down.
pub(super) fn repeat(
    plan: Plan<'_>,
    seeds: u64,
    context: &Context,
) -> Result<Vec<Run>, HarnessError> {
    let one = |seed| {
        let run = train(&Plan { seed, ..plan }, context);
        context.progress().advance(1);
        run
    };
    (plan.seed..plan.seed + seeds).map(one).collect()
}

/// Trains, unless that was done before the session was stopped.
pub(super) fn train(plan: &Plan<'_>, context: &Context) -> Result<Run, HarnessError> {
    let Plan {
        problem,
        place,
        parts,
        contender,
        setting,
        steps,
        seed,
        watched,
    } = plan;
    let sizes = [&parts.train, &parts.validation, &parts.test].map(|part| part.len());
    let name = &problem.name;
    let key =
        format!("{place} {name} {sizes:?} {contender:?} {setting:?} {steps} {seed} {watched:?}");
    context.unit(key, || run(plan, context))
}

/// Trains; the clock stands still while the run is looked at.
///
/// An optimiser that cannot go on ends the run, which is then a result and no error.
fn run(plan: &Plan<'_>, context: &Context) -> Result<Run, HarnessError> {
    let stream = plan.place * SEEDS + plan.seed;
    let initial = &mut context.rng(INITIAL + stream);
    let net = &plan.problem.net;
    let mut theta = net.initialize_with_biases(Initialization::LeCun, BIASES, initial);
    let mut optimizer = plan.contender.optimizer(plan.setting, plan.steps)?;
    let mut feed = Feed::new(plan, context.rng(ORDER + stream))?;
    let mut observer = Observer::new(plan)?;

    let mut run = Run {
        points: vec![observer.look(Progress::default(), &theta)?],
        ending: Ending::Complete,
    };
    let (mut progress, mut next) = (Progress::default(), 1);
    while progress.step < plan.steps && run.ending == Ending::Complete {
        let clock = Instant::now();
        let result = feed.step(optimizer.as_mut(), &mut theta);
        progress.seconds += clock.elapsed().as_secs_f64();
        progress.step += 1;
        progress.seen = feed.seen;
        run.ending = ending(result, progress.step)?;
        if progress.step == next || progress.step == plan.steps || run.ending != Ending::Complete {
            context.check()?;
            next = plan.watched.following(progress.step);
            match observer.look(progress, &theta) {
                Ok(point) if !run.is_exceeded_by(&point) => run.points.push(point),
                // or the parameters have become so large that the outputs overflow
                Ok(_) | Err(HarnessError::Model(_)) => {
                    let step = progress.step;
                    run.ending = Ending::Diverged { step };
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(run)
}

/// What the result of a step means for its run; an error that no setting of an optimiser can cause is passed on.
fn ending(result: Result<Step, HarnessError>, step: usize) -> Result<Ending, HarnessError> {
    use OptimError as Cause;
    match result {
        Ok(done) if done.accepted => Ok(Ending::Complete),
        Ok(_) => Ok(Ending::Minimum),
        Err(HarnessError::Optim(cause)) => match cause {
            Cause::PositiveDefinitenessLost { .. } => Ok(Ending::DefinitenessLost { step }),
            Cause::Indefinite { .. } => Ok(Ending::RoundedAway { step }),
            Cause::NonFinite { .. } | Cause::Model(_) | Cause::Metric(_) => {
                Ok(Ending::Diverged { step })
            }
            cause => Err(cause.into()),
        },
        Err(error) => Err(error),
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    pub(super) step: usize,
    pub(super) seen: usize,
    pub(super) seconds: f64,
}

/// The training examples, all of them or batch by batch.
struct Feed<'a> {
    problem: &'a Problem,
    train: &'a Dataset,
    /// The network on all examples, unless they come in batches.
    whole: Option<OnBatch<'a>>,
    batches: Batches<'a>,
    order: ChaCha8Rng,
    /// Examples that were shown so far.
    seen: usize,
}

impl<'a> Feed<'a> {
    fn new(plan: &Plan<'a>, mut order: ChaCha8Rng) -> Result<Self, HarnessError> {
        let (problem, train) = (plan.problem, &plan.parts.train);
        let examples = plan.setting.batch.examples(train.len());
        let mut batches = Batches::new(train, examples)?;
        batches.shuffle(&mut order);
        let all = examples == train.len();
        Ok(Self {
            problem,
            train,
            whole: if all {
                Some(problem.net.on(train.inputs())?)
            } else {
                None
            },
            batches,
            order,
            seen: 0,
        })
    }

    /// One step of the optimiser on the next batch.
    fn step(
        &mut self,
        optimizer: &mut dyn Optimizer,
        theta: &mut [f64],
    ) -> Result<Step, HarnessError> {
        let likelihood = self.problem.likelihood.as_ref();
        if let Some(whole) = &self.whole {
            self.seen += self.train.len();
            let objective = Objective::new(whole, likelihood, self.train.targets())?;
            return Ok(optimizer.step(&objective, theta)?);
        }
        let batch = match self.batches.next_batch() {
            Some(batch) => batch,
            None => {
                self.batches.shuffle(&mut self.order);
                self.batches
                    .next_batch()
                    .unwrap_or_else(|| unreachable!("an epoch has a batch"))
            }
        };
        self.seen += batch.examples.len();
        let map = self.problem.net.on(batch.inputs)?;
        let objective = Objective::new(&map, likelihood, batch.targets)?;
        Ok(optimizer.step(&objective, theta)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_settings_can_cause_end_a_run_and_others_are_passed_on() {
        let overflow = OptimError::NonFinite {
            what: neuromanifold_optim::Quantity::Loss,
            step: 7,
            value: f64::INFINITY,
        };
        assert_eq!(
            ending(Err(overflow.into()), 7).unwrap(),
            Ending::Diverged { step: 7 }
        );
        let lost = OptimError::PositiveDefinitenessLost {
            step: 3,
            quadratic_form: 20.0,
            limit: 11.0,
            epsilon: 0.1,
        };
        assert_eq!(
            ending(Err(lost.into()), 3).unwrap(),
            Ending::DefinitenessLost { step: 3 }
        );
        let bug = OptimError::Dimension {
            expected: 3,
            got: 4,
        };
        assert!(ending(Err(bug.into()), 1).is_err());
    }

    #[test]
    fn runs_are_looked_at_ever_less_often() {
        let mut steps = vec![1];
        while *steps.last().unwrap() < 1000 {
            steps.push(Watched::Everything.following(*steps.last().unwrap()));
        }
        assert!(steps.windows(2).all(|pair| pair[1] > pair[0]));
        assert!((45..60).contains(&steps.len()), "{steps:?}");
    }
}
