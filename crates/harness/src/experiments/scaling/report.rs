//! What a reader sees of the sweeps.

use super::size::Size;
use super::sweep::{Sweep, TOLERANCE};
use crate::record::number::significant;
use crate::{Axis, Claim, Column, Figure, Panel, Record, Series, Table};

/// Figures, the table, and the claims about times.
pub(super) fn write(record: &mut Record, sweeps: &[Sweep]) {
    record.heading("Time against size");
    let panels = Size::ALL.map(|size| {
        let of_size = sweeps.iter().filter(|sweep| sweep.size == size);
        let panel = Panel::new(
            "",
            Axis::log(size.name()),
            Axis::log("processor time").unit("s"),
        );
        of_size.fold(panel, |panel, sweep| {
            let x = || sweep.points.iter().map(|timed| size.of(&timed.shape));
            let time = sweep.points.iter().map(super::sweep::Timed::fastest);
            let count = |timed: &super::sweep::Timed| {
                1e-9 * sweep.representation.multiplications(&timed.shape) / sweep.rate()
            };
            let name = sweep.representation.name();
            let slot = sweep.representation.slot();
            panel
                .with(Series::guide(
                    "multiplications",
                    x(),
                    sweep.points.iter().map(count),
                ))
                .with(Series::marked_line(name, x(), time).slot(slot))
        })
    });
    record.figure(Figure::multiples(
        "times",
        "Processor time on one thread, the fastest of several runs, against each size with the others fixed. Grey: the number of \
         multiplications, drawn through the last point. The representations have networks of their own, so their \
         heights are not comparable; their slopes are.",
        panels,
    ));
    record.table(table(sweeps));
    claims(record, sweeps);
}

fn table(sweeps: &[Sweep]) -> Table {
    let columns = [
        Column::text("what"),
        Column::text("against"),
        Column::text("from"),
        Column::text("to"),
        Column::new("exponent in the limit").digits(2),
        Column::new("of the multiplications").digits(3),
        Column::new("of the time").digits(3),
        Column::new("multiplications, largest network")
            .unit("1/ns")
            .digits(3),
    ];
    let mut table = Table::new(
        "exponents",
        "Exponents fitted to multiplications and to times on the same networks.",
        columns,
    );
    for sweep in sweeps {
        let end = |timed: Option<&super::sweep::Timed>| {
            timed.map_or(String::new(), |timed| {
                significant(sweep.size.of(&timed.shape), 4)
            })
        };
        table.row([
            sweep.representation.name().into(),
            sweep.size.symbol().into(),
            end(sweep.points.first()).into(),
            end(sweep.points.last()).into(),
            sweep.size.asymptotic(sweep.representation).into(),
            sweep.counted_exponent().into(),
            sweep.exponent().into(),
            sweep.rate().into(),
        ]);
    }
    table
}

/// One claim about all times together: any one of them can be spoilt by other work on the machine, half of them hardly.
fn claims(record: &mut Record, sweeps: &[Sweep]) {
    let off = |sweep: &Sweep| (sweep.exponent() - sweep.counted_exponent()).abs();
    let mut deviations: Vec<f64> = sweeps.iter().map(off).collect();
    deviations.sort_by(f64::total_cmp);
    record.claim(Claim::at_most(
        "exponent of the time against that of the multiplications, median deviation over all sweeps",
        TOLERANCE,
        deviations.get(deviations.len() / 2).copied().unwrap_or(f64::NAN),
    ));
    let apart: Vec<_> = sweeps
        .iter()
        .filter(|sweep| off(sweep) > TOLERANCE)
        .map(|sweep| {
            let (what, against) = (sweep.representation.name(), sweep.size.symbol());
            if sweep.disturbed() {
                format!("{what} against {against} (times varied between rounds)")
            } else {
                format!("{what} against {against}")
            }
        })
        .collect();
    if !apart.is_empty() {
        record.paragraph(format!(
            "Farther than {TOLERANCE} from its prediction is the exponent of the time of: {}.",
            apart.join("; ")
        ));
    }
}
