//! Figures, the table, and the claims.

use super::dense::{Dense, multiplications};
use super::step::Timed;
use super::{DAMPING, UNITS};
use crate::experiments::fit::log_log_slope;
use crate::experiments::spread::Spread;
use crate::record::number::significant;
use crate::{Axis, Claim, Column, Figure, Panel, Record, Series, Table};

/// The exponent of n that still counts as linear: the first touch of memory that no cache holds costs a little more.
pub(super) const LINEAR: f64 = 1.1;

/// Exponent of n in the time, over the larger half of the sizes: for few inputs the system that does not grow takes
/// most of the time, which makes the slope smaller.
pub(super) fn exponent(steps: &[Timed], units: usize) -> f64 {
    let mine: Vec<&Timed> = steps.iter().filter(|step| step.units == units).collect();
    let half = mine.iter().skip(mine.len() / 2);
    log_log_slope(half.map(|step| (step.inputs as f64, step.seconds())))
}

pub(super) fn write(record: &mut Record, steps: &[Timed], dense: &[Dense]) {
    // the largest matrices run at the highest rate: the fairest to the dense solve
    let rate = dense.iter().map(Dense::rate).fold(f64::NAN, f64::max);
    record.paragraph(format!(
        "A network f(x) = c + Σ_{{a}} v_{{a}} erf((w_{{a}}·x + b_{{a}})/√2) of m units has P = m(n + 2) + 1 parameters. For inputs \
         x ~ N(0, I_{{n}}) its Fisher metric is known in closed form, and apart from a multiple of the identity for each pair of units \
         it acts in the span of the weight vectors. So the exact step (G + λI)^{{−1}}g, λ = {}, takes O(n m²) operations and one dense \
         system of m(m + 1) unknowns that does not grow with n. The cubic cost in m is real: it is the level part of the curves for \
         few inputs. A step is everything from θ to the natural gradient, for a covector g without structure.",
        significant(DAMPING, 2)
    ));
    record.figure(times(steps, dense, rate));
    record.paragraph(format!(
        "The dense solve is measured while its matrix can be written down, and continued at the highest rate measured there, {} \
         multiplications a nanosecond on one thread.",
        significant(1e-9 * rate, 3)
    ));
    record.table(table(steps, rate));
    for units in UNITS {
        let exponent = exponent(steps, units);
        let disturbed = steps
            .iter()
            .any(|step| step.units == units && step.disturbed());
        if exponent > LINEAR && disturbed {
            record.paragraph(format!(
                "For m = {units} the exponent of n in the time is {}, but the rounds differ: something else was at work on this machine, \
                 and nothing is claimed.",
                significant(exponent, 3)
            ));
            continue;
        }
        record.claim(Claim::at_most(
            format!("m = {units}: exponent of n in the time of the exact step, larger half of n"),
            LINEAR,
            exponent,
        ));
    }
    let residuals = (steps.iter()).map(|step| step.solved().map_or(f64::NAN, |s| s.residual));
    record.claim(Claim::at_most(
        "|(G + λI)x − g| / |g|, the largest over all sizes",
        1e-10,
        Spread::of(residuals).high,
    ));
    record.claim(Claim::at_most(
        "|x − x_{dense}| / |x_{dense}|, the largest over all sizes with a matrix",
        1e-9,
        Spread::of(dense.iter().map(|dense| dense.difference)).high,
    ));
}

fn times(steps: &[Timed], dense: &[Dense], rate: f64) -> Figure {
    let mut against_inputs = Panel::new(
        "the exact step",
        Axis::log("inputs n"),
        Axis::log("processor time").unit("s"),
    );
    let mut against_parameters = Panel::new(
        "beside a dense solve",
        Axis::log("parameters P"),
        Axis::log("processor time").unit("s"),
    );
    for (slot, units) in UNITS.into_iter().enumerate() {
        let mine: Vec<&Timed> = steps.iter().filter(|step| step.units == units).collect();
        let series = |x: fn(&Timed) -> f64| {
            Series::marked_line(
                format!("exact, m = {units}"),
                mine.iter().map(|step| x(step)),
                mine.iter().map(|step| step.seconds()),
            )
            .slot(slot)
        };
        if let Some(last) = mine.last() {
            let unit = last.seconds() / last.inputs as f64;
            let x = || mine.iter().map(|step| step.inputs as f64);
            against_inputs = against_inputs.with(Series::guide("∝ n", x(), x().map(|n| unit * n)));
        }
        against_inputs = against_inputs.with(series(|step| step.inputs as f64));
        against_parameters = against_parameters.with(series(Timed::parameters));
    }
    let mut measured: Vec<(f64, f64)> = dense
        .iter()
        .map(|d| (d.parameters(), d.seconds()))
        .collect();
    measured.sort_by(|a, b| a.0.total_cmp(&b.0));
    let largest = steps.iter().map(Timed::parameters).fold(0.0, f64::max);
    let ends = [measured.first().map_or(1.0, |first| first.0), largest];
    let against_parameters = against_parameters
        .with(Series::guide(
            "P³/3 multiplications",
            ends,
            ends.map(|p| multiplications(p) / rate),
        ))
        .with(
            Series::points(
                "Cholesky, measured",
                measured.iter().map(|point| point.0),
                measured.iter().map(|point| point.1),
            )
            .slot(UNITS.len()),
        )
        .horizontal(86_400.0, "a day")
        .horizontal(365.25 * 86_400.0, "a year");
    Figure::multiples(
        "times",
        "Processor time on one thread, the fastest of several rounds. Left: the exact damped natural-gradient step against the \
         number of inputs. Right: the same against parameters, beside a Cholesky factorisation of the whole metric.",
        [against_inputs, against_parameters],
    )
}

fn table(steps: &[Timed], rate: f64) -> Table {
    let columns = [
        Column::new("m"),
        Column::new("n").digits(7),
        Column::new("P").digits(8),
        Column::new("time").unit("ms").digits(3),
        Column::new("residual").digits(2),
        Column::new("dense system").digits(4),
        Column::new("held").unit("MB").digits(3),
        Column::new("held / 8 n m").unit("bytes").digits(3),
        Column::new("P × P matrix").unit("GB").digits(3),
        Column::new("dense solve, extrapolated").unit("s").digits(2),
    ];
    let mut table = Table::new(
        "steps",
        "The exact step: its time, |(G + λI)x − g|/|g|, the size of the system that does not grow with n, the numbers that are held \
         (weights, basis of their span, right-hand side and reduced system: counted, not measured), and what a dense solve \
         would take.",
        columns,
    );
    for step in steps {
        let Some(solved) = step.solved() else {
            continue;
        };
        let (n, m, p) = (step.inputs as f64, step.units as f64, step.parameters());
        // weights and right-hand side, basis, reduced system
        let held = 8.0 * (2.0 * n * m + n * solved.rank as f64 + (solved.reduced as f64).powi(2));
        table.row([
            step.units.into(),
            step.inputs.into(),
            p.into(),
            (1e3 * step.seconds()).into(),
            solved.residual.into(),
            solved.reduced.into(),
            (1e-6 * held).into(),
            (held / (8.0 * n * m)).into(),
            (8e-9 * p * p).into(),
            (multiplications(p) / rate).into(),
        ]);
    }
    table
}
