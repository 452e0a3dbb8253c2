//! What follows from the learning curves: sentences written from the numbers, and claims.

use super::contender::Contender;
use super::quantiles::{at_examples, at_time, duration, median};
use super::{Comparison, Entry};
use crate::record::number::{duration as seconds, significant};
use crate::{Claim, Effort, Record};

/// Steps of natural gradient after which losses are compared at equal numbers of examples; fewer if its run is shorter.
const FEW_STEPS: usize = 50;
/// Problems on which natural gradient is claimed to have the lower training loss at equal wall time. On the first two it
/// does so early, on the others when the first-order methods have settled, which the shortest runs do not get to.
const FASTER: [&str; 4] = ["mackey-glass", "extended-xor", "concrete", "diabetes"];

impl Comparison {
    /// The entry of a contender, if it takes part.
    pub(super) fn entry(&self, contender: Contender) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.contender == contender)
    }

    fn first_order(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.contender.is_first_order())
    }

    /// The wall time up to which a contender and the first-order methods are all known.
    fn common_seconds(&self, entry: &Entry) -> f64 {
        let first_order = self.first_order().map(|entry| duration(&entry.runs));
        first_order.fold(duration(&entry.runs), f64::min)
    }

    /// The first-order method of least loss at a wall time, and that loss.
    fn rival(&self, seconds: f64) -> Option<(&Entry, f64)> {
        least(self.first_order(), |entry| entry.loss_at_time(seconds))
    }

    /// The loss of a contender over that of its rival, at the end of the common time.
    fn ratio_at_equal_time(&self, entry: &Entry) -> f64 {
        let time = self.common_seconds(entry);
        entry.loss_at_time(time) / self.rival(time).map_or(f64::NAN, |(_, loss)| loss)
    }
}

impl Entry {
    fn loss_at_time(&self, seconds: f64) -> f64 {
        median(self.runs.iter().map(|run| at_time(run, seconds).train))
    }

    fn loss_at_examples(&self, seen: usize) -> f64 {
        median(self.runs.iter().map(|run| at_examples(run, seen).train))
    }

    /// Examples that were seen in a few steps.
    fn few_examples(&self) -> usize {
        let step = FEW_STEPS.min(self.steps);
        let points = self
            .runs
            .iter()
            .flat_map(|run| &run.points)
            .filter(|point| point.step <= step);
        points.map(|point| point.seen).max().unwrap_or(0)
    }

    fn test_error(&self) -> f64 {
        median(self.runs.iter().map(|run| run.kept().test_error))
    }

    fn seconds_per_step(&self) -> f64 {
        median(
            self.runs
                .iter()
                .map(|run| run.last().seconds / run.last().step as f64),
        )
    }
}

/// The entry for which something is least.
fn least<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    what: impl Fn(&Entry) -> f64,
) -> Option<(&'a Entry, f64)> {
    entries
        .map(|entry| (entry, what(entry)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
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

/// A number of examples in passes over the training part.
fn passes(comparison: &Comparison, seen: usize) -> String {
    let passes = seen as f64 / comparison.problem.parts.train.len() as f64;
    format!(
        "{} passes over the training examples",
        significant(passes, 2)
    )
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

/// Claims about the five problems.
pub(super) fn claims(record: &mut Record, comparisons: &[Comparison], effort: Effort) {
    let faster = &FASTER[..effort.pick(2, 4, 4)];
    for comparison in comparisons {
        let name = &comparison.problem.name;
        let Some(natural) = comparison.entry(Contender::Natural) else {
            continue;
        };
        if faster.contains(&name.as_str()) {
            record.claim(Claim::at_most(
                format!("{name}: train loss of natural gradient over the lower one of SGD and Adam, at equal wall time"),
                1.0,
                comparison.ratio_at_equal_time(natural),
            ));
        }
        record.claim(example_claim(comparison, natural));
    }
    let series = comparisons
        .iter()
        .find(|comparison| comparison.problem.parts.validation.is_empty());
    let Some((series, adaptive)) =
        series.and_then(|series| Some((series, series.entry(Contender::Adaptive)?)))
    else {
        return;
    };
    record.claim(Claim::at_most(
        format!(
            "{}: the same of adaptive natural gradient, at equal wall time",
            series.problem.name
        ),
        1.0,
        series.ratio_at_equal_time(adaptive),
    ));
    if let (Some(natural), Some((_, rival))) = (
        series.entry(Contender::Natural),
        least(series.first_order(), Entry::test_error),
    ) {
        record.claim(Claim::at_most(
            format!(
                "{}: test NRMSE of natural gradient over the lower one of SGD and Adam",
                series.problem.name
            ),
            1.0,
            natural.test_error() / rival,
        ));
    }
}

/// A claim about a table of the user's own: that there is something to learn. Of any other the theory knows nothing.
pub(super) fn user_claims(record: &mut Record, table: &Comparison) {
    let problem = &table.problem;
    let error = least(table.entries.iter(), Entry::test_error).map_or(f64::NAN, |(_, error)| error);
    record.claim(Claim::at_most(
        format!(
            "{}: test error of the best optimiser over that of a constant answer",
            problem.name
        ),
        1.0,
        error / problem.constant_error(),
    ));
}

/// That natural gradient makes more of the examples it has seen.
fn example_claim(comparison: &Comparison, natural: &Entry) -> Claim {
    let seen = natural.few_examples();
    let rival = least(comparison.first_order(), |entry| {
        entry.loss_at_examples(seen)
    });
    let passes = passes(comparison, seen);
    let name = &comparison.problem.name;
    Claim::at_most(
        format!(
            "{name}: train loss of natural gradient over the lower one of SGD and Adam, after {passes}"
        ),
        1.0,
        natural.loss_at_examples(seen) / rival.map_or(f64::NAN, |(_, loss)| loss),
    )
}

fn with_unit(value: f64, unit: &str) -> String {
    let number = significant(value, 2);
    if unit.is_empty() {
        number
    } else {
        format!("{number} {unit}")
    }
}
