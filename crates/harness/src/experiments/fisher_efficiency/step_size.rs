//! The law of the numerator: `η = c/t` costs `c²/(2c−1)` times the examples.

use super::online::{Rate, Rule};
use super::setting::{OFFSET, Runs, Setting, times};
use crate::{Axis, Claim, Context, Figure, HarnessError, Record, Series};

/// The last is what becomes of `1/t` with the metric in a normalisation in which it is a quarter.
const NUMERATORS: [f64; 5] = [0.75, 1.0, 1.5, 2.5, 4.0];

fn law(c: f64) -> f64 {
    c * c / (2.0 * c - 1.0)
}

pub(super) fn report(
    setting: &Setting,
    context: &Context,
    record: &mut Record,
) -> Result<(), HarnessError> {
    let times = times(context.pick(2_000, 5_000, 20_000), 12);
    let count = context.pick(60, 64, 400);
    let jobs = usize::try_from(count).unwrap_or_default() * NUMERATORS.len();
    context.progress().begin("step sizes", jobs);
    let mut all = Vec::new();
    for (k, numerator) in NUMERATORS.into_iter().enumerate() {
        let rate = Rate {
            rule: Rule::Natural,
            numerator,
            offset: OFFSET,
        };
        let stream = 100_000 + 10_000 * k as u64;
        all.push(setting.runs(rate, count, &times, stream, context)?);
    }
    record.heading("The numerator of the step");
    record.paragraph(
        "With η = c/t the covariance tends to c²/(2c−1) times G^{−1}/t for c > ½: c = 1 is the only efficient numerator, and \
         too small a step is worse than too large a one. A metric with 1/(4σ²) in place of 1/σ² makes c = 4 of c = 1, so its \
         “1/t” needs 16/7 of the examples. For c near ½ the start is forgotten only as t^{1−2c}: the limit is true, and far away.",
    );
    record.figure(figure(&all));
    for runs in &all {
        let ratio = runs.over_predicted();
        record.claim(Claim::close(
            format!("c = {}: excess loss over that of the linearised dynamics, which tends to c²/(2c−1) = {:.3} times the bound (± 4 standard errors)",
                runs.rate.numerator, law(runs.rate.numerator)),
            1.0,
            ratio.mean,
            4.0 * ratio.error,
        ));
    }
    let points: Vec<[f64; 3]> = all
        .iter()
        .map(|runs| {
            let (c, ratio) = (runs.rate.numerator, runs.over_predicted());
            let inverse = (2.0 * c - 1.0) / ratio.mean;
            [c, inverse, inverse * ratio.error / ratio.mean]
        })
        .collect();
    for ((value, error), (name, expected)) in fit(&points)
        .into_iter()
        .zip([("slope", 2.0), ("intercept", -1.0)])
    {
        record.claim(Claim::close(
            format!("{name} of c²/(excess loss over the bound) against c: the law says 2c − 1 (± 4 standard errors)"),
            expected,
            value,
            4.0 * error,
        ));
    }
    Ok(())
}

/// Slope and intercept of a line through `[x, y, error of y]`, each with its standard error.
fn fit(points: &[[f64; 3]]) -> [(f64, f64); 2] {
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points
            .iter()
            .map(|[x, y, error]| of(*x, *y) / (error * error))
            .sum()
    };
    let (weight, mean, square) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|x, _| x * x));
    let (value, product) = (sum(&|_, y| y), sum(&|x, y| x * y));
    let determinant = weight * square - mean * mean;
    [
        (
            (weight * product - mean * value) / determinant,
            (weight / determinant).sqrt(),
        ),
        (
            (square * value - mean * product) / determinant,
            (square / determinant).sqrt(),
        ),
    ]
}

fn figure(all: &[Runs]) -> Figure {
    let grid: Vec<f64> = (0..=120).map(|k| 0.56 + 0.03 * f64::from(k)).collect();
    let numerators: Vec<f64> = all.iter().map(|runs| runs.rate.numerator).collect();
    let limits: Vec<_> = all
        .iter()
        .map(|runs| runs.over_predicted().scaled(law(runs.rate.numerator)))
        .collect();
    Figure::new(
        "step-size",
        "Excess loss over the Cramér–Rao bound for η = c/t. Points are measured, with the part of order 1/t and that of the start \
         divided out (mean over all times of measured over linearised, times the limit); bars are two standard errors. The line is \
         c²/(2c−1).",
        Axis::linear("c"),
        Axis::linear("excess loss / bound").limits(0.8, 2.8),
    )
    .with(Series::guide("c²/(2c−1)", grid.iter().copied(), grid.iter().map(|c| law(*c))))
    .with(Series::with_errors(
        "natural gradient, η = c/t",
        numerators,
        limits.iter().map(|a| a.mean),
        limits.iter().map(|a| 2.0 * a.error),
    ))
    .horizontal(1.0, "efficient")
}

#[cfg(test)]
mod tests {
    use super::{fit, law};

    #[test]
    fn points_on_the_law_give_its_line() {
        let points = [0.6, 1.0, 2.0, 4.0].map(|c: f64| [c, c * c / law(c), 0.1 * c]);
        let [(slope, _), (intercept, _)] = fit(&points);
        assert!((slope - 2.0).abs() < 1e-12 && (intercept + 1.0).abs() < 1e-12);
        let [(_, error), _] = fit(&[[-1.0, 0.0, 0.1], [1.0, 0.0, 0.1]]);
        assert!((error - 0.1 / 2f64.sqrt()).abs() < 1e-15);
    }
}
