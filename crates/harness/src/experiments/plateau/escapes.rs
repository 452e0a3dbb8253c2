//! What theory says about the time on the plateau: against the symmetry of the start, and against the rate.

use neuromanifold_geometry::closed_form::online::LearningRule;
use rayon::prelude::*;

use super::start::Start;
use super::theory::{Plateau, Theory};
use super::{ASYMMETRY, ESCAPED};
use crate::experiments::fit::{log_log_slope, slope};
use crate::{
    Axis, Claim, Column, Context, Figure, HarnessError, Panel, Quantity, Record, Series, Table,
};

/// Starts, by their asymmetry r₀.
const STARTS: [f64; 3] = [1e-2, 1e-4, 1e-6];
/// Times of escape from them, in whole numbers, from an independent integration with fixed steps of second order.
const KNOWN: [(Known, [f64; 3]); 3] = [
    (Known::Gradient(1.5), [90.0, 151.0, 211.0]),
    (Known::Natural(0.1), [65.0, 87.0, 108.0]),
    (Known::Natural(0.3), [70.0, 106.0, 142.0]),
];
/// Rates of natural gradient at which it stands still, and the generalisation errors at which it does.
const STANDSTILLS: [(f64, f64); 2] = [(0.5, 0.05), (1.0, 0.12)];
/// Asymmetries below which the plateau is reached before it is left.
const SMALL: f64 = 2e-4;
/// When the table gives up.
const PATIENCE: f64 = 150.0;

#[derive(Clone, Copy)]
enum Known {
    Gradient(f64),
    Natural(f64),
}

impl Known {
    fn theory(self) -> Theory {
        match self {
            Self::Gradient(eta) => Theory::gradient(eta),
            Self::Natural(eta) => Theory::natural(eta),
        }
    }
}

/// Paragraphs, figures, the table and claims.
pub(super) fn report(record: &mut Record, context: &Context) -> Result<(), HarnessError> {
    record.heading("The plateau in theory: how long, and why");
    record.paragraph(
        "In the limit of many inputs the overlaps obey ordinary differential equations in closed form (Saad and Solla; Rattray, Saad \
         and Amari for natural gradient), solved here with error control and with the time of escape located on the continuous \
         solution. A student whose units are alike comes to rest on a plateau, and a small difference between the units grows \
         there as e^{λα}. So the time to escape is (1/λ) ln(1/r_{0}) + const for *either* rule, where r_{0} is the asymmetry of the \
         start: natural gradient makes λ larger.",
    );
    times(record)?;
    plateaus(record)?;
    against_asymmetry(record, context)?;
    against_rate(record, context)
}

/// The table of escapes, and their claims.
fn times(record: &mut Record) -> Result<(), HarnessError> {
    let start = |r: &f64| Column::new(format!("r_{{0}} = {}", power(*r))).digits(4);
    let mut columns = vec![Column::text("learner")];
    columns.extend(STARTS.iter().map(start));
    columns.push(Column::new("ε_{g} at α = 150, r_{0} = 10^{−2}").digits(2));
    let mut table = Table::new(
        "escapes-in-theory",
        "α at which the generalisation error falls to 10^{−3}, from the equations of motion, for starts of decreasing asymmetry r_{0}; \
         ∞ where it has not by α = 150 (rates of ½ and more) or 300.",
        columns,
    );
    let mut row = |theory: Theory, end: f64| -> Result<Vec<f64>, HarnessError> {
        let escape = |r: &f64| theory.escape(&Start::near_symmetric(*r)?, ESCAPED, end);
        let times: Vec<f64> = STARTS.iter().map(escape).collect::<Result<_, _>>()?;
        let last = theory.error_at(&Start::near_symmetric(ASYMMETRY)?, PATIENCE)?;
        let numbers = times.iter().copied().chain([last]).map(Quantity::from);
        table.row([theory.label().into()].into_iter().chain(numbers));
        Ok(times)
    };
    for (known, expected) in KNOWN {
        let theory = known.theory();
        for ((found, expected), r) in row(theory, 300.0)?.into_iter().zip(expected).zip(STARTS) {
            record.claim(Claim::close(
                format!(
                    "theory: α at which {} escapes from r_{{0}} = {}",
                    theory.label(),
                    power(r)
                ),
                expected,
                found,
                1.0,
            ));
        }
    }
    for (eta, expected) in STANDSTILLS {
        let theory = Theory::natural(eta);
        let times = row(theory, PATIENCE)?;
        record.claim(Claim::equal(
            format!(
                "theory: starts from which {} escapes by α = {PATIENCE}: “no plateau” is a statement about small steps",
                theory.label()
            ),
            0_usize,
            times.iter().filter(|time| time.is_finite()).count(),
        ));
        let start = Start::near_symmetric(ASYMMETRY)?;
        record.claim(Claim::close(
            format!("theory: ε_{{g}} at which {} stands still", theory.label()),
            expected,
            theory.error_at(&start, PATIENCE)?,
            0.01,
        ));
    }
    record.table(table);
    Ok(())
}

/// Where the learners of the table of escapes come to rest while their units are alike.
fn plateaus(record: &mut Record) -> Result<(), HarnessError> {
    let columns = [
        Column::text("learner"),
        Column::new("ε_{g}").digits(3),
        Column::new("Q_{11}").digits(4),
        Column::new("Q_{12}").digits(4),
        Column::new("R_{in}").digits(4),
        Column::new("λ").digits(4),
        Column::new("1/λ").digits(4),
    ];
    let mut table = Table::new(
        "plateaus",
        "The plateau: the fixed point of students that are alike, and the growth rate λ of a difference δR ∝ (1, −1; −1, 1) between them. \
         Where λ is negative, the plateau attracts.",
        columns,
    );
    let known = KNOWN.into_iter().map(|(known, _)| known.theory());
    let still = STANDSTILLS.into_iter().map(|(eta, _)| Theory::natural(eta));
    for theory in known.chain(still) {
        let Plateau { at, growth } = theory.plateau()?;
        let (q, r) = (at.students(), at.overlaps());
        table.row([
            theory.label().into(),
            theory.committee()?.generalization_error(&at)?.into(),
            q[(0, 0)].into(),
            q[(0, 1)].into(),
            r[(0, 0)].into(),
            growth.into(),
            (1.0 / growth).into(),
        ]);
    }
    record.table(table);
    Ok(())
}

/// Escape against ln(1/r₀) is a line of slope 1/λ, for starts so symmetric that the plateau is reached before it is left.
fn against_asymmetry(record: &mut Record, context: &Context) -> Result<(), HarnessError> {
    let every = context.pick(2, 1, 1);
    let asymmetries: Vec<f64> = (4..=16)
        .step_by(every)
        .map(|k| 10_f64.powf(-0.5 * f64::from(k)))
        .collect();
    let mut figure = Figure::new(
        "escape-against-asymmetry",
        "Time to escape in theory against the asymmetry of the start. Grey: lines whose slope is the inverse of the growth rate λ, \
         an eigenvalue of the equations linearised at the plateau.",
        Axis::log("asymmetry r_{0} of the start"),
        Axis::linear("α at escape").limits(0.0, 300.0),
    );
    for (slot, (known, _)) in KNOWN.into_iter().enumerate() {
        let theory = known.theory();
        let times: Vec<f64> = asymmetries
            .par_iter()
            .map(|r| theory.escape(&Start::near_symmetric(*r)?, ESCAPED, 500.0))
            .collect::<Result<_, _>>()?;
        let growth = theory.plateau()?.growth;
        let points = asymmetries.iter().copied().zip(times.iter().copied());
        let small = points.filter(|(r, _)| *r < SMALL);
        record.claim(Claim::close_relative(
            format!(
                "theory: {}: slope of α at escape against ln(1/r_{{0}}), predicted by 1/λ",
                theory.label()
            ),
            1.0 / growth,
            slope(small.map(|(r, time)| ((1.0 / r).ln(), time))),
            0.01,
        ));
        if let Some((end, time)) = asymmetries.last().zip(times.last()) {
            let line = asymmetries.iter().map(|r| time - (r / end).ln() / growth);
            figure = figure.with(Series::guide(
                "slope 1/λ",
                asymmetries.iter().copied(),
                line,
            ));
        }
        figure = figure.with(
            Series::marked_line(theory.label(), asymmetries.iter().copied(), times).slot(slot),
        );
    }
    record.figure(figure);
    Ok(())
}

/// Escape, and the growth rate, against η.
fn against_rate(record: &mut Record, context: &Context) -> Result<(), HarnessError> {
    let points = context.pick(9, 25, 49);
    let grid = |low: f64, high: f64| -> Vec<f64> {
        let step = (high / low).ln() / f64::from(points - 1);
        (0..points)
            .map(|k| low * (step * f64::from(k)).exp())
            .collect()
    };
    let limit = largest_rate()?;
    record.paragraph(format!(
        "The rate decides. Gradient descent leaves the plateau at λ ≈ 0.065 η: in units of learning, ηα, its plateau is as long for any \
         small rate. Natural gradient does better the smaller its steps. On the plateau the metric makes a difference between the units \
         short in proportion to Q_{{11}} − Q_{{12}}, so that it moves at the rate η/(Q_{{11}} − Q_{{12}}), pushed apart by the noise of single \
         examples as η²/(Q_{{11}} − Q_{{12}}) and back as η(Q_{{11}} − Q_{{12}}): hence Q_{{11}} − Q_{{12}} ∝ η^{{1/2}} and λ/η ∝ η^{{−1/2}}, \
         without bound. That is the sense in which natural gradient has *no plateau*: in the limit of small steps. With large ones it \
         has a worse one: for η > {limit:.3} noise makes λ negative, the plateau attracts, and natural gradient never leaves it."
    ));
    let rules = [
        ("gradient", LearningRule::GradientDescent),
        ("natural gradient", LearningRule::NaturalGradient),
    ];
    let grids = [grid(0.05, 3.0), grid(0.003, 0.41)];
    let rate = || Axis::log("learning rate η");
    let mut times = Panel::new("time to escape", rate(), Axis::log("α at escape"))
        .vertical(limit, "never above");
    let mut growths =
        Panel::new("growth on the plateau", rate(), Axis::log("λ/η")).vertical(limit, "λ = 0");
    let mut slow = Vec::new();
    for (slot, ((label, rule), rates)) in rules.into_iter().zip(grids).enumerate() {
        let found: Vec<(f64, f64, f64)> = rates
            .par_iter()
            .map(|&eta| {
                context.check()?;
                let theory = Theory { rule, eta };
                let start = Start::near_symmetric(ASYMMETRY)?;
                let Plateau { at, growth } = theory.plateau()?;
                let apart = at.students()[(0, 0)] - at.students()[(0, 1)];
                Ok((theory.escape(&start, ESCAPED, 4000.0)?, growth / eta, apart))
            })
            .collect::<Result<_, HarnessError>>()?;
        let x = || rates.iter().copied();
        times = times.with(Series::marked_line(label, x(), found.iter().map(|f| f.0)).slot(slot));
        growths =
            growths.with(Series::marked_line(label, x(), found.iter().map(|f| f.1)).slot(slot));
        let few = rates.iter().zip(&found).filter(|(eta, _)| **eta < 0.013);
        slow.extend(few.map(|(eta, found)| (*eta, *found)));
    }
    record.figure(Figure::multiples(
        "escape-against-rate",
        "Left: time to escape from r_{0} = 10^{−2}, in theory, against the rate; missing where ε_{g} never falls to 10^{−3}, because \
         the student stands still or the noise of single examples is too large. Right: growth rate of a difference between the units \
         on the plateau, over the rate.",
        [times, growths],
    ));
    record.claim(Claim::within(
        "theory: rate η of natural gradient above which its plateau attracts",
        0.3..=0.5,
        limit,
    ));
    record.claim(Claim::close(
        "theory: exponent of η in Q_{11} − Q_{12} on the plateau of natural gradient, η ≤ 0.013",
        0.5,
        log_log_slope(slow.iter().map(|(eta, found)| (*eta, found.2))),
        0.05,
    ));
    record.claim(Claim::close(
        "theory: exponent of η in λ/η of natural gradient, η ≤ 0.013: no plateau in the limit of small steps",
        -0.5,
        log_log_slope(slow.iter().map(|(eta, found)| (*eta, found.1))),
        0.05,
    ));
    Ok(())
}

/// The rate of natural gradient at which λ changes sign.
fn largest_rate() -> Result<f64, HarnessError> {
    let (mut low, mut high) = (0.3, 0.6);
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if Theory::natural(middle).plateau()?.growth > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(f64::midpoint(low, high))
}

/// `10^{−k}`.
fn power(value: f64) -> String {
    format!("10^{{−{}}}", (-value.log10()).round())
}
