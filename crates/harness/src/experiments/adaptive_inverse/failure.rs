//! Runs of either rule until it fails.

use faer::{Mat, MatRef};
use neuromanifold_geometry::Spectrum;
use neuromanifold_mlp::Mlp;
use neuromanifold_model::{Gaussian, OutputMap as _};
use neuromanifold_optim::{
    AdaptiveNaturalGradient, Objective, OptimError, Optimizer as _, Rule, Schedule,
};

use super::setting::estimate;
use crate::experiments::inflation::gaussians;
use crate::{Context, HarnessError};

/// A model whose answers are right already, and its name, `P`, and the largest eigenvalue of its metric.
pub(super) struct Case<'a> {
    pub(super) name: &'static str,
    pub(super) net: &'a Mlp,
    pub(super) theta: &'a [f64],
    pub(super) sigma: f64,
    pub(super) largest: f64,
    /// Time in units of `1/ε` until the estimate is good.
    pub(super) settled: f64,
    /// `P(q ≥ limit)` once the estimate is good.
    pub(super) tail: &'a (dyn Fn(f64) -> f64 + Sync),
}

/// How a run ended.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// The step that the first-order rule refused, or infinity.
    pub(super) step: f64,
    /// The smallest eigenvalue that it would have made, over the largest that it had.
    pub(super) eigenvalue: f64,
}

impl Case<'_> {
    fn learner(&self, rule: Rule, epsilon: f64) -> Result<AdaptiveNaturalGradient, HarnessError> {
        let forgetting = Schedule::constant(epsilon)?;
        let learner = AdaptiveNaturalGradient::new(rule, Schedule::constant(1e-12)?, forgetting);
        Ok(learner.with_initial_inverse(1.0 / self.largest)?)
    }

    /// Learns from examples at which the model is right, all steps or up to the first that is refused.
    fn learn(
        &self,
        rule: Rule,
        epsilon: f64,
        steps: u64,
        stream: u64,
        context: &Context,
    ) -> Result<(AdaptiveNaturalGradient, Option<Refusal>), HarnessError> {
        let mut rng = context.rng(stream);
        let noise = Gaussian::new(self.sigma)?;
        let mut learner = self.learner(rule, epsilon)?;
        let mut theta = self.theta.to_vec();
        for _ in 0..steps {
            let x = gaussians(self.net.inputs(), &mut rng);
            let batch = self.net.on_slice(&x)?;
            let mut y = [0.0];
            batch.outputs(self.theta, &mut y)?;
            if let Err(error) = learner.step(&Objective::new(&batch, &noise, &y)?, &mut theta) {
                let mut gradient = vec![0.0; theta.len()];
                batch
                    .linearize(&theta)?
                    .vjp(&[1.0 / self.sigma], &mut gradient);
                return Ok((learner, Some(Refusal { error, gradient })));
            }
        }
        context.check()?;
        Ok((learner, None))
    }
}

/// A step that an optimiser refused.
struct Refusal {
    error: OptimError,
    /// Of the output in units of the noise.
    gradient: Vec<f64>,
}

pub(super) fn first_order(
    case: &Case<'_>,
    epsilon: f64,
    steps: u64,
    stream: u64,
    context: &Context,
) -> Result<End, HarnessError> {
    let (learner, refusal) = case.learn(Rule::FirstOrder, epsilon, steps, stream, context)?;
    match refusal {
        None => Ok(End {
            step: f64::INFINITY,
            eigenvalue: f64::NAN,
        }),
        Some(Refusal {
            error: OptimError::PositiveDefinitenessLost { step, .. },
            gradient,
        }) => Ok(End {
            step: step as f64,
            eigenvalue: refused(&learner, &gradient, epsilon, case.largest)?,
        }),
        Some(Refusal { error, .. }) => Err(error.into()),
    }
}

/// The smallest eigenvalue of `(1+ε)Ĝ⁻¹ − ε hhᵀ`, over the largest of `Ĝ⁻¹`.
fn refused(
    learner: &AdaptiveNaturalGradient,
    gradient: &[f64],
    epsilon: f64,
    largest: f64,
) -> Result<f64, HarnessError> {
    let before = learner.inverse().unwrap_or_else(|| {
        Mat::from_fn(gradient.len(), gradient.len(), |i, j| {
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
    let after = Mat::from_fn(gradient.len(), gradient.len(), |i, j| {
        (1.0 + epsilon) * before[(i, j)] - epsilon * raised[i] * raised[j]
    });
    let of = |matrix: MatRef<'_, f64>| Spectrum::eigenvalues_of(matrix);
    let had = of(before.as_ref())?;
    Ok(of(after.as_ref())?[0] / had[had.len() - 1])
}

pub(super) fn exact_fails(
    case: &Case<'_>,
    epsilon: f64,
    steps: u64,
    stream: u64,
    context: &Context,
) -> Result<bool, HarnessError> {
    let (learner, refusal) = case.learn(Rule::ShermanMorrison, epsilon, steps, stream, context)?;
    if refusal.is_some() {
        return Ok(true);
    }
    let eigenvalues = Spectrum::eigenvalues_of(estimate(&learner).as_ref())?;
    Ok(eigenvalues[0] <= 0.0)
}
