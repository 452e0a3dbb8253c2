//! The law for soft committee machines of many inputs: `ε_g → K s²/(2α)`.

use faer::{Mat, MatRef};
use neuromanifold_geometry::closed_form::online::{LearningRule, OrderParameters, SoftCommittee};
use neuromanifold_geometry::closed_form::{GaussianInput, GaussianInputFisher, Population};
use neuromanifold_geometry::{Inverse, Metric as _};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap as _};
use neuromanifold_optim::Objective;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::experiments::average::Average;
use crate::experiments::inflation::gaussians;
use crate::{Axis, Claim, Context, Figure, HarnessError, Panel, Record, Series};

/// `s²`, the variance of the noise.
const NOISE: f64 = 0.1;
/// The time that the start counts as; `η = 1/α` from there on.
const START: f64 = 5.0;
/// `Q_ii − 1` at the start, where `R = T = I`.
const EXCURSION: f64 = 0.02;
/// The last time of the equations.
const END: f64 = 1e6;

pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let dimension = context.pick(50, 60, 200);
    let count: u64 = context.pick(48, 60, 200);
    let alphas: Vec<f64> = [6.0, 8.0, 11.0, 15.0, 20.0, 30.0, 50.0]
        .into_iter()
        .filter(|alpha| *alpha <= context.pick(20.0, 50.0, 50.0))
        .collect();
    record.heading("Many inputs");
    record.paragraph(format!(
        "For a committee of K units on n → ∞ inputs the estimate is described by order parameters, and the law can be read off their \
         equations: with time α = examples/n, K n parameters and loss ε_{{g}}/s², the bound P/2t is ε_{{g}} = K s²/(2α). The equations \
         are integrated with η = 1/α from α = {START} to 10^{{6}}, with s² = {NOISE}; simulations with n = {dimension} inputs follow them from \
         the same start. In the simulations the outgoing weights are learnt as well, so there are K(n+1) parameters.",
    ));
    context
        .progress()
        .begin("committees", 2 * usize::try_from(count).unwrap_or_default());
    let mut panels = Vec::new();
    for units in [1, 2] {
        let curve = order_parameters(units)?;
        let scale = |alpha: f64| 2.0 * alpha / (units as f64 * NOISE);
        let runs: Vec<Vec<f64>> = (0..count)
            .into_par_iter()
            .map(|index| {
                let mut rng = context.rng(300_000 + 10_000 * units as u64 + index);
                let run = simulate(units, dimension, &alphas, context, &mut rng);
                context.progress().advance(1);
                run
            })
            .collect::<Result<_, _>>()?;
        let averages: Vec<Average> = alphas
            .iter()
            .enumerate()
            .map(|(k, alpha)| Average::of(runs.iter().map(|run| run[k])).scaled(scale(*alpha)))
            .collect();
        let at = |alpha: f64| {
            let nearest = |(a, _): &&(f64, f64)| ((a / alpha).ln().abs() * 1e9) as u64;
            curve
                .iter()
                .min_by_key(nearest)
                .map_or(f64::NAN, |(a, e)| e * scale(*a))
        };
        record.claim(Claim::close(
            format!("K = {units}: 2α ε_{{g}}/(K s²) at α = 10^{{6}}, from the order parameters; corrections are of order ln α/α"),
            1.0,
            at(END),
            1e-3,
        ));
        if let Some((alpha, measured)) = alphas.iter().zip(&averages).next_back() {
            record.claim(Claim::close(
                format!("K = {units}: the same at α = {alpha}, simulation against order parameters (± 4 standard errors and 4/n)"),
                at(*alpha),
                measured.mean,
                4.0 * measured.error + 4.0 / dimension as f64,
            ));
        }
        let panel = Panel::new(
            format!("K = {units}"),
            Axis::log("α = examples / n"),
            Axis::linear("ε_{g} · 2α / (K s²)"),
        );
        panels.push(
            panel
                .with(Series::line(
                    "order parameters",
                    curve.iter().map(|(alpha, _)| *alpha),
                    curve.iter().map(|(alpha, error)| error * scale(*alpha)),
                ))
                .with(Series::with_errors(
                    "simulation",
                    alphas.iter().copied(),
                    averages.iter().map(|a| a.mean),
                    averages.iter().map(|a| 2.0 * a.error),
                ))
                .horizontal(1.0, "K s²/(2α)"),
        );
    }
    record.figure(
        Figure::multiples(
            "committee",
            "Generalisation error of soft committee machines that learn from a noisy teacher by the natural gradient with η = 1/α, \
             in units of K s²/(2α). Bars are two standard errors.",
            panels,
        )
        .share_y(),
    );
    Ok(())
}

/// `(α, ε_g)`, by the classical Runge–Kutta rule in `ln α`.
fn order_parameters(units: usize) -> Result<Vec<(f64, f64)>, HarnessError> {
    const PER_UNIT: f64 = 100.0;
    let teacher = Mat::<f64>::identity(units, units);
    let steps = ((END / START).ln() * PER_UNIT).ceil();
    let step = (END / START).ln() / steps;
    let equations = |alpha: f64| {
        SoftCommittee::new(
            teacher.as_ref(),
            NOISE,
            1.0 / alpha,
            LearningRule::NaturalGradient,
        )
    };
    // dX/d(ln α) = α dX/dα
    let slope = |alpha: f64, at: &State| -> Result<State, HarnessError> {
        let drift = equations(alpha)?.drift(&at.order_parameters()?)?;
        Ok(State::of(drift.students(), drift.overlaps()).times(alpha))
    };
    let mut at = State {
        students: (1.0 + EXCURSION) * &teacher,
        overlaps: teacher.clone(),
    };
    let mut curve = Vec::new();
    for count in 0..=steps as usize {
        let alpha = START * (step * count as f64).exp();
        curve.push((
            alpha,
            equations(alpha)?.generalization_error(&at.order_parameters()?)?,
        ));
        let (half, whole) = (alpha * (0.5 * step).exp(), alpha * step.exp());
        let one = slope(alpha, &at)?;
        let two = slope(half, &at.plus(0.5 * step, &one))?;
        let three = slope(half, &at.plus(0.5 * step, &two))?;
        let four = slope(whole, &at.plus(step, &three))?;
        at = at
            .plus(step / 6.0, &one)
            .plus(step / 3.0, &two)
            .plus(step / 3.0, &three)
            .plus(step / 6.0, &four);
    }
    Ok(curve)
}

/// Q and R.
#[derive(Clone)]
struct State {
    students: Mat<f64>,
    overlaps: Mat<f64>,
}

impl State {
    fn of(students: MatRef<'_, f64>, overlaps: MatRef<'_, f64>) -> Self {
        Self {
            students: students.to_owned(),
            overlaps: overlaps.to_owned(),
        }
    }

    fn order_parameters(&self) -> Result<OrderParameters, HarnessError> {
        Ok(OrderParameters::new(
            self.students.as_ref(),
            self.overlaps.as_ref(),
        )?)
    }

    fn times(self, factor: f64) -> Self {
        Self {
            students: factor * self.students,
            overlaps: factor * self.overlaps,
        }
    }

    fn plus(&self, factor: f64, other: &Self) -> Self {
        Self {
            students: &self.students + factor * &other.students,
            overlaps: &self.overlaps + factor * &other.overlaps,
        }
    }
}

/// `ε_g` at some times of one run.
fn simulate(
    units: usize,
    dimension: usize,
    alphas: &[f64],
    context: &Context,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<f64>, HarnessError> {
    let net = Mlp::committee(dimension, units, Activation::Erf)?;
    let (input, noise) = (GaussianInput::standard(dimension), Gaussian::UNIT);
    // the teacher's units along the first axes, the student's excursions along the next
    let (mut truth, mut theta) = (vec![0.0; net.parameters()], vec![0.0; net.parameters()]);
    for unit in 0..units {
        truth[unit * dimension + unit] = 1.0;
        truth[units * dimension + unit] = 1.0;
    }
    theta.copy_from_slice(&truth);
    for unit in 0..units {
        theta[unit * dimension + units + unit] = EXCURSION.sqrt();
    }
    let population = Population::new(&net, &truth, &net, &input, &noise)?;
    let (mut gradient, mut direction) = (theta.clone(), theta.clone());
    let mut step = (START * dimension as f64).round() as usize;
    let mut found = Vec::new();
    for alpha in alphas {
        context.check()?;
        while (step as f64) < alpha * dimension as f64 {
            step += 1;
            let x = gaussians(dimension, rng);
            let batch = net.on_slice(&x)?;
            let mut y = [0.0];
            batch.outputs(&truth, &mut y)?;
            y[0] += NOISE.sqrt() * gaussians(1, rng)[0];
            Objective::new(&batch, &noise, &y)?.gradient(&theta, &mut gradient)?;
            let metric = GaussianInputFisher::new(&net, &theta, &input, &noise)?;
            metric.raise(&gradient, Inverse::Exact, &mut direction)?;
            for (t, d) in theta.iter_mut().zip(&direction) {
                *t -= d / step as f64;
            }
        }
        found.push(population.divergence(&theta)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{NOISE, order_parameters};

    /// Against an independent integration, by a rule of second order with steps of 0.4 %, of the same equations.
    #[test]
    fn errors_at_time_400() {
        for (units, expected) in [(1, 1.006), (2, 1.042)] {
            let curve = order_parameters(units).unwrap();
            let (alpha, error) = curve
                .into_iter()
                .min_by(|(a, _), (b, _)| (a - 400.0).abs().total_cmp(&(b - 400.0).abs()))
                .unwrap();
            let ratio = error * 2.0 * alpha / (units as f64 * NOISE);
            assert!((ratio - expected).abs() < 2e-3, "{ratio}");
        }
    }
}
