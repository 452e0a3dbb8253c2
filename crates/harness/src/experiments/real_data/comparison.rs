//! Every contender on one problem: first the choice of settings, then timed runs.

use super::contender::{Contender, Setting};
use super::cost;
use super::problem::Problem;
use super::run::Run;
use super::training::{Plan, Watched, repeat};
use super::tuning::{Trials, Tried, tune};
use crate::{Context, HarnessError};

/// How much is done on each problem.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Nominal seconds of a run on a small problem.
    pub(super) seconds: f64,
    /// The part of them that a tuning run gets.
    pub(super) tuning_share: f64,
    pub(super) tuning_seeds: u64,
    pub(super) seeds: u64,
}

/// A problem with what its contenders did.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) problem: Problem,
    pub(super) entries: Vec<Entry>,
}

/// A contender with its choice and its runs.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) contender: Contender,
    /// The chosen setting.
    pub(super) setting: Setting,
    /// All settings of its grid, the chosen one first.
    pub(super) tried: Vec<Tried>,
    /// Steps of a run that takes all of them.
    pub(super) steps: usize,
    pub(super) runs: Vec<Run>,
}

/// Tunes every contender on all cores, then runs each alone, one run at a time, so that wall times are fair.
pub(super) fn compare(
    problem: Problem,
    place: u64,
    scale: Scale,
    context: &Context,
) -> Result<Comparison, HarnessError> {
    let seconds = scale.seconds * cost::allowance(&problem);
    let chosen = choose(&problem, place, scale, seconds, context)?;
    let phase = format!("{}: timed runs", problem.name);
    context
        .progress()
        .begin(phase, chosen.len() * scale.seeds as usize);
    let mut entries = Vec::new();
    for (contender, setting, tried) in chosen {
        context
            .progress()
            .note(format!("{}, {}", problem.name, contender.name()));
        let parts = &problem.parts;
        let steps = cost::steps(&problem, contender, setting, parts.train.len(), seconds);
        let plan = Plan {
            problem: &problem,
            place,
            parts,
            contender,
            setting,
            steps,
            seed: 0,
            watched: Watched::Everything,
        };
        let runs = repeat(plan, scale.seeds, context)?;
        entries.push(Entry {
            contender,
            setting,
            tried,
            steps,
            runs,
        });
    }
    Ok(Comparison { problem, entries })
}

/// The contenders that take part, with the setting that is best on validation examples and all that were tried.
fn choose(
    problem: &Problem,
    place: u64,
    scale: Scale,
    seconds: f64,
    context: &Context,
) -> Result<Vec<(Contender, Setting, Vec<Tried>)>, HarnessError> {
    let contenders = Contender::ALL
        .into_iter()
        .filter(|contender| contender.takes_part(problem));
    let grids: Vec<_> = contenders
        .map(|contender| (contender, contender.grid(problem)))
        .collect();
    let settings = grids.iter().map(|(_, grid)| grid.len()).sum();
    context
        .progress()
        .begin(format!("{}: tuning", problem.name), settings);
    let trials = Trials {
        problem,
        place,
        parts: &problem.tuning,
        seconds: scale.tuning_share * seconds,
        seeds: scale.tuning_seeds,
        judge: Watched::Validation,
    };
    let mut chosen = Vec::new();
    for (contender, grid) in grids {
        let tried = tune(trials, contender, &grid, context)?;
        // a grid is never empty
        if let Some(setting) = tried.first().map(|best| best.setting) {
            chosen.push((contender, setting, tried));
        }
    }
    Ok(chosen)
}
