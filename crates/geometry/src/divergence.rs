use crate::MetricError;
use neuromanifold_model::{Dims, Likelihood, OutputMap};

/// `D(θ : θ')`, the mean over the batch of the Kullback–Leibler divergences of the predicted laws, in nats.
///
/// `D = (1/N) Σ_s D(p(·|x_s; θ) : p(·|x_s; θ'))`, each term in the likelihood's closed form, accurate for points
/// arbitrarily close to each other. Never negative, and zero exactly for points that predict the same laws on the batch:
/// it is a distance on the quotient of parameters by functional equivalence, not on parameters.
///
/// Cost: two forward passes.
///
/// # Errors
/// [`MetricError::Model`] if the map cannot be evaluated at a point, [`MetricError::Empty`],
/// [`MetricError::Likelihood`].
///
/// ```
/// use neuromanifold_geometry::kullback_leibler;
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// let net = Mlp::committee(1, 2, Activation::Tanh)?;
/// let batch = net.on_slice(&[-1.0, 0.5, 2.0])?;
/// let theta = [0.4, 1.5, 1.0, -2.0]; // w₁, w₂, v₁, v₂
/// let mirrored = [-0.4, 1.5, -1.0, -2.0]; // (w, v) ↦ (−w, −v): the same function
/// assert_eq!(kullback_leibler(&batch, &Gaussian::UNIT, &theta, &mirrored)?, 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn kullback_leibler(
    map: &dyn OutputMap,
    likelihood: &dyn Likelihood,
    theta: &[f64],
    other: &[f64],
) -> Result<f64, MetricError> {
    let (dims, z, z_other) = both_outputs(map, likelihood, theta, other)?;
    let total: f64 = examples(&z, dims)
        .zip(examples(&z_other, dims))
        .map(|(z, z_other)| likelihood.divergence(z, z_other))
        .sum();
    Ok(total / dims.examples as f64)
}

/// A mean over random draws, with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The sample mean.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// `D(θ : θ')` by its definition: the mean of `log p(y|x;θ) − log p(y|x;θ')` over targets drawn from the model at θ.
///
/// The cross-check of [`kullback_leibler`], and the only way for a likelihood without a closed form. Unbiased; the error
/// falls as `1/√(N·draws)` and does not get smaller relative to `D` as the points approach each other.
///
/// # Errors
/// As [`kullback_leibler`]; [`MetricError::Draws`] for fewer than two, of which no error can be estimated.
pub fn kullback_leibler_monte_carlo(
    map: &dyn OutputMap,
    likelihood: &dyn Likelihood,
    theta: &[f64],
    other: &[f64],
    draws: usize,
    rng: &mut dyn rand::Rng,
) -> Result<Estimate, MetricError> {
    let (dims, z, z_other) = both_outputs(map, likelihood, theta, other)?;
    if draws < 2 {
        return Err(MetricError::Draws { draws, at_least: 2 });
    }
    let mut y = vec![0.0; likelihood.target_len(dims.outputs)];
    let (mut mean, mut spread) = (0.0, 0.0);
    // The examples are fixed, so only the spread of y around each of them counts.
    for (z, z_other) in examples(&z, dims).zip(examples(&z_other, dims)) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..draws {
            likelihood.sample(z, rng, &mut y);
            let ratio = likelihood.negative_log_likelihood(z_other, &y)
                - likelihood.negative_log_likelihood(z, &y);
            sum += ratio;
            squares += ratio * ratio;
        }
        let own = sum / draws as f64;
        mean += own;
        spread += (squares / draws as f64 - own * own).max(0.0) / (draws - 1) as f64;
    }
    let examples = dims.examples as f64;
    Ok(Estimate {
        mean: mean / examples,
        standard_error: spread.sqrt() / examples,
    })
}

fn both_outputs(
    map: &dyn OutputMap,
    likelihood: &dyn Likelihood,
    theta: &[f64],
    other: &[f64],
) -> Result<(Dims, Vec<f64>, Vec<f64>), MetricError> {
    let dims = map.dims();
    if dims.is_empty() {
        return Err(MetricError::Empty { dims });
    }
    likelihood.check_outputs(dims.outputs)?;
    let mut z = vec![0.0; dims.output_len()];
    let mut z_other = z.clone();
    map.outputs(theta, &mut z)?;
    map.outputs(other, &mut z_other)?;
    Ok((dims, z, z_other))
}

fn examples(z: &[f64], dims: Dims) -> std::slice::ChunksExact<'_, f64> {
    z.chunks_exact(dims.outputs)
}
