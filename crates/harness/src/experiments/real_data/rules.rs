//! The two rules of the adaptive method: how their runs ended, by the weight ε.

use super::contender::{Contender, MetricSetting};
use super::run::Ending;
use super::{Comparison, Entry};
use crate::{Claim, Column, Record, Table};

/// The endings of tuning runs with one ε, all problems together.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    runs: usize,
    lost: usize,
    rounded: usize,
    diverged: usize,
}

/// A table, what it says, and a claim.
pub(super) fn write(record: &mut Record, comparisons: &[Comparison]) {
    let counts = |contender| move |epsilon| count(comparisons, contender, epsilon);
    let (published, exact) = (
        counts(Contender::AdaptiveFirstOrder),
        counts(Contender::Adaptive),
    );
    let weights = weights(comparisons);
    let columns = [
        Column::new("ε"),
        Column::new("(1+ε)/ε").digits(4),
        Column::new("runs of each rule"),
        Column::new("first-order rule: indefinite"),
        Column::new("diverged"),
        Column::new("exact rule: rounded away"),
        Column::new("diverged"),
    ];
    let caption = "Tuning runs of the adaptive method that could not go on, for all problems and learning rates.";
    let mut table = Table::new("rules", caption, columns);
    for &epsilon in &weights {
        let (published, exact) = (published(epsilon), exact(epsilon));
        table.row([
            epsilon.into(),
            ((1.0 + epsilon) / epsilon).into(),
            published.runs.into(),
            published.lost.into(),
            published.diverged.into(),
            exact.rounded.into(),
            exact.diverged.into(),
        ]);
    }
    record.heading("Two rules for one inverse");
    record.paragraph(
        "The adaptive method keeps an estimate Ĝ^{−1} of the inverse metric and never inverts anything. The published rule, \
         Ĝ^{−1} ← (1+ε)Ĝ^{−1} − ε Ĝ^{−1}∇f ∇f^{T}Ĝ^{−1}, is exact to first order in ε and stops being positive definite as soon \
         as ∇f^{T}Ĝ^{−1}∇f ≥ (1+ε)/ε (for a batch, the largest eigenvalue of the same form). With a good estimate that form \
         is about P for one example, so a large ε must fail; a run to which it happens ends there and keeps what it has. \
         The formula of Sherman and Morrison costs the same and has no such limit. What it cannot help is that Ĝ^{−1} grows by \
         1/(1−ε) a step in directions that no example excites: a long run with a large ε drives it to a scale at which steps \
         overshoot, and in the end to one that double precision no longer resolves.",
    );
    record.table(table);
    if let (Some(&largest), Some(series)) = (weights.last(), comparisons.first()) {
        let series_alone = std::slice::from_ref(series);
        let count = count(series_alone, Contender::AdaptiveFirstOrder, largest);
        let name = &series.problem.name;
        record.claim(Claim::equal(
            format!(
                "{name}: tuning runs of the first-order rule with ε = {largest} that cannot go on"
            ),
            count.runs,
            count.lost + count.diverged,
        ));
    }
}

fn weights(comparisons: &[Comparison]) -> Vec<f64> {
    let entries = comparisons
        .iter()
        .filter_map(|comparison| comparison.entry(Contender::AdaptiveFirstOrder));
    let mut weights: Vec<f64> = entries
        .flat_map(tried)
        .map(|(epsilon, _)| epsilon)
        .collect();
    weights.sort_by(f64::total_cmp);
    weights.dedup_by(|a, b| a.total_cmp(b).is_eq());
    weights
}

fn count(comparisons: &[Comparison], contender: Contender, epsilon: f64) -> Count {
    let entries = comparisons
        .iter()
        .filter_map(|comparison| comparison.entry(contender));
    let endings = entries
        .flat_map(tried)
        .filter(|(other, _)| other.total_cmp(&epsilon).is_eq())
        .flat_map(|(_, endings)| endings);
    let mut count = Count::default();
    for ending in endings {
        count.runs += 1;
        match ending {
            Ending::Complete | Ending::Minimum => {}
            Ending::DefinitenessLost { .. } => count.lost += 1,
            Ending::RoundedAway { .. } => count.rounded += 1,
            Ending::Diverged { .. } => count.diverged += 1,
        }
    }
    count
}

/// The ε of each setting that was tried, with the endings of its runs.
fn tried(entry: &Entry) -> impl Iterator<Item = (f64, &[Ending])> {
    entry
        .tried
        .iter()
        .filter_map(|tried| match tried.setting.metric {
            MetricSetting::Forgetting(epsilon) => Some((epsilon, tried.endings.as_slice())),
            _ => None,
        })
}
