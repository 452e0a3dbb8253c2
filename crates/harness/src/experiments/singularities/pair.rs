//! A network of two units, near the strata.

use faer::Mat;
use neuromanifold_geometry::OutputFactor;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};

use crate::HarnessError;

/// Inputs of the small network that approaches the strata.
pub(super) const INPUTS: usize = 3;

/// Two units around a common weight, apart by `delta` along a unit vector; biases equal.
pub(super) fn overlapping(delta: f64) -> Vec<f64> {
    imbalanced(delta, 0.3 / 1.3)
}

/// The same with outgoing weights `v_{1,2} = 0.65 (1 ± z)`.
pub(super) fn imbalanced(delta: f64, z: f64) -> Vec<f64> {
    let (w, d) = ([0.6, -0.8, 0.4], [0.6, 0.0, 0.8]);
    let unit = |side: f64| (0..INPUTS).map(move |i| w[i] + 0.5 * side * delta * d[i]);
    let mut theta: Vec<f64> = unit(-1.0).chain(unit(1.0)).collect();
    theta.extend([0.2, 0.2, 0.65 * (1.0 + z), 0.65 * (1.0 - z), 0.1]);
    theta
}

/// Two different units, the second with outgoing weight `v`.
pub(super) fn vanishing(v: f64) -> Vec<f64> {
    vec![0.6, -0.8, 0.4, -0.3, 0.5, 0.9, 0.2, -0.3, 0.8, v, 0.1]
}

/// Eigenvalues of `G`, ascending, as squared singular values of the columns `A`, `G = A Aᵀ`.
pub(super) fn eigenvalues(theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>, HarnessError> {
    let net = Mlp::new(&[INPUTS, 2, 1], Activation::Erf)?;
    let batch = net.on_slice(inputs)?;
    let at = batch.linearize(theta)?;
    let factor = OutputFactor::fisher(at.as_ref(), &Gaussian::UNIT)?;
    let examples = inputs.len() / INPUTS;
    let mut columns = Mat::zeros(theta.len(), examples);
    at.pullback(factor.cotangents(), 0..examples, columns.as_mut());
    let mut values = columns
        .singular_values()
        .map_err(|_| neuromanifold_geometry::MetricError::Eigen { dim: theta.len() })?;
    values.reverse();
    Ok(values.iter().map(|s| s * s).collect())
}
