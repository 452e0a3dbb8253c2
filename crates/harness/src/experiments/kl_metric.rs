//! Is the Fisher matrix the metric of the divergence, in the normalisation used here?

use neuromanifold_geometry::{DenseFisher, Metric, kullback_leibler, kullback_leibler_monte_carlo};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Gaussian, Likelihood, OutputMap};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::fit::log_log_slope;
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};

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
        report_orders(&mut record, &cases, &measured);
        normalisation(context, &mut record)?;
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

fn report_orders(record: &mut Record, cases: &[Case], measured: &[Measured]) {
    let panels = |quantity: fn(&Measured) -> &Vec<f64>, axis: Axis, guide: (&str, f64, i32)| {
        ["one hidden layer", "two hidden layers"].map(|depth| {
            let mut panel = Panel::new(depth, Axis::log("|dθ|"), axis.clone());
            let (label, at_one, order) = guide;
            let ends = [1e-7, 1.0];
            panel = panel.with(Series::guide(
                label,
                ends,
                ends.map(|x: f64| at_one * x.powi(order)),
            ));
            for (case, m) in cases
                .iter()
                .zip(measured)
                .filter(|(case, _)| case.depth == depth)
            {
                let x = m.lengths.iter().copied();
                panel = panel.with(Series::line(case.law, x, quantity(m).iter().copied()));
            }
            panel
        })
    };
    record.figure(
        Figure::multiples(
            "ratio",
            "The ratio of the divergence to half the squared length tends to one in proportion to the length of the step \
             (root mean square over random directions). Below 10^{−7} or so the rounding of θ + dθ would take over.",
            panels(|m| &m.deviation, Axis::log("|D / ½dθᵀG dθ − 1|"), ("|dθ|", 1.0, 1)),
        )
        .share_y(),
    );
    record.figure(
        Figure::multiples(
            "remainder",
            "What the quadratic form leaves of the divergence falls as the cube of the step, until the last digits of \
             both are all that is left.",
            panels(
                |m| &m.remainder,
                Axis::log("|D − ½dθᵀG dθ|").unit("nats").limits(1e-24, 10.0),
                ("|dθ|^{3}", 1.0, 3),
            ),
        )
        .share_y(),
    );
    let columns = [
        Column::text("network"),
        Column::text("likelihood"),
        Column::new("P"),
        Column::new("order of the remainder").digits(4),
        Column::new("deviation of the ratio at |dθ| = 10^{−4}").digits(3),
    ];
    let mut table = Table::new(
        "orders",
        "The fitted order of the remainder, |dθ| from 10^{−4} to 10^{−1}.",
        columns,
    );
    for (case, m) in cases.iter().zip(measured) {
        let parameters = case.net.parameters();
        let at = m
            .lengths
            .iter()
            .position(|l| *l < 1.1e-4)
            .map_or(f64::NAN, |k| m.deviation[k]);
        table.row([
            case.net.to_string().into(),
            case.law.into(),
            parameters.into(),
            m.order.into(),
            at.into(),
        ]);
        record.claim(Claim::at_least(
            format!(
                "order of the remainder in |dθ|: {}, {}",
                case.law, case.depth
            ),
            2.9,
            m.order,
        ));
        record.claim(Claim::at_most(
            format!(
                "root mean square of D / ½dθᵀG dθ − 1 at |dθ| = 10^{{−4}}: {}, {}",
                case.law, case.depth
            ),
            1e-3,
            at,
        ));
    }
    record.table(table);
}

/// `G = E[∇f ∇fᵀ]/σ²` against the `1/(4σ²)` that some texts print, and where the quarter comes from.
fn normalisation(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
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

fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    vector.iter_mut().for_each(|v| *v /= norm);
    vector
}
