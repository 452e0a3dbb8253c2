//! The smallest eigenvalue near the overlap, and the divergence along its leaf.

use neuromanifold_geometry::kullback_leibler;
use neuromanifold_geometry::quotient::{AnalyticNullSpace, Tolerance};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::Gaussian;
use rayon::prelude::*;

use super::pair::{INPUTS, eigenvalues, imbalanced};
use crate::experiments::inflation::gaussians;
use crate::figure::Map;
use crate::{Axis, Claim, Context, Figure, HarnessError, Record};

/// The smallest eigenvalue over separation and imbalance.
pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
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

/// On the overlap `w₁ = w₂` the divergence is zero along `v₁ + v₂ = c`, however far.
pub(super) fn leaf(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
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
