//! Size against divergence and test error.

use neuromanifold_geometry::quotient::{Compression, CompressionPath};
use neuromanifold_mlp::Mlp;

use super::trained::Trained;
use crate::{Axis, Claim, Column, HarnessError, Panel, Record, Series, Table};

/// Panels of divergence and test error against size, a table, and the claims.
pub(super) fn report(
    trained: &Trained,
    record: &mut Record,
    slot: usize,
) -> Result<(Panel, Panel), HarnessError> {
    let probe = trained.probe();
    let original = trained.test_error(&trained.net, &trained.theta)?;
    let path = CompressionPath::of(&trained.net, &trained.theta, &probe)?;
    let (error_name, unit) = trained.measure;
    let columns = [
        Column::new("budget").unit("nats"),
        Column::new("hidden units"),
        Column::new("parameters"),
        Column::new("divergence").unit("nats").digits(3),
        Column::new(error_name).unit(unit).digits(4),
    ];
    let caption = format!(
        "{} ({}): what fits into a budget; trained network first.",
        trained.name, trained.net
    );
    let mut table = Table::new(format!("{}-budgets", trained.name), caption, columns);
    let hidden = |net: &Mlp| {
        net.layers()[..net.layers().len() - 1]
            .iter()
            .map(|l| l.outputs())
            .sum::<usize>()
    };
    let row = |budget: f64, c: &Compression| -> Result<_, HarnessError> {
        let error = trained.test_error(&c.net, &c.theta)?;
        Ok([
            budget.into(),
            hidden(&c.net).into(),
            c.net.parameters().into(),
            c.difference.divergence.into(),
            error.into(),
        ])
    };
    let mut errors = Vec::new();
    table.row([
        0.0.into(),
        hidden(&trained.net).into(),
        trained.net.parameters().into(),
        0.0.into(),
        original.into(),
    ]);
    let mut kept = true;
    let mut sizes = vec![hidden(&trained.net)];
    for budget in [1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0] {
        let compressed = path.within(budget)?;
        // measured once more, by itself
        let there = (&compressed.net, &compressed.theta[..]);
        let measured = probe.difference((&trained.net, &trained.theta), there)?;
        kept &= measured.divergence <= budget;
        sizes.push(hidden(&compressed.net));
        table.row(row(budget, &compressed)?);
    }
    // the whole path, network by network
    for step in 0..path.steps().len() {
        if let Some((net, theta)) = path.network(step).filter(|_| path.steps()[step].units > 0) {
            errors.push((hidden(net) as f64, trained.test_error(net, theta)?));
        }
    }
    record.claim(Claim::that(
        format!(
            "{}: every compressed network is within its budget on the training inputs",
            trained.name
        ),
        "all",
        if kept { "all" } else { "not all" },
        "exact",
        kept,
    ));
    record.claim(Claim::that(
        format!(
            "{}: a larger budget never gives a larger network",
            trained.name
        ),
        "monotone",
        sizes
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" ≥ "),
        "exact",
        sizes.windows(2).all(|pair| pair[0] >= pair[1]),
    ));
    record.table(table);
    let units = Axis::linear("hidden units");
    let steps = path.steps().iter().filter(|step| step.units > 0);
    let divergence = Panel::new(
        trained.name,
        units.clone(),
        Axis::log("D(trained : compressed)").unit("nats"),
    )
    .with(
        Series::marked_line(
            trained.name,
            steps.clone().map(|s| s.units as f64),
            steps.map(|s| s.difference.divergence),
        )
        .slot(slot),
    );
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    errors.dedup();
    let error = Panel::new(trained.name, units, Axis::linear(error_name).unit(unit))
        .with(
            Series::marked_line(
                trained.name,
                errors.iter().map(|e| e.0),
                errors.iter().map(|e| e.1),
            )
            .slot(slot),
        )
        .horizontal(original, "trained");
    Ok((divergence, error))
}
