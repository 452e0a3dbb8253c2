//! Claims about the learning curves.

use super::contender::Contender;
use super::standing::{least, passes};
use super::{Comparison, Entry};
use crate::{Claim, Record};

/// Problems on which natural gradient is claimed to have the lower training loss at equal wall time. On concrete it does so
/// by a margin that another machine can take away, on diabetes for most seeds, on digits for none; the report says so in
/// words.
const FASTER: [&str; 2] = ["Mackey–Glass", "extended XOR"];

/// Claims about the five problems.
pub(super) fn problems(record: &mut Record, comparisons: &[Comparison]) {
    for comparison in comparisons {
        let name = &comparison.problem.name;
        let Some(natural) = comparison.entry(Contender::Natural) else {
            continue;
        };
        if FASTER.contains(&name.as_str()) {
            record.claim(Claim::at_most(
                format!("{name}, at equal wall time: train loss of natural gradient over the lower one of Adam and SGD"),
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
            "{}, at equal wall time: train loss of adaptive natural gradient over the lower one of Adam and SGD",
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
                "{}: test NRMSE of natural gradient over the lower one of Adam and SGD",
                series.problem.name
            ),
            1.0,
            natural.test_error() / rival,
        ));
    }
}

/// A claim about a table of the user's own: that there is something to learn. Of any other the theory knows nothing.
pub(super) fn user(record: &mut Record, table: &Comparison) {
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
            "{name}, after {passes}: train loss of natural gradient over the lower one of Adam and SGD"
        ),
        1.0,
        natural.loss_at_examples(seen) / rival.map_or(f64::NAN, |(_, loss)| loss),
    )
}
