//! What is claimed: counts of products, which are the same on every machine.

use super::conditioner::{Conditioner, STOPPING, Trial};
use super::problem::Problem;
use super::{Measured, Row};
use crate::{Claim, Record};

/// Problems on which the closed form is claimed to need the fewest products, and at random weights with the smallest λ so many times
/// fewer than nothing does. On Mackey–Glass it does not.
const FEWEST: [(&str, f64); 2] = [("concrete", 1.5), ("digits", 5.0)];

pub(super) fn state(record: &mut Record, problems: &[Problem], measured: &[Vec<Measured>]) {
    for (problem, points) in problems.iter().zip(measured) {
        let rows: Vec<&Row> = points.iter().flat_map(|at| &at.rows).collect();
        if let Some((name, gain)) = FEWEST.iter().find(|(name, _)| *name == problem.name) {
            let start: Vec<&Row> = points.iter().take(1).flat_map(|at| &at.rows).collect();
            let smallest: Vec<&Row> = points.iter().filter_map(|at| at.rows.last()).collect();
            for (which, rows) in [
                ("random weights, any λ", &start),
                ("smallest λ, any point", &smallest),
            ] {
                record.claim(Claim::equal(
                    format!(
                        "{name}, {which}: systems of {} for which nothing takes fewer products than Gaussian inputs",
                        rows.len()
                    ),
                    rows.len(),
                    rows.iter().filter(|row| is_fewest(row)).count(),
                ));
            }
            record.claim(Claim::at_least(
                format!("{name}, random weights, smallest λ: products without a preconditioner over those with Gaussian inputs"),
                *gain,
                start.last().map_or(f64::NAN, |row| {
                    count(row.trial(Conditioner::None)) / count(row.trial(Conditioner::GaussianInputs))
                }),
            ));
        }
        if problem.net.outputs() == 1 {
            let most = rows.iter().map(|row| count(&row.twin)).fold(0.0, f64::max);
            record.claim(Claim::at_most(
                format!(
                    "{}, on inputs drawn from the fitted law: products with Gaussian inputs, the most over all λ and points",
                    problem.name
                ),
                60.0,
                most,
            ));
        }
    }
}

/// Where the most that were allowed did not suffice, these.
fn count(trial: &Trial) -> f64 {
    trial.iterations.unwrap_or(STOPPING.max_products) as f64
}

fn is_fewest(row: &Row) -> bool {
    let own = row.trial(Conditioner::GaussianInputs);
    own.iterations.is_some()
        && Conditioner::ITERATED
            .into_iter()
            .all(|other| count(own) <= count(row.trial(other)))
}
