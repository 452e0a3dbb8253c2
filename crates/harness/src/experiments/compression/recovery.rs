//! Inflate and recover: is the smallest equivalent network always found?

use faer::MatRef;
use neuromanifold_geometry::quotient::{Probe, Tolerance, reduce};
use neuromanifold_model::Gaussian;
use rayon::prelude::*;

use crate::experiments::inflation::{ACTIVATIONS, gaussians, inflated};
use crate::{Claim, Context, HarnessError, Record};

/// Thousands of random networks, inflated and reduced again.
pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let networks = context.pick(300, 3000, 20_000);
    context.progress().begin("inflate and recover", networks);
    let outcomes: Vec<(bool, f64)> = (0..networks as u64)
        .into_par_iter()
        .map(|k| {
            context.check()?;
            let mut rng = context.rng(10_000 + k);
            let activation = ACTIVATIONS[(k % 5) as usize];
            let (inputs, rank, outputs) = (
                2 + (k / 5 % 3) as usize,
                1 + (k / 15 % 4) as usize,
                1 + (k / 60 % 3) as usize,
            );
            let case = inflated(activation, inputs, rank, outputs, &mut rng)?;
            let points = gaussians(inputs * 40, &mut rng);
            let probe = Probe {
                inputs: MatRef::from_column_major_slice(&points, inputs, 40),
                likelihood: &Gaussian::UNIT,
            };
            let reduction = reduce(&case.large.0, &case.large.1, &probe, Tolerance::default())?;
            context.progress().advance(1);
            let recovered = reduction.widths[0].1 == rank
                && reduction.net.parameters() == case.small.0.parameters();
            Ok::<_, HarnessError>((recovered, reduction.difference.largest))
        })
        .collect::<Result<_, _>>()?;
    record.claim(Claim::equal(
        format!("random inflated tanh, erf, logistic, softplus and relu networks, of {networks}, that are not reduced to the size they came from"),
        0_usize,
        outcomes.iter().filter(|(recovered, _)| !recovered).count(),
    ));
    let largest = outcomes.iter().map(|(_, gap)| *gap).fold(0.0, f64::max);
    record.claim(Claim::at_most(
        "largest change of an output by exact reduction",
        1e-12,
        largest,
    ));
    Ok(())
}
