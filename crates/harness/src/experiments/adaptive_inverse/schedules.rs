//! The error along a training run, for several laws of ε.

use faer::Mat;
use neuromanifold_geometry::Metric as _;
use neuromanifold_optim::{AdaptiveNaturalGradient, OptimError, Rule, Schedule};
use rayon::prelude::*;

use super::setting::{Setting, estimate, inverse, mean_diagonal, name};
use crate::experiments::average::Average;
use crate::experiments::principal_axes::PrincipalAxes;
use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Panel, Record, Series, Table};

/// η.
const RATE: f64 = 0.002;
/// From θ* to where training starts, parameter by parameter.
const DISPLACEMENT: [f64; 9] = [-0.6, 0.5, 0.5, -0.6, -0.4, 0.5, -0.5, 0.4, 0.3];
/// Steps between two evaluations of the exact metric: θ hardly moves.
const STRIDE: usize = 20;
const RULES: [Rule; 2] = [Rule::ShermanMorrison, Rule::FirstOrder];

/// `ε_t`.
const LAWS: [(&str, Law); 4] = [
    ("ε = 1/100", Law::Constant(100.0)),
    ("ε = 1/1000", Law::Constant(1000.0)),
    ("ε = 1/(t+20)", Law::InverseTime(1.0, 20.0)),
    ("ε = 10/(t+500)", Law::InverseTime(10.0, 500.0)),
];

#[derive(Clone, Copy)]
enum Law {
    Constant(f64),
    InverseTime(f64, f64),
}

impl Law {
    fn schedule(self) -> Result<Schedule, OptimError> {
        match self {
            Self::Constant(memory) => Schedule::constant(1.0 / memory),
            Self::InverseTime(numerator, offset) => Schedule::inverse_time(numerator, offset),
        }
    }
}

/// What was seen of one run at every stride.
#[derive(Default)]
struct Run {
    /// `|Ĝ⁻¹G − I|/√P`; NaN once the estimate is lost.
    error: Vec<f64>,
    /// The same for the average of the exact metric over the past of θ with the weights of the estimate.
    lag: Vec<f64>,
    /// `tr(Ḡ⁻¹Ĝ − I)/P` for that average `Ḡ`, at the end: zero in the mean.
    excess: f64,
    /// The sum of the squared weights.
    weight: Vec<f64>,
    lost: Option<u64>,
}

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let steps = context.pick(4_000, 6_000, 20_000);
    let runs: u64 = context.pick(24, 40, 200);
    let jobs: Vec<(usize, Rule, u64)> = (0..LAWS.len())
        .flat_map(|law| RULES.map(|rule| (law, rule)))
        .flat_map(|(law, rule)| (0..runs).map(move |run| (law, rule, run)))
        .collect();
    context.progress().begin("training", jobs.len());
    let found: Vec<Run> = jobs
        .par_iter()
        .map(|(law, rule, run)| {
            // the same examples for all
            let found = train(
                setting,
                LAWS[*law].1,
                *rule,
                steps,
                1_000_000_000 + run,
                context,
            );
            context.progress().advance(1);
            found
        })
        .collect::<Result<_, _>>()?;
    let found: Vec<&[Run]> = found
        .chunks_exact(jobs.len() / LAWS.len() / RULES.len())
        .collect();

    record.heading("While θ moves");
    record.paragraph(format!(
        "Training from a displaced start, with η = {RATE}. The estimate is an average of ∇f∇fᵀ over the past, so it has two errors: \
         chance, of size √(w(κ−1)) with w the sum of the squared weights, and lag, since Ĝ averages the metrics of where θ *was*. Given \
         the path, Ĝ minus that average Ḡ is a sum of martingale differences, so E[Ĝ] = Ḡ exactly. The dashed lines are lag and chance \
         together, √(|Ḡ^{{−1}}G − I|²/P + w(κ−1)). A large constant ε forgets the past and stays noisy, a small one lags first; 1/t never \
         forgets where it came from; “search, then converge”, ε = c/(t+τ) with c > 1, does both.",
    ));
    record.figure(figure(setting, &found));
    let columns = [
        Column::text("ε_{t}"),
        Column::text("rule"),
        Column::new("error at the end").digits(3),
        Column::new("lag and chance").digits(3),
        Column::new("lag alone").digits(3),
        Column::text("runs lost"),
        Column::text("first lost at step"),
    ];
    let mut table = Table::new(
        "schedules-end",
        format!(
            "Root mean squares over the runs after {steps} steps; a run is lost when the first-order rule would make Ĝ^{{−1}} indefinite."
        ),
        columns,
    );
    for (k, runs) in found.iter().enumerate() {
        let (law, rule) = (LAWS[k / RULES.len()].0, RULES[k % RULES.len()]);
        let last = runs[0].error.len() - 1;
        let kept: Vec<&Run> = runs.iter().filter(|run| run.lost.is_none()).collect();
        let error = root(kept.iter().map(|run| run.error[last]));
        let expected = root(kept.iter().map(|run| setting.expected(run, last)));
        let first = runs.iter().filter_map(|run| run.lost).min();
        table.row([
            law.into(),
            name(rule).into(),
            error.mean.into(),
            expected.mean.into(),
            root(kept.iter().map(|run| run.lag[last])).mean.into(),
            format!("{} of {}", runs.len() - kept.len(), runs.len()).into(),
            first.map_or("–".to_owned(), |step| step.to_string()).into(),
        ]);
        if rule == Rule::ShermanMorrison {
            // the prediction is of first order in the error
            record.claim(Claim::close(
                format!("{law}: error at the end of training over lag and chance together (± the error itself and 4 standard errors)"),
                1.0,
                error.mean / expected.mean,
                expected.mean + 4.0 * error.error / expected.mean,
            ));
            let excess = Average::of(runs.iter().map(|run| run.excess));
            record.claim(Claim::close(
                format!("{law}: mean of tr(Ḡ^{{−1}}Ĝ − I)/P at the end: Ĝ is unbiased about the average metric of the path (± 4 standard errors)"),
                0.0,
                excess.mean,
                4.0 * excess.error,
            ));
        }
    }
    record.table(table);
    Ok(())
}

impl Setting {
    fn expected(&self, run: &Run, k: usize) -> f64 {
        (run.lag[k].powi(2) + run.weight[k] * (self.kurtosis - 1.0)).sqrt()
    }
}

/// Root mean square, with its standard error.
fn root(values: impl Iterator<Item = f64>) -> Average {
    let square = Average::of(values.map(|v| v * v));
    let mean = square.mean.sqrt();
    Average {
        mean,
        error: 0.5 * square.error / mean,
    }
}

fn train(
    setting: &Setting,
    law: Law,
    rule: Rule,
    steps: usize,
    stream: u64,
    context: &Context,
) -> Result<Run, HarnessError> {
    let mut rng = context.rng(stream);
    let regression = &setting.regression;
    let forgetting = law.schedule()?;
    let mut learner = AdaptiveNaturalGradient::new(rule, Schedule::constant(RATE)?, forgetting);
    let mut theta: Vec<f64> = regression
        .truth()
        .iter()
        .zip(DISPLACEMENT)
        .map(|(t, d)| t + d)
        .collect();
    let dim = theta.len();
    let mut average = Mat::<f64>::identity(dim, dim);
    let (mut weight, mut run) = (0.0, Run::default());
    let mut exact = regression.fisher(&theta)?.to_dense();
    for step in 1..=steps {
        let epsilon = forgetting.at(step as u64);
        // at the θ before the step, as the learner does
        average = (1.0 - epsilon) * &average + epsilon * &exact;
        weight = (1.0 - epsilon).powi(2) * weight + epsilon * epsilon;
        if run.lost.is_none() {
            let (x, y) = regression.draw(&mut rng)?;
            match setting.learn(&mut learner, (&x, y), &mut theta) {
                Ok(()) => {}
                Err(HarnessError::Optim(OptimError::PositiveDefinitenessLost { step, .. })) => {
                    run.lost = Some(step)
                }
                Err(other) => return Err(other),
            }
        }
        if step % STRIDE == 0 {
            context.check()?;
            if run.lost.is_none() {
                exact = regression.fisher(&theta)?.to_dense();
            }
            let axes = PrincipalAxes::new(exact.as_ref())?;
            let lagged = inverse(average.as_ref());
            run.lag.push(axes.relative_error(lagged.as_ref()));
            run.weight.push(weight);
            if run.lost.is_some() {
                run.error.push(f64::NAN);
                continue;
            }
            let mine = estimate(&learner);
            run.error.push(axes.relative_error(mine.as_ref()));
            if step == steps {
                run.excess = mean_diagonal((&lagged * inverse(mine.as_ref())).as_ref()) - 1.0;
            }
        }
    }
    Ok(run)
}

fn figure(setting: &Setting, found: &[&[Run]]) -> Figure {
    let panels = RULES.into_iter().enumerate().map(|(k, rule)| {
        let mut panel = Panel::new(
            name(rule),
            Axis::linear("step"),
            Axis::log("|Ĝ^{−1}G − I|/√P").limits(0.1, 3.0),
        );
        for (slot, (law, _)) in LAWS.into_iter().enumerate() {
            let runs = found[slot * RULES.len() + k];
            let steps: Vec<f64> = (1..=runs[0].error.len())
                .map(|look| (look * STRIDE) as f64)
                .collect();
            // shown while most runs are left
            let at = |look: usize| {
                let left = || {
                    runs.iter()
                        .map(|run| run.error[look])
                        .filter(|e| !e.is_nan())
                };
                if 2 * left().count() > runs.len() {
                    root(left())
                } else {
                    root(std::iter::empty())
                }
            };
            let measured: Vec<Average> = (0..steps.len()).map(at).collect();
            if rule == Rule::ShermanMorrison {
                let theory =
                    |look: usize| root(runs.iter().map(|run| setting.expected(run, look))).mean;
                panel = panel.with(Series::guide(
                    "lag and chance",
                    steps.iter().copied(),
                    (0..steps.len()).map(theory),
                ));
            }
            panel =
                panel.with(Series::line(law, steps, measured.iter().map(|a| a.mean)).slot(slot));
        }
        panel
    });
    Figure::multiples(
        "schedules",
        "Error of the estimate along training, root mean square over the runs that are left. A curve of the first-order rule would end where half of the runs are lost.",
        panels,
    )
    .share_y()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effort;

    #[test]
    fn a_run_lost_at_its_first_step_is_seen_to_its_end() {
        let (setting, context) = (Setting::new().unwrap(), Context::quiet(1, Effort::Quick));
        let runs = (0..20).map(|stream| {
            let law = Law::Constant(1.01);
            train(
                &setting,
                law,
                Rule::FirstOrder,
                2 * STRIDE,
                stream,
                &context,
            )
            .unwrap()
        });
        let lost = runs.filter(|run| run.lost == Some(1)).count();
        assert!(lost > 0);
        let run = train(
            &setting,
            Law::Constant(1.01),
            Rule::FirstOrder,
            2 * STRIDE,
            0,
            &context,
        );
        assert_eq!(run.unwrap().error.len(), 2);
    }
}
