//! Exponents of the eigenvalues of G on the way to a stratum.

use super::pair::{INPUTS, eigenvalues, overlapping, vanishing};
use crate::experiments::fit::log_log_slope;
use crate::experiments::inflation::gaussians;
use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Panel, Record, Series, Table};

/// A path to a stratum: name, what goes to zero, and the network at a distance from it.
struct Approach {
    name: &'static str,
    variable: &'static str,
    at: fn(f64) -> Vec<f64>,
    /// Exponent of the smallest eigenvalue, how many others vanish, and their exponent.
    predicted: (f64, usize, f64),
}

const APPROACHES: [Approach; 2] = [
    Approach {
        name: "overlap",
        variable: "|w_{1} − w_{2}|",
        at: overlapping,
        predicted: (6.0, INPUTS + 1, 2.0),
    },
    Approach {
        name: "elimination",
        variable: "|v_{2}|",
        at: vanishing,
        predicted: (2.0, INPUTS, 2.0),
    },
];

pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let inputs = gaussians(
        INPUTS * context.pick(200, 1000, 10_000),
        &mut context.rng(0),
    );
    let distances: Vec<f64> = (0..8).map(|k| 0.4 * 0.5f64.powi(k)).collect();
    let mut panels = Vec::new();
    let columns = [
        Column::text("stratum"),
        Column::new("eigenvalue, from the smallest"),
        Column::new("fitted exponent").digits(4),
        Column::new("predicted exponent"),
    ];
    let mut table = Table::new(
        "exponents",
        "λ ∝ distance^{exponent}, fitted over the last four halvings.",
        columns,
    );
    for approach in &APPROACHES {
        let spectra: Vec<Vec<f64>> = distances
            .iter()
            .map(|d| eigenvalues(&(approach.at)(*d), &inputs))
            .collect::<Result<_, _>>()?;
        let (smallest, others, exponent) = approach.predicted;
        let mut panel = Panel::new(
            approach.name,
            Axis::log(approach.variable),
            Axis::log("eigenvalue of G").unit("nats"),
        );
        let mut measured = Vec::new();
        for index in 0..spectra[0].len() {
            let curve = || {
                distances
                    .iter()
                    .copied()
                    .zip(spectra.iter().map(|s| s[index]))
            };
            let slope = log_log_slope(curve().skip(4));
            let predicted = match index {
                0 => smallest,
                i if i <= others => exponent,
                _ => 0.0,
            };
            let (label, slot) = match index {
                0 => ("smallest".to_owned(), 0),
                i if i <= others => ("others that vanish".to_owned(), 1),
                _ => ("regular".to_owned(), 2),
            };
            let (x, y): (Vec<f64>, Vec<f64>) = curve().unzip();
            panel = panel.with(Series::marked_line(label, x, y).slot(slot));
            table.row([
                approach.name.into(),
                (index + 1).into(),
                slope.into(),
                predicted.into(),
            ]);
            measured.push(slope);
        }
        record.claim(Claim::close(
            format!(
                "{}: exponent of the smallest eigenvalue in {}",
                approach.name, approach.variable
            ),
            smallest,
            measured[0],
            0.1,
        ));
        let worst = measured[1..=others]
            .iter()
            .map(|m| (m - exponent).abs())
            .fold(0.0, f64::max);
        record.claim(Claim::at_most(
            format!("{}: the next {others} eigenvalues vanish with exponent {exponent}, largest deviation", approach.name),
            0.1,
            worst,
        ));
        let count = measured.iter().filter(|m| **m > 0.5).count();
        record.claim(Claim::equal(
            format!("{}: number of eigenvalues that vanish (n + 2 for an overlap, n + 1 for an elimination)", approach.name),
            others + 1,
            count,
        ));
        panels.push(panel);
    }
    record.figure(
        Figure::multiples(
            "eigenvalues",
            "Eigenvalues of G on the way to a stratum. Merging two units makes n + 2 of them vanish, one with the *sixth* power \
             of the separation: at a hundredth of the scale of the weights it is beyond what a 64-bit G can show.",
            panels,
        )
        .share_y(),
    );
    record.table(table);
    Ok(())
}
