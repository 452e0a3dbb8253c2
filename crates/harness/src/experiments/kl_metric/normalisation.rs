//! Which factor stands in front of the metric.

use neuromanifold_geometry::{DenseFisher, Metric, kullback_leibler, kullback_leibler_monte_carlo};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{SIGMA, normals, unit};
use crate::{Claim, Context, HarnessError, Record};

/// `G = E[∇f ∇fᵀ]/σ²` against the `1/(4σ²)` that some texts print, and where the quarter comes from.
pub(super) fn report(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let mut rng = context.rng(100);
    let net = Mlp::committee(3, 4, Activation::Erf)?;
    let inputs = normals(3 * 200, &mut rng);
    let theta = net.initialize(Initialization::LeCun, &mut rng);
    let batch = net.on_slice(&inputs)?;
    let noise = Gaussian::new(SIGMA)?;
    let linearization = batch.linearize(&theta)?;
    let fisher = DenseFisher::new(linearization.as_ref(), &noise)?;
    let direction = unit(normals(theta.len(), &mut rng));
    let moved: Vec<f64> = theta
        .iter()
        .zip(&direction)
        .map(|(t, d)| t + 1e-4 * d)
        .collect();
    let half_length = 0.5 * 1e-8 * fisher.norm_squared(&direction);
    let divergence = kullback_leibler(&batch, &noise, &theta, &moved)?;

    // A longer step for the definition of D by sampling, whose error does not shrink with the step.
    let far: Vec<f64> = theta
        .iter()
        .zip(&direction)
        .map(|(t, d)| t + 0.5 * d)
        .collect();
    let closed = kullback_leibler(&batch, &noise, &theta, &far)?;
    let draws = context.pick(2_000, 20_000, 200_000);
    let sampled = kullback_leibler_monte_carlo(&batch, &noise, &theta, &far, draws, &mut rng)?;

    let (right, forgetful) = score_covariance(linearization.outputs(), 200_000, &mut rng);
    record.heading("One over σ², not one over 4σ²");
    record.paragraph(
        "For Gaussian noise G = E[∇f ∇fᵀ]/σ². Some texts print 1/(4σ²) instead. That matrix is not the metric of the \
         divergence: with it the ratio below is 4. It is what one gets on forgetting the 2 of d(e²) in the score, or by \
         measuring in √p instead of log p. As a learning direction it is the same, with four times the step; but a step of \
         1/t is then no longer the statistically efficient one.",
    );
    record.claim(Claim::close(
        "D / ½dθᵀG dθ with G = E[∇f ∇fᵀ]/σ²",
        1.0,
        divergence / half_length,
        1e-3,
    ));
    record.claim(Claim::close(
        "D / ½dθᵀG dθ with G = E[∇f ∇fᵀ]/(4σ²): the quarter is refuted",
        4.0,
        divergence / (half_length / 4.0),
        4e-3,
    ));
    record.claim(Claim::close(
        "variance of the score in f, times σ²: the right derivative of −(y−f)²/2σ²",
        1.0,
        right,
        0.02,
    ));
    record.claim(Claim::close(
        "the same with the 2 of d(e²) forgotten: where the quarter comes from",
        0.25,
        forgetful,
        0.005,
    ));
    record.claim(Claim::close(
        "D by sampling y against the closed form, in standard errors",
        0.0,
        (sampled.mean - closed) / sampled.standard_error,
        4.0,
    ));
    Ok(())
}

/// `σ² E[(∂l/∂f)²]` by sampling, with the derivative of the squared error taken right and taken without its 2.
fn score_covariance(outputs: &[f64], draws: usize, rng: &mut ChaCha8Rng) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for k in 0..draws {
        let noise: f64 = StandardNormal.sample(rng);
        let f = outputs[k % outputs.len()];
        let y = f + SIGMA * noise;
        let right = (y - f) / (SIGMA * SIGMA);
        let forgetful = (y - f) / (2.0 * SIGMA * SIGMA);
        sums.0 += SIGMA * SIGMA * right * right / draws as f64;
        sums.1 += SIGMA * SIGMA * forgetful * forgetful / draws as f64;
    }
    sums
}
