//! The table of what each optimiser could choose from, and what it chose.

use super::contender::MetricSetting;
use super::tuning::Tried;
use super::{Comparison, Entry};
use crate::record::number::significant;
use crate::{Column, Table};

/// Grids and choices, a row for each problem and optimiser.
pub(super) fn table(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("problem"),
        Column::text("optimiser"),
        Column::text("grid"),
        Column::text("chosen"),
        Column::new("validation loss").digits(3),
        Column::new("settings"),
        Column::text("runs that broke"),
    ];
    let caption = "What was tried and what was chosen: the least validation loss that a run has at any time, in the median \
                   of tuning runs, a quarter as long as the final ones if the experiment is to be quick. b is the number of examples of a step, N standing for all of them; λ the damping in nats, \
                   λ_{1} where a search for it begins; ε the weight of the present examples in the average of the metric. \
                   Learning rates η fall to a hundredth along half a cosine, except where λ is searched for.";
    let mut table = Table::new("settings", caption, columns);
    for Comparison { problem, entries } in comparisons {
        let all = problem.tuning.train.len();
        for entry in entries {
            let best = &entry.tried[0];
            let batch = if best.setting.batch == all {
                "N".to_owned()
            } else {
                best.setting.batch.to_string()
            };
            let broken: usize = entry.tried.iter().map(Tried::broken).sum();
            let runs: usize = entry.tried.iter().map(|tried| tried.endings.len()).sum();
            table.row([
                problem.name.as_str().into(),
                entry.contender.name().into(),
                grid(entry, all).into(),
                format!("b = {batch}, {}", best.setting).into(),
                best.score.into(),
                entry.tried.len().into(),
                if broken == 0 {
                    String::new()
                } else {
                    format!("{broken} of {runs}")
                }
                .into(),
            ]);
        }
    }
    table
}

/// The values that each part of a setting has in the grid.
fn grid(entry: &Entry, all: usize) -> String {
    let settings = || entry.tried.iter().map(|tried| tried.setting);
    let list = |values: Vec<f64>| {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        values.dedup_by(|a, b| a.total_cmp(b).is_eq());
        values
            .iter()
            .map(|value| significant(*value, 3))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut batches: Vec<usize> = settings().map(|setting| setting.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    let batches: Vec<String> = batches
        .iter()
        .map(|batch| {
            if *batch == all {
                "N".to_owned()
            } else {
                batch.to_string()
            }
        })
        .collect();
    let mut parts = vec![
        format!("b: {}", batches.join(", ")),
        format!(
            "η: {}",
            list(settings().map(|setting| setting.learning_rate).collect())
        ),
    ];
    let of = |read: fn(MetricSetting) -> Option<f64>| {
        list(settings().filter_map(|s| read(s.metric)).collect())
    };
    let searched = of(|metric| {
        if let MetricSetting::Searched(value) = metric {
            Some(value)
        } else {
            None
        }
    });
    let damping = of(|metric| {
        if let MetricSetting::Damping(value) = metric {
            Some(value)
        } else {
            None
        }
    });
    let forgetting = of(|metric| {
        if let MetricSetting::Forgetting(value) = metric {
            Some(value)
        } else {
            None
        }
    });
    for (name, values) in [
        ("λ_{1} P/tr G", searched),
        ("λ", damping),
        ("ε", forgetting),
    ] {
        if !values.is_empty() {
            parts.push(format!("{name}: {values}"));
        }
    }
    parts.join("; ")
}
