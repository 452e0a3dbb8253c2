//! The same on random reducible networks: the step of the reduced network is a projection of that of G⁺.

use faer::MatRef;
use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::quotient::{
    Probe, SolveComparison, Solver, Tolerance, Verdict, degeneracy,
};
use neuromanifold_mlp::Activation;
use neuromanifold_model::{Categorical, Gaussian, Likelihood};
use rayon::prelude::*;

use crate::experiments::inflation::{gaussians, inflated};
use crate::{Claim, Context, HarnessError, Record};

const INPUTS: usize = 3;
const EXAMPLES: usize = 300;

/// `|⟨Jδ, Jδ'⟩ − |Jδ'|²| / |Jδ|²` of the large and the reduced network, and whether the latter is the longer.
struct Outcome {
    projection: f64,
    longer: bool,
}

pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let networks = context.pick(100, 1000, 5000);
    context
        .progress()
        .begin("random reducible networks", networks);
    let activations = [Activation::Tanh, Activation::Erf, Activation::Logistic];
    let laws: [&dyn Likelihood; 2] = [&Gaussian::UNIT, &Categorical];
    let outcome = |k: u64| -> Result<Option<Outcome>, HarnessError> {
        context.check()?;
        let mut rng = context.rng(20_000 + k);
        let categorical = (k / 3 % 2) as usize;
        let (rank, outputs) = (
            1 + (k / 6 % 3) as usize,
            1 + categorical + (k / 18 % 2) as usize,
        );
        let case = inflated(
            activations[(k % 3) as usize],
            INPUTS,
            rank,
            outputs,
            &mut rng,
        )?;
        let points = gaussians(INPUTS * EXAMPLES, &mut rng);
        let probe = Probe {
            inputs: MatRef::from_column_major_slice(&points, INPUTS, EXAMPLES),
            likelihood: laws[categorical],
        };
        let mut cotangent = gaussians(outputs * EXAMPLES, &mut rng);
        for c in cotangent.chunks_exact_mut(outputs) {
            // scores of a softmax sum to zero
            let mean = categorical as f64 * c.iter().sum::<f64>() / outputs as f64;
            c.iter_mut()
                .for_each(|c| *c = (*c - mean) / EXAMPLES as f64);
        }
        context.progress().advance(1);
        // a solve loses as many digits as the condition of G has
        let (net, theta) = (&case.large.0, &case.large.1[..]);
        let rank = RankTolerance::Relative(1e-18);
        let numbers = degeneracy(net, theta, &probe, Tolerance::default(), rank)?;
        let clear = numbers.numerical.smallest > 1e-8 * numbers.numerical.largest;
        if numbers.verdict != Verdict::Agree || !clear {
            return Ok(None);
        }
        let solvers = [Solver::Horizontal, Solver::Reduced];
        let network = (net, theta);
        let tolerance = Tolerance::default();
        let comparison = SolveComparison::new(network, &probe, &cotangent, &solvers, tolerance)?;
        let steps = comparison.step(solvers[0]).zip(comparison.step(solvers[1]));
        Ok(Some(steps.map_or(
            Outcome {
                projection: f64::NAN,
                longer: true,
            },
            |(large, small)| {
                let pairs = large.law.iter().zip(&small.law);
                let inner: f64 = pairs.map(|(a, b)| a * b).sum();
                Outcome {
                    projection: (inner - 2.0 * small.predicted).abs() / (2.0 * large.predicted),
                    longer: small.predicted > large.predicted * (1.0 + 1e-6),
                }
            },
        )))
    };
    let outcomes: Vec<Option<Outcome>> = (0..networks as u64)
        .into_par_iter()
        .map(outcome)
        .collect::<Result<_, _>>()?;
    let clear: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    // f64::max would hide a NaN
    let worst = clear.iter().map(|o| o.projection);
    let worst = worst.fold(0.0, |m: f64, p| if p.is_nan() || p > m { p } else { m });
    record.claim(Claim::at_most(
        format!(
            "random reducible networks, {} of {networks} with a condition below 10^{{8}}: distance of the reduced network's step from \
             the projection of that of G⁺, largest",
            clear.len()
        ),
        1e-6,
        worst,
    ));
    record.claim(Claim::equal(
        "of these, how many where the reduced network's step moves the law further than that of G⁺",
        0_usize,
        clear.iter().filter(|o| o.longer).count(),
    ));
    Ok(())
}
