//! Do optimisers that follow the geometry pay on real data, by steps, by wall time, and on new examples?

mod claims;
mod comparison;
mod contender;
mod cost;
mod duel;
mod duel_report;
mod observation;
mod problem;
mod quantiles;
mod report;
mod rules;
mod run;
mod settings;
mod standing;
mod test_error;
mod training;
mod tuning;
mod user_table;
mod verdict;

use self::comparison::{Comparison, Entry, Scale, compare};
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
        report::problems(&mut record, &comparisons);
        let effort = duel::Effort {
            seconds: context.pick(0.15, 0.5, 3.0),
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
