//! One run: an optimiser on a problem, watched at steps that grow geometrically.

use std::time::Instant;

use neuromanifold_mlp::{Initialization, OnBatch};
use neuromanifold_model::OutputMap;
use neuromanifold_optim::{Objective, OptimError};

use super::contender::{Contender, Setting};
use super::problem::Problem;
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
/// Points of a curve in which the number of steps doubles.
const POINTS_A_DOUBLING: f64 = 3.0;

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

/// The state of a run after so many steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) step: usize,
    /// Wall time of the steps alone.
    pub(super) seconds: f64,
    pub(super) train: f64,
    /// NaN without validation examples.
    pub(super) validation: f64,
    pub(super) test_error: f64,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    /// All steps are taken.
    Complete,
    /// No step of any length reduces the loss.
    Minimum,
    /// The first-order rule was about to lose positive definiteness.
    DefinitenessLost { step: usize },
    /// Rounding had made the estimate of the inverse metric indefinite.
    RoundedAway { step: usize },
    /// A number overflowed, or the metric could not be inverted.
    Diverged { step: usize },
}

/// A run that was made.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) points: Vec<Point>,
    pub(super) ending: Ending,
}

impl Run {
    /// The point to keep: of least validation loss, the last one without validation examples.
    pub(super) fn kept(&self) -> Point {
        let finite = self.points.iter().filter(|point| point.validation.is_finite());
        let best = finite.min_by(|a, b| a.validation.total_cmp(&b.validation));
        *best.unwrap_or_else(|| self.last())
    }

    /// The point where it ended.
    pub(super) fn last(&self) -> &Point {
        &self.points[self.points.len() - 1]
    }
}

impl Ending {
    /// Whether all the steps that made sense were taken.
    pub(super) fn is_sound(self) -> bool {
        matches!(self, Self::Complete | Self::Minimum)
    }
}

/// Trains; the clock stands still while the run is looked at.
///
/// An optimiser that cannot go on ends the run, which is then a result and no error.
pub(super) fn train(plan: &Plan<'_>, context: &Context) -> Result<Run, HarnessError> {
    let Plan { problem, parts, setting, .. } = *plan;
    let stream = plan.place * SEEDS + plan.seed;
    let mut order = context.rng(ORDER + stream);
    let initial = &mut context.rng(INITIAL + stream);
    let mut theta = problem.net.initialize_with_biases(Initialization::LeCun, BIASES, initial);
    let mut optimizer = plan.contender.optimizer(setting, plan.steps)?;
    let mut observer = Observer::new(problem, parts, plan.watched)?;

    let whole = problem.net.on(parts.train.inputs())?;
    let objective = Objective::new(&whole, problem.likelihood.as_ref(), parts.train.targets())?;
    let mut batches = Batches::new(&parts.train, setting.batch)?;
    batches.shuffle(&mut order);

    let mut run = Run {
        points: vec![observer.look(0, 0.0, &theta)?],
        ending: Ending::Complete,
    };
    let (mut seconds, mut next) = (0.0, 1);
    for step in 1..=plan.steps {
        let clock = Instant::now();
        let result = if setting.batch >= parts.train.len() {
            optimizer.step(&objective, &mut theta)
        } else {
            let batch = match batches.next_batch() {
                Some(batch) => batch,
                None => {
                    batches.shuffle(&mut order);
                    batches.next_batch().unwrap_or_else(|| unreachable!("an epoch has a batch"))
                }
            };
            let map = problem.net.on(batch.inputs)?;
            let objective = Objective::new(&map, problem.likelihood.as_ref(), batch.targets)?;
            optimizer.step(&objective, &mut theta)
        };
        seconds += clock.elapsed().as_secs_f64();
        let ending = match result {
            Ok(done) => (!done.accepted).then_some(Ending::Minimum),
            Err(OptimError::PositiveDefinitenessLost { .. }) => Some(Ending::DefinitenessLost { step }),
            Err(OptimError::Indefinite { .. }) => Some(Ending::RoundedAway { step }),
            Err(_) => Some(Ending::Diverged { step }),
        };
        if step == next || step == plan.steps || ending.is_some() {
            context.check()?;
            match observer.look(step, seconds, &theta) {
                Ok(point) => run.points.push(point),
                Err(HarnessError::Model(_)) => {
                    run.ending = Ending::Diverged { step };
                    break;
                }
                Err(error) => return Err(error),
            }
            next = following(step);
        }
        if let Some(ending) = ending {
            run.ending = ending;
            break;
        }
    }
    Ok(run)
}

/// The next step at which a run is looked at.
fn following(step: usize) -> usize {
    ((step as f64 * 2.0_f64.powf(1.0 / POINTS_A_DOUBLING)).round() as usize).max(step + 1)
}

/// Losses and errors on the three parts.
struct Observer<'a> {
    problem: &'a Problem,
    parts: [(&'a Dataset, Option<OnBatch<'a>>); 3],
    outputs: Vec<f64>,
}

impl<'a> Observer<'a> {
    fn new(problem: &'a Problem, parts: &'a Parts, watched: Watched) -> Result<Self, HarnessError> {
        let on = |part: &'a Dataset, alone: Option<Watched>| -> Result<_, HarnessError> {
            let wanted = watched == Watched::Everything || alone == Some(watched);
            let map = if wanted && !part.is_empty() { Some(problem.net.on(part.inputs())?) } else { None };
            Ok((part, map))
        };
        let train = on(&parts.train, Some(Watched::Training))?;
        let validation = on(&parts.validation, Some(Watched::Validation))?;
        Ok(Self {
            problem,
            parts: [train, validation, on(&parts.test, None)?],
            outputs: Vec::new(),
        })
    }

    fn look(&mut self, step: usize, seconds: f64, theta: &[f64]) -> Result<Point, HarnessError> {
        let problem = self.problem;
        let outputs = &mut self.outputs;
        let mut measure = |(part, map): &(&Dataset, Option<OnBatch<'_>>), measure: Measure| -> Result<f64, HarnessError> {
            let Some(map) = map else { return Ok(f64::NAN) };
            outputs.resize(problem.net.outputs() * part.len(), 0.0);
            map.outputs(theta, outputs)?;
            Ok(measure(problem, outputs, part))
        };
        let [train, validation, test] = &self.parts;
        Ok(Point {
            step,
            seconds,
            train: measure(train, Problem::loss)?,
            validation: measure(validation, Problem::loss)?,
            test_error: measure(test, Problem::error)?,
        })
    }
}

/// Something read off the outputs for a part.
type Measure = fn(&Problem, &[f64], &Dataset) -> f64;
