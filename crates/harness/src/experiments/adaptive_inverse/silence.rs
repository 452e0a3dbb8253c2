//! A run of learning during which one input is silent for a while.

use faer::{Mat, MatRef};
use neuromanifold_geometry::Spectrum;
use neuromanifold_optim::{AdaptiveNaturalGradient, OptimError, Rule, Schedule, WindUp};

use super::setting::{Setting, axes, estimate, inverse, observer};
use crate::experiments::regression::Regression;
use crate::{Context, HarnessError};

/// ε and η.
pub(super) const FORGETTING: f64 = 0.005;
pub(super) const RATE: f64 = 0.002;
/// Steps before the second input falls silent, and after it is back.
pub(super) const AWAKE: usize = 1500;
/// Steps for which it is silent.
pub(super) const SILENT: usize = 3000;
pub(super) const STRIDE: usize = 20;
/// The weights of the second input: what its silence leaves unexcited.
pub(super) const UNEXCITED: [usize; 2] = [1, 3];

/// ε for the first-order rule, small enough for it to survive.
pub(super) const FIRST_ORDER: f64 = 0.002;

/// One run, seen at every stride.
pub(super) struct Run {
    /// `λ_max(Ĝ⁻¹)`.
    pub(super) largest: Vec<f64>,
    /// In nats.
    pub(super) excess: Vec<f64>,
    /// `|Ĝ⁻¹G − I|/√P`.
    pub(super) error: Vec<f64>,
    /// `tr(Ĝ⁻¹G)`, not scaled.
    pub(super) trace: Vec<f64>,
    /// `Ĝ` among the unexcited parameters, when silence begins and ends.
    pub(super) block: [Mat<f64>; 2],
}

impl Run {
    pub(super) fn peak(&self) -> f64 {
        self.excess[silence().end..]
            .iter()
            .copied()
            .fold(0.0, f64::max)
    }
}

pub(super) fn silence() -> std::ops::Range<usize> {
    AWAKE / STRIDE..(AWAKE + SILENT) / STRIDE
}

pub(super) fn trace(matrix: &Mat<f64>) -> f64 {
    matrix.diagonal().column_vector().iter().sum()
}

pub(super) fn train(
    setting: &Setting,
    cure: WindUp,
    stream: u64,
    context: &Context,
) -> Result<Run, HarnessError> {
    let mut rng = context.rng(stream);
    let regression = &setting.regression;
    let scale = scale(cure, regression.dim());
    let mut learner = AdaptiveNaturalGradient::new(
        Rule::ShermanMorrison,
        Schedule::constant(scale * RATE)?,
        Schedule::constant(scale * FORGETTING)?,
    )
    .with_initial_inverse(1.0 / scale)?
    .with_wind_up(cure)?;
    let mut theta = regression.truth().to_vec();
    let mut run = Run {
        largest: Vec::new(),
        excess: Vec::new(),
        error: Vec::new(),
        trace: Vec::new(),
        block: [Mat::zeros(2, 2), Mat::zeros(2, 2)],
    };
    for step in 0..=2 * AWAKE + SILENT {
        let (mut x, mut y) = regression.draw(&mut rng)?;
        if (AWAKE..AWAKE + SILENT).contains(&step) {
            // the same noise, another answer
            y -= regression.answer(&x)?;
            x[1] = 0.0;
            y += regression.answer(&x)?;
        }
        if step == AWAKE {
            run.block[0] = unexcited(estimate(&learner).as_ref());
        } else if step == AWAKE + SILENT {
            run.block[1] = unexcited(estimate(&learner).as_ref());
        }
        setting.learn(&mut learner, (&x, y), &mut theta)?;
        if step % STRIDE == 0 {
            context.check()?;
            let mine = estimate(&learner) * scale;
            let axes = axes(regression, &theta)?;
            let eigenvalues = Spectrum::eigenvalues_of(mine.as_ref())?;
            run.largest.push(eigenvalues[eigenvalues.len() - 1]);
            run.excess.push(regression.excess_loss(&theta)?);
            run.error.push(axes.relative_error(mine.as_ref()));
            run.trace
                .push(trace(&axes.inverse_metric(mine.as_ref())) / scale);
        }
    }
    Ok(run)
}

/// The part of Ĝ that belongs to the weights of the second input.
pub(super) fn unexcited(estimate: MatRef<'_, f64>) -> Mat<f64> {
    let metric = inverse(estimate);
    Mat::from_fn(2, 2, |i, j| metric[(UNEXCITED[i], UNEXCITED[j])])
}

/// The rate at which the largest eigenvalue grows while the second input has never spoken.
pub(super) fn first_order_growth(
    setting: &Setting,
    context: &Context,
) -> Result<f64, HarnessError> {
    const STEPS: usize = 4000;
    let mut rng = context.rng(3_500_000_000);
    let regression = &setting.regression;
    let smallest = 1.0 / setting.axes.eigenvalues()[regression.dim() - 1];
    let mut learner = observer(Rule::FirstOrder, Schedule::constant(FIRST_ORDER)?)?
        .with_initial_inverse(smallest)?;
    let mut theta = regression.truth().to_vec();
    let mut steps = 0;
    while steps < STEPS {
        let mut x = Regression::input(&mut rng);
        x[1] = 0.0;
        let y = regression.answer(&x)?;
        match setting.learn(&mut learner, (&x, y), &mut theta) {
            Ok(()) => steps += 1,
            // a rare example: what was seen until then is as good
            Err(HarnessError::Optim(OptimError::PositiveDefinitenessLost { .. })) => break,
            Err(other) => return Err(other),
        }
    }
    let estimate = estimate(&learner);
    Ok((estimate[(UNEXCITED[0], UNEXCITED[0])] / smallest).ln() / steps as f64)
}

/// Directional forgetting forgets one direction in P at a step: its memory is P times as long, and its estimate of `G⁻¹` P
/// times too small. So it is given P times the rates, and its estimate is read P times as large.
fn scale(cure: WindUp, parameters: usize) -> f64 {
    if cure == WindUp::DirectionalForgetting {
        parameters as f64
    } else {
        1.0
    }
}
