//! Do optimisers that follow the geometry pay on real data, by steps, by wall time, and on new examples?

mod claims;
mod contender;
mod cost;
mod duel;
mod duel_report;
mod observation;
mod problem;
mod quantiles;
mod report;
mod rules;
mod settings;
mod standing;
mod test_error;
mod training;
mod tuning;
mod user_table;
mod verdict;

use self::contender::Contender;
use self::problem::Problem;
use self::training::{Plan, Run, Watched, train};
use self::tuning::{Trials, Tried, tune};
use crate::{Context, Experiment, HarnessError, Record, Source, UserData};

/// `real-data`: first-order methods, natural gradient and adaptive natural gradient on five problems and a user's own.
///
/// Every optimiser chooses its setting on validation examples from a grid that is printed, then starts from the same
/// parameters as the others, several times. The number of steps of a run comes from a count of multiplications, so that
/// all have about the same wall time and the record is a function of the seed, measured wall times aside.
///
/// With data of the user's own ([`Context::data`]) the same comparison is made on that table, and only on that. A target
/// with at most ten different values, all of them words or whole numbers, is a class; any other is a number.
#[derive(Debug)]
pub struct RealData;

/// How much is done on each problem.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Nominal seconds of a run on a small problem.
    seconds: f64,
    /// The part of them that a tuning run gets.
    tuning_share: f64,
    tuning_seeds: u64,
    seeds: u64,
}

/// A problem with what its contenders did.
struct Comparison {
    problem: Problem,
    entries: Vec<Entry>,
}

/// A contender with its choice and its runs.
struct Entry {
    contender: Contender,
    /// All settings of its grid, the chosen one first.
    tried: Vec<Tried>,
    /// Steps of a run that takes all of them.
    steps: usize,
    runs: Vec<Run>,
}

impl Experiment for RealData {
    fn name(&self) -> &'static str {
        "real-data"
    }

    fn title(&self) -> &'static str {
        "Natural gradient on real data"
    }

    fn question(&self) -> &'static str {
        "How do gradient descent, Adam, natural gradient and adaptive natural gradient compare on real data, by steps, by \
         wall time, and on new examples?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "S. Amari, H. Park, K. Fukumizu",
                2000,
                "Adaptive method of realizing natural gradient learning for multilayer perceptrons",
                "Neural Computation 12(6), 1399–1409",
            )
            .doi("10.1162/089976600300015420"),
            Source::new(
                "H. Park, S. Amari, K. Fukumizu",
                2000,
                "Adaptive natural gradient learning algorithms for various stochastic models",
                "Neural Networks 13(7), 755–764",
            )
            .doi("10.1016/S0893-6080(00)00051-4"),
            Source::new(
                "D. P. Kingma, J. Ba",
                2015,
                "Adam: a method for stochastic optimization",
                "ICLR 2015",
            )
            .arxiv("1412.6980"),
            Source::new(
                "J. Martens",
                2020,
                "New insights and perspectives on the natural gradient method",
                "Journal of Machine Learning Research 21(146)",
            )
            .arxiv("1412.1193"),
        ]
    }

    fn takes_data(&self) -> bool {
        true
    }

    fn check_data(&self, data: &UserData) -> Result<(), HarnessError> {
        user_table::check(data)
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let scale = Scale {
            seconds: context.pick(0.02, 0.12, 0.5),
            tuning_share: context.pick(0.25, 1.0, 1.0),
            tuning_seeds: context.pick(1, 2, 5),
            seeds: context.pick(2, 5, 11),
        };
        let mut record = Record::new();
        if let Some(data) = context.data() {
            let comparison = compare(user_table::problem(data, context)?, 5, scale, context)?;
            report::user(&mut record, data, &comparison);
            return Ok(record);
        }
        let mut comparisons = Vec::new();
        for (place, problem) in problem::all(context)?.into_iter().enumerate() {
            comparisons.push(compare(problem, place as u64, scale, context)?);
        }
        report::problems(&mut record, &comparisons, context.effort());
        let effort = duel::Effort {
            seconds: context.pick(0.15, 0.7, 3.0),
            tuning_seeds: context.pick(1, 1, 3),
            seeds: scale.seeds,
        };
        let series = problem::mackey_glass_problem()?;
        context.progress().begin(
            "Adam against natural gradient",
            duel::Duel::SETTINGS + 3 * effort.seeds as usize,
        );
        let duel = duel::fight(&series, 9, effort, context)?;
        duel_report::write(&mut record, &duel);
        Ok(record)
    }
}

/// Tunes every contender on all cores, then runs each alone, one run at a time, so that wall times are fair.
fn compare(
    problem: Problem,
    place: u64,
    scale: Scale,
    context: &Context,
) -> Result<Comparison, HarnessError> {
    let seconds = scale.seconds * cost::allowance(&problem);
    let contenders: Vec<_> = Contender::ALL
        .into_iter()
        .filter(|contender| contender.takes_part(&problem))
        .collect();
    let grids: Vec<_> = contenders
        .iter()
        .map(|contender| contender.grid(&problem))
        .collect();
    context.progress().begin(
        format!("{}: tuning", problem.name),
        grids.iter().map(Vec::len).sum(),
    );
    let trials = Trials {
        problem: &problem,
        place,
        parts: &problem.tuning,
        seconds: scale.tuning_share * seconds,
        seeds: scale.tuning_seeds,
        judge: Watched::Validation,
    };
    let mut chosen = Vec::new();
    for (contender, grid) in contenders.iter().zip(&grids) {
        chosen.push((*contender, tune(trials, *contender, grid, context)?));
    }
    context.progress().begin(
        format!("{}: timed runs", problem.name),
        chosen.len() * scale.seeds as usize,
    );
    let mut entries = Vec::new();
    for (contender, tried) in chosen {
        let setting = tried[0].setting;
        let setting = if setting.batch == problem.tuning.train.len() {
            // the whole batch is larger where the final runs train on more examples
            contender::Setting {
                batch: problem.parts.train.len(),
                ..setting
            }
        } else {
            setting
        };
        let steps = tuning::steps(&problem, contender, setting, seconds);
        let mut runs = Vec::new();
        for seed in 0..scale.seeds {
            context
                .progress()
                .note(format!("{}, {}", problem.name, contender.name()));
            let (problem, parts, watched) = (&problem, &problem.parts, Watched::Everything);
            runs.push(train(
                &Plan {
                    problem,
                    place,
                    parts,
                    contender,
                    setting,
                    steps,
                    seed,
                    watched,
                },
                context,
            )?);
            context.progress().advance(1);
        }
        entries.push(Entry {
            contender,
            tried,
            steps,
            runs,
        });
    }
    Ok(Comparison { problem, entries })
}
