//! How the Fisher metric degenerates where hidden units become redundant.

use faer::Mat;
use neuromanifold_geometry::quotient::{AnalyticNullSpace, Probe, Tolerance, degeneracy};
use neuromanifold_geometry::{OutputFactor, RankTolerance, kullback_leibler};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use rayon::prelude::*;

use super::fit::log_log_slope;
use super::inflation::{gaussians, inflated};
use crate::figure::Map;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};

/// `singularities`: eigenvalue exponents, nullities and leaves of the strata of S/R.
#[derive(Debug)]
pub struct Singularities;

/// Inputs of the small network that approaches the strata.
const INPUTS: usize = 3;

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

impl Experiment for Singularities {
    fn name(&self) -> &'static str {
        "singularities"
    }

    fn title(&self) -> &'static str {
        "Singularities: where the metric degenerates, and how fast"
    }

    fn question(&self) -> &'static str {
        "How do the eigenvalues of G vanish as two hidden units merge or one dies, and does theory know every null direction?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "K. Fukumizu",
                1996,
                "A regularity condition of the information matrix of a multilayer perceptron network",
                "Neural Networks 9(5), 871–879",
            )
            .doi("10.1016/0893-6080(95)00119-0"),
            Source::new(
                "S. Amari, H. Park, T. Ozeki",
                2006,
                "Singularities affect dynamics of learning in neuromanifolds",
                "Neural Computation 18(5), 1007–1065",
            )
            .doi("10.1162/neco.2006.18.5.1007"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        record.paragraph(
            "A network of two erf units with biases on three inputs is moved towards a stratum of reducible parameters. Its \
             Fisher eigenvalues are squared singular values of the Jacobian, which is accurate far below the rounding of G \
             itself.",
        );
        approaches(context, &mut record)?;
        landscape(context, &mut record)?;
        nullities(context, &mut record)?;
        leaf(context, &mut record)?;
        Ok(record)
    }
}

/// Two units around a common weight, apart by `delta` along a unit vector; biases equal.
fn overlapping(delta: f64) -> Vec<f64> {
    imbalanced(delta, 0.3 / 1.3)
}

/// The same with outgoing weights `v_{1,2} = 0.65 (1 ± z)`.
fn imbalanced(delta: f64, z: f64) -> Vec<f64> {
    let (w, d) = ([0.6, -0.8, 0.4], [0.6, 0.0, 0.8]);
    let unit = |side: f64| (0..INPUTS).map(move |i| w[i] + 0.5 * side * delta * d[i]);
    let mut theta: Vec<f64> = unit(-1.0).chain(unit(1.0)).collect();
    theta.extend([0.2, 0.2, 0.65 * (1.0 + z), 0.65 * (1.0 - z), 0.1]);
    theta
}

/// Two different units, the second with outgoing weight `v`.
fn vanishing(v: f64) -> Vec<f64> {
    vec![0.6, -0.8, 0.4, -0.3, 0.5, 0.9, 0.2, -0.3, 0.8, v, 0.1]
}

/// Eigenvalues of `G`, ascending, as squared singular values of the columns `A`, `G = A Aᵀ`.
fn eigenvalues(theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>, HarnessError> {
    let net = Mlp::new(&[INPUTS, 2, 1], Activation::Erf)?;
    let batch = net.on_slice(inputs)?;
    let at = batch.linearize(theta)?;
    let factor = OutputFactor::fisher(at.as_ref(), &Gaussian::UNIT)?;
    let examples = inputs.len() / INPUTS;
    let mut columns = Mat::zeros(theta.len(), examples);
    at.pullback(factor.cotangents(), 0..examples, columns.as_mut());
    let mut values = columns
        .singular_values()
        .map_err(|_| neuromanifold_geometry::MetricError::Eigen { dim: theta.len() })?;
    values.reverse();
    Ok(values.iter().map(|s| s * s).collect())
}

fn approaches(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
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

/// The smallest eigenvalue over separation and imbalance.
fn landscape(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let side = context.pick(13, 31, 61);
    let inputs = gaussians(INPUTS * 300, &mut context.rng(1));
    let steps = |low: f64, high: f64| -> Vec<f64> {
        (0..side)
            .map(|k| low + (high - low) * k as f64 / (side - 1) as f64)
            .collect()
    };
    let separations: Vec<f64> = steps(-2.0, 0.0).iter().map(|e| 10f64.powf(*e)).collect();
    let imbalances = steps(-2.0, 2.0);
    context
        .progress()
        .begin("map of the smallest eigenvalue", side);
    let rows: Vec<Vec<f64>> = imbalances
        .par_iter()
        .map(|z| {
            context.check()?;
            let row = separations.iter().map(|delta| {
                Ok::<f64, HarnessError>(eigenvalues(&imbalanced(*delta, *z), &inputs)?[0].log10())
            });
            let row = row.collect();
            context.progress().advance(1);
            row
        })
        .collect::<Result<_, _>>()?;
    let mut values = rows.into_iter().flatten(); // in the order in which the map asks: row by row
    let map = Map::new("log₁₀ λ_{min}", separations, imbalances, |_, _| {
        values.next().unwrap_or(f64::NAN)
    });
    record.figure(
        Figure::new(
            "landscape",
            "log₁₀ of the smallest eigenvalue of G. It vanishes along the left edge, where the units overlap, and along \
             z = ±1, where one of them has no outgoing weight; |z| > 1 means outgoing weights of opposite sign.",
            Axis::log("separation |w_{1} − w_{2}|"),
            Axis::linear("imbalance z = (v_{1} − v_{2}) / (v_{1} + v_{2})"),
        )
        .map(map),
    );
    Ok(())
}

/// Theory against numbers on random reducible networks.
fn nullities(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let networks = context.pick(40, 300, 2000);
    context.progress().begin("nullities", networks);
    let counts: Vec<(usize, usize, f64)> = (0..networks as u64)
        .into_par_iter()
        .map(|k| {
            context.check()?;
            let mut rng = context.rng(1000 + k);
            let case = inflated(Activation::Tanh, 3, 3, 1 + (k % 2) as usize, &mut rng)?;
            let points = gaussians(3 * 1500, &mut rng);
            let inputs = faer::MatRef::from_column_major_slice(&points, 3, 1500);
            let probe = Probe {
                inputs,
                likelihood: &Gaussian::UNIT,
            };
            let tolerance = RankTolerance::Relative(1e-14);
            let report = degeneracy(
                &case.large.0,
                &case.large.1,
                &probe,
                Tolerance::default(),
                tolerance,
            )?;
            context.progress().advance(1);
            let residual = report.numerical.analytic_residual;
            Ok::<_, HarnessError>((
                report.analytic.nullity(),
                report.numerical.nullity,
                residual,
            ))
        })
        .collect::<Result<_, _>>()?;
    let agree = counts
        .iter()
        .filter(|(theory, numbers, _)| theory == numbers)
        .count();
    let residual = counts.iter().map(|c| c.2).fold(0.0, f64::max);
    let largest = counts.iter().map(|c| c.0).max().unwrap_or(0);
    record.claim(Claim::equal(
        format!("random reducible tanh networks, of {networks}, whose numerical nullity is the analytic one (up to {largest})"),
        networks,
        agree,
    ));
    record.claim(Claim::at_most(
        "largest |G d| / (λ_{max}|d|) over all analytic null directions d",
        1e-13,
        residual,
    ));
    Ok(())
}

/// On the overlap `w₁ = w₂` the divergence is zero along `v₁ + v₂ = c`, however far.
fn leaf(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let net = Mlp::new(&[INPUTS, 2, 1], Activation::Erf)?;
    let inputs = gaussians(INPUTS * 300, &mut context.rng(2));
    let batch = net.on_slice(&inputs)?;
    let home = imbalanced(0.0, 0.2);
    let mut largest: f64 = 0.0;
    for k in -20..=20 {
        let away = imbalanced(0.0, f64::from(k) * 0.5);
        largest = largest.max(kullback_leibler(&batch, &Gaussian::UNIT, &home, &away)?);
    }
    record.claim(Claim::at_most(
        "largest D(θ : θ') along the leaf v_{1} + v_{2} = c, |z| ≤ 10, in nats",
        1e-28,
        largest,
    ));
    let null = AnalyticNullSpace::of(&net, &home, Tolerance::default())?;
    record.claim(Claim::equal(
        "analytic nullity on the overlap: n + 2",
        INPUTS + 2,
        null.nullity(),
    ));
    Ok(())
}
