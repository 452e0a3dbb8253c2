//! Is the Fisher matrix the metric of the divergence, in the normalisation used here?

mod normalisation;
mod orders;

use neuromanifold_geometry::{DenseFisher, Metric, kullback_leibler};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, OutputMap};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::fit::log_log_slope;
use crate::{Context, Experiment, HarnessError, Record, Source};

/// `kl-metric`: `D(θ:θ+dθ)` against `½dθᵀGdθ` for three likelihoods and two depths, and the factor ¼ refuted.
#[derive(Debug)]
pub struct KlMetric;

/// The noise level of the Gaussian cases.
const SIGMA: f64 = 0.5;
/// Lengths of dθ: from a visible step to one whose divergence is 1e-14 nats.
const LENGTHS: usize = 29;
/// The order is fitted where the remainder stands clear of rounding.
const FITTED: std::ops::RangeInclusive<f64> = 1e-4..=1e-1;

/// One network with its likelihood.
struct Case {
    law: &'static str,
    depth: &'static str,
    net: Mlp,
    likelihood: Box<dyn Likelihood>,
}

/// What was measured along random directions, one entry a length.
struct Measured {
    lengths: Vec<f64>,
    /// Root mean square over directions of `D / ½dθᵀGdθ − 1`.
    deviation: Vec<f64>,
    /// Root mean square over directions of `D − ½dθᵀGdθ`, in nats.
    remainder: Vec<f64>,
    /// The remainder's order in `|dθ|`.
    order: f64,
}

impl Experiment for KlMetric {
    fn name(&self) -> &'static str {
        "kl-metric"
    }

    fn title(&self) -> &'static str {
        "The Fisher matrix is the metric of the divergence"
    }

    fn question(&self) -> &'static str {
        "Is D(θ : θ+dθ) = ½dθᵀG dθ + O(|dθ|^{3}) nats, and with which factor in front of G?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "S. Amari",
                1998,
                "Natural gradient works efficiently in learning",
                "Neural Computation 10(2), 251–276",
            )
            .doi("10.1162/089976698300017746"),
            Source::new(
                "H. Park, S. Amari, K. Fukumizu",
                2000,
                "Adaptive natural gradient learning algorithms for various stochastic models",
                "Neural Networks 13(7), 755–764",
            )
            .doi("10.1016/S0893-6080(00)00051-4"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        record.paragraph(
            "Each network gets a batch of Gaussian inputs and a random θ. Along random unit directions the step is \
             shortened from 1 to 10^{−7}, and the exact divergence of the predicted laws is set against the quadratic \
             form of the Fisher matrix. Nothing is fitted: the ratio must tend to one, and what is left must fall as \
             the cube of the step.",
        );
        let cases = cases()?;
        let directions = context.pick(8, 24, 96);
        let examples = context.pick(32, 64, 256);
        context.progress().begin("divergences", cases.len());
        let mut measured = Vec::new();
        for (stream, case) in cases.iter().enumerate() {
            context.check()?;
            context
                .progress()
                .note(format!("{}, {}", case.law, case.depth));
            let mut rng = context.rng(stream as u64);
            measured.push(measure(case, examples, directions, &mut rng)?);
            context.progress().advance(1);
        }
        orders::report(&mut record, &cases, &measured);
        normalisation::report(context, &mut record)?;
        Ok(record)
    }
}

fn cases() -> Result<Vec<Case>, HarnessError> {
    let mut cases = Vec::new();
    for (depth, hidden) in [
        ("one hidden layer", &[6][..]),
        ("two hidden layers", &[6, 5][..]),
    ] {
        for (law, outputs) in [("Gaussian", 2), ("Bernoulli", 2), ("categorical", 4)] {
            let mut builder = Mlp::builder(3);
            for width in hidden {
                builder = builder.layer(*width, Activation::Tanh);
            }
            let likelihood: Box<dyn Likelihood> = match law {
                "Gaussian" => Box::new(Gaussian::new(SIGMA)?),
                "Bernoulli" => Box::new(Bernoulli),
                _ => Box::new(Categorical),
            };
            let net = builder.layer(outputs, Activation::Identity).build()?;
            cases.push(Case {
                law,
                depth,
                net,
                likelihood,
            });
        }
    }
    Ok(cases)
}

fn measure(
    case: &Case,
    examples: usize,
    directions: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Measured, HarnessError> {
    let inputs = normals(3 * examples, rng);
    let theta = case.net.initialize(Initialization::LeCun, rng);
    let batch = case.net.on_slice(&inputs)?;
    let linearization = batch.linearize(&theta)?;
    let likelihood = case.likelihood.as_ref();
    let fisher = DenseFisher::new(linearization.as_ref(), likelihood)?;

    let lengths: Vec<f64> = (0..LENGTHS).map(|k| 10f64.powf(-0.25 * k as f64)).collect();
    let (mut deviation, mut remainder) = (vec![0.0; LENGTHS], vec![0.0; LENGTHS]);
    for _ in 0..directions {
        let direction = unit(normals(theta.len(), rng));
        for (k, length) in lengths.iter().enumerate() {
            let moved: Vec<f64> = theta
                .iter()
                .zip(&direction)
                .map(|(t, d)| t + length * d)
                .collect();
            // what was added after rounding, so that the smallest steps compare like with like
            let step: Vec<f64> = moved.iter().zip(&theta).map(|(m, t)| m - t).collect();
            let quadratic = 0.5 * fisher.norm_squared(&step);
            let divergence = kullback_leibler(&batch, likelihood, &theta, &moved)?;
            deviation[k] += (divergence / quadratic - 1.0).powi(2) / directions as f64;
            remainder[k] += (divergence - quadratic).powi(2) / directions as f64;
        }
    }
    for value in deviation.iter_mut().chain(&mut remainder) {
        *value = value.sqrt();
    }
    let fitted = lengths
        .iter()
        .zip(&remainder)
        .filter(|(length, _)| FITTED.contains(*length));
    let order = log_log_slope(fitted.map(|(length, r)| (*length, *r)));
    Ok(Measured {
        lengths,
        deviation,
        remainder,
        order,
    })
}

fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    vector.iter_mut().for_each(|v| *v /= norm);
    vector
}
