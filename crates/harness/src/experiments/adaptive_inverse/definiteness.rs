//! When the first-order rule loses positive definiteness.

use neuromanifold_mlp::{Activation, Mlp};
use rayon::prelude::*;

use super::failure::{Case, End, exact_fails, first_order};
use super::setting::Setting;
use crate::experiments::spread::Spread;
use crate::{Axis, Claim, Context, Figure, HarnessError, Panel, Record, Series};

/// Parameters of the linear model, on so many independent inputs: `q ~ χ²`.
const INPUTS: usize = 8;
/// `1/ε = 2^{k/2}`.
const EXPONENTS: std::ops::RangeInclusive<i32> = 2..=18;

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let steps: u64 = context.pick(6_000, 20_000, 100_000);
    let runs: u64 = context.pick(15, 31, 63);
    let line = Mlp::builder(INPUTS)
        .layer(1, Activation::Identity)
        .without_bias()
        .build()?;
    let regression = &setting.regression;
    let network_tail = |limit: f64| -> f64 {
        setting
            .lengths
            .iter()
            .filter(|(q, _)| *q >= limit)
            .map(|(_, w)| w)
            .sum()
    };
    let cases = [
        Case {
            name: "linear model, P = 8",
            net: &line,
            theta: &[0.0; INPUTS],
            sigma: 1.0,
            largest: 1.0,
            settled: 0.0,
            tail: &chi_squared_tail,
        },
        Case {
            name: "two erf units, P = 9",
            net: &regression.net,
            theta: regression.truth(),
            sigma: regression.noise.sigma(),
            largest: setting.axes.eigenvalues()[regression.dim() - 1],
            settled: 3.0,
            tail: &network_tail,
        },
    ];
    record.heading("Loss of positive definiteness");
    record.paragraph(
        "(1+ε)Ĝ^{−1} − ε hhᵀ is positive definite exactly if q = ∇fᵀĜ^{−1}∇f/σ² < (1+ε)/ε. Since q is P in the mean once the estimate is \
         good, ε = 1/P is fatal at an ordinary example; for smaller ε it takes a rare one, and the waiting time is one over the \
         probability that q exceeds 1/ε. The dashed line is the median of that waiting time with the exact metric. The linear model starts from \
         it. The estimate of the network starts from the smallest eigenvalue of G^{−1}, and for a time of order 1/ε it is too small to \
         fail; from a larger start it would fail at once. The exact rule, on the same examples, never fails.",
    );
    context
        .progress()
        .begin("definiteness", cases.len() * EXPONENTS.count());
    let mut panels = Vec::new();
    let mut worst = f64::NEG_INFINITY;
    let mut exact_failures = 0;
    for (index, case) in cases.iter().enumerate() {
        let mut found = Vec::new();
        for exponent in EXPONENTS {
            let epsilon = 2f64.powf(-0.5 * f64::from(exponent));
            let stream = |run: u64| {
                2_000_000_000
                    + 1_000_000 * index as u64
                    + 1000 * exponent.unsigned_abs() as u64
                    + run
            };
            let ends: Vec<End> = (0..runs)
                .into_par_iter()
                .map(|run| first_order(case, epsilon, steps, stream(run), context))
                .collect::<Result<_, _>>()?;
            let failed: Vec<bool> = (0..runs.min(3))
                .into_par_iter()
                .map(|run| exact_fails(case, epsilon, steps.min(2_000), stream(run), context))
                .collect::<Result<_, _>>()?;
            exact_failures += failed.into_iter().filter(|failed| *failed).count();
            worst = ends
                .iter()
                .filter(|end| end.step.is_finite())
                .map(|end| end.eigenvalue)
                .fold(worst, f64::max);
            found.push((epsilon, Spread::of(ends.iter().map(|end| end.step))));
            context.progress().advance(1);
        }
        claims(case, &found, (steps, runs), record);
        panels.push(panel(case, &found, steps));
    }
    record.claim(Claim::at_most(
        "smallest eigenvalue that a refused step of the first-order rule would have made, over the largest before it; largest of all runs",
        0.0,
        worst,
    ));
    record.claim(Claim::equal(
        "runs of the Sherman–Morrison rule, any ε, that fail or end indefinite",
        0,
        exact_failures,
    ));
    record.figure(
        Figure::multiples(
            "definiteness",
            format!("Step at which the first-order rule would make Ĝ^{{−1}} indefinite: median over {runs} runs of {steps} steps, band from the first to the last. Where there is no curve the median run survives."),
            panels,
        )
        .share_y(),
    );
    Ok(())
}

/// The median of the waiting time for an event of this probability.
fn median_wait(probability: f64) -> f64 {
    if probability <= 0.0 {
        return f64::INFINITY;
    }
    (std::f64::consts::LN_2 / -(-probability).ln_1p()).max(1.0)
}

fn claims(
    case: &Case<'_>,
    found: &[(f64, Spread)],
    (steps, runs): (u64, u64),
    record: &mut Record,
) {
    let parameters = case.theta.len() as f64;
    let above = found
        .iter()
        .filter(|(epsilon, _)| *epsilon >= 1.0 / parameters);
    let slowest = above
        .map(|(epsilon, spread)| epsilon * spread.high)
        .fold(0.0, f64::max);
    record.claim(Claim::at_most(
        format!(
            "{}: ε times the step of the loss, largest over all runs with ε ≥ 1/P",
            case.name
        ),
        20.0,
        slowest,
    ));
    // where the start is over and the runs are long enough
    let ratios: Vec<f64> = found
        .iter()
        .map(|(epsilon, spread)| {
            (
                epsilon,
                spread.median,
                median_wait((case.tail)((1.0 + epsilon) / epsilon)),
            )
        })
        .filter(|(epsilon, _, wait)| {
            *wait >= (case.settled / *epsilon).max(10.0) && *wait <= steps as f64 / 4.0
        })
        .map(|(_, median, wait)| (median / wait).ln())
        .collect();
    let count = ratios.len() as f64;
    // the logarithm of the median of n exponential times has the standard deviation 1/(ln 2 √n)
    let error = 1.0 / (std::f64::consts::LN_2 * (runs as f64 * count).sqrt());
    record.claim(Claim::close(
        format!("{}: log of the median step of the loss over the median wait, mean over {count} values of ε with waits longer than the start matters (± log 2 for the noise of the estimate and 4 standard errors)", case.name),
        0.0,
        ratios.iter().sum::<f64>() / count,
        std::f64::consts::LN_2 + 4.0 * error,
    ));
    // expected losses among all runs below 10⁻³ at the largest q that a good estimate leaves
    let safe = found
        .iter()
        .filter(|(epsilon, _)| (case.tail)(0.5 / epsilon) * (steps as f64) < 1e-3);
    let lost = safe
        .clone()
        .filter(|(_, spread)| spread.low.is_finite())
        .count();
    let count = safe.count();
    if count > 0 {
        record.claim(Claim::equal(
            format!("{}: values of ε at which a run is lost though q above ½/ε has probability below 10^{{−3}} in {steps} steps ({count} values)", case.name),
            0,
            lost,
        ));
    }
}

fn panel(case: &Case<'_>, found: &[(f64, Spread)], steps: u64) -> Panel {
    let seen = |value: f64| if value.is_finite() { value } else { f64::NAN };
    let last = steps as f64;
    let theory = |epsilon: f64| median_wait((case.tail)((1.0 + epsilon) / epsilon));
    let grid: Vec<f64> = (0..=160)
        .map(|k| 0.5 * 2f64.powf(-0.05 * f64::from(k)))
        .collect();
    Panel::new(
        case.name,
        Axis::log("ε"),
        Axis::log("step").limits(0.8, 2.0 * last),
    )
    .with(Series::guide(
        "median wait for q ≥ (1+ε)/ε",
        grid.iter().copied(),
        grid.iter().map(|epsilon| theory(*epsilon)),
    ))
    .with(Series::band(
        "first-order rule fails",
        found.iter().map(|(epsilon, _)| *epsilon),
        found.iter().map(|(_, spread)| seen(spread.median)),
        found.iter().map(|(_, spread)| seen(spread.low)),
        found.iter().map(|(_, spread)| spread.high.min(last)),
    ))
    .vertical(1.0 / case.theta.len() as f64, "ε = 1/P")
}

/// `P(χ²_8 ≥ x) = e^{−x/2} Σ_{j<4} (x/2)^j/j!`.
fn chi_squared_tail(x: f64) -> f64 {
    let half = 0.5 * x;
    (-half).exp() * (1.0 + half * (1.0 + half / 2.0 * (1.0 + half / 3.0)))
}

#[cfg(test)]
mod tests {
    use super::{chi_squared_tail, median_wait};

    #[test]
    fn tails_and_waits() {
        // 15.507313 is the 95 % quantile of χ² with 8 degrees of freedom
        assert!((chi_squared_tail(15.507_313) - 0.05).abs() < 1e-8);
        assert!((median_wait(0.5) - 1.0).abs() < 1e-15 && (median_wait(1.0) - 1.0).abs() < 1e-15);
        assert!((median_wait(1e-6) * 1e-6 - std::f64::consts::LN_2).abs() < 1e-5);
    }
}
