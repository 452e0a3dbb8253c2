use super::{QuotientError, Shallow};
use crate::MetricError;
use neuromanifold_model::Likelihood;

/// A shift of all outputs by the same function of the last hidden layer, `v_{kα} += t_α` and `c_k += t₀` for every `k`.
///
/// Softmax divides it out, `p(y | z + t·1) = p(y | z)`, so it changes the function but not the law `p(y | x; θ)`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Gauge {
    /// `t_α`, one a unit of the last hidden layer (an input, if there is no hidden layer).
    pub weights: Vec<f64>,
    /// `t₀`; 0 where the outputs have no bias.
    pub bias: f64,
}

/// Whether a law of that many outputs does not see a common shift of them: its Fisher matrix in the outputs misses one direction.
pub(crate) fn is_blind_to_shifts(likelihood: &dyn Likelihood, outputs: usize) -> bool {
    outputs >= 2 && likelihood.factor_rank(outputs) == outputs - 1
}

/// The same, after asking whether the law can be read off that many outputs at all.
///
/// # Errors
/// [`QuotientError::Metric`].
pub(crate) fn checked(likelihood: &dyn Likelihood, outputs: usize) -> Result<bool, QuotientError> {
    (likelihood.check_outputs(outputs)).map_err(MetricError::from)?;
    Ok(is_blind_to_shifts(likelihood, outputs))
}

/// The same law with the last output as reference, `z_k − z_K`: as multinomial regression fixes the gauge.
pub(crate) fn fixed(shallow: &Shallow) -> Shallow {
    let mut fixed = shallow.clone();
    for unit in &mut fixed.units {
        refer_to_last(&mut unit.outgoing);
    }
    refer_to_last(&mut fixed.constant);
    fixed
}

/// `z_k − z_K` for all `k`; the last becomes 0.
pub(crate) fn refer_to_last(outputs: &mut [f64]) {
    if let Some(last) = outputs.last().copied() {
        outputs.iter_mut().for_each(|z| *z -= last);
    }
}
