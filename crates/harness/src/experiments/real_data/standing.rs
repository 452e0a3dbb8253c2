//! What the runs of a comparison have at equal wall time and at equal numbers of examples.

use super::contender::Contender;
use super::quantiles::{at_examples, at_time, duration, median};
use super::{Comparison, Entry};
use crate::record::number::significant;

/// Steps of natural gradient after which losses are compared at equal numbers of examples; fewer if its run is shorter.
const FEW_STEPS: usize = 50;
impl Comparison {
    /// The entry of a contender, if it takes part.
    pub(super) fn entry(&self, contender: Contender) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.contender == contender)
    }

    pub(super) fn first_order(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.contender.is_first_order())
    }

    /// The wall time up to which a contender and the first-order methods are all known.
    pub(super) fn common_seconds(&self, entry: &Entry) -> f64 {
        let first_order = self.first_order().map(|entry| duration(&entry.runs));
        first_order.fold(duration(&entry.runs), f64::min)
    }

    /// The first-order method of least loss at a wall time, and that loss.
    pub(super) fn rival(&self, seconds: f64) -> Option<(&Entry, f64)> {
        least(self.first_order(), |entry| entry.loss_at_time(seconds))
    }

    /// The loss of a contender over that of its rival, at the end of the common time.
    pub(super) fn ratio_at_equal_time(&self, entry: &Entry) -> f64 {
        let time = self.common_seconds(entry);
        entry.loss_at_time(time) / self.rival(time).map_or(f64::NAN, |(_, loss)| loss)
    }
}

impl Entry {
    pub(super) fn loss_at_time(&self, seconds: f64) -> f64 {
        median(self.runs.iter().map(|run| at_time(run, seconds).train))
    }

    pub(super) fn loss_at_examples(&self, seen: usize) -> f64 {
        median(self.runs.iter().map(|run| at_examples(run, seen).train))
    }

    /// Examples that were seen in a few steps.
    pub(super) fn few_examples(&self) -> usize {
        let step = FEW_STEPS.min(self.steps);
        let points = self
            .runs
            .iter()
            .flat_map(|run| &run.points)
            .filter(|point| point.step <= step);
        points.map(|point| point.seen).max().unwrap_or(0)
    }

    pub(super) fn test_error(&self) -> f64 {
        median(self.runs.iter().map(|run| run.kept().test_error))
    }

    pub(super) fn seconds_per_step(&self) -> f64 {
        median(
            self.runs
                .iter()
                .map(|run| run.last().seconds / run.last().step as f64),
        )
    }
}

/// The entry for which something is least.
pub(super) fn least<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    what: impl Fn(&Entry) -> f64,
) -> Option<(&'a Entry, f64)> {
    entries
        .map(|entry| (entry, what(entry)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A number of examples in passes over the training part.
pub(super) fn passes(comparison: &Comparison, seen: usize) -> String {
    let passes = seen as f64 / comparison.problem.parts.train.len() as f64;
    format!(
        "{} passes over the training examples",
        significant(passes, 2)
    )
}
