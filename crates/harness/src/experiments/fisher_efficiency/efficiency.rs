//! The natural gradient with `η = 1/t` against the bound, and the gradient beside it.

use faer::Mat;
use neuromanifold_geometry::Metric as _;

use super::online::{Rate, Rule};
use super::setting::{OFFSET, Runs, Setting, times};
use crate::{Axis, Claim, Column, Context, Figure, HarnessError, Record, Series, Table};

/// `λ_min` times the constants with which the gradient is tried; the second is replaced by the best one for large t.
const SHARES: [f64; 3] = [0.3, f64::NAN, 1.0];

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let times = times(context.pick(2_000, 5_000, 20_000), 12);
    let natural = Rate {
        rule: Rule::Natural,
        numerator: 1.0,
        offset: OFFSET,
    };
    let count = context.pick(200, 300, 1000);
    let others = context.pick(100, 150, 500);
    context.progress().begin(
        "efficiency",
        usize::try_from(count + 3 * others).unwrap_or_default(),
    );
    let efficient = setting.runs(natural, count, &times, 0, context)?;
    let (best, shortfall) = best_constant(setting.axes.eigenvalues());
    let mut gradients = Vec::new();
    for (k, share) in SHARES.into_iter().enumerate() {
        let rate = Rate {
            rule: Rule::Gradient,
            numerator: if share.is_nan() {
                best
            } else {
                share / setting.axes.eigenvalues()[0]
            },
            offset: OFFSET,
        };
        let stream = 10_000 * (k as u64 + 1);
        gradients.push(setting.runs(rate, others, &times, stream, context)?);
    }
    record.figure(figure(setting, &efficient, &gradients));
    record.paragraph(format!(
        "The gradient with a rate a/t is not efficient for any constant a: along an eigenvector of G with eigenvalue λ its error \
         falls as a²λ/((2aλ−1)t) if 2aλ > 1, and only as t^{{−2aλ}} otherwise. With a condition number of {:.0} no a suits all \
         directions; the best one for large t is a = {:.2}/λ_{{min}}, and it needs {shortfall:.1} times the examples. Smaller \
         constants look better for a while, and lose in the end.",
        condition(setting),
        best * setting.axes.eigenvalues()[0],
    ));
    record.figure(variances(setting, &efficient, &gradients[1])?);
    record.table(table(setting, &efficient, &gradients));
    claims(setting, &efficient, &gradients, record)
}

fn claims(
    setting: &Setting,
    efficient: &Runs,
    gradients: &[Runs],
    record: &mut Record,
) -> Result<(), HarnessError> {
    let (last, predicted) = efficient.last();
    let examples = efficient.examples().last().unwrap_or_default();
    record.claim(Claim::close(
        format!("natural gradient, η = 1/t: excess loss times 2t/P at t = {examples}; 1 is the bound, the rest is of order 1/t (± 4 standard errors)"),
        predicted,
        last.mean,
        4.0 * last.error,
    ));
    let ratio = efficient.over_predicted();
    record.claim(Claim::close(
        "the same over its prediction, mean over all times (± 4 standard errors)",
        1.0,
        ratio.mean,
        4.0 * ratio.error,
    ));
    // for R Gaussian estimates, R/2 |S − I|² has mean P(P+1)/2 and variance P(P+1)
    let pairs = (setting.regression.dim() * (setting.regression.dim() + 1)) as f64;
    let covariance = covariance(setting, efficient);
    let identity = Mat::<f64>::identity(covariance.nrows(), covariance.ncols());
    let deviation = (&covariance - identity).squared_norm_l2();
    record.claim(Claim::close(
        "t·Cov(θ̂) against G^{−1}: ½R|G^{½}(t·Cov)G^{½} − I|² over R runs, as for the covariance of a Gaussian sample (± 4 standard deviations)",
        pairs / 2.0,
        0.5 * efficient.estimates.len() as f64 * deviation,
        4.0 * pairs.sqrt(),
    ));
    for runs in gradients {
        let (last, predicted) = runs.last();
        record.claim(Claim::close(
            format!(
                "{}: excess loss times 2t/P at t = {examples} (± 4 standard errors)",
                label(setting, runs)
            ),
            predicted,
            last.mean,
            4.0 * last.error,
        ));
    }
    let (_, shortfall) = best_constant(setting.axes.eigenvalues());
    let efficient = efficient.last().0;
    let best = gradients[1].last().0;
    record.claim(Claim::at_least(
        format!("examples that the gradient with its best constant needs over those of the natural gradient ({shortfall:.1} for large t), less 4 standard errors"),
        1.0,
        (best.mean - 4.0 * best.error) / (efficient.mean + 4.0 * efficient.error),
    ));
    Ok(())
}

/// `a` that minimises `½Σ a²λ²/(2aλ − 1)`, and the minimum over `P/2`.
fn best_constant(eigenvalues: &[f64]) -> (f64, f64) {
    let excess = |a: f64| {
        let terms = eigenvalues
            .iter()
            .map(|l| (a * l).powi(2) / (2.0 * a * l - 1.0));
        terms.sum::<f64>() / eigenvalues.len() as f64
    };
    // convex beyond 1/(2λ_min), and rising from 1/λ_min on
    let (mut low, mut high) = (0.5 / eigenvalues[0] * (1.0 + 1e-9), 1.0 / eigenvalues[0]);
    for _ in 0..100 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if excess(left) < excess(right) {
            high = right;
        } else {
            low = left;
        }
    }
    (low, excess(low))
}

fn condition(setting: &Setting) -> f64 {
    let eigenvalues = setting.axes.eigenvalues();
    eigenvalues[eigenvalues.len() - 1] / eigenvalues[0]
}

/// `t·Cov(θ̂)` about θ*, in coordinates in which it should be the identity.
fn covariance(setting: &Setting, runs: &Runs) -> Mat<f64> {
    let (dim, count) = (setting.regression.dim(), runs.estimates.len());
    let examples = runs.examples().last().unwrap_or_default();
    let errors: Vec<Vec<f64>> = runs
        .estimates
        .iter()
        .map(|theta| {
            let off = theta.iter().zip(setting.regression.truth());
            setting
                .axes
                .coordinates(&off.map(|(t, truth)| t - truth).collect::<Vec<_>>())
        })
        .collect();
    Mat::from_fn(dim, dim, |i, j| {
        examples / count as f64 * errors.iter().map(|y| y[i] * y[j]).sum::<f64>()
    })
}

fn label(setting: &Setting, runs: &Runs) -> String {
    let smallest = setting.axes.eigenvalues()[0];
    match runs.rate.rule {
        Rule::Natural => "natural gradient, η = 1/t".to_owned(),
        Rule::Gradient => format!(
            "gradient, η = {:.2}/(λ_{{min}}t)",
            runs.rate.numerator * smallest
        ),
    }
}

fn figure(setting: &Setting, efficient: &Runs, gradients: &[Runs]) -> Figure {
    let mut figure = Figure::new(
        "excess-loss",
        "Excess loss E[L − L∗] times 2t/P, with t examples (those the start is worth included): the number of examples spent \
         over the number that the best possible estimate needs. Bars are two standard errors over runs; grey lines are the \
         exact second moments of the linearised dynamics, with nothing fitted.",
        Axis::log("examples t"),
        Axis::log("E[L − L∗] · 2t/P").limits(0.7, 60.0),
    )
    .horizontal(1.0, "Cramér–Rao bound");
    for (slot, runs) in std::iter::once(efficient).chain(gradients).enumerate() {
        let averages = runs.averages();
        figure = figure
            .with(Series::guide(
                "linearised dynamics",
                runs.examples(),
                runs.predicted.iter().copied(),
            ))
            .with(
                Series::with_errors(
                    label(setting, runs),
                    runs.examples(),
                    averages.iter().map(|a| a.mean),
                    averages.iter().map(|a| 2.0 * a.error),
                )
                .slot(slot),
            );
    }
    figure
}

/// Parameter by parameter.
fn variances(setting: &Setting, efficient: &Runs, gradient: &Runs) -> Result<Figure, HarnessError> {
    let truth = setting.regression.truth();
    let metric = setting.regression.fisher(truth)?;
    let mut bound = Vec::new();
    for i in 0..truth.len() {
        let (mut unit, mut column) = (vec![0.0; truth.len()], vec![0.0; truth.len()]);
        unit[i] = 1.0;
        metric.raise(&unit, neuromanifold_geometry::Inverse::Exact, &mut column)?;
        bound.push(column[i]);
    }
    let mut figure = Figure::new(
        "variances",
        "t·Var(θ̂_{i}) over (G^{−1})_{ii} for the nine parameters w_{11}, w_{12}, w_{21}, w_{22}, b_{1}, b_{2}, v_{1}, v_{2}, c \
         at the last time. Bars are two standard errors.",
        Axis::linear("parameter i").limits(0.5, truth.len() as f64 + 0.5),
        Axis::log("t·Var(θ̂_{i}) / (G^{−1})_{ii}"),
    )
    .horizontal(1.0, "Cramér–Rao bound");
    for (slot, runs) in [(0, efficient), (2, gradient)] {
        let examples = runs.examples().last().unwrap_or_default();
        let count = runs.estimates.len() as f64;
        let ratio = |i: usize| {
            let squares = runs
                .estimates
                .iter()
                .map(|theta| (theta[i] - truth[i]).powi(2));
            examples * squares.sum::<f64>() / count / bound[i]
        };
        let ratios: Vec<f64> = (0..truth.len()).map(ratio).collect();
        figure = figure.with(
            Series::with_errors(
                label(setting, runs),
                (1..=truth.len()).map(|i| i as f64),
                ratios.clone(),
                ratios.iter().map(|r| 2.0 * r * (2.0 / count).sqrt()),
            )
            .slot(slot),
        );
    }
    Ok(figure)
}

fn table(setting: &Setting, efficient: &Runs, gradients: &[Runs]) -> Table {
    let columns = [
        Column::text("rule"),
        Column::new("runs"),
        Column::new("E[L − L∗]·2t/P").digits(3),
        Column::new("standard error").digits(2),
        Column::new("linearised").digits(4),
        Column::new("t → ∞").digits(3),
    ];
    let examples = efficient.examples().last().unwrap_or_default();
    let mut table = Table::new(
        "efficiency",
        format!(
            "Excess loss in units of the bound P/2t at t = {examples}; ∞ where it falls more slowly than 1/t."
        ),
        columns,
    );
    let eigenvalues = setting.axes.eigenvalues();
    for runs in std::iter::once(efficient).chain(gradients) {
        let (last, predicted) = runs.last();
        let a = runs.rate.numerator;
        let limit = match runs.rate.rule {
            Rule::Natural => 1.0,
            Rule::Gradient if 2.0 * a * eigenvalues[0] <= 1.0 => f64::INFINITY,
            Rule::Gradient => {
                let terms = eigenvalues
                    .iter()
                    .map(|l| (a * l).powi(2) / (2.0 * a * l - 1.0));
                terms.sum::<f64>() / eigenvalues.len() as f64
            }
        };
        table.row([
            label(setting, runs).into(),
            runs.estimates.len().into(),
            last.mean.into(),
            last.error.into(),
            predicted.into(),
            limit.into(),
        ]);
    }
    table
}
