//! Natural gradient against Adam on the Mackey–Glass series: does Adam get there in ten times the wall time?

use super::contender::{Batch, Contender, Decay, MetricSetting, Setting};
use super::cost;
use super::problem::Problem;
use super::quantiles::{at_time, median};
use super::run::Run;
use super::training::{Plan, Watched, repeat};
use super::tuning::{Trials, Tried, tune};
use crate::{Context, HarnessError};

/// How much longer Adam may take.
pub(super) const HANDICAP: f64 = 10.0;
/// Adam's learning rates.
const RATES: [f64; 5] = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1];
/// Adam's mini-batches; the whole batch comes besides.
const MINI_BATCH: usize = 32;
/// Natural gradient is told nothing but where its search for λ begins, in mean eigenvalues of G.
const UNTUNED: Setting = Setting {
    batch: Batch::Whole,
    learning_rate: 1.0,
    decay: Decay::Constant,
    metric: MetricSetting::Searched(1e-3),
};

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Nominal seconds of a run of Adam.
    pub(super) seconds: f64,
    pub(super) tuning_seeds: u64,
    pub(super) seeds: u64,
}

/// Adam, tuned on the training loss itself, and natural gradient with nothing tuned.
#[derive(Debug)]
pub(super) struct Duel {
    pub(super) natural: Vec<Run>,
    /// The best setting with the whole batch and the best with mini-batches.
    pub(super) adam: Vec<(Tried, Vec<Run>)>,
    /// The rates that were tried, and the number of all settings.
    pub(super) settings: usize,
}

impl Duel {
    /// Settings that are tried before.
    pub(super) const SETTINGS: usize = 4 * RATES.len();

    /// The shortest wall time of a run of Adam: all of them are known up to here.
    pub(super) fn adam_seconds(&self) -> f64 {
        self.adam_runs()
            .map(|run| run.last().seconds)
            .fold(f64::INFINITY, f64::min)
    }

    /// What natural gradient is given.
    pub(super) fn natural_seconds(&self) -> f64 {
        self.adam_seconds() / HANDICAP
    }

    /// Training losses of natural gradient after that time, one a seed.
    pub(super) fn natural_losses(&self) -> Vec<f64> {
        let seconds = self.natural_seconds();
        self.natural
            .iter()
            .map(|run| at_time(run, seconds).train)
            .collect()
    }

    /// The least training loss that any run of Adam, of any seed and either setting, has had at any time.
    pub(super) fn least_adam_loss(&self) -> f64 {
        self.adam_runs()
            .flat_map(|run| &run.points)
            .map(|point| point.train)
            .fold(f64::INFINITY, f64::min)
    }

    /// The median of Adam's losses at the end, for the better of the two settings.
    pub(super) fn median_adam_loss(&self) -> f64 {
        let medians = self
            .adam
            .iter()
            .map(|(_, runs)| median(runs.iter().map(|run| run.last().train)));
        medians.fold(f64::INFINITY, f64::min)
    }

    /// The wall time after which natural gradient has left Adam's least loss behind, in the median of seeds; infinite
    /// if it never does.
    pub(super) fn seconds_to_pass_adam(&self) -> f64 {
        let target = self.least_adam_loss();
        let passed = |run: &Run| {
            run.points
                .iter()
                .find(|point| point.train <= target)
                .map(|point| point.seconds)
        };
        median(
            self.natural
                .iter()
                .map(|run| passed(run).unwrap_or(f64::INFINITY)),
        )
    }

    /// What the batch of a setting is called.
    pub(super) fn batch_name(setting: Setting) -> String {
        match setting.batch {
            Batch::Whole => "whole batch".to_owned(),
            Batch::Mini(examples) => format!("mini-batches of {examples}"),
        }
    }

    fn adam_runs(&self) -> impl Iterator<Item = &Run> {
        self.adam.iter().flat_map(|(_, runs)| runs)
    }
}

/// Tunes Adam on all cores, then runs each alone.
pub(super) fn fight(
    problem: &Problem,
    place: u64,
    effort: Effort,
    context: &Context,
) -> Result<Duel, HarnessError> {
    let trials = Trials {
        problem,
        place,
        parts: &problem.parts,
        seconds: effort.seconds,
        seeds: effort.tuning_seeds,
        judge: Watched::Training,
    };
    let parts = &problem.parts;
    let plan = |contender, setting, steps| Plan {
        problem,
        place,
        parts,
        contender,
        setting,
        steps,
        seed: 0,
        watched: Watched::Everything,
    };
    let mut adam = Vec::new();
    for batch in [Batch::Whole, Batch::Mini(MINI_BATCH)] {
        let tried = tune(trials, Contender::Adam, &grid(batch), context)?;
        if let Some(best) = tried.into_iter().next() {
            let runs = repeat(
                plan(Contender::Adam, best.setting, best.steps),
                effort.seeds,
                context,
            )?;
            adam.push((best, runs));
        }
    }
    // three times what it is given, to show where it goes from there
    let seconds = 3.0 * effort.seconds / HANDICAP;
    let steps = cost::steps(
        problem,
        Contender::Natural,
        UNTUNED,
        parts.train.len(),
        seconds,
    );
    let natural = repeat(
        plan(Contender::Natural, UNTUNED, steps),
        effort.seeds,
        context,
    )?;
    Ok(Duel {
        natural,
        adam,
        settings: Duel::SETTINGS,
    })
}

fn grid(batch: Batch) -> Vec<Setting> {
    let metric = MetricSetting::None;
    let setting = |decay| {
        move |learning_rate| Setting {
            batch,
            learning_rate,
            decay,
            metric,
        }
    };
    [Decay::Constant, Decay::Cosine]
        .into_iter()
        .flat_map(|decay| RATES.map(setting(decay)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::run::{Ending, Point};
    use super::*;

    fn run(curve: &[(f64, f64)]) -> Run {
        let point = |(seconds, train): &(f64, f64)| Point {
            step: 0,
            seen: 0,
            seconds: *seconds,
            train: *train,
            validation: f64::NAN,
            test_error: 0.0,
        };
        Run {
            points: curve.iter().map(point).collect(),
            ending: Ending::Complete,
        }
    }

    #[test]
    fn natural_gradient_gets_a_tenth_of_the_shortest_run_of_adam() {
        let tried = |batch| Tried {
            setting: Setting { batch, ..UNTUNED },
            steps: 0,
            score: 0.0,
            endings: Vec::new(),
        };
        let duel = Duel {
            natural: vec![
                run(&[(0.0, 9.0), (0.5, 1.0), (1.0, 0.5), (1.5, 0.1)]),
                run(&[(0.0, 9.0), (0.9, 0.3), (1.1, 0.2)]),
            ],
            adam: vec![
                (
                    tried(Batch::Whole),
                    vec![run(&[(0.0, 9.0), (5.0, 0.4), (10.0, 0.6)])],
                ),
                (
                    tried(Batch::Mini(32)),
                    vec![run(&[(0.0, 9.0), (12.0, 0.7)])],
                ),
            ],
            settings: 2,
        };
        assert!((duel.natural_seconds() - 1.0).abs() < 1e-15);
        assert_eq!(duel.natural_losses(), [0.5, 0.3]);
        // the least at any time, and the better of the two ends
        assert_eq!(
            (duel.least_adam_loss(), duel.median_adam_loss()),
            (0.4, 0.6)
        );
        assert!(
            (duel.seconds_to_pass_adam() - 1.2).abs() < 1e-15,
            "halfway between 1.5 and 0.9"
        );
    }
}
