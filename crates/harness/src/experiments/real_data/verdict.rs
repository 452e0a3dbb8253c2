//! What follows from the learning curves, in sentences written from the numbers.

use std::cmp::Ordering;

use super::contender::Contender;
use super::standing::{least, passes};
use super::{Comparison, Entry};
use crate::record::number::{duration as seconds, significant};

/// All problems in words.
pub(super) fn summary(comparisons: &[Comparison]) -> String {
    let natural = |comparison: &Comparison| {
        comparison
            .entry(Contender::Natural)
            .map(|entry| comparison.ratio_at_equal_time(entry))
    };
    let behind: Vec<&Comparison> = comparisons
        .iter()
        .filter(|comparison| natural(comparison).is_some_and(|ratio| ratio > 1.0))
        .collect();
    let ahead = comparisons.len() - behind.len();
    let exceptions: Vec<String> = behind
        .iter()
        .map(|comparison| {
            format!(
                "{} (P = {})",
                comparison.problem.name,
                comparison.problem.net.parameters()
            )
        })
        .collect();
    let exceptions = if exceptions.is_empty() {
        String::new()
    } else {
        format!(
            " The exception is {}: a step costs P·c·min(P, c)/2 multiplications for the metric alone, where c is the number of \
             its columns, one an example for numbers and K − 1 for K classes.",
            exceptions.join(", ")
        )
    };
    let names = |wanted: fn(&Ordering) -> bool| {
        let tests = comparisons
            .iter()
            .filter(|comparison| natural_tests(comparison).is_some_and(|order| wanted(&order)));
        tests
            .map(|comparison| comparison.problem.name.as_str())
            .collect::<Vec<_>>()
    };
    let (lower, alike, higher) = (
        names(|order| order.is_lt()),
        names(|order| order.is_eq()),
        names(|order| order.is_gt()),
    );
    let mut told = Vec::new();
    for (names, verdict) in [
        (lower, "lower throughout"),
        (alike, "alike, seeds overlap"),
        (higher, "higher throughout"),
    ] {
        if !names.is_empty() {
            told.push(format!("{verdict} on {}", names.join(", ")));
        }
    }
    format!(
        "At equal wall time natural gradient has the lower training loss on {ahead} of {} problems.{exceptions} A lower training \
         loss is not a lower test error. Against those of the better first-order method, the test errors of natural gradient \
         are {}.",
        comparisons.len(),
        told.join("; "),
    )
}

/// Whether all test errors of natural gradient are below those of the better first-order method, or above, or neither.
fn natural_tests(comparison: &Comparison) -> Option<Ordering> {
    let natural = comparison.entry(Contender::Natural)?;
    let (rival, _) = least(comparison.first_order(), Entry::test_error)?;
    let range = |entry: &Entry| {
        let errors = entry.runs.iter().map(|run| run.kept().test_error);
        errors.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), error| {
            (low.min(error), high.max(error))
        })
    };
    let ((low, high), (rival_low, rival_high)) = (range(natural), range(rival));
    Some(if high < rival_low {
        Ordering::Less
    } else if low > rival_high {
        Ordering::Greater
    } else {
        Ordering::Equal
    })
}

/// One problem in words.
pub(super) fn sentence(comparison: &Comparison) -> String {
    let parts = [training(comparison), generalisation(comparison)];
    format!(
        "*{}.* {}",
        comparison.problem.name,
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    )
}

/// Who is ahead in training, by steps and by wall time.
fn training(comparison: &Comparison) -> Option<String> {
    let natural = comparison.entry(Contender::Natural)?;
    let time = comparison.common_seconds(natural);
    let (rival, rival_loss) = comparison.rival(time)?;
    let (loss, unit) = comparison.problem.loss_name();
    let own_loss = natural.loss_at_time(time);
    let (winner, won, loser, lost) = if own_loss <= rival_loss {
        (natural, own_loss, rival, rival_loss)
    } else {
        (rival, rival_loss, natural, own_loss)
    };
    let seen = natural.few_examples();
    let (_, slower) = least(comparison.first_order(), |entry| {
        entry.loss_at_examples(seen)
    })?;
    Some(format!(
        "After {} the {loss} of natural gradient is {}, the least of the first-order methods {}; but a step of it takes {} \
         times as long as one of {}. After {} of wall time {} is ahead with {}, {} has {}.",
        passes(comparison, seen),
        with_unit(natural.loss_at_examples(seen), unit),
        with_unit(slower, unit),
        significant(natural.seconds_per_step() / rival.seconds_per_step(), 2),
        rival.contender.name(),
        seconds(time),
        winner.contender.name(),
        with_unit(won, unit),
        loser.contender.name(),
        with_unit(lost, unit),
    ))
}

/// Who is best and worst on new examples.
fn generalisation(comparison: &Comparison) -> Option<String> {
    let (best, low) = least(comparison.entries.iter(), Entry::test_error)?;
    let (worst, high) = least(comparison.entries.iter(), |entry| -entry.test_error())?;
    let error = &comparison.problem.error;
    Some(format!(
        "On test examples {} is best ({} {}) and {} worst ({}).",
        best.contender.name(),
        error.name(),
        with_unit(low, error.unit()),
        worst.contender.name(),
        with_unit(-high, error.unit()),
    ))
}

fn with_unit(value: f64, unit: &str) -> String {
    let number = significant(value, 2);
    if unit.is_empty() {
        number
    } else {
        format!("{number} {unit}")
    }
}
