use super::TrainingError;
use super::standardized::on_raw_data;
use crate::data::{Dataset, Fractions, Split, Standardizer, Task};
use crate::fnv::Fnv;
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Bernoulli, Categorical, Dims, Gaussian, Likelihood, OutputMap};
use neuromanifold_optim::Objective;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A network, data to train it on and data to judge it by.
///
/// Inputs, and the targets of a regression, are standardised with means and deviations of the training part. The likelihood is
/// that of the task: Gaussian noise of deviation 1 on standardised targets, Bernoulli for two classes, else categorical.
#[derive(Debug)]
pub struct Problem {
    net: Mlp,
    train: Dataset,
    validation: Option<Dataset>,
    standardizer: Standardizer,
    likelihood: Box<dyn Likelihood>,
    seed: u64,
    fingerprint: u64,
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the network is trained on.
    Training,
    /// What it is judged by; the training part, if nothing was put aside.
    Validation,
}

impl Problem {
    /// Puts a fraction of the examples aside for validation, at random, and learns to standardise from the others.
    ///
    /// # Errors
    /// [`TrainingError::Inputs`], [`TrainingError::Outputs`], [`TrainingError::NoBias`] or [`TrainingError::NotLinear`] for
    /// a network that does not go with the data, [`TrainingError::Data`] for too few examples or a senseless fraction.
    pub fn new(
        data: &Dataset,
        net: Mlp,
        validation: f64,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        check(&net, data)?;
        let fractions = Fractions::new(validation, 0.0)?;
        let parts = Split::random(data.len(), fractions, &mut stream(seed, SPLIT))?.apply(data);
        let standardizer = match data.task() {
            Task::Regression { .. } => Standardizer::inputs_and_targets(&parts.train)?,
            Task::Binary | Task::Classification { .. } => Standardizer::inputs(&parts.train)?,
        };
        let train = standardizer.apply(&parts.train)?;
        let validation = match parts.validation.is_empty() {
            true => None,
            false => Some(standardizer.apply(&parts.validation)?),
        };
        let likelihood: Box<dyn Likelihood> = match data.task() {
            Task::Regression { .. } => Box::new(Gaussian::UNIT),
            Task::Binary => Box::new(Bernoulli),
            Task::Classification { .. } => Box::new(Categorical),
        };
        let mut hash = Fnv::new()
            .text(env!("CARGO_PKG_VERSION"))
            .text(&net.to_string())
            .text(&data.task().to_string())
            .word(seed)
            .numbers(
                parts
                    .train
                    .inputs()
                    .col_iter()
                    .fold(Vec::new(), flat)
                    .as_slice(),
            )
            .numbers(parts.train.targets())
            .numbers(
                parts
                    .validation
                    .inputs()
                    .col_iter()
                    .fold(Vec::new(), flat)
                    .as_slice(),
            )
            .numbers(parts.validation.targets());
        for name in data.class_names() {
            hash = hash.text(name);
        }
        Ok(Self {
            net,
            train,
            validation,
            standardizer,
            likelihood,
            seed,
            fingerprint: hash.finish(),
        })
    }

    /// The network.
    #[must_use]
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// A part of the data, standardised.
    #[must_use]
    pub fn part(&self, part: Part) -> &Dataset {
        match (part, &self.validation) {
            (Part::Validation, Some(validation)) => validation,
            _ => &self.train,
        }
    }

    /// Whether there is a validation part.
    #[must_use]
    pub fn validates(&self) -> bool {
        self.validation.is_some()
    }

    /// How the data were standardised.
    #[must_use]
    pub fn standardizer(&self) -> &Standardizer {
        &self.standardizer
    }

    /// The law of the targets, in standardised units.
    #[must_use]
    pub fn likelihood(&self) -> &dyn Likelihood {
        self.likelihood.as_ref()
    }

    /// The seed of the split, of the first parameters and of the order of the examples.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// `P`, `K` and the `N` of the training part.
    #[must_use]
    pub fn dims(&self) -> Dims {
        Dims {
            parameters: self.net.parameters(),
            outputs: self.net.outputs(),
            examples: self.train.len(),
        }
    }

    /// The loss on a part: for a regression the mean squared residual in units of each target's variance on the training part (1
    /// for who predicts the mean, 0 for an exact fit), for classes the mean negative log-likelihood in nats.
    ///
    /// # Errors
    /// [`TrainingError::Model`] if θ cannot be evaluated.
    pub fn loss(&self, part: Part, theta: &[f64]) -> Result<f64, TrainingError> {
        let data = self.part(part);
        let outputs = self.outputs(part, theta)?;
        if let Task::Regression { .. } = data.task() {
            let squares = (outputs.iter().zip(data.targets())).map(|(z, y)| (z - y) * (z - y));
            return Ok(squares.sum::<f64>() / outputs.len() as f64);
        }
        let batch = self.net.on(data.inputs())?;
        let objective = Objective::new(&batch, self.likelihood(), data.targets())?;
        Ok(objective.loss_at(&outputs))
    }

    /// The outputs on a part, for standardised targets.
    ///
    /// # Errors
    /// [`TrainingError::Model`] if θ cannot be evaluated.
    pub fn outputs(&self, part: Part, theta: &[f64]) -> Result<Vec<f64>, TrainingError> {
        let batch = self.net.on(self.part(part).inputs())?;
        let mut outputs = vec![0.0; batch.dims().output_len()];
        batch.outputs(theta, &mut outputs)?;
        Ok(outputs)
    }

    /// The share of examples of a part whose class has the largest probability; `None` for a regression.
    ///
    /// # Errors
    /// [`TrainingError::Model`] if θ cannot be evaluated.
    pub fn accuracy(&self, part: Part, theta: &[f64]) -> Result<Option<f64>, TrainingError> {
        let data = self.part(part);
        if let Task::Regression { .. } = data.task() {
            return Ok(None);
        }
        let outputs = self.outputs(part, theta)?;
        let right = (outputs.chunks_exact(self.net.outputs()).zip(data.targets()))
            .filter(|(z, y)| (class(z) as f64).total_cmp(y).is_eq())
            .count();
        Ok(Some(right as f64 / data.len() as f64))
    }

    /// The variance of the noise on each target in its own unit, for a regression: the mean squared residual on the validation
    /// part; without one the sum of squares on the training part over `N − P/K` examples, or over `N` where there are
    /// more parameters than that.
    ///
    /// # Errors
    /// [`TrainingError::Model`] if θ cannot be evaluated.
    pub fn noise(&self, theta: &[f64]) -> Result<Vec<f64>, TrainingError> {
        let scales = self.standardizer.target_scales();
        if scales.is_empty() {
            return Ok(Vec::new());
        }
        let data = self.part(Part::Validation);
        let outputs = self.outputs(Part::Validation, theta)?;
        let count = scales.len();
        let mut sums = vec![0.0; count];
        for (k, (z, y)) in outputs.iter().zip(data.targets()).enumerate() {
            let residual = (z - y) * scales[k % count];
            sums[k % count] += residual * residual;
        }
        let examples = data.len() as f64;
        let free = examples - self.net.parameters() as f64 / count as f64;
        let divisor = if self.validates() || free < 1.0 {
            examples
        } else {
            free
        };
        sums.iter_mut().for_each(|sum| *sum /= divisor);
        Ok(sums)
    }

    /// The same network for data in their own units; see [`on_raw_data`].
    ///
    /// # Errors
    /// [`TrainingError::Unit`] where a weight overflows.
    pub fn raw(&self, theta: &[f64]) -> Result<Vec<f64>, TrainingError> {
        on_raw_data(&self.net, theta, &self.standardizer)
    }

    /// A hash of the data, the network and the seed.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// The class that outputs speak for: of one logit, whether it is positive; else the largest.
fn class(outputs: &[f64]) -> usize {
    if let [logit] = outputs {
        return usize::from(*logit > 0.0);
    }
    let largest = outputs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    largest.map_or(0, |(index, _)| index)
}

/// Stream of the generator that splits the data.
const SPLIT: u64 = 0;
/// Stream of the one that draws the first parameters.
pub(super) const START: u64 = 1;
/// Stream of the order of the first epoch; later ones follow.
pub(super) const EPOCHS: u64 = 2;

/// A generator for one purpose.
pub(super) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

fn check(net: &Mlp, data: &Dataset) -> Result<(), TrainingError> {
    let (layers, last) = (net.layers(), net.layers().len() - 1);
    if net.inputs() != data.input_dimension() {
        return Err(TrainingError::Inputs {
            network: net.inputs(),
            data: data.input_dimension(),
        });
    }
    if net.outputs() != data.output_dimension() {
        return Err(TrainingError::Outputs {
            network: net.outputs(),
            expected: data.output_dimension(),
            task: data.task(),
        });
    }
    if layers[last].activation() != Activation::Identity {
        return Err(TrainingError::NotLinear);
    }
    match [0, last]
        .into_iter()
        .find(|layer| !layers[*layer].has_bias())
    {
        Some(layer) => Err(TrainingError::NoBias { layer }),
        None => Ok(()),
    }
}

fn flat(mut all: Vec<f64>, column: faer::ColRef<'_, f64>) -> Vec<f64> {
    all.extend(column.iter());
    all
}
