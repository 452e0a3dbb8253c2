//! The error that remains with a constant ε while θ rests.

use neuromanifold_optim::{Rule, Schedule};
use rayon::prelude::*;

use super::setting::{Setting, estimate, inverse, mean_diagonal, name, observer};
use crate::experiments::average::Average;
use crate::experiments::fit::log_log_slope;
use crate::experiments::regression::Regression;
use crate::{Axis, Claim, Context, Figure, HarnessError, Panel, Record, Series};

const RULES: [Rule; 2] = [Rule::ShermanMorrison, Rule::FirstOrder];
/// `1/ε`.
const MEMORIES: [u32; 6] = [250, 500, 1000, 2000, 4000, 8000];
/// Looks in a time `1/ε`: the estimate changes little between them.
const LOOKS: u32 = 4;
/// Time, in units of `1/ε`, after which the start is forgotten.
const SETTLED: u32 = 12;

/// Averages over one run, rule by rule.
#[derive(Clone, Copy)]
struct Run {
    /// Of the squared error.
    square: [f64; 2],
    /// Of `tr(Ĝ⁻¹G − I)/P`.
    bias: [f64; 2],
}

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let memories = &MEMORIES[..context.pick(4, 5, 6)];
    let (runs, length) = context.pick((12, 20), (20, 40), (48, 100));
    let jobs: Vec<(u32, u64)> = memories
        .iter()
        .flat_map(|m| (0..runs).map(move |run| (*m, run)))
        .collect();
    context.progress().begin("steady state", jobs.len());
    let found: Vec<Run> = jobs
        .par_iter()
        .map(|(memory, run)| {
            let found = observe(
                setting,
                *memory,
                length,
                u64::from(*memory) * 1000 + run,
                context,
            );
            context.progress().advance(1);
            found
        })
        .collect::<Result<_, _>>()?;
    let found: Vec<&[Run]> = found.chunks_exact(jobs.len() / memories.len()).collect();
    let epsilons: Vec<f64> = memories.iter().map(|m| 1.0 / f64::from(*m)).collect();

    let spread = 0.5 * (setting.kurtosis - 1.0);
    record.heading("While θ rests");
    record.paragraph(format!(
        "At θ∗, with answers that leave nothing to learn, only the estimate moves. An average that forgets at rate ε is one over \
         about 2/ε examples, so its mean squared error is E|Ĝ^{{−1}}G − I|²/P = ε(κ−1)/2 to first order, where κ = E[q²]/P, \
         q = ∇fᵀG^{{−1}}∇f/σ²: P + 2 for Gaussian gradients, {:.2} for this network. Neither rule is unbiased. The exact one inverts \
         an unbiased average, E[Ĝ^{{−1}}]G − I ≈ E[(Ĝ^{{−1}}G − I)²]; the first-order rule is balanced where E[Ĝ^{{−1}}]G − I = −E[(Ĝ^{{−1}}G − I)²]. \
         In the mean over directions that is ±ε(κ−1)/2.",
        setting.kurtosis,
    ));
    let mut errors = Panel::new(
        "error",
        Axis::log("ε"),
        Axis::log("|Ĝ^{−1}G − I|/√P, root mean square"),
    )
    .with(Series::guide(
        "√(ε(κ−1)/2)",
        epsilons.iter().copied(),
        epsilons.iter().map(|e| (e * spread).sqrt()),
    ));
    let mut biases = Panel::new(
        "bias",
        Axis::log("ε"),
        Axis::log("|tr(Ĝ^{−1}G − I)|/P, mean"),
    )
    .with(Series::guide(
        "ε(κ−1)/2",
        epsilons.iter().copied(),
        epsilons.iter().map(|e| e * spread),
    ));
    for (k, rule) in RULES.into_iter().enumerate() {
        let squares: Vec<Average> = found
            .iter()
            .map(|runs| Average::of(runs.iter().map(|run| run.square[k])))
            .collect();
        let roots: Vec<Average> = squares
            .iter()
            .map(|s| Average {
                mean: s.mean.sqrt(),
                error: 0.5 * s.error / s.mean.sqrt(),
            })
            .collect();
        let sign = if rule == Rule::ShermanMorrison {
            1.0
        } else {
            -1.0
        };
        let bias: Vec<Average> = found
            .iter()
            .map(|runs| Average::of(runs.iter().map(|run| sign * run.bias[k])))
            .collect();
        let series = |values: &[Average]| {
            Series::with_errors(
                name(rule),
                epsilons.iter().copied(),
                values.iter().map(|a| a.mean),
                values.iter().map(|a| 2.0 * a.error),
            )
        };
        errors = errors.with(series(&roots));
        biases = biases.with(series(&bias));
        let exponent = log_log_slope(epsilons.iter().copied().zip(roots.iter().map(|a| a.mean)));
        record.claim(Claim::close(
            format!(
                "{}: exponent of ε in the error of the steady state",
                name(rule)
            ),
            0.5,
            exponent,
            0.06,
        ));
        let (Some(epsilon), Some(root), Some(bias)) = (epsilons.last(), roots.last(), bias.last())
        else {
            continue;
        };
        // what was neglected is of the relative order of the error itself
        let expected = (epsilon * spread).sqrt();
        record.claim(Claim::close(
            format!("{}: error over √(ε(κ−1)/2) at ε = 1/{:.0} (± the error itself and 4 standard errors)", name(rule), 1.0 / epsilon),
            1.0,
            root.mean / expected,
            expected + 4.0 * root.error / expected,
        ));
        record.claim(Claim::close(
            format!("{}: mean of tr(Ĝ^{{−1}}G − I)/P over ε(κ−1)/2 there (± twice the error and 4 standard errors)", name(rule)),
            sign,
            sign * bias.mean / (epsilon * spread),
            2.0 * expected + 4.0 * bias.error / (epsilon * spread),
        ));
    }
    record.figure(Figure::multiples(
        "steady-state",
        "Error and bias of the estimate in the steady state. Bars are two standard errors over runs; lines are theory to first order in \
         ε, with nothing fitted. The bias of Sherman–Morrison is upwards, that of the first-order rule downwards.",
        [errors, biases],
    ));
    Ok(())
}

/// Both rules on the same examples.
fn observe(
    setting: &Setting,
    memory: u32,
    length: u32,
    stream: u64,
    context: &Context,
) -> Result<Run, HarnessError> {
    let mut rng = context.rng(stream);
    let regression = &setting.regression;
    let forgetting = Schedule::constant(1.0 / f64::from(memory))?;
    // from below: a start in the inverse that is too large would make the first-order rule fail
    let smallest = 1.0 / setting.axes.eigenvalues()[regression.dim() - 1];
    let mut learners = Vec::new();
    for rule in RULES {
        learners.push(observer(rule, forgetting)?.with_initial_inverse(smallest)?);
    }
    let mut theta = regression.truth().to_vec();
    let mut run = Run {
        square: [0.0; 2],
        bias: [0.0; 2],
    };
    let looks = length * LOOKS;
    for look in 0..(SETTLED + length) * LOOKS {
        context.check()?;
        for _ in 0..memory / LOOKS {
            let x = Regression::input(&mut rng);
            let y = regression.answer(&x)?;
            for learner in &mut learners {
                setting.learn(learner, (&x, y), &mut theta)?;
            }
        }
        if look < SETTLED * LOOKS {
            continue;
        }
        let turned = [0, 1].map(|k| setting.axes.inverse_metric(estimate(&learners[k]).as_ref()));
        // E[Ĝ] = G exactly, so adding tr(ĜG⁻¹ − I) to a bias changes nothing but the noise, most of which it takes away
        let control = mean_diagonal(inverse(turned[0].as_ref()).as_ref()) - 1.0;
        for k in 0..2 {
            let error = setting.axes.relative_error(estimate(&learners[k]).as_ref());
            run.square[k] += error * error / f64::from(looks);
            run.bias[k] += (mean_diagonal(turned[k].as_ref()) - 1.0 + control) / f64::from(looks);
        }
    }
    Ok(run)
}
