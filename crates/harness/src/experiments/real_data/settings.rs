//! The tables of what each optimiser could choose from, and what it chose.

use super::contender::Batch;
use super::tuning::Tried;
use super::{Comparison, Entry};
use crate::record::number::significant;
use crate::{Column, Table};

/// The grids; a row for problems that share one.
pub(super) fn grids(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("optimiser"),
        Column::text("grid"),
        Column::new("settings"),
        Column::text("problems"),
    ];
    let caption = "What could be chosen. b is the number of examples of a step, N standing for all of them; λ the damping in \
                   nats, λ_{1} where a search for it begins; ε the weight of the present examples in the average of the \
                   metric. Both η and ε fall to a hundredth along half a cosine, except where λ is searched for.";
    let mut rows: Vec<(&str, String, usize, Vec<&str>)> = Vec::new();
    for Comparison { problem, entries } in comparisons {
        for entry in entries {
            let (name, grid) = (entry.contender.name(), grid(entry));
            match rows.iter_mut().find(|row| row.0 == name && row.1 == grid) {
                Some(row) => row.3.push(&problem.name),
                None => rows.push((name, grid, entry.tried.len(), vec![&problem.name])),
            }
        }
    }
    let mut table = Table::new("grids", caption, columns);
    for (name, grid, settings, problems) in rows {
        table.row([
            name.into(),
            grid.into(),
            settings.into(),
            problems.join(", ").into(),
        ]);
    }
    table
}

/// The choices; a row for each problem and optimiser.
pub(super) fn choices(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("problem"),
        Column::text("optimiser"),
        Column::text("chosen"),
        Column::new("validation loss").digits(3),
        Column::text("runs that broke"),
    ];
    let caption = "What was chosen: the setting of least validation loss, which is that of a run at its best point, in the \
                   median of tuning runs (a quarter as long as the final ones if the experiment is to be quick). A setting \
                   some of whose runs broke is chosen only if there is no other.";
    let mut table = Table::new("settings", caption, columns);
    for Comparison { problem, entries } in comparisons {
        for entry in entries {
            let best = &entry.tried[0];
            let broken: usize = entry.tried.iter().map(Tried::broken).sum();
            let runs: usize = entry.tried.iter().map(|tried| tried.endings.len()).sum();
            let broken = if broken == 0 {
                String::new()
            } else {
                format!("{broken} of {runs}")
            };
            table.row([
                problem.name.as_str().into(),
                entry.contender.name().into(),
                best.setting.to_string().into(),
                best.score.into(),
                broken.into(),
            ]);
        }
    }
    table
}

/// The values that each part of a setting has in the grid.
fn grid(entry: &Entry) -> String {
    let settings = || entry.tried.iter().map(|tried| tried.setting);
    let mut batches: Vec<Batch> = Vec::new();
    for setting in settings() {
        if !batches.contains(&setting.batch) {
            batches.push(setting.batch);
        }
    }
    batches.sort_by_key(|batch| batch.examples(usize::MAX));
    let batches: Vec<String> = batches.iter().map(Batch::to_string).collect();
    let mut parts = vec![
        format!("b: {}", batches.join(", ")),
        format!(
            "η: {}",
            list(settings().map(|setting| setting.learning_rate))
        ),
    ];
    if let Some((name, _)) = entry.tried[0].setting.metric.named() {
        let values = settings().filter_map(|setting| setting.metric.named());
        parts.push(format!("{name}: {}", list(values.map(|(_, value)| value))));
    }
    parts.join("; ")
}

/// The different values, in order.
fn list(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let values: Vec<String> = values.iter().map(|value| significant(*value, 3)).collect();
    values.join(", ")
}
