//! One on-line run.

use neuromanifold_geometry::{Inverse, Metric as _};
use neuromanifold_optim::Objective;
use rand_chacha::ChaCha8Rng;

use crate::experiments::regression::Regression;
use crate::{Context, HarnessError};

/// Along what θ moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `G(θ)⁻¹∇l`, with the exact metric at the present θ.
    Natural,
    /// `∇l`.
    Gradient,
}

/// `η_t = c/(t + t₀)` along one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    pub(super) rule: Rule,
    pub(super) numerator: f64,
    pub(super) offset: f64,
}

impl Rate {
    pub(super) fn at(self, step: u64) -> f64 {
        self.numerator / (step as f64 + self.offset)
    }
}

/// θ at each of the times.
pub(super) fn learn(
    regression: &Regression,
    rate: Rate,
    mut theta: Vec<f64>,
    times: &[u64],
    context: &Context,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Vec<f64>>, HarnessError> {
    let mut gradient = vec![0.0; theta.len()];
    let mut direction = vec![0.0; theta.len()];
    let (mut step, mut seen) = (0, Vec::new());
    for time in times {
        context.check()?;
        while step < *time {
            step += 1;
            let (x, y) = regression.draw(rng)?;
            let batch = regression.net.on_slice(&x)?;
            Objective::new(&batch, &regression.noise, &[y])?.gradient(&theta, &mut gradient)?;
            let along = match rate.rule {
                Rule::Gradient => &gradient,
                Rule::Natural => {
                    let metric = regression.fisher(&theta)?;
                    metric.raise(&gradient, Inverse::Exact, &mut direction)?;
                    &direction
                }
            };
            for (t, d) in theta.iter_mut().zip(along) {
                *t -= rate.at(step) * d;
            }
        }
        seen.push(theta.clone());
    }
    Ok(seen)
}
