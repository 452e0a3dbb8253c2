use crate::error::Quantity;
use crate::{Objective, OptimError};
use neuromanifold_model::{Dims, Linearization, ModelError};

/// Something that moves θ towards a smaller objective, one step at a time.
///
/// The objective may be another mini-batch at every call; its number of parameters may not change.
pub trait Optimizer {
    /// Takes one step in place.
    ///
    /// That there is nothing left to gain is no error but a [`Step`] with `accepted = false` or a small
    /// `predicted_decrease`: whether to stop is up to the caller ([`fit`](crate::fit()) is one).
    ///
    /// # Errors
    /// [`OptimError`]; θ and the state of the optimiser are then as before the call, bit by bit.
    fn step(&mut self, objective: &Objective<'_>, theta: &mut [f64]) -> Result<Step, OptimError>;
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The objective before the step, in nats.
    pub loss: f64,
    /// `|∇l|`, Euclidean, before the step.
    pub gradient_norm: f64,
    /// `|δ|`, Euclidean, of the step `θ ← θ + δ`; 0 if it was not accepted.
    pub step_norm: f64,
    /// How much the objective should fall according to the model the optimiser has of it, in nats: `−∇l·δ` for sgd and
    /// Adam, `−∇l·δ − ½ δᵀGδ` where there is a metric.
    ///
    /// A full natural-gradient step predicts `½ ∇lᵀG⁻¹∇l`, what is left to gain as far as the metric can tell; it does
    /// not depend on the parametrisation, so it is a good measure of how far one is from a minimum.
    pub predicted_decrease: f64,
    /// How much it fell, where the optimiser has looked. Accurate even where the two losses agree to rounding.
    pub actual_decrease: Option<f64>,
    /// `½ δᵀGδ`, how far the model has moved in nats, to second order; where the optimiser has a metric.
    pub divergence: Option<f64>,
    /// The damping λ the step was taken with, where there is one.
    pub damping: Option<f64>,
    /// `η_t`.
    pub learning_rate: f64,
    /// Forward passes spent.
    pub evaluations: usize,
    /// Whether θ moved.
    pub accepted: bool,
    /// Whether θ waits at the best point so far while the optimiser looks at others
    /// ([`Escape`](crate::Escape)); loss, gradient and prediction are then those of the point looked at.
    pub exploring: bool,
}

impl Step {
    /// A step that was taken at `loss` and `|∇l|` with a learning rate of 1 and one forward pass, and nothing else known of
    /// it: the start for an optimiser of one's own, which can set the other fields.
    #[must_use]
    pub fn new(loss: f64, gradient_norm: f64, step_norm: f64, predicted_decrease: f64) -> Self {
        Self {
            loss,
            gradient_norm,
            step_norm,
            predicted_decrease,
            actual_decrease: None,
            divergence: None,
            damping: None,
            learning_rate: 1.0,
            evaluations: 1,
            accepted: true,
            exploring: false,
        }
    }
}

/// Loss and gradient at one θ, in buffers that live from step to step.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstOrder {
    /// `∂l/∂Z`.
    pub(crate) cotangent: Vec<f64>,
    /// `∇l`.
    pub(crate) gradient: Vec<f64>,
    pub(crate) loss: f64,
    pub(crate) gradient_norm: f64,
}

impl FirstOrder {
    /// Fills the buffers at a linearisation.
    pub(crate) fn evaluate(
        &mut self,
        objective: &Objective<'_>,
        linearization: &dyn Linearization,
        step: u64,
    ) -> Result<(), OptimError> {
        let dims = objective.dims();
        self.cotangent.resize(dims.output_len(), 0.0);
        self.gradient.resize(dims.parameters, 0.0);
        self.loss =
            objective.gradient_at(linearization, &mut self.cotangent, &mut self.gradient)?;
        OptimError::check_finite(Quantity::Loss, step, &[self.loss])?;
        self.measure(step)
    }

    /// The length of the gradient, if that is finite, and with it every entry.
    pub(crate) fn measure(&mut self, step: u64) -> Result<(), OptimError> {
        self.gradient_norm = norm(&self.gradient);
        OptimError::check_finite(Quantity::Gradient, step, &self.gradient)?;
        OptimError::check_finite(Quantity::Gradient, step, &[self.gradient_norm])
    }

    /// Fills the buffers at θ, forgetting the linearisation.
    pub(crate) fn evaluate_at(
        &mut self,
        objective: &Objective<'_>,
        theta: &[f64],
        step: u64,
    ) -> Result<(), OptimError> {
        ModelError::check_parameters(theta, objective.dims())?;
        let linearization = objective.map().linearize(theta)?;
        self.evaluate(objective, linearization.as_ref(), step)
    }

    /// The report on a step `δ` with the linear prediction of its gain.
    pub(crate) fn report(&self, tangent: &[f64], learning_rate: f64) -> Step {
        let predicted_decrease = -dot(&self.gradient, tangent);
        Step {
            learning_rate,
            ..Step::new(
                self.loss,
                self.gradient_norm,
                norm(tangent),
                predicted_decrease,
            )
        }
    }

    /// The report on a step that came to nothing while θ waits.
    pub(crate) fn exploring(&self) -> Step {
        Step {
            accepted: false,
            exploring: true,
            actual_decrease: Some(0.0),
            ..self.report(&[], 1.0)
        }
    }
}

/// `θ ← θ + δ`, if both δ and the sum are finite.
pub(crate) fn advance(theta: &mut [f64], tangent: &[f64], step: u64) -> Result<(), OptimError> {
    OptimError::check_finite(Quantity::Step, step, tangent)?;
    let overflown = theta.iter().zip(tangent).map(|(t, d)| t + d);
    if let Some(value) = overflown.into_iter().find(|t| !t.is_finite()) {
        return Err(OptimError::NonFinite {
            what: Quantity::Parameter,
            step,
            value,
        });
    }
    for (t, d) in theta.iter_mut().zip(tangent) {
        *t += d;
    }
    Ok(())
}

/// Makes a state of `P` zeros for the first step, and passes later ones only with the same `P`.
pub(crate) fn same_parameters(
    state: &mut Vec<f64>,
    dims: Dims,
    step: u64,
) -> Result<(), OptimError> {
    if step == 1 {
        state.clear();
        state.resize(dims.parameters, 0.0);
    }
    if state.len() == dims.parameters {
        return Ok(());
    }
    Err(OptimError::Dimension {
        expected: state.len(),
        got: dims.parameters,
    })
}

/// In eight sums side by side, for one sum is bound by the latency of an addition.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Euclidean length; does not overflow or underflow before its result does.
pub(crate) fn norm(v: &[f64]) -> f64 {
    let squared = dot(v, v);
    if squared.is_normal() {
        return squared.sqrt();
    }
    let largest = v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest > 0.0 {
        let sum: f64 = v.iter().map(|x| (x / largest).powi(2)).sum();
        return largest * sum.sqrt();
    }
    squared // zero, or NaN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_survives_where_its_square_does_not() {
        for scale in [1e-200, 1.0, 1e200] {
            let v = [3.0 * scale, -4.0 * scale];
            assert!((norm(&v) / (5.0 * scale) - 1.0).abs() < 1e-15);
        }
        assert!(norm(&[]).abs() < f64::MIN_POSITIVE && norm(&[0.0]).abs() < f64::MIN_POSITIVE);
        assert!(norm(&[f64::NAN]).is_nan() && norm(&[f64::MAX; 4]).is_infinite());
    }
}
