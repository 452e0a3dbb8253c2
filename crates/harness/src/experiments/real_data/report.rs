//! What a reader sees: tables of problems, choices and test errors, figures of learning curves, and what follows from them.

use super::quantiles::{Bundle, along_steps, along_time, duration, median, quantile};
use super::run::{Ending, Run};
use super::{Comparison, claims, rules, settings, verdict};
use crate::{Axis, Column, Figure, Panel, Record, Series, Table, UserData};

/// Losses below this are not shown.
const NEGLIGIBLE: f64 = 1e-9;

/// The comparison on the problems of the report.
pub(super) fn problems(record: &mut Record, comparisons: &[Comparison]) {
    record.paragraph(
        "Five problems, five optimisers. On each problem every optimiser chooses its setting on validation examples, from \
         a grid that is shown below; then all start from the same random parameters, once a seed. The number of steps \
         comes from a count of multiplications, so that all get about the same wall time. Timed runs have the machine for \
         themselves, one at a time, and the clock stands still while losses are measured. Test errors are read at the \
         point of least validation loss; on the Mackey–Glass series, which has no noise to overfit, at the end.",
    );
    comparison(record, comparisons);
    record.heading("What the curves say");
    record.paragraph(verdict::summary(comparisons));
    for comparison in comparisons {
        record.paragraph(verdict::sentence(comparison));
    }
    claims::problems(record, comparisons);
    rules::write(record, comparisons);
}

/// The comparison on a table of the user's own.
pub(super) fn user(record: &mut Record, data: &UserData, table: &Comparison) {
    let task = table.problem.parts.train.task();
    record.paragraph(format!(
        "The column `{}` of `{}` is predicted from all others: {task}, by a perceptron {} with P = {}. A target of at most \
         ten different words or whole numbers is taken for a class, any other for a number. Inputs, and targets that are \
         numbers, are standardised by the training part; a fifth of the rows each is for validation and test. Every \
         optimiser chooses its setting on the validation rows, and its test error is read at the point of least validation \
         loss.",
        data.target,
        data.path.display(),
        table.problem.net,
        table.problem.net.parameters(),
    ));
    let tables = std::slice::from_ref(table);
    comparison(record, tables);
    record.heading("What the curves say");
    record.paragraph(verdict::sentence(table));
    claims::user(record, table);
}

fn comparison(record: &mut Record, comparisons: &[Comparison]) {
    record.table(problem_table(comparisons));
    record.figure(curves(
        "loss-steps",
        "Training loss against the number of steps; a step is one mini-batch or one whole batch, as the table of settings \
         says. Lines are medians over seeds, bands quartiles.",
        comparisons,
        Axis::log("step"),
        along_steps,
    ));
    record.figure(curves(
        "loss-time",
        "The same runs against wall time. A run that has ended keeps its loss.",
        comparisons,
        Axis::log("wall time").unit("s"),
        along_time,
    ));
    record.table(error_table(comparisons));
    record.table(run_table(comparisons));
    record.table(settings::grids(comparisons));
    record.table(settings::choices(comparisons));
}

fn problem_table(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("problem"),
        Column::text("target"),
        Column::text("network"),
        Column::new("P"),
        Column::new("train"),
        Column::new("validation"),
        Column::new("test"),
    ];
    let caption = "The problems, and the numbers of examples of the parts. The series is cut in the order of time and left \
                   unscaled; its settings are chosen on the last fifth of the training part. Regressions are standardised \
                   by their training part.";
    let mut table = Table::new("problems", caption, columns);
    for Comparison { problem, .. } in comparisons {
        let parts = &problem.parts;
        table.row([
            problem.name.as_str().into(),
            parts.train.task().to_string().into(),
            problem.net.to_string().into(),
            problem.net.parameters().into(),
            parts.train.len().into(),
            parts.validation.len().into(),
            parts.test.len().into(),
        ]);
    }
    table
}

fn curves(
    name: &str,
    caption: &str,
    comparisons: &[Comparison],
    x: Axis,
    along: fn(&[Run]) -> Bundle,
) -> Figure {
    let panels = comparisons.iter().map(|Comparison { problem, entries }| {
        let (loss, unit) = problem.loss_name();
        let bundles: Vec<Bundle> = entries.iter().map(|entry| along(&entry.runs)).collect();
        let panel = Panel::new(
            problem.name.as_str(),
            x.clone(),
            limited(Axis::log(loss).unit(unit), &bundles),
        );
        entries
            .iter()
            .zip(bundles)
            .fold(panel, |panel, (entry, bundle)| {
                panel.with(band(entry.contender.name(), bundle).slot(entry.contender.slot()))
            })
    });
    Figure::multiples(name, caption, panels)
}

/// The axis, cut off where losses say no more than that the training classes are separated.
fn limited(axis: Axis, bundles: &[Bundle]) -> Axis {
    let shown = || {
        bundles
            .iter()
            .flat_map(|bundle| bundle.low.iter().chain(&bundle.high))
            .copied()
    };
    let (least, largest) = (
        shown().fold(f64::INFINITY, f64::min),
        shown().fold(0.0, f64::max),
    );
    if least < NEGLIGIBLE {
        axis.limits(NEGLIGIBLE, 1.5 * largest)
    } else {
        axis
    }
}

pub(super) fn band(label: &str, bundle: Bundle) -> Series {
    Series::band(label, bundle.x, bundle.middle, bundle.low, bundle.high)
}

fn error_table(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("problem"),
        Column::text("test error"),
        Column::text("optimiser"),
        Column::new("median").digits(3),
        Column::new("least").digits(3),
        Column::new("largest").digits(3),
    ];
    let caption = "Errors on test examples: median, least and largest over seeds. NRMSE is the root mean square error over the \
                   standard deviation of the targets.";
    let mut table = Table::new("test-errors", caption, columns);
    for Comparison { problem, entries } in comparisons {
        let (name, unit) = (problem.error.name(), problem.error.unit());
        let error = if unit.is_empty() {
            name.to_owned()
        } else {
            format!("{name} / {unit}")
        };
        for entry in entries {
            let errors = || entry.runs.iter().map(|run| run.kept().test_error);
            table.row([
                problem.name.as_str().into(),
                error.as_str().into(),
                entry.contender.name().into(),
                median(errors()).into(),
                quantile(errors(), 0.0).into(),
                quantile(errors(), 1.0).into(),
            ]);
        }
    }
    table
}

fn run_table(comparisons: &[Comparison]) -> Table {
    let columns = [
        Column::text("problem"),
        Column::text("optimiser"),
        Column::new("steps"),
        Column::new("passes").digits(3),
        Column::new("wall time").unit("s").digits(2),
        Column::new("train loss").digits(3),
        Column::text("ended early"),
    ];
    let caption = "The final runs: steps and passes over the training examples of a run that takes all its steps; wall time and \
                   training loss at the end, in the median.";
    let mut table = Table::new("runs", caption, columns);
    for Comparison { problem, entries } in comparisons {
        let all = problem.parts.train.len();
        for entry in entries {
            let batch = entry.setting.batch.examples(all);
            table.row([
                problem.name.as_str().into(),
                entry.contender.name().into(),
                entry.steps.into(),
                ((entry.steps * batch) as f64 / all as f64).into(),
                duration(&entry.runs).into(),
                median(entry.runs.iter().map(|run| run.last().train)).into(),
                endings(&entry.runs).into(),
            ]);
        }
    }
    table
}

/// How runs that did not take all their steps ended.
fn endings(runs: &[Run]) -> String {
    let count = |kind: fn(&Ending) -> bool| runs.iter().filter(|run| kind(&run.ending)).count();
    let ways = [
        (
            count(|ending| matches!(ending, Ending::Minimum)),
            "at a minimum",
        ),
        (
            count(|ending| matches!(ending, Ending::DefinitenessLost { .. })),
            "indefinite",
        ),
        (
            count(|ending| matches!(ending, Ending::RoundedAway { .. })),
            "rounded away",
        ),
        (
            count(|ending| matches!(ending, Ending::Diverged { .. })),
            "diverged",
        ),
    ];
    let told = ways
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, way)| format!("{count} {way}"));
    told.collect::<Vec<_>>().join(", ")
}
