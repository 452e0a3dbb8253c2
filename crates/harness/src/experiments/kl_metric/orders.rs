//! Figures, table and claims about the order of the remainder.

use super::{Case, Measured};
use crate::{Axis, Claim, Column, Figure, Panel, Record, Series, Table};

pub(super) fn report(record: &mut Record, cases: &[Case], measured: &[Measured]) {
    let panels = |quantity: fn(&Measured) -> &Vec<f64>, axis: Axis, guide: (&str, f64, i32)| {
        ["one hidden layer", "two hidden layers"].map(|depth| {
            let mut panel = Panel::new(depth, Axis::log("|dθ|"), axis.clone());
            let (label, at_one, order) = guide;
            let ends = [1e-7, 1.0];
            panel = panel.with(Series::guide(
                label,
                ends,
                ends.map(|x: f64| at_one * x.powi(order)),
            ));
            for (case, m) in cases
                .iter()
                .zip(measured)
                .filter(|(case, _)| case.depth == depth)
            {
                let x = m.lengths.iter().copied();
                panel = panel.with(Series::line(case.law, x, quantity(m).iter().copied()));
            }
            panel
        })
    };
    record.figure(
        Figure::multiples(
            "ratio",
            "The ratio of the divergence to half the squared length tends to one in proportion to the length of the step \
             (root mean square over random directions). Below 10^{−7} or so the rounding of θ + dθ would take over.",
            panels(|m| &m.deviation, Axis::log("|D / ½dθᵀG dθ − 1|"), ("|dθ|", 1.0, 1)),
        )
        .share_y(),
    );
    record.figure(
        Figure::multiples(
            "remainder",
            "What the quadratic form leaves of the divergence falls as the cube of the step, until the last digits of \
             both are all that is left.",
            panels(
                |m| &m.remainder,
                Axis::log("|D − ½dθᵀG dθ|").unit("nats").limits(1e-24, 10.0),
                ("|dθ|^{3}", 1.0, 3),
            ),
        )
        .share_y(),
    );
    let columns = [
        Column::text("network"),
        Column::text("likelihood"),
        Column::new("P"),
        Column::new("order of the remainder").digits(4),
        Column::new("deviation of the ratio at |dθ| = 10^{−4}").digits(3),
    ];
    let mut table = Table::new(
        "orders",
        "The fitted order of the remainder, |dθ| from 10^{−4} to 10^{−1}.",
        columns,
    );
    for (case, m) in cases.iter().zip(measured) {
        let parameters = case.net.parameters();
        let at = m
            .lengths
            .iter()
            .position(|l| *l < 1.1e-4)
            .map_or(f64::NAN, |k| m.deviation[k]);
        table.row([
            case.net.to_string().into(),
            case.law.into(),
            parameters.into(),
            m.order.into(),
            at.into(),
        ]);
        record.claim(Claim::at_least(
            format!(
                "order of the remainder in |dθ|: {}, {}",
                case.law, case.depth
            ),
            2.9,
            m.order,
        ));
        record.claim(Claim::at_most(
            format!(
                "root mean square of D / ½dθᵀG dθ − 1 at |dθ| = 10^{{−4}}: {}, {}",
                case.law, case.depth
            ),
            1e-3,
            at,
        ));
    }
    record.table(table);
}
