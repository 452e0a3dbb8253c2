//! Standard deviations of outputs, from the Fisher metric on the examples of the fit.

use crate::train::TrainFailure;
use crate::train::saved::{EXAMPLES, NOISE, read_list};
use neuromanifold_geometry::RankTolerance;
use neuromanifold_geometry::faer::Mat;
use neuromanifold_harness::data::{Dataset, Standardizer};
use neuromanifold_harness::training::{TrainingError, on_standardized_data};
use neuromanifold_io::{Array, Network};
use neuromanifold_mlp::{Mlp, MlpError};
use neuromanifold_model::{Gaussian, OutputMap};
use neuromanifold_optim::OptimError;
use neuromanifold_optim::uncertainty::Covariance;
use std::path::Path;

/// The largest metric whose spectrum is computed.
const LARGEST: usize = 3000;

/// The covariance of an estimate of θ, and what it takes to carry it to outputs.
///
/// The metric is that of inputs of mean 0 and deviation 1 and of outputs in units of their noise, where its eigenvalues are as
/// close together as the network lets them be.
#[derive(Debug)]
pub(super) struct Bars {
    net: Mlp,
    theta: Vec<f64>,
    standardizer: Standardizer,
    covariance: Covariance,
    /// Deviation of the noise on each output.
    noise: Vec<f64>,
}

/// One output of one example.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    /// Standard deviation of the estimate.
    pub(super) deviation: f64,
    /// Half the width of the interval for a new observation.
    pub(super) reach: f64,
}

impl Bars {
    pub(super) fn new(
        network: &Network,
        path: &Path,
        noise: &[f64],
        examples: &Array,
    ) -> Result<Self, TrainFailure> {
        let net = network.mlp.clone();
        let (outputs, parameters) = (net.outputs(), net.parameters());
        if parameters > LARGEST {
            return Err(TrainFailure::TooLarge {
                parameters,
                limit: LARGEST,
            });
        }
        let variances = variances(network, path, noise)?;
        let noise: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        let x = examples.examples();
        let any = Mat::zeros(outputs, x.ncols());
        let data = Dataset::regression("training data", x, any.as_ref())?;
        let standardizer = Standardizer::inputs(&data)?;
        let data = standardizer.apply(&data)?;
        let mut theta = on_standardized_data(&net, &network.theta, &standardizer)?;
        let last = net.layers().len() - 1;
        let units: Vec<f64> = noise
            .iter()
            .map(|s| if *s > 0.0 { 1.0 / s } else { 1.0 })
            .collect();
        let mut weights = net.weights_mut(&mut theta, last);
        for (k, unit) in units.iter().enumerate() {
            for i in 0..weights.ncols() {
                weights[(k, i)] *= unit;
            }
        }
        if let Some(bias) = net.bias_mut(&mut theta, last) {
            bias.iter_mut().zip(&units).for_each(|(b, unit)| *b *= unit);
        }
        let count = network.metadata.get(EXAMPLES).and_then(|n| n.parse().ok());
        let count = count.unwrap_or(usize::MAX).clamp(1, examples.len());
        let covariance = {
            let batch = net.on(data.inputs()).map_err(super::fail)?;
            let linearization = batch.linearize(&theta).map_err(evaluation)?;
            let tolerance = RankTolerance::rounding(parameters);
            Covariance::by_singular_values(
                linearization.as_ref(),
                &Gaussian::UNIT,
                count,
                tolerance,
            )
            .map_err(optim)?
        };
        Ok(Self {
            net,
            theta,
            standardizer,
            covariance,
            noise,
        })
    }

    /// The bars at these inputs, one example after the other.
    pub(super) fn at(&self, inputs: &Array, level: f64) -> Result<Vec<Bar>, TrainFailure> {
        let x = inputs.examples();
        let any = Mat::zeros(self.net.outputs(), x.ncols());
        let data = Dataset::regression("data", x, any.as_ref())?;
        let data = self.standardizer.apply(&data)?;
        let batch = self.net.on(data.inputs()).map_err(super::fail)?;
        let linearization = batch.linearize(&self.theta).map_err(evaluation)?;
        let band = self
            .covariance
            .band(linearization.as_ref())
            .map_err(optim)?;
        let wide = band.clone().with_noise(1.0).map_err(optim)?;
        let intervals = wide.intervals(level).map_err(optim)?;
        let bars = (band.deviations().iter().zip(&intervals)).enumerate();
        Ok(bars
            .map(|(k, (deviation, (low, high)))| {
                let unit = self.noise[k % self.noise.len()];
                let reach = if deviation.is_finite() {
                    0.5 * (high - low)
                } else {
                    f64::INFINITY
                };
                Bar {
                    deviation: unit * deviation,
                    reach: unit * reach,
                }
            })
            .collect())
    }
}

/// Those of the arguments, else those of the file: one for each output.
fn variances(network: &Network, path: &Path, given: &[f64]) -> Result<Vec<f64>, TrainFailure> {
    let outputs = network.mlp.outputs();
    let kept = if given.is_empty() {
        read_list::<f64>(network, path, NOISE, outputs)?
    } else {
        Some(given.to_vec())
    };
    let sound = |variances: &Vec<f64>| {
        variances.len() == outputs && variances.iter().all(|v| *v >= 0.0 && v.is_finite())
    };
    kept.filter(sound).ok_or_else(|| TrainFailure::Noise {
        path: path.to_owned(),
        outputs,
    })
}

fn evaluation(error: neuromanifold_model::ModelError) -> TrainFailure {
    super::fail(MlpError::Evaluation(error))
}

fn optim(error: OptimError) -> TrainFailure {
    TrainFailure::Training(TrainingError::from(error))
}
