//! What a reader sees of the duel.

use super::contender::Contender;
use super::duel::{Duel, HANDICAP};
use super::quantiles::{along_time, at_time, duration, median, quantile};
use super::report::band;
use super::run::Run;
use crate::record::number::{duration as seconds, significant};
use crate::{Axis, Claim, Column, Figure, Record, Table};

/// The duel on the Mackey–Glass series.
pub(super) fn write(record: &mut Record, duel: &Duel) {
    record.heading("Can Adam be patient?");
    record.paragraph(format!(
        "On the Mackey–Glass series (4-10-1, P = 61, 500 training examples, no noise) the question is how *exactly* a network \
         can be fitted. Adam is given every chance: {} settings (five learning rates, constant or falling along half a \
         cosine, whole batch or mini-batches of 32), chosen by the training loss itself. Natural gradient is told nothing: \
         full batch, full steps, the damping λ found by the search of Levenberg and Marquardt. Adam may take {} times as \
         long.",
        duel.settings,
        significant(HANDICAP, 3),
    ));
    let caption = format!(
        "Mean square error on the training part against wall time, median and quartiles over {} seeds. What natural gradient \
         has at the left mark, Adam does not have at the right one, ten times as late.",
        duel.natural.len(),
    );
    let mut figure = Figure::new(
        "ten-times",
        caption,
        Axis::log("wall time").unit("s"),
        Axis::log("train MSE"),
    )
    .with(
        band(Contender::Natural.name(), along_time(&duel.natural)).slot(Contender::Natural.slot()),
    );
    for (index, (tried, runs)) in duel.adam.iter().enumerate() {
        let label = format!("Adam, {}", Duel::batch_name(tried.setting));
        // the colour that Adam has elsewhere, and one that no other optimiser has
        let slot = if index == 0 {
            Contender::Adam.slot()
        } else {
            Contender::ALL.len()
        };
        figure = figure.with(band(&label, along_time(runs)).slot(slot));
    }
    let (natural, adam) = (duel.natural_seconds(), duel.adam_seconds());
    record.figure(figure.vertical(natural, "t").vertical(adam, "10 t"));
    record.table(duel_table(duel));
    let losses = duel.natural_losses();
    record.paragraph(format!(
        "After t = {} natural gradient has a mean square error of {} (median; the worst seed {}). After 10 t = {} the best \
         of all runs of Adam has {}, the median of its better setting {}. Natural gradient needs {} to leave that best run \
         behind.",
        seconds_of(natural),
        significant(median(losses.iter().copied()), 2),
        significant(quantile(losses, 1.0), 2),
        seconds_of(adam),
        significant(duel.least_adam_loss(), 2),
        significant(duel.median_adam_loss(), 2),
        seconds_of(duel.seconds_to_pass_adam()),
    ));
    claims(record, duel);
}

fn duel_table(duel: &Duel) -> Table {
    let columns = [
        Column::text("optimiser"),
        Column::text("setting"),
        Column::new("wall time").unit("s").digits(3),
        Column::new("least train MSE").digits(3),
        Column::new("median").digits(3),
        Column::new("largest").digits(3),
        Column::new("test NRMSE").digits(3),
    ];
    let mut table = Table::new(
        "ten-times-numbers",
        "The same in numbers: natural gradient after t, Adam after 10 t.",
        columns,
    );
    let natural = duel.natural_seconds();
    let at = |run: &Run| *at_time(run, natural);
    let points: Vec<_> = duel.natural.iter().map(at).collect();
    let rows = std::iter::once((
        Contender::Natural,
        "λ searched for".to_owned(),
        natural,
        points,
    ));
    let adam = duel.adam.iter().map(|(tried, runs)| {
        let setting = tried.setting.to_string();
        (
            Contender::Adam,
            setting,
            duration(runs),
            runs.iter().map(|run| *run.last()).collect(),
        )
    });
    for (contender, setting, time, points) in rows.chain(adam) {
        let losses = |part| quantile(points.iter().map(|point| point.train), part);
        let test = median(points.iter().map(|point| point.test_error));
        table.row([
            contender.name().into(),
            setting.into(),
            time.into(),
            losses(0.0).into(),
            losses(0.5).into(),
            losses(1.0).into(),
            test.into(),
        ]);
    }
    table
}

fn seconds_of(value: f64) -> String {
    if value < 0.1 {
        format!("{} ms", significant(1e3 * value, 2))
    } else {
        seconds(value)
    }
}

/// Claims about the duel.
fn claims(record: &mut Record, duel: &Duel) {
    let losses = duel.natural_losses();
    let worst = quantile(losses.iter().copied(), 1.0);
    record.claim(Claim::at_most(
        "Mackey–Glass, ten times the wall time: train MSE of natural gradient at t (median) over Adam's at 10 t (best of all runs)",
        1.0,
        median(losses.iter().copied()) / duel.least_adam_loss(),
    ));
    record.claim(Claim::at_most(
        "Mackey–Glass, ten times the wall time: the same for the worst seed of natural gradient",
        1.0,
        worst / duel.least_adam_loss(),
    ));
}
