//! The null space of theory against that of numbers, on random reducible networks.

use faer::MatRef;
use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::quotient::{Probe, Tolerance, Verdict, degeneracy};
use neuromanifold_model::Gaussian;
use rayon::prelude::*;

use crate::experiments::inflation::{ACTIVATIONS, gaussians, inflated};
use crate::{Claim, Column, Context, HarnessError, Record, Table};

/// Inputs and examples: so many that some lie on either side of each kink.
const INPUTS: usize = 3;
const EXAMPLES: usize = 1000;

/// What one network showed.
struct Count {
    theory: usize,
    agrees: bool,
    /// The smallest eigenvalue above the threshold over the largest below.
    gap: f64,
    residual: f64,
}

pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let networks = context.pick(60, 600, 4000);
    let columns = [
        Column::text("activation"),
        Column::new("networks"),
        Column::new("agree"),
        Column::new("largest nullity"),
        Column::new("smallest gap").digits(2),
        Column::new("largest |G d|/(λ_{max}|d|)").digits(2),
    ];
    let mut table = Table::new(
        "nullities",
        "Random reducible networks: the nullity of theory and of numbers. The gap is that between the smallest eigenvalue that counts and \
         the largest that does not.",
        columns,
    );
    context
        .progress()
        .begin("nullities", networks * ACTIVATIONS.len());
    let mut residual: f64 = 0.0;
    for (which, activation) in ACTIVATIONS.into_iter().enumerate() {
        let count = |k: u64| {
            context.check()?;
            let mut rng = context.rng(1000 + 10_000 * which as u64 + k);
            let (rank, outputs) = (1 + (k / 2 % 4) as usize, 1 + (k % 2) as usize);
            let case = inflated(activation, INPUTS, rank, outputs, &mut rng)?;
            let points: Vec<f64> = (gaussians(INPUTS * EXAMPLES, &mut rng).iter())
                .map(|x| 1.5 * x)
                .collect();
            let probe = Probe {
                inputs: MatRef::from_column_major_slice(&points, INPUTS, EXAMPLES),
                likelihood: &Gaussian::UNIT,
            };
            // between the square of rounding and what well-separated units leave
            let tolerance = RankTolerance::Relative(1e-23);
            let (net, theta) = (&case.large.0, &case.large.1);
            let report = degeneracy(net, theta, &probe, Tolerance::default(), tolerance)?;
            context.progress().advance(1);
            Ok::<_, HarnessError>(Count {
                theory: report.analytic.nullity(),
                agrees: report.verdict == Verdict::Agree,
                gap: report.numerical.gap,
                residual: report.numerical.analytic_residual,
            })
        };
        let counts: Vec<Count> = (0..networks as u64)
            .into_par_iter()
            .map(count)
            .collect::<Result<_, _>>()?;
        let agree = counts.iter().filter(|count| count.agrees).count();
        let largest = counts
            .iter()
            .map(|count| count.residual)
            .fold(0.0, f64::max);
        residual = residual.max(largest);
        let nullity = counts.iter().map(|count| count.theory).max().unwrap_or(0);
        table.row([
            activation.to_string().into(),
            networks.into(),
            agree.into(),
            nullity.into(),
            counts
                .iter()
                .map(|count| count.gap)
                .fold(f64::INFINITY, f64::min)
                .into(),
            largest.into(),
        ]);
        record.claim(Claim::equal(
            format!("random reducible {activation} networks, of {networks}, whose numerical nullity is the analytic one"),
            networks,
            agree,
        ));
    }
    record.claim(Claim::at_most(
        "largest |G d| / (λ_{max}|d|) over all analytic null directions d",
        1e-13,
        residual,
    ));
    record.table(table);
    Ok(())
}
