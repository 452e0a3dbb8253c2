//! Choosing a contender's setting from its grid, on validation examples or on the training loss.

use rayon::prelude::*;

use super::contender::{Contender, Setting};
use super::cost;
use super::problem::Problem;
use super::quantiles::median;
use super::run::{Ending, Run};
use super::training::{Plan, Watched, train};
use crate::data::Parts;
use crate::{Context, HarnessError};

/// Seeds of tuning runs; those of the final runs begin at zero.
const FIRST_SEED: u64 = 50;

/// A setting that was tried.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) setting: Setting,
    pub(super) steps: usize,
    /// The median over runs of what they are judged by: the least validation loss, or the training loss at the end.
    pub(super) score: f64,
    /// How each run ended.
    pub(super) endings: Vec<Ending>,
}

impl Tried {
    /// Runs that could not go on.
    pub(super) fn broken(&self) -> usize {
        self.endings
            .iter()
            .filter(|ending| !ending.is_sound())
            .count()
    }
}

/// Where and how much to try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trials<'a> {
    pub(super) problem: &'a Problem,
    pub(super) place: u64,
    pub(super) parts: &'a Parts,
    /// Nominal seconds of a run.
    pub(super) seconds: f64,
    pub(super) seeds: u64,
    /// What runs are judged by: validation examples or the training loss.
    pub(super) judge: Watched,
}

/// All settings of a grid, tried on all cores: the best first.
///
/// A setting some of whose runs could not go on comes after one whose runs all could.
pub(super) fn tune(
    trials: Trials<'_>,
    contender: Contender,
    grid: &[Setting],
    context: &Context,
) -> Result<Vec<Tried>, HarnessError> {
    let tried: Result<Vec<Tried>, HarnessError> = grid
        .par_iter()
        .map(|setting| attempt(trials, contender, *setting, context))
        .collect();
    let mut tried = tried?;
    tried.sort_by(|a, b| {
        a.broken()
            .cmp(&b.broken())
            .then(a.score.total_cmp(&b.score))
    });
    Ok(tried)
}

fn attempt(
    trials: Trials<'_>,
    contender: Contender,
    setting: Setting,
    context: &Context,
) -> Result<Tried, HarnessError> {
    let Trials {
        problem,
        place,
        parts,
        seconds,
        seeds,
        judge,
    } = trials;
    let steps = cost::steps(problem, contender, setting, parts.train.len(), seconds);
    let plan = |seed| Plan {
        problem,
        place,
        parts,
        contender,
        setting,
        steps,
        seed: FIRST_SEED + seed,
        watched: judge,
    };
    let runs: Result<Vec<Run>, HarnessError> = (0..seeds)
        .into_par_iter()
        .map(|seed| train(&plan(seed), context))
        .collect();
    let runs = runs?;
    context.progress().advance(1);
    let judged = |run: &Run| match judge {
        Watched::Training => run.last().train,
        _ => run.kept().validation,
    };
    let score = median(runs.iter().map(judged));
    Ok(Tried {
        setting,
        steps,
        score: if score.is_nan() { f64::INFINITY } else { score },
        endings: runs.iter().map(|run| run.ending).collect(),
    })
}
