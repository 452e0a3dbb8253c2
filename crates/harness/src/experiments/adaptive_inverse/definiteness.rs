//! When the first-order rule loses positive definiteness.

use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap as _};
use neuromanifold_optim::{
    AdaptiveNaturalGradient, Objective, OptimError, Optimizer as _, Rule, Schedule,
};
use rayon::prelude::*;

use super::setting::{Setting, estimate};
use crate::experiments::inflation::gaussians;
use crate::experiments::spread::Spread;
use crate::{Axis, Claim, Context, Figure, HarnessError, Panel, Record, Series};

/// Parameters of the linear model, on so many independent inputs: `q ~ χ²`.
const INPUTS: usize = 8;
/// `1/ε = 2^{k/2}`.
const EXPONENTS: std::ops::RangeInclusive<i32> = 2..=18;

/// A model whose answers are right already, and its name, `P`, and the largest eigenvalue of its metric.
struct Case<'a> {
    name: &'static str,
    net: &'a Mlp,
    theta: &'a [f64],
    sigma: f64,
    largest: f64,
    /// `P(q ≥ limit)` once the estimate is good.
    tail: &'a (dyn Fn(f64) -> f64 + Sync),
}

/// How a run ended.
#[derive(Clone, Copy)]
struct End {
    /// The step that the first-order rule refused, or infinity.
    step: f64,
    /// The smallest eigenvalue that it would have made, over the largest that it had.
    eigenvalue: f64,
}

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let steps: u64 = context.pick(4_000, 20_000, 100_000);
    let runs: u64 = context.pick(9, 15, 31);
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
            tail: &chi_squared_tail,
        },
        Case {
            name: "two erf units, P = 9",
            net: &regression.net,
            theta: regression.truth(),
            sigma: regression.noise.sigma(),
            largest: setting.axes.eigenvalues()[regression.dim() - 1],
            tail: &network_tail,
        },
    ];
    record.heading("Loss of positive definiteness");
    record.paragraph(
        "(1+ε)Ĝ^{−1} − ε hhᵀ is positive definite exactly if q = ∇fᵀĜ^{−1}∇f/σ² < (1+ε)/ε. Since q is P in the mean once the estimate is \
         good, ε = 1/P is fatal at an ordinary example; for smaller ε it takes a rare one, and the waiting time is one over the \
         probability that q exceeds 1/ε. The dashed line is the median of that waiting time with the exact metric; with the estimate, which \
         is noisy, it is less where ε is not small. The exact rule, on the same examples, never fails.",
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
        claims(case, &found, steps, record);
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
    (std::f64::consts::LN_2 / -(-probability).ln_1p()).max(1.0)
}

fn claims(case: &Case<'_>, found: &[(f64, Spread)], steps: u64, record: &mut Record) {
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

impl Case<'_> {
    fn learner(&self, rule: Rule, epsilon: f64) -> Result<AdaptiveNaturalGradient, HarnessError> {
        let forgetting = Schedule::constant(epsilon)?;
        let learner = AdaptiveNaturalGradient::new(rule, Schedule::constant(1e-12)?, forgetting);
        Ok(learner.with_initial_inverse(1.0 / self.largest)?)
    }
}

fn first_order(
    case: &Case<'_>,
    epsilon: f64,
    steps: u64,
    stream: u64,
    context: &Context,
) -> Result<End, HarnessError> {
    let mut rng = context.rng(stream);
    let noise = Gaussian::new(case.sigma)?;
    let mut learner = case.learner(Rule::FirstOrder, epsilon)?;
    let mut theta = case.theta.to_vec();
    for _ in 0..steps {
        let x = gaussians(case.net.inputs(), &mut rng);
        let batch = case.net.on_slice(&x)?;
        let mut y = [0.0];
        batch.outputs(case.theta, &mut y)?;
        match learner.step(&Objective::new(&batch, &noise, &y)?, &mut theta) {
            Ok(_) => {}
            Err(OptimError::PositiveDefinitenessLost { step, .. }) => {
                let mut gradient = vec![0.0; theta.len()];
                batch
                    .linearize(&theta)?
                    .vjp(&[1.0 / case.sigma], &mut gradient);
                return Ok(End {
                    step: step as f64,
                    eigenvalue: refused(&learner, &gradient, epsilon, case.largest)?,
                });
            }
            Err(other) => return Err(other.into()),
        }
    }
    context.check()?;
    Ok(End {
        step: f64::INFINITY,
        eigenvalue: f64::NAN,
    })
}

/// The smallest eigenvalue of `(1+ε)Ĝ⁻¹ − ε hhᵀ`, over the largest of `Ĝ⁻¹`.
fn refused(
    learner: &AdaptiveNaturalGradient,
    gradient: &[f64],
    epsilon: f64,
    largest: f64,
) -> Result<f64, HarnessError> {
    let before = learner.inverse().unwrap_or_else(|| {
        faer::Mat::from_fn(gradient.len(), gradient.len(), |i, j| {
            f64::from(i == j) / largest
        })
    });
    let mut raised = vec![0.0; gradient.len()];
    for (row, r) in raised.iter_mut().enumerate() {
        *r = before
            .row(row)
            .iter()
            .zip(gradient)
            .map(|(p, g)| p * g)
            .sum();
    }
    let after = faer::Mat::from_fn(gradient.len(), gradient.len(), |i, j| {
        (1.0 + epsilon) * before[(i, j)] - epsilon * raised[i] * raised[j]
    });
    let of =
        |matrix: faer::MatRef<'_, f64>| neuromanifold_geometry::Spectrum::eigenvalues_of(matrix);
    let had = of(before.as_ref())?;
    Ok(of(after.as_ref())?[0] / had[had.len() - 1])
}

fn exact_fails(
    case: &Case<'_>,
    epsilon: f64,
    steps: u64,
    stream: u64,
    context: &Context,
) -> Result<bool, HarnessError> {
    let mut rng = context.rng(stream);
    let noise = Gaussian::new(case.sigma)?;
    let mut learner = case.learner(Rule::ShermanMorrison, epsilon)?;
    let mut theta = case.theta.to_vec();
    for _ in 0..steps {
        let x = gaussians(case.net.inputs(), &mut rng);
        let batch = case.net.on_slice(&x)?;
        let mut y = [0.0];
        batch.outputs(case.theta, &mut y)?;
        if learner
            .step(&Objective::new(&batch, &noise, &y)?, &mut theta)
            .is_err()
        {
            return Ok(true);
        }
    }
    context.check()?;
    let eigenvalues =
        neuromanifold_geometry::Spectrum::eigenvalues_of(estimate(&learner).as_ref())?;
    Ok(eigenvalues[0] <= 0.0)
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
