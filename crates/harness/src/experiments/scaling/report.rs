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

/// A time that other work on the machine has spoilt is reported as that, not as a law that fails.
fn claims(record: &mut Record, sweeps: &[Sweep]) {
    let mut spoilt = Vec::new();
    for sweep in sweeps {
        let what = format!(
            "{} against {}",
            sweep.representation.name(),
            sweep.size.symbol()
        );
        if !sweep.agrees() && sweep.disturbed() {
            spoilt.push(what);
            continue;
        }
        record.claim(Claim::close(
            format!("{what}: exponent of the time, predicted by the multiplications"),
            sweep.counted_exponent(),
            sweep.exponent(),
            TOLERANCE,
        ));
    }
    if !spoilt.is_empty() {
        record.paragraph(format!(
            "Other work on the machine has disturbed the times of: {}. Nothing is claimed of them here.",
            spoilt.join("; ")
        ));
    }
}
